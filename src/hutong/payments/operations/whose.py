"""Whose money findings are about: read before anything is locked, so that orders are locked before payments."""

from collections.abc import Sequence
from operator import attrgetter
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.payments.model import Kind, Purpose, read_number
from hutong.payments.port import Finding, number_of


class Owner(Struct, frozen=True):
    """What a payment is for: an order, a bill of a till, a block of points money."""

    id: UUID
    purpose: Purpose


async def owners_of(tx: Tx, findings: Sequence[Finding], *, city_id: int) -> list[Owner | None]:
    """What each finding is about, in the order of the list; None of an unknown number. Locks nothing."""
    named = [read_number(number_of(f), city_id) for f in findings]
    known = [found for found in named if found is not None]
    rows = await tx.rows(
        """select p.payment_id as id, 'payment' as kind, p.order_id, p.purpose from payments.payments p
           where p.city_id = %(city)s and p.payment_id = any(%(payments)s::uuid[])
           union all
           select r.refund_id, 'refund', p.order_id, p.purpose from payments.refunds r
           join payments.payments p on p.city_id = %(city)s and p.payment_id = r.payment_id
           where r.city_id = %(city)s and r.refund_id = any(%(refunds)s::uuid[])""",
        city=city_id,
        payments=[one for kind, one in known if kind == "payment"],
        refunds=[one for kind, one in known if kind == "refund"],
    )
    found: dict[tuple[Kind, UUID], Owner] = {
        (row["kind"], row["id"]): Owner(row["order_id"], row["purpose"]) for row in rows
    }
    return [found.get(one) if one is not None else None for one in named]


async def orders_of(tx: Tx, findings: Sequence[Finding], *, city_id: int) -> list[UUID]:
    """What findings are about, each once, sorted; unknown numbers have none. Locks nothing."""
    return ids_of(await owners_of(tx, findings, city_id=city_id))


def ids_of(owners: Sequence[Owner | None]) -> list[UUID]:
    """The ids of these, each once, sorted as the database sorts them."""
    return sorted({owner.id for owner in owners if owner is not None}, key=attrgetter("int"))
