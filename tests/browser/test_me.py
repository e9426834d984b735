"""Me in a real browser: passkeys with a virtual authenticator, looks, a copy of one's data, leaving, signing in."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, expect

from hutong.infra.settings import Settings
from tests.browser.conftest import Phone
from tests.conftest import audit_clean
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.fixture
def named(house: TestHouse) -> TestHouse:
    """The house at a name: browsers make no passkeys for an IP address."""
    address = f"http://localhost:{house.settings.port}"
    given: dict[str, Any] = house.settings.model_dump() | {"public_url": address}
    house.settings = Settings(**given)
    return house


async def chip(phone: Phone) -> tuple[CDPSession, str]:
    """A virtual authenticator with a finger that is always right."""
    session = await phone.context.new_cdp_session(phone.page)
    await session.send("WebAuthn.enable", {"enableUI": False})
    options: dict[str, Any] = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


async def test_a_passkey_from_the_offer_to_the_next_sign_in(chromium: Browser, named: TestHouse, shots: Path):
    """Offered in Me, made by one tap; the next sign-in is one tap and no code; removed, it opens nothing."""
    ann = await Phone.take(chromium, named)
    page = ann.page
    session, authenticator = await chip(ann)
    await ann.open("/sign-in?next=/c/qinghe/me")
    await ann.sign_in("ann")
    await expect(page.locator(".me-offer")).to_be_visible()
    await ann.picture(shots / "me-offer.png")
    ann.taps = 0
    await ann.tap(".me-offer button:has-text('添加通行密钥')")
    await page.wait_for_url("**/me/security")
    assert ann.taps == 1
    await expect(page.locator(".me-place b").first).to_contain_text("Chrome")
    held = (await session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator}))["credentials"]
    assert [one["isResidentCredential"] for one in held] == [True]

    await ann.open("/c/qinghe/me")
    await expect(page.locator(".me-offer")).to_have_count(0)
    await page.click("form[data-sign-out] button")
    await page.wait_for_url("**/c/qinghe/")
    await session.send(
        "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": False}
    )  # the offer under the field would be taken at once by a finger that is always there
    await ann.open("/sign-in?next=/c/qinghe/me")
    await expect(page.locator("form[data-passkey]")).to_be_visible()
    await ann.picture(shots / "sign-in-passkey.png")
    await session.send(
        "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": True}
    )  # fmt: skip
    ann.taps = 0
    await page.locator("form[data-passkey] button").click()
    await page.wait_for_url("**/c/qinghe/me")
    await expect(page.locator("h1")).to_contain_text("小安")

    await ann.open("/c/qinghe/me/security")
    await page.click(".me-edit summary")
    await page.click("button:has-text('移除这个通行密钥')")
    await expect(page.locator("text=还没有通行密钥")).to_be_visible()
    assert ann.complaints == []
    assert await audit_clean(named.db)


async def test_the_browser_offers_a_passkey_under_the_field(chromium: Browser, named: TestHouse):
    """Conditional: who has one is signed in from the number's field, without any button of ours."""
    ann = await Phone.take(chromium, named)
    await chip(ann)
    await ann.open("/sign-in?next=/c/qinghe/me")
    await ann.sign_in("ann")
    await ann.page.click(".me-offer button:has-text('添加通行密钥')")
    await ann.page.wait_for_url("**/me/security")
    await ann.open("/c/qinghe/me")
    await ann.page.click("form[data-sign-out] button")
    await ann.page.wait_for_url("**/c/qinghe/")
    await ann.open("/sign-in?next=/c/qinghe/orders")
    await ann.page.wait_for_url("**/c/qinghe/orders")
    assert await audit_clean(named.db)


async def test_a_phone_without_passkeys_says_so_and_goes_on(chromium: Browser, named: TestHouse):
    """Somebody who gives up at the device finds the code where it was."""
    bo = await Phone.take(chromium, named, "en")
    session, authenticator = await chip(bo)
    await session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    await bo.open("/sign-in?next=/c/qinghe/me")
    await bo.page.locator("form[data-passkey] button").click()
    await expect(bo.page.locator("[data-said]")).to_contain_text("once more")
    await bo.sign_in("bo")
    await expect(bo.page.locator(".me-face")).to_be_visible()


