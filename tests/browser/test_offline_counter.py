"""The network is cut in a real browser: tills accept alone, tell it later, and lose nothing."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from hutong import vouchers
from hutong.kit.access import Permission
from hutong.kit.ids import STORE, VOUCHER
from hutong.vouchers import Voucher
from tests.browser.conftest import Phone, until
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.offline_play import actor, bought, switch_on

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
LANE = "noodle-bar-lantern"


@pytest.fixture
async def on(house: TestHouse) -> TestHouse:
    await switch_on(house)
    return house


def counter_of(house: TestHouse) -> str:
    return f"/m/{STORE.show(house.town.stores[LANE], house.town.city_id)}"


async def enrolled(browser: Browser, house: TestHouse, name: str, language: str = "zh") -> Phone:
    """Mei makes a browser a device of the store, and leaves it on the scanner."""
    till = await Phone.take(browser, house, language)
    await till.open(f"{counter_of(house)}/offline")
    await till.sign_in("mei")
    await till.page.wait_for_selector("form[data-enrol]")
    await till.page.fill("form[data-enrol] input[name=name]", name)
    await till.page.click("form[data-enrol] button")
    await till.page.wait_for_url(lambda url: url.endswith("done=enrolled"))
    await expect(till.page.locator("[data-this]").locator("visible=true")).to_have_count(1)
    await on_the_scanner(till)
    await settled(till.page)
    return till


async def on_the_scanner(till: Phone) -> None:
    await till.open(f"{counter_of(till.house)}/scan")
    await till.page.wait_for_function("navigator.serviceWorker?.controller !== undefined")


async def settled(page: Page) -> None:
    """The device has an allowance, and the page lies in the cache of its worker."""
    await until(
        page,
        """async () => {
          const till = await import(document.querySelector("[data-offline-js]").dataset.offlineJs);
          const pages = await caches.open("hutong-till-pages");
          return Boolean((await till.device())?.allowance) && (await pages.keys()).length > 0;
        }""",
    )


async def phone_of(browser: Browser, house: TestHouse, unit: Voucher) -> Phone:
    """Ann has opened her voucher once while she had a network."""
    ann = await Phone.take(browser, house)
    shown = VOUCHER.show(unit.voucher_id, unit.city_id)
    await ann.open(f"/c/{house.town.slug}/vouchers/{shown}")
    await ann.sign_in("ann")
    await ann.page.wait_for_selector("[data-qr]")
    await until(
        ann.page,
        """async () => { const { token, voucher } = document.querySelector("[data-voucher][data-token]").dataset;
             return token && Boolean(await (await import(token)).text(voucher)); }""",
    )
    return ann


async def token(ann: Phone) -> str:
    return await ann.page.evaluate(
        """async () => { const { token, voucher } = document.querySelector("[data-voucher][data-token]").dataset;
             return (await import(token)).text(voucher); }"""
    )


async def scan(till: Phone, text: str) -> None:
    """A hand scanner types the code and Enter; twelve digits are checked by themselves, and a late Enter would be
    pressed on the result."""
    await till.page.wait_for_selector("[data-scanner][data-ready]")
    await till.page.fill("form[data-typed] input[name=presented]", text)
    if not text.isdigit():
        await till.page.press("form[data-typed] input[name=presented]", "Enter")
    await till.page.wait_for_selector("[data-result-box][open] [data-result]")


async def reason(till: Phone) -> str:
    return await till.page.locator("[data-result-box] [data-result]").get_attribute("data-reason") or ""


async def next_guest(till: Phone) -> None:
    await till.page.click("[data-result-box] [data-next]")
    await till.page.wait_for_selector("[data-result-box][open]", state="detached")


async def log_of(till: Phone) -> list[dict[str, Any]]:
    return await till.page.evaluate(
        """async () => (await (await import(document.querySelector("[data-offline-js]").dataset.offlineJs)).log())
             .map(({ seq, outcome, why }) => ({ seq, outcome, why }))"""
    )


async def back_online(till: Phone, count: int) -> list[dict[str, Any]]:
    """The network is back; the log is told by itself. Its rows as they were answered."""
    await till.context.set_offline(False)
    await until(
        till.page,
        """async (count) => {
             const rows = await (await import(document.querySelector("[data-offline-js]").dataset.offlineJs)).log();
             return rows.filter((row) => row.outcome).length >= count;
           }""",
        count,
    )
    return await log_of(till)


async def state_of(house: TestHouse, voucher_id: UUID) -> str:
    async with house.db.reading(house.town.city_id) as tx:
        return (await vouchers.by_ids(tx, [voucher_id], city_id=house.town.city_id))[0].state


async def test_two_tills_take_one_voucher_while_the_network_is_cut(chromium: Browser, on: TestHouse, shots: Path):
    """One redemption, one conflict with a bearer and an owner; the manager closes it with a note."""
    [unit] = await bought(on)
    left, right = await enrolled(chromium, on, "门口平板"), await enrolled(chromium, on, "吧台手机")
    ann = await phone_of(chromium, on, unit)
    await ann.context.set_offline(True)
    for till in (left, right):
        await till.context.set_offline(True)
        await scan(till, await token(ann))
        assert await reason(till) == "accepted"
        await expect(till.page.locator("[data-result-box]")).to_contain_text("双人招牌面套餐")
    await left.picture(shots / "offline-accepted.png")
    await next_guest(left)
    await scan(left, await token(ann))
    assert await reason(left) == "used_here"
    await next_guest(left)
    await expect(left.page.locator("[data-offline-badge]")).to_contain_text("1")
    assert [row["outcome"] for row in await back_online(left, 1)] == ["redeemed"]
    assert [row["outcome"] for row in await back_online(right, 1)] == ["conflict"]
    assert await state_of(on, unit.voucher_id) == "used"
    await left.open(f"{counter_of(on)}/conflicts")
    await expect(left.page.locator(".conflict")).to_contain_text("吧台手机")
    await left.picture(shots / "offline-conflicts.png", full=True)
    await left.page.fill(".conflict input[name=note]", "已联系顾客补款")
    await left.page.click(".conflict form button")
    await expect(left.page.locator(".conflict.closed")).to_contain_text("已联系顾客补款")
    mei = await actor(on, "mei")
    async with on.db.reading() as tx:
        waiting = await vouchers.open_conflicts(tx, mei.scope(Permission.EDIT_STORE), city_id=on.town.city_id)
    assert waiting == 0
    assert await left.fits()
    assert await audit_clean(on.db)


async def test_nobody_signs_out_or_moves_on_while_rows_wait(chromium: Browser, on: TestHouse, shots: Path):
    """The page opens again without a network, the row is still there, and leaving is blocked until it is uploaded."""
    [unit] = await bought(on)
    till, ann = await enrolled(chromium, on, "till", "en"), await phone_of(chromium, on, unit)
    await till.context.set_offline(True)
    await scan(till, await token(ann))
    assert await reason(till) == "accepted"
    await till.page.reload()  # from the worker's cache
    await expect(till.page.locator("[data-offline-badge]")).to_contain_text("1 to upload")
    assert [row["outcome"] for row in await log_of(till)] == [None]
    await till.page.evaluate("document.querySelector('[data-store-switch]').click()")
    blocked = till.page.locator("[data-offline-sheet][open] [data-blocked]")  # a sheet that fades away is not open
    await expect(blocked).to_contain_text("Upload first")
    await till.picture(shots / "offline-blocked.png")
    await till.page.keyboard.press("Escape")
    await expect(till.page.locator("dialog[open]")).to_have_count(0)
    await till.page.evaluate("document.querySelector('form[data-sign-out]').requestSubmit()")
    await expect(blocked).to_be_visible()
    await till.page.keyboard.press("Escape")
    await expect(till.page.locator("dialog[open]")).to_have_count(0)
    await scan(till, await token(ann))
    assert await reason(till) == "used_here"  # also after a reload
    await next_guest(till)
    assert [row["outcome"] for row in await back_online(till, 1)] == ["redeemed"]
    await expect(till.page.locator("[data-offline-badge]")).to_be_hidden()
    await till.page.evaluate("document.querySelector('form[data-sign-out]').requestSubmit()")
    await till.page.wait_for_selector("input[name=phone]")
    assert await audit_clean(on.db)


async def test_what_a_till_refuses_alone(chromium: Browser, on: TestHouse, shots: Path):
    """The code for tills with a network, typed digits, somebody else's key, a store it is not for: each says why."""
    first, second = await bought(on, 2)
    till, ann = await enrolled(chromium, on, "till"), await phone_of(chromium, on, first)
    await till.context.set_offline(True)
    good = await token(ann)
    await scan(till, vouchers.qr_text(first, on.clock.now()))
    assert await reason(till) == "needs_offline_code"
    await till.picture(shots / "offline-refused.png")
    await next_guest(till)
    await scan(till, second.code)
    assert await reason(till) == "needs_offline_code"
    await next_guest(till)
    await scan(till, good[:-3] + ("AA." if good[-3:] != "AA." else "BB."))  # the phone's signature is not its own
    assert await reason(till) in ("forged_token", "unreadable")
    await next_guest(till)
    await scan(till, good)
    assert await reason(till) == "accepted"
    assert len(await log_of(till)) == 1
    assert [row["outcome"] for row in await back_online(till, 1)] == ["redeemed"]
    assert await audit_clean(on.db)


