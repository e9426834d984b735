"""Reads for the house itself, without an asker: whom a fact is about, and what a member still has open."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct, convert

from hutong.infra.db import Tx
from hutong.kit.text import Text
from hutong.orders.model import State


class Concern(Struct, frozen=True, kw_only=True):
    """Whom an order concerns and what it was about: its first line speaks for it."""

    order_id: UUID
    member_id: UUID
    merchant_id: UUID
    title: Text
    units: int
    scheme: str


class OpenOrders(Struct, frozen=True, kw_only=True):
    """How many orders of a member wait to be paid, and how many refunds are on their way."""

    unpaid: int = 0
    refunds: int = 0


async def concerns(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Concern]:
    """The orders with these ids, for telling their members. For the house: no scope."""
    rows = await tx.rows(
        """select distinct on (o.order_id) o.order_id, o.member_id, o.merchant_id, o.scheme, l.title,
                  (sum(l.quantity) over (partition by o.order_id))::int as units
           from orders.orders o
           join orders.lines l on l.city_id = %(city)s and l.order_id = o.order_id
           where o.city_id = %(city)s and o.order_id = any(%(ids)s::uuid[])
           order by o.order_id, l.line_no""",
        city=city_id,
        ids=sorted(set(order_ids)),
    )
    return {row["order_id"]: convert(row, Concern) for row in rows}


async def states(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, State]:
    """How these orders stand. For the house: no scope."""
    rows = await tx.rows(
        """select o.order_id, o.state from orders.orders o
           where o.city_id = %(city)s and o.order_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    return {row["order_id"]: row["state"] for row in rows}


async def lock(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> None:
    """Lock these orders until the transaction ends: for whoever goes on to lock their vouchers, which come after."""
    await tx.rows(
        """select o.order_id from orders.orders o where o.city_id = %(city)s and o.order_id = any(%(ids)s::uuid[])
           order by o.order_id for no key update""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip


async def still_open(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, OpenOrders]:
    """What members have open in a city: an account with open money cannot be closed. For the house: no scope."""
    rows = await tx.rows(
        """select o.member_id, (count(*) filter (where o.state = 'placed'))::int as unpaid,
                  coalesce(sum(r.n), 0)::int as refunds
           from orders.orders o
           left join lateral (
               select count(*) as n from orders.refunds r
               where r.city_id = %(city)s and r.order_id = o.order_id and r.state = 'asked') r on true
           where o.city_id = %(city)s and o.member_id = any(%(members)s::uuid[])
           group by o.member_id""",
        city=city_id,
        members=sorted(set(member_ids)),
    )
    return {row["member_id"]: OpenOrders(unpaid=row["unpaid"], refunds=row["refunds"]) for row in rows}


async def buyers_of(
    tx: Tx, offer_id: UUID, *, city_id: int, after: UUID | None = None, limit: int = 500
) -> list[Concern]:
    """Paid orders of an offer, for telling their members what became of the deal; `after`: the last order before."""
    rows = await tx.rows(
        """select o.order_id, o.member_id, o.merchant_id, o.scheme, l.title, l.quantity as units
           from orders.lines l
           join orders.orders o on o.city_id = %(city)s and o.order_id = l.order_id
             and o.state in ('paid', 'part_refunded')
           where l.city_id = %(city)s and l.offer_id = %(offer)s
             and (%(after)s::uuid is null or o.order_id > %(after)s::uuid)
           order by o.order_id limit %(limit)s""",
        city=city_id,
        offer=offer_id,
        after=after,
        limit=limit,
    )
    return [convert(row, Concern) for row in rows]


async def open_of_merchant(
    tx: Tx, merchant_id: UUID, *, city_id: int, after: UUID | None = None, limit: int = 200
) -> dict[UUID, str]:
    """The orders of a merchant that are unpaid or may still owe something, by id, with their states; oldest first.
    `after`: the last one of the page before. For the house: no scope."""
    rows = await tx.rows(
        """select o.order_id, o.state from orders.orders o
           where o.city_id = %(city)s and o.merchant_id = %(merchant)s
             and o.state in ('placed', 'paid', 'part_refunded')
             and (%(after)s::uuid is null or o.order_id > %(after)s::uuid)
           order by o.order_id limit %(limit)s""",
        city=city_id,
        merchant=merchant_id,
        after=after,
        limit=limit,
    )
    return {row["order_id"]: row["state"] for row in rows}


async def only_at(tx: Tx, order_ids: Sequence[UUID], stores: Sequence[UUID], *, city_id: int) -> set[UUID]:
    """Of these orders those with something that could be used in none but these stores."""
    if not order_ids or not stores:
        return set()
    rows = await tx.rows(
        """select distinct l.order_id from orders.lines l
           where l.city_id = %(city)s and l.order_id = any(%(ids)s::uuid[])
             and jsonb_array_length(l.promise -> 'store_ids') > 0
             and l.promise -> 'store_ids' <@ to_jsonb(%(stores)s::text[])""",
        city=city_id,
        ids=sorted(order_ids),
        stores=sorted(str(store) for store in stores),
    )
    return {row["order_id"] for row in rows}
