"""Payouts and provider bills: reserved when asked, posted when the provider confirms, unknown until asked again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from hutong import ledger
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer
from hutong.settlement.model import (
    AskPayout,
    DayBill,
    NothingToPay,
    PayoutAsked,
    PayoutOpen,
    PayoutResult,
    PayoutUnknown,
)  # fmt: skip

_BILLS = UUID("01890000-0000-7000-8000-000000000001")  # the name space of bills, which have no id of their own


async def ask_payouts(
    tx: Tx, asks: Sequence[AskPayout], *, city_id: int, now: datetime
) -> list[PayoutAsked | Refusal]:  # fmt: skip
    """Reserve everything payable to each merchant (in the smallest unit of the asset) for one payout.

    The provider is called after the commit; `payout_results` ends it. One merchant has one open payout at a time.
    Refusals: nothing_to_pay, payout_open.
    """
    book = Book.city(city_id)
    paths = sorted({ledger.chart.payable_merchant(a.merchant_id).path for a in asks})
    stands = {(b.path, b.posted.asset): b.available.units for b in await ledger.balances(tx, book, paths=paths)}
    open_now = await tx.rows(
        """select merchant_id, asset from settlement.payouts
           where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[]) and state in ('asked', 'unknown')""",
        city=city_id,
        ids=sorted({a.merchant_id for a in asks}),
    )
    busy = {(row["merchant_id"], row["asset"]) for row in open_now}
    results: list[PayoutAsked | Refusal] = []
    for ask in asks:
        account = ledger.chart.payable_merchant(ask.merchant_id)
        units = stands.get((account.path, ask.asset), 0)
        if (ask.merchant_id, ask.asset) in busy:
            results.append(PayoutOpen())
        elif units <= 0:
            results.append(NothingToPay())
        else:
            busy.add((ask.merchant_id, ask.asset))
            results.append(
                PayoutAsked(
                    payout_id=ask.payout_id,
                    merchant_id=ask.merchant_id,
                    amount=Amount(units, ask.asset),
                    provider=ask.provider,
                )
            )
    asked = [r for r in results if isinstance(r, PayoutAsked)]
    await tx.run(
        """insert into settlement.payouts (city_id, payout_id, merchant_id, provider, units, asset, state, asked_at)
           select %(city)s, p.*, 'asked', %(now)s
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(providers)s::text[], %(units)s::bigint[],
                       %(assets)s::text[]) as p""",
        city=city_id, now=now, ids=[a.payout_id for a in asked], merchants=[a.merchant_id for a in asked],
        providers=[a.provider for a in asked], units=[a.amount.units for a in asked],
        assets=[a.amount.asset for a in asked],
    )  # fmt: skip
    _must(await ledger.post(tx, [_reserve(a, city_id) for a in asked], now=now))
    return results


def _reserve(asked: PayoutAsked, city_id: int) -> Transfer:
    return Transfer(
        id=derive(asked.payout_id, "reserve"), book=Book.city(city_id),
        debit=ledger.chart.payable_merchant(asked.merchant_id), credit=ledger.chart.provider(asked.provider),
        amount=asked.amount, step="reserve", event="payout", ref=asked.payout_id,
    )  # fmt: skip


async def payout_results(
    tx: Tx, results: Sequence[PayoutResult], *, city_id: int, now: datetime
) -> list[bool | Refusal]:  # fmt: skip
    """What the provider said: done posts the reserve, refused gives it back, unknown keeps it and asks again later.

    True where this call changed something; a result that is known already is False. Refusal: payout_not_found.
    """
    rows = await tx.rows(
        """select * from settlement.payouts where city_id = %(city)s and payout_id = any(%(ids)s::uuid[])
           order by payout_id for no key update""",
        city=city_id,
        ids=sorted({r.payout_id for r in results}),
    )
    known = {row["payout_id"]: row for row in rows}
    answers: list[bool | Refusal] = []
    steps: dict[UUID, str] = {}
    for result in results:
        row = known.get(result.payout_id)
        state = steps.get(result.payout_id) or (row["state"] if row else None)
        if row is None or (state in ("done", "refused") and state != result.state and result.state != "unknown"):
            answers.append(PayoutUnknown())
        elif state in ("done", "refused") or state == result.state:
            answers.append(False)
        else:
            steps[result.payout_id] = result.state
            answers.append(True)
    await _finish(tx, {i: known[i] for i in steps}, steps, city_id=city_id, now=now)
    return answers


async def _finish(
    tx: Tx, rows: dict[UUID, dict[str, Any]], steps: dict[UUID, str], *, city_id: int, now: datetime
) -> None:  # fmt: skip
    if not steps:
        return
    await tx.run(
        """update settlement.payouts p
           set state = k.state, ended_at = case when k.state = 'unknown' then null else %(now)s::timestamptz end
           from unnest(%(ids)s::uuid[], %(states)s::text[]) as k(id, state)
           where p.city_id = %(city)s and p.payout_id = k.id""",
        city=city_id, now=now, ids=sorted(steps), states=[steps[i] for i in sorted(steps)],
    )  # fmt: skip
    transfers = [
        Transfer(
            id=derive(i, step),
            book=Book.city(city_id),
            debit=ledger.chart.payable_merchant(rows[i]["merchant_id"]),
            credit=ledger.chart.provider(rows[i]["provider"]),
            amount=Amount(rows[i]["units"], rows[i]["asset"]),
            step="post_pending" if step == "done" else "void_pending",
            pending_id=derive(i, "reserve"),
            event="payout",
            ref=i,
        )
        for i, step in sorted(steps.items())
        if step != "unknown"
    ]
    _must(await ledger.post(tx, transfers, now=now))
    await tx.record(
        [
            Fact(fact_id=derive(i, f"fact/{s}"), city_id=city_id, topic=f"settlement.payout_{s}", subject=i, at=now)
            for i, s in sorted(steps.items())
        ]
    )


async def book_bills(tx: Tx, bills: Sequence[DayBill], *, city_id: int, now: datetime) -> list[bool]:
    """Book the provider's fee of each day once; True where this call did it. Amounts in units of the bill's asset."""
    rows = await tx.rows(
        """insert into settlement.bills (city_id, provider, day, asset, fee_units, captured_units, refunded_units,
                                         paid_out_units, at)
           select %(city)s, b.*, %(now)s
           from unnest(%(providers)s::text[], %(days)s::date[], %(assets)s::text[], %(fees)s::bigint[],
                       %(captured)s::bigint[], %(refunded)s::bigint[], %(paid_out)s::bigint[]) as b
           on conflict (city_id, provider, day, asset) do nothing returning provider, day, asset""",
        city=city_id, now=now, providers=[b.provider for b in bills], days=[b.day for b in bills],
        assets=[b.fee.asset for b in bills], fees=[b.fee.units for b in bills],
        captured=[b.captured.units for b in bills], refunded=[b.refunded.units for b in bills],
        paid_out=[b.paid_out.units for b in bills],
    )  # fmt: skip
    fresh = {(row["provider"], row["day"], row["asset"]) for row in rows}
    booked = [(b.provider, b.day, b.fee.asset) in fresh for b in bills]
    transfers = [_fee(b, city_id) for b, new in zip(bills, booked, strict=True) if new and b.fee]
    _must(await ledger.post(tx, transfers, now=now))
    return booked


def _fee(bill: DayBill, city_id: int) -> Transfer:
    name = uuid5(_BILLS, f"{city_id}/{bill.provider}/{bill.day.isoformat()}/{bill.fee.asset}")
    return Transfer(
        id=name, book=Book.city(city_id), debit=ledger.chart.expense_provider_fee(),
        credit=ledger.chart.provider(bill.provider), amount=bill.fee, event="provider_fee", ref=name,
    )  # fmt: skip


def _must(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise RuntimeError(f"the books refused: {result!r}")