async def test_signing_in_takes_two_taps_and_the_code(chromium: Browser, house: TestHouse):
    """Me, the button, the number, the code; a pasted message gives up its digits; what is wrong is told in place."""
    ann = await Phone.take(chromium, house)
    page, phone = ann.page, house.town.phones["ann"]
    await ann.open("/c/qinghe/me")
    await ann.tap("a.btn:has-text('手机号登录')")
    await page.fill("input[name=phone]", "12")
    await page.locator("main button").first.click()
    await expect(page.locator(".note.bad")).to_be_visible()
    assert await page.input_value("input[name=phone]") == "12"
    await page.fill("input[name=phone]", phone)
    await page.locator("main button").first.click()
    ann.taps += 1
    await page.wait_for_selector("input[name=code]")
    await expect(page.locator("button:has-text('重新发送')")).to_be_visible()
    code = house.messages.last_code(phone) or ""
    wrong = "000000" if code != "000000" else "111111"
    await page.fill("input[name=code]", wrong)
    await expect(page.locator(".note.bad")).to_contain_text("验证码不正确")
    await page.evaluate(
        """text => { const data = new DataTransfer(); data.setData("text", text);
             document.querySelector("input[name=code]").dispatchEvent(
               new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})) }""",
        f"【胡同】验证码 {code}，5 分钟内有效。",
    )
    await page.wait_for_url("**/c/qinghe/me")
    await expect(page.locator("h1")).to_contain_text("小安")
    assert ann.taps == 2
    assert [line for line in ann.complaints if "422" not in line] == []


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_looks_are_chosen_and_kept(chromium: Browser, house: TestHouse, shots: Path, language: str):
    """Dark and large, in both languages; the next page is still so."""
    bo = await Phone.take(chromium, house, language)
    await bo.open("/c/qinghe/me/settings")
    size = await bo.page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    for value in ("lane-dark", "large"):
        await bo.page.locator(f"label:has(input[value={value}])").click()
    await bo.page.locator("main form button").first.click()
    await expect(bo.page.locator("html")).to_have_attribute("data-theme", "lane-dark")
    await bo.open("/c/qinghe/me")
    assert await bo.page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") > size
    assert await bo.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(244, 241, 236)"
    assert await bo.fits()
    await bo.picture(shots / f"me-dark-large-{language}.png")
    await bo.open("/c/qinghe/me/settings")
    other = "en" if language == "zh" else "zh"
    await bo.page.locator(f"label:has(input[name=lang][value={other}])").click()
    await bo.page.locator("main form button").first.click()
    await expect(bo.page.locator("html")).to_have_attribute("lang", "en" if other == "en" else "zh-CN")
    assert bo.complaints == []


PAGES = ("", "/settings", "/notifications", "/messages", "/security", "/phone", "/privacy", "/leave", "/help")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desk"])
async def test_pages_of_me_fit_their_screens(
    chromium: Browser, house: TestHouse, shots: Path, language: str, wide: bool
):
    ann = await Phone.take(chromium, house, language, wide=wide)
    await ann.open("/sign-in?next=/c/qinghe/me")
    await ann.sign_in("ann")
    for path in PAGES:
        await ann.open(f"/c/qinghe/me{path}")
        assert await ann.fits(), path
        name = path.strip("/") or "me"
        await ann.picture(shots / f"me-{name}-{language}-{'desk' if wide else 'phone'}.png", full=True)
    assert ann.complaints == []


async def test_a_copy_is_downloaded_and_an_account_begins_to_leave(chromium: Browser, house: TestHouse, tmp_path: Path):
    ann = await Phone.take(chromium, house)
    page = ann.page
    await ann.open("/sign-in?next=/c/qinghe/me/privacy")
    await ann.sign_in("ann")
    await page.click("button:has-text('生成副本')")
    async with page.expect_download() as coming:
        await page.click("button:has-text('下载')")
    file = tmp_path / "copy.zip"
    await (await coming.value).save_as(file)
    with zipfile.ZipFile(file) as packed:
        assert {"me.json", "orders.json", "vouchers.json", "messages.json"} <= set(packed.namelist())
    await page.click("a:has-text('注销账号')")
    await page.wait_for_timeout(1100)  # the pause between two codes
    await page.click("button:has-text('用短信验证码确认')")
    await page.fill("input[name=code]", house.messages.last_code(house.town.phones["ann"]) or "")
    await page.click("button:has-text('确认注销')")
    await page.wait_for_url("**/c/qinghe/me")
    await expect(page.locator(".note.warn")).to_contain_text("注销")
    await page.click("button:has-text('撤回注销')")
    await expect(page.locator(".note.warn")).to_have_count(0)
    assert ann.complaints == []
    assert await audit_clean(house.db)
