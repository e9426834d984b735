"""The story of the pictures: Ann buys, shows, gives back and reviews; Tao redeems; Mei runs shops; Lin decides.
What they do with coupons, teams and cards is told in selling_story.py.

Everything is done in the browser, as people do it; nothing is put into the database.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Page

from hutong.cli.demo import load
from hutong.kit.ids import OFFER, STORE
from tools.alliance_story import ally
from tools.selling_story import sell
from tools.staging import QINGHE

ALL = ("zh-phone", "en-phone", "zh-desk", "en-desk")
DESKS = ("zh-desk", "en-desk")
STORE_ID = STORE.show(load.store_id("noodle-bar-lantern"), QINGHE.city_id)
DEAL, BREAKFAST = (
    OFFER.show(load.offer_id("noodle-bar", slug), QINGHE.city_id) for slug in ("two-bowls", "campus-breakfast")
)
CITY, TILL = "/c/qinghe", f"/m/{STORE_ID}"


def tell(studio: Any) -> None:
    """All of it, in the order in which it happens."""
    anybody(studio)
    units = buying(studio)
    counter(studio, units)
    afterwards(studio, units)
    sell(studio)
    shopkeeping(studio)
    deciding(studio)
    ally(studio)


def anybody(studio: Any) -> None:
    """What somebody sees who has not signed in."""
    studio.take("home", "home of a city", f"{CITY}/", *ALL, "zh-phone-dark")
    studio.take("cities", "cities", "/cities")
    studio.take("nearby", "nearby", f"{CITY}/nearby", "zh-phone", "en-phone", "en-desk")
    studio.take("map", "map", f"{CITY}/map", "zh-phone", "en-desk", prepare=drawn)
    studio.take("search", "search, by pinyin", f"{CITY}/search?q=huoguo")
    studio.take("store", "store", f"{CITY}/stores/{STORE_ID}", "zh-phone", "en-phone", "zh-desk")
    studio.take("deal", "deal", f"{CITY}/deals/{DEAL}", *ALL, "en-phone-dark")
    studio.take("reviews", "reviews of a store", f"{CITY}/stores/{STORE_ID}/reviews")
    studio.take("sign-in", "sign in", "/sign-in")


def drawn(page: Page) -> None:
    page.wait_for_selector(".leaflet-marker-icon, [data-pin]", timeout=10_000)


def buying(studio: Any) -> list[str]:
    """Ann buys; her vouchers, those of this order first."""
    studio.take("confirm", "confirm", f"{CITY}/checkout?offer={DEAL}&quantity=2", who="ann")
    other = buy(studio, BREAKFAST, 1, keep=False)
    units = buy(studio, DEAL, 5, keep=True, before=other)
    studio.take("voucher", "voucher", f"{CITY}/vouchers/{units[0]}", *ALL, "zh-phone-dark", who="ann", prepare=painted)
    return units


def painted(page: Page) -> None:
    page.wait_for_selector("[data-qr]")


def buy(studio: Any, offer: str, quantity: int, *, keep: bool, before: Sequence[str] = ()) -> list[str]:
    """Ann confirms and pays; the public ids of the vouchers that she had not before."""
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(f"{CITY}/checkout?offer={offer}&quantity={quantity}&mine=1")  # no card pays: the provider is shown
        page.click("[data-pay-now]")
        paying = page.locator("button[name=choice][value=pay]")
        paying.wait_for(timeout=30_000)
        if keep and (not studio.wanted or "pay" in studio.wanted):
            studio.keep(page, "pay", "pay (SandboxPay)", "zh-phone")
        paying.click()
        page.wait_for_url(lambda url: "/vouchers/vch_" in url, timeout=40_000)
        page.wait_for_selector("[data-qr]")
        first = re.search(r"vch_\w+", page.url)
        page.goto(f"{CITY}/vouchers")
        links = [str(link.get_attribute("href")) for link in page.locator("a.ticket").all()]
    assert first is not None
    known = [match[0] for url in links if (match := re.search(r"vch_\w+", url))]
    return [one for one in dict.fromkeys([first[0], *known]) if one not in before]


def digits(studio: Any, voucher: str) -> str:
    """The typed code of a voucher of Ann's, as she reads it aloud."""
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(f"{CITY}/vouchers/{voucher}")
        found = re.search(r"\b\d{4}\s\d{4}\s\d{4}\b", page.inner_text("main"))
    assert found is not None, "the voucher page shows no typed code"
    return re.sub(r"\s", "", found[0])


def typed(code: str, until: str, then: Callable[[Page], None] = lambda _: None) -> Callable[[Page], None]:
    """Types a code at the counter and waits for what comes over the camera."""

    def do(page: Page) -> None:
        page.wait_for_selector("[data-scanner][data-ready]")
        page.locator("[name=presented]").press_sequentially(code)  # twelve digits are checked as soon as they are in
        page.wait_for_selector(f"dialog[open] {until}")
        then(page)

    return do


def confirmed(page: Page) -> None:
    page.click("dialog[open] [data-confirm]")
    page.wait_for_selector("dialog[open] [data-result=good]")


def counter(studio: Any, units: list[str]) -> None:
    """Tao at his counter."""
    codes = [digits(studio, unit) for unit in units[:4]]
    scan = f"{TILL}/scan"
    studio.take("merchant-scan", "counter: scan", scan, who="tao")
    sheet = typed(codes[0], "form[data-verify]")
    studio.take("merchant-verify", "counter: verify", scan, who="tao", prepare=sheet)
    for language, code in (("zh", codes[0]), ("en", codes[1])):
        done = typed(code, "form[data-verify]", confirmed)
        studio.take("merchant-done", "counter: redeemed", scan, f"{language}-phone", who="tao", prepare=done)
    red = typed(codes[0], "[data-result]")
    studio.take("merchant-refused", "counter: refused", scan, who="mei", prepare=red)
    with studio.context("tao") as context:
        page = context.new_page()
        page.goto(scan)
        typed(codes[2], "form[data-verify]", confirmed)(page)
    studio.take("merchant-history", "counter: history", f"{TILL}/history", "zh-phone", "en-desk", who="tao")


