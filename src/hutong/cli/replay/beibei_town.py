"""The town of the recorded groups: a deal for each item and size of a team, in a hundred shops.

Everything goes through the operations of the packages. A replay on a database that is kept makes a new city each time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import catalog, merchants, places, settlement
from hutong.catalog import Category, Draft, Team
from hutong.cli.replay.beibei_rows import Row
from hutong.infra.db import Database
from hutong.infra.delivery import first_id_at
from hutong.kit.access import EVERYTHING
from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.merchants import AddMerchant, AddStore, Hours
from hutong.settlement import Rule

ZONE, ASSET = "Asia/Shanghai", "CNY"
CENTRE = Point(30.2741, 120.1551)
CATEGORY = Category(slug="replayed-groups", name=Text(zh="历史拼团", en="Replayed groups"))
BEGIN = datetime(2020, 6, 1, tzinfo=UTC)
LAST = datetime(2120, 1, 1, tzinfo=UTC)  # no day of a replay comes later
FIRST_CITY = 9_501
SHOPS = 100
HOURS = 24
PRICE, ALONE = 5_900, 7_900  # nothing was recorded: one price for all
AT_ONCE = 1_000


class Town(Struct, frozen=True, kw_only=True):
    """Where the replay takes place: the offer for each item and size."""

    city_id: int
    root: UUID
    offers: dict[tuple[int, int], UUID]


async def build(db: Database, rows: Sequence[Row]) -> Town:
    """Open the city and its shops, and publish the deals before the first group is opened."""
    now = BEGIN - timedelta(days=1)
    city_id = await _open_city(db, now)
    root = derive(first_id_at(now), f"beibei/{city_id}")
    shops = [derive(root, f"shop/{n}") for n in range(SHOPS)]
    async with db.central() as tx:
        _sure(await catalog.add_categories(tx, [CATEGORY]))
        admitted = [
            AddMerchant(merchant_id=shop, city_id=city_id, name=Text.both(f"Shop {n}"), trade="shop")
            for n, shop in enumerate(shops)
        ]
        _sure(await merchants.add_merchants(tx, admitted, now=now))
        await settlement.add_rules(tx, [_rule(shop, now) for shop in shops])
    async with db.city(city_id) as tx:
        _sure(
            await merchants.add_stores(tx, [_store(s) for s in shops], city_id=city_id, scope=EVERYTHING, now=now)
        )  # fmt: skip
    offers = {key: derive(root, f"deal/{key[0]}/{key[1]}") for key in sorted({(row.item, row.size) for row in rows})}
    drafts = [_draft(offer_id, shops[item % SHOPS], item, size) for (item, size), offer_id in offers.items()]
    for start in range(0, len(drafts), AT_ONCE):
        async with db.city(city_id) as tx:
            _sure(await catalog.publish(tx, drafts[start : start + AT_ONCE], city_id=city_id, now=now))
    return Town(city_id=city_id, root=root, offers=offers)


async def _open_city(db: Database, now: datetime) -> int:
    async with db.central() as tx:
        taken = {city.city_id for city in await places.cities(tx)}
        city_id = next(n for n in range(FIRST_CITY, FIRST_CITY + len(taken) + 1) if n not in taken)
        city = places.AddCity(
            city_id=city_id, slug=f"groups-{city_id}", name=Text(zh=f"拼团城 {city_id}", en=f"Group Town {city_id}"),
            zone=ZONE, currency=ASSET, languages=("zh", "en"), centre=CENTRE, opened_at=now,
        )  # fmt: skip
        _sure(await places.add_cities(tx, [city]))
    return city_id


def _rule(shop: UUID, now: datetime) -> Rule:
    rule_id = derive(shop, "commission")
    return Rule(rule_id=rule_id, version=1, merchant_id=shop, commission_bps=500, valid_from=now)


def _store(shop: UUID) -> AddStore:
    return AddStore(
        store_id=derive(shop, "store"), merchant_id=shop, name=Text.both("Shop"), place=CENTRE,
        address=Text(zh="不详", en="not recorded"), category=CATEGORY.slug, hours=Hours.parse("24h"),
    )  # fmt: skip


def _draft(offer_id: UUID, shop: UUID, item: int, size: int) -> Draft:
    return Draft(
        offer_id=offer_id, merchant_id=shop, by=None, category=CATEGORY.slug,
        title=Text(zh=f"商品 {item} {size} 人团", en=f"Item {item} for {size}"), price=Amount(PRICE, ASSET),
        list_price=Amount(ALONE, ASSET), terms=Terms(valid_until=LAST.date()), store_ids=(derive(shop, "store"),),
        form=Team(size=size, hours=HOURS, alone_units=ALONE), sale_from=BEGIN - timedelta(days=1), sale_to=LAST,
    )  # fmt: skip


def _sure(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
