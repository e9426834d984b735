"""The app without a network, as far as the server makes it: what the phone is given, and to whom; what it may keep."""

import base64
import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar

from hutong import vouchers
from hutong.kit.clock import ManualClock
from hutong.kit.ids import VOUCHER, to_crockford
from hutong.vouchers import Voucher
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader
from tests.pages.test_vouchers import use, voucher_page

pytestmark = pytest.mark.anyio
QR = Path("src/hutong/web/consumer/static/qr")


def address(page: Page) -> str:
    return page.path.partition("?")[0]


async def held(house: TestHouse, page: Page) -> Voucher:
    voucher_id = VOUCHER.read_local(address(page).rsplit("/", 1)[1])[1]
    async with house.db.reading(house.town.city_id) as tx:
        (found,) = await vouchers.by_ids(tx, [voucher_id], city_id=house.town.city_id)
    return found


async def test_the_pocket_makes_the_code_that_the_counter_reads(ann: Reader, house: TestHouse, clock: ManualClock):
    """What the phone gets is enough for the text of any half minute, also by a clock that is wrong."""
    page = await voucher_page(ann, await ann.buy())
    answer = await ann.get(f"{address(page)}/pocket")
    assert answer.headers["cache-control"] == "no-store"
    given, voucher = json.loads(answer.html), await held(house, page)
    assert given["now"] == int(clock.now().timestamp() * 1000)
    secret = base64.urlsafe_b64decode(given["secret"] + "==")
    for later in (0, 31, 3600):
        clock.move(timedelta(seconds=later))
        step = max(int(clock.now().timestamp() * 1000) // given["step"], given["after"] + 1)
        made = f"HT1.{given['city']}.{given['short']}.{vouchers.step_token(secret, step)}"
        assert made == vouchers.qr_text(voucher, clock.now())
    assert given["short"] == to_crockford(voucher.voucher_id.bytes).upper()
    assert "secret" not in page.html  # the page that the worker keeps does not hold it
    assert given["secret"] not in page.html


async def test_the_pocket_is_for_the_owner_and_for_live_vouchers(
    ann: Reader, bo: Reader, anybody: Reader, house: TestHouse
):
    """Strangers find nothing; of what is used there is nothing to keep."""
    page = await voucher_page(ann, await ann.buy())
    assert (await bo.get(f"{address(page)}/pocket")).status == 404
    assert (await anybody.get(f"{address(page)}/pocket")).status == 401
    assert (await anybody.get(f"{address(page)}/live?seen=1")).status == 401
    await use(house, page)
    gone = await ann.get(f"{address(page)}/pocket")
    assert gone.status == 404
    assert "secret" not in gone.html


async def test_news_come_only_when_there_are_any(ann: Reader, house: TestHouse):
    """204 while nothing has changed; then the voucher as it is now, where it was used, and the way to a review."""
    page = await voucher_page(ann, await ann.buy())
    asked = re.search(r'hx-get="([^"]+/live\?seen=\d+)"', page.html)
    assert asked
    same = await ann.get(asked[1])
    assert (same.status, same.html) == (204, "")
    await use(house, page)
    news = await ann.get(asked[1])
    assert news.status == 200
    assert "<html" not in news.html
    assert "已使用" in news.text
    assert "灯笼巷店" in news.text
    assert news.link("/review")
    assert "code.svg" not in news.html
    assert await audit_clean(house.db)


async def test_the_manifest_speaks_the_readers_language(ann: Reader, bo: Reader):
    """Installable: name, icons that are there, a first page, one identity for all cities."""
    page = await ann.get(ann.at())
    assert page.link  # the page is whole
    where = re.search(r'<link rel="manifest" href="([^"]+)"', page.html)
    assert where
    zh, en = [json.loads((await reader.get(where[1])).html) for reader in (ann, bo)]
    assert (zh["name"], zh["lang"], en["name"], en["lang"]) == ("胡同", "zh-CN", "Hutong", "en")
    assert zh["id"] == en["id"] == "/c/"
    assert zh["start_url"].startswith(zh["scope"])
    for icon in zh["icons"]:
        assert (await ann.get(icon["src"])).headers["content-type"] == "image/png"


async def test_the_worker_names_only_files_that_are_there(anybody: Reader):
    """Its text changes with what it keeps, and browsers ask for it anew."""
    worker = await anybody.get("/c/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    keep = json.loads(worker.html.split("\n")[0].removeprefix("const KEEP = ").removesuffix(";"))
    assert any("voucher" in url for url in keep["assets"])
    assert any("token" in url for url in keep["assets"])
    for url in (*keep["assets"], *keep["offline"]):
        assert (await anybody.get(url)).status == 200, url


@pytest.mark.parametrize(("language", "words"), [("zh", "没有网络"), ("en", "No network")])
async def test_the_page_without_a_network_is_nobodys(ann: Reader, language: str, words: str):
    """In its own language whatever the reader's, and with nothing personal in it: it is kept for everybody."""
    page = await ann.get(f"/c/offline/{language}")
    assert words in page.text
    assert "小安" not in page.html
    assert page.inline == []


def test_the_writer_of_codes_is_what_it_was():
    """The vendored file, byte for byte."""
    said = re.search(r"`([0-9a-f]{64})`", (QR / "SOURCE.md").read_text(encoding="utf-8"))
    assert said
    assert hashlib.sha256((QR / "lean-qr.js").read_bytes()).hexdigest() == said[1]
    assert "MIT" in (QR / "LICENSE.txt").read_text(encoding="utf-8")


async def test_a_form_that_was_sent_shows_its_order(ann: Reader, house: TestHouse):
    """Coming back to the address of a form: unpaid it can be paid, paid it can be shown; never a second pay button."""
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}&quantity=2"))
    key = page.form("/checkout").fields["key"][0]
    here = ann.at(f"/checkout?offer={ann.deal('two-bowls')}&quantity=2&key={key}")
    assert (await ann.get(here)).form("/checkout").fields["key"] == [key]  # not sent yet: the same form again
    await ann.send(page, "/checkout")
    unpaid = await ann.get(here)
    assert "订单已为您留好" in unpaid.text
    assert not [form for form in unpaid.forms if "/checkout" in form.action]
    assert unpaid.form("/payment")
    await ann.pay_all()
    paid = await ann.get(here)
    assert "不会再扣款" in paid.text
    assert not paid.forms
    voucher = await ann.follow(paid.link("/result"))
    assert "/vouchers/vch_" in voucher.path
    assert await audit_clean(house.db)


async def test_a_session_that_ends_keeps_what_was_chosen(app: Litestar, house: TestHouse, clock: ManualClock):
    """The sign-in that stands in the way leads back to the same deal and the same quantity; nothing was ordered."""
    ann = await Reader(app, house).sign_in("ann")
    page = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}&quantity=3"))
    clock.move(timedelta(minutes=2))
    ann.web.cookies.delete("hutong_session")
    form = page.form("/checkout")
    data = {name: values[-1] for name, values in form.fields.items() if values}
    origin = house.settings.address
    gate = Page(await ann.web.post(form.action, data=data, headers={"referer": f"{origin}{page.path}"}))
    assert gate.status == 401
    code_page = await ann.send(gate, "/sign-in/codes", phone=house.town.phones["ann"])
    signed = await ann.send(code_page, "/sign-in", code=house.messages.last_code(house.town.phones["ann"]))
    assert signed.status == 303
    again = await ann.get(signed.headers["location"])
    assert again.form("/checkout").fields["quantity"] == ["3"]
    assert "合计 ¥ 204" in again.text
    assert (await ann.send(again, "/checkout")).status == 303
    assert await audit_clean(house.db)


