"""Reads of cards. Who may see is the caller's."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hutong.cards.model import Batch, Closing, Number, Tier
from hutong.infra.db import Tx


def as_closing(row: dict[str, Any]) -> Closing:
    """A row of cards.closings as a value."""
    return Closing(**{name: row[name] for name in Closing.__struct_fields__})


async def closings(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> list[Closing]:
    """The closings of these merchants and their stores, oldest first."""
    rows = await tx.rows(
        """select * from cards.closings where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[])
           order by opened_at, closing_id""",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )
    return [as_closing(row) for row in rows]


def as_number(row: dict[str, Any]) -> Number:
    """A row of cards.numbers as a value, without its digest."""
    return Number(**{name: row[name] for name in Number.__struct_fields__})


async def number(tx: Tx, text: str, *, city_id: int) -> Number | None:
    """The card with this number. For the house: whoever presents it must be kept from trying numbers."""
    row = await tx.row(
        "select * from cards.numbers where city_id = %(city)s and number = %(number)s", city=city_id, number=text
    )
    return as_number(row) if row else None


async def numbers_of(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Number]:
    """The number under which each of these rights goes now, good or blocked; absent when it has none."""
    rows = await tx.rows(
        """select * from cards.numbers
           where city_id = %(city)s and voucher_id = any(%(ids)s::uuid[]) and state in ('active', 'blocked')""",
        city=city_id,
        ids=sorted(set(voucher_ids)),
    )
    return {row["voucher_id"]: as_number(row) for row in rows}


async def batches_of(tx: Tx, merchant_id: UUID, *, city_id: int, limit: int = 100) -> list[Batch]:
    """The batches of a merchant, newest first."""
    rows = await tx.rows(
        """select b.batch_id, b.offer_id, b.merchant_id, b.label, b.count, b.at,
                  count(n.number) filter (where n.state in ('active', 'blocked', 'replaced'))::int as active,
                  count(n.number) filter (where n.state = 'void')::int as void
           from cards.batches b
           join cards.numbers n on n.city_id = %(city)s and n.batch_id = b.batch_id
           where b.city_id = %(city)s and b.merchant_id = %(merchant)s
           group by b.batch_id, b.offer_id, b.merchant_id, b.label, b.count, b.at
           order by b.at desc, b.batch_id desc limit %(limit)s""",
        city=city_id,
        merchant=merchant_id,
        limit=limit,
    )
    return [Batch(**row) for row in rows]


_TIER = "select offer_id, merchant_id, tier, percent, at from cards.tiers where city_id = %(city)s and left_at is null"


async def tiers(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> list[Tier]:
    """Who takes these cards and what each tier takes off there."""
    rows = await tx.rows(
        f"{_TIER} and offer_id = any(%(ids)s::uuid[]) order by offer_id, merchant_id, tier",
        city=city_id, ids=sorted(set(offer_ids)),
    )  # fmt: skip
    return [Tier(**row) for row in rows]


async def tiers_at(
    tx: Tx, offer_ids: Sequence[UUID], merchant_ids: Sequence[UUID], *, city_id: int
) -> dict[tuple[UUID, UUID, str], Tier]:
    """What these cards take off at these merchants, by (offer, merchant, tier)."""
    if not offer_ids or not merchant_ids:
        return {}
    rows = await tx.rows(
        f"{_TIER} and offer_id = any(%(ids)s::uuid[]) and merchant_id = any(%(merchants)s::uuid[])",
        city=city_id, ids=sorted(set(offer_ids)), merchants=sorted(set(merchant_ids)),
    )  # fmt: skip
    return {(row["offer_id"], row["merchant_id"], row["tier"]): Tier(**row) for row in rows}


async def joined(tx: Tx, merchant_id: UUID, *, city_id: int) -> list[Tier]:
    """The cards that a merchant takes."""
    rows = await tx.rows(
        f"{_TIER} and merchant_id = %(merchant)s order by offer_id, tier", city=city_id, merchant=merchant_id
    )
    return [Tier(**row) for row in rows]
