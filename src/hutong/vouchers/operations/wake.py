"""Vouchers that waited for a group: those of the orders that are in it wake."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load


async def wake(tx: Tx, order_ids: Sequence[UUID], *, city_id: int, now: datetime, reason: str) -> int:
    """Wake the waiting vouchers of these orders: they can be used from now on. How many; twice is once."""
    if not order_ids:
        return 0
    return await tx.value(
        load(__package__, "wake"), city=city_id, now=now, reason=reason, orders=sorted(set(order_ids))
    )


async def reduce(
    tx: Tx, voucher_ids: Sequence[UUID], *, less: Sequence[int], city_id: int, now: datetime, reason: str
) -> int:
    """Wake these waiting vouchers, locked by the caller, each for `less` units of its asset less than was paid: a price
    that fell. What was paid and what is due fall alike. How many."""
    if not voucher_ids:
        return 0
    return await tx.value(
        load(__package__, "reduce"), city=city_id, now=now, reason=reason, ids=list(voucher_ids), less=list(less)
    )


async def put_back(
    tx: Tx, voucher_ids: Sequence[UUID], *, more: Sequence[int], city_id: int
) -> int:  # fmt: skip
    """The difference could not be given back: the vouchers are worth what was paid for them again. How many. One that
    was used meanwhile keeps its price, as its money has moved."""
    if not voucher_ids:
        return 0
    return await tx.run(
        """update vouchers.vouchers v
           set paid_units = v.paid_units + k.more, paid_left = v.paid_left + k.more,
               due_units = v.due_units + k.more, due_left = v.due_left + k.more, version = v.version + 1
           from unnest(%(ids)s::uuid[], %(more)s::bigint[]) as k(id, more)
           where v.city_id = %(city)s and v.voucher_id = k.id and v.uses_left = v.uses_total""",
        city=city_id, ids=list(voucher_ids), more=list(more),
    )  # fmt: skip
