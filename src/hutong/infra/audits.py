"""Audits that somebody asked for: a worker runs them in a snapshot, and what they found is kept.

An audit of a large house takes minutes, so nobody waits for it in a request. One is open at a time.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong.infra.audit import audit, queries
from hutong.infra.db import Database, Tx
from hutong.infra.delivery import describe
from hutong.kit.clock import Clock

LOST = timedelta(hours=1)  # a run that began longer ago died with its worker, and begins again


class AuditRun(Struct, frozen=True, kw_only=True):
    """An audit: who asked when, when it ran, how many invariants were checked and which are broken."""

    audit_id: UUID
    asked_at: datetime
    asked_by: UUID
    started_at: datetime | None
    done_at: datetime | None
    checked: int
    broken: list[dict[str, Any]]
    error: str | None

    @property
    def clean(self) -> bool:
        return self.done_at is not None and not self.broken and self.error is None


async def ask_audit(tx: Tx, *, audit_id: UUID, by: UUID, now: datetime) -> UUID:
    """Ask for an audit; the id of the one that is open already, if there is one. Local table: central."""
    row = await tx.row(
        """insert into infra.audits (audit_id, asked_at, asked_by, checked, broken)
           values (%(id)s, %(now)s, %(by)s, 0, '[]') on conflict do nothing returning audit_id""",
        id=audit_id, now=now, by=by,
    )  # fmt: skip
    return row["audit_id"] if row else await tx.value("select audit_id from infra.audits where done_at is null")


async def audit_runs(tx: Tx, *, limit: int = 20) -> list[AuditRun]:
    """The last audits, newest first."""
    rows = await tx.rows(
        """select audit_id, asked_at, asked_by, started_at, done_at, checked, broken, error
           from infra.audits order by asked_at desc, audit_id desc limit %(limit)s""",
        limit=limit,
    )
    return [AuditRun(**row) for row in rows]


async def run_audits(db: Database, now: datetime, *, clock: Clock) -> None:
    """Run the audit that waits, if one does: claimed first, so that two workers never run the same."""
    async with db.central() as tx:
        claimed = await tx.row(
            """update infra.audits set started_at = %(now)s
               where done_at is null and (started_at is null or started_at < %(lost)s) returning audit_id""",
            now=now, lost=now - LOST,
        )  # fmt: skip
    if claimed is None:
        return
    broken: list[dict[str, Any]] = []
    error = None
    try:
        async with db.snapshot() as tx:
            broken = msgspec.to_builtins(await audit(tx))
    except Exception as caught:
        error = describe(caught)
    async with db.central() as tx:
        await tx.run(
            """update infra.audits set done_at = %(done)s, checked = %(checked)s, broken = %(broken)s,
                                       error = %(error)s
               where audit_id = %(id)s and started_at = %(now)s and done_at is null""",
            id=claimed["audit_id"], now=now, done=clock.now(), checked=0 if error else len(queries()),
            broken=Jsonb(broken), error=error,
        )  # fmt: skip