async def test_mei_sees_the_maximum_before_she_switches_on(chromium: Browser, house: TestHouse, shots: Path):
    """Off by default; the number comes first, then the switch; a device more is a new number."""
    mei = await Phone.take(chromium, house, wide=True)
    await mei.open(f"{counter_of(house)}/offline")
    await mei.sign_in("mei")
    await expect(mei.page.locator("h1 + .badge")).to_have_text("未开启")
    await expect(mei.page.locator("[data-worst]")).to_have_count(0)
    await mei.page.wait_for_selector("form[data-enrol]")
    await mei.page.fill("form[data-enrol] input[name=name]", "前台")
    await mei.page.click("form[data-enrol] button")
    await mei.page.wait_for_url(lambda url: url.endswith("done=enrolled"))
    await mei.page.click("button[value=look]")
    await expect(mei.page.locator("[data-worst]")).to_have_text("¥2,000")
    await mei.picture(shots / "offline-maximum-wide.png", full=True)
    await mei.page.click("button[value=set]")
    await mei.page.wait_for_url(lambda url: url.endswith("done=saved"))
    await expect(mei.page.locator("h1 + .badge")).to_have_text("已开启")
    await mei.picture(shots / "offline-on-wide.png", full=True)
    assert await mei.fits()
    assert mei.complaints == []
    assert await audit_clean(house.db)
