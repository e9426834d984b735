"""Members who left: their names and numbers leave the orders; what was bought and paid stays, because books need it."""

from collections.abc import Sequence
from uuid import UUID

from hutong.infra.db import Tx


async def forget_members(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> int:
    """Take name and last digits out of the members' orders of a city, and the words that the staff wrote to these
    orders; out of notes that they wrote themselves, their names. How many orders changed. Twice is once."""
    members = sorted(set(member_ids))
    await tx.run(
        """update orders.notes n set words = '' from orders.orders o
           where n.city_id = %(city)s and o.city_id = %(city)s and o.order_id = n.order_id
             and o.member_id = any(%(members)s::uuid[]) and n.words <> ''""",
        city=city_id,
        members=members,
    )
    await tx.run(
        """update orders.notes set author = ''
           where city_id = %(city)s and by = any(%(members)s::uuid[]) and author <> ''""",
        city=city_id,
        members=members,
    )
    return await tx.run(
        """update orders.orders set member_name = '', phone_tail = ''
           where city_id = %(city)s and member_id = any(%(members)s::uuid[])
             and (member_name, phone_tail) <> ('', '')""",
        city=city_id,
        members=members,
    )
