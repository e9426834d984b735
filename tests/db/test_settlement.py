"""Settlement: redemption moves the money to everyone who has a part in it; undo moves it back; payouts and fees."""

import asyncio
from datetime import date, timedelta

import pytest

from hutong import settlement
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.ledger import chart
from hutong.settlement import AskPayout, DayBill, PayoutResult
from hutong.vouchers import Redeemed, Reverse
from tests.conftest import audit_clean
from tests.lane import CITY, a_lane, a_redeem, account, bought, hear, redeem, refund, refund_is

pytestmark = pytest.mark.anyio


def yuan(units: int) -> Amount:
    return Amount(units, "CNY")


async def undo(db: Database, lane, redemption_id, now, **changes):
    fields = {"redemption_id": redemption_id, "merchant_id": lane.merchant, "store_id": lane.store, "by": new_id(),
              "reason": "mistake"} | changes  # fmt: skip
    asks = [Reverse(**fields)]
    return (await db.run_city(CITY, lambda tx: settlement.reverse(tx, asks, city_id=CITY, now=now)))[0]


async def test_the_worked_example_without_coupon_and_points(db: Database, now):
    """money.md: two units, one used, one refunded, the fee of the bill, the payout - to the unit."""
    lane = await a_lane(db, now)
    found = await bought(db, lane, now, 2)
    assert await account(db, chart.escrow(lane.merchant).path) == 13_600
    done = (await redeem(db, [a_redeem(lane, found[0], now)], now))[0]
    assert isinstance(done, Redeemed)
    # 8 % of 6,800 = 544; operator 25 % = 136; platform 408; merchant 6,256
    assert await account(db, chart.revenue_commission().path) == 408
    assert await account(db, chart.payable_operator(lane.lin).path) == 136
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 6_256
    asked = await refund(db, found[1].order_id, now, voucher_ids=(found[1].voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    bill = DayBill(
        provider="sandbox", day=date(2026, 11, 20), fee=yuan(82), captured=yuan(13_600), refunded=yuan(6_800),
        paid_out=yuan(0),
    )  # fmt: skip
    async with db.city(CITY) as tx:
        assert await settlement.book_bills(tx, [bill], city_id=CITY, now=now) == [True]
        assert await settlement.book_bills(tx, [bill], city_id=CITY, now=now) == [False]
        ask = AskPayout(payout_id=new_id(), merchant_id=lane.merchant, provider="sandbox", asset="CNY")
        paid = (await settlement.ask_payouts(tx, [ask], city_id=CITY, now=now))[0]
        assert paid.amount == yuan(6_256)  # type: ignore[union-attr]
        for state, changed in (("unknown", True), ("done", True), ("done", False)):
            result = PayoutResult(payout_id=ask.payout_id, state=state)  # type: ignore[arg-type]
            assert await settlement.payout_results(tx, [result], city_id=CITY, now=now) == [changed]
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 0
    assert -await account(db, chart.provider("sandbox").path) == 13_600 - 6_800 - 82 - 6_256 == 136 + 408 - 82
    assert await audit_clean(db)


async def test_an_undo_moves_the_same_money_back_and_the_voucher_lives(db: Database, now):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now)
    done = (await redeem(db, [a_redeem(lane, found[0], now)], now))[0]
    assert isinstance(done, Redeemed)
    assert (await undo(db, lane, done.redemption_id, now)).uses_left == 1
    assert await account(db, chart.escrow(lane.merchant).path) == 6_800
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 0
    assert await account(db, chart.revenue_commission().path) == 0
    assert await audit_clean(db)
    again = (await redeem(db, [a_redeem(lane, found[0], now + timedelta(minutes=2))], now + timedelta(minutes=2)))[0]
    assert isinstance(again, Redeemed), again
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 6_256
    assert await audit_clean(db)


async def test_two_cashiers_scan_one_code_at_the_same_moment(db: Database, now):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now)
    results = await asyncio.gather(*(redeem(db, [a_redeem(lane, found[0], now)], now) for _ in range(2)))
    assert sum(isinstance(r[0], Redeemed) for r in results) == 1
    assert {r[0].code for r in results if not isinstance(r[0], Redeemed)} <= {"already_used", "qr_already_used"}  # type: ignore[union-attr]
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 6_256
    assert await audit_clean(db)


async def test_the_same_request_twenty_times_at_once_is_one_redemption(db: Database, now):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now)
    asks = [a_redeem(lane, found[0], now, request_no="till-7/1") for _ in range(20)]
    results = [r[0] for r in await asyncio.gather(*(redeem(db, [a], now) for a in asks))]
    assert all(isinstance(r, Redeemed) for r in results), results
    assert len({r.redemption_id for r in results if isinstance(r, Redeemed)}) == 1
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 6_256
    assert await audit_clean(db)


@pytest.mark.parametrize("round_no", range(5))
async def test_a_refund_and_a_redemption_never_both_win(db: Database, now, round_no: int):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now)
    used, back = await asyncio.gather(
        redeem(db, [a_redeem(lane, found[0], now)], now), refund(db, found[0].order_id, now)
    )
    assert isinstance(used[0], Redeemed) != hasattr(back, "amount")
    assert await audit_clean(db)


async def test_the_statement_shows_each_code_and_each_fee(db: Database, now):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now, 3)
    results = await redeem(db, [a_redeem(lane, u, now) for u in found[:2]], now)
    assert isinstance(results[1], Redeemed)
    await undo(db, lane, results[1].redemption_id, now)
    async with db.reading(CITY) as tx:
        shown = await settlement.statement(
            tx, lane.merchant, city_id=CITY, asset="CNY", since=now - timedelta(days=1), until=now + timedelta(days=1)
        )
    assert (shown.count, shown.due, shown.commission, shown.merchant) == (1, yuan(6_800), yuan(544), yuan(6_256))
    assert (shown.payable, shown.escrow) == (yuan(6_256), yuan(13_600))
    assert sorted(line.code_tail for line in shown.lines) == sorted(u.code[-4:] for u in found[:2])
    assert sum(line.reversed_at is not None for line in shown.lines) == 1


async def test_a_merchant_without_a_rule_cannot_redeem(db: Database, now):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now)
    async with db.central() as tx:
        await tx.run("delete from settlement.rules")
    assert (await redeem(db, [a_redeem(lane, found[0], now)], now))[0].code == "no_commission_rule"  # type: ignore[union-attr]


async def test_one_payout_at_a_time_and_none_of_nothing(db: Database, now):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now)
    ask = [AskPayout(payout_id=new_id(), merchant_id=lane.merchant, provider="sandbox", asset="CNY") for _ in range(3)]
    async with db.city(CITY) as tx:
        none = await settlement.ask_payouts(tx, ask[:1], city_id=CITY, now=now)
    assert none[0].code == "nothing_to_pay"  # type: ignore[union-attr]
    await redeem(db, [a_redeem(lane, found[0], now)], now)
    async with db.city(CITY) as tx:
        both = await settlement.ask_payouts(tx, ask[1:], city_id=CITY, now=now)
        assert [getattr(r, "code", "asked") for r in both] == ["asked", "payout_open"]
        refused = PayoutResult(payout_id=ask[1].payout_id, state="refused")
        assert await settlement.payout_results(tx, [refused], city_id=CITY, now=now) == [True]
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 6_256
    assert await audit_clean(db)
