"""Locking entries and writing what they became."""

from collections.abc import Collection, Sequence
from uuid import UUID

from hutong import inventory
from hutong.infra.db import Tx
from hutong.waitlist.model import Call, Entry
from hutong.waitlist.queries import COLUMNS, with_choices


async def lock(tx: Tx, entry_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Entry]:
    """The entries, locked in sorted order until the transaction ends; an unknown id is missing."""
    rows = await tx.rows(
        f"""select {COLUMNS} from waitlist.entries e
            where e.city_id = %(city)s and e.entry_id = any(%(ids)s::uuid[]) order by e.entry_id for no key update""",
        city=city_id, ids=sorted(set(entry_ids)),
    )  # fmt: skip
    return {entry.entry_id: entry for entry in await with_choices(tx, rows, city_id=city_id)}


async def save(tx: Tx, entries: Sequence[Entry], *, city_id: int) -> None:
    """Write locked entries as they are now; their choices live as long as they do."""
    if not entries:
        return
    await tx.run(
        """with saved as (
             update waitlist.entries e
             set state = n.state, since = n.since, calls = n.calls, ended_at = n.ended, why = n.why
             from unnest(%(ids)s::uuid[], %(states)s::text[], %(sinces)s::timestamptz[], %(calls)s::int[],
                         %(ends)s::timestamptz[], %(whys)s::text[]) as n(id, state, since, calls, ended, why)
             where e.city_id = %(city)s and e.entry_id = n.id
             returning e.entry_id, e.ended_at
           )
           update waitlist.choices c set live = false
           from saved s where c.city_id = %(city)s and c.entry_id = s.entry_id and s.ended_at is not null and c.live""",
        city=city_id, ids=[e.entry_id for e in entries], states=[e.state for e in entries],
        sinces=[e.since for e in entries], calls=[e.calls for e in entries], ends=[e.ended_at for e in entries],
        whys=[e.why for e in entries],
    )  # fmt: skip


async def unlist(tx: Tx, quota_ids: Collection[UUID], *, city_id: int) -> None:
    """Those of these quotas that nobody waits for any more are on open sale again."""
    if not quota_ids:
        return
    rows = await tx.rows(
        """select distinct c.quota_id from waitlist.choices c
           where c.city_id = %(city)s and c.quota_id = any(%(ids)s::uuid[]) and c.live""",
        city=city_id, ids=sorted(quota_ids),
    )  # fmt: skip
    wanted = {row["quota_id"] for row in rows}
    await inventory.list_quotas(tx, {i: False for i in quota_ids if i not in wanted}, city_id=city_id)


async def save_calls(tx: Tx, calls: Sequence[Call], *, city_id: int) -> None:
    """Write what became of these calls."""
    if calls:
        await tx.run(
            """update waitlist.calls c set state = n.state, ended_at = n.ended
               from unnest(%(ids)s::uuid[], %(states)s::text[], %(ends)s::timestamptz[]) as n(id, state, ended)
               where c.city_id = %(city)s and c.call_id = n.id""",
            city=city_id, ids=[c.call_id for c in calls], states=[c.state for c in calls],
            ends=[c.ended_at for c in calls],
        )  # fmt: skip
