"""The part of the story about ways of selling: coupons, teams, ladders, slots, bargains, waiting, presents, cards and
bills. Ann and Bo buy together; Mei writes a deal that Lin approves; Tao takes a bill with a coupon.
"""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from hutong.cli.demo import load
from hutong.kit.ids import OFFER, STORE
from tools.staging import QINGHE

CITY = "/c/qinghe"
STORE_ID = STORE.show(load.store_id("noodle-bar-lantern"), QINGHE.city_id)
TILL = f"/m/{STORE_ID}"
PHONES_AND_DESK = ("zh-phone", "en-phone", "en-desk")


def offer(merchant: str, slug: str) -> str:
    return OFFER.show(load.offer_id(merchant, slug), QINGHE.city_id)


def sell(studio: Any) -> None:
    """In the order in which it happens."""
    coupon = coupons(studio)
    together(studio)
    cards(studio)
    presents(studio)
    studio.take("wallet", "vouchers", f"{CITY}/vouchers", *PHONES_AND_DESK, "zh-phone-dark", who="ann")
    bills(studio, coupon)
    sold_out(studio)
    bargain(studio)
    desk(studio)


def on_page(studio: Any, who: str, path: str, do: Any) -> str:
    """Somebody does something on a page; the path where it led."""
    with studio.context(who) as context:
        page = context.new_page()
        page.goto(path)
        do(page)
        page.wait_for_load_state("load")
        return str(page.url).removeprefix(studio.address)


def order(studio: Any, who: str, offer_id: str, **more: str) -> str:
    """Somebody confirms and pays, when there is something to pay; the path that he comes to."""

    def pays(page: Page) -> None:
        page.click("[data-pay-now]")
        page.wait_for_url(lambda url: "/checkout" not in url, timeout=40_000)
        page.wait_for_selector("button[name=choice][value=pay], [data-voucher], [data-team]", timeout=40_000)
        if page.locator("button[name=choice][value=pay]").count():
            page.click("button[name=choice][value=pay]")
            page.wait_for_url(lambda url: re.search(r"/vouchers/vch_|/groups/", url) is not None, timeout=40_000)

    asked = "".join(f"&{name}={value}" for name, value in more.items())
    return on_page(studio, who, f"{CITY}/checkout?offer={offer_id}&quantity=1&mine=1{asked}", pays)


def coupons(studio: Any) -> str:
    """Ann claims what Noodle Bar gives away, and looks at what it takes off; the path of the coupon."""
    before = held(studio)
    claim = f"{CITY}/coupons?store={STORE_ID}"
    on_page(studio, "ann", claim, lambda page: page.click("form[action$='/claim'] button"))
    (coupon,) = [one for one in held(studio) if one not in before]
    studio.take("coupons", "coupons to claim", f"{CITY}/coupons", *PHONES_AND_DESK, "zh-phone-dark", who="ann")
    studio.take("coupon", "a coupon in the wallet", f"{CITY}/vouchers/{coupon}", who="ann", prepare=drawn)
    bowls = f"{CITY}/checkout?offer={offer('noodle-bar', 'two-bowls')}&quantity=1"
    studio.take("confirm-coupon", "confirm with a coupon", bowls, *PHONES_AND_DESK, who="ann", prepare=opened)
    return f"{CITY}/vouchers/{coupon}"


def held(studio: Any) -> list[str]:
    """What is in Ann's wallet."""
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(f"{CITY}/vouchers")
        links = [str(link.get_attribute("href")) for link in page.locator("a[href*='/vouchers/vch_']").all()]
    return list(dict.fromkeys(match[0] for url in links if (match := re.search(r"vch_\w+", url))))


def drawn(page: Page) -> None:
    page.wait_for_selector("[data-qr]")


def opened(page: Page) -> None:
    page.locator("#savings details summary").first.click()


