"""Reads: what a member exchanged, what he may still have, and parcels as their member and their supplier see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong.catalog import Gift, Offer
from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.mall.model import Delivery, Exchanged, Had, Step, begins

COLUMNS = """d.city_id, d.order_id, d.merchant_id, d.member_id, d.offer_id, d.units, d.state, d.sealed, d.carrier,
             d.number, d.store_id, d.asked_at, d.sent_at, d.ended_at, d.version"""
_EXCHANGE = """e.city_id, e.order_id, e.member_id, e.offer_id, e.merchant_id, e.programme_id, e.points, e.cost_units,
               e.cash_units, e.asset, e.units, e.ended_units, e.way, e.at"""
OPEN, DONE = ("asked", "sent"), ("delivered", "returned", "cancelled")


def as_delivery(row: dict[str, Any]) -> Delivery:
    """A row of parcels as a value."""
    sealed = row.pop("sealed")
    return Delivery(**row, sealed=None if sealed is None else bytes(sealed))


async def exchanged(tx: Tx, member_id: UUID, order_id: UUID, *, city_id: int) -> Exchanged | None:
    """What one of the member's own orders took out of the mall; None when it is not one of the mall."""
    return (await exchanged_in(tx, member_id, [order_id], city_id=city_id)).get(order_id)


async def exchanged_in(
    tx: Tx, member_id: UUID, order_ids: Sequence[UUID], *, city_id: int
) -> dict[UUID, Exchanged]:  # fmt: skip
    """What the member's own orders took out of the mall, by order; those that are none of the mall are not in it."""
    rows = await tx.rows(
        f"""select {_EXCHANGE} from mall.exchanges e
            where e.city_id = %(city)s and e.order_id = any(%(orders)s::uuid[]) and e.member_id = %(member)s""",
        city=city_id, orders=sorted(set(order_ids)), member=member_id,
    )  # fmt: skip
    return {row["order_id"]: msgspec.convert(row, Exchanged) for row in rows}


async def exchanges_of(tx: Tx, member_id: UUID, *, city_id: int, limit: int = 20) -> list[Exchanged]:
    """The member's latest exchanges in one city."""
    rows = await tx.rows(
        f"""select {_EXCHANGE} from mall.exchanges e where e.city_id = %(city)s and e.member_id = %(member)s
            order by e.at desc, e.order_id desc limit %(limit)s""",
        city=city_id, member=member_id, limit=limit,
    )  # fmt: skip
    return [msgspec.convert(row, Exchanged) for row in rows]


async def of_offer(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, int]:
    """How many units of these gifts were exchanged and did not come back. Whoever may see the gift may see that."""
    rows = await tx.rows(
        """select e.offer_id, sum(e.units - e.ended_units)::int as n from mall.exchanges e
           where e.city_id = %(city)s and e.offer_id = any(%(ids)s::uuid[]) group by e.offer_id""",
        city=city_id, ids=sorted(offer_ids),
    )  # fmt: skip
    return {row["offer_id"]: row["n"] for row in rows}


async def counts_of(
    tx: Tx, member_id: UUID, offers: Sequence[Offer], *, city_id: int, now: datetime, zone: str
) -> dict[UUID, Had]:
    """How many units of these gifts the member has had in the periods that run now."""
    spans = [(o.offer_id, o.form.span, begins(o.form.span, now, zone)) for o in offers if isinstance(o.form, Gift)]
    rows = await tx.rows(
        """select c.offer_id, c.units, c.begins
           from unnest(%(offers)s::uuid[], %(spans)s::text[], %(begins)s::date[]) as k(offer, span, begins)
           join mall.counts c on c.city_id = %(city)s and c.offer_id = k.offer and c.member_id = %(member)s
             and c.span = k.span and c.begins = k.begins""",
        city=city_id, member=member_id, offers=[s[0] for s in spans], spans=[s[1] for s in spans],
        begins=[s[2] for s in spans],
    )  # fmt: skip
    return {row["offer_id"]: Had(**row) for row in rows}


async def deliveries_of(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Delivery]:
    """The parcels of these orders, by order; who may see the order is the caller's to know."""
    rows = await tx.rows(
        f"""select {COLUMNS} from mall.deliveries d
            where d.city_id = %(city)s and d.order_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    return {row["order_id"]: as_delivery(row) for row in rows}


async def to_fulfil(
    tx: Tx, scope: Scope, merchant_id: UUID, *, city_id: int, done: bool = False, after: UUID | None = None,
    limit: int = 30,
) -> list[Delivery]:  # fmt: skip
    """A supplier's parcels within the scope: those to be sent (oldest first) and on their way, or (`done`) those that
    have ended, newest first. `after`: the last one of the page before."""
    allowed, params = scope.sql(city="d.city_id", merchant="d.merchant_id")
    order = "d.ended_at desc, d.order_id desc" if done else "d.asked_at, d.order_id"
    mark = "(d.ended_at, d.order_id) <" if done else "(d.asked_at, d.order_id) >"
    column = "ended_at" if done else "asked_at"
    rows = await tx.rows(
        f"""select {COLUMNS} from mall.deliveries d
            where d.city_id = %(city)s and d.merchant_id = %(merchant)s and {allowed}
              and d.state = any(%(states)s::text[])
              and (%(after)s::uuid is null or {mark} (
                select a.{column}, a.order_id from mall.deliveries a
                where a.city_id = %(city)s and a.merchant_id = %(merchant)s and a.order_id = %(after)s))
            order by {order} limit %(limit)s""",
        city=city_id, merchant=merchant_id, states=list(DONE if done else OPEN), after=after, limit=limit, **params,
    )  # fmt: skip
    return [as_delivery(row) for row in rows]


async def steps_of(tx: Tx, order_id: UUID, *, city_id: int) -> list[Step]:
    """The steps of a parcel, oldest first."""
    rows = await tx.rows(
        """select s.seq, s.state, s.at, s.by, s.words from mall.steps s
           where s.city_id = %(city)s and s.order_id = %(order)s order by s.seq""",
        city=city_id, order=order_id,
    )  # fmt: skip
    return [msgspec.convert(row, Step) for row in rows]
