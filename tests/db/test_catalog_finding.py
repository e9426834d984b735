"""The map, narrower lists, what many look for, what is bought together, and what may be meant."""

from datetime import date, timedelta

import pytest

from hutong import catalog, merchants
from hutong.catalog import Narrow
from hutong.infra.db import Database
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import ManualClock, local
from hutong.kit.geo import Box
from hutong.kit.text import Text
from hutong.merchants import Hours, SetException, SetHours, Span
from tests.catalog_town import CENTRE, a_city, a_draft, a_merchant, a_store, beside, published, yuan
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio
ALL = Box(south=CENTRE.lat - 0.2, west=CENTRE.lon - 0.2, north=CENTRE.lat + 0.2, east=CENTRE.lon + 0.2)


async def some_shops(db: Database, now, count: int = 6):
    """Shops in a row to the north, a kilometre apart, the first the cheapest; the last one a KTV."""
    await a_city(db)
    stores = []
    for n in range(count):
        merchant = await a_merchant(db, f"面馆{n}", f"Noodles {n}", now=now)
        category = "ktv" if n == count - 1 else "noodles"
        store = await a_store(db, merchant, beside(1_000 * n), zh=f"店{n}", en=f"Shop {n}", category=category, now=now)
        draft = a_draft(
            merchant, store, now=now, price=yuan(1_000 * (n + 1)), list_price=yuan(90_000), category=category
        )
        await published(db, draft, now=now)
        stores.append(store)
    return stores


async def test_every_store_in_the_box_is_on_the_map_once(db: Database, now):
    """Far away all is one sign with the lowest price; near, each store is a pin with its name."""
    stores = await some_shops(db, now)
    async with db.reading(1) as tx:
        for zoom in range(3, 20):
            cells = await catalog.map_cells(tx, city_id=1, box=ALL, zoom=zoom, now=now)
            assert sum(cell.count for cell in cells) == 6, zoom
            assert min(cell.price_units for cell in cells) == 1_000
        far = await catalog.map_cells(tx, city_id=1, box=ALL, zoom=3, now=now)
        near = await catalog.map_cells(tx, city_id=1, box=ALL, zoom=18, now=now)
        songs = await catalog.map_cells(tx, city_id=1, box=ALL, zoom=18, now=now, category="ktv")
    assert len(far) == 1
    assert far[0].box.contains(CENTRE)
    assert {cell.store_id for cell in near} == set(stores)
    assert {cell.name.en for cell in near if cell.name} == {f"Shop {n}" for n in range(6)}
    assert [cell.store_id for cell in songs] == [stores[-1]]


async def test_the_edges_of_the_box_are_exact(db: Database, now):
    """The box in space is wider than the box of degrees; what lies between is not shown."""
    stores = await some_shops(db, now)
    north = beside(2_500)
    box = Box(south=CENTRE.lat - 0.0001, west=CENTRE.lon - 0.01, north=north.lat, east=CENTRE.lon + 0.01)
    async with db.reading(1) as tx:
        cells = await catalog.map_cells(tx, city_id=1, box=box, zoom=19, now=now)
        listed = await catalog.nearby(tx, city_id=1, point=CENTRE, now=now, narrow=Narrow(box=box))
    assert {cell.store_id for cell in cells} == set(stores[:3])
    assert [card.store_id for card in listed.items] == stores[:3]


async def test_a_pin_has_something_on_sale_now(db: Database, now):
    """Before its sale begins, and after it has ended, a store alone is no pin."""
    await a_city(db)
    merchant = await a_merchant(db, "面馆", "Noodles", now=now)
    store = await a_store(db, merchant, now=now)
    opens = now + timedelta(hours=2)
    draft = a_draft(merchant, store, now=now, sale_from=opens, sale_to=opens + timedelta(hours=1))
    await published(db, draft, now=now)
    async with db.reading(1) as tx:
        for moment, pins in ((now, 0), (opens, 1), (opens + timedelta(hours=1), 0)):
            assert len(await catalog.map_cells(tx, city_id=1, box=ALL, zoom=15, now=moment)) == pins


async def test_a_list_is_narrowed_by_price(db: Database, now):
    """The lowest price of a store decides; both edges count."""
    stores = await some_shops(db, now)
    async with db.reading(1) as tx:
        page = await catalog.nearby(
            tx, city_id=1, point=CENTRE, now=now, narrow=Narrow(price_from=2_000, price_to=4_000)
        )
        cheap = await catalog.nearby(tx, city_id=1, point=CENTRE, now=now, sort="price", narrow=Narrow(price_to=1_000))
    assert [card.store_id for card in page.items] == stores[1:4]
    assert [card.store_id for card in cheap.items] == stores[:1]


