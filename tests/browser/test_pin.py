"""A further store gets its pin: with the mouse, with the keyboard; what the field says is what is kept."""

import pytest
from playwright.async_api import Browser, Locator, expect

from hutong import recruiting
from hutong.kit.ids import STORE
from hutong.recruiting import Reach
from tests.browser.conftest import Phone
from tests.house import TestHouse
from tests.pages.reviews_help import a_photo

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def at(field: Locator) -> tuple[float, float]:
    """Latitude and longitude as the field has them."""
    lat, lon = (await field.input_value()).split(", ")
    return float(lat), float(lon)


async def middle_of(place: Locator) -> tuple[float, float]:
    box = await place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def test_a_pin_is_dragged_or_put_by_keys_and_kept(chromium: Browser, house: TestHouse):
    store = STORE.show(house.town.stores["noodle-bar-lantern"], house.town.city_id)
    mei = await Phone.take(chromium, house, "en", wide=True)
    await mei.open(f"/m/{store}/stores/new")
    await mei.sign_in("mei")
    page, mouse, keys = mei.page, mei.page.mouse, mei.page.keyboard
    field, ground, pin = page.locator("[name=place]"), page.locator("[data-pin-map]"), page.locator(".map-pin")
    await ground.scroll_into_view_if_needed()
    await expect(ground.locator(".leaflet-control-zoom")).to_be_visible()

    await mouse.click(*await middle_of(ground))
    await expect(pin).to_be_visible()
    tapped = await at(field)
    x, y = await middle_of(pin)
    await mouse.move(x, y)
    await mouse.down()
    await mouse.move(x + 60, y + 40, steps=5)
    await mouse.up()
    dragged = await at(field)
    assert (dragged[0] < tapped[0], dragged[1] > tapped[1]) == (True, True)  # to the south-east

    await ground.focus()
    for _ in range(2):
        await keys.press("ArrowLeft")
        await expect(ground.locator(".leaflet-pan-anim")).to_have_count(0)
    await page.locator("[data-pin-middle]").focus()
    await keys.press("Enter")
    lat, lon = await at(field)
    assert lon < tapped[1]  # the map went to the west, and the pin is in its middle
    await expect(page.locator("[data-pin-said]")).to_contain_text(await field.input_value())

    words = {"name_zh": "面吧北岸店", "address_zh": "北岸路 1 号", "mon": "10:00-21:00"}
    for name, said in words.items():
        await page.fill(f"[name={name}]", said)
    await page.set_input_files("[name=picture]", {"name": "front.jpg", "mimeType": "image/jpeg", "buffer": a_photo()})
    await mei.tap("form[action$='/stores/new'] button.btn-lg")
    await page.wait_for_url("**/stores?done=asked")
    async with house.db.reading(house.town.city_id) as tx:
        [asked] = await recruiting.new_stores_waiting(tx, Reach(everything=True), city_id=house.town.city_id)
    assert (round(asked.said.place.lat, 6), round(asked.said.place.lon, 6), asked.said.pinned) == (lat, lon, True)
    assert mei.complaints == []
