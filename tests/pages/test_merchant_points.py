"""Points at the counter and in the console: a member's code, a number, what is earned and used, and its money."""

import re

import pytest

from hutong import people
from hutong.people import TakeBadge, badge_text, fresh_badge_secret
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_merchant_counter import at, shown, tone
from tests.points_help import joins, matured
from tests.programmes_help import Alliance, an_alliance

pytestmark = pytest.mark.anyio


@pytest.fixture
async def tao(app, house: TestHouse) -> Reader:
    """Tao, cashier of Noodle Bar in Lantern Lane."""
    return await Reader(app, house).sign_in("tao")


@pytest.fixture
async def mei(app, house: TestHouse) -> Reader:
    """Mei, whose shop it is."""
    return await Reader(app, house).sign_in("mei")


async def in_an_alliance(house: TestHouse, *, block: int = 1_000_000) -> Alliance:
    """Noodle Bar gives a grain for each yuan, worth a fen, at once."""
    alliance = await an_alliance(house.db, pending_days=0)
    await joins(alliance, "noodle-bar", house.town.noodle_bar, house.clock.now(), block=block)
    return alliance


async def code_of(house: TestHouse, who: str) -> str:
    """What the member's phone shows now."""
    now, member = house.clock.now(), house.town.people[who]
    async with house.db.central() as tx:
        (badge,) = await people.take_badges(tx, [TakeBadge(member, fresh_badge_secret())], now=now)
    return badge_text(badge, now)


async def settled(tao: Reader, presented: str, amount: str, **more: str) -> Page:
    sheet = await shown(tao, presented)
    assert sheet.status == 200
    return await tao.send_and_follow(sheet, "/bills", amount=amount, **more)


async def test_a_members_code_earns_and_then_pays(tao: Reader, house: TestHouse):
    alliance = await in_an_alliance(house)
    green = await settled(tao, await code_of(house, "ann"), "88.50")
    assert tone(green) == ("good", "")
    assert "获得积分 88 分" in green.text
    await matured(alliance, house.clock.now())
    sheet = await shown(tao, await code_of(house, "ann"))
    assert "最多 88 分" in sheet.text
    assert sheet.inline == []
    less = await tao.send_and_follow(sheet, "/bills", amount="10", points="88")
    assert "请收 ¥9.12" in less.text
    assert await audit_clean(house.db)


async def test_a_number_says_the_same_of_a_member_and_of_nobody(tao: Reader, house: TestHouse):
    await in_an_alliance(house)
    said = []
    for number in (house.town.phones["ann"].removeprefix("+86"), "13900000000"):
        sheet = await shown(tao, number)
        assert 'name="points"' not in sheet.html
        green = await tao.send_and_follow(sheet, "/bills", amount="88.50")
        said.append(re.sub(r"\d{4}", "", green.text))
    assert said[0] == said[1]
    assert "积分会计入这个号码" in said[0]
    assert await audit_clean(house.db)


async def test_a_shop_at_zero_says_so_and_the_bill_stands(tao: Reader, mei: Reader, house: TestHouse):
    """The owner sees what was missed, adds a block, and gives it."""
    alliance = await in_an_alliance(house, block=50)
    green = await settled(tao, await code_of(house, "ann"), "88.50")
    assert "没有积分" in green.text
    assert "请收 ¥88.50" in green.text
    page = await mei.get(at(mei, "/points"))
    assert "1 笔消费没拿到积分" in page.text
    still = await mei.send(page, "/points/grants")
    assert "已用完" in still.text
    await alliance.pay_in("noodle-bar", 10_000, now=house.clock.now())
    page = await mei.get(at(mei, "/points"))
    after = await mei.send_and_follow(page, "/points/grants")
    assert "已补发 1 笔" in after.text
    lines = await mei.get(at(mei, "/points/lines"))
    assert "88" in lines.text
    file = await mei.get(at(mei, "/points/files/csv"))
    assert file.status == 200
    assert await audit_clean(house.db)


async def test_the_guest_pays_by_phone(tao: Reader, anybody: Reader, house: TestHouse):
    """The sheet's second button: a code, a page for the guest, the provider's word, the result."""
    await in_an_alliance(house)
    waits = await settled(tao, await code_of(house, "ann"), "35", pay="sandbox")
    assert "请客人扫码付 ¥35" in waits.text
    bill = re.search(r"/bills/(bil_[0-9a-z_]+)/news", waits.html)
    assert bill is not None
    guest = await anybody.get(f"/pay/{bill[1]}")
    assert "付 ¥35" in guest.text
    number = next(link for link in guest.links if "pay.example" in link).rpartition("/")[2]
    house.pay.pay(number)
    paid = await anybody.get(f"/pay/{bill[1]}?back=1")
    assert "已付款" in paid.text
    done = await tao.get(at(tao, f"/bills/{bill[1]}?new=1"))
    assert "已收到 ¥35" in done.text
    assert "获得积分 35 分" in done.text
    assert await audit_clean(house.db)


async def test_cash_after_all(tao: Reader, house: TestHouse):
    await in_an_alliance(house)
    waits = await settled(tao, await code_of(house, "ann"), "35", pay="sandbox")
    green = await tao.send_and_follow(waits, "/cash")
    assert "请收 ¥35" in green.text
    assert "获得积分 35 分" in green.text
    assert await audit_clean(house.db)


async def test_a_cashier_who_puts_his_own_code_on_bills_is_flagged(tao: Reader, mei: Reader, house: TestHouse):
    await in_an_alliance(house)
    for _ in range(2):
        await settled(tao, await code_of(house, "tao"), "99")
    page = await mei.get(at(mei, "/points"))
    assert "1 条异常提示待查看" in page.text
    odd = await mei.get(at(mei, "/points/odd"))
    assert "店员本人的会员码" in odd.text
    assert "2 笔账单" in odd.text


async def test_a_cashier_does_not_see_the_money(tao: Reader):
    for path in ("/points", "/points/lines", "/points/odd", "/points/files/csv"):
        assert (await tao.get(at(tao, path))).status in (403, 404)


async def test_a_shop_in_no_programme_is_told_how_to_join(mei: Reader):
    page = await mei.get(at(mei, "/points"))
    assert "还没有加入积分联盟" in page.text


async def test_the_operator_of_the_city_sees_the_hints_and_nobody_else_does(
    app, tao: Reader, mei: Reader, house: TestHouse
):
    await in_an_alliance(house)
    await settled(tao, await code_of(house, "tao"), "99")
    lin = await Reader(app, house).sign_in("lin")
    page = await lin.get("/o/qinghe/odd")
    assert "店员本人的会员码" in page.text
    assert page.inline == []
    assert (await mei.get("/o/qinghe/odd")).status in (403, 404)
    assert (await lin.get("/o/linjiang/odd")).status in (403, 404)
