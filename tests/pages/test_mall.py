"""The gift mall on pages: found, exchanged with points, with points and cash, sent, fetched, given back."""

from uuid import UUID

import pytest

from hutong import mall, programmes
from hutong.desk import rounds
from hutong.infra import delivery
from hutong.kit.ids import OFFER, ORDER
from hutong.kit.text import Text
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at
from tests.world_mall import THERE, a_gift_in, an_alliance_in, earns, parcel_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mei(app, house: TestHouse) -> Reader:
    """Mei, who owns Noodle Bar."""
    return await Reader(app, house).sign_in("mei")


@pytest.fixture
async def grains(house: TestHouse) -> UUID:
    return await an_alliance_in(house)


async def rich(house: TestHouse, grains: UUID, points: int, who: str = "ann") -> None:
    await earns(house, grains, house.town.people[who], points)


async def has(house: TestHouse, grains: UUID, who: str = "ann") -> int:
    async with house.db.reading() as tx:
        found = await programmes.wallet(tx, house.town.people[who], grains, now=house.clock.now())
    return found.available


async def told(house: TestHouse) -> None:
    """What follows from facts."""
    await delivery.catch_up(house.db, registry=rounds.registry(house), now=house.clock.now())


def gift(house: TestHouse, slug: str, part: str = "") -> str:
    return f"/c/qinghe/mall/{OFFER.show(house.town.offers[slug], house.town.city_id)}{part}"


def sound(page: Page) -> Page:
    assert page.status == 200, page.text
    assert page.inline == []
    return page


async def test_the_mall_shows_what_points_buy(ann: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 250)
    home = sound(await ann.get("/c/qinghe/mall"))
    assert home.text.index("卤蛋一份") < home.text.index("青花大面碗") < home.text.index("四人宴")
    assert "还差 50" in home.text
    mine = sound(await ann.get("/c/qinghe/mall?show=mine"))
    assert "卤蛋一份" in mine.text
    assert "四人宴" not in mine.text
    assert "帆布袋" not in sound(await ann.get("/c/qinghe/mall?show=points")).text
    assert "卤蛋一份" not in sound(await ann.get("/c/qinghe/mall?show=cash")).text
    assert "礼盒" not in sound(await ann.get("/c/qinghe/mall?show=near")).text
    assert "礼盒" in sound(await ann.get("/c/qinghe/mall?show=sent")).text
    stranger = Reader(ann.web._transport.app, house, language="en")  # type: ignore[attr-defined]
    assert "Sign in to see your points" in sound(await stranger.get("/c/qinghe/mall")).text
    assert (await ann.follow(f"/c/qinghe/deals/{gift(house, 'gift-egg').rpartition('/')[2]}")).path.startswith(
        "/c/qinghe/mall/"
    )
    near = await ann.get("/c/qinghe/nearby")
    assert "卤蛋一份" not in near.text, "gifts have a place of their own"
    assert "积分" in near.text, "shops of the alliance say so"


async def test_points_become_a_voucher_that_is_used_in_the_shop(ann: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 250)
    page = sound(await ann.get(gift(house, "gift-egg")))
    ask = sound(await ann.get(page.link("/exchange")))
    right = await ann.send_and_follow(ask, "/exchange")
    assert "/vouchers/" in right.path
    assert "60 积分" in right.text
    assert await has(house, grains) == 190
    again = await ann.send_and_follow(ask, "/exchange")
    assert again.path == right.path, "the same form is the same exchange"
    assert await has(house, grains) == 190
    back = await ann.send_and_follow(await ann.get(right.link("/refund")), "/refunds")
    assert back.status == 200, back.text
    await told(house)
    assert await has(house, grains) == 250
    assert await audit_clean(house.db)


async def test_short_points_say_how_many_and_where_to_earn(ann: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 40)
    page = sound(await ann.get(gift(house, "gift-egg")))
    assert "还差 20 积分" in page.text
    assert page.link("/points/partners")
    ask = sound(await ann.get(gift(house, "gift-egg", "/exchange")))
    no = await ann.send(ask, "/exchange")
    assert no.status == 409
    assert "20" in no.text
    assert await has(house, grains) == 40


