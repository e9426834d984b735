"""Buying and showing in a real browser: counted taps, impatient thumbs, expired sessions, no network, no script."""

import asyncio
import io
import re
from datetime import timedelta

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, expect

from hutong import catalog, orders, vouchers
from hutong.catalog import Revise
from hutong.desk import counter
from hutong.kit.ids import OFFER, VOUCHER
from hutong.kit.money import Amount
from hutong.people import actors
from hutong.vouchers import Voucher
from tests.browser.conftest import LOCALES, PATIENCE, PHONE, Phone, until
from tests.conftest import audit_clean
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


def deal(house: TestHouse, slug: str = "two-bowls") -> str:
    return OFFER.show(house.town.offers[slug], house.town.city_id)


async def scanned(phone: Phone) -> str:
    """What a camera before the screen reads."""
    picture = await phone.page.locator(".qr").screenshot()
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    return found.text


async def signed_in(chromium: Browser, house: TestHouse, who: str = "ann", language: str = "zh") -> Phone:
    phone = await Phone.take(chromium, house, language)
    await phone.open("/sign-in?next=/c/qinghe/orders")
    await phone.sign_in(who)
    phone.taps = 0
    return phone


async def pay(phone: Phone) -> None:
    """At the provider: its button, and then no tap until the code is there."""
    await phone.page.wait_for_url("**/pay/**")
    await phone.page.locator("button[value=pay]").click()
    await phone.page.wait_for_url("**/vouchers/vch_*")
    await phone.page.wait_for_selector("[data-qr]")


async def bought(phone: Phone, house: TestHouse) -> None:
    await phone.open(f"/c/qinghe/checkout?offer={deal(house)}")
    await phone.tap("[data-pay-now]")
    await pay(phone)
    phone.taps = 0


async def orders_of(house: TestHouse, who: str = "ann") -> list[orders.Order]:
    async with house.db.reading(house.town.city_id) as tx:
        return await orders.of_member(tx, house.town.people[who], city_id=house.town.city_id)


async def held(house: TestHouse, phone: Phone) -> Voucher:
    """The voucher whose page is open."""
    voucher_id = VOUCHER.read_local(phone.page.url.split("/vouchers/")[1].partition("?")[0])[1]
    async with house.db.reading(house.town.city_id) as tx:
        (found,) = await vouchers.by_ids(tx, [voucher_id], city_id=house.town.city_id)
    return found


async def redeem(house: TestHouse, presented: str) -> None:
    """Tao scans it at his counter."""
    async with house.db.reading() as tx:
        tao = (await actors(tx, [house.town.people["tao"]]))[house.town.people["tao"]]
    store = house.town.stores["noodle-bar-lantern"]
    await counter.redeem(house, house.town.city_id, tao, store, request_no="buying", presented=presented)


async def kept(phone: Phone) -> None:
    """Until the phone has put the voucher by: the page in the worker's cache, the key in the pocket."""
    await until(
        phone.page,
        """async () => {
             const mine = await caches.open("hutong-mine");
             if (!(await mine.match(location.pathname))) return false;
             if (!(await indexedDB.databases()).some((one) => one.name === "hutong-pocket")) return false;
             const open = indexedDB.open("hutong-pocket", 1);
             const base = await new Promise((done) => { open.onsuccess = () => done(open.result); });
             if (!base.objectStoreNames.contains("vouchers")) return false;
             const all = base.transaction("vouchers").objectStore("vouchers").getAll();
             const found = await new Promise((done) => { all.onsuccess = () => done(all.result); });
             base.close();
             return found.length > 0 && found.every((one) => !one.key.extractable && !("secret" in one));
           }""",
    )


async def test_three_taps_from_the_deal_to_the_code(chromium: Browser, house: TestHouse):
    """Deal, Buy, Pay; then the provider; then the voucher itself."""
    ann = await signed_in(chromium, house)
    await ann.open("/c/qinghe/nearby?category=food")
    await ann.tap(f"a[href*='/deals/{deal(house)}']")
    await ann.tap("a.btn-accent[href*='/checkout']")
    await ann.tap("[data-pay-now]")
    assert ann.taps == 3
    await pay(ann)
    assert (await scanned(ann)).startswith("HT1.1.")
    ann.taps = 0  # at the shop
    await ann.open("/c/qinghe/")
    await ann.tap("a.use-main")
    await ann.page.wait_for_selector("[data-qr]")
    assert ann.taps == 1
    ann.taps = 0  # and back again
    await ann.tap("a[href*='/refund']")
    await ann.page.locator(".picks label").nth(1).click()
    ann.taps += 1
    await ann.tap("form[action$='/refunds'] button")
    assert ann.taps == 3
    await expect(ann.page.locator("#refunds")).to_contain_text("处理中")
    assert ann.complaints == []
    assert await audit_clean(house.db)


