"""What moved at a provider, as we hold it: what its bill is compared with, and its sums by day."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount

Line = Literal["capture", "refund"]


class Moved(Struct, frozen=True, kw_only=True):
    """A payment that was captured, or a refund that went; `at` is when we heard of it and booked it."""

    line: Line
    id: UUID
    amount: Amount
    at: datetime


class DaySum(Struct, frozen=True, kw_only=True):
    """What moved on a day, in one asset: how often, and units in all."""

    day: date
    line: Line
    amount: Amount
    count: int


async def moved(
    tx: Tx, provider: str, *, city_id: int, since: datetime, until: datetime, captures: Sequence[UUID],
    refunds: Sequence[UUID],
) -> list[Moved]:  # fmt: skip
    """Captured payments and refunds that went through this provider: those named, and all that we heard of in
    [since, until). One statement for each list; what is none of ours, or has not moved, is left out."""
    common = {"city": city_id, "provider": provider, "since": since, "until": until}
    taken = await tx.rows(
        """with wanted as (
             select unnest(%(ids)s::uuid[]) as id
             union
             select c.subject from payments.changes c
             where c.city_id = %(city)s and c.at >= %(since)s and c.at < %(until)s
               and c.state in ('captured', 'surplus', 'quarantined')
           )
           select p.payment_id as id, p.captured_units as units, p.captured_asset as asset, c.at
           from wanted w
           join payments.payments p on p.city_id = %(city)s and p.payment_id = w.id and p.provider = %(provider)s
           join payments.changes c on c.city_id = %(city)s and c.subject = p.payment_id
             and c.state in ('captured', 'surplus', 'quarantined')""",
        ids=list(captures), **common,
    )  # fmt: skip
    back = await tx.rows(
        """with wanted as (
             select unnest(%(ids)s::uuid[]) as id
             union
             select c.subject from payments.changes c
             where c.city_id = %(city)s and c.at >= %(since)s and c.at < %(until)s and c.state = 'done'
           )
           select r.refund_id as id, r.units, r.asset, c.at
           from wanted w
           join payments.refunds r on r.city_id = %(city)s and r.refund_id = w.id and r.provider = %(provider)s
           join payments.changes c on c.city_id = %(city)s and c.subject = r.refund_id and c.state = 'done'""",
        ids=list(refunds), **common,
    )  # fmt: skip
    return [_moved("capture", row) for row in taken] + [_moved("refund", row) for row in back]


def _moved(line: Line, row: dict[str, object]) -> Moved:
    return Moved(line=line, id=row["id"], amount=Amount(row["units"], row["asset"]), at=row["at"])  # type: ignore[arg-type]


async def sums_by_day(
    tx: Tx, provider: str, *, city_id: int, zone: str, since: datetime, until: datetime, purposes: Sequence[str]
) -> list[DaySum]:
    """What was captured and went back for these purposes ("order", "bill", "block") in [since, until), by the day of
    `zone` on which we heard of it."""
    rows = await tx.rows(
        """select (c.at at time zone %(zone)s)::date as day, 'capture' as line, p.captured_asset as asset,
                  sum(p.captured_units)::bigint as units, count(*)::int as count
           from payments.changes c
           join payments.payments p on p.city_id = %(city)s and p.payment_id = c.subject
           where c.city_id = %(city)s and c.at >= %(since)s and c.at < %(until)s
             and c.state in ('captured', 'surplus', 'quarantined')
             and p.provider = %(provider)s and p.purpose = any(%(purposes)s::text[])
           group by 1, 3
           union all
           select (c.at at time zone %(zone)s)::date, 'refund', r.asset, sum(r.units)::bigint, count(*)::int
           from payments.changes c
           join payments.refunds r on r.city_id = %(city)s and r.refund_id = c.subject
           join payments.payments p on p.city_id = %(city)s and p.payment_id = r.payment_id
           where c.city_id = %(city)s and c.at >= %(since)s and c.at < %(until)s and c.state = 'done'
             and r.provider = %(provider)s and p.purpose = any(%(purposes)s::text[])
           group by 1, 3""",
        city=city_id, provider=provider, zone=zone, since=since, until=until, purposes=list(purposes),
    )  # fmt: skip
    return [
        DaySum(day=row["day"], line=row["line"], amount=Amount(row["units"], row["asset"]), count=row["count"])
        for row in rows
    ]
