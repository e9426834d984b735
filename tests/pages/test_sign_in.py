"""Signing in by phone and code, coming back to where one was, signing out (reliability.md A6-A8, A12)."""

from datetime import timedelta

import pytest
from litestar import Litestar

from hutong.kit.clock import ManualClock
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio
COOKIE = "hutong_session"


async def asked(reader: Reader, phone: str, next: str = "/") -> Page:
    return await reader.send(await reader.get(f"/sign-in?next={next}"), "/sign-in/codes", phone=phone)


async def test_a_reader_returns_to_the_page_that_wanted_him(anybody: Reader, house: TestHouse):
    """From the buy button to the code and on to the order: nothing is typed twice."""
    address = anybody.at(f"/checkout?offer={anybody.deal('two-bowls')}&quantity=2")
    page = await anybody.get(address)
    assert page.status == 401
    code_page = await anybody.send(page, "/sign-in/codes", phone=house.town.phones["ann"])
    assert "验证码已发送至" in code_page.text
    answer = await anybody.send(code_page, "/sign-in", code=house.messages.last_code(house.town.phones["ann"]))
    assert answer.headers["location"] == address
    assert "合计 ¥ 136" in (await anybody.get(address)).text
    assert await audit_clean(house.db)


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_led_away_after_signing_in(anybody: Reader, house: TestHouse, next: str):
    """Neither from the address nor from the hidden field."""
    page = await anybody.get("/sign-in", params={"next": next})
    assert page.form("/codes").fields["next"] == ["/"]
    code_page = await anybody.send(page, "/sign-in/codes", phone=house.town.phones["ann"], next=next)
    code = house.messages.last_code(house.town.phones["ann"])
    assert (await anybody.send(code_page, "/sign-in", code=code, next=next)).headers["location"] == "/"


async def test_known_and_unknown_numbers_get_the_same_answer(anybody: Reader, app: Litestar, house: TestHouse):
    """Nobody learns who is a member."""
    known = await asked(anybody, house.town.phones["ann"])
    unknown = await asked(Reader(app, house), "+8619911112222")
    plain = [page.text.replace(p, "") for page, p in ((known, house.town.phones["ann"]), (unknown, "+8619911112222"))]
    assert known.status == unknown.status == 200
    assert plain[0] == plain[1]


async def test_a_new_number_becomes_a_member(anybody: Reader, house: TestHouse):
    code_page = await asked(anybody, "199 1111 2222", anybody.at("/me"))
    answer = await anybody.send(code_page, "/sign-in", code=house.messages.last_code("+8619911112222"))
    page = await anybody.follow(answer.headers["location"])
    assert "会员2222" in page.text


async def test_the_cookie_is_new_and_well_kept(anybody: Reader, house: TestHouse):
    """A session never survives a sign-in: what a stranger planted before is worth nothing after (A7)."""
    anybody.web.cookies.set(COOKIE, "planted")
    code_page = await asked(anybody, house.town.phones["ann"])
    answer = await anybody.send(code_page, "/sign-in", code=house.messages.last_code(house.town.phones["ann"]))
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE)]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "planted" not in cookie


async def test_the_old_session_ends_with_the_new_one(ann: Reader, app: Litestar, house: TestHouse, clock: ManualClock):
    before = ann.web.cookies.get(COOKIE)
    clock.move(timedelta(minutes=2))
    await ann.sign_in("ann")
    assert ann.web.cookies.get(COOKIE) != before
    thief = Reader(app, house)
    thief.web.cookies.set(COOKIE, before or "")
    assert (await thief.get(thief.at("/orders"))).status == 401


async def test_a_wrong_code_says_so_and_five_kill_it(anybody: Reader, house: TestHouse):
    """The right code does not help any more after five wrong ones."""
    page = await asked(anybody, house.town.phones["ann"])
    code = house.messages.last_code(house.town.phones["ann"]) or ""
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        page = await anybody.send(page, "/sign-in", code=wrong)
        assert page.status == 422
        assert "验证码" in page.text
    assert (await anybody.send(page, "/sign-in", code=code)).status == 422
    assert anybody.web.cookies.get(COOKIE) is None


@pytest.mark.parametrize("phone", ["", "abc", "123", "<script>", "1" * 60])
async def test_what_is_no_number_is_told_beside_the_form(anybody: Reader, phone: str):
    page = await asked(anybody, phone)
    assert page.status == 422
    assert "这个手机号无法使用" in page.text
    assert page.form("/sign-in/codes")


async def test_too_many_codes_are_refused_with_the_time_to_wait(anybody: Reader, house: TestHouse):
    """One a minute at most, and the page says when."""
    page = await asked(anybody, house.town.phones["ann"])
    again = await anybody.send(page, "/sign-in/codes")
    assert again.status == 429
    assert "操作过于频繁" in again.text
    assert house.messages.last_code(house.town.phones["ann"])


async def test_signing_out_ends_it_everywhere_at_once(ann: Reader, app: Litestar, house: TestHouse):
    """The cookie is gone, and a copy of it is worth nothing (A8)."""
    kept = ann.web.cookies.get(COOKIE) or ""
    answer = await ann.send(await ann.get(ann.at("/me")), "/sign-out")
    assert answer.headers["location"] == ann.at()
    assert ann.web.cookies.get(COOKIE) is None
    copy = Reader(app, house)
    copy.web.cookies.set(COOKIE, kept)
    assert (await copy.get(copy.at("/orders"))).status == 401


async def test_a_session_runs_out(ann: Reader, clock: ManualClock):
    clock.move(timedelta(days=31))
    assert (await ann.get(ann.at("/orders"))).status == 401


async def test_a_write_without_a_session_asks_to_sign_in(ann: Reader, anybody: Reader):
    """The form stood open while the session ended: back to the page on which it stood."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    ann.web.cookies.delete(COOKIE)
    ann.web.headers["referer"] = f"{ann.house.settings.address}{page.path}"
    answer = await ann.send(page, "/checkout")
    assert answer.status == 401
    assert answer.form("/codes").fields["next"] == [page.path]
    del anybody


async def test_me_is_for_everybody(anybody: Reader, ann: Reader):
    """A stranger finds the way in, a member what is his."""
    assert "手机号登录" in (await anybody.get(anybody.at("/me"))).text
    page = await ann.get(ann.at("/me"))
    assert "小安" in page.text
    assert "尾号 0001" in page.text
    assert "19900000001" not in page.html
