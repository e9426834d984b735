"""The relay: facts that are committed become deliveries to handlers, city by city, in the order of their time.

`tx.record` writes the fact in the transaction of its cause; the relay turns it into a job in the transaction that
marks it relayed; `infra.delivery` runs the job so that the effect of each (fact, handler) is there exactly once,
however often the job runs.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact

EVERY_TOPIC = "*"
_RELAY_LOCK = 4_874_001  # the space of the advisory locks "this relay serves that city now"


class HandlerDo(Protocol):
    """Effects in the database, for a set of facts of one city in order: all or none."""

    async def __call__(self, tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None: ...


class ErrandDo(Protocol):
    """One fact, outside any transaction: for calling providers. It may run again, so it must bear repetition."""

    async def __call__(self, db: Database, fact: Fact, /, *, city_id: int, now: datetime) -> None: ...


class Handler(Struct, frozen=True, kw_only=True):
    """What is done for facts of some topics, exactly once, in the transaction that says it was done.

    `ordered`: one job of a city at a time, in the order of the facts (a failed fact comes later than its
    neighbours). `size`: most facts in one transaction. `tries`: after so many failed ones a fact is dead.
    """

    name: str
    topics: frozenset[str]
    do: HandlerDo
    ordered: bool = True
    size: int = 500
    tries: int = 8


class Errand(Struct, frozen=True, kw_only=True):
    """What is done outside a transaction for facts of some topics, at least once, each fact alone."""

    name: str
    topics: frozenset[str]
    do: ErrandDo
    timeout_s: float = 30
    ordered: bool = False
    size: int = 50
    tries: int = 8


class Delivery(Struct, frozen=True, kw_only=True):
    """Facts of one city that wait for one handler."""

    handler: str
    city_id: int
    facts: list[UUID]
    retry: bool = False


class Defer(Protocol):
    """Queue deliveries in the transaction of `tx`, to run after it is committed and `wait_s` seconds have passed."""

    async def __call__(self, tx: Tx, deliveries: Sequence[Delivery], *, wait_s: float = 0) -> None: ...


class Registry:
    """All handlers and errands of the house, by name."""

    def __init__(self, handlers: Iterable[Handler | Errand] = ()) -> None:
        self.handlers: dict[str, Handler | Errand] = {}
        for handler in handlers:
            if handler.name in self.handlers:
                raise ValueError(f"two handlers are called {handler.name!r}")
            self.handlers[handler.name] = handler

    def deliveries(self, city_id: int, facts: Sequence[tuple[UUID, str]]) -> list[Delivery]:
        """Who gets which of the facts (id, topic), in their order, cut to the size each handler takes."""
        found = []
        for handler in self.handlers.values():
            every = EVERY_TOPIC in handler.topics
            ids = [fact_id for fact_id, topic in facts if every or topic in handler.topics]
            for start in range(0, len(ids), handler.size):
                part = ids[start : start + handler.size]
                found.append(Delivery(handler=handler.name, city_id=city_id, facts=part))
        return found


async def waiting_cities(tx: Tx) -> list[int]:
    """The cities in which facts wait. Asks every shard (back office); the index of waiting facts is small."""
    rows = await tx.rows("select distinct city_id from infra.facts where relayed_at is null order by city_id")
    return [row["city_id"] for row in rows]


async def waiting_facts(tx: Tx, *, city_id: int, limit: int) -> list[tuple[UUID, str]]:
    """(id, topic) of the city's waiting facts, in the order of their time; locks nothing."""
    rows = await tx.rows(
        """select fact_id, topic from infra.facts where city_id = %(city)s and relayed_at is null
           order by at, fact_id limit %(limit)s""",
        city=city_id,
        limit=limit,
    )
    return [(row["fact_id"], row["topic"]) for row in rows]


async def relay_city(tx: Tx, *, city_id: int, registry: Registry, defer: Defer, now: datetime, limit: int = 500) -> int:
    """Turn up to `limit` waiting facts of a city into deliveries, all in this transaction; how many facts.

    0 also when another relay serves the city at this moment: two at once would mix up the order.
    """
    if not await tx.value("select pg_try_advisory_xact_lock(%(space)s, %(city)s)", space=_RELAY_LOCK, city=city_id):
        return 0
    rows = await tx.rows(
        """select fact_id, topic from infra.facts where city_id = %(city)s and relayed_at is null
           order by at, fact_id limit %(limit)s for update skip locked""",
        city=city_id,
        limit=limit,
    )
    if not rows:
        return 0
    deliveries = registry.deliveries(city_id, [(row["fact_id"], row["topic"]) for row in rows])
    if deliveries:
        await defer(tx, deliveries)
    await mark_relayed(tx, city_id, [row["fact_id"] for row in rows], now)
    return len(rows)


async def relay_all(db: Database, *, registry: Registry, defer: Defer, now: datetime, limit: int = 500) -> int:
    """One round over all cities in which facts wait, a transaction for each; how many facts were relayed."""
    async with db.reading() as tx:
        cities = await waiting_cities(tx)
    total = 0
    for city_id in cities:
        async with db.central() as tx:
            total += await relay_city(tx, city_id=city_id, registry=registry, defer=defer, now=now, limit=limit)
    return total


async def mark_relayed(tx: Tx, city_id: int, facts: list[UUID], now: datetime) -> None:
    """From here on the facts are somebody's deliveries and no longer the relay's."""
    await tx.run(
        # Asked for like this, the index of what waits is of no use: it is thought to be empty, and read whole for each.
        """update infra.facts set relayed_at = %(now)s
           where city_id = %(city)s and fact_id = any(%(facts)s::uuid[])
             and coalesce(relayed_at, 'infinity') = 'infinity'""",
        city=city_id,
        facts=facts,
        now=now,
    )


class Backlog(Struct, frozen=True, kw_only=True):
    """How far the relay is behind: for /readyz, /metrics and `hutong doctor`."""

    waiting: int
    oldest_s: float
    dead: int


async def backlog(tx: Tx, *, now: datetime) -> Backlog:
    """Facts that wait, the age of the oldest in seconds, and deliveries given up. Asks every shard (back office)."""
    waiting = await tx.value("select count(city_id) from infra.facts where relayed_at is null")
    oldest = await tx.value("select min(at) as oldest, count(city_id) from infra.facts where relayed_at is null")
    dead = await tx.value("select count(city_id) from infra.failures where dead")
    return Backlog(waiting=waiting, oldest_s=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0, dead=dead)
