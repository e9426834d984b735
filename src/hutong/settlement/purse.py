"""An operator's money: what each redemption gave him, by merchant, by period, and what is owed to him now."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.ledger import Book
from hutong.settlement.model import Earning
from hutong.settlement.queries import as_earning


class ShareLine(Struct, frozen=True, kw_only=True):
    """One redemption that gave an operator something: his part, and the earning it is a part of."""

    share: Amount
    merchant_id: UUID
    earning: Earning


class MerchantShare(Struct, frozen=True, kw_only=True):
    """What one merchant's redemptions gave in a period; undone ones are counted and add nothing."""

    merchant_id: UUID
    count: int
    undone: int
    due: Amount
    commission: Amount
    share: Amount


class MonthShare(Struct, frozen=True, kw_only=True):
    """What a month gave."""

    first: date
    count: int
    share: Amount


class Purse(Struct, frozen=True, kw_only=True):
    """What an operator earned in [since, until): lines of a page, sums of the whole period by merchant, and what is
    owed to him now by the ledger (what is on its way to him taken off)."""

    operator_id: UUID
    lines: tuple[ShareLine, ...]
    after: str | None
    merchants: tuple[MerchantShare, ...]
    share: Amount
    payable: Amount


_LINES = """select e.*, s.units as share_units from settlement.shares s
   join settlement.earnings e on e.city_id = %(city)s and e.redemption_id = s.redemption_id
   where s.city_id = %(city)s and s.operator_id = %(operator)s and s.asset = %(asset)s
     and s.at >= %(since)s and s.at < %(until)s
     and (%(merchant)s::uuid is null or s.merchant_id = %(merchant)s::uuid)"""


async def purse(
    tx: Tx, operator_id: UUID, *, city_id: int, asset: str, since: datetime, until: datetime,
    merchant_id: UUID | None = None, after: tuple[datetime, UUID] | None = None, limit: int = 50,
) -> Purse:  # fmt: skip
    """The statement of an operator in a city; of one merchant's redemptions when one is named. Newest first."""
    at, last = after or (None, None)
    given = {
        "city": city_id, "operator": operator_id, "asset": asset, "since": since, "until": until,
        "merchant": merchant_id,
    }  # fmt: skip
    rows = await tx.rows(
        f"""{_LINES} and (%(at)s::timestamptz is null
                          or (s.at, s.redemption_id) < (%(at)s::timestamptz, %(last)s::uuid))
            order by s.at desc, s.redemption_id desc limit %(limit)s""",
        at=at, last=last, limit=limit, **given,
    )  # fmt: skip
    sums = await tx.rows(
        f"""select l.merchant_id, count(*) filter (where l.reversed_at is null)::int as count,
                   count(*) filter (where l.reversed_at is not null)::int as undone,
                   coalesce(sum(l.due_units) filter (where l.reversed_at is null), 0)::bigint as due,
                   coalesce(sum(l.commission_units) filter (where l.reversed_at is null), 0)::bigint as commission,
                   coalesce(sum(l.share_units) filter (where l.reversed_at is null), 0)::bigint as share
            from ({_LINES}) l group by l.merchant_id order by share desc, l.merchant_id""",
        **given,
    )
    path = ledger.chart.payable_operator(operator_id).path
    stands = await ledger.balances(tx, Book.city(city_id), paths=[path], asset=asset)
    names = ("due", "commission", "share")
    by_merchant = tuple(
        MerchantShare(
            merchant_id=row["merchant_id"], count=row["count"], undone=row["undone"],
            **{name: Amount(row[name], asset) for name in names},
        )
        for row in sums
    )  # fmt: skip
    return Purse(
        operator_id=operator_id, lines=tuple(_line(row, asset) for row in rows), merchants=by_merchant,
        after=f"{rows[-1]['at'].isoformat()}~{rows[-1]['redemption_id']}" if len(rows) == limit else None,
        share=Amount(sum(one.share.units for one in by_merchant), asset),
        payable=next((one.available for one in stands), Amount(0, asset)),
    )  # fmt: skip


def _line(row: dict[str, object], asset: str) -> ShareLine:
    units = row["share_units"]
    assert isinstance(units, int)
    merchant = row["merchant_id"]
    assert isinstance(merchant, UUID)
    return ShareLine(share=Amount(units, asset), merchant_id=merchant, earning=as_earning(row))


async def months(
    tx: Tx, operator_id: UUID, *, city_id: int, asset: str, zone: str, limit: int = 12
) -> list[MonthShare]:
    """What each month of `zone` gave an operator, newest first; empty ones are left out."""
    rows = await tx.rows(
        """select date_trunc('month', s.at at time zone %(zone)s)::date as first, count(*)::int as count,
                  sum(s.units)::bigint as units
           from settlement.shares s
           join settlement.earnings e on e.city_id = %(city)s and e.redemption_id = s.redemption_id
           where s.city_id = %(city)s and s.operator_id = %(operator)s and s.asset = %(asset)s
             and e.reversed_at is null
           group by 1 order by 1 desc limit %(limit)s""",
        city=city_id, operator=operator_id, asset=asset, zone=zone, limit=limit,
    )  # fmt: skip
    return [MonthShare(first=row["first"], count=row["count"], share=Amount(row["units"], asset)) for row in rows]


async def operators_of(tx: Tx, redemption_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, tuple[UUID, ...]]:
    """Who had a share in each of these redemptions; absent for one in which nobody had."""
    rows = await tx.rows(
        """select redemption_id, array_agg(operator_id order by operator_id) as operators from settlement.shares
           where city_id = %(city)s and redemption_id = any(%(ids)s::uuid[]) group by redemption_id""",
        city=city_id,
        ids=sorted(set(redemption_ids)),
    )
    return {row["redemption_id"]: tuple(row["operators"]) for row in rows}
