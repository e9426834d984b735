"""The part of the story about the alliance: points and gifts, the merchant's funding and statements, the operator of
the city, the platform. What is shown stands in the demo; people only open their pages.
"""

import re
from typing import Any

from playwright.sync_api import Page

from hutong.cli.demo import load
from hutong.kit.ids import STORE
from tools.staging import QINGHE

CITY, DESK = "/c/qinghe", "/o/qinghe"
TILL = f"/m/{STORE.show(load.store_id('noodle-bar-lantern'), QINGHE.city_id)}"
FACES = ("zh-phone", "en-phone", "zh-desk")
CONSOLE = ("zh-phone", "en-desk")


def followed(studio: Any, who: str, path: str, part: str) -> str:
    """The first address on a page that contains the words; the page itself where none does."""
    with studio.context(who) as context:
        page = context.new_page()
        page.goto(path)
        links = page.eval_on_selector_all("main a[href]", "all => all.map(one => one.getAttribute('href'))")
    return next((link for link in links if re.search(part, link)), path)


def ally(studio: Any) -> None:
    """In the order of the faces: member, shop, city, platform."""
    studio.take("points", "a member's points", f"{CITY}/points", *FACES, "zh-phone-dark", who="ann")
    studio.take(
        "points-code", "the code that earns at the till", f"{CITY}/points/code", "zh-phone", "en-phone", who="ann"
    )
    studio.take(
        "points-lots", "where points come from, and when they end", f"{CITY}/points/lots", "zh-phone", who="ann"
    )
    studio.take("mall", "the gift mall", f"{CITY}/mall", *FACES, who="ann")
    gift = followed(studio, "ann", f"{CITY}/mall", r"/mall/off_")
    studio.take("mall-gift", "a gift", gift, *FACES, who="ann")
    shop(studio)
    city(studio)
    house(studio)


def shop(studio: Any) -> None:
    """Mei: funding, statements, repeat business, her chain, what she sends; the bills of the counter; a new store."""
    studio.take("merchant-points", "a shop's points: funding, given, taken", f"{TILL}/points", *CONSOLE, who="mei")
    studio.take("merchant-clearings", "clearing statements", f"{TILL}/clearings", "zh-phone", who="mei")
    statement = followed(studio, "mei", f"{TILL}/clearings", r"/clearings/clr_[^/]+$")
    studio.take("merchant-clearing", "a clearing statement", statement, *CONSOLE, who="mei")
    studio.take("merchant-repeat", "repeat business of a shop", f"{TILL}/repeat", *CONSOLE, who="mei")
    studio.take("merchant-chain", "a chain and its shops", f"{TILL}/chain", *CONSOLE, who="mei")
    studio.take("merchant-gifts", "gifts that a shop offers", f"{TILL}/gifts", "zh-phone", who="mei")
    studio.take("merchant-parcels", "parcels to be sent", f"{TILL}/parcels", "zh-phone", who="mei")
    studio.take("merchant-bills", "counter: bills", f"{TILL}/history?state=bills", "zh-phone", "en-phone", who="tao")
    branching(studio)


def branching(studio: Any) -> None:
    """Mei opens one more store: the pin, what waits for the operator, and where she sees it."""
    with studio.context("mei") as context:
        page = context.new_page()
        page.goto(f"{TILL}/stores")
        front = page.request.get(str(page.locator("img.photo").first.get_attribute("src"))).body()

    def filled(page: Page) -> None:
        words = {"name_zh": "巷口面吧（北岸店）", "name_en": "Noodle Bar, North Bank", "phone": "19900000003"}
        words |= {"address_zh": "北岸路 12 号", "address_en": "12 North Bank Road"}
        for name, said in words.items():
            page.fill(f"[name={name}]", said)
        page.fill("#f-mon", "10:30-21:00")
        page.click("[data-same-week]")
        page.set_input_files("[name=picture]", {"name": "front.webp", "mimeType": "image/webp", "buffer": front})
        page.locator("[data-pin-map]").click(position={"x": 200, "y": 120})
        page.wait_for_selector(".map-pin")

    new = f"{TILL}/stores/new"
    studio.take("merchant-store-new", "a new store and its pin", new, *CONSOLE, who="mei", prepare=filled)
    with studio.context("mei") as context:
        page = context.new_page()
        page.goto(new)
        filled(page)
        page.click("form[action$='/stores/new'] button.btn-lg")
        page.wait_for_url("**/stores?done=asked")
    studio.take("merchant-stores-waiting", "stores, one of them waiting", f"{TILL}/stores", "zh-phone", who="mei")


def city(studio: Any) -> None:
    """Lin: those who want to come in, new stores, contracts, claims, money, campaigns, repeat business."""
    pages = {
        "applications": "shops that want to come in", "new-stores": "new stores of shops that are in",
        "merchants": "merchants and contracts", "visits": "field visits",
        "claims": "who recruited whom", "people": "the operator's people", "campaigns": "campaigns of the city",
        "repeat": "repeat business of the alliance", "clearings": "clearing in a city",
    }  # fmt: skip
    for path, title in pages.items():
        studio.take(f"operator-{path}", f"operator: {title}", f"{DESK}/{path}", *CONSOLE, who="lin")
    money = followed(studio, "lin", f"{DESK}/earnings", r"/earnings/")
    studio.take("operator-earnings", "operator: share report", money, *CONSOLE, who="lin")


def house(studio: Any) -> None:
    """Pat: the whole house."""
    studio.take("platform", "platform: how the house does", "/platform/", *CONSOLE, who="pat")
    programme = followed(studio, "pat", "/platform/programmes", r"/programmes/prg_")
    studio.take("platform-programme", "platform: a programme", programme, *CONSOLE, who="pat")
    studio.take("platform-clearings", "platform: clearing", "/platform/clearings", *CONSOLE, who="pat")
    studio.take("platform-payouts", "platform: payouts", "/platform/payouts/qinghe", *CONSOLE, who="pat")
    bills = "/platform/payouts/qinghe/bills"
    studio.take("platform-bills", "platform: orders, bill and ledger, day by day", bills, *CONSOLE, who="pat")
    bill = followed(studio, "pat", bills, r"/bills/sandbox/")
    studio.take("platform-bill", "platform: a day's bill", bill, "en-desk", who="pat")
    studio.take("platform-cities", "platform: cities", "/platform/cities", *CONSOLE, who="pat")
    studio.take("platform-book", "platform: trial balance", "/platform/books/city/qinghe", *CONSOLE, who="pat")
    studio.take("platform-audit", "platform: the audit", "/platform/audit", "en-desk", who="pat")
    studio.take("platform-access", "platform: access", "/platform/access", *CONSOLE, who="pat")
