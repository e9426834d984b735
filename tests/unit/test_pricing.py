"""Pricing: what lines cost and why. Promotions here are made for the test; the pipeline is the real one."""

from collections.abc import Sequence
from itertools import combinations
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from hutong.kit.money import Amount, apportion
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing import (
    BadQuantity,
    Basket,
    EmptyOrder,
    Facts,
    Lane,
    MixedAssets,
    PriceLine,
    Quote,
    Taken,
    quote,
)

SHOP, COUPON, POINTS = Lane(10, "shop"), Lane(20, "coupon"), Lane(30, "points")


def yuan(units: int) -> Amount:
    return Amount(units, "CNY")


def a_line(line_no=1, quantity=1, price=6_800, list_price=9_900, asset="CNY") -> PriceLine:
    return PriceLine(
        line_no=line_no,
        offer_id=UUID(int=line_no),
        title=Text.both("noodles"),
        quantity=quantity,
        unit_price=Amount(price, asset),
        list_price=Amount(list_price, asset),
    )


class Dearer(Refusal):
    """Made for this test."""

    code = "test_spend_more"
    say = Text(zh="未满 {floor}", en="Below {floor}")
    step = Text(zh="再买 {missing}", en="Buy for {missing} more")


class Off(Struct, frozen=True, kw_only=True):
    """A fixed amount off every line of which at least `floor` is left, borne by payers."""

    id: str
    lane: Lane = COUPON
    group: str | None = None
    trigger: str = "auto"
    units: int = 0
    percent: int = 0
    floor: int = 0
    only: tuple[int, ...] = ()
    payers: tuple[tuple[str, int], ...] = (("merchant", 1),)

    @property
    def name(self) -> Text:
        return Text.both(self.id)

    def admit(self, basket: Basket, facts: Facts) -> tuple[int, ...] | Refusal:
        return tuple(p for p, line in enumerate(basket.lines) if not self.only or line.line_no in self.only)

    def take(self, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
        found = [p for p in admitted if left[p] >= self.floor]
        if not found:
            return Dearer(floor=self.floor, missing=self.floor - max(left))
        return Taken(tuple((p, yuan(left[p]).part(self.percent, 100).units + self.units) for p in found))


class BasketOff(Off, frozen=True, kw_only=True):
    """An amount off the whole basket: each line finds its share by weight."""

    def take(self, basket: Basket, admitted: Sequence[int], left: Sequence[int]) -> Taken | Refusal:
        weights = [left[p] for p in admitted]
        if not sum(weights) or self.units < 0:
            return Taken(())
        shares = apportion(min(self.units, sum(weights)), weights)
        return Taken(tuple(zip(admitted, shares, strict=True)), whole=True)


def priced(lines, *promotions) -> Quote:
    answer = quote(lines, promotions=promotions)
    assert isinstance(answer, Quote)
    return answer


def test_without_promotions_it_is_price_times_quantity():
    answer = priced([a_line(quantity=2), a_line(line_no=2, quantity=3, price=100, list_price=150)])
    assert [line.base.units for line in answer.lines] == [13_600, 300]
    assert answer.total == yuan(13_900)
    assert answer.list_total == yuan(2 * 9_900 + 450)
    assert answer.adjustments == answer.reasons == ()
    assert [unit.paid.units for unit in answer.lines[0].units()] == [6_800, 6_800]


def test_the_example_of_the_books():
    """money.md: two units of 6,800, 1,000 off, 60 % platform and 40 % merchant: 6,300 paid, 300 + 200 borne, each."""
    coupon = Off(id="c", units=1_000, payers=(("platform", 60), ("merchant", 40)))
    answer = priced([a_line(quantity=2)], coupon)
    assert answer.total == yuan(12_600)
    for unit in answer.lines[0].units():
        assert unit.paid == yuan(6_300)
        assert [(d.payer, d.amount.units) for d in unit.discounts] == [("platform", 300), ("merchant", 200)]


def test_inside_a_lane_the_best_wins_and_lanes_stack():
    answer = priced(
        [a_line(price=10_000)],
        Off(id="ten", lane=SHOP, percent=10),
        Off(id="big", units=3_000),
        Off(id="small", units=500),
    )
    assert [(a.promotion, a.amount.units) for a in answer.adjustments] == [("ten", 1_000), ("big", 3_000)]
    assert answer.total == yuan(6_000)
    assert [(r.promotion, r.code) for r in answer.reasons] == [
        ("ten", None), ("big", None), ("small", "better_promotion"),
    ]  # fmt: skip
    assert "big" in answer.reasons[2].text.en


def test_a_no_says_why_and_what_would_make_it_a_yes():
    answer = priced([a_line(price=6_800)], Off(id="c", units=500, floor=10_000))
    assert answer.total == yuan(6_800)
    (reason,) = answer.reasons
    assert (reason.code, reason.text.en) == ("test_spend_more", "Below 10000")
    assert reason.yes_if is not None
    assert reason.yes_if.en == "Buy for 3200 more"


def test_a_later_lane_sees_what_earlier_lanes_left():
    answer = priced([a_line(price=10_000)], Off(id="a", lane=SHOP, units=1_000), Off(id="b", floor=9_500, units=1))
    assert [r.code for r in answer.reasons] == [None, "test_spend_more"]


def test_ties_go_to_the_smaller_id():
    for promotions in ([Off(id="a", units=5), Off(id="b", units=5)], [Off(id="b", units=5), Off(id="a", units=5)]):
        assert priced([a_line()], *promotions).adjustments[0].promotion == "a"


def test_a_benefit_is_cut_to_what_is_left():
    answer = priced(
        [a_line(price=100)], Off(id="a", lane=SHOP, units=80), Off(id="b", units=80), Off(id="c", lane=POINTS, units=1)
    )
    assert [a.amount.units for a in answer.adjustments] == [80, 20]
    assert answer.total == yuan(0)
    assert answer.reasons[-1].code == "nothing_to_take"


def test_a_lane_serves_each_line_best_and_a_whole_benefit_wholly_or_not_at_all():
    lines = [a_line(1, price=5_000), a_line(2, price=5_000)]
    line, basket = Off(id="line", units=700, only=(1,)), BasketOff(id="basket", units=1_000)
    answer = priced(lines, line, basket)
    assert [(a.promotion, a.line_no, a.amount.units) for a in answer.adjustments] == [
        ("basket", 1, 500), ("basket", 2, 500),
    ]  # fmt: skip
    assert [v.no.code if v.no else None for v in answer.verdicts] == [None, "better_promotion"]
    both = priced(lines, line, basket, Off(id="other", units=400, only=(2,)))
    assert [(a.promotion, a.amount.units) for a in both.adjustments] == [("line", 700), ("other", 400)]


def test_many_whole_benefits_of_one_lane_are_packed():
    """Sixteen pairs of neighbours: more sets than are weighed exactly, still each line is served once."""
    lines = [a_line(n, price=10_000) for n in range(1, 18)]
    pairs = [BasketOff(id=f"p{n:02}", units=1_000 + n, only=(n, n + 1)) for n in range(1, 17)]
    answer = priced(lines, *pairs)
    assert len(answer.adjustments) == 16
    assert answer.total.units == 170_000 - sum(1_000 + n for n in range(2, 17, 2))


@given(
    st.lists(
        st.tuples(
            st.sets(st.integers(1, 4), min_size=1), st.integers(4, 900), st.booleans(),
            st.sampled_from(["auto", "coupon"]),
        ),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_no_set_of_promotions_of_a_lane_takes_more_off(given_):
    """Compared with trying every set of whole benefits, the rest served line by line."""
    lines = [a_line(n, price=10_000) for n in range(1, 5)]
    promotions = [
        (BasketOff if whole else Off)(id=f"p{n}", units=units, only=tuple(only), trigger=trigger)
        for n, (only, units, whole, trigger) in enumerate(given_)
    ]
    wholes = [p for p in promotions if isinstance(p, BasketOff)]
    best = 0
    for size in range(len(wholes) + 1):
        for some in combinations(wholes, size):
            taken = [no for p in some for no in p.only]
            if len(set(taken)) == len(taken):
                rest = [no for no in range(1, 5) if no not in taken]
                alone = [p for p in promotions if p not in wholes]
                singles = sum(max((p.units for p in alone if no in p.only), default=0) for no in rest)
                best = max(best, sum(p.units for p in some) + singles)
    assert 40_000 - priced(lines, *promotions).total.units == best


def test_of_an_exclusive_group_the_best_is_used():
    lines = [a_line(price=10_000)]
    first, second = Off(id="a", lane=SHOP, units=500, group="g"), Off(id="b", units=900, group="g")
    answer = priced(lines, first, second, Off(id="c", units=600))
    assert [(a.promotion, a.amount.units) for a in answer.adjustments] == [("a", 500), ("c", 600)]
    assert [v.no.code if v.no else None for v in answer.verdicts] == [None, "exclusive_promotion", None]
    alone = priced(lines, first, second)
    assert [(a.promotion, a.amount.units) for a in alone.adjustments] == [("b", 900)]


def test_what_costs_no_coupon_goes_first_when_both_take_the_same():
    answer = priced([a_line()], Off(id="a", units=5, trigger="coupon"), Off(id="b", units=5))
    assert [a.promotion for a in answer.adjustments] == ["b"]


def test_a_basket_promotion_is_spread_over_the_lines_exactly():
    lines = [a_line(1, price=3_333), a_line(2, price=3_333), a_line(3, price=3_334)]
    answer = priced(lines, BasketOff(id="b", units=1_000))
    assert sum(a.amount.units for a in answer.adjustments) == 1_000
    assert [a.line_no for a in answer.adjustments] == [1, 2, 3]


def test_the_last_units_close_the_sum():
    answer = priced([a_line(quantity=3, price=100)], Off(id="a", units=100))
    assert [unit.paid.units for unit in answer.lines[0].units()] == [66, 67, 67]
    with pytest.raises(ValueError):
        answer.lines[0].unit(4)


@pytest.mark.parametrize("quantity", [0, -1, 10_001])
def test_quantities_out_of_range_are_refused(quantity):
    assert quote([a_line(quantity=quantity)]) == BadQuantity(quantity=quantity, most=10_000)


def test_ten_thousand_units_are_allowed_and_add_up():
    answer = priced([a_line(quantity=10_000, price=1)], Off(id="a", units=9_999, payers=(("x", 1), ("y", 1))))
    paid = [unit.paid.units for unit in answer.lines[0].units()]
    assert (sum(paid), min(paid), max(paid)) == (1, 0, 1)


def test_mixed_assets_and_nothing_are_refused():
    assert quote([a_line(), a_line(line_no=2, asset="EUR")]) == MixedAssets(assets=["CNY", "EUR"])
    assert quote([]) == EmptyOrder()


def test_twin_ids_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError):
        quote([a_line(), a_line()])
    with pytest.raises(ValueError):
        quote([a_line()], promotions=[Off(id="a"), Off(id="a")])


lanes = st.sampled_from([SHOP, COUPON, POINTS])
payers = st.lists(st.integers(0, 5), min_size=1, max_size=3).filter(any).map(
    lambda weights: tuple((f"p{i}", w) for i, w in enumerate(weights))
)  # fmt: skip
kinds = st.sampled_from([Off, BasketOff])


@st.composite
def baskets(draw):
    lines = [
        a_line(i, quantity=draw(st.integers(1, 40)), price=draw(st.integers(0, 20_000)))
        for i in range(1, draw(st.integers(1, 4)) + 1)
    ]
    promotions = [
        draw(kinds)(
            id=f"promo{i}",
            lane=draw(lanes),
            units=draw(st.integers(-5, 30_000)),
            percent=draw(st.integers(0, 120)),
            floor=draw(st.integers(0, 20_000)),
            payers=draw(payers),
            group=draw(st.sampled_from([None, None, "g", "h"])),
            trigger=draw(st.sampled_from(["auto", "coupon"])),
            only=tuple(draw(st.sets(st.integers(1, 4), max_size=2))),
        )
        for i in range(draw(st.integers(0, 6)))
    ]
    return lines, promotions


@given(baskets())
def test_everything_adds_up_and_nothing_is_negative(basket):
    lines, promotions = basket
    answer = priced(lines, *promotions)
    assert answer.total.units == sum(line.total.units for line in answer.lines)
    assert [v.promotion for v in answer.verdicts] == [p.id for p in sorted(promotions, key=lambda p: (p.lane, p.id))]
    for v in answer.verdicts:
        mine = [a for a in answer.adjustments if a.promotion == v.promotion]
        assert v.amount.units == sum(a.amount.units for a in mine)
        assert (v.no is None) == bool(mine)
        assert v.line_nos == tuple(a.line_no for a in mine)
    for line in answer.lines:
        assert 0 <= line.total.units <= line.base.units
        assert line.total.units + sum(a.amount.units for a in line.adjustments) == line.base.units
        for adjustment in line.adjustments:
            assert adjustment.amount.units > 0
            assert sum(share.units for _, share in adjustment.shares) == adjustment.amount.units
        units = line.units()
        assert sum(unit.paid.units for unit in units) == line.total.units
        for unit in units:
            assert unit.paid.units >= 0
            assert all(d.amount.units >= 0 for d in unit.discounts)
            assert unit.base.units == unit.paid.units + sum(d.amount.units for d in unit.discounts)
        paid = [unit.paid.units for unit in units]
        assert max(paid) - min(paid) <= 1


@given(baskets())
def test_every_payer_bears_exactly_his_share_over_the_units(basket):
    lines, promotions = basket
    for line in priced(lines, *promotions).lines:
        borne: dict[tuple[str, str], int] = {}
        for unit in line.units():
            for d in unit.discounts:
                borne[d.promotion, d.payer] = borne.get((d.promotion, d.payer), 0) + d.amount.units
        promised = {(a.promotion, payer): s.units for a in line.adjustments for payer, s in a.shares if s.units}
        assert borne == promised


@given(baskets(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_changes_nothing(basket, random: Random):
    lines, promotions = basket
    first = priced(lines, *promotions)
    mixed, shuffled = list(lines), list(promotions)
    random.shuffle(mixed)
    random.shuffle(shuffled)
    second = priced(mixed, *shuffled)
    assert first.adjustments == second.adjustments
    assert first.reasons == second.reasons
    assert first.verdicts == second.verdicts
    assert first.total == second.total
    assert sorted(first.lines, key=lambda q: q.line.line_no) == sorted(second.lines, key=lambda q: q.line.line_no)
