"""Blocks of points money: asked for at a provider, or taken out of what a merchant has earned."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import ledger, programmes
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.payments import Captured
from hutong.programmes import Fund

Row = Mapping[str, Any]


async def lock(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Row]:
    """The blocks, locked in sorted order."""
    if not ids:
        return {}
    rows = await tx.rows(
        """select * from till.blocks where city_id = %(city)s and block_id = any(%(ids)s::uuid[])
           order by block_id for no key update""",
        city=city_id,
        ids=sorted(ids),
    )
    return {row["block_id"]: row for row in rows}


def waits(block: Row | None) -> bool:
    """Whether the block is still to be paid."""
    return block is not None and block["state"] == "open"


async def pay(
    tx: Tx, captures: Sequence[Captured], *, blocks: Mapping[UUID, Row], city_id: int, now: datetime
) -> list[Captured]:
    """Add the blocks whose money came; the captures that the programme would not have (they go back)."""
    if not captures:
        return []
    asks = [fund_of(blocks[c.order_id], ledger.chart.provider(c.provider).path, city_id) for c in captures]
    results = await programmes.fund(tx, asks, now=now)
    good = [c for c, result in zip(captures, results, strict=True) if not isinstance(result, Refusal)]
    await tx.run(
        """update till.blocks b set state = 'paid', paid_at = %(now)s
           where b.city_id = %(city)s and b.block_id = any(%(ids)s::uuid[])""",
        city=city_id,
        now=now,
        ids=[c.order_id for c in good],
    )
    return [c for c, result in zip(captures, results, strict=True) if isinstance(result, Refusal)]


def fund_of(block: Row, debit_path: str, city_id: int) -> Fund:
    """The block as the programme takes it, out of this account of the city."""
    return Fund(
        block_id=block["block_id"], programme_id=block["programme_id"], partner_id=block["merchant_id"],
        city_id=city_id, amount=Amount(block["units"], block["asset"]), debit_path=debit_path,
    )  # fmt: skip
