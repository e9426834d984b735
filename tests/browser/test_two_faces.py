"""The voucher's other face: the longer code that a counter without a network can check. And its neighbours."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_buying import bought, deal, kept, pay, scanned, signed_in
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.offline_play import switch_on

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_the_long_code_is_one_tap_away(chromium: Browser, house: TestHouse):
    """With a network and without; a camera reads both faces, and the short one comes first."""
    await switch_on(house)
    ann = await signed_in(chromium, house)
    await bought(ann, house)
    await kept(ann)
    face = ann.page.locator("[data-face]")
    await expect(face).to_be_visible()
    assert (await scanned(ann)).startswith("HT1.")
    await face.click()
    await expect(face).to_have_attribute("aria-pressed", "true")
    await ann.page.wait_for_timeout(500)
    assert (await scanned(ann)).startswith("HT2.")
    await ann.context.set_offline(True)
    await ann.page.reload()
    await expect(ann.page.locator("[data-offline-note]")).to_be_visible()
    await expect(face).to_be_visible()
    await ann.page.wait_for_timeout(500)
    assert (await scanned(ann)).startswith("HT1.")
    await face.click()
    await ann.page.wait_for_timeout(500)
    assert (await scanned(ann)).startswith("HT2.")
    assert await audit_clean(house.db)


async def test_the_wallet_puts_by_what_was_never_opened(chromium: Browser, house: TestHouse):
    """Two units, one of them never looked at: both can be shown in the basement."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}&quantity=2")
    await ann.tap("[data-pay-now]")
    await pay(ann)
    await ann.open("/c/qinghe/vouchers")
    await ann.page.wait_for_function(
        "async () => (await (await caches.open('hutong-mine')).keys()).length >= 3", timeout=15_000
    )
    await ann.page.wait_for_timeout(500)
    await ann.context.set_offline(True)
    codes = set()
    for number in range(2):
        await ann.open("/c/qinghe/vouchers")
        await ann.page.locator("a.ticket").nth(number).click()
        await expect(ann.page.locator("[data-qr]")).to_have_attribute("src", re.compile("^blob:"))
        codes.add(await scanned(ann))
    assert len(codes) == 2
