"""From an empty database to money in the right hands, all through the pages and without a script: the first
administrator opens a city and names its operator; the operator lets a shop in, which signs, opens a second store with a
pin and sells a deal; a member buys and uses it; each gets his part.
"""

import re
from typing import Any

import pytest
from litestar import Litestar

from hutong import catalog, merchants, places, recruiting, vouchers
from hutong.desk import founding, rounds
from hutong.infra import delivery
from hutong.infra.db import Database
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import ManualClock
from hutong.kit.ids import OFFER, ORDER, STORE
from hutong.ledger import chart
from tests.conftest import audit_clean
from tests.house import TestHouse, Town, make_house
from tests.lane import account
from tests.pages.reader import Page, Reader
from tests.pages.test_desk_deals import save
from tests.pages.test_recruiting import a_photo, bring_all
from tests.towns import application

pytestmark = pytest.mark.anyio
PHONES = {"pat": "+8619900000006", "lin": "+8619900000005", "mei": "+8619900000003", "ann": "+8619900000001"}
CITY = {
    "slug": "yunshui", "name_zh": "云水", "name_en": "Yunshui", "zone": "Asia/Shanghai", "currency": "CNY",
    "edge": "30.10, 120.10\n30.10, 120.30\n30.25, 120.34\n30.30, 120.20\n30.25, 120.08",
    "districts": "old-town, 老城, Old Town, 30.20, 120.20\nnorth-bank，北岸，North Bank，30.26，120.19",
    "landmarks": "drum-tower, 鼓楼, Drum Tower, 30.201, 120.203", "percent": "8", "operators_percent": "25",
}  # fmt: skip
SHOP = {
    "name_zh": "河边小馆", "trade": "restaurant", "district": "1", "address_zh": "河街 8 号", "place": "30.2, 120.2",
    "phone": "19900007777",
}  # fmt: skip
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "10:00-22:00")


class Cast:
    """Everybody's browser, opened when he first signs in."""

    def __init__(self, app: Litestar, house: TestHouse) -> None:
        self.app, self.house = app, house

    async def __call__(self, who: str) -> Reader:
        return await Reader(self.app, self.house, language="en").sign_in(who)


async def test_from_nothing_to_settlement(db: Database, clock: ManualClock):
    house = await make_house(db, clock, town=Town(slug="yunshui", phones=dict(PHONES)))
    with application(house) as app:
        cast = Cast(app, house)
        pat = await a_city(cast, clock)
        lin = await an_operator(cast, pat)
        mei, counter = await a_shop(cast, lin)
        store = await a_second_store(lin, mei, counter)
        offer = await a_deal(lin, mei, counter, store)
        await bought_and_used(cast, mei, store, offer)
    await settled(house, store)
    await house.batches.close()


async def a_city(cast: Cast, clock: ManualClock) -> Reader:
    """Pat is named at the machine, signs in with a code, and opens the city on the platform's page."""
    house = cast.house
    await founding.name_admin(
        house.db, phone=PHONES["pat"], name="Pat", language="en", again=False, now=clock.now()
    )  # fmt: skip
    pat = await cast("pat")
    none = await pat.get("/platform/cities")
    assert "No city yet" in none.text
    form = await pat.get(none.link("/cities/new"))
    wrong = await pat.send(form, "/cities/new", **{**CITY, "edge": CITY["edge"].replace("120.34", "east")})
    assert (wrong.status, "30.25, east" in wrong.html) == (422, True)
    listed = await pat.send_and_follow(form, "/cities/new", **CITY)
    assert "Yunshui is open" in listed.text
    async with house.db.reading() as tx:
        city = await places.city_by_slug(tx, "yunshui")
    assert city is not None
    house.town.city_id = city.city_id
    assert (await pat.get(pat.at())).status == 200, "an empty city has a front page"
    return pat


