"""Whose money findings are about: read before anything is locked, so that orders are locked before payments."""

from collections.abc import Sequence
from operator import attrgetter
from uuid import UUID

from hutong.infra.db import Tx
from hutong.payments.model import read_number
from hutong.payments.port import Finding, number_of


async def orders_of(tx: Tx, findings: Sequence[Finding], *, city_id: int) -> list[UUID]:
    """The orders that findings are about, each once, sorted; unknown numbers have none. Locks nothing."""
    named = [found for found in (read_number(number_of(f), city_id) for f in findings) if found is not None]
    rows = await tx.rows(
        """select p.order_id from payments.payments p
           where p.city_id = %(city)s and p.payment_id = any(%(payments)s::uuid[])
           union
           select p.order_id from payments.refunds r
           join payments.payments p on p.city_id = %(city)s and p.payment_id = r.payment_id
           where r.city_id = %(city)s and r.refund_id = any(%(refunds)s::uuid[])""",
        city=city_id,
        payments=[one for kind, one in named if kind == "payment"],
        refunds=[one for kind, one in named if kind == "refund"],
    )
    return sorted((row["order_id"] for row in rows), key=attrgetter("int"))
