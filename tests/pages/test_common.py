"""Common pages are made once: what changes is seen in time, and nothing of one reader reaches another."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from hutong import catalog, inventory
from hutong.catalog import Revise
from hutong.infra.db import Database
from hutong.infra.kept import BOUGHT
from hutong.inventory import Resize
from hutong.kit.clock import ManualClock
from hutong.kit.money import Amount
from hutong.web.routes import make_app
from tests.house import TestHouse, make_house
from tests.pages.reader import Page, Reader
from tests.towns import application

pytestmark = pytest.mark.anyio
SLUG = "two-bowls"
LIFE = timedelta(seconds=2)  # HUTONG_PAGES_LIFE_MS
LIVES = 15  # of the page of a plain deal


def common(reader: Reader) -> dict[str, str]:
    """The pages that are the same for everybody, by name."""
    return {
        "home": reader.at("/"),
        "nearby": reader.at("/nearby"),
        "narrowed": reader.at("/nearby?category=food&sort=price"),
        "search": reader.at("/search?q=noodle"),
        "category": reader.at("/categories/food"),
        "deal": reader.at(f"/deals/{reader.deal(SLUG)}"),
        "store": reader.at(f"/stores/{reader.store('noodle-bar-lantern')}"),
    }


PAGES = ("home", "nearby", "narrowed", "search", "category", "deal", "store")


async def reprice(db: Database, house: TestHouse, clock: ManualClock, units: int) -> None:
    async with db.city(house.town.city_id) as tx:
        ask = Revise(offer_id=house.town.offers[SLUG], by=None, price=Amount(units, "CNY"))
        (done,) = await catalog.revise(tx, [ask], city_id=house.town.city_id, now=clock.now())
        assert isinstance(done, catalog.Offer), done
        await catalog.index_offers(tx, [done.offer_id], city_id=house.town.city_id, now=clock.now())


async def resize(db: Database, house: TestHouse, total: int) -> None:
    """A new quota of the offer: so many units."""
    async with db.city(house.town.city_id) as tx:
        (offer,) = await catalog.offers(tx, [house.town.offers[SLUG]], city_id=house.town.city_id)
        assert offer is not None
        assert offer.quota_id is not None
        await inventory.resize(tx, [Resize(quota_id=offer.quota_id, total=total)], city_id=house.town.city_id)


@pytest.fixture
async def elsewhere(db: Database) -> AsyncIterator[Database]:
    """The doors of another process to the same database: this house does not hear what it writes."""
    other = await Database(db.url).open()
    yield other
    await other.close()


@pytest.mark.parametrize("name", PAGES)
async def test_what_this_process_changes_is_seen_at_once(
    anybody: Reader, house: TestHouse, clock: ManualClock, db: Database, name: str
):
    path = common(anybody)[name]
    before = await anybody.get(path)
    assert (await anybody.get(path)).html == before.html
    await reprice(db, house, clock, 7777)
    now = await anybody.get(path)
    assert ("77.77" in now.html) == ("68" in before.text)


@pytest.mark.parametrize("name", PAGES)
async def test_what_another_changes_is_seen_within_the_life(
    anybody: Reader, house: TestHouse, clock: ManualClock, elsewhere: Database, name: str
):
    path = common(anybody)[name]
    await anybody.get(path)
    await reprice(elsewhere, house, clock, 7777)
    clock.move(LIFE)
    assert "77.77" in (await anybody.get(path)).html


async def test_without_a_life_the_old_price_would_stay(
    anybody: Reader, house: TestHouse, clock: ManualClock, elsewhere: Database
):
    """The control of the test above: until its life ends the list is the one that was kept."""
    path = common(anybody)["nearby"]
    await anybody.get(path)
    await reprice(elsewhere, house, clock, 7777)
    assert "77.77" not in (await anybody.get(path)).html


async def test_a_deals_price_and_stock_are_never_behind(
    anybody: Reader, house: TestHouse, clock: ManualClock, elsewhere: Database
):
    path = common(anybody)["deal"]
    await anybody.get(path)
    await reprice(elsewhere, house, clock, 7777)
    assert "77.77" in (await anybody.get(path)).html
    await resize(elsewhere, house, 3)
    assert "仅剩 3 份" in (await anybody.get(path)).text
    await resize(elsewhere, house, 0)
    sold_out = await anybody.get(path)
    assert "/checkout" not in sold_out.html


async def test_what_stands_around_a_plain_deal_is_seen_within_its_lives(
    anybody: Reader, house: TestHouse, clock: ManualClock, elsewhere: Database
):
    path = common(anybody)["deal"]
    before = await anybody.get(path)
    async with elsewhere.city(house.town.city_id) as tx:
        await tx.run(
            """update catalog.storefronts set name = '{"zh": "新招牌", "en": "New Sign"}' where city_id = %(city)s""",
            city=house.town.city_id,
        )
    assert (await anybody.get(path)).html == before.html
    clock.move(LIFE * LIVES)
    assert "新招牌" in (await anybody.get(path)).text


async def test_a_deal_opens_and_ends_with_its_sale(anybody: Reader, house: TestHouse, clock: ManualClock, db: Database):
    path = common(anybody)["deal"]
    assert "/checkout" in (await anybody.get(path)).html
    async with db.reading() as tx:
        (offer,) = await catalog.offers(tx, [house.town.offers[SLUG]], city_id=house.town.city_id)
    assert offer is not None
    clock.set(offer.sale_to - timedelta(seconds=1))
    assert "/checkout" in (await anybody.get(path)).html
    clock.set(offer.sale_to)
    assert "/checkout" not in (await anybody.get(path)).html


CANARY = "Canary McFeathers"
OWN = re.compile(r'data-who="([^"]*)"')


@pytest.mark.parametrize("name", PAGES)
async def test_nothing_of_one_reader_reaches_another(
    app: Litestar, house: TestHouse, clock: ManualClock, ann: Reader, anybody: Reader, name: str
):
    """Ann opens each page first, between and last; a stranger with other cookies gets none of it."""
    path = common(ann)[name]
    named = await ann.send(await ann.get(ann.at("/me/settings")), "/me/name", name=CANARY)
    assert named.status in (200, 303)
    await ann.buy(SLUG)
    tail = house.town.people["ann"].hex[-12:]
    spy = Reader(app, house)
    spy.web.headers["user-agent"] = "Canary/1.0"
    spy.web.cookies.set("hutong_csrf", "canary-token")
    hers, his, spied = await ann.get(path), await anybody.get(path), await spy.get(path)
    again, late = await ann.get(path), await anybody.get(path)
    assert OWN.findall(hers.html) == OWN.findall(again.html) == [tail]
    hers_alone = [value for value in ann.web.cookies.values() if len(value) > 16]  # not the name of the city
    assert len(hers_alone) >= 2
    for page in (his, spied, late):
        assert OWN.findall(page.html) == [""]
        for secret in (tail, CANARY, house.town.phones["ann"], *hers_alone, "canary", "203.0.113.7"):
            assert secret not in page.html
    assert his.html == spied.html == late.html
    assert "etag" not in hers.headers
    assert not any(tail in str(entry.value) for entry in house.kept._entries.values())


async def test_choices_and_places_make_pages_of_their_own(app: Litestar, house: TestHouse):
    """Language, look, size, browser, the piece that htmx asks for and the reader's point: none is given another's."""
    reader = Reader(app, house)
    path, seen = reader.at("/nearby"), []
    for change in (
        {}, {"cookies": {"hutong_lang": "en"}}, {"cookies": {"hutong_theme": "lane-dark"}},
        {"cookies": {"hutong_text": "large"}}, {"cookies": {"hutong_at": "30.8480,112.7210"}},
        {"headers": {"hx-request": "true"}}, {"headers": {"user-agent": "Mozilla/5.0 Chrome/90.0"}},
        {"headers": {"accept-language": "en"}},
    ):  # fmt: skip
        fresh = Reader(app, house)
        fresh.web.cookies.update(change.get("cookies", {}))
        fresh.web.headers.update(change.get("headers", {}))
        page = await fresh.get(path)
        assert page.status == 200
        seen.append(page.html)
    assert len(set(seen[:-1])) == len(seen) - 1
    assert seen[-1] == seen[1]  # by cookie or by the browser: the same English page


async def test_a_form_is_its_readers_own(app: Litestar, house: TestHouse):
    """The page of signing in has a token in it: it is never kept, whoever wraps it."""
    first, second = Reader(app, house), Reader(app, house)
    tokens = {
        (await reader.get("/sign-in")).form("/sign-in/codes").fields["_csrf_token"][0] for reader in (first, second)
    }
    assert len(tokens) == 2


async def test_a_crowd_at_one_page_is_served_from_one_making(app: Litestar, house: TestHouse):
    seen: list[str] = []
    watched = await Database(house.db.url, observer=lambda sql, _: seen.append(sql)).open()
    other = await make_house(watched, house.clock, town=house.town)
    try:
        with application(other) as crowded:
            readers = [Reader(crowded, other) for _ in range(16)]
            pages = await asyncio.gather(*(reader.get(reader.at("/nearby")) for reader in readers))
    finally:
        await other.batches.close()
        await watched.close()
    assert len({page.html for page in pages}) == 1
    assert sum("from catalog.listings" in sql for sql in seen) == 1


async def test_who_has_the_page_already_gets_its_tag_alone(anybody: Reader, house: TestHouse, clock: ManualClock):
    path = common(anybody)["home"]
    first = await anybody.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Accept-Encoding" in first.headers["vary"]
    assert first.headers["content-encoding"] == "gzip"
    again = await anybody.get(path, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status, again.html) == (304, "")
    assert again.headers["etag"] == tag
    plain = await anybody.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.html == first.html
    await reprice(house.db, house, clock, 7777)
    assert (await anybody.get(path, headers={"if-none-match": tag})).status == 200


@pytest.mark.parametrize("name", ["home", "nearby", "deal", "store"])
async def test_what_is_kept_goes_out_before_the_framework(
    app: Litestar, house: TestHouse, clock: ManualClock, ann: Reader, elsewhere: Database, name: str
):
    """The same answer with the same headers, until the shelf would make it anew; a member never meets it."""
    asked: list[str] = []

    async def framework(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await app(scope, receive, send)

    reader, path = Reader(framework, house), common(ann)[name]
    reader.web.cookies.set("hutong_city", house.town.slug)  # else the second visit brings what the first was given
    first, second = await reader.get(path), await reader.get(path)
    assert len(asked) == 1
    assert second.html == first.html
    told = {key: value for key, value in second.headers.items() if key != "x-request-id"}
    assert told == {key: value for key, value in first.headers.items() if key != "x-request-id"}
    other = Reader(framework, house, language="en")
    assert (await other.get(path)).html != first.html
    tag = await reader.get(path, headers={"if-none-match": first.headers["etag"]})
    plain = await reader.get(path, headers={"accept-encoding": "identity"})
    hers = await other.get(path, headers={"cookie": f"hutong_session={ann.web.cookies['hutong_session']}"})
    assert (tag.status, plain.html, OWN.findall(hers.html)) == (304, first.html, [house.town.people["ann"].hex[-12:]])
    assert len(asked) == 5
    assert (await reader.get(path)).html == first.html
    assert len(asked) == 5, "who came in between changed nothing"
    await reprice(elsewhere, house, clock, 7777)
    clock.move(LIFE * LIVES)
    assert "77.77" in (await reader.get(path)).html
    assert len(asked) == 6


async def test_the_page_of_a_deal_reads_nothing_that_grows_with_its_sales(
    db: Database, clock: ManualClock, ann: Reader
):
    """Sold units, stock and stars are rows that are kept as they change: a deal with a million orders opens alike."""
    seen: list[str] = []
    watched = await Database(db.url, observer=lambda sql, _: seen.append(sql)).open()
    house = await make_house(watched, clock, town=ann.house.town)
    with application(house) as app:
        assert (await Reader(app, house).get(common(ann)["deal"])).status == 200
    tables = {table for sql in seen for table in re.findall(r"\b(?:from|join)\s+([a-z]+[.][a-z_]+)", sql)}
    assert {"catalog.offers", "reviews.ratings", "inventory.quotas"} <= tables
    grown = {table for table in tables if table.partition(".")[0] in BOUGHT | {"reviews", "infra"}}
    assert grown == {"reviews.ratings", "inventory.quotas"}, "a row for each deal, not for each sale"
    await house.batches.close()
    await watched.close()


async def test_a_page_that_is_not_there_is_not_kept(anybody: Reader, house: TestHouse):
    before = len(house.kept)
    assert (await anybody.get(anybody.at("/categories/nothing-like-it"))).status == 404
    long = await anybody.get(anybody.at(f"/nearby?x={'a' * 700}"))
    assert long.status == 200
    assert "etag" not in long.headers
    assert len(house.kept) <= before + 3  # the city, its districts and the categories


async def test_switched_off_the_pages_are_the_same(db: Database, clock: ManualClock, anybody: Reader, house: TestHouse):
    kept = {name: (await anybody.get(path)).html for name, path in common(anybody).items()}
    off = await make_house(db, clock, town=house.town, pages_life_ms=0)
    try:
        with application(off) as bare:
            reader = Reader(bare, off)
            for name, path in common(reader).items():
                page: Page = await reader.get(path)
                assert page.html == kept[name], name
                assert "etag" not in page.headers
        assert len(off.kept) == 0
    finally:
        await off.batches.close()


@pytest.mark.parametrize(("address", "secure"), [("http://127.0.0.1:8000", False), ("https://hutong.example", True)])
async def test_the_cookie_of_forms_is_for_our_pages_alone(house: TestHouse, address: str, secure: bool):
    """It is written by hand (web/shared/security.py), unreadable for scripts, not sent along by other sites, and only
    for who was shown a form: whoever looks around gets none."""
    other = await make_house(house.db, house.clock, town=house.town, public_url=address)
    app = make_app(other)
    around = await Reader(app, other).get(f"/c/{other.town.slug}/")
    assert not any("hutong_csrf" in text for text in around.headers.get_list("set-cookie"))
    page = await Reader(app, other).get("/sign-in")
    (cookie,) = [text for text in page.headers.get_list("set-cookie") if text.startswith("hutong_csrf=")]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "path=/", "samesite=lax"} | ({"secure"} if secure else set())
    assert page.form("/sign-in/codes").fields["_csrf_token"][0] == cookie.split(";")[0].partition("=")[2]
    again = await Reader(app, other).get("/sign-in", headers={"cookie": cookie.split(";")[0]})
    assert again.form("/sign-in/codes").fields["_csrf_token"][0] == page.form("/sign-in/codes").fields["_csrf_token"][0]
    assert not any("hutong_csrf" in text for text in again.headers.get_list("set-cookie"))
    await other.batches.close()
