"""The merchant's books: sums by day, week or month, every line of a period, payouts. Who may see is the caller's."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.settlement.model import Earning
from hutong.settlement.paying import Payee, Payout
from hutong.settlement.payouts import payouts_of
from hutong.settlement.queries import as_earning

Step = Literal["day", "week", "month"]
CHUNK = 1000


class PeriodSum(Struct, frozen=True, kw_only=True):
    """What one day, week (from its Monday) or month came to. Undone redemptions are counted and add nothing."""

    first: date
    count: int
    undone: int
    due: Amount
    commission: Amount
    operator: Amount
    merchant: Amount


async def sums(
    tx: Tx, merchant_id: UUID, *, city_id: int, asset: str, zone: str, step: Step, since: datetime, until: datetime,
    store_id: UUID | None = None,
) -> list[PeriodSum]:  # fmt: skip
    """What the merchant (one store of his) earned in [since, until), newest period first; empty ones are left out.

    Days are those of `zone`; amounts in the smallest unit of the asset.
    """
    rows = await tx.rows(
        """select date_trunc(%(step)s, at at time zone %(zone)s)::date as first,
                  count(*) filter (where reversed_at is null)::int as count,
                  count(*) filter (where reversed_at is not null)::int as undone,
                  coalesce(sum(due_units) filter (where reversed_at is null), 0)::bigint as due,
                  coalesce(sum(commission_units) filter (where reversed_at is null), 0)::bigint as commission,
                  coalesce(sum(operator_units) filter (where reversed_at is null), 0)::bigint as operator,
                  coalesce(sum(merchant_units) filter (where reversed_at is null), 0)::bigint as merchant
           from settlement.earnings
           where city_id = %(city)s and merchant_id = %(merchant)s and asset = %(asset)s
             and at >= %(since)s and at < %(until)s
             and (%(store)s::uuid is null or store_id = %(store)s::uuid)
           group by 1 order by 1 desc""",
        city=city_id, merchant=merchant_id, asset=asset, zone=zone, step=step, since=since, until=until,
        store=store_id,
    )  # fmt: skip
    return [
        PeriodSum(
            first=row["first"], count=row["count"], undone=row["undone"],
            **{name: Amount(row[name], asset) for name in ("due", "commission", "operator", "merchant")},
        )
        for row in rows
    ]  # fmt: skip


async def earnings(
    tx: Tx, merchant_id: UUID, *, city_id: int, asset: str, since: datetime, until: datetime,
    store_id: UUID | None = None,
) -> AsyncIterator[list[Earning]]:  # fmt: skip
    """Every line of [since, until), newest first, in chunks: a long period never stands in memory as a whole."""
    at: datetime | None = None
    last: UUID | None = None
    while True:
        rows = await tx.rows(
            """select * from settlement.earnings
               where city_id = %(city)s and merchant_id = %(merchant)s and asset = %(asset)s
                 and at >= %(since)s and at < %(until)s
                 and (%(store)s::uuid is null or store_id = %(store)s::uuid)
                 and (%(at)s::timestamptz is null or (at, redemption_id) < (%(at)s::timestamptz, %(last)s::uuid))
               order by at desc, redemption_id desc limit %(limit)s""",
            city=city_id, merchant=merchant_id, asset=asset, since=since, until=until, store=store_id, at=at,
            last=last, limit=CHUNK,
        )  # fmt: skip
        if rows:
            yield [as_earning(row) for row in rows]
            at, last = rows[-1]["at"], rows[-1]["redemption_id"]
        if len(rows) < CHUNK:
            return


async def earning(tx: Tx, merchant_id: UUID, redemption_id: UUID, *, city_id: int) -> Earning | None:
    """What one redemption came to; None when it is not there or another merchant's."""
    row = await tx.row(
        """select * from settlement.earnings
           where city_id = %(city)s and merchant_id = %(merchant)s and redemption_id = %(id)s""",
        city=city_id,
        merchant=merchant_id,
        id=redemption_id,
    )
    return as_earning(row) if row else None


async def payouts(tx: Tx, merchant_id: UUID, *, city_id: int, asset: str, limit: int = 50) -> list[Payout]:
    """The payouts of the merchant in this city, newest first."""
    return await payouts_of(tx, Payee("merchant", merchant_id), city_id=city_id, asset=asset, limit=limit)
