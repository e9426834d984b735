"""The nearest stores first: exact, paged without gaps or doubles, and from one index."""

import random

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING
from hutong.kit.geo import Point, distance_m
from hutong.kit.text import Text
from hutong.merchants import NearStore, add_merchants, add_stores, close_stores, nearby
from hutong.merchants.model import CloseStore
from hutong.places import add_cities
from tests.conftest import audit_clean
from tests.merchants_town import CENTRE, LYON, SHANGHAI, a_merchant, a_store

pytestmark = pytest.mark.anyio

HERE = Point(31.22, 121.46)


@pytest.fixture
async def crowd(db: Database, now):
    """Eight hundred stores here, some at the very same place, some closed; and a few in another city."""
    rng = random.Random(7)
    requests = [
        a_store(
            place=Point(round(CENTRE.lat + rng.uniform(-0.1, 0.1), 2), round(CENTRE.lon + rng.uniform(-0.1, 0.1), 2)),
            category=rng.choice(["noodles", "bar"]),
            name=Text.both(f"store {n}"),
        )
        for n in range(800)
    ]
    async with db.central() as tx:
        await add_cities(tx, [SHANGHAI, LYON])
        await add_merchants(tx, [a_merchant()], now=now)
    async with db.city(1) as tx:
        await add_stores(tx, requests, city_id=1, scope=EVERYTHING, now=now)
        shut = [CloseStore(store_id=r.store_id, by=new_id(), reason="x") for r in requests[:50]]
        await close_stores(tx, shut, city_id=1, scope=EVERYTHING, now=now)
        await tx.run("analyze merchants.stores")
    async with db.city(2) as tx:
        far = [a_store(place=Point(45.76 + n / 100, 4.83)) for n in range(5)]
        await add_stores(tx, far, city_id=2, scope=EVERYTHING, now=now)
    return requests[50:]


def expected(requests):
    return sorted((distance_m(HERE, r.place), r.store_id) for r in requests)


async def all_pages(db: Database, size: int, **more) -> list[NearStore]:
    found: list[NearStore] = []
    async with db.reading(1) as tx:
        while page := await nearby(tx, 1, HERE, limit=size, after=found[-1].cursor if found else None, **more):
            found += page
    return found


async def test_the_first_page_is_the_nearest_and_metres_are_exact(db: Database, crowd):
    async with db.reading(1) as tx:
        page = await nearby(tx, 1, HERE, limit=25)
    truth = expected(crowd)[:25]
    assert [round(n.distance_m, 2) for n in page] == [round(d, 2) for d, _ in truth]
    for near in page:
        assert near.distance_m == pytest.approx(distance_m(HERE, near.store.place), abs=0.01)


async def test_pages_show_every_store_once_although_many_are_at_one_place(db: Database, crowd):
    found = await all_pages(db, 37)
    assert len(found) == len(crowd)
    assert {n.store.store_id for n in found} == {r.store_id for r in crowd}
    assert len({n.distance_m for n in found}) < len(found), "there are ties, or this proves nothing"
    assert [n.chord for n in found] == sorted(n.chord for n in found)


async def test_within_a_distance_and_of_a_category(db: Database, crowd):
    found = await all_pages(db, 50, within_m=3000, category="bar")
    truth = [r for r in crowd if distance_m(HERE, r.place) <= 3000 and r.category == "bar"]
    assert {n.store.store_id for n in found} == {r.store_id for r in truth}
    assert truth


async def test_another_city_shows_its_own(db: Database, crowd):
    async with db.reading(2) as tx:
        page = await nearby(tx, 2, HERE)
    assert len(page) == 5
    assert all(n.store.city_id == 2 for n in page)
    assert page[0].distance_m > 9_000_000


async def test_one_index_answers(db: Database, database_url, crowd):
    seen: list[tuple[str, dict]] = []
    watched = await Database(database_url, observer=lambda sql, params: seen.append((sql, params))).open()
    async with watched.reading(1) as tx:
        first = await nearby(tx, 1, HERE, limit=20)
        await nearby(tx, 1, HERE, limit=20, after=first[-1].cursor)
    async with db.city(1) as tx:
        # So few rows may be read faster without any index; what is shown is that the index can answer alone.
        await tx.run("set local enable_seqscan = off")
        for sql, params in seen:
            plan = "\n".join(row["QUERY PLAN"] for row in await tx.rows("explain " + sql, **params))
            assert "Index Scan using stores_near_idx" in plan, plan
            assert "Index Cond: (city_id = 1)" in plan, plan
            assert "Order By: (at <->" in plan, plan
    await watched.close()
    assert await audit_clean(db)
