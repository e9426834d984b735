"""Reads of settlement: rules in force, statements. Who may see is the caller's list of merchants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.ledger import Book
from hutong.settlement.model import Earning, Rule, Statement


async def rules_for(tx: Tx, merchant_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, Rule]:
    """The rule in force for each merchant at that instant: its own, else the house's; absent when there is none."""
    rows = await tx.rows(
        """select distinct on (m.id) m.id, r.* from unnest(%(ids)s::uuid[]) as m(id)
           join settlement.rules r on (r.merchant_id = m.id or r.merchant_id is null) and r.valid_from <= %(at)s
           order by m.id, (r.merchant_id is null), r.valid_from desc""",
        ids=sorted(set(merchant_ids)),
        at=at,
    )
    fields = Rule.__struct_fields__
    return {row["id"]: Rule(**{name: row[name] for name in fields}) for row in rows}


async def statement(
    tx: Tx, merchant_id: UUID, *, city_id: int, asset: str, since: datetime, until: datetime,
    after: tuple[datetime, UUID] | None = None, limit: int = 50, store_id: UUID | None = None,
) -> Statement:  # fmt: skip
    """What the merchant (one store of his) earned in [since, until), newest first, each code with each fee; and what
    is owed now.

    Sums leave out reversed redemptions; the lines show them with the time of their reversal.
    """
    at, last = after or (None, None)
    rows = await tx.rows(
        """select * from settlement.earnings
           where city_id = %(city)s and merchant_id = %(merchant)s and asset = %(asset)s
             and at >= %(since)s and at < %(until)s and (%(store)s::uuid is null or store_id = %(store)s::uuid)
             and (%(at)s::timestamptz is null or (at, redemption_id) < (%(at)s::timestamptz, %(last)s::uuid))
           order by at desc, redemption_id desc limit %(limit)s""",
        city=city_id, merchant=merchant_id, asset=asset, since=since, until=until, at=at, last=last, limit=limit,
        store=store_id,
    )  # fmt: skip
    sums = await tx.row(
        """select count(*) as count, coalesce(sum(due_units), 0)::bigint as due,
                  coalesce(sum(commission_units), 0)::bigint as commission,
                  coalesce(sum(merchant_units), 0)::bigint as merchant
           from settlement.earnings
           where city_id = %(city)s and merchant_id = %(merchant)s and asset = %(asset)s
             and at >= %(since)s and at < %(until)s and reversed_at is null
             and (%(store)s::uuid is null or store_id = %(store)s::uuid)""",
        city=city_id, merchant=merchant_id, asset=asset, since=since, until=until, store=store_id,
    )  # fmt: skip
    assert sums is not None
    payable, escrow = ledger.chart.payable_merchant(merchant_id), ledger.chart.escrow(merchant_id)
    balances = await ledger.balances(tx, Book.city(city_id), paths=[payable.path, escrow.path], asset=asset)
    more = len(rows) == limit
    return Statement(
        merchant_id=merchant_id, since=since, until=until, lines=tuple(as_earning(row) for row in rows),
        after=f"{rows[-1]['at'].isoformat()}~{rows[-1]['redemption_id']}" if more else None,
        count=sums["count"], due=Amount(sums["due"], asset), commission=Amount(sums["commission"], asset),
        merchant=Amount(sums["merchant"], asset), payable=_balance(balances, payable.path, asset),
        escrow=_balance(balances, escrow.path, asset),
    )  # fmt: skip


def _balance(balances: Sequence[ledger.Balance], path: str, asset: str) -> Amount:
    """What stands on an account, what is reserved already taken off; zero for one that was never used."""
    return next((b.available for b in balances if b.path == path), Amount(0, asset))


def as_earning(row: dict[str, Any]) -> Earning:
    """A row of `settlement.earnings` as a value."""
    asset = row["asset"]
    return Earning(
        redemption_id=row["redemption_id"], voucher_id=row["voucher_id"], store_id=row["store_id"],
        code_tail=row["code_tail"], title=msgspec.convert(row["title"], Text), count=row["count"],
        due=Amount(row["due_units"], asset), commission=Amount(row["commission_units"], asset),
        operator=Amount(row["operator_units"], asset), merchant=Amount(row["merchant_units"], asset),
        rule=row["rule"], at=row["at"], reversed_at=row["reversed_at"],
    )  # fmt: skip
