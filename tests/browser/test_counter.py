"""The counter in a real browser: the camera, the hand scanner, the typed code, and what a tap costs.

HUTONG_SCANS=10 takes ten measured scans; the figure is printed (-s).
"""

import os
import re
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, StorageState, async_playwright, expect

from hutong import vouchers
from tests.browser.conftest import ARGS, CHROMIUM, Phone
from tests.browser.film import filmed
from tests.browser.test_merchant import at_the_counter, held, state_of
from tests.conftest import audit_clean
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
FAKE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
SHEET, RESULT, CONFIRM = "dialog[open] form[data-verify]", "dialog[open] [data-result]", "[data-confirm]"
MINE = ("vibrate", "409", "404", "AudioContext", "net::ERR")  # what a browser may say about this page


@asynccontextmanager
async def before_the_camera(text: str, folder: Path, *, blank: float = 0, shown: float = 1) -> AsyncIterator[Browser]:
    """A browser before whose camera a code lies. It has no reader of its own, so ours is used."""
    film = filmed(text, folder / "code.y4m", blank=blank, shown=shown)
    async with async_playwright() as playwright:
        args = [*ARGS, *FAKE, f"--use-file-for-fake-video-capture={film}"]
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=args)
        yield browser
        await browser.close()


async def tao_with(browser: Browser, house: TestHouse) -> Phone:
    tao = await Phone.take(browser, house)
    await tao.context.grant_permissions(["camera"], origin=house.settings.address)
    await tao.context.add_init_script("localStorage.setItem('hutong.till', '{}')")  # results close by themselves
    return tao


def quiet(phone: Phone) -> bool:
    return [words for words in phone.complaints if not any(known in words for known in MINE)] == []


async def shot(page: Page, text: str) -> None:
    """A hand scanner: one key after the other without a pause, and Enter."""
    await page.wait_for_selector("[data-scanner][data-ready]")
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")


# From when to when a result was to be seen, by the clock of the page: ours is late where the machine is crowded.
SPAN = """() => {
  const span = window.span = {}, box = document.querySelector("[data-result-box]");
  new MutationObserver(() => {
    if (box.open) span.shown ??= performance.now();
    else if (span.shown) span.gone ??= performance.now();
  }).observe(box, { attributes: true, attributeFilter: ["open"] });
}"""


async def test_the_camera_is_live_without_a_tap_and_one_tap_redeems(house: TestHouse, tmp_path: Path, shots: Path):
    """No tap to a live camera, none from the code to its sheet, one to redeem; then the camera again by itself."""
    [unit] = await held(house)
    async with before_the_camera(vouchers.qr_text(unit, house.clock.now()), tmp_path) as browser:
        tao = await tao_with(browser, house)
        page = await at_the_counter(tao)
        scanner = page.url
        await expect(page.locator(SHEET)).to_contain_text("双人招牌面套餐")
        await expect(page.locator(CONFIRM)).to_be_focused()
        await tao.picture(shots / "counter-sheet.png")
        assert (tao.taps, page.url) == (0, scanner)
        await page.evaluate(SPAN)
        await tao.tap(CONFIRM)
        await expect(page.locator("dialog[open] [data-result=good]")).to_have_attribute("data-after", "2")
        await tao.picture(shots / "counter-green.png")
        assert await state_of(house, unit.voucher_id) == "used"
        await expect(page.locator("dialog[open]")).to_have_count(0)
        assert await page.evaluate("window.span.gone - window.span.shown") > 1_000  # at most is for the machine to say
        assert (tao.taps, page.url) == (1, scanner)
        await expect(page.locator(".camera.live")).to_be_visible()
        await expect(page.locator("[data-latest-rows]")).to_contain_text("双人招牌面套餐")
        await page.wait_for_timeout(1_500)  # the code still lies there, and says nothing a second time
        assert await page.locator("dialog[open]").count() == 0
        assert quiet(tao)
        assert await audit_clean(house.db)


