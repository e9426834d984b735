"""Delivering facts to handlers: the effect of each (fact, handler) is there exactly once.

The row in `infra.handled` is written in the transaction of the effect, so a worker killed at any moment leaves
both or neither, and a job that runs again finds nothing left to do. A poisoned fact fails alone: the set is
halved until it stands by itself, it is tried again with growing pauses, and after the handler's number of tries
it is dead, which the audit shows (F03) and `revive` undoes.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.faults import of_the_house
from hutong.infra.relay import (
    Defer,
    Delivery,
    Errand,
    Handler,
    Registry,
    mark_relayed,
    waiting_cities,
    waiting_facts,
)

log = logging.getLogger(__name__)

SPLIT_AFTER = 3  # runs that ended without an answer (worker killed): then each fact gets a job of its own
ERRANDS_AT_ONCE = 8


def pause_s(tries: int) -> float:
    """Seconds to wait after the n-th failed try: 5, 20, 80, ... at most an hour."""
    return min(3600.0, 5.0 * 4 ** (tries - 1))


async def deliver(
    db: Database, handler: Handler | Errand, delivery: Delivery, *, attempts: int, defer: Defer, now: datetime
) -> None:
    """Run one job: hand the facts that were not handled yet to the handler.

    `attempts`: how often the job began before. Raises only for faults of the house (the queue tries again);
    a fault of a fact is recorded and costs the others nothing.
    """
    if attempts >= SPLIT_AFTER and len(delivery.facts) > 1:
        alone = [Delivery(handler=handler.name, city_id=delivery.city_id, facts=[one]) for one in delivery.facts]
        async with db.central() as tx:
            await defer(tx, alone)
    elif attempts >= handler.tries:
        error = RuntimeError(f"{attempts} runs ended without an answer")
        await _failed(db, handler, delivery, error, defer, now, dead=True)
    elif isinstance(handler, Errand):
        await _run_errands(db, handler, delivery, defer, now)
    else:
        await _run_handler(db, handler, delivery, defer, now)


async def _run_handler(db: Database, handler: Handler, delivery: Delivery, defer: Defer, now: datetime) -> None:
    try:
        await apply(db, handler, delivery, now=now)
    except Exception as error:
        if of_the_house(error):
            raise
        if len(delivery.facts) == 1:
            await _failed(db, handler, delivery, error, defer, now)
            return
        half = len(delivery.facts) // 2
        for part in (delivery.facts[:half], delivery.facts[half:]):
            smaller = Delivery(handler=handler.name, city_id=delivery.city_id, facts=part, retry=delivery.retry)
            await _run_handler(db, handler, smaller, defer, now)


async def apply(db: Database, handler: Handler | Errand, delivery: Delivery, *, now: datetime) -> None:
    """Hand over what is not handled yet, without any second try: an exception undoes the whole set."""
    if isinstance(handler, Errand):
        for fact in await _open_facts(db, delivery):
            await _one_errand(db, handler, fact, delivery, now)
        return

    async def work(tx: Tx) -> None:
        facts = await _claim(tx, delivery, now)
        if facts:
            await handler.do(tx, facts, city_id=delivery.city_id, now=now)

    await db.run_city(delivery.city_id, work)


async def _claim(tx: Tx, delivery: Delivery, now: datetime) -> list[Fact]:
    """Mark the facts as handled and give those that were not, in order. A second worker waits here for the first."""
    rows = await tx.rows(
        """insert into infra.handled (city_id, fact_id, handler, at)
           select f.city_id, f.fact_id, %(handler)s, %(now)s from infra.facts f
           where f.city_id = %(city)s and f.fact_id = any(%(facts)s::uuid[]) order by f.fact_id
           on conflict (city_id, fact_id, handler) do nothing returning fact_id""",
        city=delivery.city_id, handler=delivery.handler, facts=delivery.facts, now=now,
    )  # fmt: skip
    if delivery.retry:
        await tx.run(
            """delete from infra.failures
               where city_id = %(city)s and handler = %(handler)s and fact_id = any(%(facts)s::uuid[])""",
            city=delivery.city_id, handler=delivery.handler, facts=delivery.facts,
        )  # fmt: skip
    return await _facts(tx, delivery.city_id, [row["fact_id"] for row in rows])


async def _facts(tx: Tx, city_id: int, ids: Sequence[UUID]) -> list[Fact]:
    if not ids:
        return []
    rows = await tx.rows(
        """select fact_id, city_id, topic, subject, payload, at from infra.facts
           where city_id = %(city)s and fact_id = any(%(facts)s::uuid[]) order by at, fact_id""",
        city=city_id,
        facts=list(ids),
    )
    return [Fact(**row) for row in rows]


async def _open_facts(db: Database, delivery: Delivery) -> list[Fact]:
    async with db.reading(delivery.city_id) as tx:
        done = await tx.rows(
            """select fact_id from infra.handled
               where city_id = %(city)s and handler = %(handler)s and fact_id = any(%(facts)s::uuid[])""",
            city=delivery.city_id, handler=delivery.handler, facts=delivery.facts,
        )  # fmt: skip
        closed = {row["fact_id"] for row in done}
        return await _facts(tx, delivery.city_id, [one for one in delivery.facts if one not in closed])


async def _run_errands(db: Database, errand: Errand, delivery: Delivery, defer: Defer, now: datetime) -> None:
    turn = asyncio.Semaphore(ERRANDS_AT_ONCE)

    async def run(fact: Fact) -> BaseException | None:
        async with turn:
            try:
                await _one_errand(db, errand, fact, delivery, now)
            except Exception as error:
                if of_the_house(error):
                    return error
                alone = Delivery(handler=errand.name, city_id=delivery.city_id, facts=[fact.fact_id])
                await _failed(db, errand, alone, error, defer, now)
        return None

    facts = await _open_facts(db, delivery)
    if delivery.retry and not facts:
        async with db.city(delivery.city_id) as tx:
            await _claim(tx, delivery, now)  # done meanwhile by another run: only the note of the failure goes
    for fault in await asyncio.gather(*(run(fact) for fact in facts)):
        if fault is not None:
            raise fault


async def _one_errand(db: Database, errand: Errand, fact: Fact, delivery: Delivery, now: datetime) -> None:
    async with asyncio.timeout(errand.timeout_s):
        await errand.do(db, fact, city_id=delivery.city_id, now=now)
    done = Delivery(handler=errand.name, city_id=delivery.city_id, facts=[fact.fact_id], retry=True)
    async with db.city(delivery.city_id) as tx:
        await _claim(tx, done, now)


async def _failed(
    db: Database, handler: Handler | Errand, delivery: Delivery, error: Exception, defer: Defer, now: datetime,
    *, dead: bool = False,
) -> None:  # fmt: skip
    """Record that one fact could not be handled, and queue the next try in the same transaction."""
    (fact_id,) = delivery.facts
    most = 0 if dead else handler.tries
    work = partial(_record_failure, delivery=delivery, error=error, defer=defer, now=now, most=most)
    tries = await db.run_city(delivery.city_id, work)
    level = logging.ERROR if tries >= most else logging.WARNING
    log.log(level, "%s failed on fact %s, try %s: %s", handler.name, fact_id, tries, describe(error))


async def _record_failure(
    tx: Tx, *, delivery: Delivery, error: Exception, defer: Defer, now: datetime, most: int
) -> int:
    tries: int | None = await tx.value(
        """insert into infra.failures as f (city_id, fact_id, handler, tries, error, at, dead)
           select %(city)s, x.fact_id, %(handler)s, 1, %(error)s, %(now)s, 1 >= %(most)s
           from infra.facts x where x.city_id = %(city)s and x.fact_id = %(fact)s
           on conflict (city_id, fact_id, handler) do update
           set tries = f.tries + 1, error = excluded.error, at = excluded.at, dead = f.tries + 1 >= %(most)s
           returning tries""",
        city=delivery.city_id, fact=delivery.facts[0], handler=delivery.handler, error=describe(error), now=now,
        most=most,
    )  # fmt: skip
    if tries is None:
        return 0  # the fact itself is gone
    if tries < most:
        again = Delivery(handler=delivery.handler, city_id=delivery.city_id, facts=delivery.facts, retry=True)
        await defer(tx, [again], wait_s=pause_s(tries))
    return tries


def describe(error: BaseException) -> str:
    """An error for people to read later, without long numbers: they may be somebody's phone."""
    return re.sub(r"\d{5,}", "…", f"{type(error).__name__}: {error}")[:300]