@pytest.mark.parametrize("first", ["news", "code"])
async def test_the_open_page_sees_that_it_was_used(chromium: Browser, house: TestHouse, first: str):
    """Without a touch: the stamp, where it was, and the question how it was. Also when the page learns of it by asking
    for a fresh code: it is told in place, and not by a page loaded anew, which would say nothing of what is new."""
    ann = await signed_in(chromium, house)
    await bought(ann, house)
    await redeem(house, await scanned(ann))
    if first == "code":  # before the next beat of the news
        await ann.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(ann.page.locator("[data-changed]")).to_contain_text("灯笼巷店")
    await expect(ann.page.locator(".stamp.good")).to_contain_text("已使用")
    await expect(ann.page.locator("a[href$='/review']")).to_be_visible()
    assert await ann.page.locator("[data-qr]").count() == 0
    assert ann.complaints == []


async def test_the_quantity_counts_in_place(chromium: Browser, house: TestHouse):
    """The total comes from the server; nothing is asked twice, nothing is ordered yet."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    await ann.page.click(".stepper button[value='1']")
    await expect(ann.page.locator(".buybar .price")).to_contain_text("136")
    await ann.page.fill(".stepper input", "5")
    await ann.page.press(".stepper input", "Tab")
    await expect(ann.page.locator(".buybar .price")).to_contain_text("340")
    await ann.page.wait_for_url("**quantity=5**")
    await ann.page.fill(".stepper input", "3")
    await ann.page.press(".stepper input", "Enter")
    await expect(ann.page.locator(".buybar .price")).to_contain_text("204")
    assert await orders_of(house) == []
    assert ann.complaints == []


async def test_two_taps_on_pay_are_one_order(chromium: Browser, house: TestHouse):
    """With the guard of the page, and without it: the key of the form is the same."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    await ann.page.locator("[data-pay-now]").dblclick()
    await ann.page.wait_for_url("**/pay/**")
    assert len(await orders_of(house)) == 1
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    statuses = await ann.page.evaluate(
        """async () => {
             const form = document.querySelector("form[data-confirm]"), body = new URLSearchParams(new FormData(form));
             const send = () => fetch(form.action, {method: "POST", body, redirect: "manual"});
             return (await Promise.all([send(), send(), send()])).map((answer) => answer.type);
           }"""
    )
    assert statuses == ["opaqueredirect"] * 3
    assert len(await orders_of(house)) == 2
    assert await audit_clean(house.db)


async def test_going_back_after_paying_pays_nothing_twice(chromium: Browser, house: TestHouse):
    """The old form is gone: there is the order that it made."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/deals/{deal(house)}")
    await ann.tap("a.btn-accent[href*='/checkout']")
    await ann.tap("[data-pay-now]")
    await pay(ann)
    for _ in range(4):
        await ann.page.go_back(wait_until="load")
        await ann.page.wait_for_timeout(300)
        if "/checkout" in ann.page.url:
            break
        assert await ann.page.locator("[data-pay-now]").count() == 0
    await expect(ann.page.locator("[data-already]")).to_contain_text("已经付过了")
    assert await ann.page.locator("[data-pay-now]").count() == 0
    await ann.page.locator("[data-already] a.btn-primary").click()
    await ann.page.wait_for_selector("[data-qr]")
    assert len(await orders_of(house)) == 1
    assert ann.complaints == []


async def test_a_session_that_ends_in_the_checkout_loses_nothing(chromium: Browser, house: TestHouse):
    """Signed out between two taps: the same deal, the same quantity, one order."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    await ann.page.click(".stepper button[value='1']")
    await expect(ann.page.locator(".buybar .price")).to_contain_text("136")
    await ann.context.clear_cookies(name="hutong_session")
    await ann.page.click("[data-pay-now]")
    await ann.page.wait_for_selector("input[name=phone]")
    assert await orders_of(house) == []
    await asyncio.sleep(1.1)
    await ann.sign_in("ann")
    await ann.page.wait_for_selector("[data-pay-now]")
    await expect(ann.page.locator(".buybar .price")).to_contain_text("136")
    await ann.tap("[data-pay-now]")
    await pay(ann)
    assert [order.lines[0].quantity for order in await orders_of(house)] == [2]
    assert await audit_clean(house.db)


