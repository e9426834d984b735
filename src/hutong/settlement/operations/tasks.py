"""Tasks about payouts: closed by a person who says what came of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.settlement.paying import EVIDENCE_LETTERS, EvidenceMissing, TaskUnknown


async def close_tasks(
    tx: Tx, ids: Sequence[UUID], *, by: UUID, outcome: str, city_id: int, now: datetime
) -> list[bool | Refusal]:
    """Close tasks with what came of them (ten characters or more); True for each that was open.

    Refusals: evidence_missing, payout_task_not_found (also one that is closed).
    """
    if len(outcome.strip()) < EVIDENCE_LETTERS:
        return [EvidenceMissing() for _ in ids]
    rows = await tx.rows(
        """update settlement.tasks set closed_at = %(now)s, closed_by = %(by)s, outcome = %(outcome)s
           where city_id = %(city)s and task_id = any(%(ids)s::uuid[]) and closed_at is null returning task_id""",
        city=city_id, now=now, by=by, outcome=outcome.strip(), ids=sorted(set(ids)),
    )  # fmt: skip
    closed = {row["task_id"] for row in rows}
    return [i in closed or TaskUnknown() for i in ids]
