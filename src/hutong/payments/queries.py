"""Reads. They ask by ids that the caller may see already (orders decide that); absent ids give None or nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.payments._rows import payment_of, refund_of
from hutong.payments.model import Payment, Refund


class Step(Struct, frozen=True, kw_only=True):
    """One step in the life of a payment or refund."""

    seq: int
    state: str
    at: datetime
    cause: str


async def by_ids(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> list[Payment | None]:
    """The payments, in the order of the ids."""
    rows = await tx.rows(
        "select * from payments.payments where city_id = %(city)s and payment_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=list(ids),
    )
    found = {row["payment_id"]: payment_of(row) for row in rows}
    return [found.get(one) for one in ids]


async def of_orders(tx: Tx, orders: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Payment]]:
    """All payments of each order, oldest first."""
    rows = await tx.rows(
        """select * from payments.payments where city_id = %(city)s and order_id = any(%(orders)s::uuid[])
           order by created_at, payment_id""",
        city=city_id,
        orders=list(orders),
    )
    found: dict[UUID, list[Payment]] = {order: [] for order in orders}
    for row in rows:
        found[row["order_id"]].append(payment_of(row))
    return found


async def captured_at(tx: Tx, provider: str, *, city_id: int) -> list[Payment]:
    """Every payment of the city of which this provider took money, the oldest first. For the packages above."""
    rows = await tx.rows(
        """select * from payments.payments
           where city_id = %(city)s and provider = %(provider)s and captured_asset is not null
           order by captured_at, payment_id""",
        city=city_id,
        provider=provider,
    )
    return [payment_of(row) for row in rows]


async def refunds_by_ids(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> list[Refund | None]:
    """The refunds, in the order of the ids."""
    rows = await tx.rows(
        "select * from payments.refunds where city_id = %(city)s and refund_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=list(ids),
    )
    found = {row["refund_id"]: refund_of(row) for row in rows}
    return [found.get(one) for one in ids]


async def refunds_of(tx: Tx, payments: Sequence[UUID], *, city_id: int) -> dict[UUID, list[Refund]]:
    """All refunds of each payment, oldest first."""
    rows = await tx.rows(
        """select * from payments.refunds where city_id = %(city)s and payment_id = any(%(payments)s::uuid[])
           order by asked_at, refund_id""",
        city=city_id,
        payments=list(payments),
    )
    found: dict[UUID, list[Refund]] = {payment: [] for payment in payments}
    for row in rows:
        found[row["payment_id"]].append(refund_of(row))
    return found


async def history(tx: Tx, subject: UUID, *, city_id: int) -> list[Step]:
    """Every step of a payment or refund, oldest first."""
    rows = await tx.rows(
        """select seq, state, at, cause from payments.changes where city_id = %(city)s and subject = %(subject)s
           order by seq""",
        city=city_id,
        subject=subject,
    )
    return [Step(**row) for row in rows]


async def in_doubt(tx: Tx, *, city_id: int, now: datetime, longer_than: timedelta, limit: int = 100) -> list[Payment]:
    """Payments without a definite end, older than that, oldest first: for the operator's desk."""
    rows = await tx.rows(
        """select * from payments.payments
           where city_id = %(city)s and next_at is not null and created_at < %(before)s
           order by created_at, payment_id limit %(limit)s""",
        city=city_id,
        before=now - longer_than,
        limit=limit,
    )
    return [payment_of(row) for row in rows]
