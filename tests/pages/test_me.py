"""Me: for members and strangers: settings, messages, another number, passkeys, a copy of one's data, leaving."""

import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from hutong.desk import counter, leaving, telling
from hutong.infra.facts import Fact
from hutong.infra.settings import Settings
from hutong.kit.clock import ManualClock
from hutong.people import actors
from tests.authenticator import Authenticator
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio
COOKIE = "hutong_session"
DAY = timedelta(days=1)


async def relay(house: TestHouse) -> None:
    """What the worker does with the facts that wait: members are told."""
    errand = telling.errand(house)
    async with house.db.reading() as tx:
        rows = await tx.rows(
            """select fact_id, city_id, topic, subject, payload, at from infra.facts
               where topic = any(%(topics)s::text[]) order by at, fact_id""",
            topics=sorted(errand.topics),
        )
    for row in rows:
        await errand.do(house.db, Fact(**row), city_id=row["city_id"], now=house.clock.now())


async def redeem(house: TestHouse, reader: Reader, order: str) -> None:
    """Tao takes one voucher of the order at his counter."""
    page = await reader.get(reader.at(f"/orders/{order}"))
    voucher = (await reader.get(page.link("/vouchers/vch_"))).html
    digits = re.search(r"(\d{4})\s*(\d{4})\s*(\d{4})", re.sub(r"<[^>]+>", " ", voucher))
    assert digits is not None
    async with house.db.reading() as tx:
        tao = (await actors(tx, [house.town.people["tao"]]))[house.town.people["tao"]]
    store = house.town.stores["noodle-bar-lantern"]
    await counter.redeem(
        house, house.town.city_id, tao, store, request_no="me", presented="".join(digits.groups())
    )  # fmt: skip


async def test_a_stranger_finds_a_useful_page(anybody: Reader):
    page = await anybody.get(anybody.at("/me"))
    assert page.status == 200
    for part in ("/sign-in?next=", "/me/settings", "/me/help", "/cities"):
        assert page.link(part)
    assert "商家入口" not in page.text
    for path in ("/me/messages", "/me/notifications", "/me/security", "/me/privacy", "/me/phone", "/me/leave"):
        assert (await anybody.get(anybody.at(path))).status == 401, path


async def test_what_waits_is_counted(ann: Reader, house: TestHouse):
    await ann.buy("two-bowls", 2)
    await ann.order("solo-lunch")
    page = await ann.get(ann.at("/me"))
    assert "待付款 1" in page.text
    assert "待使用 2" in page.text
    tao = await Reader(ann.web._transport.app, house).sign_in("tao")  # type: ignore[attr-defined]
    assert (await tao.get(tao.at("/me"))).link("/m/")


async def test_looks_and_language_need_no_sign_in(anybody: Reader):
    page = await anybody.get(anybody.at("/me/settings"))
    answer = await anybody.send_and_follow(page, "/me/display", theme="lane-dark", text="large", lang="en")
    assert 'data-theme="lane-dark"' in answer.html
    assert 'data-text="large"' in answer.html
    assert "Saved" in answer.text
    again = await anybody.get(anybody.at("/me"))
    assert "Hello, neighbour" in again.text
    odd = await anybody.send_and_follow(answer, "/me/display", theme="<script>", text="huge", lang="fr")
    assert 'data-theme="lane-dark"' in odd.html


async def test_a_members_language_follows_him_to_his_messages(ann: Reader, house: TestHouse, clock: ManualClock):
    page = await ann.get(ann.at("/me/settings"))
    await ann.send_and_follow(page, "/me/display", lang="en")
    notices = await ann.get(ann.at("/me/notifications"))
    await ann.send_and_follow(notices, "/me/notifications", orders_sms="yes")
    await ann.buy()
    await relay(house)
    assert house.messages.kept(house.town.phones["ann"])[-1].text.startswith("[Hutong] You bought")
    assert await audit_clean(house.db)
    del clock


async def test_a_name_is_kept_or_refused_beside_its_field(ann: Reader):
    page = await ann.get(ann.at("/me/settings"))
    assert "小安" in (await ann.send_and_follow(page, "/me/name", name=" 小安 ")).html
    wrong = await ann.send(page, "/me/name", name="长" * 61)
    assert wrong.status == 422
    assert "填写有误" in wrong.text
    named = await ann.send_and_follow(page, "/me/name", name="<b>安</b>")
    assert "<b>安</b>" not in named.html
    assert await audit_clean(ann.house.db)