async def test_open_now_in_the_database_is_open_now_in_the_code(db: Database, clock: ManualClock):
    """Nights that run into the next day, lunch breaks, closed days and changed dates: the same answer, hour by hour."""
    now = clock.now()
    stores = await some_shops(db, now)
    weeks = [
        "10:00-14:00, 17:00-26:00",
        "24h",
        "closed",
        "18:00-30:00",
        ["closed"] * 5 + ["09:00-12:00"] * 2,
        "00:00-08:30",
    ]
    today = local(now, "Asia/Shanghai").date()
    night = SetException(store_id=stores[0], day=today + timedelta(days=1), spans=(Span(1_380, 1_560),))
    shut = SetException(store_id=stores[1], day=today + timedelta(days=1), spans=(), note=Text(zh="歇", en="Off"))
    async with db.city(1) as tx:
        hours = [SetHours(store_id=store, hours=Hours.parse(week)) for store, week in zip(stores, weeks, strict=True)]
        await merchants.set_hours(tx, hours, city_id=1, scope=EVERYTHING, now=now)
        await merchants.set_exceptions(tx, [night, shut], city_id=1, scope=EVERYTHING)
        await catalog.refresh_stores(tx, stores, city_id=1, now=now)
    async with db.reading(1) as tx:
        known = list((await merchants.stores(tx, 1, stores)).values())
        for hour in range(0, 24 * 4, 1):
            wall = local(now + timedelta(hours=hour, minutes=hour % 3 * 20), "Asia/Shanghai")
            states = await merchants.open_states(tx, 1, known, here=wall)
            page = await catalog.nearby(tx, city_id=1, point=CENTRE, now=now, narrow=Narrow(open_at=wall))
            assert {card.store_id for card in page.items} == {s for s, state in states.items() if state.open}, wall


async def test_pages_of_a_narrowed_list_follow_each_other(db: Database, now):
    stores = await some_shops(db, now)
    seen, after = [], None
    async with db.reading(1) as tx:
        for _ in range(6):
            page = await catalog.nearby(
                tx, city_id=1, point=CENTRE, now=now, after=after, limit=2, narrow=Narrow(price_from=2_000, box=ALL)
            )
            seen += [card.store_id for card in page.items]
            after = page.after
            if after is None:
                break
    assert seen == stores[1:]


async def test_hot_is_what_several_visitors_looked_for_on_one_day(db: Database, now):
    """Four are too few, five are enough; the same term a day later is not added to pass the bar."""
    await a_city(db)
    today = date(2026, 11, 20)
    async with db.city(1) as tx:
        for day, words in (
            (today, ["火锅"] * 7 + ["Noodle Bar"] * 5 + ["美甲"] * 4 + ["13800138000"] * 9),
            (today - timedelta(days=1), ["美甲"] * 4), (today - timedelta(days=9), ["烧烤"] * 50),
        ):  # fmt: skip
            counted = await catalog.count_searches(tx, words, city_id=1, day=day)
            assert counted == [word != "13800138000" for word in words]
    async with db.reading(1) as tx:
        found = await catalog.hot_terms(tx, city_id=1, since=today - timedelta(days=6))
        assert found == ["火锅", "noodle bar"]
        assert await catalog.hot_terms(tx, city_id=2, since=today - timedelta(days=6)) == []
    async with db.city(1) as tx:
        assert await catalog.forget_searches(tx, city_id=1, before=today) == 2
    assert await audit_clean(db)


async def test_deals_that_need_buyers_are_found_by_their_end(db: Database, now):
    await a_city(db)
    merchant = await a_merchant(db, "面馆", "Noodles", now=now)
    near, far = await a_store(db, merchant, now=now), await a_store(db, merchant, beside(5_000), now=now)
    drafts = [
        a_draft(merchant, far, near, now=now, min_units=10, sale_to=now + timedelta(days=days)) for days in (9, 2)
    ]
    plain = a_draft(merchant, near, now=now)
    await published(db, *drafts, plain, now=now)
    async with db.reading(1) as tx:
        found = await catalog.tipping_offers(tx, city_id=1, point=CENTRE, now=now)
        later = await catalog.tipping_offers(tx, city_id=1, point=CENTRE, now=now + timedelta(days=3))
    assert [one.brief.offer_id for one in found] == [drafts[1].offer_id, drafts[0].offer_id]
    assert {one.store_id for one in found} == {near}
    assert [one.brief.offer_id for one in later] == [drafts[0].offer_id]


@pytest.mark.parametrize("typed", ["gw", "gang", "港", "harb"])
async def test_districts_are_suggested_by_name_pinyin_and_initials(db: Database, now, typed: str):
    await some_shops(db, now, 2)
    async with db.reading(1) as tx:
        found = await catalog.suggest(tx, city_id=1, prefix=typed, now=now)
    assert ("district", "harbour") in [(one.kind, one.id) for one in found]


async def test_a_merchant_with_one_shop_is_suggested_with_it(db: Database, now):
    """One tap leads to the shop; where several are meant, to all of them."""
    await a_city(db)
    one, chain = await a_merchant(db, "巷口面吧", "Lane", now=now), await a_merchant(db, "巷尾面吧", "End", now=now)
    only = await a_store(db, one, zh="巷口面吧", now=now)
    both = [await a_store(db, chain, zh=f"巷尾面吧{n}", now=now) for n in "一二"]
    await published(db, a_draft(one, only, now=now), a_draft(chain, *both, now=now), now=now)
    async with db.reading(1) as tx:
        found = await catalog.suggest(tx, city_id=1, prefix="巷", now=now)
    shops = {suggestion.id: suggestion.store_id for suggestion in found if suggestion.kind == "merchant"}
    assert shops == {one: only, chain: None}
