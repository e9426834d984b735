"""Every invariant of orders and settlement can fire: one world with everything in it, one violation at a time."""

from datetime import timedelta

import pytest

from hutong import orders, settlement
from hutong.infra.audit import queries
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.terms import Terms
from hutong.settlement import AskPayout, PayoutResult
from hutong.vouchers import Redeemed, Reverse
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.db.test_coupons_audit import CLAIMED
from tests.db.test_ladders import BREAK as LADDERS
from tests.db.test_payout_batches import SEEDS as PAYOUTS
from tests.db.test_reconciling import SEEDS as BILLED
from tests.db.test_savings_audit import SEEDS as SAVED
from tests.db.test_tenders_audit import CASES as TENDERS
from tests.db.test_tenders_points import BREAK as POINTS
from tests.lane import CITY, a_lane, a_place, a_redeem, bought, captured, hear, place, redeem, refund, refund_is

pytestmark = pytest.mark.anyio

# Each: the code, and statements that break it (constraints that stand in the way are taken out first).
SEEDS: dict[str, list[str]] = {
    "O01": [
        "alter table orders.orders drop constraint orders_refunded_check, drop constraint orders_all_refunded_check",
        "update orders.orders set refunded_units = total_units + 1 where state = 'paid'",
    ],
    "O02": ["update orders.lines set total_units = total_units + 1"],
    "O03": ["update orders.changes set state = 'refunded' where state = 'paid'"],
    "O04": ["delete from payments.changes", "delete from payments.payments where state = 'captured'"],
    "O05": ["update vouchers.vouchers set order_id = gen_random_uuid() where state = 'used'"],
    "O06": ["update orders.refunds set units = units - 1 where state = 'done'"],
    "O07": ["update orders.orders set expires_at = expires_at - interval '3 days' where state = 'placed'"],
    "O08": ["update orders.tippings set paid_units = min_units - 1 where tipped_at is not null"],
    "O09": ["update orders.tippings set outcome = 'failed', closed_at = tipped_at where tipped_at is not null"],
    "O10": ["update orders.bought set units = units + 1"],
    "O11": [
        "alter table inventory.holds drop constraint holds_ended_check",
        "update inventory.holds set state = 'released' where state = 'confirmed'",
    ],
    "O12": ["update orders.changes set state = 'cancelled' where state = 'placed'"],
    "O13": ["update orders.refunds set reason = 'merchant' where state = 'done'"],
    "O14": [
        "update ledger.city_transfers set event = 'breakage', ref = (select voucher_ids[1] from orders.refunds"
        " where state = 'done' and cardinality(voucher_ids) > 0 limit 1)"
    ],
    "T01": ["delete from settlement.shares", "delete from settlement.earnings where reversed_at is null"],
    "T02": [
        "alter table settlement.earnings drop constraint earnings_sum_check",
        "update settlement.earnings set merchant_units = merchant_units + 1",
    ],
    "T03": ["update settlement.earnings set reversed_at = null where reversed_at is not null"],
    "T04": [
        "alter table settlement.earnings drop constraint earnings_sum_check",
        "update settlement.earnings set due_units = due_units + 1 where reversed_at is null",
    ],
    "T05": ["update settlement.payouts set units = units - 1 where state = 'done'"],
    "T06": ["update settlement.payouts set payout_id = gen_random_uuid()"],
    "T07": [
        "update settlement.earnings set due_units = due_units + 1, merchant_units = merchant_units + 1"
        " where reversed_at is null"
    ],
}


async def a_full_world(db: Database, now) -> None:
    """Placed, paid, used, undone, refunded, tipped, paid out: something for every invariant to look at."""
    lane = await a_lane(db, now, min_units=2, terms=Terms(valid_days=30, per_member=9))
    first = await bought(db, lane, now, 4)
    done = await redeem(db, [a_redeem(lane, u, now) for u in first[:2]], now)
    assert all(isinstance(r, Redeemed) for r in done)
    undo = Reverse(
        redemption_id=done[1].redemption_id,
        merchant_id=lane.merchant,
        by=new_id(),
        reason="x",  # type: ignore[union-attr]
    )
    await db.run_city(CITY, lambda tx: settlement.reverse(tx, [undo], city_id=CITY, now=now))
    asked = await refund(db, first[3].order_id, now, voucher_ids=(first[3].voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    ask = AskPayout(payout_id=new_id(), merchant_id=lane.merchant, provider="sandbox", asset="CNY")
    async with db.city(CITY) as tx:
        await settlement.ask_payouts(tx, [ask], city_id=CITY, now=now)
        await settlement.payout_results(
            tx, [PayoutResult(payout_id=ask.payout_id, state="done")], city_id=CITY, now=now
        )
    late = (await place(db, [a_place(lane)], now - timedelta(minutes=20)))[0]
    await db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=now))
    await hear(db, [captured(late)], now)  # type: ignore[arg-type]
    await place(db, [a_place(lane)], now)
    await bought(db, lane, now, 1)
    assert await audit_clean(db)


@pytest.mark.parametrize("code", sorted(SEEDS))
async def test_the_invariant_fires(db: Database, database_url: str, now, code: str):
    await a_full_world(db, now)
    break_it(database_url, SEEDS[code])
    assert await fires(db, code)


def test_no_invariant_of_these_packages_is_without_its_violation():
    ours = {q.code for q in queries() if q.package in ("orders", "settlement")}
    together = {code for code in LADDERS if code.startswith("O")}
    tenders = {code for code, _ in (*TENDERS, *POINTS)}
    assert ours == set(SEEDS) | set(PAYOUTS) | set(SAVED) | set(CLAIMED) | set(BILLED) | together | tenders
