"""A commission of several components, and shares handed down: it always adds up, whatever the parts and their order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.kit.money import Amount, apportion
from hutong.kit.text import Text
from hutong.settlement import Chain, Component, Rule, Share, Use, divide, kept, why_not, why_not_chain

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
RULE, MEI = UUID(int=1), UUID(int=2)
DIVISION, AGENT, STAFF = UUID(int=11), UUID(int=12), UUID(int=13)
NAME = Text.both("part")


def yuan(units: int) -> Amount:
    return Amount(units, "CNY")


def a_rule(bps: int = 800, **changes) -> Rule:
    fields = {"rule_id": RULE, "version": 1, "merchant_id": None, "commission_bps": bps, "valid_from": NOW} | changes
    return Rule(**fields)


def part(key: str, **changes) -> Component:
    return Component(key=key, name=NAME, **changes)


def a_chain(*sizes: int, until: tuple[datetime | None, ...] = ()) -> Chain:
    ends = (*until, *[None] * (len(sizes) - len(until)))
    who = (DIVISION, AGENT, STAFF)
    shares = tuple(Share(who[n], bps, ends[n]) for n, bps in enumerate(sizes))
    return Chain(merchant_id=MEI, version=3, shares=shares, valid_from=NOW)


def test_a_rule_without_a_plan_is_what_it_always_was():
    """money.md: 8 % of 6,600 is 528, a quarter of it for the operator; and its name is as it was."""
    rule = a_rule(operator_id=AGENT, operator_bps=2500)
    parts = divide(yuan(6_600), rule)
    assert (parts.commission, parts.operator, parts.platform, parts.merchant) == (
        yuan(528), yuan(132), yuan(396), yuan(6_072),
    )  # fmt: skip
    assert parts.lines == (("base", yuan(528)),)
    assert parts.shares == ((AGENT, yuan(132)),)
    assert rule.name() == f"{RULE}/1"
    assert divide(yuan(1_000), a_rule(least_units=100), 2).commission == yuan(200)
    assert divide(yuan(9_000), a_rule(most_units=100), 2).commission == yuan(200)
    assert divide(yuan(30), a_rule(least_units=100)).commission == yuan(30)


def test_each_component_is_a_line_with_its_own_bounds():
    plan = (
        part("payment", bps=60, base="paid", most_units=100),
        part("unit", units=50),
        part("dining", bps=300, categories=("dining",), least_units=250),
    )
    rule = a_rule(500, plan=plan)
    use = Use(category="dining", paid=yuan(20_000))
    parts = divide(yuan(10_000), rule, 2, use=use)
    assert dict(parts.lines) == {"base": yuan(500), "dining": yuan(500), "payment": yuan(120), "unit": yuan(100)}
    assert parts.commission == yuan(1_220)
    assert parts.merchant == yuan(8_780)
    plain = divide(yuan(10_000), rule, 2, use=Use(category="hotel", paid=yuan(20_000)))
    assert "dining" not in dict(plain.lines)


def test_a_component_takes_the_place_of_another():
    rule = a_rule(800, plan=(part("hotels", bps=500, categories=("hotel",), instead_of="base"),))
    assert divide(yuan(10_000), rule, use=Use(category="hotel")).lines == (("hotels", yuan(500)),)
    assert divide(yuan(10_000), rule, use=Use(category="dining")).lines == (("base", yuan(800)),)


def test_scopes_are_all_asked_for():
    one = part("till", bps=100, channels=("till",), schemes=("card",))
    rule = a_rule(0, plan=(one,))
    assert divide(yuan(10_000), rule, use=Use(channel="till", scheme="card")).commission == yuan(100)
    assert divide(yuan(10_000), rule, use=Use(channel="counter", scheme="card")).commission == yuan(0)
    assert divide(yuan(10_000), rule, use=Use(channel="till", scheme="deal")).commission == yuan(0)


def test_the_bounds_of_the_sum_are_lines_of_their_own():
    raised = divide(yuan(10_000), a_rule(100, whole_least=300))
    assert raised.lines == (("base", yuan(100)), ("least", yuan(200)))
    lowered = divide(yuan(10_000), a_rule(800, whole_most=300, most_units=500))
    assert lowered.lines == (("base", yuan(800)), ("most", yuan(-500)))
    due = divide(yuan(100), a_rule(800, plan=(part("unit", units=150),)))
    assert due.lines == (("base", yuan(8)), ("unit", yuan(150)), ("due", yuan(-58)))
    assert due.merchant == yuan(0)


def test_what_is_handed_down_leaves_the_remainder_above():
    """F62: the operators have 40 %; the division hands three quarters of it down, the agent a third of his."""
    rule = a_rule(1_000, operator_bps=4_000, chain=a_chain(10_000, 7_500, 2_500))
    parts = divide(yuan(10_000), rule, at=NOW)
    assert parts.shares == ((DIVISION, yuan(100)), (AGENT, yuan(200)), (STAFF, yuan(100)))
    assert (parts.operator, parts.platform) == (yuan(400), yuan(600))
    assert rule.name() == f"{RULE}/1+chain/{MEI}/3"


def test_a_term_that_is_over_leaves_its_part_with_who_handed_it_down():
    over = NOW - timedelta(days=1)
    assert kept(a_chain(4_000, 3_000, 1_000, until=(None, None, over)).shares, NOW) == [
        (DIVISION, 1_000), (AGENT, 3_000),
    ]  # fmt: skip
    assert kept(a_chain(4_000, 3_000, 1_000, until=(None, over, None)).shares, NOW) == [
        (DIVISION, 3_000), (STAFF, 1_000),
    ]  # fmt: skip
    assert kept(a_chain(4_000, 3_000, until=(over, over)).shares, NOW) == []
    assert kept(a_chain(4_000, 3_000, until=(NOW + timedelta(seconds=1),)).shares, NOW)[0] == (DIVISION, 1_000)


def test_thirds_of_a_million_transfers_lose_nothing():
    """Every whole amount up to a million, divided in three: nothing is lost, nobody is a whole unit off his third."""
    sums = [0, 0, 0]
    for whole in range(1, 1_000_001):
        parts = apportion(whole, (1, 1, 1))
        assert sum(parts) == whole
        assert parts[0] - parts[2] in (0, 1)
        sums = [have + more for have, more in zip(sums, parts, strict=True)]
    assert sum(sums) == 1_000_000 * 1_000_001 // 2
    assert sums[0] - sums[2] == 666_667  # of each third, the odd unit or two go to who stands above: a rule, not chance


def test_a_third_for_each_of_three_operators_leaves_nothing_between_them():
    rule = a_rule(10_000, operator_bps=10_000, chain=a_chain(9_999, 6_666, 3_333))
    total = {DIVISION: 0, AGENT: 0, STAFF: 0}
    platform = 0
    for units in range(1, 20_001):
        parts = divide(yuan(units), rule, at=NOW)
        platform += parts.platform.units
        for who, amount in parts.shares:
            total[who] += amount.units
    assert sum(total.values()) + platform == 20_000 * 20_001 // 2
    assert platform <= 20_000 * 20_001 // 2 // 10_000 + 20_000  # its hundredth of a percent, and roundings of it


COMPONENTS = st.builds(
    part,
    st.sampled_from(["a", "b", "c", "d", "e"]),
    bps=st.integers(0, 10_000),
    units=st.integers(0, 5_000),
    base=st.sampled_from(["due", "paid"]),
    least_units=st.none() | st.integers(0, 300),
    most_units=st.none() | st.integers(300, 9_000),
    per=st.sampled_from(["unit", "whole"]),
    categories=st.sampled_from([(), ("dining",), ("hotel",)]),
    channels=st.sampled_from([(), ("till",), ("counter",)]),
    instead_of=st.sampled_from([None, None, "base"]),
)
PLANS = st.lists(COMPONENTS, max_size=5, unique_by=lambda one: one.key)
SIZES = st.lists(st.integers(1, 10_000), max_size=3).map(lambda sizes: sorted(sizes, reverse=True))


@settings(max_examples=500, deadline=None)
@given(
    due=st.integers(0, 100_000_000), paid=st.integers(0, 100_000_000), count=st.integers(1, 20), plan=PLANS,
    order=st.randoms(use_true_random=False), bps=st.integers(0, 10_000), sizes=SIZES,
    least=st.none() | st.integers(0, 1_000), most=st.none() | st.integers(1_000, 50_000),
    whole=st.none() | st.integers(0, 100_000), category=st.sampled_from(["dining", "hotel", ""]),
)  # fmt: skip
def test_it_adds_up_to_the_unit_in_any_order(due, paid, count, plan, order, bps, sizes, least, most, whole, category):
    chain = a_chain(*sizes) if sizes else None
    bounds = {"least_units": least, "most_units": most, "whole_most": whole, "chain": chain, "operator_bps": 3_333}
    rule = a_rule(bps, plan=tuple(plan), **bounds)
    assert why_not(rule) is None
    assert chain is None or why_not_chain(chain) is None
    use = Use(category=category, channel="till", paid=yuan(paid))
    parts = divide(yuan(due), rule, count, use=use, at=NOW)
    assert yuan(0) <= parts.commission <= yuan(due)
    assert parts.commission + parts.merchant == yuan(due)
    assert sum(amount.units for _, amount in parts.lines) == parts.commission.units
    assert sum(amount.units for _, amount in parts.shares) == parts.operator.units <= parts.commission.units
    assert all(amount > yuan(0) for _, amount in parts.shares)
    if whole is not None:
        assert parts.commission.units <= whole
    shuffled = list(plan)
    order.shuffle(shuffled)
    assert divide(yuan(due), a_rule(bps, plan=tuple(shuffled), **bounds), count, use=use, at=NOW) == parts


@settings(max_examples=300, deadline=None)
@given(sizes=SIZES.filter(bool), ends=st.lists(st.booleans(), min_size=3, max_size=3))
def test_nobody_is_handed_more_than_there_is(sizes, ends):
    over = NOW - timedelta(days=1)
    shares = a_chain(*sizes, until=tuple(over if end else None for end in ends[: len(sizes)])).shares
    held = kept(shares, NOW)
    living = [share.bps for share in shares if share.until is None]
    assert all(bps > 0 for _, bps in held)
    assert sum(bps for _, bps in held) == (living[0] if living else 0)


@pytest.mark.parametrize(
    "rule",
    [
        a_rule(plan=(part("a"), part("a"))),
        a_rule(plan=(part("least"),)),
        a_rule(plan=(part("a", instead_of="nobody"),)),
        a_rule(plan=(part("a", instead_of="b"), part("b", instead_of="base"))),
        a_rule(plan=(part("a", least_units=5, most_units=4),)),
        a_rule(plan=(part("a", bps=10_001),)),
        a_rule(plan=(part("a", units=-1),)),
        a_rule(whole_least=2, whole_most=1),
        a_rule(operator_bps=10_001),
    ],
)
def test_a_rule_that_nobody_could_follow_is_refused(rule: Rule):
    refusal = why_not(rule)
    assert refusal is not None
    assert refusal.code == "rule_broken"


def test_shares_that_hand_on_more_than_there_is_are_refused():
    assert why_not_chain(a_chain(1_000, 2_000)) is not None
    twice = Chain(merchant_id=MEI, version=1, shares=(Share(AGENT, 9), Share(AGENT, 5)), valid_from=NOW)
    assert why_not_chain(twice) is not None
    assert why_not_chain(a_chain()) is None
