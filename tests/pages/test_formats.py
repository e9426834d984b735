"""How values are written in both languages."""

from datetime import UTC, date, datetime

import pytest

from hutong.kit.geo import Point
from hutong.kit.money import Amount
from hutong.web.shared.formats import Formats

ZH, EN = Formats("zh", "Asia/Shanghai"), Formats("en", "Asia/Shanghai")
NIGHT = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)  # half past one of the next day in Shanghai


@pytest.mark.parametrize(
    ("units", "asset", "shown"),
    [(6800, "CNY", "¥68"), (990, "CNY", "¥9.90"), (5, "CNY", "¥0.05"), (0, "CNY", "¥0"),
     (123456700, "CNY", "¥1,234,567"),
     (-6000, "CNY", "−¥60"), (1234, "GRAIN", "1,234 GRAIN"), (1050, "EUR", "€10.50"), (500, "JPY", "¥500")],
)  # fmt: skip
def test_money_shows_cents_when_there_are_any(units: int, asset: str, shown: str):
    """The same number in the list, on the page and at the checkout, in both languages."""
    assert ZH.money(Amount(units, asset)) == shown
    assert EN.money(Amount(units, asset)) == shown


def test_the_sign_is_apart_from_the_digits():
    assert ZH.sign_and_digits(Amount(990, "CNY")) == ("¥", "9.90")


@pytest.mark.parametrize(
    ("price", "before", "zh", "en"),
    [(6800, 9800, "6.9折", "30% off"), (5000, 10000, "5折", "50% off"), (9800, 9800, "", ""), (0, 9800, "", ""),
     (1, 100_000, "0.1折", "99% off"), (9999, 10000, "", "")],
)  # fmt: skip
def test_how_much_less_it_costs(price: int, before: int, zh: str, en: str):
    """Chinese counts what is left in tenths, English what is taken off; nothing is said where nothing is taken."""
    assert ZH.off(Amount(price, "CNY"), Amount(before, "CNY")) == zh
    assert EN.off(Amount(price, "CNY"), Amount(before, "CNY")) == en


@pytest.mark.parametrize(
    ("metres", "zh", "en"),
    [(0, "10米", "10 m"), (347.2, "350米", "350 m"), (994, "990米", "990 m"), (996, "1公里", "1 km"),
     (1240, "1.2公里", "1.2 km"), (12_400, "12公里", "12 km"), (None, "", "")],
)  # fmt: skip
def test_distances_are_round(metres: float | None, zh: str, en: str):
    """Nobody walks to the metre."""
    assert ZH.distance(metres) == zh
    assert EN.distance(metres) == en


def test_days_are_those_of_the_city():
    """Half past one at night in Shanghai is the next day there, whatever day it is in Greenwich."""
    assert ZH.day(NIGHT) == "2026年11月21日"
    assert EN.day(NIGHT) == "Nov 21, 2026"
    assert EN.moment(NIGHT) == "Nov 21, 01:30"
    assert ZH.moment(NIGHT) == "11月21日 01:30"
    assert EN.time(NIGHT) == "01:30"
    assert EN.last_day(datetime(2026, 11, 20, 16, tzinfo=UTC)) == "Nov 20, 2026"
    assert EN.days(date(2027, 10, 1), date(2027, 10, 1)) == "Oct 1, 2027"
    assert "3" in EN.days(date(2027, 10, 1), date(2027, 10, 3))


def test_maps_get_the_coordinates_that_they_want():
    """A Chinese map draws shifted coordinates; the rest of the world does not."""
    assert "uri.amap.com" in ZH.map_url(Point(30.84, 112.71), "面吧")
    assert "openstreetmap" in ZH.map_url(Point(48.85, 2.35), "Bistro")
