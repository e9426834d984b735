"""Reading claims and cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.recruiting.courting import Case, Claim, Evidence


def as_case(row: dict[str, Any]) -> Case:
    """A row of recruiting.cases as a value."""
    return Case(**{name: row[name] for name in Case.__struct_fields__})


async def _with_evidence(tx: Tx, rows: Sequence[dict[str, Any]], *, city_id: int) -> list[Claim]:
    proofs = await tx.rows(
        """select e.merchant_id, e.operator_id, e.kind, e.ref, e.by, e.at
           from unnest(%(merchants)s::uuid[], %(operators)s::uuid[]) as k(merchant_id, operator_id)
           join recruiting.evidence e on e.city_id = %(city)s and e.merchant_id = k.merchant_id
             and e.operator_id = k.operator_id
           order by e.at, e.evidence_id""",
        city=city_id, merchants=[row["merchant_id"] for row in rows], operators=[row["operator_id"] for row in rows],
    )  # fmt: skip
    found: dict[tuple[UUID, UUID], list[Evidence]] = {}
    for proof in proofs:
        found.setdefault((proof.pop("merchant_id"), proof["operator_id"]), []).append(Evidence(**proof))
    return [
        Claim(
            **{name: row[name] for name in Claim.__struct_fields__ if name != "evidence"},
            evidence=tuple(found.get((row["merchant_id"], row["operator_id"]), ())),
        )
        for row in rows
    ]


async def claims_on(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Claim]]:
    """Who claims these merchants, with the evidence of each; the first claim first."""
    rows = await tx.rows(
        """select * from recruiting.claims where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[])
           order by at, claim_id""",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )
    found: dict[UUID, list[Claim]] = {}
    for one in await _with_evidence(tx, rows, city_id=city_id):
        found.setdefault(one.merchant_id, []).append(one)
    return found


async def claims_of(
    tx: Tx, operator_ids: Sequence[UUID], *, city_id: int, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> list[Claim]:
    """What these operators claim, newest first; the next page begins after (at, id)."""
    rows = await tx.rows(
        """select * from recruiting.claims where city_id = %(city)s and operator_id = any(%(ids)s::uuid[])
             and (%(at)s::timestamptz is null or (at, claim_id) < (%(at)s, %(last)s::uuid))
           order by at desc, claim_id desc limit %(limit)s""",
        city=city_id, ids=sorted(set(operator_ids)), at=after[0] if after else None,
        last=after[1] if after else None, limit=limit,
    )  # fmt: skip
    return await _with_evidence(tx, rows, city_id=city_id)


async def cases(tx: Tx, *, city_id: int, limit: int = 50) -> list[Case]:
    """The cases of a city: open ones first, the oldest first; then those that were decided, the newest first."""
    rows = await tx.rows(
        """select * from recruiting.cases where city_id = %(city)s
           order by decided_at is not null, case when decided_at is null then opened_at end, decided_at desc, case_id
           limit %(limit)s""",
        city=city_id,
        limit=limit,
    )
    return [as_case(row) for row in rows]


async def cases_on(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Case]:
    """The newest case of each of these merchants; absent for one without."""
    rows = await tx.rows(
        """select distinct on (merchant_id) * from recruiting.cases
           where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[]) order by merchant_id, number desc""",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: as_case(row) for row in rows}


async def case(tx: Tx, case_id: UUID, *, city_id: int) -> Case | None:
    """One case."""
    row = await tx.row(
        "select * from recruiting.cases where city_id = %(city)s and case_id = %(id)s", city=city_id, id=case_id
    )
    return as_case(row) if row else None


async def count_open(tx: Tx, *, city_id: int) -> int:
    """How many cases wait for the platform."""
    return await tx.value(
        "select count(*) from recruiting.cases where city_id = %(city)s and decided_at is null", city=city_id
    )
