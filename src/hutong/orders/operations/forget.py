"""Members who left: their names and numbers leave the orders; what was bought and paid stays, because books need it."""

from collections.abc import Sequence
from uuid import UUID

from hutong.infra.db import Tx


async def forget_members(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> int:
    """Take name and last digits out of the members' orders of a city; how many rows changed. Twice is once."""
    return await tx.run(
        """update orders.orders set member_name = '', phone_tail = ''
           where city_id = %(city)s and member_id = any(%(members)s::uuid[])
             and (member_name, phone_tail) <> ('', '')""",
        city=city_id,
        members=sorted(set(member_ids)),
    )
