"""Leaving: asked, time to think, then the name and the number go. And copies of one's own data."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import NotFound, Refusal
from hutong.people.choices import (
    EXPORT_LIFE,
    EXPORTS_PER_DAY,
    FETCHES_MAX,
    TIME_TO_THINK,
    AskExport,
    Departure,
    EndDeparture,
    Export,
    Leave,
)
from hutong.people.own import departures_of
from hutong.people.queries import grants_of, members
from hutong.people.refusals import ExportOver, LeavingAlready, RolesFirst, TooManyExports


async def ask_to_leave(tx: Tx, requests: Sequence[Leave], *, now: datetime) -> list[Departure | Refusal]:
    """Note that members want to leave; it is done seven days later (`erase`), or called off before.

    The caller has looked for open business (money, valid vouchers) in the cities. Refusals: NotFound (no active
    member), RolesFirst (who works somewhere hands that over first), LeavingAlready. Placement: the member's shard.
    """
    ids = [r.member_id for r in requests]
    known, held = await members(tx, ids), await grants_of(tx, ids)
    able = {r.member_id: r for r in requests if _active(known.get(r.member_id)) and not held.get(r.member_id)}
    order = sorted(able)
    await tx.run(
        """insert into people.departures (member_id, departure_id, proof, asked_at, due_at)
           select member_id, departure_id, proof, %(now)s, %(due)s
           from unnest(%(members)s::uuid[], %(departures)s::uuid[], %(proofs)s::text[])
                as w (member_id, departure_id, proof)
           on conflict (member_id) where ended_at is null do nothing""",
        members=order,
        departures=[able[i].departure_id for i in order],
        proofs=[able[i].proof for i in order],
        now=now,
        due=now + TIME_TO_THINK,
    )
    live = await departures_of(tx, ids)
    return [_left(r, active=_active(known.get(r.member_id)), works=r.member_id in held, live=live) for r in requests]


def _active(member: object) -> bool:
    return getattr(member, "status", None) == "active"


def _left(request: Leave, *, active: bool, works: bool, live: dict[UUID, Departure]) -> Departure | Refusal:
    if not active:
        return NotFound()
    if works:
        return RolesFirst()
    there = live[request.member_id]
    return there if there.departure_id == request.departure_id else LeavingAlready()


async def end_departures(tx: Tx, requests: Sequence[EndDeparture], *, now: datetime) -> list[bool]:
    """End living departures as said; for each whether there was one. `done` only by `erase`."""
    rows = await tx.rows(
        """update people.departures as d set ended_at = %(now)s, outcome = w.outcome
           from unnest(%(members)s::uuid[], %(outcomes)s::text[]) as w (member_id, outcome)
           where d.member_id = w.member_id and d.ended_at is null
           returning d.member_id""",
        members=[r.member_id for r in requests],
        outcomes=[r.outcome for r in requests],
        now=now,
    )
    done = {row["member_id"] for row in rows}
    return [r.member_id in done for r in requests]


async def erase(tx: Tx, member_ids: Sequence[UUID], *, now: datetime) -> list[bool]:
    """Take away who these members are: name, number, sessions, passkeys. For each whether it was done now.

    Only those whose departure is due and who hold no role. The row of the member stays, without anything personal,
    because orders and books point to it; consents stay as proof. Placement: central (numbers and sessions).
    """
    rows = await tx.rows(
        """select d.member_id, m.phone from people.departures d join people.members m on m.member_id = d.member_id
           where d.member_id = any(%(ids)s::uuid[]) and d.ended_at is null and d.due_at <= %(now)s
             and m.status <> 'erased'
             and not exists (select 1 from people.grants g where g.member_id = d.member_id and g.revoked_at is null)
           order by d.member_id for no key update of d, m""",
        ids=sorted(set(member_ids)),
        now=now,
    )
    due = [row["member_id"] for row in rows]
    phones = sorted(row["phone"] for row in rows if row["phone"])
    for sql in (
        "delete from people.phones where phone = any(%(phones)s::text[])",
        "delete from people.codes where phone = any(%(phones)s::text[])",
        "delete from people.sessions where member_id = any(%(ids)s::uuid[])",
        """update people.credentials set ended_at = %(now)s, ended_why = 'erased', label = '-'
           where member_id = any(%(ids)s::uuid[]) and ended_at is null""",
        "delete from people.challenges where member_id = any(%(ids)s::uuid[])",
        "delete from people.exports where member_id = any(%(ids)s::uuid[])",
        "delete from people.badges where member_id = any(%(ids)s::uuid[])",
        "update people.phone_changes set old_tail = '', new_tail = '' where member_id = any(%(ids)s::uuid[])",
        """update people.members set name = '', phone = null, phone_tail = '', status = 'erased'
           where member_id = any(%(ids)s::uuid[])""",
    ):  # a fixed handful of statements, whatever the number of members
        await tx.run(sql, ids=due, phones=phones, now=now)
    await end_departures(tx, [EndDeparture(member_id=i, outcome="done") for i in due], now=now)
    return [member_id in due for member_id in member_ids]


async def ask_exports(tx: Tx, requests: Sequence[AskExport], *, now: datetime) -> list[Export | Refusal]:
    """Open copies of members' own data for a day. Refusals: TooManyExports (three in a day). Member's shard.

    One member's asks come one after the other: his row is locked.
    """
    ids = sorted({r.member_id for r in requests})
    await tx.rows(
        """select member_id from people.members where member_id = any(%(ids)s::uuid[])
           order by member_id for no key update""",
        ids=ids,
    )
    rows = await tx.rows(
        """select member_id, count(*) as n from people.exports
           where member_id = any(%(ids)s::uuid[]) and asked_at > %(since)s and export_id <> all(%(asked)s::uuid[])
           group by member_id""",
        ids=ids,
        asked=[r.export_id for r in requests],
        since=now - EXPORT_LIFE,
    )
    counts = {row["member_id"]: row["n"] for row in rows}
    good: list[AskExport] = []
    for request in requests:
        counts[request.member_id] = counts.get(request.member_id, 0) + 1
        if counts[request.member_id] <= EXPORTS_PER_DAY:
            good.append(request)
    await tx.run(
        """insert into people.exports (member_id, export_id, asked_at, expires_at, fetched)
           select member_id, export_id, %(now)s, %(expires)s, 0
           from unnest(%(members)s::uuid[], %(exports)s::uuid[]) as w (member_id, export_id)
           on conflict (member_id, export_id) do nothing""",
        members=[r.member_id for r in good],
        exports=[r.export_id for r in good],
        now=now,
        expires=now + EXPORT_LIFE,
    )
    return [
        Export(export_id=r.export_id, asked_at=now, expires_at=now + EXPORT_LIFE, fetched=0)
        if r in good
        else TooManyExports(most=EXPORTS_PER_DAY)
        for r in requests
    ]


async def fetch_exports(tx: Tx, requests: Sequence[AskExport], *, now: datetime) -> list[Export | Refusal]:
    """Count one fetch of each copy by its owner. Refusals: NotFound (another's, none), ExportOver. Member's shard."""
    rows = await tx.rows(
        """update people.exports as e set fetched = e.fetched + 1, fetched_at = %(now)s
           from unnest(%(members)s::uuid[], %(exports)s::uuid[]) as w (member_id, export_id)
           where e.member_id = w.member_id and e.export_id = w.export_id and e.expires_at > %(now)s
             and e.fetched < %(most)s
           returning e.export_id, e.asked_at, e.expires_at, e.fetched""",
        members=[r.member_id for r in requests],
        exports=[r.export_id for r in requests],
        most=FETCHES_MAX,
        now=now,
    )
    found = {row["export_id"]: Export(**row) for row in rows}
    there = await tx.rows(
        """select export_id from people.exports
           where member_id = any(%(members)s::uuid[]) and export_id = any(%(exports)s::uuid[])""",
        members=sorted({r.member_id for r in requests}),
        exports=[r.export_id for r in requests],
    )
    known = {row["export_id"] for row in there}
    return [found.get(r.export_id) or (ExportOver() if r.export_id in known else NotFound()) for r in requests]
