"""Stores as `merchants` knows them, and as the catalog shows them."""

from collections.abc import Sequence
from uuid import UUID

from hutong import merchants
from hutong.catalog.model import StoreDoc
from hutong.infra.db import Tx
from hutong.merchants import Merchant, Store


async def docs_of_stores(tx: Tx, store_ids: Sequence[UUID], *, city_id: int) -> list[StoreDoc]:
    """What the catalog shows of these stores; an unknown one is left out."""
    stores = await merchants.stores(tx, city_id, store_ids)
    owners = await merchants.merchants(tx, [store.merchant_id for store in stores.values()])
    photos = await merchants.photos(tx, city_id, list(stores))
    return [
        _doc(store, owners[store.merchant_id], next((photo.file for photo in photos.get(key, [])), ""))
        for key, store in sorted(stores.items())
    ]


def _doc(store: Store, owner: Merchant, cover: str) -> StoreDoc:
    return StoreDoc(
        store_id=store.store_id, merchant_id=store.merchant_id, merchant_name=owner.name, name=store.name,
        address=store.address, category=store.category, district_id=store.district_id, point=store.place,
        hours=store.hours.numbers(), cover=cover, visible=store.status == "open" and owner.status == "active",
    )  # fmt: skip
