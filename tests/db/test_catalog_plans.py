"""With thousands of rows the lists and the search still walk an index, and page ten is as near as page one."""

import random
import re
import time
from datetime import timedelta

import pytest

from hutong import catalog, merchants
from hutong.catalog import Narrow, Offer
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING
from hutong.kit.geo import Box
from hutong.kit.text import Text
from hutong.merchants import AddMerchant, AddStore, Hours, Store
from tests.catalog_town import CENTRE, a_city, a_draft, beside, yuan
from tests.conftest import audit_clean

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

STORES, PER_STORE = 1_000, 3
HOURS = Hours.parse("10:00-22:00")
CORNER = Box(south=CENTRE.lat, west=CENTRE.lon, north=CENTRE.lat + 0.02, east=CENTRE.lon + 0.02)
_FIRST = ["老张", "小李", "阿婆", "东街", "西巷", "南城", "北桥", "胡同", "江边", "山里"]
_KIND = [("牛肉面", "noodles"), ("火锅", "hotpot"), ("酸菜鱼", "food"), ("小面", "noodles"), ("串串香", "hotpot")]


async def a_big_town(db: Database, now, stores: int = STORES, per_store: int = PER_STORE) -> list[Offer]:
    """So many stores within ten kilometres, one in a hundred of them a KTV, each with some offers."""
    await a_city(db)
    dice = random.Random(7)
    owners, shops, drafts = [], [], []
    for i in range(stores):
        kind, category = ("KTV", "ktv") if i % 100 == 0 else dice.choice(_KIND)
        merchant, store = new_id(), new_id()
        name = Text(zh=f"{dice.choice(_FIRST)}{kind}{i}", en=f"Shop {i}")
        owners.append(AddMerchant(merchant_id=merchant, city_id=1, name=name, trade="restaurant"))
        spot = beside(dice.uniform(-10_000, 10_000), dice.uniform(-10_000, 10_000))
        shops.append(
            AddStore(
                store_id=store, merchant_id=merchant, name=Text(zh="总店", en="Main"), place=spot, category=category,
                address=Text(zh="人民路", en="Renmin Road"), hours=HOURS, district_id=i % 2 + 1,
            )
        )  # fmt: skip
        for _ in range(per_store):
            title = Text(zh=f"{kind}{dice.randint(1, 6)}人餐", en=f"Set {dice.randint(1, 999)}")
            price = dice.randint(500, 9_000)
            drafts.append(a_draft(merchant, store, now=now, title=title, category=category, price=yuan(price)))
    await _write(db, owners, shops, now)
    offers: list[Offer] = []
    for start in range(0, len(drafts), 2_000):
        async with db.city(1) as tx:
            results = await catalog.publish(tx, drafts[start : start + 2_000], city_id=1, now=now)
        offers += [offer for offer in results if isinstance(offer, Offer)]
    assert len(offers) == len(drafts)
    async with db.city(1) as tx:
        for table in ("offers", "offer_stores", "storefronts", "listings", "search_docs"):
            await tx.run(f"analyze catalog.{table}")
    return offers


async def _write(db: Database, owners: list[AddMerchant], stores: list[AddStore], now) -> None:
    async with db.central() as tx:
        await merchants.add_merchants(tx, owners, now=now)
    async with db.city(1) as tx:
        added = await merchants.add_stores(tx, stores, city_id=1, scope=EVERYTHING, now=now)
    assert all(isinstance(store, Store) for store in added)


async def pad(db: Database) -> None:
    """Many more documents: a few thousand fit into a few pages, which the planner would rather read than an index."""
    async with db.city(1) as tx:
        await tx.run(
            """insert into catalog.search_docs
               select 1, 'offer', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, d.merchant_id, d.title,
                      '{}', array_to_tsvector(array['1.filler' || n]), 'filler ' || n, 0
               from (select merchant_id, title from catalog.search_docs where city_id = 1 limit 1) d,
                    generate_series(1, 40000) n"""
        )
        await tx.run("analyze catalog.search_docs")


