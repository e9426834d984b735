"""The ways to something: filters, map, landings, wider searches, what many look for, the voucher at the door."""

import json
import re
from datetime import timedelta

import pytest
from litestar import Litestar

from hutong import catalog
from hutong.kit.clock import ManualClock
from hutong.kit.ids import VOUCHER
from hutong.web.shared.maps import policy_for
from tests.house import TestHouse
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio
AT_LANTERN = "30.840,112.714"
PIECE = {"hx-request": "true"}


async def test_filters_are_links_and_each_keeps_the_others(anybody: Reader):
    """Category, district, price, open now and order stand in the address; a chip changes one of them."""
    page = await anybody.get(anybody.at("/nearby?category=food&district=xiguan&price=0-30&open=now&sort=price"))
    assert page.status == 200
    kept = [link for link in page.links if "/nearby?" in link and "category=noodles" in link]
    assert kept
    for part in ("district=xiguan", "price=0-30", "open=now", "sort=price"):
        assert all(part in link for link in kept), kept
    assert any("/nearby?" in link and "open=" not in link and "price=0-30" in link for link in page.links)


async def test_a_price_band_shows_what_costs_so_much(anybody: Reader):
    """The lowest price of a shop decides."""
    cheap = await anybody.get(anybody.at("/nearby?price=0-30"))
    assert "书院街店" in cheap.text
    dear = await anybody.get(anybody.at("/nearby?price=300-"))
    assert "这里暂时没有" in dear.text
    assert "清除筛选" in dear.text


async def test_open_now_leaves_out_whoever_sleeps(anybody: Reader, clock: ManualClock):
    """At noon they cook, at four in the morning nobody does."""
    assert "巷口面吧" in (await anybody.get(anybody.at("/nearby?open=now"))).text
    clock.move(timedelta(hours=16))
    assert "这里暂时没有" in (await anybody.get(anybody.at("/nearby?open=now"))).text


async def test_a_chip_swaps_the_list_and_nothing_else(anybody: Reader):
    """htmx asks for the piece: no frame around it, and caches keep the two apart."""
    piece = await anybody.get(anybody.at("/nearby?category=food"), headers=PIECE)
    assert "<html" not in piece.html
    assert 'id="finding"' in piece.html
    assert "HX-Request" in piece.headers["vary"]
    whole = await anybody.get(anybody.at("/nearby?category=food"))
    assert "<html" in whole.html
    assert piece.inline == whole.inline == []


async def test_more_is_a_link_that_htmx_puts_in_place(anybody: Reader, house: TestHouse):
    """The next page begins behind the last shop; without scripts it is a page like any other."""
    async with house.db.reading(house.town.city_id) as tx:
        found = await catalog.nearby(
            tx, city_id=house.town.city_id, point=None, now=house.clock.now(), sort="new", limit=1
        )
    for headers in ({}, PIECE):
        page = await anybody.get(anybody.at(f"/nearby?sort=new&after={found.after}"), headers=headers)
        assert page.status == 200
        assert 'id="shops"' in page.html
        assert found.items[0].name.zh not in page.text
    assert (await anybody.get(anybody.at("/nearby?after=nonsense"))).status in (400, 422)


async def test_a_category_and_a_district_have_pages_of_their_own(anybody: Reader):
    page = await anybody.get(anybody.at("/categories/food"))
    for words in ("美食", "低价榜", "新上榜", "离您近的", "面馆"):
        assert words in page.text
    assert anybody.at("/categories/noodles") in page.links
    assert (await anybody.get(anybody.at("/districts/old-town"))).status == 200
    for nothing in ("/categories/nonsense", "/districts/atlantis"):
        assert (await anybody.get(anybody.at(nothing))).status == 404


async def test_the_map_shows_its_shops_without_scripts(anybody: Reader):
    """The drawer is part of the page; the map itself needs Leaflet and says so."""
    page = await anybody.get(anybody.at("/map"))
    assert "巷口面吧" in page.text
    assert page.inline == []
    assert any("/deals/" in link for link in page.links)


async def test_places_inside_a_box(anybody: Reader, house: TestHouse):
    """Signs with counts and lowest prices; a shop alone has its name and its page."""
    page = await anybody.get(anybody.at("/map/places?box=30.78,112.64,30.93,112.80&zoom=18"))
    cells = json.loads(page.html)["cells"]
    assert sum(cell["n"] for cell in cells) == len(house.town.stores)
    for cell in cells:
        assert cell["price"].startswith("¥")
        if cell["n"] == 1:
            assert (await anybody.get(cell["url"])).status == 200
            listed = await anybody.get(anybody.at(f"/map/list?store={cell['store']}"))
            assert cell["name"] in listed.text
    far = json.loads((await anybody.get(anybody.at("/map/places?box=30.78,112.64,30.93,112.80&zoom=5"))).html)
    assert [cell["n"] for cell in far["cells"]] == [len(house.town.stores)]


@pytest.mark.parametrize("box", ["", "1,2,3", "a,b,c,d", "31,112,30,113", "nan,1,2,3", "99,1,100,2"])
async def test_what_is_no_box_is_refused(anybody: Reader, box: str):
    for path in (f"/map/places?box={box}&zoom=12", f"/map/list?box={box}"):
        assert (await anybody.get(anybody.at(path))).status in (400, 422)


