"""Mei at her desk in a real browser: a copied deal on its way in five taps, the preview while she types, mistakes and
conflicts in place, somebody joins by QR, Lin approves with one tap."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from hutong import catalog
from hutong.kit.ids import OFFER, STORE
from hutong.web.merchant import deal_form
from tests.browser.conftest import Phone
from tests.conftest import audit_clean
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


def at(house: TestHouse, path: str) -> str:
    return f"/m/{STORE.show(house.town.stores['noodle-bar-lantern'], house.town.city_id)}{path}"


@pytest.fixture
async def mei(chromium: Browser, house: TestHouse) -> AsyncIterator[Phone]:
    phone = await Phone.take(chromium, house, "en")
    await phone.open(at(house, "/deals"))
    await phone.sign_in("mei")
    await phone.open(at(house, "/deals"))
    yield phone
    await phone.context.close()


async def test_a_copied_deal_goes_to_review_in_five_taps_and_lin_approves_with_one(
    mei: Phone, chromium: Browser, house: TestHouse, shots: Path
):
    await mei.tap("form[action$='/copies'] button")
    await mei.page.fill("[name=title_en]", "Noodles at midnight")
    await mei.page.fill("[name=list_price]", "99")
    await mei.page.fill("[name=price]", "33")
    live = mei.page.locator("#live")
    await expect(live).to_contain_text("Noodles at midnight")  # the preview follows the typing
    await expect(live.locator(".price").first).to_contain_text("33")
    await expect(mei.page.locator("#saved")).to_contain_text("Saved at")  # and the draft is kept by itself
    await mei.picture(shots / "desk-editor.png")
    assert await mei.fits()
    await mei.tap("button[name=then][value=submit]")
    assert mei.taps <= 5
    await expect(mei.page.locator(".note.good")).to_contain_text("Submitted.")
    lin = await Phone.take(chromium, house, "en", wide=True)
    await lin.open("/o/qinghe/deals")
    await lin.sign_in("lin")
    await lin.open("/o/qinghe/deals")
    await expect(lin.page.locator(".diff")).to_contain_text("¥33")
    await lin.picture(shots / "desk-review.png")
    shown = await lin.page.locator(".deal-review").first.get_attribute("id")
    await lin.tap("button[data-approve]")
    assert lin.taps == 1
    await lin.open(f"/c/qinghe/deals/{shown}")
    await expect(lin.page.locator("h1")).to_contain_text("Noodles at midnight")
    assert [*mei.complaints, *lin.complaints] == []
    await lin.context.close()
    assert await audit_clean(house.db)


async def test_rejecting_takes_two_taps(mei: Phone, chromium: Browser, house: TestHouse):
    await mei.tap("form[action$='/copies'] button")
    await mei.tap("button[name=then][value=submit]")
    lin = await Phone.take(chromium, house, "en")
    await lin.open("/o/qinghe/deals")
    await lin.sign_in("lin")
    await lin.open("/o/qinghe/deals")
    await lin.tap(".reject-why summary")
    await lin.tap("button[value='reject:price']")
    assert lin.taps == 2
    await mei.open(at(house, "/deals?tab=drafts"))
    await expect(mei.page.locator(".deal-row").first).to_contain_text("Sent back")
    assert [*mei.complaints, *lin.complaints] == []
    await lin.context.close()


async def test_mistakes_and_another_hand_are_shown_in_place(mei: Phone, house: TestHouse):
    await mei.tap("form[action$='/copies'] button")
    page, city_id = mei.page, house.town.city_id
    await page.fill("[name=list_price]", "99")
    await page.fill("[name=price]", "9999")
    await expect(page.locator("#w-price")).to_contain_text("must not be above")
    await expect(page.locator("[name=price]")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("[name=price]")).to_have_value("9999")
    await page.fill("[name=price]", "40")
    await expect(page.locator("#w-price")).to_be_empty()
    await expect(page.locator("#saved")).to_contain_text("Saved at")
    shown = re.search(r"off_\w+", page.url)
    assert shown
    offer_id = OFFER.read_local(shown[0])[1]
    async with house.db.city(city_id) as tx:  # somebody else saves another price meanwhile
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
        assert offer is not None
        change = catalog.Revise(offer_id=offer_id, by=house.town.people["pat"], price=offer.price * 2)
        await catalog.revise(tx, [change], city_id=city_id, now=house.clock.now())
    await page.fill("[name=price]", "41")
    await expect(page.locator("#saved .conflict")).to_contain_text("41")
    await expect(page.locator("#saved .conflict")).to_contain_text("80")
    await expect(page.locator("[name=price]")).to_have_value("41")
    await mei.tap("#saved button[name=over]")
    async with house.db.reading(city_id) as tx:
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
    assert offer is not None
    assert deal_form.plain(offer.price) == "41"
    known = [one for one in mei.complaints if "422" not in one and "409" not in one]
    assert known == []


async def test_somebody_scans_the_invitation_and_is_at_the_counter(mei: Phone, chromium: Browser, house: TestHouse):
    await mei.open(at(house, "/staff"))
    await mei.tap("form[action$='/staff/invitations'] button")
    await expect(mei.page.locator(".invite-qr svg")).to_be_visible()
    link = await mei.page.locator("[data-link]").input_value()  # what the QR says
    bo = await Phone.take(chromium, house, "en")
    await bo.open(link)
    await bo.tap("main a.btn")
    await bo.sign_in("bo")
    await bo.page.wait_for_url("**/m/join/**")
    await bo.tap("form button")
    await bo.page.wait_for_url("**/scan")
    assert bo.taps == 2
    assert [*mei.complaints, *bo.complaints] == []
    await bo.context.close()
    assert await audit_clean(house.db)


async def test_the_statement_is_downloaded_as_a_workbook(mei: Phone, house: TestHouse):
    await mei.open(at(house, "/statement"))
    await mei.page.locator(".money-files summary").click()
    async with mei.page.expect_download() as waiting:
        await mei.page.locator("a[href*='/statement/files/xlsx']").click()
    download = await waiting.value
    assert download.suggested_filename.endswith(".xlsx")
    assert (await asyncio.to_thread(Path(await download.path()).read_bytes))[:2] == b"PK"
    assert mei.complaints == []
