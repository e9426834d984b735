"""The wave before an expiry, by hand: shares that add up, days that terms forbid, danger where it is and not before."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.infra.ids import new_id
from hutong.insight import Stock, chances, forecast, profile, room, stretched
from hutong.insight.waves import ASSUMED, TENTHS, Profile
from hutong.kit.terms import Blackout, Terms, Window

TODAY = date(2026, 11, 20)  # a Friday
LATE = Profile((0.0,) * 8 + (0.2, 0.6), 500, "own")  # the crowd of the last days; a fifth never comes
SHOP = new_id()


def out(uses: int = 100, *, days: int = 20, first: int = 0, **terms: object) -> Stock:
    begins = TODAY + timedelta(days=first)
    return Stock(
        offer_id=new_id(),
        first=begins,
        last=begins + timedelta(days=days - 1),
        uses=uses,
        terms=Terms(**terms),  # type: ignore[arg-type]
    )


@given(
    counts=st.lists(st.integers(0, 500), min_size=TENTHS, max_size=TENTHS), never=st.integers(0, 500),
    length=st.integers(1, 200), age=st.integers(0, 199),
)  # fmt: skip
def test_what_is_left_of_a_life_adds_up(counts: list[int], never: int, length: int, age: int):
    """Expected uses and "never" are all of it, at any age and for any length; nobody comes after the end."""
    learnt = profile(counts, never, "own")
    assert sum(learnt.shares) + learnt.never == pytest.approx(1)
    stock = out(days=length)
    today = TODAY + timedelta(days=min(age, length - 1))
    found = chances(stock, learnt, today)
    assert all(share >= 0 for share in found.values())
    assert 0 < sum(found.values()) <= 1 + 1e-9
    assert min(found) >= today
    assert max(found) <= stock.last
    if age == 0:
        assert sum(found.values()) == pytest.approx(sum(learnt.shares))


def test_without_history_it_is_an_assumption_and_says_so():
    nothing = profile([0] * TENTHS, 0, "own")
    assert nothing.source == "none"
    assert nothing.shares == pytest.approx(ASSUMED)
    assert profile([50, *[0] * 9], 50, "own").source == "own"


def test_a_voucher_that_waited_comes_in_the_time_that_is_left():
    """Twenty days old of twenty: 60 of the 80 that are left to come or never come."""
    stock = out(100, days=20, first=-18)
    wave = forecast(SHOP, [stock], LATE, today=TODAY, days=5, capacity=dict.fromkeys(range(7), 20))
    # the last tenth is two days, and today is the first of them: 0.6 of 0.8 come on them
    assert [round(day.mid, 1) for day in wave.days] == [37.5, 37.5, 0, 0, 0]
    assert [day.level for day in wave.days[:3]] == [2, 2, 0]
    assert wave.days[1].ending == 100


def test_days_that_terms_forbid_get_nobody_and_the_others_more():
    weekdays = out(70, days=14, windows=(Window(weekdays=(0, 1, 2, 3, 4)),))
    shut = out(70, days=14, blackouts=(Blackout(TODAY, TODAY + timedelta(days=1)),))
    even = profile([10] * TENTHS, 0, "own")
    for stock in (weekdays, shut):
        found = chances(stock, even, TODAY)
        assert all(stock.allows(day) for day in found)
        assert len(found) in (10, 12)
        assert sum(found.values()) == pytest.approx(sum(chances(out(70, days=14), even, TODAY).values()))


def test_the_danger_is_the_day_on_which_more_come_than_can_be_served():
    capacity = dict.fromkeys(range(7), 12)
    wave = forecast(SHOP, [out(100)], LATE, today=TODAY, days=42, capacity=capacity, capacity_from="set")
    alert = wave.alert
    assert alert is not None
    assert alert.level == 2
    assert alert.day == TODAY + timedelta(days=18), "the last tenth of twenty days begins on the nineteenth"
    assert wave.quiet is not None
    assert wave.quiet.day < alert.day
    calm = forecast(SHOP, [out(100)], LATE, today=TODAY, days=42, capacity=dict.fromkeys(range(7), 200))
    assert calm.alert is None
    unknown = forecast(SHOP, [out(100)], LATE, today=TODAY, days=42, capacity=None)
    assert unknown.alert is None, "nobody knows what can be served, so nothing is said"


def test_what_could_never_be_served_is_seen_from_afar():
    wave = forecast(SHOP, [out(1_000)], LATE, today=TODAY, days=42, capacity=dict.fromkeys(range(7), 10))
    alert = wave.alert
    assert alert is not None
    assert (alert.level, alert.day) == (3, TODAY + timedelta(days=19))
    assert alert.outstanding == 1_000


def test_a_longer_validity_spreads_the_crowd_and_room_is_what_still_fits():
    capacity = dict.fromkeys(range(7), 20)
    stocks = [out(100)]
    wave = forecast(SHOP, stocks, LATE, today=TODAY, days=42, capacity=capacity, capacity_from="set")
    assert wave.alert is not None
    spread = forecast(SHOP, stretched(stocks, 14), LATE, today=TODAY, days=56, capacity=capacity)
    assert max(day.mid for day in spread.days) < max(day.mid for day in wave.days)
    assert room(wave, stocks, out(500)) == 0, "a day is too full already"
    small = [out(40)]
    quiet = forecast(SHOP, small, LATE, today=TODAY, days=42, capacity=capacity, capacity_from="set")
    more = room(quiet, small, out(500))
    assert 0 < more < 500
    for extra, level in ((more, 1), (more + 1, 2)):
        made = forecast(SHOP, [*small, out(extra)], LATE, today=TODAY, days=42, capacity=capacity)
        assert max(day.level for day in made.days) == level


@given(uses=st.integers(1, 400), capacity=st.integers(1, 60))
def test_the_interval_holds_what_is_expected(uses: int, capacity: int):
    wave = forecast(SHOP, [out(uses)], profile([5] * 10, 9, "own"), today=TODAY, days=30,
                    capacity=dict.fromkeys(range(7), capacity))  # fmt: skip
    for day in wave.days:
        assert day.low <= day.mid <= day.high
        assert day.free <= capacity
