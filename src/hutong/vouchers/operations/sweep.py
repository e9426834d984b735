"""Vouchers that change in crowds: a deal that reached its minimum, validities that are over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.vouchers.model import SHOWN_AT_MOST, Voucher
from hutong.vouchers.queries import as_voucher


async def activate(
    tx: Tx, offer_ids: Sequence[UUID], *, city_id: int, now: datetime, by: UUID | None = None, reason: str = "tipped"
) -> list[int]:
    """Wake all waiting vouchers of these offers: they can be used from now on. How many, for each offer."""
    if not offer_ids:
        return []
    rows = await tx.rows(
        load(__package__, "activate"), city=city_id, now=now, by=by, reason=reason, offers=sorted(set(offer_ids))
    )
    woken = {row["offer_id"]: row["n"] for row in rows}
    return [woken.pop(offer_id, 0) for offer_id in offer_ids]


async def orders_to_expire(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> list[UUID]:
    """The orders of the first `limit` vouchers whose validity is over; locks nothing. Left out are those that a counter
    without a network may still bring (a capsule, and a living allowance of a device not heard of since), and those that
    are locked.

    For whoever locks orders before their vouchers, as every other verb does, and then lets these expire.
    """
    rows = await tx.rows(
        """select distinct d.order_id from (
               select v.order_id from vouchers.vouchers v
               where v.city_id = %(city)s and v.state = 'valid' and v.valid_to <= %(now)s
                 and (v.held_for is null or (v.held_for = 'gift' and v.held_until <= %(now)s))
                 and not exists (
                   select 1 from vouchers.capsules k
                   join vouchers.allowances a on a.city_id = %(city)s and a.merchant_id = k.merchant_id
                     and a.ended_at is null and a.until > %(now)s and a.seen_at < v.valid_to
                   where k.city_id = %(city)s and k.voucher_id = v.voucher_id)
               order by v.valid_to, v.voucher_id limit %(limit)s) d""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
    return sorted(row["order_id"] for row in rows)


async def passes_over(tx: Tx, *, city_id: int, now: datetime, limit: int = 200) -> list[Voucher]:
    """Passes whose time is over and of whose price something is left, locked: for whoever books it as earned."""
    rows = await tx.rows(
        """select v.* from vouchers.vouchers v
           where v.city_id = %(city)s and v.state = 'valid' and v.valid_to <= %(now)s and v.kind = 'card'
             and not v.value and v.uses_total = %(most)s and v.due_left > 0 and v.held_for is null
           order by v.voucher_id limit %(limit)s for no key update skip locked""",
        city=city_id, now=now, most=SHOWN_AT_MOST, limit=limit,
    )  # fmt: skip
    return [as_voucher(row) for row in rows]


async def expire(
    tx: Tx, *, city_id: int, now: datetime, limit: int = 500, by: UUID | None = None, reason: str = "validity",
    orders: Sequence[UUID] | None = None,
) -> list[Voucher]:  # fmt: skip
    """End vouchers whose validity is over, longest ago first, up to `limit`; those ended, as they now are.

    `orders`: only theirs. Fewer than `limit`: none are left, except those that another transaction works on.
    """
    rows = await tx.rows(
        load(__package__, "expire"), city=city_id, now=now, limit=limit, by=by, reason=reason,
        orders=None if orders is None else list(orders),
    )  # fmt: skip
    return [as_voucher(row) for row in rows]
