"""End holds: confirm what was paid, release what was cancelled, expire what nobody came for; or give more time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.inventory.model import Confirmed, Held, Lapsed, Released
from hutong.inventory.operations._lock import gather, move
from hutong.inventory.refusals import HoldConfirmed, HoldOver, HoldUnknown
from hutong.kit.refusals import Refusal


async def confirm(tx: Tx, hold_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[Confirmed | Refusal]:
    """What was held is sold. A hold past its time that was not swept yet is confirmed all the same.

    Refusals: hold_unknown, hold_over (released or expired: the units may be somebody else's).
    """
    ended = await _finish(tx, hold_ids, "confirmed", city_id=city_id, now=now)
    other = await _read(tx, [i for i in hold_ids if i not in ended], city_id=city_id)
    results: list[Confirmed | Refusal] = []
    seen: set[UUID] = set()
    for hold_id in hold_ids:
        if hold_id in ended:
            results.append(Confirmed(hold_id=hold_id, ref=ended[hold_id], replayed=hold_id in seen))
            seen.add(hold_id)
        elif hold_id not in other:
            results.append(HoldUnknown())
        elif other[hold_id]["state"] == "confirmed":
            results.append(Confirmed(hold_id=hold_id, ref=other[hold_id]["ref"], replayed=True))
        else:
            results.append(HoldOver(state=other[hold_id]["state"]))
    return results


async def release(tx: Tx, hold_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[Released | Refusal]:
    """What was held is free again. One that was released or has expired before stays as it is (`replayed`).

    Refusals: hold_unknown, hold_confirmed (sold: see `give_back`).
    """
    ended = await _finish(tx, hold_ids, "released", city_id=city_id, now=now)
    other = await _read(tx, [i for i in hold_ids if i not in ended], city_id=city_id)
    results: list[Released | Refusal] = []
    seen: set[UUID] = set()
    for hold_id in hold_ids:
        if hold_id in ended:
            results.append(Released(hold_id=hold_id, ref=ended[hold_id], replayed=hold_id in seen))
            seen.add(hold_id)
        elif hold_id not in other:
            results.append(HoldUnknown())
        elif other[hold_id]["state"] == "confirmed":
            results.append(HoldConfirmed())
        else:
            results.append(Released(hold_id=hold_id, ref=other[hold_id]["ref"], replayed=True))
    return results


async def expire(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> list[Lapsed]:
    """End holds whose time is over, oldest first, up to `limit`; those ended. Fewer than `limit`: none are left.

    Holds that another transaction works on at this moment are left to it.
    """
    rows = await tx.rows(load(__package__, "lapse"), city=city_id, now=now, limit=limit)
    await move(tx, gather([(r["quota_id"], -r["units"], 0) for r in rows if r["quota_id"]]), city_id=city_id)
    lapsed = {
        r["hold_id"]: Lapsed(hold_id=r["hold_id"], ref=r["ref"], expires_at=r["expires_at"]) for r in rows
    }  # fmt: skip
    return list(lapsed.values())


async def extend(
    tx: Tx, hold_ids: Sequence[UUID], *, expires_at: datetime, city_id: int
) -> list[Held | Refusal]:  # fmt: skip
    """Give holds time until `expires_at` (never less than they have): a payment is in doubt and is being asked about.

    Refusals: hold_unknown, hold_over. A confirmed hold stays as it is.
    """
    await tx.run(
        """with live as (
             select h.hold_id from inventory.holds h
             where h.city_id = %(city)s and h.hold_id = any(%(ids)s::uuid[]) and h.state = 'held'
             order by h.hold_id for no key update
           )
           update inventory.holds h set expires_at = greatest(h.expires_at, %(until)s)
           from live l where h.city_id = %(city)s and h.hold_id = l.hold_id""",
        city=city_id, ids=list(hold_ids), until=expires_at,
    )  # fmt: skip
    found = await _read(tx, hold_ids, city_id=city_id)
    results: list[Held | Refusal] = []
    for hold_id in hold_ids:
        row = found.get(hold_id)
        if row is None:
            results.append(HoldUnknown())
        elif row["state"] in ("released", "expired"):
            results.append(HoldOver(state=row["state"]))
        else:
            results.append(Held(hold_id=hold_id, ref=row["ref"], expires_at=row["expires_at"], state=row["state"]))
    return results


async def _finish(
    tx: Tx, hold_ids: Sequence[UUID], state: str, *, city_id: int, now: datetime
) -> dict[UUID, UUID]:  # fmt: skip
    """End those that are still held and move their units; hold_id -> ref of those that this call ended."""
    if not hold_ids:
        return {}
    rows = await tx.rows(load(__package__, "finish"), city=city_id, now=now, ids=list(set(hold_ids)), state=state)
    return {row["hold_id"]: row["ref"] for row in rows}


async def _read(tx: Tx, hold_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    if not hold_ids:
        return {}
    rows = await tx.rows(
        """select hold_id, ref, state, expires_at from inventory.holds
           where city_id = %(city)s and hold_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(hold_ids),
    )  # fmt: skip
    return {row["hold_id"]: row for row in rows}