def afterwards(studio: Any, units: list[str]) -> None:
    """Ann reviews what she used, and gives one back."""
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(f"{CITY}/orders")
        order = re.search(r"ord_\w+", str(page.locator("a[href*='/orders/ord_']").first.get_attribute("href")))
        assert order is not None
    studio.take("review", "review", f"{CITY}/vouchers/{units[0]}/review", who="ann", prepare=praised)
    studio.take("refund", "give back", f"{CITY}/orders/{order[0]}/refund", who="ann")
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(f"{CITY}/vouchers/{units[0]}/review")
        praised(page)
        page.click(".review-form .btn-primary")
        page.wait_for_url(lambda url: not url.endswith("/review"))
        page.goto(f"{CITY}/orders/{order[0]}/refund")
        page.locator(".picks label").first.click()
        page.locator("form[action$='/refunds'] button").first.click()
        page.wait_for_url(lambda url: not url.endswith("/refund"))
    studio.take("order", "order", f"{CITY}/orders/{order[0]}", who="ann")
    studio.take("me", "me", f"{CITY}/me", who="ann")
    studio.take("settings", "settings", f"{CITY}/me/settings", "zh-phone", "en-phone-dark", who="ann")
    studio.take("messages", "messages", f"{CITY}/me/messages", who="ann")


def praised(page: Page) -> None:
    page.locator(".rate-stars label").nth(4).click()
    page.locator(".tags-good label").first.click()
    page.fill("[name=words]", "面很劲道，汤也浓。")


def shopkeeping(studio: Any) -> None:
    """Mei at her desk."""
    studio.take("merchant-today", "today", f"{TILL}/today", "zh-phone", "en-phone", *DESKS, "zh-desk-dark", who="mei")
    studio.take("merchant-orders", "orders of a merchant", f"{TILL}/orders", "zh-phone", "en-desk", who="mei")
    with studio.context("mei") as context:
        page = context.new_page()
        page.goto(f"{TILL}/orders")
        order = page.locator("a[href*='/orders/ord_']").first.get_attribute("href")
    studio.take("merchant-order", "an order of a merchant", str(order), "zh-phone", "en-desk", who="mei")
    studio.take("merchant-deals", "deals of a merchant", f"{TILL}/deals", "zh-phone", "en-desk", who="mei")
    past = f"{TILL}/deals/{OFFER.show(load.offer_id('noodle-bar', 'bone-soup-rush'), QINGHE.city_id)}"
    studio.take("merchant-result", "result sheet of a deal", f"{past}/result", "zh-phone", *DESKS, who="mei")
    studio.take("merchant-forecast", "forecast before an expiry", f"{TILL}/forecast", "zh-phone", *DESKS, who="mei")
    studio.take("merchant-repeat", "repeat business of a merchant", f"{TILL}/repeat", "zh-phone", *DESKS, who="mei")
    studio.take("operator-repeat", "who sends whom customers", "/o/qinghe/repeat", "zh-phone", *DESKS, who="lin")
    studio.take("merchant-payouts", "payouts of a merchant", f"{TILL}/payouts", "zh-phone", "en-desk", who="mei")
    draft = copied(studio)
    studio.take("merchant-editor", "editor with live preview", draft, "zh-phone", *DESKS, who="mei")
    with studio.context("mei") as context:
        page = context.new_page()
        page.goto(draft)
        page.click("button[name=then][value=submit]")
        page.wait_for_load_state("load")
    studio.take("merchant-stores", "stores of a merchant", f"{TILL}/stores", "zh-phone", "en-desk", who="mei")
    studio.take(
        "merchant-store", "hours, holidays, photos", f"{TILL}/stores/{STORE_ID}", "zh-desk", "en-phone", who="mei"
    )
    studio.take("merchant-staff", "staff and keys", f"{TILL}/staff", "zh-phone", "en-desk", who="mei")
    studio.take("merchant-reviews", "reviews of a merchant", f"{TILL}/reviews", "zh-phone", "en-desk", who="mei")
    studio.take("merchant-statement", "statement", f"{TILL}/statement", "zh-phone", "en-phone", *DESKS, who="mei")
    studio.take("merchant-offline", "counter without a network", f"{TILL}/offline", "zh-phone", "en-desk", who="mei")


def copied(studio: Any) -> str:
    """The path of a draft that Mei has copied."""
    with studio.context("mei") as context:
        page = context.new_page()
        page.goto(f"{TILL}/deals/{DEAL}")
        page.locator("form[action$='/copies'] button").first.click()
        page.wait_for_selector("#deal-form")
        return page.url.removeprefix(studio.address).partition("?")[0]


def deciding(studio: Any) -> None:
    """Lin looks at what waits."""
    studio.take("operator-home", "operator: what waits", "/o/qinghe", "zh-phone", "en-desk", who="lin")
    studio.take("operator-earnings", "operator: earnings", "/o/qinghe/earnings", "zh-phone", *DESKS, who="lin")
    studio.take("operator-deals", "operator: deals to approve", "/o/qinghe/deals", "zh-phone", *DESKS, who="lin")
    studio.take("operator-results", "operator: results of deals", "/o/qinghe/results", "zh-phone", *DESKS, who="lin")
    studio.take("operator-reviews", "operator: reviews", "/o/qinghe/reviews", "zh-phone", "en-desk", who="lin")
