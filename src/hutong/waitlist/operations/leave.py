"""Leaving the line: signed in, or by the link of a message."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from hutong import inventory
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.waitlist.model import Call, Entry, Leave, token_hash
from hutong.waitlist.operations import _rows
from hutong.waitlist.queries import open_calls
from hutong.waitlist.refusals import EntryUnknown


async def leave(
    tx: Tx, requests: Sequence[Leave], *, city_id: int, now: datetime
) -> list[Entry | Refusal]:  # fmt: skip
    """Wait no more, in list order; what was kept for a call is free for the next one at once. Leaving twice, or after
    it was over anyway, changes nothing. Refusal: entry_not_found (also somebody else's, and a wrong link)."""
    ids = await _ids(tx, requests, city_id=city_id)
    entries = await _rows.lock(tx, [one for one in ids if one is not None], city_id=city_id)
    calls = await open_calls(tx, list(entries), city_id=city_id)
    held = [call.hold_id for call in calls.values()]
    states = await inventory.hold_states(tx, held, city_id=city_id, lock=True)
    over: dict[UUID, Entry] = {}
    freed: list[Call] = []
    results: list[Entry | Refusal] = []
    for request, entry_id in zip(requests, ids, strict=True):
        entry = entries.get(entry_id) if entry_id else None
        if entry is None or (request.token is None and entry.member_id != request.member_id):
            results.append(EntryUnknown())
            continue
        call = calls.get(entry.entry_id)
        taken = call is not None and states[call.hold_id].moved_to is not None  # he has just bought: the turn sees it
        if entry.live and not taken:
            entry = structs.replace(entry, state="left", ended_at=now, why="left")
            entries[entry.entry_id] = over[entry.entry_id] = entry
            if call is not None:
                freed.append(structs.replace(call, state="declined", ended_at=now))
        results.append(entry)
    await _rows.save(tx, list(over.values()), city_id=city_id)
    await _rows.save_calls(tx, freed, city_id=city_id)
    await inventory.release(tx, [call.hold_id for call in freed], city_id=city_id, now=now)
    await _rows.unlist(tx, {choice.quota_id for entry in over.values() for choice in entry.choices}, city_id=city_id)
    return results


async def forget_members(tx: Tx, member_ids: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """Members who leave the house wait for nothing any more; how many entries that were."""
    rows = await tx.rows(
        """select e.entry_id, e.member_id from waitlist.entries e
           where e.city_id = %(city)s and e.member_id = any(%(members)s::uuid[])
             and e.state in ('waiting', 'called')""",
        city=city_id, members=sorted(set(member_ids)),
    )  # fmt: skip
    asks = [Leave(entry_id=row["entry_id"], member_id=row["member_id"]) for row in rows]
    return len(await leave(tx, asks, city_id=city_id, now=now)) if asks else 0


async def _ids(tx: Tx, requests: Sequence[Leave], *, city_id: int) -> list[UUID | None]:
    hashes = [token_hash(request.token) for request in requests if request.token is not None]
    rows = await tx.rows(
        """select e.entry_id, e.token_hash from waitlist.entries e
           where e.city_id = %(city)s and e.token_hash = any(%(hashes)s::bytea[])""",
        city=city_id, hashes=hashes,
    )  # fmt: skip
    known = {bytes(row["token_hash"]): row["entry_id"] for row in rows}
    return [r.entry_id if r.token is None else known.get(token_hash(r.token)) for r in requests]
