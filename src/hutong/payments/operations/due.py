"""What is to be called and what is to be asked, handed to one courier at a time.

Taking a call marks it unknown before it is made: whoever dies in the middle leaves a question, not a second call.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.payments._rows import note, payment_of, refund_of
from hutong.payments.model import CALL_LEASE, Change, Payment, Refund

CALLS = "(state = 'created' or close_asked_at is not null)"
POLLS = "state in ('unknown', 'opened') and close_asked_at is null"


class Calls(Struct, frozen=True, kw_only=True):
    """Calls to make now: pages to open, payments to close, refunds to send."""

    opens: list[Payment]
    closes: list[Payment]
    refunds: list[Refund]


class Polls(Struct, frozen=True, kw_only=True):
    """Questions to ask now."""

    payments: list[Payment]
    refunds: list[Refund]


async def claim_calls(
    tx: Tx,
    *,
    city_id: int,
    now: datetime,
    limit: int = 100,
    payments: Sequence[UUID] | None = None,
    refunds: Sequence[UUID] | None = None,
) -> Calls:
    """Calls whose time has come, at most `limit` of each kind, for this caller alone until the lease ends.

    `payments` and `refunds` narrow it to those ids (None: all). Make the calls after the commit, outside any
    transaction, and store the answers; an answer that does not come needs nothing: it is asked for by itself.
    """
    taken = await _claim_payments(tx, CALLS, city_id=city_id, now=now, before=now, limit=limit, ids=payments)
    rows = await _claim_refunds(tx, ["asked"], city_id=city_id, now=now, before=now, limit=limit, ids=refunds)
    opens = [payment_of(row) for row in taken if row["calling"]]
    sent = [refund_of(row) for row in rows]
    changes = [Change(subject=p.payment_id, seq=p.seq, state="unknown", cause="call") for p in opens]
    changes += [Change(subject=r.refund_id, seq=r.seq, state="unknown", cause="call") for r in sent]
    await note(tx, changes, city_id=city_id, now=now)
    return Calls(opens=opens, closes=[payment_of(row) for row in taken if not row["calling"]], refunds=sent)


async def claim_polls(
    tx: Tx,
    *,
    city_id: int,
    now: datetime,
    limit: int = 100,
    payments: Sequence[UUID] | None = None,
    refunds: Sequence[UUID] | None = None,
    at_once: bool = False,
) -> Polls:
    """Payments and refunds to ask about, at most `limit` of each, for this caller alone until the lease ends.

    The pauses grow from 5 seconds to an hour and never end: only the provider's word ends a doubt. `at_once` asks
    about the given ids although it is not their time yet, e.g. because the payer has come back to our page.
    """
    before = datetime.max.replace(tzinfo=now.tzinfo) if at_once else now
    taken = await _claim_payments(tx, POLLS, city_id=city_id, now=now, before=before, limit=limit, ids=payments)
    rows = await _claim_refunds(
        tx, ["unknown", "processing"], city_id=city_id, now=now, before=before, limit=limit, ids=refunds
    )
    return Polls(payments=[payment_of(row) for row in taken], refunds=[refund_of(row) for row in rows])


async def _claim_payments(
    tx: Tx, which: str, *, city_id: int, now: datetime, before: datetime, limit: int, ids: Sequence[UUID] | None
) -> list[dict[str, Any]]:
    if ids is not None and not ids:
        return []
    return await tx.rows(
        f"""with due as (
              select payment_id, state = 'created' and close_asked_at is null as calling
              from payments.payments
              where city_id = %(city)s and next_at <= %(before)s and {which}
                and (%(ids)s::uuid[] is null or payment_id = any(%(ids)s::uuid[]))
              order by next_at, payment_id limit %(limit)s for no key update skip locked
            )
            update payments.payments p
            set state = case when due.calling then 'unknown' else p.state end, seq = p.seq + due.calling::int,
                sent_at = coalesce(p.sent_at, %(now)s), tries = p.tries + 1, next_at = %(lease)s
            from due where p.city_id = %(city)s and p.payment_id = due.payment_id
            returning p.*, due.calling""",
        city=city_id,
        now=now,
        before=before,
        lease=now + CALL_LEASE,
        limit=limit,
        ids=ids if ids is None else list(ids),
    )


async def _claim_refunds(
    tx: Tx, states: list[str], *, city_id: int, now: datetime, before: datetime, limit: int, ids: Sequence[UUID] | None
) -> list[dict[str, Any]]:
    if ids is not None and not ids:
        return []
    return await tx.rows(
        """with due as (
             select refund_id, state = 'asked' as calling
             from payments.refunds
             where city_id = %(city)s and next_at <= %(before)s and state = any(%(states)s)
               and (%(ids)s::uuid[] is null or refund_id = any(%(ids)s::uuid[]))
             order by next_at, refund_id limit %(limit)s for no key update skip locked
           )
           update payments.refunds r
           set state = case when due.calling then 'unknown' else r.state end, seq = r.seq + due.calling::int,
               tries = r.tries + 1, next_at = %(lease)s
           from due where r.city_id = %(city)s and r.refund_id = due.refund_id
           returning r.*""",
        city=city_id,
        states=states,
        before=before,
        lease=now + CALL_LEASE,
        limit=limit,
        ids=ids if ids is None else list(ids),
    )