async def test_what_cannot_be_is_said_beside_the_form(chromium: Browser, house: TestHouse):
    """409: the price has moved. 422: no quantity. What was typed stays."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    city_id = house.town.city_id
    async with house.db.city(city_id) as tx:
        ask = Revise(offer_id=house.town.offers["two-bowls"], by=None, price=Amount(7000, "CNY"))
        await catalog.revise(tx, [ask], city_id=city_id, now=house.clock.now() + timedelta(seconds=1))
    await ann.page.click("[data-pay-now]")
    await expect(ann.page.locator("#wrong")).to_contain_text("价格已变为")
    await expect(ann.page.locator(".buybar .price")).to_contain_text("70")
    await ann.page.evaluate("document.querySelector('.stepper input').removeAttribute('hx-get')")
    await ann.page.locator(".stepper input").evaluate("(field) => { field.value = '999999'; }")
    await ann.page.click("[data-pay-now]")
    await expect(ann.page.locator("#wrong")).to_contain_text("数量须在 1 到 20 之间")
    assert await ann.page.input_value(".stepper input") == "999999"
    assert await orders_of(house) == []
    known = ("409", "422")
    assert [words for words in ann.complaints if not any(code in words for code in known)] == []


async def test_the_provider_is_left_without_paying(chromium: Browser, house: TestHouse):
    """Nobody is made to wait for a payment that he has called off himself; the order is kept for him."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    await ann.tap("[data-pay-now]")
    await ann.page.wait_for_url("**/pay/**")
    await ann.page.locator("button[value=cancel]").click()
    await expect(ann.page.locator("h1")).to_contain_text("还没有支付")
    await ann.page.locator("form[action$='/payment'] button").click()
    await pay(ann)
    assert [order.state for order in await orders_of(house)] == ["paid"]


async def test_the_wallet_works_without_a_network(chromium: Browser, house: TestHouse):
    """Opened once, then shown in a basement: the list, the voucher, and a code that is fresh every half minute."""
    ann = await signed_in(chromium, house)
    await bought(ann, house)
    await kept(ann)
    await ann.open("/c/qinghe/vouchers")
    await ann.context.set_offline(True)
    await ann.open("/c/qinghe/vouchers")
    await expect(ann.page.locator("[data-offline-note]")).to_be_visible()
    await ann.tap("a.ticket")
    await ann.page.wait_for_selector("[data-qr]")
    await expect(ann.page.locator("[data-offline-note]")).to_be_visible()
    await expect(ann.page.locator("[data-qr]")).to_have_attribute("src", re.compile("^blob:"))
    first = await scanned(ann)
    voucher = await held(house, ann)
    now = house.clock.now()
    fresh = {vouchers.qr_text(voucher, now - timedelta(seconds=back)) for back in (0, 30)}
    assert first in fresh
    second = first
    for _ in range(70):
        await asyncio.sleep(0.5)
        if (second := await scanned(ann)) != first:
            break
    assert second != first
    await ann.open("/c/qinghe/nearby")
    await expect(ann.page.locator("h1")).to_contain_text("没有网络")
    # Where she arrives counts: the worker tries the network first, and that request is told as an aborted page.
    # A network that blinks as she leaves does not call her back.
    leave = """() => { document.querySelector("[data-wallet]").click(); dispatchEvent(new Event("online")); }"""
    await until(ann.page, "() => !document.querySelector('[data-wallet]').hidden")
    await ann.page.evaluate(leave)
    await expect(ann.page).to_have_url(re.compile("/vouchers$"))
    await expect(ann.page.locator("a.ticket")).to_be_visible()
    await redeem(house, second)  # the counter has a network: the phone's own code is good
    await ann.context.set_offline(False)
    await ann.tap("a.ticket")
    await expect(ann.page.locator(".stamp.good")).to_contain_text("已使用")
    await ann.context.set_offline(True)
    await ann.open("/c/qinghe/nearby")
    await expect(ann.page.locator("[data-again]")).to_be_visible()
    await ann.context.set_offline(False)  # a network that stays brings the page that was asked for
    await expect(ann.page.locator("[data-again]")).to_have_count(0)
    await expect(ann.page.locator("a[href*='/deals/']").first).to_be_visible()
    assert await audit_clean(house.db)


