"""Redemption and its undo: the right is used, and the money moves from escrow to everyone who has a part in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong import ledger, places, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer
from hutong.settlement.model import NoRule, Parts, Rule, divide
from hutong.settlement.queries import rules_for


class Broken(Exception):
    """The books refused what the vouchers allowed: a defect; nothing of this transaction is kept."""


class _Earned(Struct, frozen=True, kw_only=True):
    redeemed: vouchers.Redeemed
    parts: Parts
    rule: Rule


async def redeem(
    tx: Tx, requests: Sequence[vouchers.Redeem], *, city_id: int, now: datetime, **limits: Any
) -> list[vouchers.Redeemed | Refusal]:  # fmt: skip
    """Use the rights and post every party's share, item by item in list order; see vouchers.redeem for `limits`.

    Per redemption: commission by the rule in force (its version stands in the transfer), the operator's part of it,
    the rest to the merchant; together exactly what these uses are due (smallest units of the voucher's currency).
    A replayed request posts nothing. Refusals: no_commission_rule and all of vouchers.redeem.
    """
    rules = await rules_for(tx, [r.merchant_id for r in requests], at=now)
    able = [r for r in requests if r.merchant_id in rules]
    zone = await _zone(tx, city_id)
    answers = iter(await vouchers.redeem(tx, able, city_id=city_id, now=now, zone=zone, **limits))
    results = [next(answers) if r.merchant_id in rules else NoRule() for r in requests]
    earned = [
        _Earned(redeemed=result, parts=divide(Amount(result.due_units, result.asset), rule, result.count), rule=rule)
        for request, result in zip(requests, results, strict=True)
        if isinstance(result, vouchers.Redeemed) and not result.replayed
        for rule in [rules[request.merchant_id]]
    ]
    if not earned:
        return results
    await _write(tx, earned, city_id=city_id, now=now)
    _must(await ledger.post(tx, [t for e in earned for t in _shares(e, city_id)], now=now))
    await tx.record([_fact(e, city_id, now) for e in earned])
    return results


async def _zone(tx: Tx, city_id: int) -> str:
    city = await places.city(tx, city_id)
    return city.zone if city else "UTC"


async def _write(tx: Tx, earned: Sequence[_Earned], *, city_id: int, now: datetime) -> None:
    await tx.send(
        """insert into settlement.earnings (city_id, redemption_id, voucher_id, merchant_id, store_id, code_tail, title,
                                            count, asset, due_units, commission_units, operator_units, operator_id,
                                            merchant_units, rule, at)
           select %(city)s, e.*, %(now)s
           from unnest(%(ids)s::uuid[], %(vouchers)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[],
                       %(tails)s::text[], %(titles)s::jsonb[], %(counts)s::int[], %(assets)s::text[],
                       %(dues)s::bigint[], %(commissions)s::bigint[], %(operator_units)s::bigint[],
                       %(operators)s::uuid[], %(merchant_units)s::bigint[], %(rules)s::text[]) as e""",
        city=city_id, now=now, ids=[e.redeemed.redemption_id for e in earned],
        vouchers=[e.redeemed.voucher_id for e in earned], merchants=[e.redeemed.merchant_id for e in earned],
        stores=[e.redeemed.store_id for e in earned], tails=[e.redeemed.code_tail for e in earned],
        titles=[Jsonb(e.redeemed.title) for e in earned], counts=[e.redeemed.count for e in earned],
        assets=[e.redeemed.asset for e in earned], dues=[e.parts.due.units for e in earned],
        commissions=[e.parts.commission.units for e in earned],
        operator_units=[e.parts.operator.units for e in earned],
        operators=[e.rule.operator_id for e in earned], merchant_units=[e.parts.merchant.units for e in earned],
        rules=[e.rule.name() for e in earned],
    )  # fmt: skip


def _shares(earned: _Earned, city_id: int) -> list[Transfer]:
    done, rule = earned.redeemed, earned.rule
    return _transfers(done.redemption_id, done.merchant_id, earned.parts, rule.operator_id, rule.name(), city_id)


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
            id=derive(redemption, f"{word}/{part}"),
            book=Book.city(city_id),
            debit=account if undo else escrow,
            credit=escrow if undo else account,
            amount=amount,
            event=word,
            ref=redemption,
            rule=rule,
        )
        for account, amount, part in to
        if amount
    ]


async def reverse(
    tx: Tx, requests: Sequence[vouchers.Reverse], *, city_id: int, now: datetime, **limits: Any
) -> list[vouchers.Reversed | Refusal]:  # fmt: skip
    """Undo redemptions and post the same transfers the other way, linked by their reference; see vouchers.reverse."""
    zone = await _zone(tx, city_id)
    results = await vouchers.reverse(tx, requests, city_id=city_id, now=now, zone=zone, **limits)
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
            Fact(fact_id=derive(i, "fact/reversed"), city_id=city_id, topic="vouchers.reversed", subject=i, at=now)
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
        "voucher": str(earned.redeemed.voucher_id), "merchant": str(earned.redeemed.merchant_id),
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