async def test_a_device_that_confirms_by_itself_needs_no_tap(house: TestHouse, tmp_path: Path):
    [unit] = await held(house)
    async with before_the_camera(vouchers.qr_text(unit, house.clock.now()), tmp_path) as browser:
        tao = await tao_with(browser, house)
        await tao.context.add_init_script("localStorage.setItem('hutong.till', JSON.stringify({auto: true}))")
        page = await at_the_counter(tao)
        await expect(page.locator("dialog[open] [data-result=good]")).to_be_visible()
        assert tao.taps == 0
        assert await state_of(house, unit.voucher_id) == "used"


async def test_several_of_one_order_still_ask(chromium: Browser, house: TestHouse):
    """Confirming by itself is for what needs no thought; the stepper takes two of three."""
    units = await held(house, 3)
    tao = await Phone.take(chromium, house)
    await tao.context.add_init_script("localStorage.setItem('hutong.till', JSON.stringify({auto: true}))")
    page = await at_the_counter(tao)
    await shot(page, vouchers.qr_text(units[0], house.clock.now()))
    await expect(page.locator(f"{SHEET} input[name=count]")).to_have_value("1")
    await page.locator(f"{SHEET} [data-step='1']").click()
    await page.locator(CONFIRM).click()
    await expect(page.locator("dialog[open] [data-result=good]")).to_contain_text("×2")
    states = [await state_of(house, unit.voucher_id) for unit in units]
    assert sorted(states) == ["used", "used", "valid"]


async def test_undo_takes_two_taps(chromium: Browser, house: TestHouse):
    [unit] = await held(house)
    tao = await Phone.take(chromium, house)
    page = await at_the_counter(tao)
    await shot(page, vouchers.qr_text(unit, house.clock.now()))
    await page.locator(CONFIRM).click()
    await expect(page.locator("dialog[open] [data-result=good]")).to_be_visible()
    await expect(page.locator("dialog[open] [data-left]")).to_have_text(re.compile(r"^(60:00|59:\d\d)$"))
    await page.locator("dialog[open] [data-result] [data-next]").click()
    await tao.open(page.url.replace("/scan", "/history"))
    tao.taps = 0
    await tao.tap("a.use-row")
    await tao.tap("form[action$='/reversals'] button")
    assert tao.taps == 2
    await expect(page.locator("main")).to_contain_text("已撤销")
    assert await state_of(house, unit.voucher_id) == "valid"


async def test_undo_on_the_result_stays_at_the_camera(chromium: Browser, house: TestHouse):
    [unit] = await held(house)
    tao = await Phone.take(chromium, house)
    page = await at_the_counter(tao)
    await shot(page, unit.code)
    await page.locator(CONFIRM).click()
    await page.locator("dialog[open] form[action$='/reversals'] button").click()
    await expect(page.locator("dialog[open] [data-result=calm]")).to_be_visible()
    assert await state_of(house, unit.voucher_id) == "valid"
    await page.locator("dialog[open] [data-next]").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.url.endswith("/scan")


async def test_a_hand_scanner_is_heard_wherever_the_cursor_stands(chromium: Browser, house: TestHouse):
    """On a button, in the field, with a sheet open: its Enter presses nothing, and the next code takes the place."""
    first, second = (await held(house))[0], (await held(house))[0]
    tao = await Phone.take(chromium, house, wide=True)
    page = await at_the_counter(tao)
    for place in ("a.counter-name", "[data-latest-rows]", "input[name=presented]"):
        await page.locator(place).evaluate("one => { one.tabIndex = 0; one.focus(); }")
        await shot(page, vouchers.qr_text(first, house.clock.now()))
        await expect(page.locator(SHEET)).to_contain_text(first.code[-4:])
        assert page.url.endswith("/scan")
        await page.keyboard.press("Escape")
        await expect(page.locator(SHEET)).to_have_count(0)
    await shot(page, vouchers.qr_text(first, house.clock.now()))
    await expect(page.locator(SHEET)).to_contain_text(first.code[-4:])
    await shot(page, vouchers.qr_text(second, house.clock.now()))
    await expect(page.locator(SHEET)).to_contain_text(second.code[-4:])
    assert await state_of(house, first.voucher_id) == "valid"
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[open] [data-result=good]")).to_be_visible()
    assert await state_of(house, second.voucher_id) == "used"
    assert quiet(tao)