async def an_operator(cast: Cast, pat: Reader) -> Reader:
    """Pat makes an operator, gives it the whole city, and shows a code; Lin joins by it and runs the city."""
    page = await pat.get((await pat.get("/platform/cities")).link("/o/yunshui/people"))
    page = await pat.send_and_follow(page, "/operators", kind="division", name_zh="灯笼运营", name_en="Lantern")
    shown = re.search(r"opr_\w+", page.html)
    assert shown
    page = await pat.send_and_follow(page, "/territories", district="", operator=shown[0])
    form = page.form("/invitations")
    fields = {name: values[0] for name, values in form.fields.items() if values}
    code = Page(await pat.web.post(form.action, data={**fields, "part": "manager", "operator": shown[0]}))
    link = re.search(r"/o/join/[^\"<]+", code.html)
    assert link
    lin = await cast("lin")
    assert (await lin.get("/o/yunshui/")).status == 403
    desk = await lin.send_and_follow(await lin.get(link[0]), link[0])
    assert (desk.status, (await lin.get("/o/yunshui/")).status) == (200, 200)
    return lin


async def a_shop(cast: Cast, lin: Reader) -> tuple[Reader, str]:
    """Mei applies by Lin's code, brings her papers, is let in, and signs the plan of the city's file."""
    mei = await cast("mei")
    link = (await code_for(lin)).partition("?")[0]
    form = await mei.get((await mei.get(link)).link("/m/apply/yunshui?by="))
    page = await mei.send_and_follow(form, "/m/apply/yunshui", **SHOP)
    page = await mei.send_and_follow(await bring_all(mei, page), "/submit")
    await lin.send_and_follow(await lin.get("/o/yunshui/applications"), "/decisions", decision="approve")
    page = await mei.get(page.path.partition("?")[0])
    console = page.link("/stores/").partition("/stores/")[0]
    shop = await lin.get((await lin.get("/o/yunshui/merchants")).link("/merchants/mer_"))
    plan = next(one for one in shop.html.split('"') if re.fullmatch(r"[0-9a-f-]{36}/1", one))
    await lin.send_and_follow(shop, "/contracts", plan=plan, months="12")
    contract = await mei.get(f"{console}/contract")
    assert "Signed" in (await mei.send_and_follow(contract, "/signature")).text
    return mei, console


async def code_for(lin: Reader) -> str:
    """A code for shops that Lin shows."""
    page = await lin.get("/o/yunshui/people")
    operator = re.search(r"opr_\w+", page.html)
    form = page.form("/invitations")
    fields = {name: values[0] for name, values in form.fields.items() if values}
    assert operator
    made = Page(await lin.web.post(form.action, data={**fields, "part": "merchant", "operator": operator[0]}))
    link = re.search(r"/m/invited/[^\"<]+", made.html)
    assert link
    return link[0]


async def a_second_store(lin: Reader, mei: Reader, console: str) -> str:
    """Mei opens a store with a pin by herself; it comes back once, is mended, and is let in. Its public id."""
    stores = await mei.get(f"{console}/stores")
    form = await mei.get(stores.link("/stores/new"))
    given = {
        "name_zh": "河边小馆（北岸店）", "name_en": "Riverside, North Bank", "address_zh": "北岸路 1 号",
        "category": "home-style", "district": "2", **WEEK,
    }  # fmt: skip

    async def send(page: Page, part: str, **more: str) -> Page:
        fields = {name: values[0] for name, values in page.form(part).fields.items() if values}
        sent = {name: value for name, value in (fields | given | more).items() if name != "picture"}
        files = {"picture": ("front.jpg", a_photo(), "image/jpeg")}
        return Page(await mei.web.post(page.form(part).action, data=sent, files=files))

    away = await send(form, "/stores/new", place="31.5, 121.0")
    assert (away.status, "lies outside the city" in away.text) == (422, True)
    shut = await send(form, "/stores/new", **dict.fromkeys(WEEK, ""))
    assert (shut.status, "on which days" in shut.text) == (422, True)
    for _ in range(2):  # sent twice is once
        assert (await send(form, "/stores/new", place="")).status == 303
    queue = await lin.get("/o/yunshui/new-stores")
    assert queue.text.count("Riverside, North Bank") == 1
    assert "No pin" in queue.text
    await lin.send_and_follow(queue, "/new-stores/", decision="return:place")
    stores = await mei.get(f"{console}/stores")
    assert "The pin is not at the address." in stores.text
    again = await mei.get(stores.link("/new-stores/"))
    assert (await send(again, "/new-stores/", place="30.2612, 120.1934")).status == 303
    queue = await lin.get("/o/yunshui/new-stores")
    assert "30.26120, 120.19340" in queue.text
    assert "It is open" in (await lin.send_and_follow(queue, "/new-stores/", decision="open")).text
    house = mei.house
    await delivery.catch_up(house.db, registry=rounds.registry(house), now=house.clock.now())
    assert "Your new store is open" in (await mei.get(mei.at("/me/messages"))).text
    stores = await mei.get(f"{console}/stores")
    assert "Riverside, North Bank" in stores.text
    async with house.db.reading(house.town.city_id) as tx:
        found = await merchants.stores_in(tx, house.town.city_id, EVERYTHING)
    [new] = [one for one in found if one.name.en == "Riverside, North Bank"]
    assert (new.place.lat, new.place.lon) == (30.2612, 120.1934)
    return STORE.show(new.store_id, house.town.city_id)


