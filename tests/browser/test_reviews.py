"""Reviews in a real browser: two taps, a photo, an answer, a report with all that follows, and canaries."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser, expect

from hutong.infra.db import Database
from hutong.kit.clock import SystemClock
from hutong.kit.ids import REVIEW
from tests.browser.conftest import Phone, serving
from tests.conftest import audit_clean
from tests.house import TestHouse, Town, make_house
from tests.pages.reader import Reader
from tests.pages.reviews_help import read, reviewed, visit
from tests.provider import free_port
from tests.towns import application

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

SHOP = "noodle-bar-lantern"
CANARY = """<img src=x onerror="window.ran=1"><svg onload="window.ran=2"><script>window.ran=3</script>
javascript:window.ran=4 </textarea><b onmouseover="window.ran=5">x</b> {{ 7*7 }}"""


@pytest.fixture
async def house(db: Database, copied: tuple[str, Town]) -> AsyncIterator[TestHouse]:
    """The small town with its pocket provider: these tests are about what comes after buying."""
    async with serving(await make_house(db, SystemClock(), port=free_port(), town=copied[1])) as made:
        yield made


@pytest.fixture
async def ann(house: TestHouse) -> AsyncIterator[Reader]:
    """Ann without a browser, for what has happened before a test begins."""
    with application(house) as app:
        yield await Reader(app, house).sign_in("ann")


async def entered(chromium: Browser, house: TestHouse, who: str, path: str, *, wide: bool = False) -> Phone:
    """Somebody's browser, signed in, on a page; no tap counted yet."""
    if who == "ann":  # she has just signed in without a browser: the pause between two codes
        await asyncio.sleep(house.settings.otp_gap_seconds + 0.1)
    phone = await Phone.take(chromium, house, wide=wide)
    await phone.open("/sign-in")
    await phone.sign_in(who)
    await phone.open(path)
    phone.taps = 0
    return phone


async def test_two_taps_write_a_review(chromium: Browser, house: TestHouse, ann: Reader):
    voucher = await visit(ann)
    phone = await entered(chromium, house, "ann", ann.at(f"/vouchers/{voucher}/review"))
    await expect(phone.page.locator(".tags-good")).not_to_be_visible()
    await phone.tap(".rate-stars label:nth-child(4)")
    await expect(phone.page.locator(".tags-good")).to_be_visible()
    await expect(phone.page.locator(".tags-bad")).not_to_be_visible()
    assert await phone.fits()
    await phone.tap("form[data-review] button.btn-primary")
    await phone.page.wait_for_url("**/reviews/rvw_*")
    assert phone.taps == 2
    await expect(phone.page.locator(".note.good")).to_be_visible()
    assert phone.complaints == []
    assert await audit_clean(house.db)


async def test_from_the_list_a_star_and_submit(chromium: Browser, house: TestHouse, ann: Reader):
    await visit(ann)
    phone = await entered(chromium, house, "ann", ann.at("/reviews"))
    await phone.tap(".rate-stars a:nth-child(5)")
    await phone.tap("form[data-review] button.btn-primary")
    await phone.page.wait_for_url("**/reviews/rvw_*")
    assert phone.taps == 2
    found = await read(house, phone.page.url.split("/reviews/")[1].split("?")[0])
    assert found.content.stars == 5


