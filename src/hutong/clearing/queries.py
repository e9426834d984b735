"""Reads of clearing: runs, statements with their lines, disputes. Who may see is the caller's."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.clearing.model import Case, Entry, Part, Run, Statement, text_of
from hutong.infra.db import Tx

Grouping = Literal["store", "day"]


class Sum(Struct, frozen=True, kw_only=True):
    """What one store (None: none is known) or day came to on a statement: points and units of the party's side."""

    store_id: UUID | None
    city_id: int | None
    day: date | None
    count: int
    issued_points: int
    burnt_points: int
    issued: int
    burnt: int
    other: int
    units: int


class Month(Struct, frozen=True, kw_only=True):
    """What a period did to a programme: money of its currency, points; `run` None: the period that still runs.

    `reserve` backs `liability` points at the end. `breakage`: money of expired points that the programme kept;
    `expired` is all that expired, `margin` what redeeming partners left to the programme, `campaign` what it gave.
    """

    run: Run | None
    since: datetime | None
    opening: int
    issued: int
    campaign: int
    burnt: int
    given_back: int
    clawed_back: int
    expired: int
    breakage: int
    margin: int
    reserve: int
    liability: int
    issued_points: int
    burnt_points: int
    expired_points: int

    @property
    def breakage_bps(self) -> int:
        """Of the points that left circulation by use or expiry, how many expired, in basis points."""
        gone = self.burnt_points + self.expired_points
        return 10_000 * self.expired_points // gone if gone else 0


class Waiting(Struct, frozen=True):
    """A statement that is closed and not booked."""

    programme_id: UUID
    run_id: UUID
    party_id: UUID
    home_city: int


class Line(Struct, frozen=True, kw_only=True):
    """A line of a statement with the case about it, if there is one."""

    entry: Entry
    case: Case | None


def as_run(row: Mapping[str, Any]) -> Run:
    """A closed period from its row."""
    return Run(**{name: row[name] for name in Run.__struct_fields__})


def as_case(row: Mapping[str, Any]) -> Case:
    """A dispute from its row."""
    return Case(**{name: row[name] for name in Case.__struct_fields__})


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{name: row[name] for name in Entry.__struct_fields__})


async def run_of(
    tx: Tx, programme_id: UUID, *, run_id: UUID | None = None, number: int | None = None
) -> Run | None:  # fmt: skip
    """A run by its id, by its number, or the newest one."""
    row = await tx.row(
        """select * from clearing.runs where programme_id = %(programme)s
             and (%(run)s::uuid is null or run_id = %(run)s::uuid)
             and (%(number)s::int is null or number = %(number)s::int)
           order by number desc limit 1""",
        programme=programme_id, run=run_id, number=number,
    )  # fmt: skip
    return as_run(row) if row else None


async def runs(tx: Tx, programme_id: UUID, *, before: int | None = None, limit: int = 24) -> list[Run]:
    """The runs of a programme, newest first; `before`: the number where the page before ended."""
    rows = await tx.rows(
        """select * from clearing.runs where programme_id = %(programme)s
             and (%(before)s::int is null or number < %(before)s::int)
           order by number desc limit %(limit)s""",
        programme=programme_id, before=before, limit=limit,
    )  # fmt: skip
    return [as_run(row) for row in rows]


async def _parts(tx: Tx, keys: Sequence[tuple[UUID, UUID, UUID]]) -> dict[tuple[UUID, UUID, UUID], tuple[Part, ...]]:
    rows = await tx.rows(
        """select p.* from clearing.parts p
           join unnest(%(programmes)s::uuid[], %(runs)s::uuid[], %(parties)s::uuid[]) as k(programme, run, party)
             on p.programme_id = k.programme and p.run_id = k.run and p.party_id = k.party
           order by p.kind, p.via""",
        programmes=[key[0] for key in keys], runs=[key[1] for key in keys], parties=[key[2] for key in keys],
    )  # fmt: skip
    found: dict[tuple[UUID, UUID, UUID], tuple[Part, ...]] = {}
    for row in rows:
        key = (row["programme_id"], row["run_id"], row["party_id"])
        part = Part(**{name: row[name] for name in Part.__struct_fields__})
        found[key] = (*found.get(key, ()), part)
    return found


