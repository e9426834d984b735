"""Mei runs a campaign: a typed template, a preview, a try on the past, the stop button, codes, a list of numbers."""

import io

import pytest
import xlsxwriter

from hutong import vouchers
from hutong.kit.ids import PROMOTION, STORE
from tests.db.coupons_help import actor, running
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mei(app, house: TestHouse) -> Reader:
    return await Reader(app, house).sign_in("mei")


def at(house: TestHouse, path: str = "") -> str:
    return f"/m/{STORE.show(house.town.stores['noodle-bar-lantern'], house.town.city_id)}/campaigns{path}"


async def wallet(house: TestHouse, who: str) -> list[vouchers.Voucher]:
    async with house.db.reading(house.town.city_id) as tx:
        return await vouchers.wallet(tx, house.town.people[who], city_id=house.town.city_id)


async def upload(reader: Reader, page: Page, part: str, name: str, data: bytes, **fields: str) -> Page:
    form = page.form(part)
    given = {key: values[0] for key, values in form.fields.items() if values} | fields
    return Page(await reader.web.post(form.action, data=given, files={"list": (name, data)}))


async def test_a_template_becomes_a_running_coupon(mei: Reader, ann: Reader, house: TestHouse):
    page = await mei.get(at(house))
    assert "还没有活动" in page.text
    form = await mei.get(page.link("template=spend_get"))
    assert "满减券" in form.html
    tried = await mei.send(form, "/campaigns/prm_", then="try")
    assert tried.status == 200
    assert "试算结果" in tried.text
    done = await mei.send_and_follow(tried, "/campaigns/prm_", then="publish", name_zh="满60减10", name_en="10 off 60")
    assert "已发布" in done.text
    assert "进行中" in done.text
    assert "满60减10" in (await ann.get("/c/qinghe/coupons")).text
    again = await mei.send_and_follow(tried, "/campaigns/prm_", then="publish", name_zh="满60减10", name_en="10 off 60")
    assert again.status in (200, 409)
    listed = await mei.get(at(house))
    assert listed.text.count("满60减10") == 1


async def test_what_is_wrong_stands_at_its_field(mei: Reader, house: TestHouse):
    form = await mei.get(at(house, "/new?template=percent"))
    wrong = await mei.send(
        form,
        "/campaigns/prm_",
        then="publish",
        percent="ninety",
        budget="",
        total="0",
        cel="member.spend >",
        cel_says_zh="",
    )
    assert wrong.status == 422
    for field in ("percent", "budget", "total", "cel", "cel_says_zh"):
        assert f'id="w-{field}"><svg' in wrong.html, field
    assert 'value="ninety"' in wrong.html


async def test_what_begins_from_scratch_has_no_name_until_it_gets_one(mei: Reader, house: TestHouse):
    form = await mei.get(at(house, "/new"))
    wrong = await mei.send(form, "/campaigns/prm_", then="publish", off="5", budget="100")
    assert wrong.status == 422
    assert 'id="w-name_zh"><svg' in wrong.html


async def test_the_stop_button_stops_claiming_at_once(mei: Reader, ann: Reader, house: TestHouse):
    campaign = PROMOTION.show(await running(house), house.town.city_id)
    page = await mei.get(at(house, f"/{campaign}"))
    stopped = await mei.send_and_follow(page, "/steps", what="pause")
    assert "已停止领取和使用" in stopped.text
    assert "满50减10" not in (await ann.get("/c/qinghe/coupons")).text
    back = await mei.send_and_follow(stopped, "/steps", what="resume")
    assert "进行中" in back.text
    ended = await mei.send_and_follow(back, "/steps", what="end")
    refused = await mei.send(back, "/steps", what="resume")
    assert (ended.status, refused.status) == (200, 409)


async def test_a_published_campaign_takes_a_new_budget_and_keeps_its_benefit(mei: Reader, house: TestHouse):
    campaign = PROMOTION.show(await running(house), house.town.city_id)
    form = await mei.get(at(house, f"/{campaign}/edit"))
    done = await mei.send_and_follow(form, f"/campaigns/{campaign}", then="save", budget="2345", total="77")
    assert "2,345" in done.text
    assert "77" in done.text
    form = await mei.get(at(house, f"/{campaign}/edit"))
    bent = await mei.send_and_follow(form, f"/campaigns/{campaign}", off="99", name_zh="改了名")
    assert "改了名" in bent.text
    assert "减 ¥10" in bent.text


async def test_codes_are_made_and_downloaded(mei: Reader, ann: Reader, house: TestHouse):
    campaign = PROMOTION.show(await running(house), house.town.city_id)
    page = await mei.get(at(house, f"/{campaign}"))
    made = await mei.send_and_follow(page, "/codes", count="3", label="=cmd")
    sheet = await mei.web.get(made.link(".csv"))
    lines = sheet.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "code,state"
    assert len(lines) == 4
    assert (await mei.web.get(made.link(".xlsx"))).content.startswith(b"PK")
    assert (await ann.web.get(made.link(".csv"))).status_code == 403
    centre = await ann.get("/c/qinghe/coupons")
    got = await ann.send_and_follow(centre, "/coupons/code", code=lines[2].split(",")[0])
    assert "满50减10" in got.text
    assert ",taken" in (await mei.web.get(made.link(".csv"))).text


async def test_a_list_of_numbers_gets_coupons_and_strangers_look_alike(mei: Reader, ann: Reader, house: TestHouse):
    await ann.buy()
    campaign = PROMOTION.show(await running(house), house.town.city_id)
    page = await mei.get(at(house, f"/{campaign}"))
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        sheet = made.add_worksheet()
        for n, phone in enumerate((house.town.phones["ann"], house.town.phones["bo"], "+8613912345678", "hello")):
            sheet.write_string(n, 0, phone)
        sheet.write_number(4, 0, int(house.town.phones["ann"].removeprefix("+86")))
    done = await upload(mei, page, "/issues", "list.xlsx", book.getvalue())
    assert done.status == 200
    assert done.text.count("已发放") == 1
    assert done.text.count("不是本店的顾客") == 2
    assert done.text.count("不是手机号") == 1
    assert done.text.count("之前已发") == 1
    assert [v.kind for v in await wallet(house, "ann")].count("coupon") == 1
    again = await upload(mei, page, "/issues", "list.xlsx", book.getvalue())
    assert again.text.count("之前已发") == 2
    assert [v.kind for v in await wallet(house, "ann")].count("coupon") == 1


async def test_brought_codes_are_judged_row_by_row(mei: Reader, house: TestHouse):
    campaign = PROMOTION.show(await running(house), house.town.city_id)
    page = await mei.get(at(house, f"/{campaign}"))
    rows = b"ABCDEFGH12345,\nSHORT,\nABCDEFGH12345,\nSHORT2,13900000000\n"
    done = await upload(mei, page, "/imports", "codes.csv", rows, label="mine")
    assert done.text.count("已导入") == 1
    assert "兑换码太短" in done.text
    assert "这个码已存在" in done.text
    assert "不是本店的顾客" in done.text
    bad = await upload(mei, page, "/imports", "codes.xlsx", b"PK\x03\x04 nonsense")
    assert bad.status == 422


async def test_strangers_see_nothing_of_it(ann: Reader, house: TestHouse):
    assert (await ann.get(at(house))).status in (403, 404)
    tao = await actor(house, "tao")
    assert tao.grants
