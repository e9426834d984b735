"""A small town for tests of the catalog: a city with districts, categories, merchants with stores, drafts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import catalog, merchants, places
from hutong.catalog import Category, Draft, Offer
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING
from hutong.kit.geo import Point
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.merchants import AddMerchant, AddStore, Hours, Merchant, Store

CENTRE = Point(31.2304, 121.4737)  # the people's square of the town
CATEGORIES = [
    Category(slug="food", name=Text(zh="美食", en="Food"), position=1),
    Category(slug="noodles", name=Text(zh="面馆", en="Noodles"), parent="food", position=1),
    Category(slug="hotpot", name=Text(zh="火锅", en="Hot pot"), parent="food", position=2),
    Category(slug="ktv", name=Text(zh="KTV", en="KTV"), position=2),
]


def yuan(units: int) -> Amount:
    return Amount(units, "CNY")


def beside(metres_north: float, metres_east: float = 0) -> Point:
    """A point so many metres from the centre (near enough for an order)."""
    return Point(CENTRE.lat + metres_north / 111_195, CENTRE.lon + metres_east / 95_100)


async def a_city(db: Database, city_id: int = 1, slug: str = "hushi") -> int:
    """A city with two districts and the categories."""
    async with db.central() as tx:
        name = Text(zh="沪市", en="Hushi")
        await places.add_cities(tx, [places.AddCity(city_id=city_id, slug=slug, name=name, centre=CENTRE)])
        await places.add_districts(
            tx,
            [
                places.AddDistrict(
                    city_id=city_id, district_id=1, slug="old-town", name=Text(zh="老城", en="Old Town"), centre=CENTRE
                ),
                places.AddDistrict(
                    city_id=city_id, district_id=2, slug="harbour", name=Text(zh="港湾", en="Harbour"), centre=CENTRE
                ),
            ],
        )
        await catalog.add_categories(tx, CATEGORIES)
    return city_id


async def a_merchant(db: Database, zh: str, en: str, *, now: datetime) -> UUID:
    merchant_id = new_id()
    request = AddMerchant(merchant_id=merchant_id, city_id=1, name=Text(zh=zh, en=en), trade="restaurant")
    async with db.central() as tx:
        (merchant,) = await merchants.add_merchants(tx, [request], now=now)
    assert isinstance(merchant, Merchant), merchant
    return merchant_id


async def a_store(
    db: Database, merchant_id: UUID, point: Point = CENTRE, *, zh: str = "总店", en: str = "Main shop", city: int = 1,
    category: str = "noodles", district: int | None = 1, now: datetime,
) -> UUID:  # fmt: skip
    request = AddStore(
        store_id=new_id(), merchant_id=merchant_id, name=Text(zh=zh, en=en), place=point, category=category,
        address=Text(zh="人民路1号", en="1 Renmin Road"), hours=Hours.parse("10:00-22:00"), district_id=district,
    )  # fmt: skip
    async with db.city(city) as tx:
        (store,) = await merchants.add_stores(tx, [request], city_id=city, scope=EVERYTHING, now=now)
    assert isinstance(store, Store), store
    return store.store_id


def a_draft(merchant_id: UUID, *store_ids: UUID, now: datetime, **changes: Any) -> Draft:
    fields: dict[str, Any] = {
        "offer_id": new_id(),
        "merchant_id": merchant_id,
        "by": merchant_id,
        "category": "noodles",
        "title": Text(zh="牛肉面双人餐", en="Beef noodles for two"),
        "price": yuan(6_800),
        "list_price": yuan(9_900),
        "store_ids": store_ids,
        "sale_from": now - timedelta(days=1),
        "sale_to": now + timedelta(days=30),
    } | changes
    return Draft(**fields)


async def published(db: Database, *drafts: Draft, now: datetime, city: int = 1) -> list[Offer]:
    """These drafts, on the shelf."""
    async with db.city(city) as tx:
        results = await catalog.publish(tx, drafts, city_id=city, now=now)
    assert all(isinstance(offer, Offer) and offer.status == "published" for offer in results), results
    return [offer for offer in results if isinstance(offer, Offer)]
