"""Every pair of things that can happen to one order, at the same moment: at most one wins, and the books agree.

Judged by the audit (it knows what may never be), by what came out (a result or a refusal, never a fault), and by
PostgreSQL's own count of deadlocks: one order of locks means none.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec import Struct, structs

from hutong import inventory, orders, settlement
from hutong.infra.audit import audit
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import chart
from hutong.orders import Cancel, Place, Placed
from hutong.vouchers import Redeemed, Reverse, Voucher
from tests.catalog_town import a_draft, published
from tests.db.crowd import crowd
from tests.lane import (
    CITY,
    PLAIN,
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
    stock,
    units,
)

pytestmark = pytest.mark.anyio

ROUNDS = 3
SALE = timedelta(hours=12)


class Case(Struct, kw_only=True):
    """One order in a state, and what is needed to do something to it."""

    db: Database
    lane: Lane
    now: datetime
    ask: Place
    placed: Placed
    units: list[Voucher] = []
    used: UUID | None = None
    refund: Any = None


async def pay(it: Case) -> Any:
    return await hear(it.db, [captured(it.placed)], it.now)


async def cancel(it: Case) -> Any:
    asks = [Cancel(order_id=it.ask.order_id, by=it.ask.member_id, reason="member")]
    return await it.db.run_city(CITY, lambda tx: orders.cancel(tx, asks, city_id=CITY, now=it.now))


async def run_out(it: Case) -> Any:
    late = it.now + timedelta(minutes=16)
    return await it.db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=late))


async def give_back(it: Case) -> Any:
    return await refund(it.db, it.ask.order_id, it.now)


async def use(it: Case) -> Any:
    return await redeem(it.db, [a_redeem(it.lane, it.units[0], it.now, presented=it.units[0].code)], it.now)


async def undo(it: Case) -> Any:
    assert it.used is not None
    asks = [
        Reverse(redemption_id=it.used, merchant_id=it.lane.merchant, store_id=it.lane.store, by=new_id(), reason="x")
    ]
    return await it.db.run_city(CITY, lambda tx: settlement.reverse(tx, asks, city_id=CITY, now=it.now))


async def lapse(it: Case) -> Any:
    late = it.now + timedelta(days=40)
    return await it.db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=late))


async def close(it: Case) -> Any:
    late = it.now + SALE
    return await it.db.run_city(CITY, lambda tx: orders.close_offers(tx, city_id=CITY, now=late))


async def money_is_back(it: Case) -> Any:
    return await hear(it.db, [refund_is(it.refund.refund_id, "done", it.refund.amount)], it.now)


async def money_is_not_back(it: Case) -> Any:
    return await hear(it.db, [refund_is(it.refund.refund_id, "failed", it.refund.amount)], it.now)


Deed = Callable[[Case], Awaitable[Any]]
MATRIX: dict[str, tuple[Deed, ...]] = {
    "placed": (pay, cancel, run_out),
    "paid": (give_back, use, lapse, pay, cancel),
    "used": (undo, give_back, lapse, use),
    "refunding": (money_is_back, money_is_not_back, give_back, use, lapse),
    "waiting": (close, give_back, use),
    "almost tipped": (pay, close, cancel, run_out),
}


async def a_case(db: Database, lane: Lane, now: datetime, state: str) -> Case:
    """An order of two units in that state."""
    ask = a_place(lane, 2)
    (placed,) = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    it = Case(db=db, lane=lane, now=now, ask=ask, placed=placed)
    if state in ("placed", "almost tipped"):
        return it
    await pay(it)
    it.units = await units(db, ask.order_id)
    if state == "used":
        (done,) = await use(it)
        assert isinstance(done, Redeemed), done
        it.used = done.redemption_id
    if state == "refunding":
        it.refund = await refund(db, ask.order_id, now, voucher_ids=(it.units[1].voucher_id,))
    return it


async def to_the_end(it: Case) -> None:
    """Time passes until nothing can happen any more: all that was not used has gone back."""
    await run_out(it)
    for _ in range(3):  # judged first, refunded by the next rounds
        await close(it)
    await lapse(it)
    async with it.db.reading(CITY) as tx:
        open_ones = await tx.rows(
            """select refund_id, units, asset from payments.refunds
               where city_id = %(city)s and state not in ('done', 'failed')""",
            city=CITY,
        )
    done = [refund_is(row["refund_id"], "done", Amount(row["units"], row["asset"])) for row in open_ones]
    await hear(it.db, done, it.now + timedelta(days=40))


async def deadlocks(db: Database) -> int:
    """PostgreSQL's count; its processes report what they saw once a second, when they next come to rest."""
    await asyncio.sleep(1.1)
    await crowd(db)
    await asyncio.sleep(0.1)
    async with db.reading() as tx:
        return await tx.value("select deadlocks from pg_stat_database where datname = current_database()")


async def another(db: Database, lane: Lane, now: datetime, **changes: Any) -> Lane:
    """The same shop with a fresh deal."""
    quota = new_id()
    async with db.city(CITY) as tx:
        await inventory.open_quotas(tx, [OpenQuota(quota_id=quota, label="deal", total=1_000)], city_id=CITY, now=now)
    draft = a_draft(
        lane.merchant, lane.store, now=now, quota_id=quota, terms=PLAIN, list_price=Amount(9_800, "CNY"), **changes
    )
    return structs.replace(lane, offer=(await published(db, draft, now=now))[0])


@pytest.mark.parametrize("state", MATRIX)
async def test_any_two_at_once(db: Database, now: datetime, state: str):
    least = {"waiting": 5, "almost tipped": 2}.get(state)
    changes: dict[str, Any] = {"min_units": least, "sale_to": now + SALE} if least else {}
    lane = await a_lane(db, now, quota=1_000)
    await crowd(db)
    for first, second in combinations_with_replacement(MATRIX[state], 2):
        pair = f"{first.__name__} x {second.__name__}"
        for _ in range(ROUNDS):
            lane = await another(db, lane, now, **changes)
            it = await a_case(db, lane, now, state)
            results = await asyncio.gather(first(it), second(it), return_exceptions=True)
            assert not [r for r in results if isinstance(r, BaseException) and not isinstance(r, Refusal)], (
                pair,
                results,
            )
            sold, held, left = await stock(db, lane)
            assert sold + held + left == 1_000, pair
            await to_the_end(it)
            assert await account(db, chart.escrow(lane.merchant).path) == 0, pair
            assert (await stock(db, lane))[1] == 0, pair
        async with db.snapshot() as tx:
            assert await audit(tx) == [], pair
    assert await deadlocks(db) == 0


async def test_control_crossed_locks_are_counted(db: Database, now: datetime):
    """Vouchers before orders in one place, orders before vouchers in another: how the sweep once was."""
    lane = await a_lane(db, now)
    it = await a_case(db, lane, now, "paid")
    here = asyncio.Barrier(2)
    of_order = "where city_id = %(city)s and order_id = %(id)s for no key update"
    tables = [f"select 1 from {table} {of_order}" for table in ("orders.orders", "vouchers.vouchers")]

    async def take(first: str, second: str) -> None:
        async with db.city(CITY) as tx:
            await tx.rows(first, city=CITY, id=it.ask.order_id)
            await here.wait()
            await tx.rows(second, city=CITY, id=it.ask.order_id)

    results = await asyncio.gather(take(*tables), take(*reversed(tables)), return_exceptions=True)
    assert any(isinstance(result, psycopg.errors.DeadlockDetected) for result in results)
    assert await deadlocks(db) == 1