async def test_refusals_are_red_say_why_and_wait(chromium: Browser, house: TestHouse, shots: Path):
    [unit] = await held(house)
    mei, tao = await Phone.take(chromium, house), await Phone.take(chromium, house)
    hers = await at_the_counter_of(mei, "mei", "noodle-bar-lantern")
    await shot(hers, unit.code)
    await hers.locator(CONFIRM).click()
    await expect(hers.locator("dialog[open] [data-result=good]")).to_be_visible()
    page = await at_the_counter(tao)
    await shot(page, unit.code)
    red = page.locator("dialog[open] [data-result=bad]")
    await expect(red).to_contain_text("已经用过")
    await expect(red).to_contain_text("梅姐")  # by whom
    await expect(red).to_contain_text("灯笼巷店")  # where
    await tao.picture(shots / "counter-red.png")
    await page.wait_for_timeout(3_500)
    await expect(red).to_be_visible()  # until somebody has read it
    await page.locator("dialog[open] [data-result] [data-next]").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.locator("input[name=presented]").press_sequentially("000000000000")
    await expect(page.locator("dialog[open] [data-code=unknown_code]")).to_be_visible()
    assert quiet(tao)
    assert await audit_clean(house.db)


async def test_ones_own_tap_of_a_moment_ago_is_a_yes(chromium: Browser, house: TestHouse):
    """The answer was lost from sight and the cashier scans again: it counts once and says so in green."""
    [unit] = await held(house)
    tao = await Phone.take(chromium, house)
    page = await at_the_counter(tao)
    await shot(page, unit.code)
    await page.locator(CONFIRM).click()
    await page.locator("dialog[open] [data-result] [data-next]").click()
    await shot(page, unit.code)
    await expect(page.locator("dialog[open] [data-result=good]")).to_contain_text("您刚刚已核销")
    async with house.db.reading(house.town.city_id) as tx:
        assert len(await vouchers.uses_of(tx, [unit.voucher_id], city_id=house.town.city_id)) == 1


async def test_an_answer_that_did_not_come_is_asked_for_again(chromium: Browser, house: TestHouse):
    """The redemption is made, its answer is lost twice: the same number again, one redemption, green at last."""
    [unit] = await held(house)
    tao = await Phone.take(chromium, house)
    page = await at_the_counter(tao)
    keys: list[str] = []

    async def loses(route: Route) -> None:
        keys.append(re.findall(r"key=(\w+)", route.request.post_data or "")[0])
        if len(keys) > 2:
            await route.continue_()
        else:
            await route.fetch(max_redirects=0)
            await route.abort("connectionreset")

    await page.route("**/redemptions", loses)
    await shot(page, vouchers.qr_text(unit, house.clock.now()))
    await page.locator(CONFIRM).click()
    await expect(page.locator("[data-unsure]")).to_be_visible()
    await expect(page.locator("dialog[open] [data-result=good]")).to_be_visible()
    assert len(keys) == 3
    assert len(set(keys)) == 1
    async with house.db.reading(house.town.city_id) as tx:
        assert len(await vouchers.uses_of(tx, [unit.voucher_id], city_id=house.town.city_id)) == 1
    assert await audit_clean(house.db)


