"""Holds decided first and claimed last: a quota with plenty is locked only at the end, a scarce one at once."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from hutong import inventory
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.inventory import Hold, OpenQuota, Want
from hutong.kit.refusals import Refusal
from tests.db.crowd import crowd
from tests.db.own_audit import sound

pytestmark = pytest.mark.anyio
CITY = 1
LOCK = "select 1 from inventory.quotas where city_id = 1 and quota_id = %(id)s for update nowait"


async def a_quota(db: Database, total: int, now: datetime) -> UUID:
    quota_id = new_id()
    ask = OpenQuota(quota_id=quota_id, label="late", total=total)
    async with db.city(CITY) as tx:
        await inventory.open_quotas(tx, [ask], city_id=CITY, now=now)
    return quota_id


def a_hold(now: datetime, *wants: Want) -> Hold:
    return Hold(hold_id=new_id(), wants=wants, expires_at=now + timedelta(minutes=15), ref=new_id())


async def counters(db: Database, quota_id: UUID) -> tuple[int, int]:
    """(held, remaining)"""
    async with db.reading() as tx:
        [quota] = await inventory.quotas(tx, [quota_id], city_id=CITY)
    assert quota is not None
    return quota.held, quota.remaining


async def is_free(db: Database, quota_id: UUID) -> bool:
    """Whether nobody has locked the quota."""
    try:
        async with db.city(CITY) as tx:
            await tx.run(LOCK, id=quota_id)
    except psycopg.errors.LockNotAvailable:
        return False
    return True


async def take(
    db: Database, holds: list[Hold], now: datetime, *, between: asyncio.Event | None = None
) -> list[Refusal | None]:
    """Reserve and claim in one transaction; `between` is waited for between the two, the first time."""
    waits = [between] if between else []

    async def work(tx: Tx) -> list[Refusal | None]:
        reserved = await inventory.reserve(tx, holds, city_id=CITY)
        if waits:
            await waits.pop().wait()
        await inventory.claim(tx, reserved, city_id=CITY, now=now)
        return list(reserved.answers)

    return await db.run_city(CITY, work)


async def test_where_there_is_plenty_nothing_is_locked_before_the_claim(db: Database, now):
    quota_id = await a_quota(db, 1_000, now)
    async with db.city(CITY) as tx:
        reserved = await inventory.reserve(tx, [a_hold(now, Want(quota_id, 2))], city_id=CITY)
        assert reserved.answers == (None,)
        assert await is_free(db, quota_id)
        await inventory.claim(tx, reserved, city_id=CITY, now=now)
        assert not await is_free(db, quota_id)
    assert await counters(db, quota_id) == (2, 998)
    assert await sound(db, "inventory")


async def test_what_is_scarce_is_locked_at_once_and_served_in_order(db: Database, now):
    quota_id = await a_quota(db, 5, now)
    holds = [a_hold(now, Want(quota_id, units)) for units in (2, 4, 3, 1)]
    async with db.city(CITY) as tx:
        reserved = await inventory.reserve(tx, holds, city_id=CITY)
        assert not await is_free(db, quota_id)
        await inventory.claim(tx, reserved, city_id=CITY, now=now)
    assert [r and r.code for r in reserved.answers] == [None, "sold_out", None, "sold_out"]
    assert await counters(db, quota_id) == (5, 0)
    assert await sound(db, "inventory")


async def test_a_sold_out_quota_refuses_without_a_lock(db: Database, now):
    quota_id = await a_quota(db, 0, now)
    async with db.city(CITY) as tx:
        reserved = await inventory.reserve(tx, [a_hold(now, Want(quota_id, 1))], city_id=CITY)
        assert await is_free(db, quota_id)
        await inventory.claim(tx, reserved, city_id=CITY, now=now)
    assert [r.code for r in reserved.answers if r] == ["sold_out"]


async def test_units_that_went_meanwhile_are_asked_for_again_and_refused(db: Database, now):
    quota_id = await a_quota(db, 40, now)
    gone = asyncio.Event()
    late = asyncio.create_task(take(db, [a_hold(now, Want(quota_id, 2))], now, between=gone))
    await asyncio.sleep(0.1)
    assert await take(db, [a_hold(now, Want(quota_id, 39))], now) == [None]
    gone.set()
    assert [r and r.code for r in await late] == ["sold_out"]
    assert await counters(db, quota_id) == (39, 1)
    assert await sound(db, "inventory")


async def test_a_quota_closed_meanwhile_sells_no_more(db: Database, now):
    quota_id = await a_quota(db, 100, now)
    closed = asyncio.Event()
    late = asyncio.create_task(take(db, [a_hold(now, Want(quota_id, 1))], now, between=closed))
    await asyncio.sleep(0.1)
    async with db.city(CITY) as tx:
        await inventory.close_quotas(tx, [quota_id], city_id=CITY, now=now)
    closed.set()
    assert [r and r.code for r in await late] == ["quota_closed"]
    assert await sound(db, "inventory")


async def test_sets_that_cross_over_two_quotas_sell_exactly_what_is_there(db: Database, now):
    await crowd(db)
    a, b = [await a_quota(db, 400, now) for _ in range(2)]
    sets = [
        [a_hold(now, *(Want(q, 1) for q in ((a, b) if n % 2 else (b, a)))) for _ in range(20)] for n in range(30)
    ]  # fmt: skip
    answers = await asyncio.gather(*(take(db, some, now) for some in sets))
    assert sum(answer is None for some in answers for answer in some) == 400
    assert {answer.code for some in answers for answer in some if answer} == {"sold_out"}
    assert [await counters(db, q) for q in (a, b)] == [(400, 0)] * 2
    assert await sound(db, "inventory")


async def test_control_without_the_condition_the_books_refuse_the_oversell(db: Database, now):
    """Two sets that both saw one unit: without the condition only the CHECK of the table stands in the way."""
    quota_id = await a_quota(db, 1, now)

    async def unguarded() -> None:
        async with db.city(CITY) as tx:
            [seen] = await inventory.quotas(tx, [quota_id], city_id=CITY)
            assert seen is not None
            assert seen.remaining == 1
            await asyncio.sleep(0.1)
            await tx.run(
                """update inventory.quotas set held = held + 1, remaining = remaining - 1
                   where city_id = 1 and quota_id = %(id)s""",
                id=quota_id,
            )

    results = await asyncio.gather(unguarded(), unguarded(), return_exceptions=True)
    assert sum(isinstance(result, psycopg.errors.CheckViolation) for result in results) == 1