async def a_deal(lin: Reader, mei: Reader, console: str, store: str) -> str:
    """A deal for the new store, written and submitted by Mei, let on sale by Lin."""
    editor = await mei.get(f"{console}/deals/new")
    given: dict[str, Any] = {
        "title_zh": "双人餐", "title_en": "Dinner for two", "price": "100", "list_price": "160", "total": "20",
        "included_zh": "双人餐一份", "stores": store,
    }  # fmt: skip
    saved = await save(mei, editor, **given, then="submit")
    assert saved.status == 303, saved.text
    page = await mei.follow(saved.headers["location"])
    assert "Submitted." in page.text
    queue = await lin.get("/o/yunshui/deals")
    assert "Dinner for two" in queue.text
    await lin.send_and_follow(queue, "/decisions", decision="approve")
    shown = re.search(r"off_\w+", editor.form("/draft").action + page.html)
    assert shown
    async with mei.house.db.reading(mei.house.town.city_id) as tx:
        (offer,) = await catalog.offers(tx, [OFFER.read_local(shown[0])[1]], city_id=mei.house.town.city_id)
    assert offer is not None
    assert offer.status == "published"
    return shown[0]


async def bought_and_used(cast: Cast, mei: Reader, store: str, offer: str) -> None:
    """Ann finds the store, buys, pays, and shows her code at its counter."""
    ann, house = await cast("ann"), cast.house
    assert "Dinner for two" in (await ann.get(ann.at(f"/stores/{store}"))).text
    page = await ann.get(ann.at(f"/checkout?offer={offer}&quantity=1"))
    answer = await ann.send(page, "/checkout")
    assert answer.status == 303, answer.text
    await ann.pay_all()
    order = re.search(r"ord_\w+", answer.headers["location"])
    assert order
    async with house.db.reading(house.town.city_id) as tx:
        [unit] = await vouchers.of_orders(tx, [ORDER.read_local(order[0])[1]], city_id=house.town.city_id)
    sheet = await mei.send(await mei.get(f"/m/{store}/scan"), "/verify", presented=unit.code)
    done = await mei.send_and_follow(sheet, "/redemptions")
    assert done.status == 200, done.text


async def settled(house: TestHouse, store: str) -> None:
    """Of 100.00: 8 % commission, a quarter of it for the operator; the rest is the shop's."""
    city_id = house.town.city_id
    async with house.db.reading(city_id) as tx:
        found = (await merchants.stores(tx, city_id, [STORE.read_local(store)[1]]))[STORE.read_local(store)[1]]
        (operator,) = await recruiting.all_operators(tx, at=house.clock.now())
    stands = {
        "merchant": await account(house.db, chart.payable_merchant(found.merchant_id).path),
        "operator": await account(house.db, chart.payable_operator(operator.operator_id).path),
        "platform": await account(house.db, chart.revenue_commission().path),
        "escrow": await account(house.db, chart.escrow(found.merchant_id).path),
    }
    assert stands == {"merchant": 9_200, "operator": 200, "platform": 600, "escrow": 0}
    assert await audit_clean(house.db)