async def test_nothing_of_ann_is_left_for_the_next(chromium: Browser, house: TestHouse):
    """After signing out there is no page, no key and no name of hers on the phone."""
    ann = await signed_in(chromium, house)
    await bought(ann, house)
    await kept(ann)
    await ann.context.clear_cookies(name="hutong_session")
    await ann.open("/c/qinghe/")
    left = """async () => {
        const pages = (await (await caches.open("hutong-mine")).keys()).length;
        const open = indexedDB.open("hutong-pocket", 1);
        const base = await new Promise((done) => { open.onsuccess = () => done(open.result); });
        const all = base.transaction("vouchers").objectStore("vouchers").count();
        const keys = await new Promise((done) => { all.onsuccess = () => done(all.result); });
        base.close();
        return pages + keys + (localStorage.getItem("hutong-who") ? 1 : 0);
      }"""
    await until(ann.page, f"async () => (await ({left})()) === 0")
    await ann.context.set_offline(True)
    await ann.open("/c/qinghe/vouchers")
    await expect(ann.page.locator("h1")).to_contain_text("没有网络")


async def test_the_worker_keeps_nothing_that_pays(chromium: Browser, house: TestHouse):
    """Of all pages only the wallet and vouchers lie in the cache; it is an app that can be installed."""
    ann = await signed_in(chromium, house)
    await bought(ann, house)
    await kept(ann)
    for path in ("/c/qinghe/orders", f"/c/qinghe/checkout?offer={deal(house)}", "/c/qinghe/", "/c/qinghe/me"):
        await ann.open(path)
    paths = await ann.page.evaluate(
        """async () => {
             const all = [];
             for (const name of await caches.keys())
               for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname);
             return all;
           }"""
    )
    shared = ("/static/", "/c/offline/", "/c/spoken")
    personal = [path for path in paths if not path.startswith(shared)]
    assert personal
    assert all("/vouchers" in path and "pocket" not in path and "code.svg" not in path for path in personal)
    manifest = await ann.page.evaluate(
        "async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json()"
    )
    assert manifest["start_url"] == "/c/qinghe/"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_dark_and_in_the_other_language(chromium: Browser, house: TestHouse, language: str):
    """The pages follow the phone at night and the reader's tongue, also in the middle of buying."""
    other = {"zh": "en", "en": "zh-CN"}[language]
    phone = await signed_in(chromium, house, language=language)
    await phone.page.emulate_media(color_scheme="dark")
    await phone.open(f"/c/qinghe/checkout?offer={deal(house)}&quantity=3")
    dark = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).every((one) => one < 60)"
    assert await phone.page.evaluate(dark)
    await phone.page.locator("a[hreflang]").click()
    await expect(phone.page.locator("html")).to_have_attribute("lang", other)
    await expect(phone.page.locator(".buybar .price")).to_contain_text("204")
    for path in (f"/deals/{deal(house)}", "/vouchers", "/orders"):
        await phone.open(f"/c/qinghe{path}")
        assert await phone.page.evaluate(dark)
        assert await phone.fits(), path
    assert phone.complaints == []


async def test_buying_without_a_script(chromium: Browser, house: TestHouse):
    """List, deal, quantity, order, payment, voucher: plain pages all the way."""
    context = await chromium.new_context(
        viewport=PHONE, locale=LOCALES["zh"], java_script_enabled=False, base_url=house.settings.address
    )
    context.set_default_timeout(PATIENCE)
    phone = Phone(context, await context.new_page(), house)
    page = phone.page
    await phone.open("/c/qinghe/nearby?category=food")
    await phone.tap(f"a[href*='/deals/{deal(house)}']")
    await phone.tap("a.btn-accent[href*='/checkout']")
    await page.fill("input[name=phone]", house.town.phones["ann"])
    await page.locator("form[action='/sign-in/codes'] button").first.click()
    await page.fill("input[name=code]", house.messages.last_code(house.town.phones["ann"]) or "")
    await page.locator("form[action='/sign-in'] button").first.click()
    await page.wait_for_selector("[data-pay-now]")
    await page.click(".stepper button[value='1']")
    await page.wait_for_url("**quantity=2*")
    await page.fill(".stepper input", "3")
    await page.press(".stepper input", "Enter")
    await page.wait_for_url("**quantity=3*")
    assert "204" in await page.inner_text(".buybar .price")
    await page.click("[data-pay-now]")
    await page.wait_for_url("**/pay/**")
    await page.locator("button[value=pay]").click()
    await page.wait_for_url("**/vouchers/vch_*")
    assert (await scanned(phone)).startswith("HT1.1.")
    assert [order.lines[0].quantity for order in await orders_of(house)] == [3]
    await context.close()
