"""Tao at his counter in a real browser: a typed code, a code before the camera, a hand scanner."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import segno
from playwright.async_api import Browser, Page, async_playwright, expect

from hutong import orders, vouchers
from hutong.infra.ids import new_id
from hutong.kit.ids import PAYMENT
from hutong.orders import Place, Placed, Wanted
from hutong.payments import ProviderPayment
from hutong.vouchers import Voucher
from tests.browser.conftest import ARGS, CHROMIUM, Phone
from tests.conftest import audit_clean
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
WIDE, HIGH = 640, 480


async def held(house: TestHouse, quantity: int = 1) -> list[Voucher]:
    """Ann has bought; how is another test's business."""
    town, now = house.town, house.clock.now()
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=town.people["ann"], member_name="小安", phone_tail="0001",
        wants=(Wanted(town.offers["two-bowls"], quantity),),
    )  # fmt: skip
    async with house.db.city(town.city_id) as tx:
        [placed] = await orders.place(
            tx, [ask], city_id=town.city_id, now=now, schemes=house.schemes, hold_for=timedelta(minutes=15)
        )
        assert isinstance(placed, Placed), placed
        paid = ProviderPayment(
            out_no=PAYMENT.show(placed.payment_id, town.city_id), state="captured", provider_no="P", amount=placed.total
        )
        await orders.receive(tx, [paid], city_id=town.city_id, now=now)
        return await vouchers.of_orders(tx, [ask.order_id], city_id=town.city_id)


async def state_of(house: TestHouse, voucher_id: UUID) -> str:
    async with house.db.reading(house.town.city_id) as tx:
        return (await vouchers.by_ids(tx, [voucher_id], city_id=house.town.city_id))[0].state


async def at_the_counter(phone: Phone, who: str = "tao") -> Page:
    """Signed in and on the scanner, without a tap: a cashier lands there."""
    await phone.open("/m")
    await phone.sign_in(who)
    await phone.page.wait_for_url("**/scan")
    return phone.page


async def test_tao_types_a_code_confirms_with_one_tap_and_undoes_it(chromium: Browser, house: TestHouse, shots: Path):
    """Twelve digits are checked by themselves; one tap redeems; the screen turns green and returns to the scanner."""
    first, second = await held(house, 2)
    tao = await Phone.take(chromium, house)
    page = await at_the_counter(tao)
    await expect(page.locator("header")).to_contain_text("巷口面吧（灯笼巷店）")
    await page.locator("input[name=presented]").press_sequentially(first.code)
    await page.wait_for_url("**/verify")
    await expect(page.locator(".sheet")).to_contain_text("双人招牌面套餐")
    await tao.picture(shots / "merchant-verify.png")
    await tao.tap(".sheet button.main")
    assert tao.taps == 1
    await expect(page.locator("[data-result=good]")).to_be_visible()
    await tao.picture(shots / "merchant-green.png")
    assert await state_of(house, first.voucher_id) == "used"
    await page.wait_for_url("**/scan", timeout=6_000)  # by itself
    await expect(page.locator(".latest")).to_contain_text("双人招牌面套餐")

    tao.taps = 0
    await tao.tap(".tabbar a:has-text('记录')")
    await tao.tap(".use-row")
    await tao.tap("form[action$='/reversals'] button")
    assert tao.taps == 3  # the tab, then two
    await expect(page.locator("main")).to_contain_text("已撤销")
    assert await state_of(house, first.voucher_id) == "valid"

    await tao.tap("main a.btn.main")  # a hand scanner types wherever one stands, and ends with Enter
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.type(vouchers.qr_text(second, house.clock.now()))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/verify")
    await expect(page.locator(".sheet button.main")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-result=good]")).to_be_visible()
    await page.locator("form[action$='/reversals'] button").click()
    await page.wait_for_url("**/redemptions/red_*")
    assert await state_of(house, second.voucher_id) == "valid"
    assert await tao.fits()
    assert [words for words in tao.complaints if "vibrate" not in words] == []
    assert await audit_clean(house.db)


def filmed(text: str, path: Path) -> Path:
    """A film of a QR code lying still before the camera, as Y4M."""
    matrix = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=4)]
    scale = (HIGH - 120) // len(matrix)
    size, luma = scale * len(matrix), bytearray(b"\xb4" * (WIDE * HIGH))
    left, top = (WIDE - size) // 2, (HIGH - size) // 2
    for y in range(size):
        row = bytes(20 if matrix[y // scale][x // scale] else 235 for x in range(size))
        start = (top + y) * WIDE + left
        luma[start : start + size] = row
    frame = b"FRAME\n" + bytes(luma) + b"\x80" * (WIDE * HIGH // 2)
    path.write_bytes(f"YUV4MPEG2 W{WIDE} H{HIGH} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 10)
    return path


@pytest.fixture
async def camera(house: TestHouse, tmp_path: Path) -> AsyncIterator[tuple[Browser, Voucher]]:
    """A browser before whose camera Ann's code lies. It has no reader of its own, so ours is used."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    [unit] = await held(house)
    film = filmed(vouchers.qr_text(unit, house.clock.now()), tmp_path / "code.y4m")
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[*ARGS, *fake, f"--use-file-for-fake-video-capture={film}"]
        )
        yield browser, unit
        await browser.close()


async def test_the_camera_reads_the_code_by_itself(camera: tuple[Browser, Voucher], house: TestHouse, shots: Path):
    """No tap to a live camera, none from the code to its sheet, one to redeem."""
    browser, unit = camera
    tao = await Phone.take(browser, house)
    await tao.context.grant_permissions(["camera"], origin=house.settings.address)
    page = await at_the_counter(tao)
    await page.wait_for_url("**/verify", timeout=30_000)
    assert tao.taps == 0
    await tao.tap(".sheet button.main")
    await expect(page.locator("[data-result=good]")).to_be_visible()
    await tao.picture(shots / "merchant-camera-green.png")
    assert await state_of(house, unit.voucher_id) == "used"
    await page.wait_for_url("**/scan", timeout=6_000)
    await page.wait_for_selector("[data-result=bad]", timeout=30_000)  # the code still lies there: used already
    await expect(page.locator("main")).to_contain_text("小涛")
    assert [words for words in tao.complaints if "vibrate" not in words and "409" not in words] == []


async def test_pages_fit_on_a_desk_in_english(chromium: Browser, house: TestHouse, shots: Path):
    """Mei's board, statement and history at a wide screen; nothing complains."""
    await held(house, 2)
    mei = await Phone.take(chromium, house, "en", wide=True)
    await mei.open("/m/counters")
    await mei.sign_in("mei")
    await mei.tap("a.counter")
    for name in ("Today", "Statement", "History"):
        await mei.tap(f"header nav a:has-text('{name}')")
        await expect(mei.page.locator("h1")).to_have_text(name)
        assert await mei.fits()
        await mei.picture(shots / f"merchant-{name.lower()}-wide.png")
    assert mei.complaints == []
