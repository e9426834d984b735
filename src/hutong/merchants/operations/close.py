"""A merchant closes for good."""

from collections.abc import Sequence
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import NotFound, Refusal
from hutong.merchants.model import Merchant
from hutong.merchants.queries import merchants


async def close_merchants(tx: Tx, merchant_ids: Sequence[UUID]) -> list[Merchant | Refusal]:
    """Close merchants whose stores are closed in every city; one that is closed stays so. Refusal: not_found.

    The edge asks who may. Reference tables: use `db.central()`.
    """
    await tx.run(
        "update merchants.merchants set status = 'closed' where merchant_id = any(%(ids)s::uuid[])",
        ids=sorted(set(merchant_ids)),
    )
    there = await merchants(tx, merchant_ids)
    return [there.get(merchant_id) or NotFound() for merchant_id in merchant_ids]