async def test_without_script_a_typed_code_walks_through_pages(chromium: Browser, house: TestHouse):
    [unit] = await held(house)
    context = await chromium.new_context(base_url=house.settings.address, locale="zh-CN", java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/m")
    await page.fill("input[name=phone]", house.town.phones["tao"])
    await page.locator("main form button").first.click()
    await page.fill("input[name=code]", house.messages.last_code(house.town.phones["tao"]) or "")
    await page.locator("form:has(input[name=code]) button").first.click()
    await page.fill("input[name=presented]", unit.code)
    await page.press("input[name=presented]", "Enter")
    await expect(page.locator("form[data-verify]")).to_contain_text("双人招牌面套餐")
    await page.locator(CONFIRM).click()
    await expect(page.locator("[data-result=good]")).to_be_visible()
    assert await state_of(house, unit.voucher_id) == "used"


async def at_the_counter_of(phone: Phone, who: str, store: str) -> Page:
    """The scanner of a store, signed in as somebody who may stand there."""
    from hutong.kit.ids import STORE

    shown = STORE.show(phone.house.town.stores[store], phone.house.town.city_id)
    await phone.open(f"/m/{shown}/scan")
    await phone.sign_in(who)
    await phone.page.wait_for_url("**/scan")
    await phone.page.wait_for_selector("[data-scanner][data-ready]")
    return phone.page


async def test_a_camera_that_is_not_allowed_says_how(chromium: Browser, house: TestHouse, shots: Path):
    """No camera is asked for out of the blue; the field for the code is there all the time."""
    tao = await Phone.take(chromium, house)
    page = await at_the_counter(tao)
    await page.wait_for_selector("[data-scanner][data-ready]")
    await expect(page.locator("[data-allow]")).to_be_visible()
    await expect(page.locator("input[name=presented]")).to_be_visible()
    await page.locator("[data-allow]").click()
    await expect(page.locator(".camera.dark [data-says]")).not_to_be_empty()
    await tao.picture(shots / "counter-no-camera.png")
    assert await tao.fits()


WATCH = """(() => {
  const seen = window.seen = {};
  addEventListener("DOMContentLoaded", () => {
    const video = document.querySelector("[data-video]"), sheet = document.querySelector("[data-sheet-box]");
    if (!video) return;
    const canvas = new OffscreenCanvas(8, 8), pen = canvas.getContext("2d", { willReadFrequently: true });
    const look = () => {
      pen.drawImage(video, 0, 0, 16, 16, 0, 0, 8, 8);
      if (pen.getImageData(4, 4, 1, 1).data[0] < 90) { seen.code ??= performance.now(); return; }
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    new MutationObserver(() => { if (sheet.open) requestAnimationFrame(() => { seen.sheet ??= performance.now(); }); })
      .observe(sheet, { attributes: true });
  });
})()"""


async def measured(browser: Browser, house: TestHouse, signed_in: StorageState) -> float:
    """Milliseconds from the first frame with the code to the first frame with its sheet."""
    context = await browser.new_context(base_url=house.settings.address, storage_state=signed_in)
    await context.grant_permissions(["camera"], origin=house.settings.address)
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto("/m")
    await expect(page.locator(SHEET)).to_be_visible()
    await page.wait_for_timeout(200)
    return await page.evaluate("window.seen.sheet - window.seen.code")


async def test_from_the_code_before_the_camera_to_its_sheet(chromium: Browser, house: TestHouse, tmp_path: Path):
    """Each scan ends at its sheet; how long it took is printed, and judged where the machine is quiet, never here."""
    tao, times = await Phone.take(chromium, house), list[float]()
    await at_the_counter(tao)
    signed_in = await tao.context.storage_state()
    await tao.context.close()
    for _ in range(int(os.environ.get("HUTONG_SCANS", "1"))):
        [unit] = await held(house)
        text = vouchers.qr_text(unit, house.clock.now())
        async with before_the_camera(text, tmp_path, blank=2.5, shown=4) as browser:
            times.append(await measured(browser, house, signed_in))
    print(f"\nscan to sheet: median {statistics.median(times):.0f} ms of {sorted(round(one) for one in times)}")
    assert all(one > 0 for one in times)
