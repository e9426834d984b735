"""The voucher's other face: the longer code that a counter without a network can check. And its neighbours."""

import io
import re

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, expect

from tests.browser.conftest import Phone, until
from tests.browser.test_buying import bought, deal, kept, pay, scanned, signed_in
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.offline_play import switch_on

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


# Whether each ticket of the list has its page in the cache and its key in the pocket.
PUT_BY = """async () => {
  const pocket = await import(document.querySelector("[data-tickets]").dataset.pocket);
  const mine = await caches.open("hutong-mine");
  for (const one of document.querySelectorAll("a[data-ticket]"))
    if (!(await mine.match(new URL(one.href).pathname)) || !(await pocket.kept(one.dataset.ticket))) return false;
  return true;
}"""


async def shows(phone: Phone, start: str) -> str:
    """What a camera reads, as soon as it is a code of that kind: the picture is painted after the tap."""
    read = ""
    for _ in range(100):
        picture = await phone.page.locator(".qr").screenshot()
        found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))  # none while it changes
        read = found[0].text if found else ""
        if read.startswith(start):
            break
        await phone.page.wait_for_timeout(100)
    return read


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
    assert (await shows(ann, "HT2.")).startswith("HT2.")
    await ann.context.set_offline(True)
    await ann.page.reload()
    await expect(ann.page.locator("[data-offline-note]")).to_be_visible()
    await expect(face).to_be_visible()
    assert (await shows(ann, "HT1.")).startswith("HT1.")
    await face.click()
    assert (await shows(ann, "HT2.")).startswith("HT2.")
    assert await audit_clean(house.db)


async def test_the_wallet_puts_by_what_was_never_opened(chromium: Browser, house: TestHouse):
    """Two units, one of them never looked at: both can be shown in the basement."""
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}&quantity=2")
    await ann.tap("[data-pay-now]")
    await pay(ann)
    await ann.open("/c/qinghe/vouchers")
    await until(ann.page, "async () => (await (await caches.open('hutong-mine')).keys()).length >= 3")
    await until(ann.page, PUT_BY)
    await ann.context.set_offline(True)
    codes = set()
    for number in range(2):
        await ann.open("/c/qinghe/vouchers")
        await ann.page.locator("a.ticket").nth(number).click()
        await expect(ann.page.locator("[data-qr]")).to_have_attribute("src", re.compile("^blob:"))
        codes.add(await scanned(ann))
    assert len(codes) == 2
