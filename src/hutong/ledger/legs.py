"""The sums of an account's legs by day and event: what the books say went through it."""

from datetime import date, datetime

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount


class DayLegs(Struct, frozen=True, kw_only=True):
    """What was posted to an account of a city on a day about an event, on one side: units in all, and how often."""

    day: date
    event: str
    side: str
    amount: Amount
    count: int


async def legs_by_day(
    tx: Tx, city_id: int, path: str, *, zone: str, since: datetime, until: datetime
) -> list[DayLegs]:  # fmt: skip
    """The legs on this account of a city's book in [since, until), summed by the day of `zone`, event, side ("debit",
    "credit") and asset. Reserves are not posted and are not in it."""
    asked = {"city": city_id, "path": path, "zone": zone, "since": since, "until": until}
    rows = await tx.rows(
        """select (t.at at time zone %(zone)s)::date as day, t.event, 'debit' as side, t.asset,
                  sum(t.amount)::bigint as units, count(*)::int as count
           from ledger.city_transfers t
           where t.city_id = %(city)s and t.debit_path = %(path)s and t.at >= %(since)s and t.at < %(until)s
             and t.step in ('post', 'post_pending')
           group by 1, 2, 4
           union all
           select (t.at at time zone %(zone)s)::date, t.event, 'credit', t.asset, sum(t.amount)::bigint, count(*)::int
           from ledger.city_transfers t
           where t.city_id = %(city)s and t.credit_path = %(path)s and t.at >= %(since)s and t.at < %(until)s
             and t.step in ('post', 'post_pending')
           group by 1, 2, 4""",
        **asked,
    )
    return [
        DayLegs(day=r["day"], event=r["event"], side=r["side"], amount=Amount(r["units"], r["asset"]), count=r["count"])
        for r in rows
    ]