async def test_messages_tell_what_happened_and_are_seen(ann: Reader, bo: Reader, house: TestHouse):
    """Paid and used, told once however often the relay runs; the dot is there until the page was seen."""
    order = await ann.buy()
    await redeem(house, ann, order)
    await relay(house)
    await relay(house)
    me = await ann.get(ann.at("/me"))
    assert 'class="dot"' in me.html
    page = await ann.get(ann.at("/me/messages"))
    assert page.text.count("付款成功") == 1
    assert page.text.count("券已使用") == 1
    assert (await ann.get(page.link("/orders/ord_"))).status == 200
    assert (await ann.get(page.link("/vouchers/vch_"))).status == 200
    await ann.send_and_follow(page, "/me/messages/seen")
    assert 'class="dot"' not in (await ann.get(ann.at("/me"))).html
    assert "No messages yet" in (await bo.get(bo.at("/me/messages"))).text
    assert house.messages.kept(house.town.phones["ann"])[-1].template == "sign_in_code", "no text without a yes"
    assert await audit_clean(house.db)


async def test_a_refund_is_told_when_it_is_there(ann: Reader, house: TestHouse):
    order = await ann.buy()
    page = await ann.get(ann.at(f"/orders/{order}/refund"))
    await ann.send(page, "/refunds")
    for _ in range(5):
        await house.courier.round(house.town.city_id)
    await relay(house)
    told = await ann.get(ann.at("/me/messages"))
    assert "退款成功" in told.text
    assert "已原路退回" in told.text
    assert await audit_clean(house.db)


async def test_choices_are_kept(ann: Reader, house: TestHouse):
    page = await ann.get(ann.at("/me/notifications"))
    held = page.form("/me/notifications").fields
    assert held["reminders_inbox"] == ["yes"]
    assert held["offers_inbox"] == []
    assert "offers_sms" not in held, "no such text is ever sent, so there is nothing to choose"
    after = await ann.send_and_follow(page, "/me/notifications", offers_inbox="yes", reminders_inbox=None)
    held = after.form("/me/notifications").fields
    assert (held["reminders_inbox"], held["offers_inbox"]) == ([], ["yes"])
    assert (await ann.send(page, "/me/notifications", orders_inbox="")).status == 422, "not for choosing"
    assert await audit_clean(house.db)


async def test_three_days_before_its_end_a_voucher_reminds_once(ann: Reader, house: TestHouse, clock: ManualClock):
    """In the app for everybody; by text only after a yes."""
    await ann.buy("two-bowls", 2)
    page = await ann.get(ann.at("/me/notifications"))
    await ann.send(page, "/me/notifications", reminders_sms="yes")
    async with house.db.reading() as tx:
        ends = await tx.value("select max(valid_to) from vouchers.vouchers where city_id = 1")
    city = house.town.city_id
    assert await telling.remind(house, city, clock.now()) == 0
    clock.set(ends - 3 * DAY - timedelta(minutes=5))
    assert await telling.remind(house, city, clock.now()) == 0
    clock.set(ends - 3 * DAY + timedelta(minutes=5))
    assert await telling.remind(house, city, clock.now()) == 1
    clock.move(timedelta(minutes=10))
    assert await telling.remind(house, city, clock.now()) == 0
    assert await telling.remind(house, city, clock.now() + DAY) == 0
    texts = [m for m in house.messages.kept(house.town.phones["ann"]) if m.template == "voucher_expiring"]
    assert len(texts) == 1
    assert "2026" not in texts[0].text
    assert await audit_clean(house.db)


async def test_another_number_by_two_codes(ann: Reader, app: Litestar, house: TestHouse, clock: ManualClock):
    laptop = Reader(app, house)
    clock.move(timedelta(minutes=2))
    await laptop.sign_in("ann")
    clock.move(timedelta(minutes=2))
    page = await ann.get(ann.at("/me/phone"))
    wrong = await ann.send(page, "/me/phone/codes", phone="12")
    assert wrong.status == 422
    assert wrong.form("/me/phone/codes").fields["phone"] == ["12"], "what was typed is kept"
    assert (await ann.send(page, "/me/phone/codes", phone=house.town.phones["ann"])).status == 422
    asked = await ann.send(page, "/me/phone/codes", phone="199 1234 5678")
    old, new = (house.messages.last_code(p) for p in (house.town.phones["ann"], "+8619912345678"))
    off = await ann.send(asked, "/me/phone", new_code="12", old_code=old)
    assert off.status == 422
    done = await ann.send_and_follow(asked, "/me/phone", new_code=new, old_code=old)
    assert "5678" in done.text
    assert (await laptop.get(laptop.at("/orders"))).status == 401, "other places are signed out"
    assert "手机号已更换" in (await ann.get(ann.at("/me/messages"))).text
    assert await audit_clean(house.db)