def together(studio: Any) -> None:
    """A team that Ann opens and Bo joins; a ladder and a flash sale as they stand."""
    pot = offer("coppersmith", "pot-together")
    studio.take("deal-team", "deal for teams", f"{CITY}/deals/{pot}", who="bo")
    order(studio, "ann", pot, way="open_team")
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(f"{CITY}/deals/{pot}")
        team = str(page.locator("a[href*='/groups/']").first.get_attribute("href"))
    studio.take("group", "a team, as its opener sees it", team, *PHONES_AND_DESK, who="ann")
    studio.take("group-join", "a team, as a friend sees it", team, who="bo")
    order(studio, "bo", pot, way=f"join_team.{team.rpartition('/')[2]}")
    studio.take("group-clinched", "a team that is complete", team, who="ann")
    ladder, flash = offer("date-farm", "harvest-day"), offer("charcoal-head", "skewers-flash")
    studio.take("deal-ladder", "deal on a ladder", f"{CITY}/deals/{ladder}", *PHONES_AND_DESK)
    studio.take("deal-flash", "deal in slots", f"{CITY}/deals/{flash}", *PHONES_AND_DESK)


def cards(studio: Any) -> None:
    """Ann's cards: a balance, visits, stamps."""
    for name, title, merchant, slug in (
        ("card-balance", "card with a balance", "lanes-end", "lane-value"),
        ("card-visits", "card for visits", "dawn-yoga", "ten-mornings"),
        ("card-stamps", "card for stamps", "idle-boat", "boat-stamps"),
    ):
        path = order(studio, "ann", offer(merchant, slug)).partition("?")[0]
        studio.take(name, title, path, who="ann", prepare=drawn)


def presents(studio: Any) -> None:
    """Ann gives a lunch away; Bo sees it wrapped."""
    path = order(studio, "ann", offer("noodle-bar", "solo-lunch")).partition("?")[0] + "/gift"
    studio.take("gift-new", "give to a friend", path, who="ann")

    def gives(page: Page) -> None:
        page.fill("[name=note]", "生日快乐，中午去吃碗面吧！")
        page.click("main form button.btn-accent")
        page.wait_for_selector("[data-link]")

    on_page(studio, "ann", path, gives)
    studio.take("gift-link", "a present on its way", path, who="ann")
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(path)
        link = page.locator("[data-link]").input_value()
    present = link.removeprefix(studio.address)
    studio.take("gift", "a present, as the friend sees it", present, *PHONES_AND_DESK, "zh-phone-dark", who="bo")


def copies(page: Page) -> None:
    page.locator("form[action$='/copies'] button").first.click()
    page.wait_for_selector("#deal-form")


def written(studio: Any, zh: str, en: str, **fields: str) -> str:
    """Mei copies a deal and changes it, Lin approves it; its id."""
    drafts: list[str] = []

    def writes(page: Page) -> None:
        copies(page)
        drafts.extend(re.findall(r"off_\w+", page.url))
        for name, value in {"title_zh": zh, "title_en": en, **fields}.items():
            page.fill(f"#deal-form [name={name}]", value)
        page.wait_for_timeout(2_500)  # it saves itself
        page.click("button[name=then][value=submit]")
        page.wait_for_load_state("load")

    on_page(studio, "mei", f"{TILL}/deals/{offer('noodle-bar', 'two-bowls')}", writes)
    on_page(studio, "lin", "/o/qinghe/deals", lambda page: page.click(f"#{drafts[0]} [data-approve]"))
    return drafts[0]


def sold_out(studio: Any) -> None:
    """The last one is gone: Bo waits for it."""
    last = written(studio, "老灶双人面 · 仅一份", "Old stove noodles, only one", total="1", per_order_max="1")
    order(studio, "ann", last)
    studio.take("deal-sold-out", "deal that is sold out", f"{CITY}/deals/{last}", who="bo")
    studio.take("wait", "waiting list", f"{CITY}/deals/{last}/wait", who="bo")
    on_page(studio, "bo", f"{CITY}/deals/{last}/wait", lambda page: page.click("main form button.btn-accent"))
    studio.take("waiting", "a place in the line", f"{CITY}/waiting", *PHONES_AND_DESK, who="bo")


def bargain(studio: Any) -> None:
    """Ann begins a bargain; Bo cuts the price."""
    deal = offer("easy-feet", "feet-bargain")
    studio.take("deal-bargain", "deal to bargain for", f"{CITY}/deals/{deal}", who="ann")
    begins = "form[action$='/bargain'] button >> visible=true"
    path = on_page(studio, "ann", f"{CITY}/deals/{deal}", lambda page: page.click(begins)).partition("?")[0]
    studio.take("bargain-help", "a bargain, as a friend sees it", path, who="bo")
    on_page(studio, "bo", path, lambda page: page.click("form[action$='/cuts'] button"))
    studio.take("bargain", "a bargain", path, *PHONES_AND_DESK, who="ann")


