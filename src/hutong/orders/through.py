"""What orders say went through a provider, by day: the side of orders when bills are reconciled."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount


class Through(Struct, frozen=True, kw_only=True):
    """What orders took or gave back through a provider on a day, in one asset: units in all, and how often."""

    day: date
    line: Literal["capture", "refund"]
    amount: Amount
    count: int


async def through_provider(
    tx: Tx, provider: str, *, city_id: int, zone: str, since: datetime, until: datetime
) -> list[Through]:
    """By the day of `zone` in [since, until): of paid orders what cards and points left for the provider; captures that
    came too late, twice or in another amount (an order gives them back whole, and that is how it knows of them); and
    of refunds that ended well what did not go to cards and points."""
    rows = await tx.rows(
        """select (k.at at time zone %(zone)s)::date as day, k.line, k.asset, sum(k.units)::bigint as units,
                  count(*)::int as count
           from (
             select o.paid_at as at, 'capture' as line, o.asset, o.total_units - o.tendered_units as units
             from orders.orders o
             where o.city_id = %(city)s and o.provider = %(provider)s and o.paid_at >= %(since)s
               and o.paid_at < %(until)s and o.total_units > o.tendered_units
             union all
             select r.asked_at, 'capture', r.asset, r.units from orders.refunds r
             where r.city_id = %(city)s and r.provider = %(provider)s and r.asked_at >= %(since)s
               and r.asked_at < %(until)s and r.reason in ('paid_late', 'paid_twice', 'wrong_amount')
             union all
             select r.ended_at, 'refund', r.asset, r.units - r.tendered_units from orders.refunds r
             where r.city_id = %(city)s and r.provider = %(provider)s and r.ended_at >= %(since)s
               and r.ended_at < %(until)s and r.state = 'done' and r.units > r.tendered_units
           ) k
           group by 1, 2, 3""",
        city=city_id, provider=provider, zone=zone, since=since, until=until,
    )  # fmt: skip
    return [
        Through(day=row["day"], line=row["line"], amount=Amount(row["units"], row["asset"]), count=row["count"])
        for row in rows
    ]