async def test_devices_are_listed_and_signed_out(ann: Reader, app: Litestar, house: TestHouse, clock: ManualClock):
    others = [Reader(app, house), Reader(app, house)]
    for other in others:
        clock.move(timedelta(minutes=2))
        other.web.headers["user-agent"] = "Mozilla/5.0 (iPhone) Safari/604"
        await other.sign_in("ann")
    page = await ann.get(ann.at("/me/security"))
    assert "本机" in page.text
    assert page.text.count("Safari · iPhone") == 2
    await ann.send(page, "/me/devices/ses_")
    assert sorted([(await other.get(other.at("/orders"))).status for other in others]) == [200, 401]
    await ann.send(page, "/me/devices/others")
    assert [(await other.get(other.at("/orders"))).status for other in others] == [401, 401]
    assert (await ann.get(ann.at("/orders"))).status == 200
    bo = await Reader(app, house).sign_in("bo")
    await bo.get(bo.at("/me/security"))
    token = {"_csrf_token": _csrf(bo)}
    foreign = page.form("/me/devices/ses_").action
    assert (await bo.web.post(foreign, data=token)).status_code == 404


def _csrf(reader: Reader) -> str:
    return reader.web.cookies.get("hutong_csrf") or ""


@pytest.fixture
def key_house(house: TestHouse) -> TestHouse:
    """The house at an address for which browsers make passkeys."""
    given: dict[str, Any] = house.settings.model_dump() | {"public_url": "http://localhost:8100"}
    house.settings = Settings(**given)
    return house


async def test_a_passkey_is_offered_made_used_and_removed(key_house: TestHouse, app: Litestar):
    ann = await Reader(app, key_house).sign_in("ann")
    chip = Authenticator(origin="http://localhost:8100", rp_id="localhost")
    me = await ann.get(ann.at("/me"))
    assert "添加通行密钥" in me.text
    wish = await _wish(ann, "/me/passkeys/options")
    made = await ann.send_and_follow(me, "/me/passkeys", answer=chip.make(wish))
    assert "最近使用" not in made.text
    assert "添加了通行密钥" in (await ann.get(ann.at("/me/messages"))).text
    assert "添加通行密钥" not in (await ann.get(ann.at("/me"))).text, "offered once"

    phone = Reader(app, key_house)
    page = await phone.get(f"/sign-in?next={phone.at('/orders')}")
    signed = chip.sign(await _wish(phone, "/sign-in/passkey/options"))
    answer = await phone.send(page, "/sign-in/passkey", answer=signed)
    assert answer.status == 303, answer.text
    assert answer.headers["location"] == phone.at("/orders")
    assert (await phone.get(phone.at("/orders"))).status == 200

    again = await phone.get("/sign-in")
    stale = await phone.send(again, "/sign-in/passkey", answer=chip.sign(json.dumps({"challenge": "A" * 43})))
    assert stale.status == 422
    assert "已过期" in stale.text
    security = await ann.get(ann.at("/me/security"))
    assert "最近使用" in security.text
    assert (await ann.send(security, "/removal")).status == 303
    signed = chip.sign(await _wish(phone, "/sign-in/passkey/options"))
    gone = await phone.send(again, "/sign-in/passkey", answer=signed)
    assert gone.status == 422
    assert "已不可用" in gone.text
    assert await audit_clean(key_house.db)


async def _wish(reader: Reader, path: str) -> str:
    address = path if path.startswith("/sign-in") else reader.at(path)
    answer = await reader.web.post(address, data={"_csrf_token": _csrf(reader)})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_without_a_name_there_are_no_passkeys(ann: Reader, anybody: Reader):
    """At an IP address browsers make none: nobody is offered what cannot work."""
    assert "通行密钥" not in (await anybody.get("/sign-in")).text
    page = await ann.get(ann.at("/me/security"))
    assert "不支持通行密钥" in page.text
    answer = await ann.web.post(ann.at("/me/passkeys/options"), data={"_csrf_token": _csrf(ann)})
    assert answer.status_code == 409


