"""The one path on which a provider's word becomes ours: callbacks and answers alike, in any order, any times."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive
from hutong.payments._rows import lock_refunds, note, payment_of
from hutong.payments.judge import Judge
from hutong.payments.model import (
    ENDED,
    OPEN,
    AlreadyCaptured,
    Change,
    Found,
    NotSettled,
    Payment,
    Quarantined,
    Refund,
    Settled,
    UnknownNumber,
    ask_again,
    read_number,
)
from hutong.payments.operations.refunds import insert as insert_refunds
from hutong.payments.operations.whose import orders_of
from hutong.payments.port import Finding, ProviderEvent, ProviderPayment, ProviderRefund, number_of


async def settle(
    tx: Tx, findings: Sequence[Finding], *, city_id: int, now: datetime, orders: Sequence[UUID] | None = None
) -> list[Settled]:
    """Apply what providers say, in the order of the list; what each came to. Idempotent for each payment and refund.

    Captured is told once for each payment, ever. Another amount than asked is Quarantined and its refund is asked
    for here; a second capture of one order is Captured with `surplus`, and giving it back is the caller's part.
    UnknownNumber leaves its event waiting. `orders`: what `orders_of` says of these findings, when the caller has
    asked already. No refusals.
    """
    read = [_read(finding, city_id, now) for finding in findings]
    if orders is None:
        orders = await orders_of(tx, findings, city_id=city_id)
    judge = await _lock(tx, orders, [f for f in read if f is not None], city_id=city_id, now=now)
    results: list[Settled] = []
    for finding, found in zip(findings, read, strict=True):
        outcome = judge.judge(found) if found is not None else None
        results.append(outcome or UnknownNumber(number=number_of(finding)))
    # The judge keeps its rows in the order in which they were locked: that of their ids.
    payments = [payment for k, payment in judge.payments.items() if k in judge.touched]
    await _write_payments(tx, payments, judge.changes, city_id=city_id, now=now)
    await _write_refunds(tx, [refund for k, refund in judge.refunds.items() if k in judge.touched], now)
    await insert_refunds(tx, judge.quarantines, payments=judge.payments, city_id=city_id, now=now)
    await _mark_events(tx, findings, results, city_id=city_id, now=now)
    await tx.record([_alarm(r, city_id, now) for r in results if isinstance(r, Quarantined)])
    return results


def _read(finding: Finding, city_id: int, now: datetime) -> Found | None:
    """A finding in our words; None when its number is none of this city's."""
    named = read_number(number_of(finding), city_id)
    event = finding if isinstance(finding, ProviderEvent) else None
    state = event.kind.partition(".")[2] if event else getattr(finding, "state", "")
    wants = "refund" if isinstance(finding, ProviderRefund) else "payment"
    about = event.kind.partition(".")[0] if event else wants
    if named is None or named[0] != about:
        return None
    return Found(
        kind=named[0],
        id=named[1],
        state=state,
        amount=finding.amount,
        provider_no=finding.provider_no,
        failure=None if isinstance(finding, ProviderPayment) else finding.failure,
        at=finding.at or now,
        provider=event.provider if event else None,
        event_id=event.event_id if event else None,
    )


async def _lock(tx: Tx, orders: Sequence[UUID], found: Sequence[Found], *, city_id: int, now: datetime) -> Judge:
    """All payments of these orders, not only those spoken of: a second capture must see the first."""
    rows = await tx.rows(
        """select * from payments.payments where city_id = %(city)s and order_id = any(%(orders)s::uuid[])
           order by payment_id for no key update""",
        city=city_id,
        orders=orders,
    )
    refunds = sorted({f.id for f in found if f.kind == "refund"})
    locked = await lock_refunds(tx, refunds, city_id=city_id) if refunds else {}
    return Judge([payment_of(row) for row in rows], list(locked.values()), now)


