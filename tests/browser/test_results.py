"""Mei before and after a deal, in a real browser: what must come back while she types, the forecast, one tap."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from hutong import orders
from hutong.app import SCHEMES
from hutong.desk import waves
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.orders import Place, Placed, Wanted
from tests.browser.conftest import Phone
from tests.browser.test_desk import at
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.lane import HOLD, captured

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.fixture
async def mei(chromium: Browser, house: TestHouse) -> AsyncIterator[Phone]:
    phone = await Phone.take(chromium, house, "en")
    await phone.open(at(house, "/today"))
    await phone.sign_in("mei")
    yield phone
    await phone.context.close()


async def test_the_money_of_a_unit_follows_the_typing_and_the_cost_says_who_must_come_back(
    mei: Phone, house: TestHouse, shots: Path
):
    await mei.open(at(house, "/deals"))
    await mei.tap("form[action$='/copies'] button")
    await mei.page.fill("[name=list_price]", "100")
    await mei.page.fill("[name=price]", "50")
    unit = mei.page.locator("#unit")
    await expect(unit).to_contain_text("¥50")
    await expect(unit).to_contain_text("−¥4")  # 8 %
    await expect(unit).to_contain_text("¥46")
    await mei.page.fill("[name=price]", "25")
    await expect(unit).to_contain_text("¥23")
    await expect(mei.page.locator("#saved")).to_contain_text("Saved at")
    await mei.tap("a[href$='/result']")
    await mei.page.fill("[name=cost]", "30")
    await mei.tap("form[action$='/plan'] button")
    await expect(mei.page.locator(".break-even")).to_contain_text("guests must come back once at the list price")
    assert await mei.fits()
    await mei.picture(shots / "result-before.png")
    assert mei.complaints == []


async def test_the_forecast_warns_and_one_tap_invites(mei: Phone, house: TestHouse, db: Database, shots: Path):
    await sold(house)
    await mei.open(at(house, "/forecast"))
    for day in range(7):
        await mei.page.fill(f"[name=d{day}]", "0")
    await mei.tap("form[action$='/capacity'] button")
    await expect(mei.page.locator(".outcome.bad")).to_be_visible()
    await expect(mei.page.locator("svg.wave .bar.over").first).to_be_attached()
    await mei.tap("details.how-to summary")
    await expect(mei.page.locator("details.how-to table")).to_be_visible()
    assert await mei.fits()
    await mei.picture(shots / "forecast.png")
    await mei.tap("form[action$='/nudges'] button")
    await expect(mei.page.locator(".note.good")).to_contain_text("1 guest will be invited")
    await waves.watch(house.db, house.town.city_id, house.clock.now())
    await mei.open(at(house, "/today"))
    await mei.tap(".todo a[href$='/forecast']")
    await expect(mei.page.locator("h1")).to_contain_text("Guests to come")
    assert mei.complaints == []
    assert await audit_clean(db)


async def sold(house: TestHouse) -> None:
    """Ann has bought a deal, and the provider said that it is paid."""
    town, now = house.town, house.clock.now()
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=town.people["ann"], member_name="Ann", phone_tail="0001",
        wants=(Wanted(town.offers["two-bowls"], 3),),
    )  # fmt: skip
    async with house.db.city(town.city_id) as tx:
        where = {"city_id": town.city_id, "now": now}
        placed = (await orders.place(tx, [ask], schemes=SCHEMES, hold_for=HOLD, **where))[0]
        assert isinstance(placed, Placed)
        await orders.receive(tx, [captured(placed)], **where)
