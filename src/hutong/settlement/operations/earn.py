"""Redemption and its undo: the right is used, and the money moves from escrow to everyone who has a part in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong import catalog, ledger, places, vouchers
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer
from hutong.settlement.commission import BASE, Parts, Rule, Use, divide
from hutong.settlement.model import NoRule
from hutong.settlement.queries import rules_for

NOBODY: Mapping[UUID, "Outside"] = {}


class Broken(Exception):
    """The books refused what the vouchers allowed: a defect; nothing of this transaction is kept."""


Outside = tuple[tuple[str, int], ...]  # payer and units: what others than the buyer bear of a bill


class _Earned(Struct, frozen=True, kw_only=True):
    """A redemption, its parts out of escrow, and what others add for the merchant alone."""

    redeemed: vouchers.Redeemed
    parts: Parts
    rule: Rule
    outside: Outside = ()

    @property
    def extra(self) -> Amount:
        return Amount(sum(units for _, units in self.outside), self.parts.due.asset)


async def redeem(
    tx: Tx, requests: Sequence[vouchers.Redeem], *, city_id: int, now: datetime,
    outside: Mapping[UUID, Outside] = NOBODY, channel: str = "counter", zone: str = "", **limits: Any,
) -> list[vouchers.Redeemed | Refusal]:  # fmt: skip
    """Use the rights and post every party's share, item by item in list order; see vouchers.redeem for `limits`.

    Per redemption: commission by the rule in force (its version stands in the transfer), each operator's part of it,
    the rest to the merchant; together exactly what these uses are due (smallest units of the voucher's currency).
    `channel`: where they are used (counter, till, offline), for components that ask for it. `zone`: the city's, from
    who has read it already; else it is read here.
    `outside`, by redemption: what platform, brand or operator bear of the bill that it belongs to; it goes to the
    merchant whole, without commission. A replayed request posts nothing. Refusals: no_commission_rule and all of
    vouchers.redeem.
    """
    rules = await rules_for(tx, [r.merchant_id for r in requests], at=now)
    able = [r for r in requests if r.merchant_id in rules]
    zone = zone or await _zone(tx, city_id)
    answers = iter(await vouchers.redeem(tx, able, city_id=city_id, now=now, zone=zone, **limits))
    results = [next(answers) if r.merchant_id in rules else NoRule() for r in requests]
    done = [result for result in results if isinstance(result, vouchers.Redeemed) and not result.replayed]
    if not done:
        return results
    asking = [result.offer_id for result in done if rules[result.merchant_id].by_category]
    categories = {
        offer.offer_id: offer.category
        for offer in (await catalog.offers(tx, sorted(set(asking)), city_id=city_id) if asking else ())
        if offer
    }
    earned = [
        _Earned(
            redeemed=result, rule=rules[result.merchant_id], outside=outside.get(result.redemption_id, ()),
            parts=_divide(result, rules[result.merchant_id], categories, channel, now),
        )
        for result in done
    ]  # fmt: skip
    await _write(tx, earned, city_id=city_id, now=now)
    _must(await ledger.post(tx, [t for e in earned for t in _shares(e, city_id)], now=now))
    await tx.record([_fact(e, city_id, now) for e in earned])
    return results


def _divide(
    done: vouchers.Redeemed, rule: Rule, categories: Mapping[UUID, str], channel: str, now: datetime
) -> Parts:  # fmt: skip
    use = Use(
        category=categories.get(done.offer_id, ""), scheme=done.kind, channel=channel,
        paid=Amount(done.paid_units, done.asset),
    )  # fmt: skip
    due = Amount(done.due_units, done.asset)
    if done.kind == "gift":  # a gift is bought from its supplier at a price that was agreed: nothing is charged
        return Parts(due, Amount(0, done.asset), Amount(0, done.asset), due)
    return divide(due, rule, _times(done), use=use, at=now)


def _times(done: vouchers.Redeemed) -> int:
    """How many uses bounds of a commission count: a payment of stored value is one, the end of a pass, too."""
    return 1 if done.value or done.request_no.startswith(vouchers.TERM) else done.count


async def _zone(tx: Tx, city_id: int) -> str:
    city = await places.city(tx, city_id)
    return city.zone if city else "UTC"


async def _write(tx: Tx, earned: Sequence[_Earned], *, city_id: int, now: datetime) -> None:
    given = [(e, operator, part) for e in earned for operator, part in e.parts.shares]
    await tx.send(
        """with given as (
             insert into settlement.shares (city_id, redemption_id, operator_id, merchant_id, asset, units, at)
             select %(city)s, unnest(%(given_ids)s::uuid[]), unnest(%(given_operators)s::uuid[]),
                    unnest(%(given_merchants)s::uuid[]), unnest(%(given_assets)s::text[]),
                    unnest(%(given_units)s::bigint[]), %(now)s
           )
           insert into settlement.earnings (city_id, redemption_id, voucher_id, merchant_id, issuer_id, store_id,
                                            code_tail, title, count, asset, due_units, commission_units,
                                            operator_units, operator_id, merchant_units, rule, outside, lines, at)
           select %(city)s, unnest(%(ids)s::uuid[]), unnest(%(vouchers)s::uuid[]), unnest(%(merchants)s::uuid[]),
                  unnest(%(issuers)s::uuid[]), unnest(%(stores)s::uuid[]), unnest(%(tails)s::text[]),
                  unnest(%(titles)s::jsonb[]), unnest(%(counts)s::int[]), unnest(%(assets)s::text[]),
                  unnest(%(dues)s::bigint[]), unnest(%(commissions)s::bigint[]), unnest(%(operator_units)s::bigint[]),
                  unnest(%(operators)s::uuid[]), unnest(%(merchant_units)s::bigint[]), unnest(%(rules)s::text[]),
                  unnest(%(outside)s::jsonb[]), unnest(%(lines)s::jsonb[]), %(now)s""",
        city=city_id, now=now, ids=[e.redeemed.redemption_id for e in earned],
        vouchers=[e.redeemed.voucher_id for e in earned], merchants=[e.redeemed.merchant_id for e in earned],
        issuers=[_issuer(e.redeemed) for e in earned], stores=[e.redeemed.store_id for e in earned],
        tails=[e.redeemed.code_tail for e in earned],
        titles=[Jsonb(e.redeemed.title) for e in earned],
        counts=[_times(e.redeemed) for e in earned],
        assets=[e.redeemed.asset for e in earned], dues=[(e.parts.due + e.extra).units for e in earned],
        commissions=[e.parts.commission.units for e in earned],
        operator_units=[e.parts.operator.units for e in earned],
        operators=[e.parts.shares[0][0] if e.parts.shares else None for e in earned],
        merchant_units=[(e.parts.merchant + e.extra).units for e in earned],
        rules=[e.rule.name() for e in earned], outside=[Jsonb(e.outside) for e in earned],
        lines=[Jsonb(_told(e)) for e in earned], given_ids=[e.redeemed.redemption_id for e, _, _ in given],
        given_operators=[operator for _, operator, _ in given],
        given_merchants=[e.redeemed.merchant_id for e, _, _ in given],
        given_assets=[e.redeemed.asset for e, _, _ in given], given_units=[part.units for _, _, part in given],
    )  # fmt: skip


def _told(earned: _Earned) -> list[tuple[str, int]]:
    """The lines of a commission that has more than its base."""
    lines = earned.parts.lines
    return [] if [key for key, _ in lines] in ([], [BASE]) else [(key, amount.units) for key, amount in lines]


def _issuer(done: vouchers.Redeemed) -> UUID | None:
    """Who sold the right, when another merchant honoured it."""
    return None if done.issuer_id == done.merchant_id else done.issuer_id


def _shares(earned: _Earned, city_id: int) -> list[Transfer]:
    done, named = earned.redeemed, earned.rule.name()
    return [
        *_transfers(done.redemption_id, done.merchant_id, earned.parts, named, city_id, issuer=done.issuer_id),
        *_borne(done.redemption_id, done.merchant_id, earned.outside, done.asset, named, city_id),
    ]


def _borne(
    redemption: UUID, merchant: UUID, outside: Outside, asset: str, rule: str, city_id: int, undo: bool = False
) -> list[Transfer]:
    """What others bear of a bill, to the merchant - or back again."""
    word = "bill_undone" if undo else "bill"
    to = ledger.chart.payable_merchant(merchant)
    return [
        Transfer(
            id=derive(redemption, f"{word}/{payer}"), book=Book.city(city_id), debit=to if undo else account,
            credit=account if undo else to, amount=Amount(units, asset), event=word, ref=redemption, rule=rule,
        )
        for payer, units in outside
        for account in [ledger.chart.expense_promotion(payer)]  # type: ignore[arg-type]
        if units
    ]  # fmt: skip


def _transfers(
    redemption: UUID, merchant: UUID, parts: Parts, rule: str, city_id: int, *, issuer: UUID, undo: bool = False
) -> list[Transfer]:
    """Escrow of who sold it to revenue, each operator and the merchant who honoured it - or back; zero needs none."""
    escrow = ledger.chart.escrow(issuer)
    to = [(ledger.chart.revenue_commission(), parts.platform, "commission")]
    for n, (operator, part) in enumerate(parts.shares):
        to.append((ledger.chart.payable_operator(operator), part, f"operator/{n}" if n else "operator"))
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
) -> list[vouchers.Reversed | Refusal]:
    """Undo redemptions and post the same transfers the other way, linked by their reference; see vouchers.reverse."""
    zone = await _zone(tx, city_id)
    results = await vouchers.reverse(tx, requests, city_id=city_id, now=now, zone=zone, **limits)
    undone = [r.redemption_id for r in results if isinstance(r, vouchers.Reversed) and not r.replayed]
    if not undone:
        return results
    rows = await tx.rows(
        """update settlement.earnings e set reversed_at = %(now)s
           where e.city_id = %(city)s and e.redemption_id = any(%(ids)s::uuid[]) and e.reversed_at is null
           returning e.*, (select jsonb_agg(jsonb_build_array(s.operator_id, s.units) order by s.operator_id)
                           from settlement.shares s
                           where s.city_id = %(city)s and s.redemption_id = e.redemption_id) as shares""",
        city=city_id, now=now, ids=sorted(undone),
    )  # fmt: skip
    transfers = [t for row in rows for t in _back(row, city_id)]
    _must(await ledger.post(tx, transfers, now=now))
    await tx.record(
        [
            Fact(
                fact_id=derive(row["redemption_id"], "fact/reversed"),
                city_id=city_id,
                topic="vouchers.reversed",
                subject=row["redemption_id"],
                at=now,
                payload={"voucher": str(row["voucher_id"])},
            )
            for row in rows
        ]
    )
    return results


def _back(row: dict[str, Any], city_id: int) -> list[Transfer]:
    asset = row["asset"]
    outside = tuple((payer, units) for payer, units in row["outside"])
    extra = sum(units for _, units in outside)
    parts = Parts(
        Amount(row["due_units"] - extra, asset), Amount(row["commission_units"], asset),
        Amount(row["operator_units"], asset), Amount(row["merchant_units"] - extra, asset),
        shares=tuple((UUID(operator), Amount(units, asset)) for operator, units in row["shares"] or ()),
    )  # fmt: skip
    redemption, merchant = row["redemption_id"], row["merchant_id"]
    issuer = row["issuer_id"] or merchant
    return [
        *_transfers(redemption, merchant, parts, row["rule"], city_id, issuer=issuer, undo=True),
        *_borne(redemption, merchant, outside, asset, row["rule"], city_id, undo=True),
    ]


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