async def test_a_box_as_wide_as_the_world_is_cut(anybody: Reader):
    """Nobody reads the planet through one address."""
    page = await anybody.get(anybody.at("/map/places?box=-90,-180,90,180&zoom=3"))
    assert page.status == 200


async def test_the_drawn_city(anybody: Reader):
    """Boundary and districts; streets are invented only in a demo."""
    page = await anybody.get(anybody.at("/map/lanes"))
    kinds = {feature["properties"]["kind"] for feature in json.loads(page.html)["features"]}
    assert kinds == {"city", "district"}


def test_pictures_may_come_from_the_tile_server_alone():
    """One host more in one place of the policy."""
    policy = policy_for("https://{s}.tiles.example:8443/{z}/{x}/{y}.png")
    assert "img-src 'self' https://*.tiles.example:8443 data:" in policy
    assert policy.count("tiles.example") == 1


async def test_a_search_within_a_category_that_finds_nothing_goes_wider(anybody: Reader):
    """Not in travel, but elsewhere; and a word too much is left out."""
    page = await anybody.get(anybody.at("/search?q=面吧&category=travel"))
    assert "全部分类里有这些" in page.text
    assert "巷口面吧" in page.text
    words = await anybody.get(anybody.at("/search?q=zzzqqq noodle"))
    assert "巷口面吧" in words.text


async def test_a_search_for_nothing_shows_ways_on(anybody: Reader):
    page = await anybody.get(anybody.at("/search?q=xyzxyzxyz"))
    assert "没有找到「xyzxyzxyz」" in page.text
    assert "附近的好店" in page.text


async def test_what_several_look_for_is_shown_and_words_of_one_are_not(app: Litestar, house: TestHouse):
    """Five visitors make a term hot; one who searches many times under many names does not."""
    for who in ("ann", "bo", "mei", "tao", "lin"):
        reader = await Reader(app, house).sign_in(who)
        await reader.get(reader.at("/search?q=面吧"))
        await reader.get(reader.at("/search?q=xyzxyz"))
    alone = Reader(app, house)
    for n in range(8):
        alone.web.cookies.set("hutong_session", f"made-up-{n}")  # a cookie that nobody gave makes no new visitor
        await alone.get(alone.at("/search?q=四喜"))
    page = await alone.get(alone.at("/search"))
    assert "大家在搜" in page.text
    assert any("q=%E9%9D%A2%E5%90%A7" in link for link in page.links)
    assert "四喜" not in page.text
    assert "xyzxyz" not in page.text


async def test_home_leads_to_the_voucher_in_one_tap(ann: Reader, house: TestHouse):
    """At the door: use it here. Elsewhere: what is ready, at the shop that is nearest."""
    assert "use-here" not in (await ann.get(ann.at())).html
    await ann.buy("two-bowls", 2)
    page = await ann.get(ann.at())
    assert "可以用了" in page.text
    link = next(link for link in page.links if re.search(r"/vouchers/vch_", link))
    assert (await ann.get(link)).status == 200
    assert VOUCHER.read_local(link.rsplit("/", 1)[1])[0] == house.town.city_id
    ann.web.cookies.set("hutong_at", await _door(house))
    assert "就在这里用" in (await ann.get(ann.at())).text


async def _door(house: TestHouse) -> str:
    async with house.db.reading(house.town.city_id) as tx:
        stores = [house.town.stores["noodle-bar-lantern"]]
        (card,) = await catalog.storefronts(tx, stores, city_id=house.town.city_id, now=house.clock.now())
    assert card is not None
    return f"{card.point.lat:.4f},{card.point.lon:.4f}"


async def test_a_store_tells_machines_what_it_shows_people(anybody: Reader):
    """schema.org as data: parsed by nobody as a script, and nothing in it can end the element."""
    page = await anybody.get(anybody.at(f"/stores/{anybody.store('noodle-bar-lantern')}"))
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.html, re.DOTALL)
    assert found
    assert "<" not in found[1]
    data = json.loads(found[1])
    assert data["@type"] == "LocalBusiness"
    assert data["telephone"].startswith("+86")
    assert data["openingHoursSpecification"][0]["opens"] == "10:30"
    assert {offer["price"] for offer in data["makesOffer"]} >= {"68.00", "26.00"}


async def test_cities_know_the_nearest(anybody: Reader):
    """For the question of the script; the sea has no city, nonsense is refused or nothing."""
    near = json.loads((await anybody.get("/cities/nearest?lat=30.84&lon=112.71")).html)
    assert near == {"slug": "qinghe", "name": "清河", "url": "/c/qinghe/"}
    assert json.loads((await anybody.get("/cities/nearest?lat=0&lon=0")).html) == {}
    assert json.loads((await anybody.get("/cities/nearest?lat=500&lon=0")).html) == {}


@pytest.mark.parametrize(("typed", "found"), [("qh", 1), ("lj", 1), ("l", 1), ("清", 1), ("h", 0)])
async def test_cities_by_initials(anybody: Reader, typed: str, found: int):
    page = await anybody.get(f"/cities?q={typed}")
    assert len([link for link in page.links if link.startswith("/c/")]) == found


async def test_the_picker_puts_where_one_is_first(anybody: Reader):
    anybody.web.cookies.set("hutong_at", AT_LANTERN)
    page = await anybody.get("/cities")
    assert "您在这里 清河" in page.text
