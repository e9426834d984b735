"""Rows of the tables as values, and back: what operations and queries of this package share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.payments.model import Change, Payment, Refund


def payment_of(row: dict[str, Any]) -> Payment:
    """A payment from its row."""
    taken = row["captured_asset"]
    return Payment(
        city_id=row["city_id"],
        payment_id=row["payment_id"],
        order_id=row["order_id"],
        provider=row["provider"],
        amount=Amount(row["units"], row["asset"]),
        description=row["description"],
        state=row["state"],
        seq=row["seq"],
        provider_no=row["provider_no"],
        pay_url=row["pay_url"],
        failure=row["failure"],
        captured=Amount(row["captured_units"], taken) if taken else None,
        captured_at=row["captured_at"],
        refunding=row["refunding_units"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        close_asked_at=row["close_asked_at"],
        tries=row["tries"],
        purpose=row["purpose"],
    )


def refund_of(row: dict[str, Any]) -> Refund:
    """A refund from its row."""
    return Refund(
        city_id=row["city_id"],
        refund_id=row["refund_id"],
        payment_id=row["payment_id"],
        provider=row["provider"],
        amount=Amount(row["units"], row["asset"]),
        reason=row["reason"],
        state=row["state"],
        seq=row["seq"],
        provider_no=row["provider_no"],
        failure=row["failure"],
        asked_at=row["asked_at"],
        ended_at=row["ended_at"],
        tries=row["tries"],
    )


async def note(tx: Tx, changes: Sequence[Change], *, city_id: int, now: datetime) -> None:
    """Write history. A change of the same subject and number cannot be written twice."""
    if not changes:
        return
    await tx.run(
        """insert into payments.changes (city_id, subject, seq, state, at, cause, provider, event_id)
           select %(city)s, c.subject, c.seq, c.state, %(now)s, c.cause, c.provider, c.event_id
           from unnest(%(subjects)s::uuid[], %(seqs)s::int[], %(states)s::text[], %(causes)s::text[],
                       %(providers)s::text[], %(events)s::text[])
                as c(subject, seq, state, cause, provider, event_id)""",
        city=city_id,
        now=now,
        subjects=[c.subject for c in changes],
        seqs=[c.seq for c in changes],
        states=[c.state for c in changes],
        causes=[c.cause for c in changes],
        providers=[c.provider for c in changes],
        events=[c.event_id for c in changes],
    )


async def lock_payments(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Payment]:
    """The payments, locked in the order of their ids."""
    rows = await tx.rows(
        """select * from payments.payments where city_id = %(city)s and payment_id = any(%(ids)s::uuid[])
           order by payment_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["payment_id"]: payment_of(row) for row in rows}


async def lock_refunds(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Refund]:
    """The refunds, locked in the order of their ids; lock their payments first."""
    rows = await tx.rows(
        """select * from payments.refunds where city_id = %(city)s and refund_id = any(%(ids)s::uuid[])
           order by refund_id for no key update""",
        city=city_id,
        ids=sorted(set(ids)),
    )
    return {row["refund_id"]: refund_of(row) for row in rows}
