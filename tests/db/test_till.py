"""Bills in a shop without an order: coupons and cards take something off or pay, and the rest is collected."""

import asyncio

import pytest

from hutong import settlement, till
from hutong.catalog import GiftCard, Stamp, Stored, Times
from hutong.infra.db import Database
from hutong.kit.access import EVERYTHING
from hutong.ledger import chart
from hutong.pricing import counters
from hutong.till import Bill, Undone
from tests.catalog_town import yuan
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.lane import CITY, Lane, a_lane, account, units
from tests.till_help import (
    a_bill,
    a_coupon,
    a_holder,
    a_template,
    an_offer,
    settle,
    settled,
    shown,
    undo_bill,
)

pytestmark = pytest.mark.anyio


async def payable(db: Database, lane: Lane) -> int:
    return await account(db, chart.payable_merchant(lane.merchant).path)


async def test_a_coupon_takes_its_money_off_and_the_platform_pays_its_part(db: Database, now):
    """A bill of 88: 10 off, of which the platform bears 6. The shop collects 78 and is owed 6, without commission."""
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now)
    bill = await settled(db, a_bill(lane, 8_800, await shown(db, lane, now, coupon)), now)
    assert (bill.discounted, bill.paid, bill.collect) == (yuan(1_000), yuan(0), yuan(7_800))
    assert bill.discounts[0].shares == (("merchant", 400), ("platform", 600))
    assert await payable(db, lane) == 600
    assert await account(db, chart.expense_promotion("platform").path) == -600
    async with db.reading(CITY) as tx:
        line = await settlement.earning(tx, lane.merchant, bill.uses[0].redemption_id, city_id=CITY)
        (counter,) = [c for c in await counters(tx, coupon.offer_id, city_id=CITY) if c.attribute == "all"]
    assert line is not None
    assert (line.due, line.commission, line.merchant) == (yuan(600), yuan(0), yuan(600))
    assert (counter.spent_units, counter.spent_uses) == (1_000, 1)
    assert await audit_clean(db)


async def test_an_undo_takes_back_everything(db: Database, now):
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, Stored(bonus_units=500), 5_000), now)
    bill = await settled(db, a_bill(lane, 8_800, await shown(db, lane, now, coupon, card)), now)
    assert (bill.discounted, bill.paid, bill.collect) == (yuan(1_000), yuan(5_500), yuan(2_300))
    assert isinstance(await undo_bill(db, bill, now), Undone)
    assert (await undo_bill(db, bill, now)).replayed
    assert (await undo_bill(db, bill, now, by=coupon.member_id)).code == "bill_undone"
    assert await payable(db, lane) == 0
    assert await account(db, chart.expense_promotion("platform").path) == 0
    assert await account(db, chart.escrow(lane.merchant).path) == 5_000
    (left,) = await units(db, card.order_id)
    assert (left.uses_left, left.paid_left, left.state) == (5_500, 5_000, "valid")
    async with db.reading(CITY) as tx:
        (counter,) = [c for c in await counters(tx, coupon.offer_id, city_id=CITY) if c.attribute == "all"]
    assert (counter.spent_units, counter.spent_uses) == (0, 0)
    assert await audit_clean(db)


async def test_the_same_event_is_the_same_bill_for_ever(db: Database, now):
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now)
    ask = a_bill(lane, 8_800, await shown(db, lane, now, coupon), event_id="till-7/2026/000042")
    first = await settled(db, ask, now)
    again = await settled(db, a_bill(lane, 8_800, ask.shown, event_id=ask.event_id), now)
    assert again.replayed
    assert again.bill_id == first.bill_id
    (other,) = await settle(db, [a_bill(lane, 8_801, ask.shown, event_id=ask.event_id)], now)
    assert getattr(other, "code", "") == "key_reused"
    assert await audit_clean(db)


async def test_a_coupon_that_does_not_apply_says_what_would_make_it_apply(db: Database, now):
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now, least=10_000)
    (no,) = await settle(db, [a_bill(lane, 8_800, await shown(db, lane, now, coupon))], now)
    assert not isinstance(no, Bill)
    assert "¥12" in no.next_step().en
    assert await audit_clean(db)


