"""Hangs the painted pictures over the doors of the demo: one for each store, through the operations."""

import asyncio
from datetime import datetime

from hutong import catalog, merchants
from hutong.cli.demo.city_data import CityData, CityInfo
from hutong.cli.demo.load import store_id
from hutong.cli.demo.paint import shop
from hutong.infra.db import Database
from hutong.infra.files import Files
from hutong.kit.access import EVERYTHING
from hutong.kit.ids import derive
from hutong.kit.text import Text
from hutong.merchants import AddPhoto


async def hang_pictures(db: Database, files: Files, data: CityData, *, now: datetime) -> int:
    """Every store of the demo has its picture afterwards; gives how many were new. Doing it twice changes nothing."""
    return sum([await _hang(db, files, data, city, now) for city in data.cities])


async def _hang(db: Database, files: Files, data: CityData, city: CityInfo, now: datetime) -> int:
    """Paint what is missing (in a thread: it is work), keep the files, then note them in one transaction."""
    branches = {child.slug: top.slug for top in data.categories for child in top.children}
    stores = {store_id(s.slug): (m, s) for m in data.merchants_of(city.slug) for s in m.stores}
    async with db.reading(city.city_id) as tx:
        there = await merchants.photos(tx, city.city_id, list(stores))
    asks = []
    for key, (merchant, store) in stores.items():
        if there.get(key):
            continue
        branch = branches.get(merchant.category, merchant.category)
        file = await files.put(await asyncio.to_thread(shop, store.slug, branch), "image/webp")
        alt = Text(zh=f"{store.name.zh}的门面（插画）", en=f"The front of {store.name.en} (drawn)")
        asks.append(AddPhoto(photo_id=derive(key, "front"), store_id=key, file=file, alt=alt))
    async with db.city(city.city_id) as tx:
        await merchants.add_photos(tx, asks, city_id=city.city_id, scope=EVERYTHING, now=now)
        await catalog.refresh_stores(tx, [ask.store_id for ask in asks], city_id=city.city_id, now=now)
    return len(asks)
