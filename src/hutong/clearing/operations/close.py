"""Closing a period: what happened in it is divided between the parties, once and for ever."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import programmes
from hutong.clearing.model import (
    Close,
    Closed,
    Entry,
    Part,
    Run,
    digest,
    digest_of_all,
    is_midnight,
    net,
    own_parts,
    parts_of,
    text_of,
)
from hutong.clearing.operations.gather import CHUNK, Gathered, gather
from hutong.clearing.queries import run_of
from hutong.clearing.refusals import PeriodDays, PeriodGap, PeriodOpen, RunTaken, RunUnposted
from hutong.infra.db import Tx
from hutong.kit.clock import local, local_day
from hutong.kit.refusals import Refusal
from hutong.programmes import Partner, Programme, ProgrammeUnknown


class Home(Struct, frozen=True):
    """Where a party is paid, and on which terms. Who only supplies gifts is no partner: he is paid where he did it."""

    city_id: int
    mode: str = "prepaid"
    limit_units: int = 0


class Made(Struct, frozen=True, kw_only=True):
    """A statement that is about to be written; the programme's own has no home."""

    party_id: UUID
    home: Home | None
    parts: list[Part]
    units: int
    net: int
    digest: str


async def close(tx: Tx, closes: Sequence[Close], *, now: datetime) -> list[Closed | Refusal]:
    """Close periods [since, until) of programmes, each computed whole in this transaction (programmes share nothing).

    A period is whole days of the programme's zone, follows the last one without a gap, has ended at `now`, and the
    run before is booked to its last statement. What counts is when something was *booked*: a till that uploads a
    purchase of last month today adds it to this month. Every leg of the programme's reserve gets into exactly one
    run; the lines must explain the reserve, else RuntimeError and nothing is written.

    The same run again is Closed(replayed=True): a closed run never changes. Units are of the programme's currency.
    Refusals: programme_not_found, run_taken, period_days, period_gap, period_open, run_unposted.
    """
    ids = sorted({one.programme_id for one in closes})
    every = {one.programme_id: one for one in await programmes.programmes(tx, ids, at=now)}
    return [await _close(tx, ask, every.get(ask.programme_id), now) for ask in closes]


async def _close(tx: Tx, ask: Close, programme: Programme | None, now: datetime) -> Closed | Refusal:
    if programme is None:
        return ProgrammeUnknown()
    await tx.run(
        "insert into clearing.heads (programme_id, number) values (%(programme)s, 0) on conflict do nothing",
        programme=ask.programme_id,
    )
    head = await tx.row(
        "select * from clearing.heads where programme_id = %(programme)s for update", programme=ask.programme_id
    )
    assert head is not None
    stands = await run_of(tx, ask.programme_id, run_id=ask.run_id)
    if stands is not None:
        if (stands.since, stands.until) != (ask.since, ask.until):
            return RunTaken()
        return Closed(run=stands, statements=await _count(tx, stands), replayed=True)
    refusal = await _why_not(tx, ask, programme, head, now)
    if refusal is not None:
        return refusal
    number = head["number"] + 1
    gathered, made = await _compute(tx, programme, ask, number)
    run = _run(programme, ask, number, gathered, made, now)
    carried = await _carried(tx, ask.programme_id, head["number"])
    await _write_run(tx, run, made)
    await _write_statements(tx, run, made, carried)
    await _write_entries(tx, run, gathered)
    await tx.run(
        """update clearing.disputes set settled_run = %(run)s
           where programme_id = %(programme)s and dispute_id = any(%(ids)s::uuid[])""",
        programme=ask.programme_id, run=run.run_id, ids=gathered.cases,
    )  # fmt: skip
    await tx.run(
        "update clearing.heads set number = %(number)s, until = %(until)s where programme_id = %(programme)s",
        programme=ask.programme_id, number=number, until=ask.until,
    )  # fmt: skip
    return Closed(run=run, statements=len(made))


async def _compute(
    tx: Tx, programme: Programme, ask: Close, number: int, *, again: Run | None = None
) -> tuple[Gathered, list[Made]]:
    gathered = await gather(
        tx, programme, run_id=ask.run_id, since=ask.since, until=ask.until, again=again,
        before=await _before(tx, ask.programme_id, number),
    )  # fmt: skip
    parties = {one.party_id for one in gathered.entries}
    found = await programmes.partners(tx, ask.programme_id, ids=parties, left=True, limit=len(parties) + 1)
    return gathered, statements_of(programme, {one.partner_id: one for one in found}, gathered, ask, number)


