"""Members who left: their names leave the vouchers; what was sold and used stays, because books need it."""

from collections.abc import Sequence
from uuid import UUID

from hutong.infra.db import Tx


async def forget_members(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> int:
    """Take the names out of the members' vouchers of a city; how many rows changed. Twice is once."""
    return await tx.run(
        """update vouchers.vouchers set holder_name = ''
           where city_id = %(city)s and member_id = any(%(members)s::uuid[]) and holder_name <> ''""",
        city=city_id,
        members=sorted(set(member_ids)),
    )
