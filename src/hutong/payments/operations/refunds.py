"""Money is asked back: decided here, sent by the courier, ended by settle."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.payments._rows import lock_payments, note, refund_of
from hutong.payments.model import AskRefund, Change, Payment, Refund, RefundState
from hutong.payments.refusals import PaymentNotCaptured, PaymentUnknown, RefundChanged, RefundTooHigh


class RefundAsked(Struct, frozen=True, kw_only=True):
    """The refund is on its way; `state` says how far, when it was asked for before."""

    refund_id: UUID
    payment_id: UUID
    state: RefundState = "asked"


async def ask_refunds(tx: Tx, asks: Sequence[AskRefund], *, city_id: int, now: datetime) -> list[RefundAsked | Refusal]:
    """Take amounts of captured payments aside to be given back; the same ask again is the same refund.

    Asks are decided in their order; those of one payment never exceed what it captured, in any number of parallel
    calls. Refusals, in this order: refund_changed, payment_not_found, payment_not_captured, refund_too_high.
    """
    payments = await lock_payments(tx, [a.payment_id for a in asks], city_id=city_id)
    known = await _known(tx, [a.refund_id for a in asks], city_id=city_id)
    new: dict[UUID, AskRefund] = {}
    back: dict[UUID, int] = {}
    results: list[RefundAsked | Refusal] = []
    for ask in asks:
        earlier = known.get(ask.refund_id) or new.get(ask.refund_id)
        if earlier is not None:
            results.append(_again(ask, earlier))
            continue
        payment = payments.get(ask.payment_id)
        refusal = _why_not(ask, payment, back.get(ask.payment_id, 0))
        if refusal is None:
            new[ask.refund_id] = ask
            back[ask.payment_id] = back.get(ask.payment_id, 0) + ask.amount.units
        results.append(refusal or RefundAsked(refund_id=ask.refund_id, payment_id=ask.payment_id))
    await _take_aside(tx, back, city_id=city_id)
    await insert(tx, list(new.values()), payments=payments, city_id=city_id, now=now)
    return results


def _again(ask: AskRefund, earlier: Refund | AskRefund) -> RefundAsked | Refusal:
    if (ask.payment_id, ask.amount) != (earlier.payment_id, earlier.amount):
        return RefundChanged()
    state = earlier.state if isinstance(earlier, Refund) else "asked"
    return RefundAsked(refund_id=ask.refund_id, payment_id=ask.payment_id, state=state)


def _why_not(ask: AskRefund, payment: Payment | None, already: int) -> Refusal | None:
    if payment is None:
        return PaymentUnknown()
    if payment.captured is None:
        return PaymentNotCaptured()
    left = payment.captured.units - payment.refunding - already
    if ask.amount.asset != payment.captured.asset or not 0 < ask.amount.units <= left:
        return RefundTooHigh(left=left, asset=payment.captured.asset)
    return None


async def _known(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Refund]:
    """Refunds asked for before. Read after the lock on their payments, so that none is on its way in."""
    rows = await tx.rows(
        "select * from payments.refunds where city_id = %(city)s and refund_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["refund_id"]: refund_of(row) for row in rows}


async def _take_aside(tx: Tx, back: dict[UUID, int], *, city_id: int) -> None:
    if not back:
        return
    await tx.run(
        """update payments.payments p set refunding_units = p.refunding_units + b.units
           from unnest(%(ids)s::uuid[], %(units)s::bigint[]) as b(id, units)
           where p.city_id = %(city)s and p.payment_id = b.id""",
        city=city_id,
        ids=sorted(back),
        units=[back[k] for k in sorted(back)],
    )


async def insert(
    tx: Tx, asks: Sequence[AskRefund], *, payments: dict[UUID, Payment], city_id: int, now: datetime
) -> None:
    """The rows of refunds that have been decided, and their history."""
    if not asks:
        return
    await tx.run(
        """insert into payments.refunds (city_id, refund_id, payment_id, provider, units, asset, reason, state, seq,
                                         asked_at, next_at, tries)
           select %(city)s, r.id, r.payment, r.provider, r.units, r.asset, r.reason, 'asked', 1, %(now)s, %(now)s, 0
           from unnest(%(ids)s::uuid[], %(payments)s::uuid[], %(providers)s::text[], %(units)s::bigint[],
                       %(assets)s::text[], %(reasons)s::text[]) as r(id, payment, provider, units, asset, reason)""",
        city=city_id,
        now=now,
        ids=[a.refund_id for a in asks],
        payments=[a.payment_id for a in asks],
        providers=[payments[a.payment_id].provider for a in asks],
        units=[a.amount.units for a in asks],
        assets=[a.amount.asset for a in asks],
        reasons=[a.reason for a in asks],
    )
    changes = [Change(subject=a.refund_id, seq=1, state="asked", cause=a.reason) for a in asks]
    await note(tx, changes, city_id=city_id, now=now)