async def recompute(tx: Tx, runs: Sequence[Run], *, now: datetime) -> list[str]:
    """Compute closed runs again from the books and the movements, and write nothing: their digests.

    Each is the digest that the run has, for ever; otherwise somebody changed history.
    """
    every = await programmes.programmes(tx, sorted({run.programme_id for run in runs}), at=now)
    known = {one.programme_id: one for one in every}
    digests: list[str] = []
    for run in runs:
        ask = Close(run_id=run.run_id, programme_id=run.programme_id, since=run.since, until=run.until)
        _, made = await _compute(tx, known[run.programme_id], ask, run.number, again=run)
        digests.append(digest_of_all(one.digest for one in made))
    return digests


async def _why_not(tx: Tx, ask: Close, programme: Programme, head: Mapping[str, Any], now: datetime) -> Refusal | None:
    if ask.since >= ask.until or not all(is_midnight(at, programme.zone) for at in (ask.since, ask.until)):
        return PeriodDays(zone=programme.zone)
    if head["until"] is not None and head["until"] != ask.since:
        return PeriodGap(until=local_day(head["until"], programme.zone).isoformat())
    if now < ask.until:
        return PeriodOpen(until=local(ask.until, programme.zone).strftime("%Y-%m-%d %H:%M"))
    waiting = await tx.value(
        """select count(*) from clearing.statements
           where programme_id = %(programme)s and posted_at is null and party_id <> programme_id""",
        programme=ask.programme_id,
    )
    return RunUnposted() if waiting else None


async def _before(tx: Tx, programme_id: UUID, number: int) -> int:
    """What all runs before this number did to the reserve together."""
    value = await tx.value(
        """select coalesce(sum(p.units), 0)::bigint from clearing.parts p
           join clearing.runs r on r.programme_id = p.programme_id and r.run_id = p.run_id
           where p.programme_id = %(id)s and p.kind = 'reserve' and r.number < %(number)s""",
        id=programme_id, number=number,
    )  # fmt: skip
    return int(value)


async def _count(tx: Tx, run: Run) -> int:
    return int(
        await tx.value(
            "select count(*) from clearing.statements where programme_id = %(programme)s and run_id = %(run)s",
            programme=run.programme_id, run=run.run_id,
        )
    )  # fmt: skip


async def _carried(tx: Tx, programme_id: UUID, number: int) -> dict[UUID, int]:
    """What partners still owed when the run before had been booked: zero or below."""
    rows = await tx.rows(
        """select s.party_id, s.payable_units from clearing.statements s
           join clearing.runs r on r.programme_id = s.programme_id and r.run_id = s.run_id
           where s.programme_id = %(programme)s and r.number = %(number)s and s.payable_units < 0""",
        programme=programme_id, number=number,
    )  # fmt: skip
    return {row["party_id"]: row["payable_units"] for row in rows}


def statements_of(
    programme: Programme, partners: Mapping[UUID, Partner], gathered: Gathered, ask: Close, number: int
) -> list[Made]:
    """One statement for each party with anything in the period, and always the programme's own. They sum to zero."""
    entries = gathered.entries
    parts = parts_of(entries)
    mine = programme.programme_id
    legs = [one for one in entries if one.via != "dispute"]
    parts += own_parts(parts, mine, gathered.change, len(legs), sum(one.points for one in legs))
    by_party: dict[UUID, tuple[list[Part], list[Entry]]] = {mine: ([], [])}
    for part in parts:
        by_party.setdefault(part.party_id, ([], []))[0].append(part)
    for one in entries:
        by_party[one.party_id][1].append(one)
    paid = sum(net(some) for party, (some, _) in by_party.items() if party != mine)
    made: list[Made] = []
    for party, (some, lines) in sorted(by_party.items()):
        one_net = net(some) if party != mine else -paid
        text = text_of(mine, number, ask.since, ask.until, party, programme.currency, some, lines, one_net)
        made.append(
            Made(
                party_id=party, home=None if party == mine else _home(partners.get(party), lines), parts=some,
                units=sum(part.units for part in some), net=one_net, digest=digest(text),
            )
        )  # fmt: skip
    return made


def _home(partner: Partner | None, lines: Sequence[Entry]) -> Home:
    if partner is not None:
        return Home(partner.home_city, partner.mode, partner.limit_units)
    where = [one.city_id for one in lines if one.city_id is not None]
    if not where:
        raise RuntimeError("a party of no programme and no city")
    return Home(where[0])


def _run(
    programme: Programme, ask: Close, number: int, gathered: Gathered, made: Sequence[Made], now: datetime
) -> Run:  # fmt: skip
    theirs = [one for one in made if one.home is not None]
    return Run(
        programme_id=ask.programme_id, run_id=ask.run_id, number=number, since=ask.since, until=ask.until,
        zone=programme.zone, asset=programme.currency, face_units=programme.face_units, entries=len(gathered.entries),
        reserve_units=gathered.reserve, partners_units=sum(one.units for one in theirs),
        partners_net=sum(one.net for one in theirs), digest=digest_of_all(one.digest for one in made), closed_at=now,
        posted_at=None if theirs else now,
    )  # fmt: skip


