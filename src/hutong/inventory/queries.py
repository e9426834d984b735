"""What is left. Stock is no secret: whoever may see an offer may see how much of it there is."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.inventory.model import HoldState, Quota


async def quotas(tx: Tx, quota_ids: Sequence[UUID], *, city_id: int) -> list[Quota | None]:
    """The quotas as they stand, in the order of the ids; None for an id without one. Takes no lock."""
    rows = await tx.rows(
        """select quota_id, label, total, held, sold, remaining, closed_at, listed from inventory.quotas
           where city_id = %(city)s and quota_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(quota_ids),
    )  # fmt: skip
    found = {row["quota_id"]: as_quota(row) for row in rows}
    return [found.get(quota_id) for quota_id in quota_ids]


async def hold_states(
    tx: Tx, hold_ids: Sequence[UUID], *, city_id: int, lock: bool = False
) -> dict[UUID, HoldState]:  # fmt: skip
    """How far these holds have come; unknown ids are missing. `lock`: and so they stay until the transaction ends."""
    if not hold_ids:
        return {}
    rows = await tx.rows(
        f"""select hold_id, state, expires_at, moved_to from inventory.holds
            where city_id = %(city)s and hold_id = any(%(ids)s::uuid[])
            order by hold_id {"for no key update" if lock else ""}""",
        city=city_id, ids=sorted(hold_ids),
    )  # fmt: skip
    return {row["hold_id"]: HoldState(**row) for row in rows}


def as_quota(row: dict[str, Any]) -> Quota:
    """A quota from its row."""
    return Quota(**row)
