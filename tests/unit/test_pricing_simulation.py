"""A draft over past orders: cost by payer, who is touched, what it displaces, and the orders worth a look."""

from datetime import timedelta
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.kit.text import Text
from hutong.pricing import AmountOff, FirstOrder, MinSpend, Offers, PastOrder, PercentOff, simulate
from tests.promotions import NOON, a_line, a_rule, baskets, facts, offer, people, rules


def an_order(n: int, *lines, used=(), **given) -> PastOrder:
    known = {"now": NOON + timedelta(minutes=n), "orders_here": 0, "member_id": UUID(int=500 + n)}
    return PastOrder(order_id=UUID(int=n), lines=lines, facts=facts(**(known | given)), used=used)


def test_cost_by_payer_users_and_why_not():
    draft = a_rule(AmountOff(units=1_000), MinSpend(units=5_000), n=9, payers=(("platform", 60), ("merchant", 40)))
    past = [
        an_order(1, a_line(1, price=5_000)), an_order(2, a_line(1, price=4_900)), an_order(3, a_line(1, price=9_000)),
        an_order(4, a_line(1, price=9_000), member_id=UUID(int=501)),
    ]  # fmt: skip
    found = simulate(draft, past)
    assert (found.orders, found.touched, found.members, found.unpriced) == (4, 3, 2, 0)
    assert (found.spend.units, found.taken.units, found.net.units) == (23_000, 3_000, 3_000)
    assert [(payer, amount.units) for payer, amount in found.cost] == [("merchant", 1_200), ("platform", 1_800)]
    assert found.refusals == (("spend_more", 1),)
    assert [(s.order_id.int, s.why[0].en) for s in found.surprises] == [(4, "Use number 2 by the same member")]


def test_a_coupon_is_taken_as_held_and_its_period_left_aside():
    draft = a_rule(AmountOff(units=1_000), FirstOrder(), n=9, trigger="coupon", valid_from=NOON + timedelta(days=30))
    found = simulate(draft, [an_order(1, a_line(), orders_count=0), an_order(2, a_line(), orders_count=1)])
    assert (found.touched, found.refusals) == (1, (("rule_first_order", 1),))


def test_overlap_tells_what_is_displaced_and_what_comes_on_top():
    used, other = a_rule(AmountOff(units=800), n=1), a_rule(PercentOff(bps=1_000), n=2, lane="platform")
    draft = a_rule(AmountOff(units=1_000), n=9)
    found = simulate(draft, [an_order(1, a_line(), used=(used, other)), an_order(2, a_line(), used=(used,))])
    assert [(o.name.en, o.together, o.displaced, o.less.units) for o in found.overlap] == [
        ("promotion 1", 0, 2, 1_600), ("promotion 2", 1, 1, 20),
    ]  # fmt: skip
    assert (found.taken.units, found.net.units) == (2_000, 380)
    assert "It would take the place of “promotion 1”" in [text.en for text in found.surprises[0].why]


def test_the_most_surprising_come_first_and_are_ten():
    draft = a_rule(AmountOff(units=4_000), n=9)
    past = [an_order(n, a_line(1, price=9_000), orders_here=n) for n in range(1, 31)]
    past += [an_order(40, a_line(1, price=3_000)), an_order(41, a_line(1, price=6_000))]
    found = simulate(draft, past)
    assert len(found.surprises) == 10
    first, second = found.surprises[:2]
    assert (first.order_id.int, first.share_bps, first.why) == (
        40, 10_000, (Text(zh="整单会变成免费", en="The whole order would be free"),),
    )  # fmt: skip
    assert (second.order_id.int, second.share_bps) == (41, 6_666)
    assert {s.order_id.int for s in found.surprises[2:]} == {20, 21, 22, 23, 24, 25, 26, 27}


def test_orders_in_another_currency_are_not_priced():
    assert simulate(a_rule(AmountOff(units=1), n=9, asset="EUR"), [an_order(1, a_line())]).unpriced == 1
    assert simulate(a_rule(AmountOff(units=1), Offers(ids=(offer(7),)), n=9), []).surprises == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(baskets(), rules(3), people), max_size=4),
    rules(1).filter(bool),
    st.randoms(use_true_random=False),
)
def test_the_sums_close_and_the_order_of_orders_changes_nothing(given_, drafts, random: Random):
    draft = a_rule(drafts[0].benefit, *drafts[0].conditions, n=99, payers=drafts[0].payers)
    past = [PastOrder(order_id=UUID(int=n), lines=tuple(lines), facts=who, used=tuple(used))
            for n, (lines, used, who) in enumerate(given_)]  # fmt: skip
    found = simulate(draft, past)
    assert sum(amount.units for _, amount in found.cost) == found.taken.units
    assert found.touched + found.unpriced + sum(count for _, count in found.refusals) == found.orders == len(past)
    assert len(found.surprises) <= 10
    random.shuffle(past)
    assert simulate(draft, past) == found