async def test_a_coupon_larger_than_the_bill_leaves_nothing_below_zero(db: Database, now):
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now, off=10_000, least=0)
    card = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 5_000), now)
    bill = await settled(db, a_bill(lane, 3_000, await shown(db, lane, now, coupon, card)), now)
    assert (bill.discounted, bill.paid, bill.collect) == (yuan(3_000), yuan(0), yuan(0))
    assert (await units(db, card.order_id))[0].uses_left == 5_000
    assert await audit_clean(db)


async def test_a_budget_that_is_spent_refuses_and_uses_nothing(db: Database, now):
    lane = await a_lane(db, now)
    offer = await a_template(db, lane, now, budget=1_500)
    first, second = [await a_coupon(db, lane, now, offer=offer) for _ in range(2)]
    asks = [a_bill(lane, 8_800, await shown(db, lane, now, one)) for one in (first, second)]
    done, no = await settle(db, asks, now)
    assert isinstance(done, Bill)
    assert getattr(no, "code", "") == "budget_exhausted"
    assert await audit_clean(db)


async def test_lots_of_stored_value_pay_oldest_principal_first(db: Database, now):
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Stored(bonus_units=2_000), 10_000)
    older = await a_holder(db, lane, offer, now)
    newer = await a_holder(db, lane, offer, now)
    bill = await settled(db, a_bill(lane, 15_000, await shown(db, lane, now, newer)), now)
    assert (bill.paid, bill.collect) == (yuan(15_000), yuan(0))
    assert {use.voucher_id: use.count for use in bill.uses} == {older.voucher_id: 10_000, newer.voucher_id: 5_000}
    assert await payable(db, lane) == 13_800  # 150 of principal less 8 %
    rest = await settled(db, a_bill(lane, 20_000, await shown(db, lane, now, newer, typed=True)), now)
    assert (rest.paid, rest.collect) == (yuan(9_000), yuan(11_000))
    assert await audit_clean(db)


async def test_a_code_is_dead_for_every_lot_after_one_bill(db: Database, now):
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Stored(), 10_000)
    await a_holder(db, lane, offer, now)
    newer = await a_holder(db, lane, offer, now)
    on_table = await shown(db, lane, now, newer)
    await settled(db, a_bill(lane, 3_000, on_table), now)
    (again,) = await settle(db, [a_bill(lane, 3_000, on_table)], now)
    assert getattr(again, "code", "") == "qr_already_used"
    assert await audit_clean(db)


async def test_fifty_tills_spend_one_card_once(db: Database, now):
    """K4 and K18 at the till: one card of 50, fifty bills of 30 at the same moment, each with a proof of its own."""
    await crowd(db)
    lane = await a_lane(db, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 5_000), now)
    proofs = [await shown(db, lane, now, card, typed=True) for _ in range(50)]
    asks = [a_bill(lane, 3_000, one) for one in proofs]
    answers = [a for [a] in await asyncio.gather(*(settle(db, [ask], now) for ask in asks))]
    bills = [a for a in answers if isinstance(a, Bill)]
    assert sorted(bill.paid.units for bill in bills) == [2_000, 3_000]
    assert {getattr(a, "code", "") for a in answers if not isinstance(a, Bill)} == {"already_used"}
    assert await audit_clean(db)


async def test_a_set_of_bills_sees_what_its_earlier_ones_spend(db: Database, now):
    lane = await a_lane(db, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 5_000), now)
    asks = [a_bill(lane, 3_000, await shown(db, lane, now, card, typed=True)) for _ in range(3)]
    first, second, third = await settle(db, asks, now)
    assert isinstance(first, Bill)
    assert isinstance(second, Bill)
    assert (first.paid, second.paid, second.collect) == (yuan(3_000), yuan(2_000), yuan(1_000))
    assert getattr(third, "code", "") in ("voucher_used", "already_used")
    assert await audit_clean(db)