async def catch_up(db: Database, *, registry: Registry, now: datetime, limit: int = 500) -> int:
    """Deliver everything that waits, in this process and without the queue; how many facts.

    For replays, stories and tests: an exception of a handler comes straight out. Whatever is cut short in between
    is delivered again by the next call or the relay, and what was done is still there once.
    """
    total = 0
    while True:
        async with db.reading() as tx:
            cities = await waiting_cities(tx)
        if not cities:
            return total
        for city_id in cities:
            async with db.reading(city_id) as tx:
                facts = await waiting_facts(tx, city_id=city_id, limit=limit)
            for delivery in registry.deliveries(city_id, facts):
                await apply(db, registry.handlers[delivery.handler], delivery, now=now)
            async with db.city(city_id) as tx:
                await mark_relayed(tx, city_id, [fact_id for fact_id, _ in facts], now)
            total += len(facts)


async def revive(tx: Tx, *, city_id: int, defer: Defer, now: datetime, limit: int = 500) -> int:
    """Try the dead deliveries of a city again from the start, once their cause is mended; how many."""
    rows = await tx.rows(
        """update infra.failures set dead = false, tries = 0, at = %(now)s
           where city_id = %(city)s and dead and (fact_id, handler) in (
               select d.fact_id, d.handler from infra.failures d
               where d.city_id = %(city)s and d.dead order by d.at limit %(limit)s)
           returning fact_id, handler""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
    again = [Delivery(handler=r["handler"], city_id=city_id, facts=[r["fact_id"]], retry=True) for r in rows]
    if again:
        await defer(tx, again)
    return len(rows)


async def forget(tx: Tx, *, city_id: int, now: datetime, days: int = 30, limit: int = 2_000) -> int:
    """Delete up to `limit` relayed facts older than `days` with the marks of their handling; how many facts.

    A fact that a handler has not got over stays. Ids begin with their time, so the primary key finds the old ones.
    """
    before = now - timedelta(days=days)
    rows = await tx.rows(
        """select f.fact_id from infra.facts f
           where f.city_id = %(city)s and f.fact_id < %(floor)s and f.at < %(before)s and f.relayed_at < %(before)s
             and not exists (select 1 from infra.failures x where x.city_id = %(city)s and x.fact_id = f.fact_id)
           order by f.fact_id limit %(limit)s""",
        city=city_id, before=before, floor=first_id_at(before + timedelta(days=1)), limit=limit,
    )  # fmt: skip
    facts = [row["fact_id"] for row in rows]
    if facts:
        marks = "delete from infra.handled where city_id = %(city)s and fact_id = any(%(facts)s::uuid[])"
        await tx.run(marks, city=city_id, facts=facts)
        old = "delete from infra.facts where city_id = %(city)s and fact_id = any(%(facts)s::uuid[])"
        await tx.run(old, city=city_id, facts=facts)
    return len(facts)


def first_id_at(instant: datetime) -> UUID:
    """The least UUIDv7 of that millisecond."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)
