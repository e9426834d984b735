"""Reading further stores: a merchant his own, who runs the district what waits there."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.recruiting.branching import NewStore, StoreSaid
from hutong.recruiting.model import Reach

_PLAIN = ("city_id", "new_store_id", "merchant_id", "store_id", "asked_by", "state", "version", "made_at", "changed_at")
# A row with the reason of its last step, and what was said the time before it was sent back.
_SEEN = """select n.*, s.reason, (
             select b.said from recruiting.new_store_steps b
             where b.city_id = n.city_id and b.new_store_id = n.new_store_id and b.state = 'returned'
             order by b.version desc limit 1) as before
           from recruiting.new_stores n
           join recruiting.new_store_steps s on s.city_id = n.city_id and s.new_store_id = n.new_store_id
             and s.version = n.version"""


def _as(row: dict[str, Any]) -> NewStore:
    before = row.get("before")
    return NewStore(
        said=msgspec.convert(row["said"], StoreSaid), reason=row.get("reason") or "",
        before=msgspec.convert(before, StoreSaid) if before else None, **{name: row[name] for name in _PLAIN},
    )  # fmt: skip


async def lock_new_stores(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, NewStore]:
    """These, theirs for the rest of the transaction."""
    rows = await tx.rows(
        """select * from recruiting.new_stores where city_id = %(city)s and new_store_id = any(%(ids)s::uuid[])
           order by new_store_id for update""",
        city=city_id, ids=sorted(set(ids)),
    )  # fmt: skip
    return {row["new_store_id"]: _as(row) for row in rows}


async def new_stores_named(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, NewStore]:
    """These as they stand, with the reason of their last step."""
    rows = await tx.rows(
        f"{_SEEN} where n.city_id = %(city)s and n.new_store_id = any(%(ids)s::uuid[])",
        city=city_id, ids=sorted(set(ids)),
    )  # fmt: skip
    return {row["new_store_id"]: _as(row) for row in rows}


async def new_stores_of(tx: Tx, merchant_id: UUID, *, city_id: int) -> list[NewStore]:
    """A merchant's own that are not open yet nor taken back, newest first."""
    rows = await tx.rows(
        f"""{_SEEN} where n.city_id = %(city)s and n.merchant_id = %(merchant)s and n.state in ('waiting', 'returned')
            order by n.made_at desc, n.new_store_id limit 50""",
        city=city_id, merchant=merchant_id,
    )  # fmt: skip
    return [_as(row) for row in rows]


async def new_stores_waiting(tx: Tx, reach: Reach, *, city_id: int, limit: int = 50) -> list[NewStore]:
    """What waits for who has this reach, the longest waiting first."""
    seen, params = reach.sql(district="n.district_id")
    rows = await tx.rows(
        f"""{_SEEN} where n.city_id = %(city)s and n.state = 'waiting' and {seen}
            order by n.changed_at, n.new_store_id limit %(limit)s""",
        city=city_id, limit=limit, **params,
    )  # fmt: skip
    return [_as(row) for row in rows]


async def count_new_stores(tx: Tx, reach: Reach, *, city_id: int) -> int:
    """How many wait for who has this reach; those that he may decide about."""
    seen, params = reach.sql(district="n.district_id")
    row = await tx.row(
        f"""select count(*) as n from recruiting.new_stores n
            where n.city_id = %(city)s and n.state = 'waiting' and {seen}""",
        city=city_id, **params,
    )  # fmt: skip
    return row["n"] if row else 0
