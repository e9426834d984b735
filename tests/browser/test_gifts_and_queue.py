"""A present is unpacked and a queue goes on by itself, in a real browser; the giver needs three taps."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from hutong.infra.db import Database
from hutong.kit.clock import SystemClock
from tests.browser.conftest import Phone, serving
from tests.conftest import audit_clean
from tests.house import TestHouse, Town, make_house
from tests.pages.reader import Reader
from tests.pages.test_queue import Crowd
from tests.pages.test_vouchers import voucher_page
from tests.provider import free_port
from tests.towns import application

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.fixture
async def house(db: Database, copied: tuple[str, Town]) -> AsyncIterator[TestHouse]:
    """The small town with its pocket provider."""
    async with serving(await make_house(db, SystemClock(), port=free_port(), town=copied[1])) as made:
        yield made


@pytest.fixture
async def ann(house: TestHouse) -> AsyncIterator[Reader]:
    """Ann without a browser, for what has happened before a test begins."""
    with application(house) as app:
        yield await Reader(app, house).sign_in("ann")


async def entered(chromium: Browser, house: TestHouse, who: str, path: str, language: str = "zh") -> Phone:
    if who == "ann":  # she has just signed in without a browser: the pause between two codes
        await asyncio.sleep(house.settings.otp_gap_seconds + 0.1)
    phone = await Phone.take(chromium, house, language)
    await phone.open("/sign-in")
    await phone.sign_in(who)
    await phone.open(path)
    phone.taps = 0
    return phone


async def test_a_present_in_two_taps_and_unpacked_in_one(chromium: Browser, house: TestHouse, ann: Reader):
    page = await voucher_page(ann, await ann.buy())
    giver = await entered(chromium, house, "ann", page.path.partition("?")[0])
    await giver.tap("a[href$='/gift']")
    await giver.page.fill("[name=note]", "生日快乐")
    await giver.tap("main form button.btn-accent")
    assert giver.taps == 2
    link = await giver.page.locator("[data-link]").input_value()
    assert await giver.fits()
    friend = await entered(chromium, house, "bo", link, "en")
    assert await friend.fits()
    await expect(friend.page.locator("h1")).to_have_text("Two bowls set")
    await friend.tap(".present button.btn-accent")
    await expect(friend.page.locator("[data-qr]")).to_be_visible()
    assert friend.taps == 1
    await giver.open(link)
    await expect(giver.page.locator("main")).to_contain_text("已送给")
    assert await audit_clean(house.db)


async def test_the_queue_goes_on_by_itself(chromium: Browser, house: TestHouse, ann: Reader):
    """No tap after the first: the page comes back until there is room, and there is one order."""
    buyer = await entered(chromium, house, "ann", ann.at(f"/checkout?offer={ann.deal('two-bowls')}&quantity=1"))
    with Crowd(house, 2):
        await buyer.tap("[data-pay-now]")
        await expect(buyer.page.locator("h1")).to_have_text("正在排队")
        assert await buyer.fits()
        await buyer.page.wait_for_url("**/payment", timeout=20_000)
    assert buyer.taps == 1
    async with house.db.reading(house.town.city_id) as tx:
        assert (
            await tx.value(
                "select count(*)::int from orders.orders where member_id = %(m)s", m=house.town.people["ann"]
            )
            == 1
        )
