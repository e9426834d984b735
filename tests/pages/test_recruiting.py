"""From a code in the street to a shop with a signed contract, through the pages; a claim that the platform decides."""

import io
from typing import Any

import pytest
from litestar import Litestar
from PIL import Image

from hutong import recruiting
from hutong.desk import rounds
from hutong.infra import delivery
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.clock import ManualClock
from hutong.kit.text import Text
from hutong.recruiting import Assign, MakeOperator, TakeSeat
from hutong.settlement import Plan, add_plans
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio
SHOP = {
    "name_zh": "河边小馆", "trade": "restaurant", "district": "1", "address_zh": "河街 8 号",
    "place": "30.842, 112.715", "phone": "19900007777",
}  # fmt: skip


@pytest.fixture
async def operators(house: TestHouse, clock: ManualClock) -> dict[str, Any]:
    """Lin manages the division that runs the city; another division, of Tao's, runs nothing here."""
    town, now = house.town, clock.now()
    made = {"lantern": new_id(), "river": new_id()}
    async with house.db.central() as tx:
        for name, one in made.items():
            ask = MakeOperator(operator_id=one, kind="division", name=Text(zh=name, en=name), by=None)
            await recruiting.make_operators(tx, [ask], now=now)
        area = Assign(territory_id=new_id(), district_id=None, operator_id=made["lantern"], by=None)
        await recruiting.assign(tx, [area], city_id=town.city_id, now=now)
        for who, name in (("lin", "lantern"), ("tao", "river")):
            seat = TakeSeat(
                seat_id=new_id(), operator_id=made[name], member_id=town.people[who], part="manager", by=None
            )
            await recruiting.take_seats(tx, [seat], now=now)
        plan = Plan(plan_id=new_id(), version=1, name=Text(zh="标准", en="Plain"), commission_bps=700, made_at=now)
        await add_plans(tx, [plan], now=now)
    return made


async def person(app: Litestar, house: TestHouse, who: str) -> Reader:
    return await Reader(app, house, language="en").sign_in(who)


def a_photo() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (80, 60), (200, 180, 160)).save(data, "JPEG")
    return data.getvalue()


async def bring_all(reader: Reader, page: Page) -> Page:
    """Every paper that the page asks for."""
    for form in [one for one in page.forms if one.action.endswith("/documents")]:
        fields = {name: values[0] for name, values in form.fields.items() if values}
        answer = await reader.web.post(form.action, data=fields, files={"file": ("p.jpg", a_photo(), "image/jpeg")})
        assert answer.status_code == 303, answer.text
    return await reader.get(page.path.partition("?")[0])


async def code_for(lin: Reader, part: str) -> str:
    """The path of a link that Lin makes."""
    form = (await lin.get("/o/qinghe/people")).form("/invitations")
    fields = {name: values[0] for name, values in form.fields.items() if values}
    page = Page(await lin.web.post(form.action, data={**fields, "part": part, "operator": await _own(lin)}))
    assert page.status == 200, page.text
    (link,) = [one for one in page.html.split('"') if "/m/invited/" in one or "/o/join/" in one]
    return "/" + link.split("/", 3)[3]


async def _own(lin: Reader) -> str:
    page = await lin.get("/o/qinghe/people")
    return next(one for one in page.html.split('"') if one.startswith("opr_"))


async def comes_in(app: Litestar, house: TestHouse, lin: Reader) -> tuple[Reader, str]:
    """Ann applies by Lin's code, is sent back once, and is let in; her browser and the merchant's address."""
    ann = await person(app, house, "ann")
    invited = await ann.get(await code_for(lin, "merchant"))
    assert "lantern invites you" in invited.text
    form = await ann.get(invited.link("/m/apply/qinghe?by="))
    wrong = await ann.send(form, "/m/apply/qinghe", **{**SHOP, "place": "here"})
    assert (wrong.status, "河边小馆" in wrong.html) == (422, True)
    page = await ann.send_and_follow(form, "/m/apply/qinghe", **SHOP)
    assert "3 papers are missing" in page.text
    page = await bring_all(ann, page)
    page = await ann.send_and_follow(page, "/submit")
    assert "In review" in page.text
    queue = await lin.get("/o/qinghe/applications")
    assert "河边小馆" in queue.text
    await lin.send(queue, "/decisions", decision="return:photo")
    page = await ann.get(page.path.partition("?")[0])
    assert "The photo cannot be read." in page.text
    words = await ann.get(page.link("/words"))
    page = await ann.send_and_follow(words, "/words", address_zh="河街 18 号", district="1")
    page = await ann.send_and_follow(page, "/submit")
    queue = await lin.get("/o/qinghe/applications")
    assert "河街 8 号" in queue.text  # what it said before stands beside what it says now
    assert "河街 18 号" in queue.text
    done = await lin.send_and_follow(queue, "/decisions", decision="approve")
    assert "Let in" in done.text
    page = await ann.get(page.path.partition("?")[0])
    console = await ann.follow(page.link("/stores/"))
    assert (console.status, "河边小馆" in console.html) == (200, True)
    shops = await lin.get("/o/qinghe/merchants")
    found = [link for link in shops.links if "/merchants/mer_" in link]
    named = [link for link in found if "河边小馆" in (await lin.get(link)).html]
    return ann, named[0]


