"""Screenshots of the faces into docs/pictures: the demo as real processes on a temporary database, seen with Chromium.

`make pictures`, or `python -m tools.pictures voucher home` for some of them. Ann buys and pays in the browser, Tao
redeems what she shows, Mei reads the books; each page is taken in zh and en, on a phone and on some desks.
"""

import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from hutong.cli.demo import load
from hutong.cli.demo.city_data import read_city
from hutong.kit.ids import OFFER, STORE, VOUCHER
from hutong.messages import last_code_in
from tools.staging import ARGS, LOCALES, QINGHE, chromium, demo, folder

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=800)
MOST_BYTES = 200_000
PEOPLE = {person.key: person.phone for person in read_city().cast.people}


def small(png: bytes) -> bytes:
    """The picture with a palette: a quarter of the size, and nobody sees the difference."""
    for colours in (256, 128, 64):
        out = io.BytesIO()
        image = Image.open(io.BytesIO(png)).convert("RGB")
        image.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if len(out.getvalue()) < MOST_BYTES:
            break
    return out.getvalue()


class Studio:
    """A browser in front of a running demo; `wanted` names the pictures to take (none: all)."""

    def __init__(self, browser: Browser, address: str, inbox: Path, wanted: list[str]) -> None:
        self.browser, self.address, self.inbox, self.wanted = browser, address, inbox, wanted
        self.sessions: dict[str, Any] = {}
        self.taken = 0

    def context(self, who: str | None, language: str, size: ViewportSize) -> BrowserContext:
        """A browser of that person, standing in the middle of Qinghe."""
        return self.browser.new_context(
            base_url=self.address, locale=LOCALES[language], viewport=size, device_scale_factor=1,
            timezone_id=QINGHE.zone, storage_state=self.sessions.get(who) if who else None, reduced_motion="reduce",
            geolocation={"latitude": QINGHE.centre.lat, "longitude": QINGHE.centre.lon}, permissions=["geolocation"],
        )  # fmt: skip

    def sign_in(self, who: str) -> None:
        """As people do: the number, the code from the message."""
        with self.context(None, "zh", PHONE) as context:
            page = context.new_page()
            page.goto("/sign-in")
            page.fill("[name=phone]", PEOPLE[who].removeprefix("+86"))
            page.click("form[action='/sign-in/codes'] button")
            page.wait_for_selector("[name=code]")
            page.wait_for_load_state("load")
            page.fill("[name=code]", str(last_code_in(self.inbox, PEOPLE[who])))  # six digits send themselves
            page.wait_for_url(lambda url: "/sign-in" not in url)
            self.sessions[who] = context.storage_state()

    def take(self, name: str, path: str, *, who: str | None = None, desk: bool = False, prepare: Any = None) -> None:
        """One page in both languages, on a phone and, with `desk`, on a wide screen."""
        if self.wanted and not any(word in name for word in self.wanted):
            return
        for language in LOCALES:
            for kind, size in (("phone", PHONE), ("desk", DESK)):
                if kind == "phone" or desk:
                    with self.context(who, language, size) as context:
                        page = context.new_page()
                        answer = page.goto(path)
                        assert answer is not None
                        assert answer.status < 400, f"{name}: {path} was answered {answer.status}"
                        if prepare:
                            prepare(page)
                        self.keep(page, f"{name}-{language}-{kind}")

    def keep(self, page: Page, name: str) -> None:
        page.wait_for_load_state("load")
        page.wait_for_timeout(400)  # pictures that a script puts in, bars that settle
        (FOLDER / f"{name}.png").write_bytes(small(page.screenshot(animations="disabled")))
        self.taken += 1


def buy(studio: Studio, offer: str, quantity: int) -> list[str]:
    """Ann confirms and pays in the browser; the public ids of her vouchers, those of this order first."""
    with studio.context("ann", "zh", PHONE) as context:
        page = context.new_page()
        page.goto(f"/c/qinghe/checkout?offer={offer}&quantity={quantity}")
        page.click(".buybar button.buy")
        pay_page = page.locator("button[name=choice][value=pay]")
        pay_page.wait_for(timeout=20_000)
        studio.keep(page, "pay-zh-phone")
        pay_page.click()
        page.wait_for_url(lambda url: "/vouchers/" in url, timeout=40_000)
        first = page.url.partition("?")[0].rpartition("/")[2]
        page.goto("/c/qinghe/vouchers")
        links = [link.get_attribute("href") or "" for link in page.locator("a[href*='/vouchers/vch_']").all()]
    others = [link.partition("?")[0].rpartition("/")[2] for link in links]
    return [first, *dict.fromkeys(one for one in others if one != first)]


