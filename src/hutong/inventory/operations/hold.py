"""Hold units: who comes first is served first, whole or not at all."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.inventory.model import Held, Hold, Left, Quota, serve, wanted, why_not
from hutong.inventory.operations._lock import lock
from hutong.inventory.refusals import HoldChanged, HoldOver
from hutong.kit.refusals import Refusal

ROUNDS = 3  # more than one only when the same hold_id arrives twice at the same moment


async def hold(
    tx: Tx, requests: Sequence[Hold], *, city_id: int, now: datetime, for_list: bool = False
) -> list[Held | Refusal]:
    """Keep units aside, in the order of the list; each hold gets all its units or none.

    The same hold_id again gives the same answer (`replayed`). What is sold out is refused without a lock; the rest
    locks its quotas once, sorted: call this last among the locks of a transaction. `for_list`: for people who wait;
    of a quota that others wait for nobody else gets anything.

    Refusals: quota_unknown, quota_closed, sold_out (`left`: how many there are); hold_over (the same hold_id, but
    it was released or has expired), hold_changed (the same hold_id with other wants).
    """
    first: dict[UUID, int] = {}
    for i, request in enumerate(requests):
        first.setdefault(request.hold_id, i)
    pending = [requests[i] for i in first.values()]
    answers: dict[UUID, Held | Refusal] = {}
    for _ in range(ROUNDS):
        if not pending:
            break
        refused, lost = await _round(tx, pending, answers, city_id=city_id, now=now, for_list=for_list)
        before = await _existing(tx, [h.hold_id for h in [*refused.values(), *lost]], city_id=city_id)
        for request in [*refused.values(), *lost]:
            if request.hold_id in before:
                answers[request.hold_id] = _again(request, before[request.hold_id])
        # A hold that was there already had been counted as taken: whoever was refused behind it asks once more.
        pending = [r for r in refused.values() if r.hold_id not in before] if lost else []
    return [
        answers[r.hold_id] if first[r.hold_id] == i else _repeated(r, requests[first[r.hold_id]], answers[r.hold_id])
        for i, r in enumerate(requests)
    ]


def _repeated(request: Hold, first: Hold, answer: Held | Refusal) -> Held | Refusal:
    """The answer to the second of two requests with one hold_id in one list."""
    if isinstance(answer, Refusal):
        return answer
    return msgspec.structs.replace(answer, replayed=True) if _signature(request) == _signature(first) else HoldChanged()


async def _round(
    tx: Tx, pending: Sequence[Hold], answers: dict[UUID, Held | Refusal], *, city_id: int, now: datetime, for_list: bool
) -> tuple[dict[UUID, Hold], list[Hold]]:
    """Try all pending holds once; those refused (with the refusal in `answers`) and those that were there already."""
    refused: dict[UUID, Hold] = {}

    def refuse(request: Hold, refusal: Refusal) -> None:
        answers[request.hold_id] = refusal
        refused[request.hold_id] = request

    seen = await peek(tx, pending, city_id=city_id, for_list=for_list)
    hopeful: list[Hold] = []
    for request in pending:
        refusal = why_not(request, seen)
        if refusal is None:
            hopeful.append(request)
        else:
            refuse(request, refusal)
    stock = await lock(tx, quotas_of(hopeful), city_id=city_id) if hopeful else {}
    left = {quota_id: left_of(q, for_list=for_list) for quota_id, q in stock.items()}
    served: list[Hold] = []
    for request, refusal in zip(hopeful, serve(hopeful, left), strict=True):
        if refusal is None:
            served.append(request)
        else:
            refuse(request, refusal)
    claimed = await _claim(tx, served, city_id=city_id, now=now)
    for request in served:
        if request.hold_id in claimed:
            answers[request.hold_id] = Held(hold_id=request.hold_id, ref=request.ref, expires_at=request.expires_at)
    return refused, [request for request in served if request.hold_id not in claimed]


def quotas_of(requests: Iterable[Hold]) -> set[UUID]:
    """The quotas that these want something of."""
    return {quota_id for request in requests for quota_id in wanted(request)}


def left_of(quota: Quota, *, for_list: bool = False) -> Left:
    """What a request finds in a quota: nothing while others wait for it, unless it is for them."""
    return Left(0 if quota.listed and not for_list else quota.remaining, quota.closed_at is not None)


async def peek(
    tx: Tx, requests: Sequence[Hold], *, city_id: int, for_list: bool = False
) -> dict[UUID, Left]:  # fmt: skip
    """What is left, read without a lock: a sold-out sale is refused here, without queueing for the row."""
    rows = await tx.rows(
        """select quota_id, case when listed and not %(for_list)s then 0 else remaining end as remaining,
                  closed_at is not null as closed
           from inventory.quotas
           where city_id = %(city)s and quota_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(quotas_of(requests)), for_list=for_list,
    )  # fmt: skip
    return {row["quota_id"]: Left(row["remaining"], row["closed"]) for row in rows}


async def _claim(tx: Tx, served: Sequence[Hold], *, city_id: int, now: datetime) -> set[UUID]:
    if not served:
        return set()
    rows = await tx.rows(load(__package__, "claim"), city=city_id, now=now, **claim_columns(served))
    return {row["hold_id"] for row in rows}


def claim_columns(served: Sequence[Hold]) -> dict[str, Any]:
    """The holds and what they want as columns."""
    wants = [(h.hold_id, quota_id, units) for h in served for quota_id, units in wanted(h).items()]
    return {
        "ids": [h.hold_id for h in served], "refs": [h.ref for h in served],
        "expiries": [h.expires_at for h in served], "want_holds": [w[0] for w in wants],
        "want_quotas": [w[1] for w in wants], "want_units": [w[2] for w in wants],
    }  # fmt: skip


async def _existing(tx: Tx, hold_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    if not hold_ids:
        return {}
    rows = await tx.rows(
        """select h.hold_id, h.ref, h.state, h.expires_at,
                  coalesce(jsonb_object_agg(w.quota_id, w.units) filter (where w.quota_id is not null), '{}') as wants
           from inventory.holds h
           left join inventory.wants w on w.city_id = %(city)s and w.hold_id = h.hold_id
           where h.city_id = %(city)s and h.hold_id = any(%(ids)s::uuid[])
           group by h.hold_id, h.ref, h.state, h.expires_at""",
        city=city_id, ids=list(hold_ids),
    )  # fmt: skip
    return {row["hold_id"]: row for row in rows}


def _signature(request: Hold) -> tuple[UUID, dict[str, int]]:
    return request.ref, {str(quota_id): units for quota_id, units in wanted(request).items()}


def _again(request: Hold, row: dict[str, Any]) -> Held | Refusal:
    """The answer to a request that was served before."""
    if _signature(request) != (row["ref"], row["wants"]):
        return HoldChanged()
    if row["state"] in ("released", "expired"):
        return HoldOver(state=row["state"])
    return Held(
        hold_id=request.hold_id, ref=row["ref"], expires_at=row["expires_at"], state=row["state"], replayed=True
    )