async def test_one_event_at_two_tills_is_one_bill(db: Database, now):
    await crowd(db)
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now)
    on_table = await shown(db, lane, now, coupon)
    asks = [a_bill(lane, 8_800, on_table, event_id="one") for _ in range(10)]
    answers = [a for [a] in await asyncio.gather(*(settle(db, [ask], now) for ask in asks))]
    assert [isinstance(a, Bill) for a in answers] == [True] * 10
    assert len({a.bill_id for a in answers if isinstance(a, Bill)}) == 1
    assert sum(not a.replayed for a in answers if isinstance(a, Bill)) == 1
    assert await audit_clean(db)


async def test_a_stamp_needs_a_bill_that_is_large_enough_and_is_one_of_a_bill(db: Database, now):
    lane = await a_lane(db, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, Stamp(stamps=2, least_units=3_000), 0), now)
    (small,) = await settle(db, [a_bill(lane, 2_000, await shown(db, lane, now, card))], now)
    assert getattr(small, "code", "") == "bill_too_small"
    assert "¥10" in small.next_step().en  # type: ignore[union-attr]
    first = await settled(db, a_bill(lane, 3_000, await shown(db, lane, now, card, typed=True)), now)
    assert [(use.role, use.uses_left) for use in first.uses] == [("stamp", 1)]
    assert first.collect == yuan(3_000)
    await settled(db, a_bill(lane, 3_000, await shown(db, lane, now, card, typed=True)), now)
    assert (await units(db, card.order_id))[0].state == "used"
    assert await audit_clean(db)


async def test_two_stamp_cards_and_twenty_taps_are_one_stamp(db: Database, now):
    """One bill, shown with two cards and sent from twenty taps at once: one stamp on one card."""
    await crowd(db)
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Stamp(stamps=9), 0)
    first, second = await a_holder(db, lane, offer, now), await a_holder(db, lane, offer, now)
    on_table = await shown(db, lane, now, first, second, typed=True)
    answers = await asyncio.gather(
        *(settle(db, [a_bill(lane, 3_000, on_table, event_id="stamped")], now) for _ in range(20))
    )
    assert {a.bill_id for [a] in answers if isinstance(a, Bill)} == {answers[0][0].bill_id}  # type: ignore[union-attr]
    left = [(await units(db, card.order_id))[0].uses_left for card in (first, second)]
    assert sorted(left) == [8, 9]
    assert await audit_clean(db)


async def test_control_without_the_event_each_tap_is_a_stamp(db: Database, now):
    """The same taps, each with a number of its own, as a till does that makes a new number when it tries again."""
    await crowd(db)
    lane = await a_lane(db, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, Stamp(stamps=9), 0), now)
    on_table = await shown(db, lane, now, card, typed=True)
    await asyncio.gather(*(settle(db, [a_bill(lane, 3_000, on_table)], now) for _ in range(5)))
    assert (await units(db, card.order_id))[0].uses_left < 8


async def test_what_is_not_for_bills_is_told_so(db: Database, now):
    lane = await a_lane(db, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, Times(uses=3), 9_000), now)
    (no,) = await settle(db, [a_bill(lane, 3_000, await shown(db, lane, now, card))], now)
    assert getattr(no, "code", "") == "not_for_bills"
    coupon = await a_coupon(db, lane, now, member=lane.lin)
    other = await a_coupon(db, lane, now)
    (two,) = await settle(db, [a_bill(lane, 9_000, await shown(db, lane, now, coupon, other))], now)
    assert getattr(two, "code", "") == "several_guests"
    (none,) = await settle(db, [a_bill(lane, 9_000, ())], now)
    assert getattr(none, "code", "") == "nothing_shown"
    assert await audit_clean(db)


async def test_a_guess_says_what_the_bill_will_say(db: Database, now):
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now)
    ask = a_bill(lane, 8_800, await shown(db, lane, now, coupon))
    async with db.reading(CITY) as tx:
        (guess,) = await till.guess(tx, [ask], city_id=CITY, now=now)
    bill = await settled(db, ask, now)
    assert (guess.discounted, guess.paid, guess.collect) == (bill.discounted, bill.paid, bill.collect)  # type: ignore[union-attr]
    async with db.reading(CITY) as tx:
        (kept,) = await till.bills(tx, EVERYTHING, city_id=CITY)
    assert kept == bill
