"""What an offer may refer to: categories that exist, and stores of its own merchant."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from hutong import merchants
from hutong.catalog.queries.offers import categories
from hutong.catalog.refusals import StoreOfAnother, UnknownCategory
from hutong.infra.db import Tx


async def unknown_categories(tx: Tx, slugs: Iterable[str]) -> dict[str, UnknownCategory]:
    """A refusal for each slug that is no category."""
    asked = set(slugs)
    known = {category.slug for category in await categories(tx)} if asked else set()
    return {slug: UnknownCategory(category=slug) for slug in asked - known}


async def why_not_stores(
    tx: Tx, wanted: Sequence[tuple[UUID | None, Sequence[UUID]]], *, city_id: int
) -> list[StoreOfAnother | None]:
    """For each (merchant, stores): a refusal unless all stores are stores of the merchant in this city."""
    asked = sorted({store_id for _, store_ids in wanted for store_id in store_ids})
    found = await merchants.stores(tx, city_id, asked) if asked else {}
    owner = {store_id: store.merchant_id for store_id, store in found.items()}
    return [
        StoreOfAnother() if any(owner.get(store_id) != merchant_id for store_id in store_ids) else None
        for merchant_id, store_ids in wanted
    ]
