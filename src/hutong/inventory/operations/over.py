"""One hold takes over the units of another in one go: nobody can come between."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.inventory.model import TakeOver, wanted
from hutong.inventory.operations.hold import claim_columns
from hutong.inventory.refusals import HoldOver, HoldUnknown, SoldOut
from hutong.kit.refusals import Refusal


async def why_not_over(
    tx: Tx, requests: Sequence[TakeOver], *, city_id: int
) -> list[Refusal | None]:  # fmt: skip
    """Why these holds cannot be taken over; None when they can. Their rows are locked, sorted, and no quota is: call
    `take_over` for the good ones later in this transaction. Each hold is named once in the list.

    Refusals: hold_unknown (also one that is kept for another `ref`), hold_over, sold_out (`left`: what it keeps).
    """
    rows = await tx.rows(
        """select h.hold_id, h.ref, h.state from inventory.holds h
           where h.city_id = %(city)s and h.hold_id = any(%(ids)s::uuid[]) order by h.hold_id for no key update""",
        city=city_id, ids=sorted(r.hold_id for r in requests),
    )  # fmt: skip
    found = {row["hold_id"]: row for row in rows}
    kept = await _kept(tx, list(found), city_id=city_id)
    return [_why_not(request, found.get(request.hold_id), kept.get(request.hold_id, {})) for request in requests]


def _why_not(request: TakeOver, row: dict[str, Any] | None, kept: dict[UUID, int]) -> Refusal | None:
    if row is None or row["ref"] != request.ref:
        return HoldUnknown()
    if row["state"] != "held":
        return HoldOver(state=row["state"])
    for quota_id, units in sorted(wanted(request.new).items()):
        if kept.get(quota_id, 0) < units:
            return SoldOut(left=kept.get(quota_id, 0), quota=str(quota_id))
    return None


async def _kept(tx: Tx, hold_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[UUID, int]]:
    rows = await tx.rows(
        """select w.hold_id, w.quota_id, w.units from inventory.wants w
           where w.city_id = %(city)s and w.hold_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(hold_ids),
    )  # fmt: skip
    kept: dict[UUID, dict[UUID, int]] = {}
    for row in rows:
        kept.setdefault(row["hold_id"], {})[row["quota_id"]] = row["units"]
    return kept


async def take_over(tx: Tx, requests: Sequence[TakeOver], *, city_id: int, now: datetime) -> None:
    """The units become those of the new holds; the old ones are released, with the name of who took them over.

    Only what `why_not_over` found good in this transaction. Among its last locks, as `claim`.
    """
    if requests:
        await tx.run(
            load(__package__, "take_over"), city=city_id, now=now, olds=[r.hold_id for r in requests],
            news=[r.new.hold_id for r in requests], **claim_columns([r.new for r in requests]),
        )  # fmt: skip
