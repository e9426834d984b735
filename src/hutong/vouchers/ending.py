"""Vouchers that end soon, and how many of a member's are still good: reads for the house, without an asker."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from hutong.infra.db import Tx
from hutong.kit.text import Text


class EndingSoon(Struct, frozen=True, kw_only=True):
    """The unused units of one line of an order that end together. `voucher_id`: one of them, to lead there."""

    valid_to: datetime
    line_id: UUID
    member_id: UUID
    voucher_id: UUID
    title: Text
    units: int


async def ending_soon(
    tx: Tx, *, city_id: int, since: datetime, until: datetime, after: EndingSoon | None = None, limit: int = 500
) -> list[EndingSoon]:
    """Valid vouchers that end in (since, until], line by line, the first to end first; `after`: the last one before."""
    rows = await tx.rows(
        """select valid_to, line_id, member_id, (array_agg(voucher_id order by unit_no))[1] as voucher_id, title,
                  count(*)::int as units
           from vouchers.vouchers
           where city_id = %(city)s and state = 'valid' and valid_to > %(since)s and valid_to <= %(until)s
             and (%(at)s::timestamptz is null or (valid_to, line_id) > (%(at)s::timestamptz, %(line)s::uuid))
           group by valid_to, line_id, member_id, title
           order by valid_to, line_id limit %(limit)s""",
        city=city_id,
        since=since,
        until=until,
        at=after.valid_to if after else None,
        line=after.line_id if after else None,
        limit=limit,
    )
    return [convert(row, EndingSoon) for row in rows]


async def still_good(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, int]:
    """How many vouchers of each member wait to be used or are being given back, in one city."""
    rows = await tx.rows(
        """select member_id, count(*)::int as n from vouchers.vouchers
           where city_id = %(city)s and member_id = any(%(members)s::uuid[])
             and state in ('waiting', 'valid', 'refunding')
           group by member_id""",
        city=city_id,
        members=sorted(set(member_ids)),
    )
    return {row["member_id"]: row["n"] for row in rows}
