"""What a period holds: every leg of the programme's reserve that no run has had, and what came of disputes."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import ledger, programmes
from hutong.clearing.model import Entry, Leg, PartKind, Run, classify, points_of
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.ledger import Book
from hutong.programmes import Programme, Where

CHUNK = 2_000
PAGE = 10_000  # legs that are read at once
LATE = timedelta(days=1)
"""So far back the reserve is read again: a transaction that was on its way when a period was closed is found by the
next run. Transactions live for seconds; should one be older still, all of the reserve's history is read."""


class Gathered(Struct, frozen=True, kw_only=True):
    """The lines of a period and what the reserve stood at when it ended."""

    entries: list[Entry]
    reserve: int
    change: int
    cases: list[UUID]


async def pages(
    tx: Tx, programme: Programme, *, since: datetime | None, until: datetime
) -> AsyncIterator[tuple[list[Leg], int]]:
    """The legs of the reserve booked in [since, until), page by page, each with the balance at `until`."""
    book = Book.programme(programme.programme_id)
    found = await ledger.statement(
        tx, book, path=ledger.chart.reserve().path, asset=programme.currency, since=since, as_of=until, limit=PAGE
    )
    while found is not None:
        legs = [
            Leg(
                transfer_id=line.transfer_id, other=line.other, change=line.change.units, event=line.event,
                ref=line.ref, rule=line.rule, at=line.place.at,
            )
            for line in found.lines
        ]  # fmt: skip
        yield legs, found.closing.units
        found = None if found.next is None else await ledger.more(tx, book, found, as_of=until, limit=PAGE)


async def gather(
    tx: Tx, programme: Programme, *, run_id: UUID, since: datetime, until: datetime, before: int,
    again: Run | None = None,
) -> Gathered:  # fmt: skip
    """Everything for the run. `before`: what all earlier runs together did to the reserve. `again`: the run when it is
    closed already: then its reserve is the one it had, whatever was booked late since.

    Raises RuntimeError when the lines do not explain the reserve: nothing is closed then.
    """
    fresh: list[Leg] = []
    reserve = 0
    for start in (since - LATE, None):
        fresh = []
        async for legs, stood in pages(tx, programme, since=start, until=until):
            reserve = stood
            fresh += await _unknown(tx, programme.programme_id, run_id, legs)
        reserve = again.reserve_units if again else reserve
        if before + sum(leg.change for leg in fresh) == reserve:
            break
    else:
        raise RuntimeError(f"programme {programme.programme_id}: the lines until {until} do not explain its reserve")
    entries = await _entries(tx, programme, fresh)
    cases = await _cases(tx, programme.programme_id, run_id, until, fresh=again is None)
    entries += [one for case in cases for one in case_entries(case)]
    return Gathered(
        entries=entries, reserve=reserve, change=sum(leg.change for leg in fresh),
        cases=[case["dispute_id"] for case in cases],
    )  # fmt: skip


async def _unknown(tx: Tx, programme_id: UUID, run_id: UUID, legs: Sequence[Leg]) -> list[Leg]:
    """The legs that no other run has (those of `run_id` itself count as new: so a run can be computed again)."""
    rows = await tx.rows(
        """select transfer_id from clearing.entries
           where programme_id = %(programme)s and transfer_id = any(%(ids)s::uuid[]) and run_id <> %(run)s""",
        programme=programme_id, ids=[leg.transfer_id for leg in legs], run=run_id,
    )  # fmt: skip
    known = {row["transfer_id"] for row in rows}
    return [leg for leg in legs if leg.transfer_id not in known]


async def _entries(tx: Tx, programme: Programme, legs: Sequence[Leg]) -> list[Entry]:
    points = points_of(legs, programme.face_units)
    made: list[Entry] = []
    for start in range(0, len(legs), CHUNK):
        chunk = legs[start : start + CHUNK]
        refs = sorted({leg.ref for leg in chunk})
        known = await programmes.places_of_movements(tx, programme.programme_id, refs)
        made += [_entry(leg, programme, known.get(leg.ref), points[leg.transfer_id]) for leg in chunk]
    return made


def _entry(leg: Leg, programme: Programme, movement: Where | None, points: int) -> Entry:
    party, kind, via = classify(leg, programme.programme_id)
    if party is None:
        party = movement.partner_id if movement else None
    if party is None:
        raise RuntimeError(f"nobody is named for the leg {leg.transfer_id} of the reserve")
    return Entry(
        transfer_id=leg.transfer_id, party_id=party, kind=kind, via=via, points=points, units=-leg.change,
        movement_id=leg.ref, city_id=movement.city_id if movement else None,
        store_id=movement.store_id if movement else None, rule=leg.rule, at=leg.at,
    )  # fmt: skip


async def _cases(
    tx: Tx, programme_id: UUID, run_id: UUID, until: datetime, *, fresh: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """Disputes that were decided before `until` and stand on no statement yet (or on this run's)."""
    return await tx.rows(
        """select d.*, e.movement_id, e.city_id, e.store_id, e.rule
           from clearing.disputes d
           join clearing.entries e on e.programme_id = d.programme_id and e.transfer_id = d.transfer_id
           where d.programme_id = %(programme)s and d.decided_at < %(until)s
             and (d.settled_run = %(run)s or (%(fresh)s and d.settled_run is null))
           order by d.decided_at, d.dispute_id""",
        programme=programme_id, until=until, run=run_id, fresh=fresh,
    )  # fmt: skip


def case_entries(case: dict[str, Any]) -> list[Entry]:
    """The lines that a decided dispute adds: what was held comes back, and what was wrong is made good."""
    wanted: list[tuple[PartKind, int]] = [("released", case["held_units"])]
    if case["state"] == "corrected":
        wanted.append(("correction", case["correct_units"] - case["units"]))
    return [
        Entry(
            transfer_id=derive(case["dispute_id"], kind), party_id=case["party_id"],
            kind=kind, via="dispute", points=0, units=units, movement_id=case["movement_id"],
            city_id=case["city_id"], store_id=case["store_id"], rule=case["rule"], at=case["decided_at"],
        )
        for kind, units in wanted
        if units
    ]  # fmt: skip
