"""Applications locked, read and moved: the rows under the verbs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, to_builtins
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.recruiting.model import Application, State, Words
from hutong.recruiting.queries.applications import as_application


class Taken(Struct, frozen=True, kw_only=True):
    """A step to take: from what was locked to that state, by whom, why; `words` when it is sent in."""

    was: Application
    state: State
    round: int
    by: UUID
    reason: str = ""
    words: Words | None = None


async def lock(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Application]:
    """These applications, theirs for the rest of the transaction."""
    rows = await tx.rows(
        """select * from recruiting.applications where city_id = %(city)s and application_id = any(%(ids)s::uuid[])
           order by application_id for update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["application_id"]: as_application(row) for row in rows}


async def demands(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[tuple[UUID, str], dict[str, Any]]:
    """The requirements of locked applications, by (application, kind)."""
    rows = await tx.rows(
        """select * from recruiting.requirements where city_id = %(city)s and application_id = any(%(ids)s::uuid[])
           order by application_id, position""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {(row["application_id"], row["kind"]): row for row in rows}


async def move(tx: Tx, taken: Sequence[Taken], *, city_id: int, now: datetime) -> None:
    """Take the steps: a row of history each, whose version is the key, and the state itself."""
    if not taken:
        return
    shared = {
        "city": city_id, "now": now, "ids": [t.was.application_id for t in taken],
        "versions": [t.was.version + 1 for t in taken], "states": [t.state for t in taken],
        "rounds": [t.round for t in taken],
    }  # fmt: skip
    await tx.run(
        """insert into recruiting.steps (city_id, application_id, version, state, round, by, at, reason, words)
           select %(city)s, s.id, s.version, s.state, s.round, s.by, %(now)s, s.reason, s.words
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(states)s::text[], %(rounds)s::int[], %(bys)s::uuid[],
                       %(reasons)s::text[], %(words)s::jsonb[]) as s(id, version, state, round, by, reason, words)""",
        bys=[t.by for t in taken], reasons=[t.reason for t in taken],
        words=[Jsonb(to_builtins(t.words)) if t.words else None for t in taken], **shared,
    )  # fmt: skip
    await tx.run(
        """update recruiting.applications as a
           set state = s.state, round = s.round, version = s.version, changed_at = %(now)s
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(states)s::text[], %(rounds)s::int[])
                as s(id, version, state, round)
           where a.city_id = %(city)s and a.application_id = s.id""",
        **shared,
    )
    await tx.record([_fact(one, city_id, now) for one in taken])


def _fact(one: Taken, city_id: int, now: datetime) -> Fact:
    payload = {"state": one.state, "member_id": str(one.was.member_id), "name": to_builtins(one.was.words.name)}
    return Fact(
        fact_id=derive(one.was.application_id, f"step/{one.was.version + 1}"), city_id=city_id,
        topic="recruiting.moved", subject=one.was.application_id, payload=payload, at=now,
    )  # fmt: skip


async def judge(
    tx: Tx, verdicts: Sequence[tuple[UUID, str, int, str, str, UUID]], *, city_id: int, now: datetime
) -> None:
    """(application, kind, number, state, reason, by) each: the verdict, whose number is the key, and the state."""
    if not verdicts:
        return
    ids, kinds, numbers, states, reasons, bys = (list(column) for column in zip(*verdicts, strict=True))
    shared = {"city": city_id, "ids": ids, "kinds": kinds, "numbers": numbers, "states": states}
    await tx.run(
        """insert into recruiting.verdicts (city_id, application_id, kind, number, state, reason, by, at)
           select %(city)s, v.id, v.kind, v.number, v.state, v.reason, v.by, %(now)s
           from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(numbers)s::int[], %(states)s::text[], %(reasons)s::text[],
                       %(bys)s::uuid[]) as v(id, kind, number, state, reason, by)""",
        now=now, reasons=reasons, bys=bys, **shared,
    )  # fmt: skip
    await tx.run(
        """update recruiting.requirements as r set state = v.state, verdicts = v.number
           from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(numbers)s::int[], %(states)s::text[])
                as v(id, kind, number, state)
           where r.city_id = %(city)s and r.application_id = v.id and r.kind = v.kind""",
        **shared,
    )
