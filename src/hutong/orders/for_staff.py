"""The merchant's side of orders: the list, how many stand where, notes. Who may see is the caller's to ask first.

With a `store_id`, only orders that can be used there: those of whoever leads one store.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args
from uuid import UUID

from msgspec import convert

from hutong.infra.db import Tx
from hutong.orders.model import Note, Order
from hutong.orders.queries import with_lines

Group = Literal["all", "unpaid", "paid", "refunded", "closed"]
GROUPS: tuple[Group, ...] = get_args(Group)
COUNTED = 100  # how far groups are counted: who has more wants to search, not to know

# Written out, so that each finds its own index: nearly all orders of a shop are paid, the other states are rare.
_STATES: dict[Group, str] = {
    "all": "true",
    "unpaid": "o.state = 'placed'",
    "paid": "o.state = 'paid'",
    "refunded": "o.state in ('part_refunded', 'refunded')",
    "closed": "o.state in ('cancelled', 'expired')",
}
# Claims of coupons are counted with their campaigns: a shop's list of orders would be nothing else.
_HERE = """o.scheme <> 'coupons' and (%(store)s::text is null or exists (
             select 1 from orders.lines l where l.city_id = %(city)s and l.order_id = o.order_id
               and (l.promise -> 'store_ids' ? %(store)s or l.promise -> 'store_ids' = '[]')))"""


async def for_staff(
    tx: Tx, merchant_id: UUID, *, city_id: int, store_id: UUID | None = None, group: Group = "all",
    order_ids: Sequence[UUID] | None = None, phone_tail: str | None = None, after: UUID | None = None,
    limit: int = 20,
) -> list[Order]:  # fmt: skip
    """A page of the merchant's orders, newest first; `after` is the last order_id of the page before.

    `order_ids` and `phone_tail` (four digits of the buyer's number) narrow it. Buyers are named as they ordered: mask
    them where they are shown.
    """
    rows = await tx.rows(
        f"""select * from orders.orders o
            where o.city_id = %(city)s and o.merchant_id = %(merchant)s and {_STATES[group]} and {_HERE}
              and (%(ids)s::uuid[] is null or o.order_id = any(%(ids)s::uuid[]))
              and (%(tail)s::text is null or o.phone_tail = %(tail)s)
              and (%(after)s::uuid is null or o.order_id < %(after)s::uuid)
            order by o.order_id desc limit %(limit)s""",
        city=city_id, merchant=merchant_id, store=_text(store_id), tail=phone_tail, after=after, limit=limit,
        ids=None if order_ids is None else list(order_ids),
    )  # fmt: skip
    return await with_lines(tx, rows, city_id)


async def counts_for_staff(
    tx: Tx, merchant_id: UUID, *, city_id: int, store_id: UUID | None = None
) -> dict[Group, int]:
    """How many of the merchant's orders stand in each group but "all"; counting ends at COUNTED."""
    parts = [
        f"""(select count(*)::int from (
              select 1 from orders.orders o
              where o.city_id = %(city)s and o.merchant_id = %(merchant)s and {_STATES[group]} and {_HERE}
              limit %(most)s) k) as {group}"""
        for group in GROUPS
        if group != "all"
    ]
    row = await tx.row(
        f"select {', '.join(parts)}", city=city_id, merchant=merchant_id, store=_text(store_id), most=COUNTED
    )
    assert row is not None
    return {group: row[group] for group in GROUPS if group != "all"}


async def notes(tx: Tx, order_id: UUID, *, city_id: int) -> list[Note]:
    """What the staff wrote to an order, oldest first."""
    rows: list[dict[str, Any]] = await tx.rows(
        """select note_id, order_id, by, author, words, refund_id, why, at from orders.notes
           where city_id = %(city)s and order_id = %(id)s order by at, note_id""",
        city=city_id,
        id=order_id,
    )
    return [convert(row, Note) for row in rows]


def _text(store_id: UUID | None) -> str | None:
    return None if store_id is None else str(store_id)
