"""The one door through which a provider's word reaches orders: callbacks and answers to questions alike."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong import payments
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.orders.operations import _history
from hutong.orders.operations.paid import Capture, paid
from hutong.orders.operations.refund_ends import refunds_done, refunds_failed
from hutong.payments import Captured, Quarantined, RefundDone, RefundFailed


async def receive(
    tx: Tx, findings: Sequence[payments.Finding], *, city_id: int, now: datetime, named: Sequence[UUID] | None = None
) -> list[payments.Settled]:
    """Settle what providers say, and let the orders follow: paid and fulfilled, sent back, refunded, or as before.

    Any order, any number of times: only what is new has an effect. Answers what payments.settle answers. The orders
    are locked before the payments, as everywhere, so that a refund and a callback never wait for each other. `named`:
    the orders that the findings are about, when the caller has asked already.
    """
    if named is None:
        named = await payments.orders_of(tx, findings, city_id=city_id)
    orders = await _history.lock(tx, named, city_id=city_id)
    settled = await payments.settle(tx, findings, city_id=city_id, now=now, orders=named)
    captures = [_capture(s) for s in settled if isinstance(s, Captured | Quarantined)]
    if captures:
        await paid(tx, captures, orders=orders, city_id=city_id, now=now)
    done = _ids([s for s in settled if isinstance(s, RefundDone)])
    if done:
        await refunds_done(tx, done, city_id=city_id, now=now)
    failed = _ids([s for s in settled if isinstance(s, RefundFailed)])
    if failed:
        await refunds_failed(tx, failed, city_id=city_id, now=now)
    return settled


def _capture(settled: Captured | Quarantined) -> Capture:
    """Money that came; `wrong` when it is not what the order asked for."""
    wrong = isinstance(settled, Quarantined)
    amount: Amount = settled.got if isinstance(settled, Quarantined) else settled.amount
    return Capture(
        payment_id=settled.payment_id, order_id=settled.order_id, provider=settled.provider, amount=amount, wrong=wrong
    )


def _ids(settled: Sequence[RefundDone | RefundFailed]) -> list[UUID]:
    return [s.refund_id for s in settled]