async def test_points_and_cash_lead_to_the_provider(ann: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 250)
    ask = sound(await ann.get(gift(house, "gift-bag", "/exchange")))
    assert "¥ 5" in ask.text
    pays = await ann.send(ask, "/exchange")
    assert pays.status == 303
    assert pays.headers["location"].endswith("/payment")
    async with house.db.reading() as tx:
        found = await programmes.wallet(tx, house.town.people["ann"], grains, now=house.clock.now())
    assert (found.available, found.held) == (50, 200)


async def test_a_gift_is_sent_and_arrives(ann: Reader, mei: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 700)
    ask = sound(await ann.get(gift(house, "gift-bowl", "/exchange?way=delivery")))
    blank = await ann.send(ask, "/exchange", line="", phone="")
    assert blank.status == 422
    right = await ann.send_and_follow(ask, "/exchange", name=THERE.name, phone=THERE.phone, line=THERE.line)
    assert "待发货" in right.text
    assert "code.svg" not in right.html, "what is sent is not shown at a counter"
    assert THERE.line in right.text
    todo = sound(await mei.get(at(mei, "/parcels")))
    assert THERE.line not in todo.text, "a list needs no addresses"
    parcel = sound(await mei.get(todo.link("/parcels/ord_")))
    assert THERE.line in parcel.text
    assert THERE.line in sound(await mei.get(parcel.link("/label"))).text
    none = await mei.send(parcel, "/sent", carrier="", number="")
    assert none.status == 422
    assert (await mei.send_and_follow(parcel, "/sent", carrier="顺丰速运", number="SF1")).status == 200
    way = sound(await ann.get(right.path))
    assert "SF1" in way.text
    await told(house)
    await told(house)
    heard = sound(await ann.get(ann.at("/me/messages")))
    assert heard.text.count("已交给顺丰速运，运单号 SF1。") == 1
    assert any("/orders/ord_" in link for link in heard.links)
    done = await ann.send_and_follow(way, "/arrived")
    assert "已收货" in done.text
    assert "已送达" in sound(await mei.get(parcel.path)).text
    order_id = ORDER.read_local(done.path.rpartition("/")[2])[1]
    assert (await parcel_of(house, order_id)).state == "delivered"
    await told(house)
    after = sound(await ann.get(ann.at("/me/messages")))
    assert "礼品已送达" not in after.text, "she said so herself"
    assert "券已使用" not in after.text, "a parcel is no use at a counter"
    assert await audit_clean(house.db)


async def test_who_gets_a_parcel_hears_from_its_shop_that_it_arrived(
    ann: Reader, mei: Reader, house: TestHouse, grains: UUID
):
    await rich(house, grains, 700)
    ask = await ann.get(gift(house, "gift-bowl", "/exchange?way=delivery"))
    await ann.send(ask, "/exchange", name=THERE.name, phone=THERE.phone, line=THERE.line)
    parcel = await mei.get((await mei.get(at(mei, "/parcels"))).link("/parcels/ord_"))
    await mei.send(parcel, "/sent", carrier="顺丰速运", number="SF3")
    sent = await mei.get(parcel.path)
    assert (await mei.send_and_follow(sent, "/delivered")).status == 200
    await told(house)
    await told(house)
    heard = sound(await ann.get(ann.at("/me/messages")))
    assert [heard.text.count(one) for one in ("礼品已寄出", "礼品已送达")] == [1, 1]
    assert THERE.line not in heard.text
    assert await audit_clean(house.db)