async def test_a_photo_is_seen_dropped_sent_and_opened(
    chromium: Browser, house: TestHouse, ann: Reader, tmp_path: Path
):
    """Two are chosen, one is dropped; the other is made smaller here, cleaned there, and opens large."""
    exif = Image.Exif()
    exif[0x010F] = "canary-4711"
    for n in (1, 2):
        Image.effect_noise((3000, 2000), 90).convert("RGB").save(tmp_path / f"{n}.jpg", quality=95, exif=exif)
    voucher = await visit(ann)
    phone = await entered(chromium, house, "ann", ann.at(f"/vouchers/{voucher}/review"))
    page = phone.page
    await page.set_input_files("input[name=photo]", [tmp_path / "1.jpg", tmp_path / "2.jpg"])
    await page.locator(".shot[data-new]").nth(1).wait_for()
    await phone.tap(".shot-drop")
    await expect(page.locator(".shot[data-new]")).to_have_count(1)
    await phone.tap(".rate-stars label:nth-child(5)")
    await phone.tap("form[data-review] button.btn-primary")
    await page.wait_for_url("**/reviews/rvw_*")
    found = await read(house, page.url.split("/reviews/")[1].split("?")[0])
    assert len(found.content.photos) == 1
    stored = (await house.files.open(found.content.photos[0].name)).data
    assert b"canary-4711" not in stored
    assert max(Image.open(io.BytesIO(stored)).size) == 1600
    picture = page.locator("a[data-picture] img")
    await picture.scroll_into_view_if_needed()
    await page.wait_for_function("document.querySelector('a[data-picture] img').naturalWidth > 0")
    await phone.tap("a[data-picture]")
    await expect(page.locator("dialog.picture-box img")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator("dialog.picture-box").wait_for(state="detached")
    assert phone.complaints == []


async def test_an_answer_appears_in_its_place(chromium: Browser, house: TestHouse, ann: Reader):
    await reviewed(ann, 2, "面坨了")
    mei = await entered(chromium, house, "mei", f"/m/{ann.store(SHOP)}/reviews", wide=True)
    await mei.tap(".review-acts summary")
    await mei.page.locator(".review-card textarea").first.fill("抱歉，马上改进")
    await mei.tap(".review-acts details[open] button")
    await mei.page.locator(".said-reply", has_text="抱歉，马上改进").wait_for()
    assert "/reviews" in mei.page.url
    assert "/rvw_" not in mei.page.url  # the list stays where it was
    assert mei.complaints == []


async def test_report_hide_appeal_and_back(chromium: Browser, house: TestHouse, ann: Reader):
    review = await reviewed(ann, 1, "等了一小时")
    bo = await entered(chromium, house, "bo", ann.at(f"/stores/{ann.store(SHOP)}/reviews"))
    await bo.tap("a.said-act")
    await bo.tap(".picks label")
    await bo.tap("main form button.btn-primary")
    await expect(bo.page.locator(".empty")).to_be_visible()
    lin = await entered(chromium, house, "lin", "/o", wide=True)
    await lin.tap("a.queue.has")
    lin.taps = 0
    await lin.tap("button[value='hide:untrue']")
    assert lin.taps == 1
    await lin.page.locator(".empty").wait_for()
    assert (await read(house, review)).state == "hidden"
    own = await entered(chromium, house, "ann", ann.at(f"/reviews/{review}"))
    await own.page.fill("textarea[name=words]", "我有小票")
    await own.tap("form[action$='/appeals'] button")
    await lin.open("/o/qinghe/appeals")
    await lin.tap("button[value=yes]")
    await lin.page.locator(".empty").wait_for()
    assert (await read(house, review)).state == "shown"
    assert [*bo.complaints, *lin.complaints, *own.complaints] == []
    assert await audit_clean(house.db)


async def test_stored_words_never_run(chromium: Browser, house: TestHouse, ann: Reader):
    """In the review, the answer, the report and the appeal, on every page that shows them, for everybody."""
    review = await reviewed(ann, 1, CANARY)
    shop = f"/m/{ann.store(SHOP)}/reviews"
    mei = await entered(chromium, house, "mei", f"{shop}/{review}", wide=True)
    await mei.page.locator("textarea").first.fill(CANARY)
    await mei.tap(".review-acts details[open] button")
    await mei.page.locator(".said-reply").wait_for()
    await mei.tap(".review-acts details:not([open]) >> text=申诉")
    await mei.page.locator("form[action$='/appeals'] textarea").fill(CANARY)
    await mei.tap("form[action$='/appeals'] button")
    bo = await entered(chromium, house, "bo", ann.at(f"/reviews/{review}/report"))
    await bo.tap(".picks label")
    await bo.page.fill("textarea[name=words]", CANARY[:280])
    await bo.tap("main form button.btn-primary")
    lin = await entered(chromium, house, "lin", "/o/qinghe/reviews", wide=True)
    own = await entered(chromium, house, "ann", ann.at(f"/reviews/{review}"))
    store, deal = f"/stores/{ann.store(SHOP)}", f"/deals/{ann.deal('two-bowls')}"
    seen = 0
    for phone, paths in (
        (lin, ["/o/qinghe/reviews", "/o/qinghe/appeals", f"/o/qinghe/reviews/{review}", "/o/qinghe/hidden"]),
        (mei, [shop, f"{shop}?show=all", f"{shop}/{review}"]),
        (own, [f"/reviews/{review}", f"/reviews/{review}/edit", "/reviews?tab=submitted"]),
        (bo, [f"{store}/reviews", f"{deal}/reviews", store, deal, f"/reviews/{review}/report"]),
    ):
        for path in paths:
            await phone.open(path if path.startswith(("/o", "/m")) else ann.at(path))
            assert await phone.page.evaluate("window.ran") is None, path
            assert await phone.fits(), path
            seen += "onerror" in await phone.page.content()
        assert phone.complaints == []
    assert seen >= 12  # the words were there, as words


async def test_control_the_canary_would_run_if_it_were_let(chromium: Browser, house: TestHouse):
    phone = await Phone.take(chromium, house)
    await phone.page.set_content(f"<p>{CANARY}</p>")
    await phone.page.wait_for_function("window.ran")


async def test_the_review_form_works_with_the_keyboard(chromium: Browser, house: TestHouse, ann: Reader):
    voucher = await visit(ann)
    phone = await entered(chromium, house, "ann", ann.at(f"/vouchers/{voucher}/review"))
    page = phone.page
    await page.locator("input[name=stars][value='1']").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    await expect(page.locator("input[name=stars]:checked")).to_have_value("4")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/reviews/rvw_*")
    found = await read(house, page.url.split("/reviews/")[1].split("?")[0])
    assert found.content.stars == 4
    assert len(found.content.tags) == 1
    assert REVIEW.show(found.review_id, found.city_id) in page.url
