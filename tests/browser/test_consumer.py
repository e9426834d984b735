"""Ann's whole life with a deal in a real browser: find, buy, pay, show, see it used, give the other one back."""

import asyncio
import io
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, expect

from hutong.desk import counter
from hutong.kit.ids import OFFER, STORE
from hutong.people import actors
from tests.browser.conftest import Phone
from tests.conftest import audit_clean
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def scanned(phone: Phone) -> str:
    """What a camera before the screen reads."""
    picture = await phone.page.locator(".qr").screenshot()
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    return found.text


async def redeem(house: TestHouse, presented: str) -> None:
    """Tao scans it at his counter."""
    async with house.db.reading() as tx:
        tao = (await actors(tx, [house.town.people["tao"]]))[house.town.people["tao"]]
    store = house.town.stores["noodle-bar-lantern"]
    await counter.redeem(house, house.town.city_id, tao, store, request_no="browser", presented=presented)


async def test_ann_buys_shows_uses_and_returns(chromium: Browser, house: TestHouse, shots: Path):
    """Three taps to the provider, none from there to the code; the open page sees that it was used."""
    ann = await Phone.take(chromium, house)
    page = ann.page
    await ann.open("/c/qinghe/")
    await ann.tap("a.brief:has-text('双人招牌面套餐')")
    await ann.tap("a.btn.buy")
    await ann.sign_in("ann")
    await page.click(".stepper button[value='1']")
    await expect(page.locator(".pairs .sum .price")).to_contain_text("136")
    await ann.tap("[data-pay-now]")
    assert ann.taps == 3
    await page.wait_for_url("**/pay/**")
    await page.locator("button").first.click()
    await page.wait_for_url("**/vouchers/vch_*")
    await page.wait_for_selector("[data-qr]")
    await ann.picture(shots / "voucher-new.png")
    code = await scanned(ann)
    assert code.startswith("HT1.1.")

    ann.taps = 0  # at the shop: from the home of the city to the code
    await ann.open("/c/qinghe/")
    await ann.tap("nav.tabbar a[href$='/vouchers']")
    await ann.tap("a.ticket")
    assert ann.taps == 2
    await redeem(house, await scanned(ann))
    await expect(page.locator(".stamp")).to_contain_text("已使用")

    await page.click("nav.pager a")  # the other unit goes back
    await page.wait_for_selector("[data-qr]")
    ann.taps = 0
    await ann.tap("a:has-text('申请退款')")
    await page.locator(".picks label").nth(1).click()
    ann.taps += 1
    await ann.tap("button:has-text('确认退款')")
    assert ann.taps == 3
    await expect(page.locator(".steps")).to_contain_text("退款处理中")
    await refunded(house)
    await page.reload()
    await expect(page.locator(".steps")).to_contain_text("退款成功")
    assert ann.complaints == []
    assert await audit_clean(house.db)


async def refunded(house: TestHouse) -> None:
    """What the worker's rounds do, until the provider has given the money back."""
    for _ in range(50):
        await house.courier.round(house.town.city_id)
        async with house.db.reading(house.town.city_id) as tx:
            left = await tx.value("select count(*) from orders.refunds where city_id = 1 and state = 'asked'")
        if not left:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("the refund did not end")


async def test_the_code_renews_itself(chromium: Browser, house: TestHouse):
    """Half a minute later another picture stands there, and the counter accepts it."""
    ann = await Phone.take(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    await ann.sign_in("ann")
    await ann.tap("[data-pay-now]")
    await ann.page.wait_for_url("**/pay/**")
    await ann.page.locator("button").first.click()
    await ann.page.wait_for_selector("[data-qr]")
    first = await scanned(ann)
    for _ in range(80):
        await asyncio.sleep(0.5)
        if await scanned(ann) != first:
            break
    second = await scanned(ann)
    assert second != first
    await redeem(house, second)
    assert await audit_clean(house.db)


def deal(house: TestHouse) -> str:
    return OFFER.show(house.town.offers["two-bowls"], house.town.city_id)


async def test_suggestions_come_while_typing(chromium: Browser, house: TestHouse):
    """Two letters of pinyin, then one tap."""
    bo = await Phone.take(chromium, house)
    await bo.open("/c/qinghe/")
    await bo.page.locator("input[type=search]").press_sequentially("xk", delay=40)
    first = bo.page.locator(".suggestions a").first
    await expect(first).to_contain_text("巷口面吧")
    await bo.tap(".suggestions a >> nth=0")
    await expect(bo.page.locator(".shop").first).to_contain_text("巷口面吧")
    assert bo.taps == 1
    assert bo.complaints == []


PAGES = ("/", "/nearby?category=food", "/search", "/me", "/vouchers", "/orders")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desk"])
async def test_pages_fit_their_screens(chromium: Browser, house: TestHouse, shots: Path, language: str, wide: bool):
    """Both languages on a phone and on a desk: nothing sticks out, nothing complains, targets are large enough."""
    ann = await Phone.take(chromium, house, language, wide=wide)
    await ann.open("/sign-in?next=/c/qinghe/me")
    await ann.sign_in("ann")
    for path in (*PAGES, f"/deals/{deal(house)}", f"/checkout?offer={deal(house)}", f"/stores/{store(house)}"):
        await ann.open(f"/c/qinghe{path}")
        assert await ann.fits(), path
        assert await small_targets(ann) == [], path
        name = path.partition("?")[0].strip("/").partition("/")[0] or "home"
        await ann.picture(shots / f"{name}-{language}-{'desk' if wide else 'phone'}.png")
    assert ann.complaints == []


def store(house: TestHouse) -> str:
    return STORE.show(house.town.stores["noodle-bar-lantern"], house.town.city_id)


async def small_targets(phone: Phone) -> list[str]:
    """Visible buttons and links (outside running text) that a thumb would miss: less than 44 px high or wide."""
    return await phone.page.evaluate(
        """() => [...document.querySelectorAll("a, button")]
             .filter(e => e.checkVisibility() && !e.classList.contains("link") && !e.classList.contains("skip"))
             .map(e => [e.getBoundingClientRect(), e])
             .filter(([r]) => r.width && (r.height < 44 || r.width < 44))
             .map(([r, e]) => `${e.className} ${e.textContent.trim().slice(0, 20)} ${r.width | 0}x${r.height | 0}`)"""
    )
