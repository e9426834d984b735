"""The history of payouts, and the tasks that they leave: rows that every step writes in its own transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.settlement.paying import PayoutResult, TaskKind


class Step(Struct, frozen=True):
    """What happened to a payout, why, and who said it."""

    payout_id: UUID
    state: str
    cause: str
    by: UUID | None = None
    note: str = ""


class Open(Struct, frozen=True, kw_only=True):
    """A task to be opened, once for each kind and ref."""

    kind: TaskKind
    ref: UUID
    payee_kind: str | None = None
    payee_id: UUID | None = None
    note: str = ""


async def write(tx: Tx, steps: Sequence[Step], *, city_id: int, now: datetime) -> None:
    """Write the steps; each has the number that its payout has now. A payout takes one step at a time."""
    if not steps:
        return
    await tx.run(
        """insert into settlement.payout_changes (city_id, payout_id, seq, state, cause, by, note, at)
           select %(city)s, k.id, p.seq, k.state, k.cause, k.by, k.note, %(now)s
           from unnest(%(ids)s::uuid[], %(states)s::text[], %(causes)s::text[], %(bys)s::uuid[], %(notes)s::text[])
             as k(id, state, cause, by, note)
           join settlement.payouts p on p.city_id = %(city)s and p.payout_id = k.id""",
        city=city_id, now=now, ids=[s.payout_id for s in steps], states=[s.state for s in steps],
        causes=[s.cause for s in steps], bys=[s.by for s in steps], notes=[s.note for s in steps],
    )  # fmt: skip


async def open_tasks(tx: Tx, tasks: Sequence[Open], *, city_id: int, now: datetime) -> None:
    """Open these tasks; one that was open or done before for the same thing stays as it is."""
    if not tasks:
        return
    await tx.run(
        """insert into settlement.tasks (city_id, task_id, kind, ref, payee_kind, payee_id, note, opened_at)
           select %(city)s, k.*, %(now)s
           from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(refs)s::uuid[], %(payee_kinds)s::text[],
                       %(payees)s::uuid[], %(notes)s::text[]) as k
           on conflict (city_id, kind, ref) do nothing""",
        city=city_id, now=now, ids=[derive(t.ref, f"task/{t.kind}") for t in tasks], kinds=[t.kind for t in tasks],
        refs=[t.ref for t in tasks], payee_kinds=[t.payee_kind for t in tasks],
        payees=[t.payee_id for t in tasks], notes=[t.note for t in tasks],
    )  # fmt: skip


async def settle_tasks(
    tx: Tx, rows: Mapping[UUID, dict[str, Any]], said: Sequence[PayoutResult], *, city_id: int, now: datetime
) -> None:
    """What was refused is somebody's task; what was stuck and has ended is nobody's any more."""
    refused = [
        Open(
            kind="refused", ref=r.payout_id, payee_kind=rows[r.payout_id]["payee_kind"],
            payee_id=rows[r.payout_id]["payee_id"], note=r.failure or r.note,
        )
        for r in said
        if r.state == "refused" and r.cause != "declined"
    ]  # fmt: skip
    await open_tasks(tx, refused, city_id=city_id, now=now)
    ended = sorted(r.payout_id for r in said if r.state != "unknown" and rows[r.payout_id]["tries"])
    if ended:
        await tx.run(
            """update settlement.tasks set closed_at = %(now)s, outcome = 'ended'
               where city_id = %(city)s and kind = 'stuck' and ref = any(%(ids)s::uuid[]) and closed_at is null""",
            city=city_id,
            now=now,
            ids=ended,
        )
