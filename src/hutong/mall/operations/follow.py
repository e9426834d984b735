"""What follows from orders: a parcel may be sent when its order is paid, and what comes back no longer counts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong import orders, vouchers
from hutong.infra.db import Tx
from hutong.mall.model import FORGET_AFTER
from hutong.mall.operations import _limits, _rows


async def follow(tx: Tx, order_ids: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """Look at these orders as they are now: paid ones have their parcels asked for; units that were never paid or went
    back are no longer counted, and a parcel of which nothing is left is cancelled. How many were ours.

    It reads states and not steps, so it may be called in any order and again.
    """
    rows = await tx.rows(
        """select e.order_id, e.offer_id, e.member_id, e.span, e.begins, e.units, e.ended_units
           from mall.exchanges e where e.city_id = %(city)s and e.order_id = any(%(ids)s::uuid[])
           order by e.order_id for no key update""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    if not rows:
        return 0
    ours = [row["order_id"] for row in rows]
    parcels = await _rows.lock(tx, ours, city_id=city_id)
    states = await orders.states(tx, ours, city_id=city_id)
    gone: dict[UUID, int] = dict.fromkeys(ours, 0)
    left: dict[UUID, int] = dict.fromkeys(ours, 0)
    for unit in await vouchers.of_orders(tx, ours, city_id=city_id):
        gone[unit.order_id] += unit.state == "refunded"
        left[unit.order_id] += unit.state in ("valid", "waiting", "refunding")
    back: dict[_limits.Key, int] = {}
    ended: dict[UUID, int] = {}
    for row in rows:
        order_id = row["order_id"]
        over = states[order_id] in ("cancelled", "expired")
        ended[order_id] = row["units"] if over else gone[order_id]
        fewer = ended[order_id] - row["ended_units"]
        if fewer:
            key = (row["offer_id"], row["member_id"], row["span"], row["begins"])
            back[key] = back.get(key, 0) - fewer
    await _limits.add(tx, back, city_id=city_id)
    await tx.run(
        """update mall.exchanges e set ended_units = k.units
           from unnest(%(ids)s::uuid[], %(units)s::int[]) as k(id, units)
           where e.city_id = %(city)s and e.order_id = k.id and e.ended_units <> k.units""",
        city=city_id, ids=list(ended), units=list(ended.values()),
    )  # fmt: skip
    moves: list[_rows.Move] = []
    for order_id, parcel in parcels.items():
        paid = states[order_id] not in ("placed", "cancelled", "expired")
        if parcel.state in ("waiting", "asked") and (not left[order_id] if paid else states[order_id] != "placed"):
            moves.append(_rows.Move(was=parcel, state="cancelled"))
        elif parcel.state == "waiting" and paid:
            moves.append(_rows.Move(was=parcel, state="asked"))
    await _rows.move(tx, moves, city_id=city_id, now=now)
    return len(rows)


async def forget_addresses(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> int:
    """Addresses of parcels that ended FORGET_AFTER ago go for good; how many."""
    rows = await tx.rows(
        """update mall.deliveries d set sealed = null
           where d.city_id = %(city)s and d.order_id in (
             select f.order_id from mall.deliveries f
             where f.city_id = %(city)s and f.sealed is not null and f.ended_at <= %(before)s
             order by f.ended_at limit %(limit)s for no key update skip locked)
           returning d.order_id""",
        city=city_id, before=now - FORGET_AFTER, limit=limit,
    )  # fmt: skip
    return len(rows)


async def forget_members(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> int:
    """Who leaves takes his addresses along, except of a parcel on its way (nobody leaves while one is). How many."""
    rows = await tx.rows(
        """update mall.deliveries d set sealed = null
           where d.city_id = %(city)s and d.member_id = any(%(ids)s::uuid[]) and d.sealed is not null
             and d.ended_at is not null returning d.order_id""",
        city=city_id, ids=sorted(set(member_ids)),
    )  # fmt: skip
    return len(rows)
