"""Points as arithmetic: rounding, parts, what goes back, when they mature and end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.infra.ids import new_id
from hutong.kit.clock import local
from hutong.kit.text import Text
from hutong.programmes import Campaign, How, Partner, Parts, Policy, Rate, Tier
from hutong.programmes.arithmetic import (
    best_campaign,
    beyond,
    how_of,
    next_growth,
    parts,
    points,
    policy_at,
    rule_of,
    tier_of,
    times,
    worth,
)

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
PID = UUID(int=7)


def policy(version: int = 1, **rules) -> Policy:
    return Policy(programme_id=PID, version=version, **{"valid_from": NOW} | rules)


def partner(**terms) -> Partner:
    given = {"name": Text.both("n"), "home_city": 1, "mode": "prepaid", "joined_at": NOW} | terms
    return Partner(programme_id=PID, partner_id=UUID(int=8), **given)


@pytest.mark.parametrize(
    ("units", "rate", "expected"),
    [
        (6_399, Rate(), 63), (99, Rate(), 0), (100, Rate(), 1), (0, Rate(), 0),
        (150, Rate(rounding="half_up"), 2), (149, Rate(rounding="half_up"), 1),
        (1_000, Rate(points=3, per_units=700), 4), (999, Rate(least_units=1_000), 0),
        (1_000, Rate(least_units=1_000), 10), (-100, Rate(), 0),
    ],
)  # fmt: skip
def test_points_of_a_purchase(units: int, rate: Rate, expected: int):
    assert points(units, rate) == expected


rates = st.builds(
    Rate, points=st.integers(0, 50), per_units=st.integers(1, 10_000), least_units=st.integers(0, 5_000),
    rounding=st.sampled_from(["floor", "half_up"]),
)  # fmt: skip
hows = st.builds(
    How, rate=rates, category_bps=st.integers(0, 50_000), tier_bps=st.integers(10_000, 30_000),
    campaign_bps=st.integers(10_000, 50_000),
)  # fmt: skip


@given(hows, st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_money_never_gives_fewer_points_and_no_part_is_below_zero(how: How, one: int, other: int):
    less, more = parts(min(one, other), how), parts(max(one, other), how)
    assert all(
        0 <= a <= b for a, b in ((less.base, more.base), (less.bonus, more.bonus), (less.campaign, more.campaign))
    )


@given(hows, st.integers(0, 10**7), st.lists(st.integers(0, 10**7), max_size=5))
def test_what_goes_back_in_steps_is_what_goes_back_at_once(how: How, units: int, keeps: list[int]):
    given_ = parts(units, how)
    taken = Parts()
    for kept in sorted((min(kept, units) for kept in keeps), reverse=True):
        all_ = beyond(given_, kept, how)
        assert all_.points <= given_.points
        assert (all_.base, all_.bonus, all_.campaign) >= (taken.base, 0, 0)
        taken = all_
    assert beyond(given_, 0, how) == given_
    assert beyond(given_, units, how) == Parts()


@given(st.integers(1, 10**6), st.integers(1, 100), st.integers(0, 10_000))
def test_a_redeeming_partner_never_gets_more_than_the_face(count: int, face: int, bps: int):
    assert 0 <= worth(count, face, policy(redemption_bps=bps), partner()) <= count * face
    assert worth(count, face, policy(redemption_bps=bps), partner(redemption_bps=0)) == 0


def test_a_campaign_gives_no_more_than_its_budget_has():
    how = How(rate=Rate(), campaign_bps=30_000)
    assert parts(1_000, how, left=15) == Parts(10, 0, 15)
    assert parts(1_000, how) == Parts(10, 0, 20)


def test_points_mature_and_end_at_the_midnight_that_ends_a_day():
    matures, ends = times(policy(pending_days=7, life_days=30), NOW, "Asia/Shanghai")
    assert matures == datetime(2026, 11, 27, 16, tzinfo=UTC)  # the 28th begins in Shanghai
    assert ends - matures == timedelta(days=30)
    assert times(policy(pending_days=0), NOW, "Asia/Shanghai")[0] == NOW


def test_a_day_of_twenty_three_hours_ends_at_its_midnight_too():
    before = datetime(2026, 3, 7, 12, tzinfo=UTC)  # clocks go forward on the 8th in New York
    matures, ends = times(policy(pending_days=1, life_days=1), before, "America/New_York")
    assert [local(at, "America/New_York").hour for at in (matures, ends)] == [0, 0]
    assert ends - matures == timedelta(hours=24)


def test_the_version_in_force_is_the_last_one_that_has_begun():
    first, second = policy(), policy(2, valid_from=NOW + timedelta(days=1))
    assert policy_at([first, second], NOW - timedelta(seconds=1)) is None
    assert policy_at([second, first], NOW) is first
    assert policy_at([first, second], NOW + timedelta(days=1)) is second
    assert (rule_of(second, partner()), rule_of(second, partner(rate=Rate(points=2), version=3))) == (
        f"{PID}/2", f"{PID}/2+3",
    )  # fmt: skip


def test_tiers_by_growth():
    tiers = (Tier(name=Text.both("a"), growth=10), Tier(name=Text.both("b"), growth=100, earn_bps=12_000))
    assert [tier_of(tiers, growth) for growth in (0, 10, 99, 100)] == [-1, 0, 0, 1]
    assert [next_growth(tiers, growth) for growth in (0, 10, 100)] == [10, 100, None]
    assert how_of(policy(tiers=tiers), partner(), category=None, growth=100, campaign=None).tier_bps == 12_000


def test_of_campaigns_that_fit_the_best_one_counts():
    def campaign(number: int, **given) -> Campaign:
        base = {"earn_bps": 20_000, "since": NOW, "until": NOW + timedelta(days=1)}
        name = Text.both("c")
        return Campaign(campaign_id=UUID(int=number), programme_id=PID, name=name, **base | given)

    good, better = campaign(2), campaign(1, earn_bps=30_000)
    others = [
        campaign(3, earn_bps=90_000, until=NOW), campaign(4, earn_bps=90_000, partners=frozenset({new_id()})),
        campaign(5, earn_bps=90_000, categories=frozenset({"tea"})),
        campaign(6, earn_bps=90_000, budget_points=5, used_points=5),
    ]  # fmt: skip
    found = best_campaign([good, better, *others], partner_id=UUID(int=8), category="food", at=NOW)
    assert found is better
    assert best_campaign([good, campaign(1)], partner_id=UUID(int=8), category=None, at=NOW) == campaign(1)
