"""Cards on the confirm page in a real browser: the price follows the ticks; a card that pays all needs no provider."""

import pytest
from playwright.async_api import Browser, expect

from hutong import orders
from hutong.catalog import Stored
from hutong.infra.ids import new_id
from hutong.kit.ids import PAYMENT, VOUCHER
from hutong.orders import Place, Placed, Wanted
from hutong.payments import ProviderPayment
from hutong.vouchers import Voucher
from tests.browser.test_buying import deal, signed_in
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.lane import HOLD, SCHEMES, units
from tests.pages.test_merchant_bills import a_card

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def a_held_card(house: TestHouse, worth: int) -> Voucher:
    """Ann has stored value of Noodle Bar."""
    await a_card(house, "card", Stored(), worth)
    town, now = house.town, house.clock.now()
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=town.people["ann"], member_name="Ann", phone_tail="0001",
        wants=(Wanted(town.offers["card"], 1),),
    )  # fmt: skip

    async def work(tx):
        where = {"city_id": town.city_id, "now": now}
        [placed] = await orders.place(tx, [ask], schemes=SCHEMES, hold_for=HOLD, **where)
        assert isinstance(placed, Placed), placed
        heard = ProviderPayment(
            out_no=PAYMENT.show(ask.payment_id, town.city_id), state="captured", provider_no=f"P{ask.payment_id.hex}",
            amount=placed.total,
        )  # fmt: skip
        await orders.receive(tx, [heard], **where)

    await house.db.run_city(town.city_id, work)
    [card] = await units(house.db, ask.order_id)
    return card


async def test_the_price_follows_the_ticks(chromium: Browser, house: TestHouse):
    card = await a_held_card(house, 5_000)
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    price, tick = ann.page.locator(".buybar .price"), ann.page.locator(f"#{VOUCHER.show(card.voucher_id, 1)}")
    await expect(price).to_contain_text("18")
    await tick.uncheck()
    await expect(price).to_contain_text("68")
    await ann.page.click(".stepper button[value='1']")
    await expect(price).to_contain_text("136")
    await expect(tick).not_to_be_checked()
    await tick.check()
    await expect(price).to_contain_text("86")
    assert ann.complaints == []


async def test_a_card_that_pays_all_needs_no_provider(chromium: Browser, house: TestHouse):
    await a_held_card(house, 20_000)
    ann = await signed_in(chromium, house)
    await ann.open(f"/c/qinghe/checkout?offer={deal(house)}")
    await ann.tap("[data-pay-now]")
    await ann.page.wait_for_url("**/vouchers/vch_*")
    assert ann.complaints == []
    assert await audit_clean(house.db)
