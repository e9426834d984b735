"""What the round of payouts takes on: sent once under one number, then asked about until the provider has said."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.settlement import _steps
from hutong.settlement.paying import ASK_AGAIN, CALL_REST, RESEND_WITHIN, Payout
from hutong.settlement.payouts import as_payout


class Claimed(Struct, frozen=True, kw_only=True):
    """Payouts that this process may send now, and those that it may ask about."""

    sends: list[Payout]
    asks: list[Payout]


async def claim_payouts(tx: Tx, *, city_id: int, now: datetime, limit: int = 100) -> Claimed:
    """Take payouts whose time has come. Those to be sent are *unknown* from here on: whoever dies before the call has
    left a question, not a second call. Those without an account are booked by hand and never taken."""
    sends = await tx.rows(
        """update settlement.payouts p
           set state = 'unknown', first_sent_at = coalesce(p.first_sent_at, %(now)s), tries = p.tries + 1,
               next_at = %(rest)s, seq = p.seq + 1
           from (
             select city_id, payout_id from settlement.payouts
             where city_id = %(city)s and state = 'asked' and account is not null and next_at <= %(now)s
             order by payout_id limit %(limit)s for no key update skip locked
           ) k
           where p.city_id = %(city)s and k.city_id = %(city)s and p.payout_id = k.payout_id returning p.*""",
        city=city_id, now=now, rest=now + CALL_REST, limit=limit,
    )  # fmt: skip
    asks = await tx.rows(
        """update settlement.payouts p
           set tries = p.tries + 1, next_at = %(now)s::timestamptz + make_interval(secs => (%(pauses)s::int[])
                                                                     [least(p.tries, cardinality(%(pauses)s::int[]))])
           from (
             select city_id, payout_id from settlement.payouts
             where city_id = %(city)s and state = 'unknown' and first_sent_at is not null and next_at <= %(now)s
               and not (payout_id = any(%(sent)s::uuid[]))
             order by payout_id limit %(limit)s for no key update skip locked
           ) k
           where p.city_id = %(city)s and k.city_id = %(city)s and p.payout_id = k.payout_id returning p.*""",
        city=city_id, now=now, pauses=list(ASK_AGAIN), limit=limit, sent=[row["payout_id"] for row in sends],
    )  # fmt: skip
    await _steps.write(
        tx, [_steps.Step(row["payout_id"], "unknown", "sent") for row in sends], city_id=city_id, now=now
    )
    return Claimed(sends=[as_payout(row) for row in sends], asks=[as_payout(row) for row in asks])


async def never_heard(tx: Tx, ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[bool]:
    """The provider does not know these numbers: they are sent again under the same number while he would still know
    it (RESEND_WITHIN). True where that is so; what is older stays unknown and becomes a person's task."""
    rows = await tx.rows(
        """select * from settlement.payouts where city_id = %(city)s and payout_id = any(%(ids)s::uuid[])
           and state = 'unknown' order by payout_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    young = {row["payout_id"] for row in rows if row["first_sent_at"] > now - RESEND_WITHIN}
    await tx.run(
        """update settlement.payouts set state = 'asked', next_at = %(now)s, seq = seq + 1
           where city_id = %(city)s and payout_id = any(%(ids)s::uuid[])""",
        city=city_id,
        now=now,
        ids=sorted(young),
    )
    steps = [_steps.Step(i, "asked", "never_heard") for i in sorted(young)]
    await _steps.write(tx, steps, city_id=city_id, now=now)
    old = [row for row in rows if row["payout_id"] not in young]
    await _steps.open_tasks(tx, [_stuck(row, "unknown_number") for row in old], city_id=city_id, now=now)
    return [i in young for i in ids]


async def stuck(tx: Tx, ids: Sequence[UUID], *, why: str, city_id: int, now: datetime) -> list[bool]:
    """What the provider says about these cannot be believed (another amount): they stay unknown, for a person to look
    at. True for those that are known here."""
    rows = await tx.rows(
        """select * from settlement.payouts where city_id = %(city)s and payout_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    await _steps.open_tasks(tx, [_stuck(row, why) for row in rows], city_id=city_id, now=now)
    known = {row["payout_id"] for row in rows}
    return [i in known for i in ids]


async def ask_soon(tx: Tx, ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[bool]:
    """Ask about these at the next round; a person wants to know. True for those that are unknown now."""
    rows = await tx.rows(
        """update settlement.payouts set next_at = %(now)s
           where city_id = %(city)s and payout_id = any(%(ids)s::uuid[]) and state = 'unknown' returning payout_id""",
        city=city_id,
        now=now - timedelta(microseconds=1),
        ids=sorted(set(ids)),
    )
    found = {row["payout_id"] for row in rows}
    return [i in found for i in ids]


def _stuck(row: dict[str, Any], why: str) -> _steps.Open:
    return _steps.Open(
        kind="stuck", ref=row["payout_id"], payee_kind=row["payee_kind"], payee_id=row["payee_id"], note=why
    )