async def test_what_came_back_gives_the_points_back(ann: Reader, mei: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 700)
    ask = await ann.get(gift(house, "gift-bowl", "/exchange?way=delivery"))
    await ann.send(ask, "/exchange", name=THERE.name, phone=THERE.phone, line=THERE.line)
    parcel = await mei.get((await mei.get(at(mei, "/parcels"))).link("/parcels/ord_"))
    await mei.send(parcel, "/sent", carrier="顺丰速运", number="SF2")
    back = await mei.send_and_follow(await mei.get(parcel.path), "/returned", words="无人签收")
    assert "无人签收" in back.text
    await told(house)
    assert await has(house, grains) == 700
    assert await audit_clean(house.db)


async def test_another_shops_parcel_is_not_there(ann: Reader, mei: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 700)
    ask = await ann.get(gift(house, "gift-bowl", "/exchange?way=delivery"))
    right = await ann.send_and_follow(ask, "/exchange", name=THERE.name, phone=THERE.phone, line=THERE.line)
    order = right.link("/orders/ord_").rpartition("/")[2].partition("?")[0].partition("#")[0]
    bo = await Reader(ann.web._transport.app, house).sign_in("bo")  # type: ignore[attr-defined]
    assert (await bo.get(f"/c/qinghe/orders/{order}")).status == 404
    assert (await bo.get(at(bo, f"/parcels/{order}"))).status in (403, 404)


async def test_the_limit_of_a_month_is_told(ann: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 1_000)
    ask = await ann.get(gift(house, "gift-bowl", "/exchange?units=2"))
    assert (await ann.send(ask, "/exchange")).status == 303
    page = sound(await ann.get(gift(house, "gift-bowl")))
    assert "每月限兑 2 份" in page.text
    no = await ann.send(await ann.get(gift(house, "gift-bowl", "/exchange")), "/exchange")
    assert no.status == 409


async def test_sold_out_says_so(ann: Reader, house: TestHouse, grains: UUID):
    await a_gift_in(house, grains, "gift-last", title=Text(zh="窗花", en="Paper-cut"), points=10, cost=50, stock=1)
    await rich(house, grains, 100)
    assert (await ann.send(await ann.get(gift(house, "gift-last", "/exchange")), "/exchange")).status == 303
    page = sound(await ann.get(gift(house, "gift-last")))
    assert "已经兑完" in page.text
    assert not [link for link in page.links if link.endswith("/exchange")]


async def test_a_partner_writes_a_gift_that_is_reviewed(mei: Reader, house: TestHouse, grains: UUID):
    page = sound(await mei.get(at(mei, "/gifts")))
    dear = await mei.send(
        page, "/gifts", name_zh="筷子", name_en="Chopsticks", points="10", cost="9", stock="5", ways="pickup"
    )
    assert dear.status == 422
    assert "0.50" in dear.text, "ten points stand for fifty fen"
    made = await mei.send_and_follow(
        page, "/gifts", name_zh="筷子", name_en="Chopsticks", points="100", price="1", cost="5", stock="5",
        ways="pickup", most="2", span="month",
    )  # fmt: skip
    assert made.status == 200, made.text
    saved = await mei.send(made, "/draft", then="submit", category="noodles", summary_zh="竹的", summary_en="Bamboo")
    assert saved.status == 303, saved.text
    assert "筷子" in sound(await mei.get(at(mei, "/gifts"))).text


async def test_an_address_is_nowhere_in_plain(ann: Reader, house: TestHouse, grains: UUID):
    await rich(house, grains, 700)
    ask = await ann.get(gift(house, "gift-bowl", "/exchange?way=delivery"))
    await ann.send(ask, "/exchange", name=THERE.name, phone=THERE.phone, line=THERE.line)
    async with house.db.reading(house.town.city_id) as tx:
        for table in ("infra.facts", "infra.answers", "mall.deliveries", "mall.steps", "orders.orders"):
            row = await tx.value(
                f"select count(*) from {table} x where x.city_id = %(c)s and x::text like %(w)s",
                c=house.town.city_id, w="%青石板路 21 号院%",
            )  # fmt: skip
            assert row == 0, table
    assert mall.FORGET_AFTER.days == 30
