"""At the counter: who may stand there, what a code is, using it, and why not."""

import asyncio
from datetime import timedelta

import pytest

from hutong import vouchers
from hutong.kit.clock import ManualClock
from hutong.kit.ids import ORDER
from hutong.vouchers import Voucher
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio


@pytest.fixture
async def tao(app, house: TestHouse) -> Reader:
    """Tao, cashier of Noodle Bar in Lantern Lane."""
    return await Reader(app, house).sign_in("tao")


@pytest.fixture
async def mei(app, house: TestHouse) -> Reader:
    """Mei, who owns Noodle Bar, reading English."""
    return await Reader(app, house, language="en").sign_in("mei")


async def held(ann: Reader, slug: str = "two-bowls", quantity: int = 1) -> list[Voucher]:
    """Ann buys; her vouchers."""
    order = await ann.buy(slug, quantity)
    town = ann.house.town
    async with ann.house.db.reading(town.city_id) as tx:
        return await vouchers.of_orders(tx, [ORDER.read_local(order)[1]], city_id=town.city_id)


def at(reader: Reader, path: str = "/scan", store: str = "noodle-bar-lantern") -> str:
    return f"/m/{reader.store(store)}{path}"


async def shown(staff: Reader, presented: str, store: str = "noodle-bar-lantern") -> Page:
    """The code is typed or scanned at the counter; what the screen says."""
    page = await staff.get(at(staff, store=store))
    return await staff.send(page, "/verify", presented=presented)


async def used_up(house: TestHouse, unit: Voucher) -> Voucher:
    async with house.db.reading(house.town.city_id) as tx:
        return (await vouchers.by_ids(tx, [unit.voucher_id], city_id=house.town.city_id))[0]


def tone(page: Page) -> tuple[str, str]:
    """(colour, refusal code) of a result screen."""
    colour = page.html.split('data-result="')[1].split('"')[0]
    code = page.html.split('data-code="')[1].split('"')[0] if 'data-code="' in page.html else ""
    return colour, code


async def test_a_cashier_lands_on_the_scanner_of_his_counter(tao: Reader):
    page = await tao.follow("/m")
    assert page.path == at(tao)
    assert "巷口面吧（灯笼巷店）" in page.text
    assert page.form("/verify")
    assert not [link for link in page.links if link.endswith(("/today", "/statement"))]
    assert page.headers["cache-control"] == "no-store"
    assert page.inline == []


async def test_an_owner_chooses_and_the_choice_is_remembered_and_checked(mei: Reader):
    page = await mei.follow("/m")
    assert page.path == "/m/counters"
    assert "Noodle Bar, Ferry Road" in page.text
    assert (await mei.get(page.link(mei.store("noodle-bar-ferry")))).status == 200
    assert (await mei.follow("/m")).path == at(
        mei, "/today", store="noodle-bar-ferry"
    )  # who leads a store begins there
    mei.web.cookies.set("hutong_counter", mei.store("four-joys-drum"), domain="127.0.0.1")
    assert (await mei.follow("/m")).path != at(mei, store="four-joys-drum")


async def test_nobody_else_stands_at_a_counter(ann: Reader, anybody: Reader, tao: Reader):
    for path in ("/m", "/m/counters", at(ann), at(ann, "/history"), at(ann, "/today"), at(ann, "/statement")):
        assert (await anybody.get(path)).status == 401, path
        assert (await ann.get(path)).status == 403, path
    for store in ("noodle-bar-college", "four-joys-drum"):
        page = await tao.get(at(tao))
        for path in ("/scan", "/history"):
            assert (await tao.get(at(tao, path, store))).status == 404
        token = page.form("/verify").fields["_csrf_token"]
        forged = await tao.web.post(at(tao, "/verify", store), data={"_csrf_token": token, "presented": "1"})
        assert forged.status_code == 404


async def test_a_code_is_explained_and_used_by_one_tap(ann: Reader, tao: Reader, house: TestHouse):
    [unit] = await held(ann)
    sheet = await shown(tao, f"{unit.code[:4]} {unit.code[4:8]} {unit.code[8:]}")
    assert sheet.status == 200
    assert "双人招牌面套餐" in sheet.text
    assert "小安" not in sheet.text
    assert "小**" in sheet.text
    assert (await used_up(house, unit)).state == "valid"
    green = await tao.send_and_follow(sheet, "/redemptions")
    assert tone(green) == ("good", "")
    assert "核销成功" in green.text
    assert (await used_up(house, unit)).state == "used"
    assert "双人招牌面套餐" in (await tao.get(at(tao))).text  # among the last five
    assert await audit_clean(house.db)


