"""A member's points on pages: the wallet, its lots and history, the code, a friend, a charity."""

import base64
import hashlib
import hmac
import io
import json
import zipfile
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from hutong import people, programmes
from hutong.desk import rounds
from hutong.infra import delivery
from hutong.kit.ids import OFFER, PROGRAMME, to_crockford
from hutong.kit.text import Text
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_me import redeem
from tests.programmes_help import an_alliance
from tests.world_mall import a_gift_in, an_alliance_in, earns

pytestmark = pytest.mark.anyio
HOME = "/c/qinghe/points"


@pytest.fixture
async def grains(house: TestHouse) -> UUID:
    return await an_alliance_in(house)


def sound(page: Page) -> Page:
    assert page.status == 200, page.text
    assert page.inline == []
    return page


async def has(house: TestHouse, grains: UUID, who: str) -> int:
    async with house.db.reading() as tx:
        found = await programmes.wallet(tx, house.town.people[who], grains, now=house.clock.now())
    return found.available


async def test_a_city_without_an_alliance_says_so(ann: Reader, house: TestHouse):
    assert "还没有积分联盟" in sound(await ann.get(HOME)).text
    assert "还没有积分联盟" in sound(await ann.get("/c/qinghe/mall")).text
    assert (await ann.get(f"{HOME}/lots")).status == 404


async def test_the_wallet_says_what_there_is_and_what_ends(ann: Reader, house: TestHouse, grains: UUID):
    assert "还没有积分" in sound(await ann.get(f"{HOME}/history")).text
    member, now = house.town.people["ann"], house.clock.now()
    await earns(house, grains, member, 400, now - timedelta(days=28))
    await earns(house, grains, member, 250)
    page = sound(await ann.get(HOME))
    assert "650" in page.text
    assert "400 积分将于" in page.text, "what ends within thirty days is told"
    assert "再攒 850 成长值升级老友" in page.text
    lots = sound(await ann.get(f"{HOME}/lots"))
    assert "400 / 400" in lots.text
    assert "250 / 250" in lots.text
    before = sound(await ann.get(f"{HOME}/at?day={(now - timedelta(days=3)).date()}"))
    assert "400" in before.text
    assert "650" not in before.text
    me = await ann.get("/c/qinghe/me")
    assert me.link("/points")
    assert "650" in sound(await ann.get("/c/qinghe/coupons")).text


async def test_history_comes_page_by_page_and_leads_to_the_purchase(ann: Reader, house: TestHouse, grains: UUID):
    for _ in range(23):
        await earns(house, grains, house.town.people["ann"], 10)
    first = sound(await ann.get(f"{HOME}/history"))
    assert first.text.count("消费获得") == 20
    second = sound(await ann.get(first.link("after=")))
    assert second.text.count("消费获得") == 3
    assert second.link("/points/history").count("lang="), "only the other language is left: no further page"
    assert (await ann.get(f"{HOME}/history?after=nonsense")).status in (400, 422)


