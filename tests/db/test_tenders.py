"""Cards pay a part of online orders: after every promotion, unit by unit, and back to the unit."""

from datetime import timedelta
from itertools import permutations

import pytest

from hutong import orders
from hutong.catalog.forms import PLAIN, Times
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders import BEST, Cancel, Placed, Wanted
from hutong.pricing import AmountOff, Budget, PercentOff
from tests.conftest import audit_clean
from tests.lane import (
    CITY,
    a_lane,
    a_place,
    a_redeem,
    account,
    captured,
    hear,
    place,
    redeem,
    refund,
    refund_is,
    state_of,
    units,
)
from tests.savings_help import a_coupon, a_rule
from tests.tender_help import an_offer, card_now, has, paid_with, pay, quoted, stored, tenders, wide_card, yuan

pytestmark = pytest.mark.anyio
FEN = 6_800


async def test_a_card_pays_a_part_and_the_provider_the_rest(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await stored(db, lane, now, ann, 5_000)
    before = await account(db, f"escrow/{lane.merchant}")
    ask = a_place(lane, 1, member_id=ann, tenders=pay(card), expect=yuan(FEN - 5_000))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed)
    assert placed.total == yuan(1_800)
    assert (await card_now(db, card)).held_for == "order"
    assert await audit_clean(db)
    await hear(db, [captured(placed)], now)
    assert await state_of(db, ask.order_id) == "paid"
    assert await has(db, card) == (0, 0, "used")
    # The card's money lay with this merchant already; only the rest came in.
    assert await account(db, f"escrow/{lane.merchant}") == before + 1_800
    [unit] = await units(db, ask.order_id)
    assert (unit.paid_units, unit.due_units) == (FEN, FEN)
    assert await audit_clean(db)
    await redeem(db, [a_redeem(lane, unit, now)], now)
    # Commission once: of what the right that was bought is due, not of the card.
    assert await account(db, f"payable/merchant/{lane.merchant}") == FEN - 544
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await audit_clean(db)