async def test_the_qr_code_works_as_text_and_inside_a_link(ann: Reader, tao: Reader, house: TestHouse):
    [unit] = await held(ann)
    text = vouchers.qr_text(unit, house.clock.now())
    for presented in (text, text.lower(), f"https://hutong.example/v/{text}"):
        assert (await shown(tao, presented)).status == 200, presented
    done = await tao.send_and_follow(await shown(tao, text), "/redemptions")
    assert tone(done)[0] == "good"


async def test_tapping_twice_and_five_times_at_once_is_one_redemption(ann: Reader, tao: Reader, house: TestHouse):
    [unit] = await held(ann)
    sheet = await shown(tao, unit.code)
    answers = await asyncio.gather(*(tao.send(sheet, "/redemptions") for _ in range(5)))
    answers.append(await tao.send(sheet, "/redemptions"))
    assert {answer.status for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    async with house.db.reading(house.town.city_id) as tx:
        uses = await vouchers.uses_of(tx, [unit.voucher_id], city_id=house.town.city_id)
    assert len(uses) == 1
    assert await audit_clean(house.db)


async def test_vouchers_of_one_order_are_used_together(ann: Reader, tao: Reader, house: TestHouse):
    units = await held(ann, quantity=3)
    sheet = await shown(tao, units[1].code)
    assert "同一订单共 3 张可用" in sheet.text
    too_many = await tao.send(sheet, "/redemptions", count="9")
    assert too_many.status == 422
    green = await tao.send_and_follow(sheet, "/redemptions", count="2")
    assert "×2" in green.text
    states = [(await used_up(house, unit)).state for unit in units]
    assert sorted(states) == ["used", "used", "valid"]
    back = await tao.send_and_follow(green, "/reversals")
    assert "已撤销" in back.text
    assert [(await used_up(house, unit)).state for unit in units] == ["valid"] * 3
    assert await audit_clean(house.db)


async def test_a_used_code_says_when_where_and_by_whom(ann: Reader, tao: Reader, mei: Reader):
    [unit] = await held(ann)
    await tao.send(await shown(tao, unit.code), "/redemptions")
    red = await shown(mei, unit.code)
    assert (red.status, tone(red)) == (409, ("bad", "already_used"))
    for words in ("Already used", "2026-11-20 12:00", "Noodle Bar, Lantern Lane", "小涛", "undo it in the history"):
        assert words in red.text


@pytest.mark.parametrize("presented", ["000000000000", "12345", "", "hello", "HT1.1.ABC.DEF", "１２" * 6, "9" * 400])
async def test_what_is_no_code_of_ours_is_red(tao: Reader, presented: str):
    page = await shown(tao, presented)
    assert (page.status, tone(page)) == (404, ("bad", "unknown_code"))
    assert "没有找到这张券" in page.text


async def test_codes_of_others_stale_ones_and_refunded_ones(ann: Reader, tao: Reader, house: TestHouse):
    [theirs] = await held(ann, "four-plates")
    assert tone(await shown(tao, theirs.code)) == ("bad", "unknown_code")
    [unit] = await held(ann)
    old = vouchers.qr_text(unit, house.clock.now() - timedelta(minutes=5))
    assert tone(await shown(tao, old)) == ("warn", "stale_qr")
    order = ORDER.show(unit.order_id, house.town.city_id)
    await ann.send(await ann.get(ann.at(f"/orders/{order}/refund")), "/refunds")
    assert tone(await shown(tao, unit.code)) == ("bad", "voucher_refunding")


async def test_a_voucher_for_other_stores_names_them(ann: Reader, tao: Reader):
    [unit] = await held(ann, "campus-breakfast")
    page = await shown(tao, unit.code)
    assert (page.status, tone(page)) == (409, ("warn", "wrong_store"))
    assert "巷口面吧（书院街店）" in page.text


async def test_an_expired_code_is_red(ann: Reader, house: TestHouse, clock: ManualClock, app):
    [unit] = await held(ann)
    clock.set(unit.valid_to + timedelta(hours=4))
    tao = await Reader(app, house).sign_in("tao")
    assert tone(await shown(tao, unit.code)) == ("bad", "expired")


async def test_a_sheet_is_good_at_its_own_counter_only_and_not_for_ever(
    ann: Reader, mei: Reader, house: TestHouse, clock: ManualClock
):
    [unit] = await held(ann)
    sheet = await shown(mei, unit.code)
    elsewhere = sheet.html.replace(mei.store("noodle-bar-lantern"), mei.store("noodle-bar-ferry"))
    form = sheet.form("/redemptions")
    there = await mei.web.post(
        form.action.replace(mei.store("noodle-bar-lantern"), mei.store("noodle-bar-ferry")), data=form.fields
    )
    assert elsewhere != sheet.html
    assert there.status_code == 409
    clock.move(timedelta(minutes=11))
    assert tone(await mei.send(sheet, "/redemptions", key="0" * 32)) == ("warn", "stale_qr")
    assert (await used_up(house, unit)).state == "valid"


async def test_guessing_is_slowed_down(tao: Reader):
    for number in range(20):
        page = await shown(tao, f"{number:012d}")
    page = await shown(tao, "000000000099")
    assert (page.status, tone(page)) == (429, ("warn", "too_many_guesses"))
    assert page.headers.get("retry-after") is None or int(page.headers["retry-after"]) > 0


PART = {"hx-request": "true"}


async def part(staff: Reader, path: str, **data: str) -> Page:
    """What the scanner gets, who stays where he is."""
    token = (await staff.get(at(staff))).form("/verify").fields["_csrf_token"]
    return Page(await staff.web.post(at(staff, path), data={"_csrf_token": token, **data}, headers=PART))


async def test_the_scanner_gets_the_sheet_and_the_result_alone(ann: Reader, tao: Reader, house: TestHouse):
    [unit] = await held(ann)
    sheet = await part(tao, "/verify", presented=unit.code)
    assert sheet.status == 200
    assert "<html" not in sheet.html
    assert "data-plain" in sheet.html  # nothing to choose and nothing to check: a device may confirm by itself
    form = sheet.form("/redemptions")
    answer = await tao.web.post(form.action, data=form.fields, headers=PART)
    assert (answer.status_code, "<html" in answer.text) == (200, False)
    green = Page(answer)
    assert tone(green) == ("good", "")
    again = Page(await tao.web.post(form.action, data=form.fields, headers=PART))
    assert tone(again) == ("good", "")
    assert unit.code_tail in Page(await tao.web.get(at(tao, "/latest"), headers=PART)).text
    undo = green.form("/reversals")
    back = Page(await tao.web.post(undo.action, data=undo.fields, headers=PART))
    assert tone(back) == ("calm", "")
    assert (await used_up(house, unit)).state == "valid"
    red = await part(tao, "/verify", presented="000000000000")
    assert (red.status, tone(red)) == (404, ("bad", "unknown_code"))
    assert "<html" not in red.html
    assert await audit_clean(house.db)


async def test_the_own_tap_of_a_moment_ago_is_a_yes_and_a_later_or_foreign_one_is_not(
    ann: Reader, tao: Reader, mei: Reader, house: TestHouse, clock: ManualClock
):
    [unit] = await held(ann)
    await tao.send(await shown(tao, unit.code), "/redemptions")
    assert tone(await part(tao, "/verify", presented=unit.code)) == ("good", "")
    assert "您刚刚已核销" in (await part(tao, "/verify", presented=unit.code)).text
    assert tone(await part(mei, "/verify", presented=unit.code)) == ("bad", "already_used")
    clock.move(timedelta(seconds=21))
    assert tone(await part(tao, "/verify", presented=unit.code)) == ("bad", "already_used")
    async with house.db.reading(house.town.city_id) as tx:
        assert len(await vouchers.uses_of(tx, [unit.voucher_id], city_id=house.town.city_id)) == 1


async def test_the_console_shows_each_role_its_own_parts(tao: Reader, mei: Reader, ann: Reader):
    """A cashier sees the counter and the way out; the door of a counter leads everybody to his beginning."""
    page = await tao.get(at(tao))
    own = {
        link.rpartition("/")[2].partition("?")[0]
        for link in page.links
        if f"/m/{tao.store('noodle-bar-lantern')}/" in link
    }
    assert own == {"scan", "history", "more"}
    assert (await tao.follow(at(tao, ""))).path == at(tao)
    assert (await mei.follow(at(mei, ""))).path == at(mei, "/today")
    more = await tao.get(at(tao, "/more"))
    assert "Noodle" in more.text or "巷口面吧" in more.text
    assert more.form("/sign-out")
    assert "data-sign-out" in more.html
    hers = await mei.get(at(mei, "/more"))
    assert "Statement" in hers.text
    for path in ("/today", "/statement", "/deals"):
        assert (await tao.get(at(tao, path))).status in (403, 404), path
    assert (await ann.get(at(ann, "/more"))).status == 403
    for page in (await tao.get(at(tao)), await mei.get(at(mei, "/today")), hers):
        assert page.html.count("data-offline-badge") == 1


async def test_the_refusal_names_the_store_in_the_readers_language(ann: Reader, tao: Reader, mei: Reader):
    [unit] = await held(ann)
    await tao.send(await shown(tao, unit.code), "/redemptions")
    again = await shown(mei, unit.code, "noodle-bar-ferry")
    assert tone(again) == ("bad", "already_used")
    assert "Noodle Bar, Lantern Lane" in again.text
    assert "灯笼巷店" not in again.text
