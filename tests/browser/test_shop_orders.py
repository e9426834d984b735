"""The manager finds a guest's order, writes to it and gives money back, on his phone; the guest reads of it."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Phone
from tests.browser.test_buying import bought, held, signed_in
from tests.browser.test_desk import at
from tests.conftest import audit_clean
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_a_guest_calls_and_gets_the_money_back(chromium: Browser, house: TestHouse, shots: Path):
    """Found by the last digits of a phone; a note; then three taps: Refund, why, Approve."""
    ann = await signed_in(chromium, house)
    await bought(ann, house)
    unit = await held(house, ann)
    mei = await Phone.take(chromium, house)
    await mei.open(at(house, "/orders"))
    await mei.sign_in("mei")
    await mei.open(at(house, "/orders"))
    await mei.page.fill("input[name=q]", unit.code)
    await mei.page.press("input[name=q]", "Enter")
    await mei.page.wait_for_url("**/orders/ord_*")
    await mei.page.fill("textarea[name=words]", "电话说改天再来")
    await mei.tap("form[action$='/notes'] button")
    await expect(mei.page.locator("#notes")).to_contain_text("电话说改天再来")
    assert await mei.fits()
    mei.taps = 0
    await mei.tap("a[href$='/refund']")
    await mei.page.locator(".picks label").first.click()
    mei.taps += 1
    await expect(mei.page.locator("#sum .price")).to_contain_text("68")
    await mei.picture(shots / "order-refund.png", full=True)
    await mei.tap("form[action$='/refunds'] button")
    assert mei.taps == 3
    await expect(mei.page.locator("#notes")).to_contain_text("与顾客协商一致")
    await expect(mei.page.locator("#refunds")).to_contain_text("商家退款")
    await mei.picture(shots / "order.png", full=True)
    await expect(ann.page.locator("[data-changed]")).to_be_visible()  # her open voucher is told at once
    await ann.open("/c/qinghe/orders")
    await ann.tap("a[href*='/orders/ord_']")
    await expect(ann.page.locator(".steps")).to_contain_text("商家主动退款")
    assert [*ann.complaints, *mei.complaints] == []
    await mei.context.close()
    assert await audit_clean(house.db)
