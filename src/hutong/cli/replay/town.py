"""The town in which a replay takes place: a city of its own, and for each recorded deal a merchant, a store, an offer.

Everything goes through the operations of the packages. A replay on a database that is kept makes a new city each time.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, merchants, places, settlement
from hutong.catalog import Category, Draft
from hutong.cli.replay.crowd import spoken
from hutong.cli.replay.rows import ASSET, Row
from hutong.infra.db import Database
from hutong.infra.delivery import first_id_at
from hutong.inventory import OpenQuota
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import day_start
from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.merchants import AddMerchant, AddStore, Hours
from hutong.settlement import Rule

ZONE = "America/New_York"
CENTRE = Point(42.3601, -71.0589)
CATEGORY = Category(slug="replayed-deals", name=Text(zh="历史团购", en="Replayed deals"))
COMMISSION = 800  # basis points of what the merchant's side is due
FIRST_CITY = 9_001


class Deal(Struct, frozen=True, kw_only=True):
    """A recorded deal in the town."""

    row: Row
    merchant_id: UUID
    store_id: UUID
    offer_id: UUID
    till_id: UUID

    @property
    def name(self) -> str:
        return spoken(self.row.deal_id)


class Town(Struct, frozen=True, kw_only=True):
    """Where the replay takes place."""

    city_id: int
    root: UUID
    deals: tuple[Deal, ...]


def night(day: date) -> datetime:
    """The first instant of a day in the town."""
    return day_start(day, ZONE)


async def build(db: Database, rows: Sequence[Row]) -> Town:
    """Open the city, admit the merchants, publish the offers: all before the first sale begins."""
    now = night(min(row.start for row in rows)) - timedelta(days=1)
    city_id = await _open_city(db, now)
    root = derive(first_id_at(now), f"replay/{city_id}")
    deals = tuple(_deal(row, root) for row in rows)
    async with db.central() as tx:
        _sure(await catalog.add_categories(tx, [CATEGORY]))
        admitted = [
            AddMerchant(merchant_id=d.merchant_id, city_id=city_id, name=_both(d.name), trade="restaurant")
            for d in deals
        ]
        _sure(await merchants.add_merchants(tx, admitted, now=now))
        await settlement.add_rules(tx, [_rule(d, now) for d in deals])
    async with db.city(city_id) as tx:
        stores = [_store(d) for d in deals]
        _sure(await merchants.add_stores(tx, stores, city_id=city_id, scope=EVERYTHING, now=now))
        quotas = [OpenQuota(quota_id=d.offer_id, label=d.name, total=d.row.quantity) for d in deals]
        await inventory.open_quotas(tx, quotas, city_id=city_id, now=now)
    async with db.city(city_id) as tx:
        _sure(await catalog.publish(tx, [_draft(d) for d in deals], city_id=city_id, now=now))
    return Town(city_id=city_id, root=root, deals=deals)


async def _open_city(db: Database, now: datetime) -> int:
    async with db.central() as tx:
        taken = {city.city_id for city in await places.cities(tx)}
        city_id = next(n for n in range(FIRST_CITY, FIRST_CITY + len(taken) + 1) if n not in taken)
        name = Text(zh=f"回放城 {city_id}", en=f"Replay Town {city_id}")
        city = places.AddCity(
            city_id=city_id, slug=f"replay-{city_id}", name=name, zone=ZONE, currency=ASSET, languages=("en", "zh"),
            centre=CENTRE, opened_at=now,
        )  # fmt: skip
        _sure(await places.add_cities(tx, [city]))
    return city_id


def _deal(row: Row, root: UUID) -> Deal:
    own = derive(root, f"deal/{row.deal_id}")
    return Deal(
        row=row, merchant_id=derive(own, "merchant"), store_id=derive(own, "store"), offer_id=derive(own, "offer"),
        till_id=derive(own, "till"),
    )  # fmt: skip


def _rule(deal: Deal, now: datetime) -> Rule:
    rule_id = derive(deal.merchant_id, "commission")
    return Rule(
        rule_id=rule_id, version=1, merchant_id=deal.merchant_id, commission_bps=COMMISSION, valid_from=now
    )  # fmt: skip


def _store(deal: Deal) -> AddStore:
    address = Text(zh="不详", en="not recorded")
    return AddStore(
        store_id=deal.store_id, merchant_id=deal.merchant_id, name=_both(deal.name), place=CENTRE, address=address,
        category=CATEGORY.slug, hours=Hours.parse("24h"),
    )  # fmt: skip


def _draft(deal: Deal) -> Draft:
    row = deal.row
    return Draft(
        offer_id=deal.offer_id, merchant_id=deal.merchant_id, by=None, category=CATEGORY.slug, title=_both(deal.name),
        price=Amount(row.price, ASSET), list_price=Amount(row.list_price, ASSET), terms=Terms(valid_until=row.last_use),
        store_ids=(deal.store_id,), quota_id=deal.offer_id, min_units=row.min_units, sale_from=night(row.start),
        sale_to=night(row.end),
    )  # fmt: skip


def _both(words: str) -> Text:
    return Text(zh=words, en=words)


def _sure(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
