"""Finding something with a thumb: tap budgets, chips in place, the map, typed letters, no JavaScript, keys alone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from hutong.kit.ids import STORE
from tests.browser.conftest import Phone
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
LANTERN = {"latitude": 30.8400, "longitude": 112.7140}
LINJIANG = {"latitude": 30.3050, "longitude": 113.2010}


@pytest.fixture
async def phone(chromium: Browser, house: TestHouse) -> AsyncIterator[Phone]:
    taken = await Phone.take(chromium, house)
    yield taken
    assert taken.complaints == []
    await taken.context.close()


async def test_from_the_door_to_a_deal_in_two_taps(phone: Phone, house: TestHouse):
    """Open, nearby, deal: and from the home itself in one."""
    await phone.open(f"/c/{house.town.slug}/")
    await phone.tap(".tabbar a[href$='/nearby']")
    await phone.tap(".brief")
    assert "/deals/" in phone.page.url
    assert phone.taps == 2
    assert await phone.fits()


async def test_another_city_in_two_taps(phone: Phone, house: TestHouse):
    await phone.open(f"/c/{house.town.slug}/")
    await phone.tap(".top .here")
    await phone.tap("a[href='/c/linjiang/']")
    assert phone.page.url.endswith("/c/linjiang/")
    assert phone.taps == 2


async def test_cities_filter_while_one_types(phone: Phone):
    """Pinyin, initials, Chinese; what is left is opened by Enter."""
    await phone.open("/cities")
    rows = phone.page.locator("li[data-find]:visible")
    for typed, left in (("l", 1), ("qh", 1), ("清", 1), ("zz", 0), ("", 2)):
        await phone.page.fill("input[name=q]", typed)
        await expect(rows, typed).to_have_count(left)
    await phone.page.fill("input[name=q]", "lj")
    await phone.page.keyboard.press("Enter")
    await phone.page.wait_for_url("**/c/linjiang/")


async def test_two_letters_and_one_tap(phone: Phone, house: TestHouse):
    """Initials of pinyin, a suggestion, its page."""
    await phone.open(f"/c/{house.town.slug}/search")
    await phone.page.type("input[name=q]", "sx")
    await phone.page.wait_for_selector(".suggestions a:visible")
    await phone.tap(".suggestions a")
    assert phone.taps == 1
    assert "四喜" in await phone.page.inner_text("main")


async def test_what_was_searched_stays_on_the_phone_until_it_is_cleared(phone: Phone, house: TestHouse):
    search = f"/c/{house.town.slug}/search"
    await phone.open(f"{search}?q=面吧")
    await phone.open(search)
    await expect(phone.page.locator("[data-recent] .chip")).to_have_text("面吧")
    await phone.page.click("[data-forget]")
    await expect(phone.page.locator("[data-recent]")).to_be_hidden()
    await phone.open(search)
    assert await phone.page.locator("[data-recent]").is_hidden()


async def test_a_chip_changes_the_list_in_place(phone: Phone, house: TestHouse):
    """The page is not loaded again, the address changes, and the way back works."""
    page = phone.page
    await phone.open(f"/c/{house.town.slug}/nearby")
    await page.evaluate("window.same = true")
    await page.click("#c-food")
    await page.wait_for_url("**category=food*")
    await page.wait_for_selector("#c-food[aria-current]")
    assert await page.evaluate("window.same") is True
    await expect(page.locator("#c-food")).to_be_focused()
    await page.click("#m-price")
    await page.click("#p-2")
    await page.wait_for_url("**price=30-60*")
    assert "category=food" in page.url
    await page.go_back()
    await page.wait_for_url(lambda url: "price" not in url)
    await page.wait_for_selector("#c-food[aria-current]")
    assert "price" not in page.url
    assert "<html" in await page.content()
    assert await page.locator("header.top").count() == 1


async def test_the_map_shows_pins_and_a_pin_opens_its_shop(phone: Phone, house: TestHouse):
    """One tap on a pin: the shop with its deals; moving away offers to search there."""
    page = phone.page
    await phone.open(f"/c/{house.town.slug}/map")
    await page.wait_for_selector("[data-map][data-ready]")
    for _ in range(6):
        if await page.locator(".map-one").count():
            break
        await page.locator(".map-many").first.click(force=True)  # many come apart when one goes nearer
        await page.wait_for_timeout(900)
    pin = page.locator(".map-one").first
    name = (await pin.get_attribute("aria-label") or "").rsplit(",", 1)[0]
    await pin.click(force=True)
    await expect(page.locator("[data-drawer] .shop")).to_have_count(1)  # of all in sight only this one is left
    await expect(page.locator(f"[data-drawer] h3:has-text('{name}')")).to_be_visible()
    assert await page.locator("[data-drawer] .brief").count() >= 1


async def test_moving_the_map_offers_to_search_there(phone: Phone, house: TestHouse):
    page = phone.page
    await phone.open(f"/c/{house.town.slug}/map")
    await page.wait_for_selector("[data-map][data-ready]")
    box = await page.locator("[data-map]").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 300, box["y"] + 300)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 60, box["y"] + 200, steps=8)
    await page.mouse.up()
    await page.wait_for_selector("[data-again]:visible")
    await page.click("[data-again]")
    await page.wait_for_selector("[data-again]", state="hidden")


async def test_the_map_by_keys(phone: Phone, house: TestHouse):
    """Arrows move it, a sign takes the focus and Enter opens it."""
    page = phone.page
    await phone.open(f"/c/{house.town.slug}/map?store={_store(house)}")
    await page.wait_for_selector(".map-one")
    await page.locator(".map-one").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-drawer] .shop")).to_have_count(1)


def _store(house: TestHouse) -> str:
    return STORE.show(house.town.stores["noodle-bar-lantern"], house.town.city_id)


async def test_a_phone_in_another_city_is_asked_once(chromium: Browser, house: TestHouse):
    """Permission was given before; the question names the city, leads there, and is not asked again today."""
    phone = await Phone.take(chromium, house)
    await phone.context.grant_permissions(["geolocation"])
    await phone.context.set_geolocation(LINJIANG)  # type: ignore[arg-type]
    await phone.open(f"/c/{house.town.slug}/")
    await phone.page.wait_for_selector("[data-elsewhere]:visible")
    assert "临江" in await phone.page.inner_text("[data-elsewhere]")
    await phone.open(f"/c/{house.town.slug}/")
    await phone.page.wait_for_timeout(600)
    assert await phone.page.locator("[data-elsewhere]").is_hidden()
    assert phone.complaints == []
    await phone.context.close()


async def test_distances_from_here_by_one_tap(chromium: Browser, house: TestHouse):
    phone = await Phone.take(chromium, house)
    await phone.context.grant_permissions(["geolocation"])
    await phone.context.set_geolocation(LANTERN)  # type: ignore[arg-type]
    await phone.open(f"/c/{house.town.slug}/nearby")
    async with phone.page.expect_navigation():
        await phone.page.click("[data-locate]")
    assert "距离按您的位置计算" in await phone.page.inner_text("main")
    await phone.context.close()


async def test_everything_is_found_without_javascript(chromium: Browser, house: TestHouse):
    """Links and forms do all of it: list, filters, pages, cities, search, store."""
    context = await chromium.new_context(java_script_enabled=False, base_url=house.settings.address, locale="zh-CN")
    page = await context.new_page()
    city = f"/c/{house.town.slug}"
    await page.goto(f"{city}/nearby")
    await page.click("#c-food")
    assert "category=food" in page.url
    await page.click("#m-district")
    await page.click("#d-xiguan")
    assert "district=xiguan" in page.url
    await page.goto("/cities")
    await page.fill("input[name=q]", "lj")
    await page.press("input[name=q]", "Enter")
    assert await page.locator("li[data-find]").count() == 1
    await page.goto(f"{city}/map")
    assert await page.locator(".map-drawer .shop").count() > 0
    await page.goto(f"{city}/search?q=sx")
    assert "四喜" in await page.inner_text("main")
    await page.click(".shop-head")
    assert "/stores/" in page.url
    await context.close()


async def test_the_first_suggestion_by_arrow(phone: Phone, house: TestHouse):
    """Down moves into the list, Escape comes back to the box."""
    page = phone.page
    await phone.open(f"/c/{house.town.slug}/")
    await page.type("input[name=q]", "mian")
    await page.wait_for_selector(".suggestions a:visible")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".suggestions :focus")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("input[name=q]")).to_be_focused()
    await expect(page.locator(".suggestions")).to_be_hidden()
