"""Captured money meets its order: on time it is fulfilled, too late it goes back by itself."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer
from hutong.orders.operations import _history, _money
from hutong.orders.operations.cancel import end_late

Outcome = Literal["paid", "paid_late", "paid_twice", "wrong_amount"]


class Capture(Struct, frozen=True, kw_only=True):
    """Money that a provider holds for an order; `wrong` when it is another amount than the order asked for."""

    payment_id: UUID
    order_id: UUID
    provider: str
    amount: Amount
    wrong: bool = False


class Applied(Struct, frozen=True, kw_only=True):
    """What became of a capture: the order is paid, or the money goes back (too late, twice, another amount)."""

    order_id: UUID
    payment_id: UUID
    outcome: Outcome


async def paid(
    tx: Tx, captures: Sequence[Capture], *, city_id: int, now: datetime,
    orders: dict[UUID, dict[str, Any]] | None = None,
) -> list[Applied]:  # fmt: skip
    """Book each capture and fulfil its order; what comes too late or twice is refunded, with the reason.

    Too late is also what is paid after the last day on which it could be used: nobody pays for a right that is over.
    What comes in another amount is booked as a deposit and goes back, too; the order stays as it was. Each payment
    is given here once (payments.settle sees to it), and its order exists: it was written with the order. `orders`:
    the rows of these orders, when the caller has locked them.
    """
    if orders is None:
        orders = await _history.lock(tx, [c.order_id for c in captures], city_id=city_id)
    zone = await _history.zone_of(tx, city_id)
    await _end_over(tx, [c for c in captures if not c.wrong], orders, city_id=city_id, now=now, zone=zone)
    results: list[Applied] = []
    on_time: dict[UUID, Capture] = {}
    back: list[tuple[Capture, str]] = []  # with the reason
    for capture in captures:
        outcome = _judge(capture, orders[capture.order_id], on_time)
        if outcome == "paid":
            on_time[capture.order_id] = capture
        else:
            back.append((capture, outcome))
        results.append(Applied(order_id=capture.order_id, payment_id=capture.payment_id, outcome=outcome))
    escrow, provider = (
        cache(ledger.chart.escrow),
        cache(ledger.chart.provider),
    )  # a set has many orders of few merchants
    book = Book.city(city_id)
    transfers = [
        Transfer(
            id=derive(c.payment_id, "capture"), book=book, debit=provider(c.provider),
            credit=escrow(orders[c.order_id]["merchant_id"]), amount=c.amount, event="capture", ref=c.payment_id,
        )
        for c in on_time.values()
    ] + [
        Transfer(
            id=derive(c.payment_id, "capture"), book=book, debit=provider(c.provider),
            credit=ledger.chart.deposit(c.order_id), amount=c.amount, event="capture_deposit", ref=c.payment_id,
        )
        for c, _ in back
    ]  # fmt: skip
    await _history.fulfil(tx, list(on_time), transfers=transfers, city_id=city_id, now=now, orders=orders, zone=zone)
    await _money.send_back(
        tx, [_whole(c, orders[c.order_id], why, city_id) for c, why in back], city_id=city_id, now=now
    )
    return results


async def _end_over(
    tx: Tx, captures: Sequence[Capture], orders: dict[UUID, dict[str, Any]], *, city_id: int, now: datetime, zone: str
) -> None:
    """End the orders that are paid too late to be of use."""
    waiting = [row for i in {c.order_id for c in captures} if (row := orders[i])["state"] == "placed"]
    over = await _history.over_by_now(tx, waiting, city_id=city_id, now=now, zone=zone)
    await end_late(tx, {i: orders[i] for i in sorted(over)}, city_id=city_id, now=now)
    for order_id in over:
        orders[order_id] = orders[order_id] | {"state": "expired"}


def _judge(capture: Capture, order: dict[str, Any], already: Collection[UUID]) -> Outcome:
    if capture.wrong:
        return "wrong_amount"
    if order["state"] == "placed" and order["order_id"] not in already:
        return "paid"
    return "paid_late" if order["state"] in ("cancelled", "expired") else "paid_twice"


def _whole(capture: Capture, order: dict[str, Any], why: str, city_id: int) -> _money.Back:
    return _money.Back(
        refund_id=derive(capture.payment_id, why), order_id=capture.order_id, payment_id=capture.payment_id,
        provider=capture.provider, merchant_id=order["merchant_id"],
        source=ledger.chart.deposit(capture.order_id), amount=capture.amount, voucher_ids=(),
        by=None, reason=why,
    )  # fmt: skip
