"""The wallet in the order in which people need it: what can be used and ends first stands first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.vouchers.model import TABS, Kind, Voucher
from hutong.vouchers.queries import as_voucher


async def ending_first(
    tx: Tx, member_id: UUID, *, city_id: int, after: UUID | None = None, limit: int = 20
) -> list[Voucher]:
    """A page of the member's own unused vouchers in one city, the one that ends first on top.

    `after`: the last voucher of the page before.
    """
    rows = await tx.rows(
        """select v.* from vouchers.vouchers v
           where v.city_id = %(city)s and v.member_id = %(member)s and v.state = any(%(states)s::text[])
             and (%(after)s::uuid is null or (v.valid_to, v.voucher_id) > (
               select a.valid_to, a.voucher_id from vouchers.vouchers a
               where a.city_id = %(city)s and a.member_id = %(member)s and a.voucher_id = %(after)s))
           order by v.valid_to, v.voucher_id limit %(limit)s""",
        city=city_id, member=member_id, states=list(TABS["unused"]), after=after, limit=limit,
    )  # fmt: skip
    return [as_voucher(row) for row in rows]


async def coupons_of(
    tx: Tx, member_ids: Sequence[UUID], *, city_id: int, now: datetime, limit: int = 100,
    kind: Kind = "coupon",
) -> list[Voucher]:  # fmt: skip
    """The coupons (or other rights of a `kind`) that these members could use in one city now, those that end first in
    front; at most `limit` each.

    Locked ones are among them: whoever shows them can say why they cannot be used.
    """
    rows = await tx.rows(
        """select v.* from unnest(%(members)s::uuid[]) as m(member_id)
           cross join lateral (
             select * from vouchers.vouchers v
             where v.city_id = %(city)s and v.member_id = m.member_id and v.kind = %(kind)s and v.state = 'valid'
               and v.valid_from <= %(now)s and v.valid_to > %(now)s
             order by v.valid_to, v.voucher_id limit %(limit)s) v""",
        city=city_id, members=sorted(set(member_ids)), now=now, limit=limit, kind=kind,
    )  # fmt: skip
    return [as_voucher(row) for row in rows]