class Explainer:
    """Keeps the statements that pass, so that each can be explained with its own values afterwards."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict]] = []

    def __call__(self, sql: str, params: dict) -> None:
        if sql.lstrip().startswith(("with", "--")):
            self.seen.append((sql, params))

    async def plan(self, tx) -> str:
        sql, params = self.seen[-1]
        rows = await tx.rows(f"explain (analyze, costs off, timing off) {sql}", **params)
        return "\n".join(row["QUERY PLAN"] for row in rows)


async def test_lists_and_searches_walk_their_indexes(db: Database, database_url, now):
    began = time.perf_counter()
    await a_big_town(db, now)
    print(f"\nbuilt {STORES * PER_STORE} offers in {time.perf_counter() - began:.1f} s")
    assert await audit_clean(db)
    await pad(db)
    watch = Explainer()
    watched = await Database(database_url, observer=watch).open()
    at = {"city_id": 1, "now": now}
    near = at | {"point": CENTRE}
    calls = {
        "nearest": (lambda tx: catalog.nearby(tx, **near), "listings_near_idx"),
        "nearest ktv": (lambda tx: catalog.nearby(tx, **near, category="ktv"), "listings_"),
        "cheapest food": (lambda tx: catalog.nearby(tx, **near, category="food", sort="price"), "listings_price_idx"),
        "newest": (lambda tx: catalog.nearby(tx, **near, sort="new"), "listings_new_idx"),
        "map of a corner": (lambda tx: catalog.map_cells(tx, **at, box=CORNER, zoom=16), "listings_near_idx"),
        "in a box": (lambda tx: catalog.nearby(tx, **near, narrow=Narrow(box=CORNER)), "listings_near_idx"),
        "search 老张牛肉面": (lambda tx: catalog.search(tx, **near, words="老张牛肉面"), "search_docs_near_idx"),
        "search lznrm": (lambda tx: catalog.search(tx, **near, words="lznrm"), "search_docs_near_idx"),
        "search laozhangniurolmian": (
            lambda tx: catalog.search(tx, **near, words="laozhangniurolmian77"), "search_docs_latin_idx",
        ),
        "search everywhere": (lambda tx: catalog.search(tx, **at, words="老张牛肉面"), "search_docs_marks_idx"),
        "suggest laoz": (lambda tx: catalog.suggest(tx, **at, prefix="laoz"), "search_docs_marks_idx"),
        "suggest laoz near": (lambda tx: catalog.suggest(tx, **near, prefix="laoz"), "search_docs_near_idx"),
    }  # fmt: skip
    async with watched.reading(1) as tx:
        for name, (call, index) in calls.items():
            took = []
            for _ in range(7):
                began = time.perf_counter()
                found = await call(tx)
                took.append(time.perf_counter() - began)
            assert found, name
            plan = await watch.plan(tx)
            print(f"{name}: {sorted(took)[3] * 1000:.1f} ms")
            assert index in plan, f"{name}\n{plan}"
            if "listings" in index and name not in ("map of a corner", "in a box"):
                walked = re.search(r"using listings_\w+_idx on listings.*rows=([\d.]+).*\n *Index Cond: (.*)", plan)
                assert walked is not None, plan
                assert float(walked[1]) <= 30, plan
                assert "city_id" in walked[2], plan
                assert "category" in walked[2], plan
    await watched.close()


async def test_every_page_costs_the_same(db: Database, now):
    await a_big_town(db, now, stores=300, per_store=1)
    seen, after = [], None
    async with db.reading(1) as tx:
        while True:
            page = await catalog.nearby(tx, city_id=1, point=CENTRE, now=now + timedelta(hours=1), after=after)
            seen += [card.distance_m for card in page.items]
            after = page.after
            if after is None:
                break
    assert len(seen) == 300
    assert seen == sorted(seen)
