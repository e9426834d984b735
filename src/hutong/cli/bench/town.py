"""The town of a bench: a new city with shops and shelves of a chosen size, loaded in sets through the operations."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, merchants, places, settlement
from hutong.catalog import Category, Draft
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.access import EVERYTHING
from hutong.kit.geo import Point
from hutong.kit.ids import OFFER, STORE, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.merchants import AddMerchant, AddStore, Hours
from hutong.settlement import Rule

ZONE, ASSET = "Asia/Shanghai", "CNY"
CENTRE = Point(31.2000, 118.6000)
CATEGORY = Category(slug="bench-deals", name=Text(zh="测速", en="Measured deals"))
FIRST_CITY = 8_001
COMMISSION = 800  # basis points
SALE = timedelta(days=30)  # from an hour ago on
TERMS = Terms(valid_days=90)
PIECES = (500, 2_500)  # offers in the first transaction, and in the others


class Shop(Struct, frozen=True, kw_only=True):
    """A merchant with one store and what it sells."""

    merchant_id: UUID
    store_id: UUID
    offers: tuple[UUID, ...]


class Town(Struct, frozen=True, kw_only=True):
    """Where a bench takes place."""

    city_id: int
    slug: str
    shops: tuple[Shop, ...]
    quota: int

    @property
    def offers(self) -> list[UUID]:
        return [offer for shop in self.shops for offer in shop.offers]

    def offer_names(self) -> list[str]:
        """The offers' ids as the API shows them."""
        return [OFFER.show(offer, self.city_id) for offer in self.offers]

    def store_names(self) -> list[str]:
        """The stores' ids as the API shows them."""
        return [STORE.show(shop.store_id, self.city_id) for shop in self.shops]


async def build(
    db: Database,
    *,
    shops: int,
    offers: int,
    quota: int,
    price: int,
    now: datetime,
    settle: Callable[[], object] = lambda: None,
    sale: timedelta = SALE,
    terms: Terms = TERMS,
) -> Town:
    """A city with so many shops, each with so many offers of `quota` units at `price` (fen).

    `settle` lets PostgreSQL learn how much there is by now: plans for empty tables are slow on full ones.
    """
    opened = now - timedelta(days=1)
    city_id, slug = await _open_city(db, opened)
    root = new_id()
    made = tuple(_shop(derive(root, f"shop/{n}"), offers) for n in range(shops))
    async with db.central() as tx:
        _sure(await catalog.add_categories(tx, [CATEGORY]))
        _sure(await merchants.add_merchants(tx, [_merchant(s, n, city_id) for n, s in enumerate(made)], now=opened))
        await settlement.add_rules(tx, [_rule(s, opened) for s in made])
    for some in _pieces(list(enumerate(made)), offers):
        await _fill(db, city_id, some, quota, price, now=now, sale=sale, terms=terms)
        settle()
    return Town(city_id=city_id, slug=slug, shops=made, quota=quota)


def _pieces(shops: list[tuple[int, Shop]], offers: int) -> Iterator[list[tuple[int, Shop]]]:
    small, large = (max(1, piece // offers) for piece in PIECES)
    yield shops[:small]
    for first in range(small, len(shops), large):
        yield shops[first : first + large]


async def _fill(
    db: Database, city_id: int, shops: Sequence[tuple[int, Shop]], quota: int, price: int, *, now: datetime,
    sale: timedelta, terms: Terms,
) -> None:  # fmt: skip
    """Stores, quotas and offers of some shops, in one transaction."""
    async with db.city(city_id) as tx:
        stores = [_store(s, n) for n, s in shops]
        _sure(await merchants.add_stores(tx, stores, city_id=city_id, scope=EVERYTHING, now=now))
        quotas = [
            OpenQuota(quota_id=offer, label=f"{n}/{k}", total=quota)
            for n, s in shops for k, offer in enumerate(s.offers)
        ]  # fmt: skip
        await inventory.open_quotas(tx, quotas, city_id=city_id, now=now)
        drafts = [_draft(s, n, k, price, now, sale, terms) for n, s in shops for k in range(len(s.offers))]
        _sure(await catalog.publish(tx, drafts, city_id=city_id, now=now))


async def _open_city(db: Database, now: datetime) -> tuple[int, str]:
    async with db.central() as tx:
        taken = {city.city_id for city in await places.cities(tx)}
        city_id = next(n for n in range(FIRST_CITY, FIRST_CITY + len(taken) + 1) if n not in taken)
        city = places.AddCity(
            city_id=city_id, slug=f"bench-{city_id}", name=_both(f"测速城 {city_id}"), zone=ZONE, currency=ASSET,
            languages=("zh", "en"), centre=CENTRE, opened_at=now,
        )  # fmt: skip
        _sure(await places.add_cities(tx, [city]))
    return city_id, city.slug


def _shop(own: UUID, offers: int) -> Shop:
    return Shop(
        merchant_id=derive(own, "merchant"), store_id=derive(own, "store"),
        offers=tuple(derive(own, f"offer/{k}") for k in range(offers)),
    )  # fmt: skip


def _merchant(shop: Shop, number: int, city_id: int) -> AddMerchant:
    return AddMerchant(
        merchant_id=shop.merchant_id, city_id=city_id, name=_both(f"测速小店 {number}"), trade="restaurant"
    )


def _rule(shop: Shop, now: datetime) -> Rule:
    return Rule(
        rule_id=derive(shop.merchant_id, "commission"), version=1, merchant_id=shop.merchant_id,
        commission_bps=COMMISSION, valid_from=now,
    )  # fmt: skip


def _store(shop: Shop, number: int) -> AddStore:
    place = Point(round(CENTRE.lat + number % 100 / 2_000, 6), round(CENTRE.lon + number // 100 / 2_000, 6))
    return AddStore(
        store_id=shop.store_id, merchant_id=shop.merchant_id, name=_both(f"测速小店 {number}"), place=place,
        address=_both(f"测速路 {number}"), category=CATEGORY.slug, hours=Hours.parse("24h"),
    )  # fmt: skip


def _draft(
    shop: Shop, number: int, offer: int, price: int, now: datetime, sale: timedelta, terms: Terms
) -> Draft:  # fmt: skip
    return Draft(
        offer_id=shop.offers[offer], merchant_id=shop.merchant_id, by=None, category=CATEGORY.slug,
        title=_both(f"套餐 {number}-{offer}"), price=Amount(price, ASSET), list_price=Amount(price + 1_000, ASSET),
        terms=terms, store_ids=(shop.store_id,), quota_id=shop.offers[offer],
        sale_from=now - timedelta(hours=1), sale_to=now + sale,
    )  # fmt: skip


def _both(said: str) -> Text:
    return Text(zh=said, en=said)


def _sure(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