async def test_an_order_that_a_card_pays_whole_is_paid_at_once(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await wide_card(db, lane, now, ann, 10_000)
    placed = await paid_with(db, lane, now, ann, card)
    assert (placed.state, placed.total) == ("paid", yuan(0))
    assert await has(db, card) == (3_200, 3_200, "valid")
    assert await account(db, f"escrow/{lane.merchant}") == FEN
    assert await account(db, f"escrow/{card.merchant_id}") == 3_200
    asked = await refund(db, placed.order_id, now)
    assert (asked.amount, asked.tendered) == (yuan(FEN), yuan(FEN))
    assert await state_of(db, placed.order_id) == "refunded"
    assert await has(db, card) == (10_000, 10_000, "valid")
    assert await account(db, f"escrow/{card.merchant_id}") == 10_000
    assert await audit_clean(db)


async def test_cancelled_and_late_orders_let_their_cards_go(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await stored(db, lane, now, ann, 5_000)
    for late in (False, True):
        ask = a_place(lane, 1, member_id=ann, tenders=pay(card))
        [placed] = await place(db, [ask], now)
        assert isinstance(placed, Placed), placed
        if late:
            then = now + timedelta(minutes=20)
            await db.run_city(CITY, lambda tx, then=then: orders.expire_unpaid(tx, city_id=CITY, now=then))
        else:
            undo = [Cancel(order_id=ask.order_id, by=ann, reason="member")]
            await db.run_city(CITY, lambda tx, undo=undo: orders.cancel(tx, undo, city_id=CITY, now=now))
        assert [row["state"] for row in await tenders(db, ask.order_id)] == ["released"]
        assert (await card_now(db, card)).held_for is None
        assert await has(db, card) == (5_000, 5_000, "valid")
        assert await audit_clean(db)


async def test_percent_and_amount_and_gift_card_in_every_order_of_entry(db: Database, now):
    """Ten percent of the house, ten yuan by coupon, five by another, a card of the shop with a bonus and a gift card of
    the lane: whatever is named first, the same parts of the same units."""
    lane, ann = await a_lane(db, now), new_id()
    await a_rule(db, now, lane=lane, trigger="auto", stands="platform", benefit=PercentOff(bps=1_000))
    ten = await a_rule(db, now, lane=lane, stands="shop", benefit=AmountOff(units=1_000))
    five = await a_rule(db, now, lane=lane, stands="coupon", benefit=AmountOff(units=500))
    seen = set()
    for entry in permutations(range(4)):
        coupons = [await a_coupon(db, now, lane, rule, ann) for rule in (ten, five)]
        cards = [await stored(db, lane, now, ann, 3_000, bonus=500), await wide_card(db, lane, now, ann, 2_000)]
        ask = a_place(
            lane, 2, member_id=ann,
            coupons=tuple(coupons[i].voucher_id for i in entry if i < 2),
            tenders=pay(*(cards[i - 2] for i in entry if i >= 2)),
        )  # fmt: skip
        [placed] = await place(db, [ask], now)
        assert isinstance(placed, Placed), placed
        await hear(db, [captured(placed)], now)
        async with db.reading(CITY) as tx:
            row = await tx.row(
                """select o.total_units, o.tendered_units, o.saved_units, l.breakdown from orders.orders o
                   join orders.lines l on l.city_id = o.city_id and l.order_id = o.order_id
                   where o.city_id = %(city)s and o.order_id = %(id)s""",
                city=CITY, id=ask.order_id,
            )  # fmt: skip
        named = {str(card.voucher_id): n for n, card in enumerate(cards)}
        parts = [[(named[t["ref"]], t["units"], t["due"]) for t in u["tenders"]] for u in row["breakdown"]]
        seen.add((row["total_units"], row["tendered_units"], row["saved_units"], placed.total.units, repr(parts)))
        for unit in await units(db, ask.order_id):
            asked = await refund(db, ask.order_id, now, voucher_ids=(unit.voucher_id,))
            await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
        assert [await has(db, card) for card in cards] == [(3_500, 3_000, "valid"), (2_000, 2_000, "valid")]
    [(total, tendered, _, to_pay, _)] = seen
    assert total == tendered + to_pay
    assert tendered == 5_500
    assert await audit_clean(db)


async def test_one_of_three_lines_goes_back_exactly(db: Database, now):
    """Three lines of odd prices, a card of an odd sum: each refund gives exactly its parts, the sums close."""
    lane, ann = await a_lane(db, now), new_id()
    more = [await an_offer(db, lane, now, PLAIN, price, scheme="deals") for price in (3_333, 1_001)]
    wants = (Wanted(lane.offer.offer_id, 1), *(Wanted(o.offer_id, 1) for o in more))
    card = await wide_card(db, lane, now, ann, 7_777)
    placed = await paid_with(db, lane, now, ann, card, wants=wants)
    whole = FEN + 3_333 + 1_001
    assert placed.total == yuan(whole - 7_777)
    money = cards = 0
    for unit in await units(db, placed.order_id):
        asked = await refund(db, placed.order_id, now, voucher_ids=(unit.voucher_id,))
        assert asked.amount.units == unit.paid_units
        # Exactly its share of the card, to the unit.
        assert abs(asked.tendered.units - 7_777 * unit.paid_units / whole) < 1
        await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
        money, cards = money + (asked.amount - asked.tendered).units, cards + asked.tendered.units
        assert (await has(db, card))[:2] == (cards, cards)
        assert await audit_clean(db)
    assert (money, cards) == (placed.total.units, 7_777)
    assert await state_of(db, placed.order_id) == "refunded"


async def test_principal_first_and_the_bonus_last_and_both_come_back(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    old = await stored(db, lane, now, ann, 3_000, bonus=1_000)
    new = await stored(db, lane, now + timedelta(seconds=1), ann, 3_000, bonus=1_000)
    placed = await paid_with(db, lane, now + timedelta(seconds=2), ann, new, old)
    # 68.00: both principals, then 8.00 of the older card's bonus, which its merchant bears.
    assert placed.state == "paid"
    assert [await has(db, card) for card in (old, new)] == [(200, 0, "valid"), (1_000, 0, "valid")]
    [unit] = await units(db, placed.order_id)
    assert (unit.paid_units, unit.due_units) == (FEN, 6_000)
    assert await audit_clean(db)
    await refund(db, placed.order_id, now + timedelta(seconds=3))
    assert [await has(db, card) for card in (old, new)] == [(4_000, 3_000, "valid"), (4_000, 3_000, "valid")]
    assert await audit_clean(db)


async def test_another_shop_takes_no_bonus_and_no_card_that_is_not_for_it(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    mine = await stored(db, lane, now, ann, 5_000)
    bo = await stored(db, lane, now, new_id(), 5_000)
    elsewhere = await wide_card(db, lane, now, ann)
    async with db.city(CITY) as tx:
        await tx.run(
            "update vouchers.vouchers set wide = false where city_id = %(city)s and voucher_id = %(id)s",
            city=CITY, id=elsewhere.voucher_id,
        )  # fmt: skip
    for card, code in ((bo, "voucher_not_found"), (elsewhere, "card_elsewhere")):
        [refused] = await place(db, [a_place(lane, 1, member_id=ann, tenders=pay(card))], now)
        assert refused.code == code  # type: ignore[union-attr]
    offer = (await card_now(db, mine)).offer_id
    [refused] = await place(db, [a_place(lane, 1, member_id=ann, wants=(Wanted(offer, 1),), tenders=pay(mine))], now)
    assert refused.code == "no_tender_here"  # type: ignore[union-attr]
    assert await audit_clean(db)


async def test_a_card_emptied_between_quote_and_pay_is_told_and_not_charged(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await stored(db, lane, now, ann, 5_000)
    told = await quoted(db, lane, now, ann, tenders=BEST)
    assert (told.to_pay, told.tendered) == (yuan(1_800), yuan(5_000))
    assert [p.id for p in told.tenders] == [card.voucher_id]
    other = a_place(lane, 1, member_id=ann, tenders=pay(card, most=4_000))
    [placed] = await place(db, [other], now)
    await hear(db, [captured(placed)], now)
    ask = a_place(lane, 1, member_id=ann, tenders=told.tenders, expect=told.to_pay)
    [refused] = await place(db, [ask], now)
    assert refused.code == "price_changed"  # type: ignore[union-attr]
    assert refused.facts["total"] == "¥58"
    assert refused.facts["expected"] == "¥18"
    assert (await card_now(db, card)).held_for is None
    assert await audit_clean(db)


async def test_a_quote_lists_what_could_pay_and_why_not(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card, wide = await stored(db, lane, now, ann, 5_000), await wide_card(db, lane, now, ann, 9_000)
    none = await quoted(db, lane, now, ann)
    assert (none.pays, none.to_pay) == ((), yuan(FEN))
    listed = await quoted(db, lane, now, ann, tenders=())
    assert {p.ref for p in listed.pays} == {card.voucher_id, wide.voucher_id}
    assert listed.to_pay == yuan(FEN)
    assert not any(p.chosen for p in listed.pays)
    one = await quoted(db, lane, now, ann, tenders=pay(wide))
    assert one.to_pay == yuan(0)
    assert [(p.ref, p.chosen, p.amount) for p in one.pays] == [
        (wide.voucher_id, True, yuan(FEN)), (card.voucher_id, False, yuan(0)),
    ]  # fmt: skip


async def test_money_of_a_card_that_is_over_goes_to_who_bought_it(db: Database, now):
    """The rest of the card was refunded; then an order it paid is. Its money goes to the payment of the card."""
    lane, ann = await a_lane(db, now), new_id()
    card = await wide_card(db, lane, now, ann, 10_000)
    placed = await paid_with(db, lane, now, ann, card)
    rest = await refund(db, card.order_id, now)
    assert rest.amount == yuan(3_200)
    await hear(db, [refund_is(rest.refund_id, "done", rest.amount)], now)
    assert (await has(db, card))[2] == "refunded"
    await refund(db, placed.order_id, now)
    assert await state_of(db, placed.order_id) == "refunded"
    assert await audit_clean(db)
    async with db.reading(CITY) as tx:
        row = await tx.row(
            """select refund_id, units, state from orders.refunds
               where city_id = %(city)s and reason = 'card_over' and order_id = %(id)s""",
            city=CITY, id=card.order_id,
        )  # fmt: skip
    assert (row["units"], row["state"]) == (FEN, "asked")
    await hear(db, [refund_is(row["refund_id"], "done", Amount(FEN, "CNY"))], now)
    assert await state_of(db, card.order_id) == "refunded"
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await account(db, f"escrow/{card.merchant_id}") == 0
    assert await audit_clean(db)


async def test_money_of_a_card_whose_validity_ended_is_given_on_by_the_sweep(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await wide_card(db, lane, now, ann, 6_800)
    placed = await paid_with(db, lane, now, ann, card)
    later = now + timedelta(days=400)
    async with db.city(CITY) as tx:
        await tx.run(
            "update vouchers.vouchers set valid_to = %(to)s where city_id = %(city)s and order_id = %(id)s",
            city=CITY, id=placed.order_id, to=later + timedelta(days=1),
        )  # fmt: skip
    await refund(db, placed.order_id, later)
    assert await has(db, card) == (6_800, 6_800, "valid")
    done = await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=later))
    assert [one.amount for one in done] == [yuan(6_800)]
    await hear(db, [refund_is(done[0].refund_id, "done", done[0].amount)], later)
    assert (await has(db, card))[2] == "refunded"
    assert await audit_clean(db)


async def test_of_a_card_of_visits_used_in_part_each_gets_its_part_of_the_rest(db: Database, now):
    """Ten visits for 99.99, paid by a gift card, a bonus and the provider, three of them used: the rest goes back to
    each in proportion, and the books close to the fen."""
    lane, ann = await a_lane(db, now), new_id()
    visits = await an_offer(db, lane, now, Times(uses=10), 9_999)
    gift = await wide_card(db, lane, now, ann, 3_333)
    mine = await stored(db, lane, now, ann, 1_000, bonus=700)
    placed = await paid_with(db, lane, now, ann, gift, mine, wants=(Wanted(visits.offer_id, 1),))
    assert placed.total == yuan(9_999 - 3_333 - 1_700)
    [unit] = await units(db, placed.order_id)
    assert (unit.paid_units, unit.due_units) == (9_999, 9_299)
    done = await redeem(db, [a_redeem(lane, unit, now, count=3)], now)
    assert not isinstance(done[0], Refusal), done
    asked = await refund(db, placed.order_id, now)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
    on_gift, on_mine = (await has(db, gift))[:2], (await has(db, mine))[:2]
    assert abs(on_gift[0] - 2_333) <= 1
    assert on_gift[0] == on_gift[1]
    assert abs(on_mine[0] - 1_190) <= 1
    assert abs(on_mine[1] - 700) <= 1
    assert asked.tendered.units == on_gift[0] + on_mine[0]
    # All that is left in escrow is what lies on the cards again.
    assert await account(db, f"escrow/{lane.merchant}") == on_mine[1]
    assert await account(db, f"escrow/{gift.merchant_id}") == on_gift[1]
    assert await audit_clean(db)


async def test_a_budget_that_is_spent_since_the_quote_is_told_as_what_is_to_be_paid_now(db: Database, now):
    """A coupon of the house and a card: the last of the budget goes to somebody else, and the told price is what the
    provider would be asked for."""
    lane, ann, bo = await a_lane(db, now), new_id(), new_id()
    rule = await a_rule(db, now, lane=lane, trigger="auto", stands="platform", budgets=(Budget(most_uses=1),))
    assert rule
    card = await stored(db, lane, now, ann, 2_000)
    told = await quoted(db, lane, now, ann, tenders=BEST)
    assert told.to_pay == yuan(FEN - 1_000 - 2_000)
    [taken] = await place(db, [a_place(lane, 1, member_id=bo)], now)
    assert isinstance(taken, Placed), taken
    ask = a_place(lane, 1, member_id=ann, tenders=told.tenders, expect=told.to_pay)
    [refused] = await place(db, [ask], now)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.facts["total"], refused.facts["expected"]) == ("price_changed", "¥48", "¥38")
    assert (await card_now(db, card)).held_for is None
    assert await audit_clean(db)