async def test_the_code_of_the_page_is_the_code_that_a_phone_computes(ann: Reader, house: TestHouse, grains: UUID):
    sound(await ann.get(f"{HOME}/code"))
    svg = await ann.get(f"{HOME}/code/code.svg")
    assert svg.headers["content-type"].startswith("image/svg")
    assert svg.headers["cache-control"] == "no-store"
    kept = (await ann.get(f"{HOME}/code/pocket")).answer.json()
    now = house.clock.now()
    secret = base64.urlsafe_b64decode(kept["secret"] + "==")
    step = max(int(now.timestamp()) // 30, kept["after"] + 1)
    mac = hmac.digest(secret, b"member" + step.to_bytes(8, "big"), hashlib.sha256)
    async with house.db.member(house.town.people["ann"]) as tx:
        ask = people.TakeBadge(house.town.people["ann"], people.fresh_badge_secret())
        (badge,) = await people.take_badges(tx, [ask], now=now)
    assert f"HM1.{kept['short']}.{to_crockford(mac[:10]).upper()}" == people.badge_text(badge, now)


async def test_points_go_to_a_friend_who_is_named(ann: Reader, house: TestHouse, grains: UUID):
    await earns(house, grains, house.town.people["ann"], 600)
    form = sound(await ann.get(f"{HOME}/send"))
    bo = house.town.phones["bo"]
    name = (await _name(house, "bo"))[:1]
    ask = sound(await ann.send(form, "/send", phone=bo, name=name, points="120"))
    assert "120" in ask.text
    assert "**" in ask.text, "masked: the sender recognises, nobody learns"
    assert await has(house, grains, "bo") == 0, "nothing goes before it is confirmed"
    done = await ann.send_and_follow(ask, "/send")
    assert "已转赠" in done.text
    assert (await has(house, grains, "ann"), await has(house, grains, "bo")) == (480, 120)
    again = await ann.send_and_follow(ask, "/send")
    assert again.status == 200
    assert await has(house, grains, "bo") == 120, "the same form is the same sending"
    much = await ann.send(await ann.get(f"{HOME}/send"), "/send", phone=bo, name=name, points="5000")
    assert much.status == 409
    assert await audit_clean(house.db)


async def test_a_second_click_means_what_the_first_meant(ann: Reader, house: TestHouse, grains: UUID):
    """After the first her other points are the most, or too few of these are left: neither changes what was asked."""
    who, now, bo = house.town.people["ann"], house.clock.now(), house.town.phones["bo"]
    await earns(house, grains, who, 600)
    other = await an_alliance(house.db, pending_days=0)
    await other.join("tea", blocks=100_000, now=now)
    await other.rich(500, now, member=who)
    name = (await _name(house, "bo"))[:1]
    ask = sound(await ann.send(await ann.get(f"{HOME}/send"), "/send", phone=bo, name=name, points="400"))
    for _ in range(2):
        assert "已转赠" in (await ann.send_and_follow(ask, "/send")).text
    assert (await has(house, grains, "ann"), await has(house, grains, "bo")) == (200, 400)
    assert await has(house, other.programme_id, "bo") == 0
    form = sound(await ann.get(f"{HOME}/give?in={PROGRAMME.show(grains)}"))
    for _ in range(2):
        sound(await ann.send_and_follow(form, "/give", points="150"))
    assert await has(house, grains, "ann") == 50
    assert await audit_clean(house.db)


async def _name(house: TestHouse, who: str) -> str:
    async with house.db.reading() as tx:
        return (await people.members(tx, [house.town.people[who]]))[house.town.people[who]].name


async def test_a_number_tells_a_stranger_nothing(ann: Reader, house: TestHouse, grains: UUID):
    """A number that is nobody's and one whose name he does not know get the same answer, and tries are few."""
    await earns(house, grains, house.town.people["ann"], 600)
    answers = []
    for phone in ("19900009999", house.town.phones["bo"]):
        form = await ann.get(f"{HOME}/send")
        page = await ann.send(form, "/send", phone=phone, name="壹", points="10")
        answers.append((page.status, "手机号和姓氏对不上" in page.text, "**" in page.text))
    assert answers == [(422, True, False)] * 2
    for _ in range(8):
        last = await ann.send(await ann.get(f"{HOME}/send"), "/send", phone="19900009998", name="壹", points="10")
        assert last.status == 422
    late = await ann.send(await ann.get(f"{HOME}/send"), "/send", phone="19900009998", name="壹", points="10")
    assert late.status == 429
    own = house.town.phones["ann"]
    assert (await ann.send(await ann.get(f"{HOME}/send"), "/send", phone=own, name="小", points="10")).status == 429


async def test_points_are_given_to_a_charity(ann: Reader, house: TestHouse, grains: UUID):
    await earns(house, grains, house.town.people["ann"], 300)
    form = sound(await ann.get(f"{HOME}/give"))
    assert "四喜" in form.text
    assert "巷口面吧" not in form.form("/give").fields.get("partner", []), "a shop is no charity"
    no = await ann.send(form, "/give", points="abc", partner=str(house.town.merchants["four-joys"]))
    assert no.status == 422
    other = await ann.send(form, "/give", points="10", partner=str(house.town.noodle_bar))
    assert other.status in (404, 409, 422)
    fine = await ann.get(f"{HOME}/give")
    done = await ann.send_and_follow(fine, "/give", points="80", partner=str(house.town.merchants["four-joys"]))
    assert "已捐出" in done.text
    assert await has(house, grains, "ann") == 220
    assert await audit_clean(house.db)


async def test_where_points_are_good_is_told(ann: Reader, house: TestHouse, grains: UUID):
    page = sound(await ann.get(f"{HOME}/partners"))
    assert page.text.index("巷口面吧") > 0
    assert "公益" in page.text
    async with house.db.reading(house.town.city_id) as tx:
        assert len(await programmes.partners(tx, grains)) == 2
    deal = await ann.get(f"/c/qinghe/deals/{_deal(house)}")
    assert "预计可得" in deal.text


def _deal(house: TestHouse) -> str:
    return OFFER.show(house.town.offers["two-bowls"], house.town.city_id)


async def test_order_and_receipt_say_what_the_order_earned(ann: Reader, house: TestHouse, grains: UUID):
    """Nothing before the use; then the points of what was paid, and from when they can be used."""
    assert "预计可得 68 积分" in sound(await ann.get(f"/c/qinghe/deals/{_deal(house)}")).text
    order = await ann.buy()
    path = ann.at(f"/orders/{order}")
    assert "这笔订单得到" not in sound(await ann.get(path)).text
    await redeem(house, ann, order)
    await delivery.catch_up(house.db, registry=rounds.registry(house), now=house.clock.now())
    day = house.clock.now().astimezone(ZoneInfo("Asia/Shanghai"))
    for page in (sound(await ann.get(path)), sound(await ann.get(f"{path}/receipt"))):
        assert "这笔订单得到 68 积分" in page.text
        assert f"其中 68 积分待生效，{day.year}年{day.month}月{day.day}日起可用" in page.text
    english = sound(await ann.get(path, headers={"accept-language": "en"}))
    assert "This order earned 68 points" in english.text
    async with house.db.city(house.town.city_id) as tx:
        while await programmes.mature(tx, programme_id=grains, now=house.clock.now() + timedelta(days=1)):
            pass
    assert "待生效" not in sound(await ann.get(path)).text
    assert await audit_clean(house.db)


async def test_who_leaves_is_told_and_takes_a_copy_along(ann: Reader, house: TestHouse, grains: UUID):
    await earns(house, grains, house.town.people["ann"], 300)
    page = sound(await ann.get("/c/qinghe/me/leave"))
    assert "300 积分会随账号一起失效" in page.text
    privacy = await ann.get("/c/qinghe/me/privacy")
    made = await ann.send_and_follow(privacy, "/export")
    packed = await ann.send(made, "/exports/")
    with zipfile.ZipFile(io.BytesIO(packed.answer.content)) as file:
        points = json.loads(file.read("points.json"))
        assert json.loads(file.read("gifts.json")) == []
    assert (points[0]["available"], len(points[0]["lots"]), len(points[0]["movements"])) == (300, 1, 1)
    async with house.db.central() as tx:
        await programmes.forget_members(tx, [house.town.people["ann"]], now=house.clock.now())
    assert await has(house, grains, "ann") == 0
    assert await audit_clean(house.db)


async def test_a_member_of_two_alliances_chooses_once(anybody: Reader, ann: Reader, house: TestHouse, grains: UUID):
    """With one alliance there is nothing to choose. With two the richer one is shown; who chooses the other sees its
    points, its mall and its partners, until he chooses again. A gift opens whatever was chosen. What was earned in an
    alliance of another city is in the wallet, and not in the mall of this one."""
    town, now, who = house.town, house.clock.now(), house.town.people["ann"]
    await earns(house, grains, who, 600)
    assert "?in=" not in sound(await ann.get(HOME)).html
    river = await an_alliance(house.db, pending_days=0)
    away = await an_alliance(house.db, pending_days=0)
    for alliance, name, city in ((river, "滨河积分", town.city_id), (away, "临江积分", 2)):
        async with house.db.central() as tx:
            await tx.run(
                "update programmes.programmes set name = %(name)s, cities = %(cities)s where programme_id = %(id)s",
                name=Jsonb({"zh": name, "en": name}), cities=[city], id=alliance.programme_id,
            )  # fmt: skip
    for alliance, points in ((river, 50), (away, 7)):
        await alliance.join("tea", blocks=100_000, now=now)
        await alliance.rich(points, now, member=who)
    await a_gift_in(house, river.programme_id, "gift-boat", title=Text(zh="游船票", en="Boat trip"), points=40, cost=30)

    rich = sound(await ann.get(HOME))
    assert "600" in rich.text
    assert rich.html.index("麦粒") < rich.html.index("滨河积分") < rich.html.index("临江积分")
    assert "大面碗" in (await ann.get("/c/qinghe/mall")).text, "the mall of where he has most"
    shown = {name: PROGRAMME.show(i) for name, i in (("river", river.programme_id), ("away", away.programme_id))}
    chosen = sound(await ann.get(f"{HOME}?in={shown['river']}"))
    assert "滨河积分" in chosen.html.split("<h1>")[1].split("</h1>")[0]
    mall = sound(await ann.get("/c/qinghe/mall"))
    assert "游船票" in mall.text
    assert "大面碗" not in mall.text
    assert "临江积分" not in mall.text
    assert "50" in sound(await ann.get(f"{HOME}/lots")).text
    assert "600" not in (await ann.get(f"{HOME}/send")).text
    bowl = OFFER.show(town.offers["gift-bowl"], town.city_id)
    assert "大面碗" in (await ann.get(f"/c/qinghe/mall/{bowl}")).text
    there = sound(await ann.get(f"{HOME}?in={shown['away']}"))
    assert "临江积分" in there.html.split("<h1>")[1].split("</h1>")[0]
    assert "大面碗" in (await ann.get("/c/qinghe/mall")).text, "there is no mall of it here"
    assert sound(await ann.get(f"{HOME}?in=prg_nonsense")).status == 200
    public = sound(await anybody.get(f"/c/qinghe/mall?in={shown['river']}"))
    assert "游船票" in public.text
    assert shown["river"] in public.html
    assert await audit_clean(house.db)