async def _whole(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> list[Statement]:
    """Statements of rows that hold a statement (`s_*` for its own names that a run has, too) and its run."""
    parts = await _parts(tx, [(row["programme_id"], row["run_id"], row["party_id"]) for row in rows])
    return [
        Statement(
            run=msgspec.convert(row["run"], Run, strict=False), party_id=row["party_id"],
            party="programme" if row["home_city"] is None else "partner", home_city=row["home_city"],
            mode=row["mode"], limit_units=row["limit_units"], units=row["units"], net_units=row["net_units"],
            carried_units=row["carried_units"], digest=row["digest"], posted_at=row["posted_at"],
            payable_units=row["payable_units"],
            parts=parts.get((row["programme_id"], row["run_id"], row["party_id"]), ()),
        )
        for row in rows
    ]  # fmt: skip


async def statement(tx: Tx, programme_id: UUID, *, run_id: UUID, party_id: UUID) -> Statement | None:
    """One party's statement of a run; the programme's own has its id as party."""
    rows = await tx.rows(
        """select s.*, to_jsonb(r) as run from clearing.statements s
           join clearing.runs r on r.programme_id = s.programme_id and r.run_id = s.run_id
           where s.programme_id = %(programme)s and s.run_id = %(run)s and s.party_id = %(party)s""",
        programme=programme_id, run=run_id, party=party_id,
    )  # fmt: skip
    return (await _whole(tx, rows))[0] if rows else None


async def statement_of(tx: Tx, party_id: UUID, *, run_id: UUID) -> Statement | None:
    """A party's statement of a run, when only the run is known."""
    rows = await tx.rows(
        """select s.*, to_jsonb(r) as run from clearing.statements s
           join clearing.runs r on r.programme_id = s.programme_id and r.run_id = s.run_id
           where s.party_id = %(party)s and s.run_id = %(run)s""",
        party=party_id, run=run_id,
    )  # fmt: skip
    return (await _whole(tx, rows))[0] if rows else None


async def statements_of_party(
    tx: Tx, party_id: UUID, *, before: datetime | None = None, limit: int = 24
) -> list[Statement]:
    """The statements of a partner over all his programmes, newest period first; `before`: where the last page ended."""
    rows = await tx.rows(
        """select s.*, to_jsonb(r) as run from clearing.statements s
           join clearing.runs r on r.programme_id = s.programme_id and r.run_id = s.run_id
           where s.party_id = %(party)s and (%(before)s::timestamptz is null or r.until < %(before)s::timestamptz)
           order by r.until desc, s.programme_id limit %(limit)s""",
        party=party_id, before=before, limit=limit,
    )  # fmt: skip
    return await _whole(tx, rows)


async def statements_of_run(
    tx: Tx, programme_id: UUID, *, run_id: UUID, after: UUID | None = None, city_id: int | None = None,
    limit: int = 100,
) -> list[Statement]:  # fmt: skip
    """All statements of a run by party; those of partners of one city when it is named."""
    rows = await tx.rows(
        """select s.*, to_jsonb(r) as run from clearing.statements s
           join clearing.runs r on r.programme_id = s.programme_id and r.run_id = s.run_id
           where s.programme_id = %(programme)s and s.run_id = %(run)s
             and (%(after)s::uuid is null or s.party_id > %(after)s::uuid)
             and (%(city)s::int is null or s.home_city = %(city)s::int)
           order by s.party_id limit %(limit)s""",
        programme=programme_id, run=run_id, after=after, city=city_id, limit=limit,
    )  # fmt: skip
    return await _whole(tx, rows)


async def waiting(tx: Tx, *, limit: int = 1_000) -> list[Waiting]:
    """Statements of partners that are closed and not booked, by programme and city."""
    rows = await tx.rows(
        """select programme_id, run_id, party_id, home_city from clearing.statements
           where posted_at is null and party_id <> programme_id
           order by programme_id, home_city, run_id, party_id limit %(limit)s""",
        limit=limit,
    )
    return [Waiting(**row) for row in rows]


async def unfinished(tx: Tx) -> list[UUID]:
    """Programmes with a run that is not marked as booked."""
    rows = await tx.rows("select distinct programme_id from clearing.runs where posted_at is null order by 1")
    return [row["programme_id"] for row in rows]


async def lines(
    tx: Tx, programme_id: UUID, *, run_id: UUID, party_id: UUID, kind: str | None = None, via: str | None = None,
    store_id: UUID | None = None, day: date | None = None, after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Line]:  # fmt: skip
    """Lines of a statement, newest first, narrowed to a kind, a store, a day; `after`: where the page before ended."""
    rows = await tx.rows(
        """select e.*, to_jsonb(d) as dispute from clearing.entries e
           left join clearing.disputes d on d.programme_id = e.programme_id and d.transfer_id = e.transfer_id
           where e.programme_id = %(programme)s and e.run_id = %(run)s and e.party_id = %(party)s
             and (%(kind)s::text is null or e.kind = %(kind)s::text)
             and (%(via)s::text is null or e.via = %(via)s::text)
             and (%(store)s::uuid is null or e.store_id = %(store)s::uuid)
             and (%(day)s::date is null or e.day = %(day)s::date)
             and (%(at)s::timestamptz is null or (e.at, e.transfer_id) < (%(at)s::timestamptz, %(last)s::uuid))
           order by e.at desc, e.transfer_id desc limit %(limit)s""",
        programme=programme_id, run=run_id, party=party_id, kind=kind, via=via, store=store_id, day=day,
        at=after[0] if after else None, last=after[1] if after else None, limit=limit,
    )  # fmt: skip
    return [
        Line(entry=_entry(row), case=msgspec.convert(row["dispute"], Case, strict=False) if row["dispute"] else None)
        for row in rows
    ]


async def line(tx: Tx, programme_id: UUID, transfer_id: UUID, *, party_id: UUID) -> tuple[UUID, Line] | None:
    """One line of a party with its run and case."""
    row = await tx.row(
        """select e.*, to_jsonb(d) as dispute from clearing.entries e
           left join clearing.disputes d on d.programme_id = e.programme_id and d.transfer_id = e.transfer_id
           where e.programme_id = %(programme)s and e.transfer_id = %(id)s and e.party_id = %(party)s""",
        programme=programme_id, id=transfer_id, party=party_id,
    )  # fmt: skip
    if row is None:
        return None
    case = msgspec.convert(row["dispute"], Case, strict=False) if row["dispute"] else None
    return row["run_id"], Line(entry=_entry(row), case=case)


async def sums(tx: Tx, programme_id: UUID, *, run_id: UUID, party_id: UUID, by: Grouping) -> list[Sum]:
    """What each store or day of a statement came to; days in their order, stores by what they burnt."""
    rows = await tx.rows(
        """select case when %(by)s = 'store' then store_id end as store_id, min(city_id) as city_id,
                  case when %(by)s = 'day' then day end as day, count(*)::int as count,
                  coalesce(sum(points) filter (where kind = 'issued'), 0)::bigint as issued_points,
                  coalesce(sum(points) filter (where kind = 'burnt'), 0)::bigint as burnt_points,
                  coalesce(sum(units) filter (where kind = 'issued'), 0)::bigint as issued,
                  coalesce(sum(units) filter (where kind = 'burnt'), 0)::bigint as burnt,
                  coalesce(sum(units) filter (where kind not in ('issued', 'burnt')), 0)::bigint as other,
                  sum(units)::bigint as units
           from clearing.entries
           where programme_id = %(programme)s and run_id = %(run)s and party_id = %(party)s
           group by 1, 3 order by 3, 7 desc, 1""",
        programme=programme_id, run=run_id, party=party_id, by=by,
    )  # fmt: skip
    return [Sum(**row) for row in rows]


async def text(tx: Tx, programme_id: UUID, *, run_id: UUID, party_id: UUID) -> bytes | None:
    """The statement as it was closed: the bytes whose SHA-256 is its digest, for ever the same."""
    found = await statement(tx, programme_id, run_id=run_id, party_id=party_id)
    if found is None:
        return None
    rows = await tx.rows(
        """select * from clearing.entries
           where programme_id = %(programme)s and run_id = %(run)s and party_id = %(party)s order by at, transfer_id""",
        programme=programme_id, run=run_id, party=party_id,
    )  # fmt: skip
    run = found.run
    return text_of(
        programme_id, run.number, run.since, run.until, party_id, run.asset, found.parts,
        [_entry(row) for row in rows], found.net_units,
    )  # fmt: skip


async def disputes(
    tx: Tx, *, party_id: UUID | None = None, programme_id: UUID | None = None, state: str | None = None,
    limit: int = 50,
) -> list[Case]:  # fmt: skip
    """Cases, newest first: of a partner, of a programme, or all; open ones come before decided ones."""
    rows = await tx.rows(
        """select * from clearing.disputes
           where (%(party)s::uuid is null or party_id = %(party)s::uuid)
             and (%(programme)s::uuid is null or programme_id = %(programme)s::uuid)
             and (%(state)s::text is null or state = %(state)s::text)
           order by state = 'open' desc, opened_at desc, dispute_id desc limit %(limit)s""",
        party=party_id, programme=programme_id, state=state, limit=limit,
    )  # fmt: skip
    return [as_case(row) for row in rows]


async def case(tx: Tx, programme_id: UUID, dispute_id: UUID) -> Case | None:
    """One case."""
    row = await tx.row(
        "select * from clearing.disputes where programme_id = %(programme)s and dispute_id = %(id)s",
        programme=programme_id, id=dispute_id,
    )  # fmt: skip
    return as_case(row) if row else None
