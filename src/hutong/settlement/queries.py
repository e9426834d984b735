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
from hutong.settlement.commission import Chain, Component, Plan, Rule, Share
from hutong.settlement.model import Earning, Statement


async def rules_for(tx: Tx, merchant_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, Rule]:
    """The rule in force for each merchant at that instant, with the shares of who recruited him: its own rule, else the
    house's; absent when there is none."""
    rows = await tx.rows(
        """select distinct on (m.id) m.id, r.*, c.merchant_id as chain_of, c.version as chain_version, c.shares,
                  c.valid_from as chain_from, c.source
           from unnest(%(ids)s::uuid[]) as m(id)
           join settlement.rules r on (r.merchant_id = m.id or r.merchant_id is null) and r.valid_from <= %(at)s
           left join lateral (
             select * from settlement.chains k where k.merchant_id = m.id and k.valid_from <= %(at)s
             order by k.valid_from desc limit 1
           ) c on true
           order by m.id, (r.merchant_id is null), r.valid_from desc""",
        ids=sorted(set(merchant_ids)),
        at=at,
    )
    return {row["id"]: as_rule(row) for row in rows}


async def chained(tx: Tx, merchant_ids: Sequence[UUID] | None = None) -> list[UUID]:
    """The merchants (of these) in whose commission somebody shares by the newest version of their chain."""
    rows = await tx.rows(
        """select k.merchant_id from (
             select distinct on (c.merchant_id) c.merchant_id, c.shares from settlement.chains c
             where %(ids)s::uuid[] is null or c.merchant_id = any(%(ids)s::uuid[])
             order by c.merchant_id, c.valid_from desc
           ) k where jsonb_array_length(k.shares) > 0 order by k.merchant_id""",
        ids=None if merchant_ids is None else sorted(set(merchant_ids)),
    )
    return [row["merchant_id"] for row in rows]


async def plans(tx: Tx, plan_ids: Sequence[UUID] = (), *, every: bool = False) -> list[Plan]:
    """The newest version of each commission plan (of these; none named: of all), or every one; oldest plan first."""
    rows = await tx.rows(
        """select p.* from settlement.plans p
           where (cardinality(%(ids)s::uuid[]) = 0 or p.plan_id = any(%(ids)s::uuid[]))
             and (%(every)s or p.version = (select max(k.version) from settlement.plans k where k.plan_id = p.plan_id))
           order by p.made_at, p.plan_id, p.version""",
        ids=sorted(set(plan_ids)),
        every=every,
    )
    own = ("name", "plan", "made_by")
    return [
        Plan(
            **{name: row[name] for name in row if name not in own}, name=msgspec.convert(row["name"], Text),
            plan=msgspec.convert(row["plan"], tuple[Component, ...]),
        )
        for row in rows
    ]  # fmt: skip


async def rules_named(tx: Tx, names: Sequence[str]) -> dict[str, Rule]:
    """The rules that these names of transfers mean (`rule/version` or `rule/version+chain/merchant/version`), each with
    the shares that it followed; what is no name of a rule is left out."""
    rows = await tx.rows(
        """select n.name, r.*, c.merchant_id as chain_of, c.version as chain_version, c.shares,
                  c.valid_from as chain_from, c.source
           from unnest(%(names)s::text[]) as n(name)
           join settlement.rules r on r.rule_id::text = split_part(n.name, '/', 1)
             and r.version::text = split_part(split_part(n.name, '+', 1), '/', 2)
           left join settlement.chains c
             on 'chain/' || c.merchant_id || '/' || c.version = split_part(n.name, '+', 2)""",
        names=sorted(set(names)),
    )
    return {row["name"]: as_rule(row) for row in rows}


_PLAIN = tuple(name for name in Rule.__struct_fields__ if name not in ("plan", "chain"))


def as_rule(row: dict[str, Any]) -> Rule:
    """A row of `settlement.rules`, with the chain beside it, as a value."""
    plan = msgspec.convert(row["plan"], tuple[Component, ...]) if row["plan"] else ()
    chain = None
    if row.get("chain_of") is not None:
        chain = Chain(
            merchant_id=row["chain_of"], version=row["chain_version"], valid_from=row["chain_from"],
            shares=msgspec.convert(row["shares"], tuple[Share, ...]), source=row["source"],
        )  # fmt: skip
    return Rule(**{name: row[name] for name in _PLAIN}, plan=plan, chain=chain)


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


async def earned(tx: Tx, redemption_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Earning]:
    """What these redemptions came to, undone ones with the time of it; absent when nothing was earned."""
    rows = await tx.rows(
        """select * from settlement.earnings
           where city_id = %(city)s and redemption_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=sorted(set(redemption_ids)),
    )
    return {row["redemption_id"]: as_earning(row) for row in rows}


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
        lines=tuple((key, Amount(units, asset)) for key, units in row["lines"]),
    )  # fmt: skip