async def _write_payments(
    tx: Tx, payments: Sequence[Payment], changes: Sequence[Change], *, city_id: int, now: datetime
) -> None:
    """Payments as they are now, and the history of payments and refunds alike, in one statement."""
    if not payments:
        await note(tx, changes, city_id=city_id, now=now)
        return
    captured = [p.captured for p in payments]
    await tx.run(
        load(__package__, "settle"), city=city_id, now=now,
        ids=[p.payment_id for p in payments], states=[p.state for p in payments], seqs=[p.seq for p in payments],
        tries=[p.tries for p in payments], numbers=[p.provider_no for p in payments],
        nexts=[_next_of_payment(p, now) for p in payments],
        captured=[taken.units if taken else 0 for taken in captured],
        assets=[taken.asset if taken else None for taken in captured],
        ats=[p.captured_at for p in payments], refunding=[p.refunding for p in payments],
        subjects=[c.subject for c in changes], change_seqs=[c.seq for c in changes],
        change_states=[c.state for c in changes], causes=[c.cause for c in changes],
        providers=[c.provider for c in changes], events=[c.event_id for c in changes],
    )  # fmt: skip


def _next_of_payment(payment: Payment, now: datetime) -> datetime | None:
    if payment.state not in OPEN:
        return None
    return now if payment.state == "created" else ask_again(payment.tries, now, payment.expires_at)


async def _write_refunds(tx: Tx, refunds: Sequence[Refund], now: datetime) -> None:
    if not refunds:
        return
    await tx.run(
        """update payments.refunds r
           set state = v.state, seq = v.seq, tries = v.tries, provider_no = v.provider_no, failure = v.failure,
               ended_at = v.ended_at, next_at = v.next_at
           from unnest(%(ids)s::uuid[], %(states)s::text[], %(seqs)s::int[], %(tries)s::int[], %(numbers)s::text[],
                       %(failures)s::text[], %(ends)s::timestamptz[], %(nexts)s::timestamptz[])
                as v(id, state, seq, tries, provider_no, failure, ended_at, next_at)
           where r.city_id = %(city)s and r.refund_id = v.id""",
        city=refunds[0].city_id,
        ids=[r.refund_id for r in refunds],
        states=[r.state for r in refunds],
        seqs=[r.seq for r in refunds],
        tries=[r.tries for r in refunds],
        numbers=[r.provider_no for r in refunds],
        failures=[r.failure for r in refunds],
        ends=[r.ended_at for r in refunds],
        nexts=[_next_of_refund(r, now) for r in refunds],
    )


def _next_of_refund(refund: Refund, now: datetime) -> datetime | None:
    if refund.state in ENDED:
        return None
    return now if refund.state == "asked" else ask_again(refund.tries, now)


async def _mark_events(
    tx: Tx, findings: Sequence[Finding], results: Sequence[Settled], *, city_id: int, now: datetime
) -> None:
    """Applied is what was understood; an event about an unknown number stays claimable (K13)."""
    outcomes: dict[tuple[str, str], str] = {}
    for finding, result in zip(findings, results, strict=True):
        if isinstance(finding, ProviderEvent) and not isinstance(result, UnknownNumber):
            quiet = isinstance(result, AlreadyCaptured | NotSettled)
            outcomes.setdefault((finding.provider, finding.event_id), "no_change" if quiet else "applied")
    if not outcomes:
        return
    keys = sorted(outcomes)
    await tx.run(
        """update payments.events e set applied_at = %(now)s, outcome = o.outcome, next_at = null
           from unnest(%(providers)s::text[], %(ids)s::text[], %(outcomes)s::text[]) as o(provider, event_id, outcome)
           where e.city_id = %(city)s and e.provider = o.provider and e.event_id = o.event_id
             and e.applied_at is null""",
        city=city_id,
        now=now,
        providers=[provider for provider, _ in keys],
        ids=[event_id for _, event_id in keys],
        outcomes=[outcomes[key] for key in keys],
    )


def _alarm(odd: Quarantined, city_id: int, now: datetime) -> Fact:
    refund: UUID = odd.refund_id
    return Fact(
        fact_id=derive(odd.payment_id, "fact/quarantined"),
        city_id=city_id,
        topic="payments.quarantined",
        subject=odd.payment_id,
        payload={
            "order": str(odd.order_id),
            "refund": str(refund),
            "asked_units": odd.asked.units,
            "got_units": odd.got.units,
            "asset": odd.got.asset,
        },
        at=now,
    )
