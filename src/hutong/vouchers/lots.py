"""Lots: the stored value of a member at a merchant, bought at one time or another."""

from collections.abc import Sequence
from uuid import UUID

from hutong.infra.db import Tx
from hutong.vouchers.model import Voucher
from hutong.vouchers.queries import as_voucher

Holder = tuple[UUID, UUID]  # member, merchant


async def lots(tx: Tx, holders: Sequence[Holder], *, city_id: int) -> dict[Holder, list[Voucher]]:
    """The valid stored value of each (member, merchant), oldest first; who has none is missing. For the packages above
    and for counters that have one of them in hand: no scope."""
    if not holders:
        return {}
    rows = await tx.rows(
        """select v.* from unnest(%(members)s::uuid[], %(merchants)s::uuid[]) as h(member_id, merchant_id)
           join vouchers.vouchers v on v.city_id = %(city)s and v.member_id = h.member_id
             and v.merchant_id = h.merchant_id and v.value and v.state = 'valid'
           order by v.issued_at, v.voucher_id""",
        city=city_id, members=[member for member, _ in holders], merchants=[merchant for _, merchant in holders],
    )  # fmt: skip
    found: dict[Holder, list[Voucher]] = {}
    for row in rows:
        lot = as_voucher(row)
        found.setdefault((lot.member_id, lot.merchant_id), []).append(lot)
    return found
