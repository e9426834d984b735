"""Redemption and its undo: the right is used, and the money moves from escrow to everyone who has a part in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong import ledger, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer
from hutong.settlement.model import NoRule, Parts, Rule, divide, due_of_uses
from hutong.settlement.queries import rules_for


class Broken(Exception):
    """The books refused what the vouchers allowed: a defect; nothing of this transaction is kept."""


class _Earned(Struct, frozen=True, kw_only=True):
    redeemed: vouchers.Redeemed
    unit: vouchers.Unit
    parts: Parts
    rule: Rule


async def redeem(
    tx: Tx, requests: Sequence[vouchers.Redeem], *, city_id: int, now: datetime, **limits: Any
) -> list[vouchers.Redeemed | Refusal]:  # fmt: skip
    """Use the rights and post every party's share, item by item in list order; see vouchers.redeem for `limits`.

    Per redemption: commission by the rule in force (its version stands in the transfer), the operator's part of it,
    the rest to the merchant; together exactly what the voucher's uses are due (smallest units of its currency).
    A replayed request posts nothing. Refusals: no_commission_rule and all of vouchers.redeem.
    """
    rules = await rules_for(tx, [r.merchant_id for r in requests], at=now)
    able = [r for r in requests if r.merchant_id in rules]
    answers = iter(await vouchers.redeem(tx, able, city_id=city_id, now=now, **limits))
    results = [next(answers) if r.merchant_id in rules else NoRule() for r in requests]
    fresh = [
        (result, rules[request.merchant_id])
        for request, result in zip(requests, results, strict=True)
        if isinstance(result, vouchers.Redeemed) and not result.replayed
    ]
    if not fresh:
        return results
    units = {
        u.voucher_id: u for u in await vouchers.by_ids(tx, [r.voucher_id for r, _ in fresh], city_id=city_id)
    }
    had = await _had(tx, list(units), city_id=city_id)
    earned = [_earn(result, units[result.voucher_id], rule, had) for result, rule in fresh]
    await _write(tx, earned, city_id=city_id, now=now)
    transfers = [t for e in earned for t in _transfers(e.redeemed.redemption_id, e.unit.merchant_id, e.parts, e.rule.operator_id, e.rule.name(), city_id)]  # noqa: E501
    _must(await ledger.post(tx, transfers, now=now))
    await tx.record([_fact(e, city_id, now) for e in earned])
    return results


async def _had(tx: Tx, ids: list[UUID], *, city_id: int) -> dict[UUID, int]:
    """What earlier live redemptions of these vouchers have earned."""
    rows = await tx.rows(
        """select voucher_id, sum(due_units)::bigint as units from settlement.earnings
           where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[]) and reversed_at is null group by voucher_id""",
        city=city_id,
        ids=sorted(ids),
    )
    return {row["voucher_id"]: row["units"] for row in rows}


def _earn(result: vouchers.Redeemed, unit: vouchers.Unit, rule: Rule, had: dict[UUID, int]) -> _Earned:
    due = Amount(unit.due_units, unit.asset)
    before = had.get(unit.voucher_id, 0)
    if result.uses_left == 0:
        part = due - Amount(before, unit.asset)  # the last use closes the sum, whatever was undone in between
    else:
        already = unit.uses_total - result.uses_left - result.count
        part = due_of_uses(due, unit.uses_total, already, result.count)
    had[unit.voucher_id] = before + part.units
    return _Earned(redeemed=result, unit=unit, parts=divide(part, rule, result.count), rule=rule)


async def _write(tx: Tx, earned: Sequence[_Earned], *, city_id: int, now: datetime) -> None:
    await tx.run(
        """insert into settlement.earnings (city_id, redemption_id, voucher_id, merchant_id, store_id, code_tail, title,
                                            count, asset, due_units, commission_units, operator_units, operator_id,
                                            merchant_units, rule, at)
           select %(city)s, e.*, %(now)s
           from unnest(%(ids)s::uuid[], %(vouchers)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[],
                       %(tails)s::text[], %(titles)s::jsonb[], %(counts)s::int[], %(assets)s::text[],
                       %(dues)s::bigint[], %(commissions)s::bigint[], %(operator_units)s::bigint[],
                       %(operators)s::uuid[], %(merchant_units)s::bigint[], %(rules)s::text[]) as e""",
        city=city_id, now=now, ids=[e.redeemed.redemption_id for e in earned],
        vouchers=[e.unit.voucher_id for e in earned], merchants=[e.unit.merchant_id for e in earned],
        stores=[e.redeemed.store_id for e in earned], tails=[e.unit.code[-4:] for e in earned],
        titles=[Jsonb(e.unit.title) for e in earned], counts=[e.redeemed.count for e in earned],
        assets=[e.unit.asset for e in earned], dues=[e.parts.due.units for e in earned],
        commissions=[e.parts.commission.units for e in earned],
        operator_units=[e.parts.operator.units for e in earned],
        operators=[e.rule.operator_id for e in earned], merchant_units=[e.parts.merchant.units for e in earned],
        rules=[e.rule.name() for e in earned],
    )  # fmt: skip


def _transfers(
    redemption: UUID, merchant: UUID, parts: Parts, operator: UUID | None, rule: str, city_id: int, undo: bool = False
) -> list[Transfer]:  # fmt: skip
    """Escrow to revenue, operator and merchant - or back again; parts of zero need no transfer."""
    escrow = ledger.chart.escrow(merchant)
    to = [(ledger.chart.revenue_commission(), parts.platform, "commission")]
    if operator is not None:
        to.append((ledger.chart.payable_operator(operator), parts.operator, "operator"))
    to.append((ledger.chart.payable_merchant(merchant), parts.merchant, "merchant"))
    word = "redemption_undone" if undo else "redemption"
    return [
        Transfer(
            id=derive(redemption, f"{word}/{part}"), book=Book.city(city_id), debit=account if undo else escrow,
            credit=escrow if undo else account, amount=amount, event=word, ref=redemption, rule=rule,
        )  # fmt: skip
        for account, amount, part in to
        if amount
    ]


async def reverse(
    tx: Tx, requests: Sequence[vouchers.Reverse], *, city_id: int, now: datetime, **limits: Any
) -> list[vouchers.Reversed | Refusal]:  # fmt: skip
    """Undo redemptions and post the same transfers the other way, linked by their reference; see vouchers.reverse."""
    results = await vouchers.reverse(tx, requests, city_id=city_id, now=now, **limits)
    undone = [r.redemption_id for r in results if isinstance(r, vouchers.Reversed) and not r.replayed]
    if not undone:
        return results
    rows = await tx.rows(
        """update settlement.earnings set reversed_at = %(now)s
           where city_id = %(city)s and redemption_id = any(%(ids)s::uuid[]) and reversed_at is null returning *""",
        city=city_id, now=now, ids=sorted(undone),
    )  # fmt: skip
    transfers = [t for row in rows for t in _back(row, city_id)]
    _must(await ledger.post(tx, transfers, now=now))
    await tx.record(
        [
            Fact(
                fact_id=derive(i, "fact/reversed"), city_id=city_id, topic="vouchers.reversed", subject=i, at=now
            )
            for i in undone
        ]
    )
    return results


def _back(row: dict[str, Any], city_id: int) -> list[Transfer]:
    asset = row["asset"]
    parts = Parts(
        Amount(row["due_units"], asset), Amount(row["commission_units"], asset), Amount(row["operator_units"], asset),
        Amount(row["merchant_units"], asset),
    )  # fmt: skip
    return _transfers(
        row["redemption_id"], row["merchant_id"], parts, row["operator_id"], row["rule"], city_id, undo=True
    )


def _fact(earned: _Earned, city_id: int, now: datetime) -> Fact:
    redemption = earned.redeemed.redemption_id
    payload = {
        "voucher": str(earned.unit.voucher_id), "merchant": str(earned.unit.merchant_id),
        "store": str(earned.redeemed.store_id), "count": earned.redeemed.count, "due": earned.parts.due.units,
    }  # fmt: skip
    return Fact(
        fact_id=derive(redemption, "fact/redeemed"), city_id=city_id, topic="vouchers.redeemed", subject=redemption,
        payload=payload, at=now,
    )  # fmt: skip


def _must(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise Broken(repr(result))
