"""Many buyers at one moment: never one too many, never one too few. Each race has a control without the guard."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from hutong import inventory
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import GiveBack, Held, Hold, OpenQuota, Resize, Want
from tests.db.crowd import crowd
from tests.db.own_audit import sound

pytestmark = pytest.mark.anyio
CITY = 1


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


async def open_many(db: Database, totals: list[int], now: datetime) -> list[UUID]:
    ids = [new_id() for _ in totals]
    asks = [OpenQuota(quota_id=i, label="race", total=t) for i, t in zip(ids, totals, strict=True)]
    async with db.city(CITY) as tx:
        await inventory.open_quotas(tx, asks, city_id=CITY, now=now)
    return ids


def a_hold(now: datetime, *wants: Want) -> Hold:
    return Hold(hold_id=new_id(), wants=wants, expires_at=now + timedelta(minutes=15), ref=new_id())


async def taken(db: Database, holds: list[Hold], now: datetime) -> list[Any]:
    """All at once: one transaction each."""

    async def one(hold: Hold) -> Any:
        [answer] = await db.run_city(CITY, lambda tx: inventory.hold(tx, [hold], city_id=CITY, now=now))
        return answer

    return await asyncio.gather(*(one(hold) for hold in holds))


async def test_exactly_n_of_many_buyers_get_one(db: Database, now):
    [quota_id] = await open_many(db, [37], now)
    answers = await taken(db, [a_hold(now, Want(quota_id, 1)) for _ in range(120)], now)
    assert sum(isinstance(a, Held) for a in answers) == 37
    assert {a.code for a in answers if not isinstance(a, Held)} == {"sold_out"}
    async with db.reading() as tx:
        [quota] = await inventory.quotas(tx, [quota_id], city_id=CITY)
    assert (quota.held, quota.remaining) == (37, 0)
    assert await sound(db, "inventory")


async def test_control_check_then_write_oversells(db: Database, now):
    """The same race the naive way, on a table without the CHECK: more are sold than there were."""
    async with db.central() as tx:
        await tx.run("create table naive (total int, sold int)")
        await tx.run("insert into naive values (37, 0)")

    async def one() -> bool:
        async with db.city(CITY) as tx:
            row = await tx.row("select total - sold as left from naive")
            await asyncio.sleep(0.002)
            if row is None or row["left"] < 1:
                return False
            await tx.run("update naive set sold = sold + 1")
            return True

    answers = await asyncio.gather(*(one() for _ in range(120)))
    assert sum(answers) > 37


async def test_one_request_twenty_times_takes_once(db: Database, now):
    [quota_id] = await open_many(db, [5], now)
    hold = a_hold(now, Want(quota_id, 1))
    answers = await taken(db, [hold] * 20, now)
    assert [a.hold_id for a in answers] == [hold.hold_id] * 20
    assert sum(not a.replayed for a in answers) == 1
    async with db.reading() as tx:
        [quota] = await inventory.quotas(tx, [quota_id], city_id=CITY)
    assert (quota.held, quota.remaining) == (1, 4)
    assert await sound(db, "inventory")


async def test_control_the_naive_single_statement_leaks_units(db: Database):
    """Decrement first, insert with DO NOTHING after: a repeated request still eats a unit."""
    async with db.central() as tx:
        await tx.run("create table leaky (left_units int)")
        await tx.run("insert into leaky values (5)")
        await tx.run("create table leaky_claims (buyer int primary key)")
    for _ in range(3):
        async with db.central() as tx:
            await tx.run(
                """with s as (update leaky set left_units = left_units - 1 where left_units > 0 returning 1)
                   insert into leaky_claims select 7 from s on conflict do nothing"""
            )
    async with db.reading() as tx:
        assert await tx.value("select left_units from leaky") == 2
        assert await tx.value("select count(*) from leaky_claims") == 1


async def test_crossed_baskets_never_deadlock_and_are_never_half(db: Database, now):
    first, second = await open_many(db, [40, 40], now)
    holds = [
        a_hold(now, Want(first, 1), Want(second, 1)) if i % 2 else a_hold(now, Want(second, 1), Want(first, 1))
        for i in range(60)
    ]

    async def one(hold: Hold) -> Any:
        async with db.city(CITY) as tx:  # not run_city: a deadlock would surface here
            [answer] = await inventory.hold(tx, [hold], city_id=CITY, now=now)
            return answer

    answers = await asyncio.gather(*(one(hold) for hold in holds))
    assert sum(isinstance(a, Held) for a in answers) == 40
    async with db.reading() as tx:
        quotas = await inventory.quotas(tx, [first, second], city_id=CITY)
    assert [(q.held, q.remaining) for q in quotas if q] == [(40, 0), (40, 0)]
    assert await sound(db, "inventory")


async def test_confirm_against_sweep_has_one_winner(db: Database, now):
    late = now + timedelta(minutes=16)
    [quota_id] = await open_many(db, [20], now)
    for _ in range(20):
        [held] = await taken(db, [a_hold(now, Want(quota_id, 1))], now)
        paid, swept = await asyncio.gather(
            db.run_city(CITY, lambda tx, i=held.hold_id: inventory.confirm(tx, [i], city_id=CITY, now=late)),
            db.run_city(CITY, lambda tx: inventory.expire(tx, city_id=CITY, now=late)),
        )
        assert isinstance(paid[0], inventory.Confirmed) == (swept == [])
        assert isinstance(paid[0], inventory.HoldOver) == (len(swept) == 1)
    assert await sound(db, "inventory")


async def test_one_refund_twenty_times_gives_back_once(db: Database, now):
    [quota_id] = await open_many(db, [3], now)
    [held] = await taken(db, [a_hold(now, Want(quota_id, 3))], now)
    await db.run_city(CITY, lambda tx: inventory.confirm(tx, [held.hold_id], city_id=CITY, now=now))
    back = GiveBack(ref=new_id(), hold_id=held.hold_id, units=1)
    answers = await asyncio.gather(
        *(
            db.run_city(CITY, lambda tx: inventory.give_back(tx, [back], city_id=CITY, now=now))
            for _ in range(20)
        )
    )  # fmt: skip
    assert sum(not a[0].replayed for a in answers) == 1
    async with db.reading() as tx:
        [quota] = await inventory.quotas(tx, [quota_id], city_id=CITY)
    assert (quota.sold, quota.remaining) == (2, 1)
    assert await sound(db, "inventory")


async def test_resizing_during_a_sale(db: Database, now):
    [quota_id] = await open_many(db, [30], now)
    holds = [a_hold(now, Want(quota_id, 1)) for _ in range(60)]

    async def shrink(total: int) -> Any:
        await asyncio.sleep(0.01)
        return await db.run_city(CITY, lambda tx: inventory.resize(tx, [Resize(quota_id, total)], city_id=CITY))

    answers, *_ = await asyncio.gather(taken(db, holds, now), shrink(20), shrink(25))
    async with db.reading() as tx:
        [quota] = await inventory.quotas(tx, [quota_id], city_id=CITY)
    assert sum(isinstance(a, Held) for a in answers) == quota.held <= quota.total
    assert await sound(db, "inventory")


async def test_batches_and_single_buyers_share_one_quota(db: Database, now):
    """A batch of a list and lone requests meet on one row: together they get exactly what there is."""
    [quota_id] = await open_many(db, [50], now)
    batches = [[a_hold(now, Want(quota_id, 2)) for _ in range(10)] for _ in range(4)]

    async def batch(holds: list[Hold]) -> list[Any]:
        return await db.run_city(CITY, lambda tx: inventory.hold(tx, holds, city_id=CITY, now=now))

    singles = taken(db, [a_hold(now, Want(quota_id, 1)) for _ in range(30)], now)
    *in_batches, alone = await asyncio.gather(*(batch(b) for b in batches), singles)
    got = sum(2 for b in in_batches for a in b if isinstance(a, Held)) + sum(isinstance(a, Held) for a in alone)
    assert got == 50
    assert await sound(db, "inventory")


async def test_units_of_a_transaction_that_fails_come_back(db: Database, now):
    [quota_id] = await open_many(db, [1], now)
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with db.city(CITY) as tx:
            await inventory.hold(tx, [a_hold(now, Want(quota_id, 1))], city_id=CITY, now=now)
            await tx.run("select 1/0")
    [held] = await taken(db, [a_hold(now, Want(quota_id, 1))], now)
    assert isinstance(held, Held)
    assert await sound(db, "inventory")
