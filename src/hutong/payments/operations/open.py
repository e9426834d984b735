"""Payments begin: the intent, the provider's answer to it, and the wish that nobody pays it any more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.payments._rows import lock_payments, note, payment_of
from hutong.payments.model import CALL_LEASE, Change, OpenAnswer, OpenIntent, Payment, State, ask_again
from hutong.payments.refusals import OrderPaidAlready, PaymentChanged


async def open(
    tx: Tx, intents: Sequence[OpenIntent], *, city_id: int, now: datetime, calling: bool = False
) -> list[Payment | Refusal]:
    """Write intents; the courier calls the provider after the commit. The same intent again is the same payment.

    `calling`: the caller will call the provider himself right after this commit, so the payments are born unknown
    and nobody else calls for a while. Refusals, in this order: payment_changed, order_paid_already.
    """
    if not intents:
        return []
    state: State = "unknown" if calling else "created"
    first = {i.payment_id: i for i in reversed(intents)}
    new = await _insert(tx, [first[k] for k in sorted(first)], state, city_id=city_id, now=now)
    known = {k: _born(first[k], state, city_id, now) for k in new}
    if len(known) < len(first):  # they were there before, or their order is paid
        rows = await tx.rows(
            "select * from payments.payments where city_id = %(city)s and payment_id = any(%(ids)s::uuid[])",
            city=city_id,
            ids=sorted(first.keys() - new),
        )
        known |= {row["payment_id"]: payment_of(row) for row in rows}
    return [_answer(intent, known.get(intent.payment_id)) for intent in intents]


async def begin(tx: Tx, intents: Sequence[OpenIntent], *, city_id: int, now: datetime) -> None:
    """Write the intents of things that begin in this very transaction, so that none of them can have one already or be
    paid; they are there with the commit. The primary key refuses (and undoes everything) what was there before."""
    if not intents:
        return
    await tx.send(
        """with born as (
           insert into payments.payments (city_id, payment_id, order_id, purpose, provider, units, asset, description,
                                          created_at, expires_at, state, seq, captured_units, refunding_units,
                                          next_at, tries)
           select %(city)s, i.id, i.ord, i.purpose, i.provider, i.units, i.asset, i.words, %(now)s, i.expires,
                  'created', 1, 0, 0, %(now)s, 0
           from (select unnest(%(ids)s::uuid[]) as id, unnest(%(orders)s::uuid[]) as ord,
                        unnest(%(purposes)s::text[]) as purpose, unnest(%(providers)s::text[]) as provider,
                        unnest(%(units)s::bigint[]) as units, unnest(%(assets)s::text[]) as asset,
                        unnest(%(words)s::text[]) as words, unnest(%(expires)s::timestamptz[]) as expires) as i)
           insert into payments.changes (city_id, subject, seq, state, at, cause)
           select %(city)s, i.id, 1, 'created', %(now)s, 'order' from unnest(%(ids)s::uuid[]) as i(id)""",
        rival=None, city=city_id, now=now, **_columns(intents),
    )  # fmt: skip


def _columns(intents: Sequence[OpenIntent]) -> dict[str, list[Any]]:
    return {
        "ids": [i.payment_id for i in intents],
        "orders": [i.order_id for i in intents],
        "purposes": [i.purpose for i in intents],
        "providers": [i.provider for i in intents],
        "units": [i.amount.units for i in intents],
        "assets": [i.amount.asset for i in intents],
        "words": [i.description for i in intents],
        "expires": [i.expires_at for i in intents],
    }


def _born(intent: OpenIntent, state: State, city_id: int, now: datetime) -> Payment:
    """The payment that an intent begins as."""
    return Payment(
        city_id=city_id, payment_id=intent.payment_id, order_id=intent.order_id, provider=intent.provider,
        amount=intent.amount, description=intent.description, state=state, seq=1, provider_no=None, pay_url=None,
        failure=None, captured=None, captured_at=None, refunding=0, created_at=now, expires_at=intent.expires_at,
        close_asked_at=None, tries=0, purpose=intent.purpose,
    )  # fmt: skip


def _answer(intent: OpenIntent, payment: Payment | None) -> Payment | Refusal:
    if payment is None:
        return OrderPaidAlready()
    same = (payment.order_id, payment.provider, payment.amount) == (intent.order_id, intent.provider, intent.amount)
    return payment if same else PaymentChanged()


async def _insert(tx: Tx, intents: Sequence[OpenIntent], state: State, *, city_id: int, now: datetime) -> set[UUID]:
    """The new payments with the first step of their histories, in one statement; not those of paid orders."""
    calling = state == "unknown"
    rows = await tx.rows(
        """with born as (
           insert into payments.payments (city_id, payment_id, order_id, purpose, provider, units, asset, description,
                                          created_at, expires_at, state, seq, captured_units, refunding_units,
                                          sent_at, next_at, tries)
           select %(city)s, i.id, i.ord, i.purpose, i.provider, i.units, i.asset, i.words, %(now)s,
                  i.expires, %(state)s, 1, 0, 0,
                  %(sent)s::timestamptz, %(next)s, 0
           from unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(purposes)s::text[], %(providers)s::text[],
                       %(units)s::bigint[], %(assets)s::text[], %(words)s::text[], %(expires)s::timestamptz[])
                as i(id, ord, purpose, provider, units, asset, words, expires)
           where (select p.payment_id from payments.payments p
                  where p.city_id = %(city)s and p.order_id = i.ord and p.state = 'captured' limit 1) is null
           on conflict (city_id, payment_id) do nothing
           returning payment_id)
           insert into payments.changes (city_id, subject, seq, state, at, cause)
           select %(city)s, b.payment_id, 1, %(state)s, %(now)s, 'order' from born b
           returning subject""",
        city=city_id,
        now=now,
        state=state,
        sent=now if calling else None,
        next=now + CALL_LEASE if calling else now,
        **_columns(intents),
    )
    return {row["subject"] for row in rows}


async def opened(
    tx: Tx, answers: Sequence[OpenAnswer], *, city_id: int, now: datetime
) -> list[Payment | None]:  # fmt: skip
    """Store what the provider answered; the payments as they stand then (None: no such payment).

    A callback may have been faster: a payment that was captured stays so. An answer that did not come is not
    stored at all: the payment stays unknown, and the courier asks about it.
    """
    payments = await lock_payments(tx, [a.payment_id for a in answers], city_id=city_id)
    writes: dict[UUID, tuple[OpenAnswer, State, datetime | None]] = {}
    changes: list[Change] = []
    for answer in answers:
        payment = payments.get(answer.payment_id)
        if payment is None or answer.payment_id in writes:
            continue
        state: State = payment.state
        if state in ("created", "unknown"):
            state = "refused" if answer.refused else "opened"
            changes.append(Change(subject=payment.payment_id, seq=payment.seq + 1, state=state, cause="answer"))
        writes[payment.payment_id] = (answer, state, _next(payment, state, now))
    await _store(tx, writes, city_id=city_id)
    await note(tx, changes, city_id=city_id, now=now)
    rows = await tx.rows(
        "select * from payments.payments where city_id = %(city)s and payment_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted(writes),
    )
    stand = {row["payment_id"]: payment_of(row) for row in rows}
    return [stand.get(answer.payment_id) for answer in answers]


def _next(payment: Payment, state: State, now: datetime) -> datetime | None:
    if state != "opened":
        return None
    return now if payment.close_asked_at else ask_again(0, now, payment.expires_at)


async def _store(
    tx: Tx, writes: dict[UUID, tuple[OpenAnswer, State, datetime | None]], *, city_id: int
) -> None:  # fmt: skip
    if not writes:
        return
    ids = sorted(writes)
    await tx.run(
        """update payments.payments p
           set state = a.state, seq = p.seq + (p.state <> a.state)::int, next_at = a.next_at, tries = 0,
               provider_no = coalesce(p.provider_no, a.provider_no), pay_url = coalesce(p.pay_url, a.pay_url),
               failure = coalesce(p.failure, a.failure)
           from unnest(%(ids)s::uuid[], %(states)s::text[], %(nexts)s::timestamptz[], %(numbers)s::text[],
                       %(urls)s::text[], %(failures)s::text[])
                as a(id, state, next_at, provider_no, pay_url, failure)
           where p.city_id = %(city)s and p.payment_id = a.id""",
        city=city_id,
        ids=ids,
        states=[writes[k][1] for k in ids],
        nexts=[writes[k][2] for k in ids],
        numbers=[writes[k][0].provider_no for k in ids],
        urls=[writes[k][0].pay_url for k in ids],
        failures=[writes[k][0].refused if writes[k][1] == "refused" else None for k in ids],
    )


async def ask_close(
    tx: Tx, payments: Sequence[UUID], *, city_id: int, now: datetime
) -> list[State | None]:  # fmt: skip
    """Nobody shall pay these any more; the states afterwards (None: no such payment).

    What the provider has never heard of is closed at once; for the rest the courier asks the provider, and only
    its answer closes them: a payer may be faster, then settle says Captured.
    """
    found = await lock_payments(tx, payments, city_id=city_id)
    if not found:
        return [None for _ in payments]
    rows: list[dict[str, Any]] = await tx.rows(
        """update payments.payments
           set close_asked_at = coalesce(close_asked_at, %(now)s),
               state = case when state = 'created' and sent_at is null then 'closed' else state end,
               seq = seq + (state = 'created' and sent_at is null)::int,
               tries = 0,
               next_at = case when state = 'created' and sent_at is null then null
                              when state = 'unknown' then next_at else %(now)s end
           where city_id = %(city)s and payment_id = any(%(ids)s::uuid[]) and state in ('created', 'unknown', 'opened')
           returning payment_id, state, seq""",
        city=city_id,
        now=now,
        ids=sorted(found),
    )
    gone = [
        Change(subject=r["payment_id"], seq=r["seq"], state="closed", cause="order")
        for r in rows
        if r["state"] == "closed"
    ]
    await note(tx, gone, city_id=city_id, now=now)
    after: dict[UUID, State] = {k: p.state for k, p in found.items()}
    after.update({r["payment_id"]: r["state"] for r in rows})
    return [after.get(payment) for payment in payments]