async def test_a_shop_comes_in_and_signs(
    app: Litestar, house: TestHouse, db: Database, operators: dict[str, Any]
):  # fmt: skip
    lin = await person(app, house, "lin")
    ann, shop = await comes_in(app, house, lin)
    page = await lin.get(shop)
    assert "by rule: alone on record" in page.text
    plan = next(one for one in page.html.split('"') if one.endswith("/1") and len(one) == 38)
    page = await lin.send_and_follow(page, "/contracts", plan=plan, months="12")
    assert "waits for a signature" in page.text
    console = await ann.follow("/m")
    contract = await ann.get(console.link("/contract"))
    signed = await ann.send_and_follow(contract, "/signature")
    assert "Signed" in signed.text
    again = await ann.send(contract, "/signature")
    assert again.status == 303
    assert "in force" in (await lin.get(shop)).text
    assert await audit_clean(db)
    del operators


async def test_an_applicant_hears_how_far_it_has_come(
    app: Litestar, house: TestHouse, db: Database, operators: dict[str, Any]
):
    """Sent back, then let in; another shop is refused: each told once, with the way to its page."""
    lin = await person(app, house, "lin")
    ann, _ = await comes_in(app, house, lin)
    form = await ann.get((await ann.get(await code_for(lin, "merchant"))).link("/m/apply/qinghe?by="))
    page = await ann.send_and_follow(form, "/m/apply/qinghe", **{**SHOP, "name_zh": "桥头小馆"})
    page = await ann.send_and_follow(await bring_all(ann, page), "/submit")
    await lin.send(await lin.get("/o/qinghe/applications"), "/decisions", decision="reject:photo")
    assert (await ann.get(page.path)).status == 200
    for _ in range(2):
        await delivery.catch_up(house.db, registry=rounds.registry(house), now=house.clock.now())
    heard = await ann.get(ann.at("/me/messages"))
    titles = ("Your shop is in", "Your application needs another round", "Your application was refused")
    assert [heard.text.count(one) for one in titles] == [1, 1, 1]
    assert "“河边小馆” was let in." in heard.text
    assert "“桥头小馆” was not let in." in heard.text
    assert page.path.partition("?")[0] in heard.links
    chinese = await ann.get(ann.at("/me/messages"), headers={"accept-language": "zh-CN"})
    assert "入驻申请需要补充" in chinese.text
    assert await audit_clean(db)
    del operators


async def test_two_claim_a_shop_and_the_platform_decides(
    app: Litestar, house: TestHouse, db: Database, clock: ManualClock, operators: dict[str, Any]
):
    lin, tao = await person(app, house, "lin"), house.town.people["tao"]
    seen = recruiting.LogVisit(
        visit_id=new_id(), operator_id=operators["river"], by=tao, business="河边小馆", phone="+8619900007777",
        note="看过了", at=clock.now(),
    )  # fmt: skip
    async with db.city(house.town.city_id) as tx:
        await recruiting.log_visits(tx, [seen], city_id=house.town.city_id, now=clock.now())
    _, shop = await comes_in(app, house, lin)
    assert "Two claim it" in (await lin.get(shop)).text
    assert "being decided" in (await lin.get("/o/qinghe/claims")).text
    pat = await person(app, house, "pat")
    claims = await pat.get("/o/qinghe/claims")
    case = await pat.get(claims.link("/cases/cas_"))
    river = [one for one in case.html.split('"') if one.startswith("opr_")]
    assert len(river) == 2
    bare = await pat.send(case, "/decisions", operator=river[0], reason="")
    assert bare.status == 422
    for _ in range(2):
        done = await pat.send_and_follow(case, "/decisions", operator=river[0], reason="first on record")
        assert "first on record" in done.text
    other = await pat.send(case, "/decisions", operator=river[1], reason="no, the other")
    assert other.status == 409
    refused = await lin.get(case.path)
    assert refused.status == 403
    assert await audit_clean(db)


async def test_a_recruiter_joins_works_and_leaves(
    app: Litestar, house: TestHouse, db: Database, operators: dict[str, Any]
):
    lin, bo = await person(app, house, "lin"), await person(app, house, "bo")
    link = await code_for(lin, "recruiter")
    assert (await bo.get("/o/qinghe/visits")).status == 403
    desk = await bo.send_and_follow(await bo.get(link), link)
    assert desk.status == 200
    assert (await (await person(app, house, "ann")).get(link)).status in (200, 410)
    assert (await bo.get("/o/qinghe/deals")).status == 403  # he recruits; he does not run the city
    visits = await bo.get("/o/qinghe/visits")
    late = await bo.send_and_follow(visits, "/visits", business="街角", note="明天再来", at="")
    assert "明天再来" in late.text
    assert "明天再来" in (await lin.get("/o/qinghe/visits")).text
    page = await lin.get("/o/qinghe/people")
    await lin.send(page, "/end")
    assert (await bo.get("/o/qinghe/visits")).status == 403
    assert await audit_clean(db)
    del operators