def digits(studio: Studio, voucher: str) -> str:
    """The typed code of a voucher of Ann's, as she reads it aloud."""
    with studio.context("ann", "zh", PHONE) as context:
        page = context.new_page()
        page.goto(f"/c/qinghe/vouchers/{voucher}")
        words = "".join(char if char.isdigit() else " " for char in page.inner_text("main"))
    groups = words.split()
    for at in range(len(groups)):
        joined = "".join(groups[at : at + 3])
        if [len(group) for group in groups[at : at + 3]] == [4, 4, 4] or len(groups[at]) == 12:
            return groups[at] if len(groups[at]) == 12 else joined
    sys.exit("the voucher page shows no typed code")


def typed(code: str) -> Any:
    """Types a code at the counter and lets it be checked."""

    def do(page: Page) -> None:
        page.wait_for_load_state("load")
        page.fill("[name=presented]", code)  # twelve digits are checked as soon as they are in
        page.wait_for_url(lambda url: url.endswith("/verify"))

    return do


def consumer(studio: Studio, store: str, offer: str) -> None:
    """What somebody sees who has not signed in."""
    studio.take("home", "/c/qinghe/", desk=True)
    studio.take("nearby", f"/c/qinghe/nearby?lat={QINGHE.centre.lat}&lon={QINGHE.centre.lon}", desk=True)
    studio.take("search", "/c/qinghe/search?q=huoguo")
    studio.take("store", f"/c/qinghe/stores/{store}")
    studio.take("deal", f"/c/qinghe/deals/{offer}", desk=True)
    studio.take("sign-in", "/sign-in")


def member(studio: Studio, offer: str) -> list[str]:
    """What Ann sees; her vouchers of that offer."""
    studio.sign_in("ann")
    studio.take("confirm", f"/c/qinghe/checkout?offer={offer}&quantity=2", who="ann")
    units = buy(studio, offer, 4)
    studio.take("voucher", f"/c/qinghe/vouchers/{units[0]}", who="ann", desk=True)
    studio.take("wallet", "/c/qinghe/vouchers", who="ann")
    studio.take("orders", "/c/qinghe/orders", who="ann")
    return units


def counter(studio: Studio, store: str, units: list[str], elsewhere: str) -> None:
    """What Tao sees at the counter, and Mei in her books. `elsewhere` is a voucher of another store."""
    studio.sign_in("tao")
    studio.sign_in("mei")
    first, second, third = (digits(studio, unit) for unit in units[:3])
    studio.take("merchant-scan", f"/m/{store}/scan", who="tao")
    studio.take("merchant-verify", f"/m/{store}/scan", who="tao", prepare=typed(first))
    for language, code in (("zh", first), ("en", second)):
        with studio.context("tao", language, PHONE) as context:
            page = context.new_page()
            page.goto(f"/m/{store}/scan")
            typed(code)(page)
            page.locator("form[data-sheet] button.main").click()
            page.wait_for_url(lambda url: "/redemptions/" in url)
            studio.keep(page, f"merchant-done-{language}-phone")
    studio.take("merchant-refused", f"/m/{store}/scan", who="tao", prepare=typed(first))
    studio.take("merchant-not-here", f"/m/{store}/scan", who="tao", prepare=typed(digits(studio, elsewhere)))
    studio.take("merchant-history", f"/m/{store}/history", who="tao")
    with studio.context("tao", "zh", PHONE) as context:
        page = context.new_page()
        page.goto(f"/m/{store}/scan")
        typed(third)(page)
        page.locator("form[data-sheet] button.main").click()
        page.wait_for_url(lambda url: "/redemptions/" in url)
    studio.take("merchant-today", f"/m/{store}/today", who="mei", desk=True)
    studio.take("merchant-statement", f"/m/{store}/statement", who="mei", desk=True)


def main() -> None:
    """Takes them all, or those whose names contain one of the words given."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    store = STORE.show(load.store_id("noodle-bar-lantern"), QINGHE.city_id)
    offer = OFFER.show(load.offer_id("noodle-bar", "two-bowls"), QINGHE.city_id)
    with folder() as data, demo(data) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=ARGS)
        studio = Studio(browser, address, data / "sms.jsonl", sys.argv[1:])
        consumer(studio, store, offer)
        units = member(studio, offer)
        assert all(VOUCHER.read_local(unit) for unit in units)
        breakfast = OFFER.show(load.offer_id("noodle-bar", "campus-breakfast"), QINGHE.city_id)
        counter(studio, store, units, buy(studio, breakfast, 1)[0])
        browser.close()
    print(f"{studio.taken} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
