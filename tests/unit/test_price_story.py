"""Thirty days of a price in words and a line."""

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hutong.catalog import PricePeriod
from hutong.kit.money import Amount
from hutong.web.consumer.prices import story

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def yuan(units: int) -> Amount:
    return Amount(units * 100, "CNY")


def offer(price: int, listed: int = 98) -> Any:
    """As much of an offer as the story reads."""
    return SimpleNamespace(price=yuan(price), list_price=yuan(listed))


def period(price: int, first: int, last: int | None) -> PricePeriod:
    """On the shelf from `first` days ago until `last` days ago (None: still)."""
    end = None if last is None else NOW - timedelta(days=last)
    return PricePeriod(price=yuan(price), list_price=yuan(98), valid_from=NOW - timedelta(days=first), valid_to=end)


def test_an_offer_that_was_never_sold_has_no_story():
    assert story(offer(68), [], NOW) is None


def test_what_is_older_than_thirty_days_does_not_count():
    """A price of two months ago makes nothing cheaper today."""
    told = story(offer(68), [period(98, 90, 60), period(68, 60, None)], NOW)
    assert told is not None
    assert (told.lowest, told.lowest_now, told.charged, told.days, told.line) == (yuan(68), True, False, 30, "")


def test_a_rise_is_not_hidden():
    told = story(offer(88), [period(68, 20, 5), period(88, 5, None)], NOW)
    assert told is not None
    assert (told.lowest, told.lowest_now, told.before, told.days) == (yuan(68), False, yuan(68), 20)
    points = [tuple(map(float, point.split(","))) for point in told.line.split()]
    assert points[0] == (102.0, 50.0)  # twenty days ago, the lowest
    assert points[-1] == (294.0, 6.0)  # now, the highest
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(points))


def test_a_list_price_that_was_asked_is_honest():
    told = story(offer(68), [period(98, 29, 10), period(68, 10, None)], NOW)
    assert told is not None
    assert told.charged
    assert told.changed_at == NOW - timedelta(days=10)
