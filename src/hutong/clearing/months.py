"""Liability, breakage and reserve of a programme, period by period, and of the one that still runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong import ledger
from hutong.clearing.model import Leg, Run, classify, points_of
from hutong.clearing.queries import Month
from hutong.infra.db import Tx
from hutong.ledger import Book, Place

PAGE = 2_000


async def begins(tx: Tx, programme_id: UUID, *, asset: str) -> datetime | None:
    """When the reserve of a programme was first used; None: it never was."""
    found = await ledger.statement(
        tx, Book.programme(programme_id), path=ledger.chart.reserve().path, asset=asset, limit=1
    )
    return found.lines[0].place.at if found and found.lines else None


async def months(tx: Tx, programme_id: UUID, *, asset: str, face_units: int, limit: int = 24) -> list[Month]:
    """The running period (as far as it is booked), then the closed ones, newest first. Units of the currency."""
    rows = await tx.rows(
        """select to_jsonb(r) as run, p.* from clearing.runs r
           left join lateral (
             select coalesce(sum(units) filter (where kind = 'reserve'), 0)::bigint as change,
                    coalesce(-sum(units) filter (where kind = 'issued'), 0)::bigint as issued,
                    coalesce(-sum(units) filter (where kind = 'campaign'), 0)::bigint as campaign,
                    coalesce(sum(units) filter (where kind = 'burnt'), 0)::bigint as burnt,
                    coalesce(-sum(units) filter (where kind = 'given_back'), 0)::bigint as given_back,
                    coalesce(sum(units) filter (where kind = 'clawed_back'), 0)::bigint as clawed_back,
                    coalesce(sum(units) filter (where kind = 'expired'), 0)::bigint as expired,
                    coalesce(sum(units) filter (where kind = 'expired' and party_id = programme_id), 0)::bigint
                      as breakage,
                    coalesce(sum(units) filter (where kind = 'margin'), 0)::bigint as margin,
                    coalesce(sum(points) filter (where kind = 'issued'), 0)::bigint as issued_points,
                    coalesce(sum(points) filter (where kind = 'burnt'), 0)::bigint as burnt_points,
                    coalesce(sum(points) filter (where kind = 'expired'), 0)::bigint as expired_points
             from clearing.parts p where p.programme_id = r.programme_id and p.run_id = r.run_id) p on true
           where r.programme_id = %(programme)s order by r.number desc limit %(limit)s""",
        programme=programme_id, limit=limit,
    )  # fmt: skip
    closed = [_closed(row) for row in rows]
    last = closed[0].run if closed else None
    return [await _running(tx, programme_id, asset, face_units, last.until if last else None), *closed]


def _closed(row: Mapping[str, Any]) -> Month:
    run = msgspec.convert(row["run"], Run, strict=False)
    names = set(Month.__struct_fields__) & set(row)
    return Month(
        **{name: row[name] for name in names - {"run"}}, run=run, since=run.since,
        opening=run.reserve_units - row["change"], reserve=run.reserve_units,
        liability=run.reserve_units // run.face_units,
    )  # fmt: skip


async def _running(tx: Tx, programme_id: UUID, asset: str, face_units: int, since: datetime | None) -> Month:
    """What is booked since the last period ended, straight from the reserve's own statement."""
    legs: list[Leg] = []
    after: Place | None = None
    opening = reserve = 0
    while True:
        found = await ledger.statement(
            tx, Book.programme(programme_id), path=ledger.chart.reserve().path, asset=asset, since=since, after=after,
            limit=PAGE,
        )  # fmt: skip
        if found is None:
            break
        opening = found.opening.units if after is None else opening
        reserve, after = found.closing.units, found.next
        legs += [
            Leg(
                transfer_id=line.transfer_id, other=line.other, change=line.change.units, event=line.event,
                ref=line.ref, rule=line.rule, at=line.place.at,
            )
            for line in found.lines
        ]  # fmt: skip
        if after is None:
            break
    points, sums = points_of(legs, face_units), dict.fromkeys(Month.__struct_fields__[3:], 0)
    for leg in legs:
        _add(sums, leg, programme_id, points[leg.transfer_id])
    return Month(
        **sums | {"reserve": reserve, "liability": reserve // face_units}, run=None, since=since, opening=opening
    )


def _add(sums: dict[str, int], leg: Leg, programme_id: UUID, points: int) -> None:
    party, kind, _ = classify(leg, programme_id)
    units = -leg.change
    sign = -1 if kind in ("issued", "campaign", "given_back") else 1
    sums[kind] += sign * units
    if kind == "expired":
        sums["breakage"] += units if party == programme_id else 0
    if kind in ("issued", "burnt", "expired"):
        sums[f"{kind}_points"] += points
