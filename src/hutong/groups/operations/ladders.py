"""Ladders: paid units climb, refunds before the end climb down, and the end fixes one price for all.

The row of a ladder is the lock of everything about it. Ladders are locked sorted, after teams and before vouchers.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong.groups.model import Step
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive


class Climbing(Struct, frozen=True, kw_only=True):
    """An order is paid: so many units, bought at `price_units`, of a deal whose first unit costs `first_units`."""

    order_id: UUID
    offer_id: UUID
    merchant_id: UUID
    units: int
    price_units: int
    first_units: int
    tiers: tuple[Step, ...]
    closes_at: datetime


class Owed(Struct, frozen=True, kw_only=True):
    """An order of a ladder that is over: its units cost `final_units` in the end, and were bought at `price_units`."""

    order_id: UUID
    price_units: int
    final_units: int


async def climb(tx: Tx, asks: Sequence[Climbing], *, city_id: int, now: datetime) -> list[bool]:
    """Count the paid units; the last tier ends its ladder at once. For each order whether its price is final: it was
    bought at what the units cost in the end, so that it has nothing to wait for."""
    if not asks:
        return []
    first = {ask.offer_id: ask for ask in asks}
    offers = sorted(first)
    rows = await tx.rows(
        load(__package__, "climb"), city=city_id, offers=offers, merchants=[first[o].merchant_id for o in offers],
        firsts=[first[o].first_units for o in offers], tiers=[Jsonb(first[o].tiers) for o in offers],
        units=[sum(a.units for a in asks if a.offer_id == o) for o in offers],
        closes=[first[o].closes_at for o in offers],
    )  # fmt: skip
    lows = {row["offer_id"]: row["low_units"] for row in rows}
    over = {row["offer_id"] for row in rows if row["settled_at"] is not None}
    bottom = {
        row["offer_id"]
        for row in rows
        if row["settled_at"] is None and row["low_units"] == min(tier["price_units"] for tier in row["tiers"])
    }
    done = [ask.offer_id in over | bottom and ask.price_units == lows[ask.offer_id] for ask in asks]
    await _add(tx, asks, done, city_id=city_id, now=now)
    await _settle(tx, sorted(bottom), city_id=city_id, now=now)
    return done


async def _add(tx: Tx, asks: Sequence[Climbing], done: Sequence[bool], *, city_id: int, now: datetime) -> None:
    await tx.send(
        """insert into groups.climbs (city_id, order_id, offer_id, units, price_units, paid_at, settled_at)
           select %(city)s, c.ord, c.offer, c.units, c.price, %(now)s, case when c.done then %(now)s::timestamptz end
           from unnest(%(orders)s::uuid[], %(offers)s::uuid[], %(units)s::int[], %(prices)s::bigint[], %(done)s::bool[])
                as c(ord, offer, units, price, done)""",
        city=city_id, now=now, orders=[a.order_id for a in asks], offers=[a.offer_id for a in asks],
        units=[a.units for a in asks], prices=[a.price_units for a in asks], done=list(done),
    )  # fmt: skip


async def _settle(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int, now: datetime) -> None:
    """Fix the price of locked ladders."""
    if not offer_ids:
        return
    await tx.run(
        """update groups.ladders set final_units = low_units, settled_at = %(now)s
           where city_id = %(city)s and offer_id = any(%(ids)s::uuid[]) and settled_at is null""",
        city=city_id, now=now, ids=list(offer_ids),
    )  # fmt: skip
    await tx.record(
        [
            Fact(fact_id=derive(o, "groups.settled"), city_id=city_id, topic="groups.settled", subject=o, at=now)
            for o in offer_ids
        ]
    )


async def lock_climbs(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, UUID]:
    """Lock the ladders that are still open and on which these orders are; order -> offer."""
    rows = await tx.rows(
        """select l.offer_id from groups.ladders l
           where l.city_id = %(city)s and l.settled_at is null and l.offer_id in (
               select c.offer_id from groups.climbs c
               where c.city_id = %(city)s and c.order_id = any(%(ids)s::uuid[]))
           order by l.offer_id for no key update""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    if not rows:
        return {}
    found = await tx.rows(
        """select order_id, offer_id from groups.climbs
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and offer_id = any(%(offers)s::uuid[])""",
        city=city_id, ids=sorted(set(order_ids)), offers=[row["offer_id"] for row in rows],
    )  # fmt: skip
    return {row["order_id"]: row["offer_id"] for row in found}


async def climb_down(tx: Tx, units: dict[UUID, int], *, city_id: int) -> None:
    """So many units of these orders go back; their ladders are open and locked. A tier that was reached stays so."""
    if not units:
        return
    await tx.run(
        """with down as (
             update groups.climbs c set units = c.units - k.units
             from unnest(%(ids)s::uuid[], %(units)s::int[]) as k(id, units)
             where c.city_id = %(city)s and c.order_id = k.id returning c.offer_id, k.units
           )
           update groups.ladders l set paid_units = l.paid_units - d.units
           from (select offer_id, sum(units)::int as units from down group by offer_id) d
           where l.city_id = %(city)s and l.offer_id = d.offer_id""",
        city=city_id, ids=list(units), units=list(units.values()),
    )  # fmt: skip


async def settle_due(tx: Tx, *, city_id: int, now: datetime, limit: int = 200) -> list[UUID]:
    """End the ladders whose sale is over, at the price they have reached; which."""
    rows = await tx.rows(
        """select offer_id from groups.ladders
           where city_id = %(city)s and settled_at is null and closes_at <= %(now)s
           order by offer_id limit %(limit)s for no key update skip locked""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
    await _settle(tx, [row["offer_id"] for row in rows], city_id=city_id, now=now)
    return [row["offer_id"] for row in rows]


async def owed_climbs(tx: Tx, *, city_id: int, limit: int = 500) -> list[Owed]:
    """Orders of ladders that are over which still wait for their difference, at most `limit`. No lock: whoever pays it
    locks the orders first."""
    rows = await tx.rows(
        """select c.order_id, c.price_units, l.final_units
           from groups.climbs c
           join groups.ladders l on l.city_id = %(city)s and l.offer_id = c.offer_id and l.settled_at is not null
           where c.city_id = %(city)s and c.settled_at is null
           order by c.offer_id, c.order_id limit %(limit)s""",
        city=city_id, limit=limit,
    )  # fmt: skip
    return [Owed(**row) for row in rows]


async def climbs_done(tx: Tx, order_ids: Sequence[UUID], *, city_id: int, now: datetime) -> None:
    """These orders have what was owed to them."""
    await tx.run(
        """update groups.climbs set settled_at = %(now)s
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and settled_at is null""",
        city=city_id, now=now, ids=sorted(set(order_ids)),
    )  # fmt: skip


async def climb_again(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> None:
    """A refund of these orders failed for good: their units wait again, and the next round looks at them once more."""
    await tx.run(
        """update groups.climbs set settled_at = null
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and settled_at is not null""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
