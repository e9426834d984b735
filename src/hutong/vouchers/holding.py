"""The wallet in the order in which people need it: what can be used and ends first stands first."""

from uuid import UUID

from hutong.infra.db import Tx
from hutong.vouchers.model import TABS, Voucher
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