def bills(studio: Any, coupon: str) -> None:
    """Tao takes a bill: the coupon is shown, the amount is typed."""
    with studio.context("ann") as context:
        page = context.new_page()
        page.goto(coupon)
        found = re.search(r"\b\d{4}\s\d{4}\s\d{4}\b", page.inner_text("main"))
    assert found is not None, "the coupon shows no code"
    code = re.sub(r"\s", "", found[0])

    def sheet(page: Page) -> None:
        page.wait_for_selector("[data-scanner][data-ready]")
        page.locator("[name=presented]").press_sequentially(code)
        page.wait_for_selector("dialog[open] [name=amount]")
        page.fill("dialog[open] [name=amount]", "76.00")

    studio.take("till-bill", "counter: a bill", f"{TILL}/scan", *PHONES_AND_DESK, who="tao", prepare=sheet)
    with studio.context("tao", "zh", "phone") as context:
        page = context.new_page()
        page.goto(f"{TILL}/scan")
        sheet(page)
        page.click("dialog[open] [data-confirm]")
        page.wait_for_selector("dialog[open] [data-result=good]")
        if not studio.wanted or "till-collect" in studio.wanted:
            studio.keep(page, "till-collect", "counter: what to collect", "zh-phone")
        slip = str(page.locator("dialog[open] a[href$='/slip']").get_attribute("href"))
    studio.take("till-bill-done", "counter: a bill of the history", slip.removesuffix("/slip"), who="tao")
    studio.take("till-slip", "counter: the slip", slip, who="tao")


def desk(studio: Any) -> None:
    """What Mei and Lin see of it."""
    ways_of_selling(studio)
    with studio.context("mei") as context:
        page = context.new_page()
        page.goto(f"{TILL}/campaigns")
        one = str(page.locator(".deal-list h2 a").first.get_attribute("href"))
    studio.take("merchant-campaigns", "campaigns", f"{TILL}/campaigns", "zh-phone", "en-desk", who="mei")
    studio.take("merchant-campaign", "a campaign", one, *PHONES_AND_DESK, who="mei")
    new = f"{TILL}/campaigns/new?template=spend_get"
    studio.take("merchant-campaign-new", "a new campaign", new, "zh-phone", "zh-desk", "en-desk", who="mei")

    def fills(page: Page) -> None:
        page.locator("details.card-new summary").click()
        page.locator("label:has([name=kind][value=stored])").click()
        for name, value in (
            ("name_zh", "面吧储值卡"),
            ("name_en", "Noodle Bar card"),
            ("price", "200"),
            ("bonus", "20"),
        ):
            page.fill(f".card-form [name={name}]", value)

    studio.take("merchant-card-new", "a new card", f"{TILL}/cards", "zh-phone", "en-desk", who="mei", prepare=fills)

    def drafts(page: Page) -> None:
        fills(page)
        page.click(".card-form button.btn-primary")
        page.wait_for_selector("#deal-form")

    on_page(studio, "mei", f"{TILL}/cards", drafts)
    studio.take("merchant-cards", "cards of a merchant", f"{TILL}/cards", "zh-phone", "en-phone", "zh-desk", who="mei")


def ways_of_selling(studio: Any) -> None:
    """The part of the editor that says how a deal is sold; what is missing is said beside its field."""
    draft = on_page(studio, "mei", f"{TILL}/deals/{offer('noodle-bar', 'two-bowls')}", copies).partition("?")[0]

    def chosen(way: str, *, save: bool = False) -> Callable[[Page], None]:
        def do(page: Page) -> None:
            page.locator(f"label:has([name=sold_as][value={way}])").click()
            if save:
                page.click("button[name=then][value=save]")
                page.wait_for_selector("[aria-invalid=true]")
            page.locator(".sale-form").evaluate("e => scrollTo(0, e.getBoundingClientRect().top + scrollY - 72)")

        return do

    for way, *looks in (("flash", "zh-phone", "en-desk"), ("ladder", "zh-phone"), ("team", "en-phone")):
        studio.take(f"merchant-sale-{way}", f"editor: {way}", draft, *looks, who="mei", prepare=chosen(way))
    refused = chosen("bargain", save=True)
    studio.take("merchant-sale-refused", "editor: something is missing", draft, who="mei", prepare=refused)