async def test_a_copy_of_ones_data_is_for_its_owner_alone(ann: Reader, bo: Reader, house: TestHouse):
    order = await ann.buy("two-bowls", 2)
    await redeem(house, ann, order)
    await relay(house)
    page = await ann.get(ann.at("/me/privacy"))
    twice = [await ann.send(page, "/me/exports") for _ in range(2)]
    assert [answer.status for answer in twice] == [303, 303]
    page = await ann.get(ann.at("/me/privacy"))
    assert page.text.count("还可下载") == 1, "the same form is one copy"
    form = page.form("/me/exports/exp_")
    await bo.get(bo.at("/me/privacy"))
    assert (await bo.web.post(form.action, data={"_csrf_token": _csrf(bo)})).status_code == 404
    fetched = await ann.send(page, "/me/exports/exp_")
    assert fetched.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(fetched.answer.content)) as file:
        parts = {name: file.read(name).decode() for name in file.namelist()}
    me, bought, held = (json.loads(parts[f"{name}.json"]) for name in ("me", "orders", "vouchers"))
    assert me["phone"] == house.town.phones["ann"]
    assert bought[0]["id"] == order
    assert bought[0]["payments"][0]["state"] == "captured"
    assert sorted(len(voucher["uses"]) for voucher in held) == [0, 1]
    assert len(json.loads(parts["messages.json"])["in_the_app"]) >= 2
    everything = "".join(parts.values())
    for secret in ("secret", "token", "public_key", house.town.phones["bo"], "due_units", "staff"):
        assert secret not in everything, secret
    for _ in range(4):
        assert (await ann.send(page, "/me/exports/exp_")).status == 200
    assert (await ann.send(page, "/me/exports/exp_")).status == 410
    assert await audit_clean(house.db)


async def ask_to_leave(reader: Reader, who: str = "ann") -> Page:
    asked = await reader.send(await reader.get(reader.at("/me/leave")), "/me/leave/codes")
    return await reader.send(asked, "/me/leave", code=reader.house.messages.last_code(reader.house.town.phones[who]))


async def test_leaving_is_asked_thought_over_and_done(ann: Reader, app: Litestar, house: TestHouse, clock: ManualClock):
    """Open vouchers first; then seven days; then nobody is left, and the books are."""
    order = await ann.buy()
    page = await ann.get(ann.at("/me/leave"))
    assert "可用券 1 张" in page.text
    assert not [form for form in page.forms if "/me/leave" in form.action]
    await redeem(house, ann, order)
    clock.move(timedelta(minutes=2))
    assert (await ask_to_leave(ann)).status == 303
    me = await ann.get(ann.at("/me"))
    assert "注销" in me.text
    await ann.send(me, "/me/stay")
    assert "撤回注销" not in (await ann.get(ann.at("/me"))).text
    clock.move(timedelta(minutes=2))
    assert (await ask_to_leave(ann)).status == 303
    clock.move(6 * DAY)
    assert await leaving.leave_due(house.db, clock.now()) == 0
    clock.move(DAY)
    assert await leaving.leave_due(house.db, clock.now()) == 1
    assert (await ann.get(ann.at("/orders"))).status == 401
    async with house.db.reading() as tx:
        names = await tx.rows(
            """select member_name, phone_tail from orders.orders where city_id = 1
               union all select holder_name, '' from vouchers.vouchers where city_id = 1"""
        )
    assert {(row["member_name"], row["phone_tail"]) for row in names} == {("", "")}
    back = await Reader(app, house).sign_in("ann")
    assert "会员0001" in (await back.get(back.at("/me"))).text, "whoever has the number now is somebody new"
    assert "还没有" in (await back.get(back.at("/me/messages"))).text
    assert await audit_clean(house.db)


async def test_what_was_bought_meanwhile_calls_it_off(ann: Reader, house: TestHouse, clock: ManualClock):
    clock.move(timedelta(minutes=2))
    assert (await ask_to_leave(ann)).status == 303
    await ann.buy()
    clock.move(7 * DAY)
    assert await leaving.leave_due(house.db, clock.now()) == 0
    page = await ann.get(ann.at("/me/messages"))
    assert "注销申请已取消" in page.text
    assert await audit_clean(house.db)


async def test_who_works_here_hands_over_first(app: Litestar, house: TestHouse, ann: Reader, clock: ManualClock):
    tao = await Reader(app, house).sign_in("tao")
    assert "职务" in (await tao.get(tao.at("/me/leave"))).text
    clock.move(timedelta(minutes=2))
    asked = await ann.send(await ann.get(ann.at("/me/leave")), "/me/leave/codes")
    wrong = await ann.send(asked, "/me/leave", code="000000")
    assert wrong.status == 422
    assert wrong.form("/me/leave").fields["code"], "the form is still there"


async def test_codes_asked_again_stay_on_the_page(anybody: Reader, house: TestHouse):
    page = await anybody.send(await anybody.get("/sign-in"), "/sign-in/codes", phone=house.town.phones["ann"])
    again = await anybody.send(page, "/sign-in/codes")
    assert again.status == 429
    assert again.form("/sign-in").fields["phone"] == [house.town.phones["ann"]]
    partial = await anybody.web.post(
        "/sign-in",
        data={"_csrf_token": _csrf(anybody), "phone": house.town.phones["ann"], "next": anybody.at("/me"),
              "code": house.messages.last_code(house.town.phones["ann"])},
        headers={"hx-request": "true"},
    )  # fmt: skip
    assert partial.headers["hx-redirect"] == anybody.at("/me"), "htmx is told to open the page"