async def test_a_receipt_is_of_what_was_paid(ann: Reader, house: TestHouse):
    """None before the payment; afterwards with what came back."""
    order = await ann.order(quantity=2)
    assert (await ann.get(ann.at(f"/orders/{order}/receipt"))).status == 303
    await ann.pay_all()
    form = await ann.get(ann.at(f"/orders/{order}/refund"))
    await ann.send(form, "/refunds", voucher=form.form("/refunds").fields["voucher"][0], reason="other")
    await house.courier.round(house.town.city_id)
    page = await ann.get(ann.at(f"/orders/{order}/receipt"))
    for words in ("收据", "¥136", "−¥68", "实际支出 ¥68"):
        assert words in page.text


async def test_a_refund_of_nothing_is_not_a_refund_of_everything(ann: Reader, house: TestHouse):
    """All ticks taken away: said in place, with the reason kept, and nothing goes back."""
    order = await ann.buy(quantity=2)
    form = await ann.get(ann.at(f"/orders/{order}/refund"))
    answer = await ann.send(form, "/refunds", voucher=None, reason="no_time")
    assert answer.status == 422
    assert "还没有选择要退的券" in answer.text
    assert 'value="no_time" required checked' in answer.html
    assert "可使用" in (await ann.get(ann.at(f"/orders/{order}"))).text
    assert await audit_clean(house.db)


async def test_the_sum_follows_the_ticks(ann: Reader):
    """The server counts what comes back; the page asks it for each tick."""
    order = await ann.buy(quantity=3)
    form = await ann.get(ann.at(f"/orders/{order}/refund"))
    one, two, _ = form.form("/refunds").fields["voucher"]
    part = await ann.get(f"{form.path}?voucher={one}&voucher={two}", headers={"hx-request": "true"})
    assert "退回 ¥ 136" in part.text
    none = await ann.get(form.path, headers={"hx-request": "true"})
    assert "退回 ¥ 0" in none.text


async def test_what_ends_first_lies_on_top(ann: Reader, house: TestHouse):
    """And at the door of a shop, what can be used there lies above everything else."""
    await ann.buy("two-bowls")
    await ann.buy("campus-breakfast")
    page = await ann.get(ann.at("/vouchers"))
    ends = [v.valid_to for v in await _wallet(house)]
    assert ends == sorted(ends)
    assert "在巷口面吧" not in page.text
    store = house.town.stores["noodle-bar-lantern"]
    async with house.db.reading(house.town.city_id) as tx:
        row = await tx.row(
            "select lat, lon from merchants.stores where city_id = %(city)s and store_id = %(id)s",
            city=house.town.city_id, id=store,
        )  # fmt: skip
    assert row
    ann.web.cookies.set("hutong_at", f"{row['lat']},{row['lon']}")
    near = await ann.get(ann.at("/vouchers"))
    assert "在巷口面吧（灯笼巷店）可用" in near.text


async def _wallet(house: TestHouse) -> list[Voucher]:
    async with house.db.reading(house.town.city_id) as tx:
        return await vouchers.ending_first(tx, house.town.people["ann"], city_id=house.town.city_id)
