"""Promotions and coupons in the life of an order: locked with it, spent with its payment, given back with its end."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hutong import orders, settlement
from hutong.catalog.forms import Times
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.orders import Placed, PriceChanged
from hutong.pricing import AmountOff, Budget, MinSpend, PercentOff
from hutong.settlement import AskPayout, DayBill, PayoutResult
from tests.conftest import audit_clean
from tests.lane import (
    CITY,
    HOLD,
    Lane,
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
    stock,
    units,
)
from tests.savings_help import a_coupon, a_rule, budget, coupon_now, uses

pytestmark = pytest.mark.anyio

PLATFORM = "expense/promotion/platform"


def fen(units: int) -> Amount:
    return Amount(units, "CNY")


async def test_the_worked_example_with_its_coupon_through_orders_and_settlement(db: Database, now):
    """money.md: two units of 68.00, 10.00 off, 60 % platform, 40 % merchant; one is used, one refunded."""
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann)
    escrow, payable = f"escrow/{lane.merchant}", f"payable/merchant/{lane.merchant}"
    ask = a_place(lane, 2, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(12_600))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    assert placed.total == fen(12_600)
    held = await coupon_now(db, coupon)
    assert (held.held_for, held.held_ref, held.held_until) == ("order", ask.order_id, now + HOLD)
    assert await budget(db, rule) == (1_000, 1, 0, 0)
    assert await audit_clean(db)

    await hear(db, [captured(placed)], now)
    assert (await coupon_now(db, coupon)).state == "used"
    assert await budget(db, rule) == (0, 0, 1_000, 1)
    [use] = await uses(db, ask.order_id)
    assert (use["state"], use["shares"]) == ("used", {"platform": 600, "merchant": 400})
    assert await account(db, escrow) == 13_200
    assert await account(db, PLATFORM) == -600
    first, second = await units(db, ask.order_id)
    assert [(u.paid_units, u.due_units) for u in (first, second)] == [(6_300, 6_600)] * 2
    assert await audit_clean(db)

    await redeem(db, [a_redeem(lane, first, now)], now)
    assert await account(db, "revenue/commission") == 396
    assert await account(db, f"payable/operator/{lane.lin}") == 132
    assert await account(db, payable) == 6_072
    assert await audit_clean(db)

    asked = await refund(db, ask.order_id, now, voucher_ids=(second.voucher_id,))
    assert asked.amount == fen(6_300)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    assert await account(db, escrow) == 0
    assert await account(db, PLATFORM) == -300
    assert await account(db, "provider/sandbox") == -6_300
    [use] = await uses(db, ask.order_id)
    assert (use["state"], use["given_units"], use["given"]) == ("used", 500, {"merchant": 200, "platform": 300})
    assert await budget(db, rule) == (0, 0, 500, 1)
    assert (await coupon_now(db, coupon)).state == "used", "a part of the order stands: the coupon stays spent"
    assert await audit_clean(db)

    await the_fee_and_the_payout(db, lane, now)
    assert await account(db, "provider/sandbox") == -152
    assert 12_600 - 6_300 - 76 - 6_072 == 152 == 132 + 396 - 300 - 76
    assert await account(db, payable) == 0
    assert await audit_clean(db)


async def the_fee_and_the_payout(db: Database, lane: Lane, now: datetime) -> None:
    bill = DayBill(
        provider="sandbox", day=now.date(), fee=fen(76), captured=fen(12_600), refunded=fen(6_300), paid_out=fen(0)
    )
    ask = AskPayout(payout_id=new_id(), merchant_id=lane.merchant, provider="sandbox", asset="CNY")
    async with db.city(CITY) as tx:
        await settlement.book_bills(tx, [bill], city_id=CITY, now=now)
        await settlement.ask_payouts(tx, [ask], city_id=CITY, now=now)
        done = [PayoutResult(payout_id=ask.payout_id, state="done")]
        await settlement.payout_results(tx, done, city_id=CITY, now=now)


async def test_a_full_refund_gives_the_coupon_back_and_the_budget(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann)
    ask = a_place(lane, 3, member_id=ann, coupons=(coupon.voucher_id,))
    [placed] = await place(db, [ask], now)
    await hear(db, [captured(placed)], now)
    shares = [(u.paid_units, u.due_units - u.paid_units) for u in await units(db, ask.order_id)]
    assert sum(paid for paid, _ in shares) == 3 * 6_800 - 1_000
    for unit in await units(db, ask.order_id):
        asked = await refund(db, ask.order_id, now, voucher_ids=(unit.voucher_id,))
        assert asked.amount == fen(unit.paid_units)
        await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    assert await state_of(db, ask.order_id) == "refunded"
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await account(db, PLATFORM) == 0
    back = await coupon_now(db, coupon)
    assert (back.state, back.uses_left, back.held_ref) == ("valid", 1, None)
    assert [u["state"] for u in await uses(db, ask.order_id)] == ["returned"]
    assert await budget(db, rule) == (0, 0, 0, 0)
    assert await audit_clean(db)
    again = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(5_800))
    [placed] = await place(db, [again], now)
    assert isinstance(placed, Placed)
    assert await audit_clean(db)


async def test_an_expired_coupon_does_not_come_back_to_life(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann, valid_to=now + timedelta(minutes=5))
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(5_800))
    [placed] = await place(db, [ask], now)
    late = now + timedelta(minutes=10)
    assert await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=late)) == []
    await hear(db, [captured(placed)], late)  # the template ended between claim and pay: the told price stands
    assert await state_of(db, ask.order_id) == "paid"
    asked = await refund(db, ask.order_id, late)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], late)
    assert (await coupon_now(db, coupon)).state == "expired"
    assert await audit_clean(db)


async def test_what_is_cancelled_or_never_paid_frees_the_coupon_and_the_budget(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane, budgets=(Budget(most_units=1_000),))
    coupon = await a_coupon(db, now, lane, rule, ann)
    first = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(5_800))
    await place(db, [first], now)
    asks = [orders.Cancel(order_id=first.order_id, by=ann, reason="member")]
    await db.run_city(CITY, lambda tx: orders.cancel(tx, asks, city_id=CITY, now=now))
    assert (await coupon_now(db, coupon)).held_for is None
    assert await budget(db, rule) == (0, 0, 0, 0)
    assert await audit_clean(db)
    second = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(5_800))
    [placed] = await place(db, [second], now)
    assert isinstance(placed, Placed)
    late = now + HOLD
    await db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=late))
    assert (await coupon_now(db, coupon)).held_for is None
    assert [u["state"] for u in await uses(db, second.order_id)] == ["released"]
    assert await budget(db, rule) == (0, 0, 0, 0)
    await hear(db, [captured(placed)], late)  # too late: the money goes back, the coupon stays free
    assert (await coupon_now(db, coupon)).state == "valid"
    assert await audit_clean(db)


async def test_a_coupon_larger_than_the_order_leaves_nothing_to_pay_and_never_less(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane, benefit=AmountOff(units=10_000))
    coupon = await a_coupon(db, now, lane, rule, ann)
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(0))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed)
    assert (placed.total, placed.state) == (fen(0), "paid")
    [unit] = await units(db, ask.order_id)
    assert (unit.paid_units, unit.due_units) == (0, 4_080)
    assert await account(db, f"escrow/{lane.merchant}") == 4_080
    assert (await coupon_now(db, coupon)).state == "used"
    assert await audit_clean(db)
    back = await refund(db, ask.order_id, now)
    assert back.amount == fen(0)
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await account(db, PLATFORM) == 0
    assert (await coupon_now(db, coupon)).state == "valid"
    assert await budget(db, rule) == (0, 0, 0, 0)
    assert await audit_clean(db)


async def test_automatic_promotions_apply_by_themselves_and_stack_with_a_coupon(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    auto = await a_rule(
        db, now, lane=lane, trigger="auto", benefit=PercentOff(bps=1_000), payers=(("merchant", 1),), stands="shop"
    )
    rule = await a_rule(db, now, lane=lane, conditions=(MinSpend(units=6_800),))
    coupon = await a_coupon(db, now, lane, rule, ann)
    [seen] = await place(db, [a_place(lane, 1, member_id=ann, expect=fen(6_800))], now)
    assert isinstance(seen, PriceChanged)
    assert seen.facts["total"] == "¥61.20"
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(5_120))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    found = {u["promotion_id"]: (u["units"], u["voucher_id"]) for u in await uses(db, ask.order_id)}
    assert found == {auto.promotion_id: (680, None), rule.promotion_id: (1_000, coupon.voucher_id)}
    await hear(db, [captured(placed)], now)
    [unit] = await units(db, ask.order_id)
    assert (unit.paid_units, unit.due_units) == (5_120, 5_720)
    assert await audit_clean(db)


async def test_stock_that_refuses_leaves_coupon_and_budget_free(db: Database, now):
    lane, ann = await a_lane(db, now, quota=1), new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann)
    ask = a_place(lane, 2, member_id=ann, coupons=(coupon.voucher_id,))
    [answer] = await place(db, [ask], now)
    assert answer.code == "sold_out"
    assert (await coupon_now(db, coupon)).held_for is None
    assert await budget(db, rule) == (0, 0, 0, 0)
    assert await stock(db, lane) == (0, 0, 1)
    assert await audit_clean(db)


async def test_a_budget_that_went_between_quote_and_pay_is_told_and_never_charged_silently(db: Database, now):
    lane, ann, bo = await a_lane(db, now), new_id(), new_id()
    rule = await a_rule(db, now, lane=lane, budgets=(Budget(most_units=1_000),))
    hers, his = await a_coupon(db, now, lane, rule, ann), await a_coupon(db, now, lane, rule, bo)
    asks = [
        a_place(lane, 1, member_id=ann, coupons=(hers.voucher_id,), expect=fen(5_800)),
        a_place(lane, 1, member_id=bo, coupons=(his.voucher_id,), expect=fen(5_800)),
    ]
    won, lost = await place(db, asks, now)
    assert isinstance(won, Placed)
    assert isinstance(lost, PriceChanged)
    assert (lost.facts["total"], lost.facts["expected"]) == ("¥68", "¥58")
    assert (await coupon_now(db, his)).held_for is None
    assert await stock(db, lane) == (0, 1, 99)
    assert await audit_clean(db)


async def test_coupons_that_cannot_lie_on_the_table_are_refused_with_their_reason(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane, conditions=(MinSpend(units=7_000),))
    mine = await a_coupon(db, now, lane, rule, ann)
    twin = await a_coupon(db, now, lane, rule, ann)
    bos = await a_coupon(db, now, lane, rule, new_id())

    async def refused(*coupons: UUID, **changes):
        [answer] = await place(db, [a_place(lane, 1, member_id=ann, coupons=coupons, **changes)], now)
        return answer if isinstance(answer, Placed) else answer.code

    assert await refused(bos.voucher_id) == "voucher_not_found"
    assert await refused(new_id()) == "voucher_not_found"
    assert await refused(mine.voucher_id, twin.voucher_id) == "coupon_twice"
    assert await refused(mine.voucher_id) == "spend_more"
    idle = await refused(mine.voucher_id, expect=fen(6_800))
    assert isinstance(idle, Placed), "the member saw that it takes nothing off"
    assert (await coupon_now(db, mine)).held_for is None
    assert await audit_clean(db)


async def test_what_expires_without_a_refund_is_breakage_of_what_was_paid_and_the_shares_go_back(db: Database, now):
    lane = await a_lane(db, now, terms=Terms(valid_days=1, refund_on_expiry=False))
    ann = new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann)
    ask = a_place(lane, 2, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(12_600))
    [placed] = await place(db, [ask], now)
    await hear(db, [captured(placed)], now)
    first, _ = await units(db, ask.order_id)
    await redeem(db, [a_redeem(lane, first, now)], now)
    late = now + timedelta(days=3)
    assert await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=late)) == []
    assert await account(db, "revenue/breakage") == 6_300
    assert await account(db, PLATFORM) == -300, "nobody pays for a right that was never used"
    assert await account(db, f"escrow/{lane.merchant}") == 0
    [use] = await uses(db, ask.order_id)
    assert use["given"] == {"merchant": 200, "platform": 300}
    assert await budget(db, rule) == (0, 0, 500, 1)
    assert await audit_clean(db)


async def test_a_card_used_in_part_gives_back_the_rest_to_the_buyer_and_to_who_bore_it(db: Database, now):
    lane, ann = await a_lane(db, now, scheme="cards", form=Times(uses=4)), new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann)
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,), expect=fen(5_800))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    await hear(db, [captured(placed)], now)
    [card] = await units(db, ask.order_id)
    assert (card.kind, card.uses_total, card.paid_units, card.due_units) == ("card", 4, 5_800, 6_400)
    await redeem(db, [a_redeem(lane, card, now)], now)
    asked = await refund(db, ask.order_id, now)
    assert asked.amount == fen(4_350)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    assert await state_of(db, ask.order_id) == "part_refunded"
    assert await account(db, PLATFORM) == -150
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert (await coupon_now(db, coupon)).state == "used"
    assert await audit_clean(db)


async def test_a_refund_that_the_provider_refuses_changes_nothing_for_the_payers(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann)
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,))
    [placed] = await place(db, [ask], now)
    await hear(db, [captured(placed)], now)
    asked = await refund(db, ask.order_id, now)
    assert await account(db, PLATFORM) == -600
    await hear(db, [refund_is(asked.refund_id, "failed", asked.amount)], now)
    assert await account(db, PLATFORM) == -600
    assert (await coupon_now(db, coupon)).state == "used"
    assert await audit_clean(db)