async def _write_run(tx: Tx, run: Run, made: Sequence[Made]) -> None:
    own = next(one for one in made if one.home is None)
    await tx.run(
        """insert into clearing.runs (programme_id, run_id, number, previous, since, until, zone, asset, face_units,
             entries, reserve_units, partners_units, programme_units, partners_net, programme_net, digest, closed_at,
             posted_at)
           values (%(programme)s, %(run)s, %(number)s, nullif(%(number)s - 1, 0), %(since)s, %(until)s, %(zone)s,
             %(asset)s, %(face)s, %(entries)s, %(reserve)s, %(partners)s, %(own)s, %(net)s, %(own_net)s, %(digest)s,
             %(now)s, %(posted)s)""",
        programme=run.programme_id, run=run.run_id, number=run.number, since=run.since, until=run.until,
        zone=run.zone, asset=run.asset, face=run.face_units, entries=run.entries, reserve=run.reserve_units,
        partners=run.partners_units, own=own.units, net=run.partners_net, own_net=own.net, digest=run.digest,
        now=run.closed_at, posted=run.posted_at,
    )  # fmt: skip


async def _write_statements(tx: Tx, run: Run, made: Sequence[Made], carried: Mapping[UUID, int]) -> None:
    who = [one.home for one in made]
    await tx.run(
        """insert into clearing.statements (programme_id, run_id, party_id, home_city, mode, limit_units, units,
             net_units, carried_units, digest, posted_at)
           select %(programme)s, %(run)s, s.party, s.city, s.mode, s.most, s.units, s.net, s.carried, s.digest,
             case when s.city is null then %(posted)s::timestamptz end
           from unnest(%(parties)s::uuid[], %(cities)s::int[], %(modes)s::text[], %(limits)s::bigint[],
             %(units)s::bigint[], %(nets)s::bigint[], %(carried)s::bigint[], %(digests)s::text[])
             as s(party, city, mode, most, units, net, carried, digest)""",
        programme=run.programme_id, run=run.run_id, posted=run.posted_at, parties=[one.party_id for one in made],
        cities=[p.city_id if p else None for p in who], modes=[p.mode if p else None for p in who],
        limits=[p.limit_units if p else 0 for p in who], units=[one.units for one in made],
        nets=[one.net for one in made], carried=[carried.get(one.party_id, 0) for one in made],
        digests=[one.digest for one in made],
    )  # fmt: skip
    parts = [part for one in made for part in one.parts]
    await tx.run(
        """insert into clearing.parts (programme_id, run_id, party_id, kind, via, count, points, units)
           select %(programme)s, %(run)s, p.*
           from unnest(%(parties)s::uuid[], %(kinds)s::text[], %(vias)s::text[], %(counts)s::int[],
             %(points)s::bigint[], %(units)s::bigint[]) as p""",
        programme=run.programme_id, run=run.run_id, parties=[p.party_id for p in parts], kinds=[p.kind for p in parts],
        vias=[p.via for p in parts], counts=[p.count for p in parts], points=[p.points for p in parts],
        units=[p.units for p in parts],
    )  # fmt: skip


async def _write_entries(tx: Tx, run: Run, gathered: Gathered) -> None:
    for start in range(0, len(gathered.entries), CHUNK):
        some = gathered.entries[start : start + CHUNK]
        await tx.run(
            """insert into clearing.entries (programme_id, run_id, transfer_id, party_id, kind, via, points, units,
                 movement_id, city_id, store_id, rule, day, at)
               select %(programme)s, %(run)s, e.*
               from unnest(%(ids)s::uuid[], %(parties)s::uuid[], %(kinds)s::text[], %(vias)s::text[],
                 %(points)s::bigint[], %(units)s::bigint[], %(movements)s::uuid[], %(cities)s::int[],
                 %(stores)s::uuid[], %(rules)s::text[], %(days)s::date[], %(ats)s::timestamptz[]) as e""",
            programme=run.programme_id, run=run.run_id, ids=[e.transfer_id for e in some],
            parties=[e.party_id for e in some], kinds=[e.kind for e in some], vias=[e.via for e in some],
            points=[e.points for e in some], units=[e.units for e in some], movements=[e.movement_id for e in some],
            cities=[e.city_id for e in some], stores=[e.store_id for e in some], rules=[e.rule for e in some],
            days=[local_day(e.at, run.zone) for e in some], ats=[e.at for e in some],
        )  # fmt: skip
