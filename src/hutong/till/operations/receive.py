"""The one door through which a provider's word comes in: about orders, bills of tills, and blocks of points money."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import ledger, orders, payments
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Transfer
from hutong.payments import AskRefund, Captured, Finding, Quarantined, RefundDone, RefundFailed, Settled
from hutong.till.model import Bill
from hutong.till.operations import _blocks, pays

UNDONE, LATE = "bill_undone", "bill_late"  # reasons of refunds


class Came(Struct, frozen=True, kw_only=True):
    """Money that a provider took for something of ours that does not wait for it: it is on its way back."""

    of: UUID
    payment_id: UUID
    provider: str
    amount: Amount
    asked: bool  # its refund is asked for already


async def receive(tx: Tx, findings: Sequence[Finding], *, city_id: int, now: datetime) -> list[Settled]:
    """Settle what providers say, each with whom it concerns; answers what payments.settle answers, in list order.

    Any order, any number of times: only what is new has an effect. Bills are locked before payments, as orders are.
    """
    owners = await payments.owners_of(tx, findings, city_id=city_id)
    ours = [i for i, owner in enumerate(owners) if owner is not None and owner.purpose != "order"]
    if not ours:
        return await orders.receive(tx, findings, city_id=city_id, now=now, named=payments.ids_of(owners))
    results: dict[int, Settled] = {}
    rest = [i for i in range(len(findings)) if i not in set(ours)]
    if rest:
        named = payments.ids_of([owners[i] for i in rest])
        told = await orders.receive(tx, [findings[i] for i in rest], city_id=city_id, now=now, named=named)
        results |= dict(zip(rest, told, strict=True))
    ids = payments.ids_of([owners[i] for i in ours])
    bills = await pays.lock_bills(tx, ids, city_id=city_id)
    blocks = await _blocks.lock(tx, [i for i in ids if i not in bills], city_id=city_id)
    settled = await payments.settle(tx, [findings[i] for i in ours], city_id=city_id, now=now, orders=ids)
    await _captured(tx, settled, bills, blocks, city_id=city_id, now=now)
    await _refunded(tx, settled, bills, city_id=city_id, now=now)
    results |= dict(zip(ours, settled, strict=True))
    return [results[i] for i in range(len(findings))]


async def _captured(
    tx: Tx, settled: Sequence[Settled], bills: Mapping[UUID, Bill], blocks: Mapping[UUID, _blocks.Row], *,
    city_id: int, now: datetime,
) -> None:  # fmt: skip
    """Money came. A bill that waited is paid and earns; a block is added; what nobody waits for goes back."""
    captures = [one for one in settled if isinstance(one, Captured)]
    late: list[Came] = []
    paid: dict[UUID, Captured] = {}
    for one in captures:
        bill = bills.get(one.order_id)
        if bill is not None and bill.waits and not one.surplus and one.order_id not in paid:
            paid[one.order_id] = one
        elif bill is not None or one.surplus or not _blocks.waits(blocks.get(one.order_id)):
            late.append(_came(one, one.amount, asked=False))
    await pays.move(tx, {i: ("paid", one.payment_id) for i, one in paid.items()}, city_id=city_id, now=now)
    await pays.earn_due(tx, sorted(paid), city_id=city_id, now=now)
    waiting = [c for c in captures if c.order_id in blocks and not any(c.payment_id == w.payment_id for w in late)]
    late += [
        _came(c, c.amount, asked=False) for c in await _blocks.pay(tx, waiting, blocks=blocks, city_id=city_id, now=now)
    ]
    late += [_came(one, one.got, asked=True) for one in settled if isinstance(one, Quarantined)]
    book, chart = Book.city(city_id), ledger.chart
    transfers = [
        Transfer(
            id=derive(one.payment_id, "capture"), book=book, debit=chart.provider(one.provider),
            credit=chart.payable_merchant(bills[i].merchant_id), amount=one.amount, event="bill_paid", ref=i,
        )
        for i, one in sorted(paid.items())
    ] + [
        Transfer(
            id=derive(one.payment_id, "capture"), book=book, debit=chart.provider(one.provider),
            credit=chart.deposit(one.of), amount=one.amount, event="capture_deposit", ref=one.payment_id,
        )
        for one in late
    ]  # fmt: skip
    _must(await ledger.post(tx, transfers, now=now) if transfers else [])
    back = [
        AskRefund(
            refund_id=derive(one.payment_id, LATE), payment_id=one.payment_id, amount=one.amount, reason=LATE
        )
        for one in late if not one.asked
    ]  # fmt: skip
    _must(await payments.ask_refunds(tx, back, city_id=city_id, now=now) if back else [])
    refunds = [*((ask.refund_id, ask.payment_id) for ask in back)]
    await tx.record(
        [_asked(refund, payment, city_id, now) for refund, payment in refunds]
        + [_fact(bills[i], "till.paid", city_id, now) for i in sorted(paid)]
    )


def _came(one: Captured | Quarantined, amount: Amount, *, asked: bool) -> Came:
    return Came(of=one.order_id, payment_id=one.payment_id, provider=one.provider, amount=amount, asked=asked)


async def _refunded(
    tx: Tx, settled: Sequence[Settled], bills: Mapping[UUID, Bill], *, city_id: int, now: datetime
) -> None:
    """Money went back, or could not: of an undone bill out of what the merchant had, else out of its deposit."""
    done = [one for one in settled if isinstance(one, RefundDone)]
    failed = [one for one in settled if isinstance(one, RefundFailed)]
    steps = {one.order_id: ("refunded", _payment(bills, one)) for one in done if one.reason == UNDONE}
    steps |= {one.order_id: ("refund_failed", _payment(bills, one)) for one in failed if one.reason == UNDONE}
    await pays.move(tx, steps, city_id=city_id, now=now)
    if done:
        known = await payments.by_ids(tx, [one.payment_id for one in done], city_id=city_id)
        providers = {p.payment_id: p.provider for p in known if p is not None}
        transfers = [_back(one, bills, providers[one.payment_id], city_id) for one in done]
        _must(await ledger.post(tx, transfers, now=now))
    await tx.record([_failed(one, city_id, now) for one in failed])


def _payment(bills: Mapping[UUID, Bill], one: RefundDone | RefundFailed) -> UUID:
    pay = bills[one.order_id].pay
    return pay.payment_id if pay is not None else one.payment_id


def _back(one: RefundDone, bills: Mapping[UUID, Bill], provider: str, city_id: int) -> Transfer:
    chart = ledger.chart
    undone = one.reason == UNDONE
    return Transfer(
        id=derive(one.refund_id, "back"), book=Book.city(city_id),
        debit=chart.payable_merchant(bills[one.order_id].merchant_id) if undone else chart.deposit(one.order_id),
        credit=chart.provider(provider), amount=one.amount, event="bill_refunded" if undone else "deposit_refunded",
        ref=one.order_id if undone else one.payment_id,
    )  # fmt: skip


def refund_of(bill: Bill) -> AskRefund:
    """The way back of what a guest paid by phone for a bill that is undone."""
    assert bill.pay is not None
    return AskRefund(
        refund_id=derive(bill.bill_id, "refund"), payment_id=bill.pay.payment_id, amount=bill.pay.amount, reason=UNDONE
    )


def _asked(refund: UUID, payment: UUID, city_id: int, now: datetime) -> Fact:
    """A refund was asked for: the worker sends it at once."""
    return Fact(
        fact_id=derive(refund, "fact/asked"), city_id=city_id, topic="till.refund_asked", subject=refund,
        payload={"refund": str(refund), "payment": str(payment)}, at=now,
    )  # fmt: skip


def asked_fact(bill: Bill, city_id: int, now: datetime) -> Fact:
    """The same for a bill that is undone."""
    ask = refund_of(bill)
    return _asked(ask.refund_id, ask.payment_id, city_id, now)


def _failed(one: RefundFailed, city_id: int, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(one.refund_id, "fact/failed"), city_id=city_id, topic="till.refund_failed",
        subject=one.order_id, payload={"refund": str(one.refund_id), "failure": one.failure}, at=now,
    )  # fmt: skip


def _fact(bill: Bill, topic: str, city_id: int, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(bill.bill_id, f"fact/{topic}"), city_id=city_id, topic=topic, subject=bill.bill_id,
        payload={"merchant": str(bill.merchant_id), "store": str(bill.store_id)}, at=now,
    )  # fmt: skip


def _must(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
