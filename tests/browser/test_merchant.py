"""The merchant's pages on a desk; and who stands at a counter with what, for the tests of the counter."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from hutong import orders, vouchers
from hutong.infra.ids import new_id
from hutong.kit.ids import PAYMENT
from hutong.orders import Place, Placed, Wanted
from hutong.payments import ProviderPayment
from hutong.vouchers import Voucher
from tests.browser.conftest import Phone
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def held(house: TestHouse, quantity: int = 1) -> list[Voucher]:
    """Ann has bought; how is another test's business."""
    town, now = house.town, house.clock.now()
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=town.people["ann"], member_name="小安", phone_tail="0001",
        wants=(Wanted(town.offers["two-bowls"], quantity),),
    )  # fmt: skip
    async with house.db.city(town.city_id) as tx:
        [placed] = await orders.place(
            tx, [ask], city_id=town.city_id, now=now, schemes=house.schemes, hold_for=timedelta(minutes=15)
        )
        assert isinstance(placed, Placed), placed
        paid = ProviderPayment(
            out_no=PAYMENT.show(placed.payment_id, town.city_id),
            state="captured",
            provider_no=new_id().hex,
            amount=placed.total,
        )
        await orders.receive(tx, [paid], city_id=town.city_id, now=now)
        return await vouchers.of_orders(tx, [ask.order_id], city_id=town.city_id)


async def state_of(house: TestHouse, voucher_id: UUID) -> str:
    async with house.db.reading(house.town.city_id) as tx:
        return (await vouchers.by_ids(tx, [voucher_id], city_id=house.town.city_id))[0].state


async def at_the_counter(phone: Phone, who: str = "tao") -> Page:
    """Signed in and on the scanner, without a tap: a cashier lands there."""
    await phone.open("/m")
    await phone.sign_in(who)
    await phone.page.wait_for_url("**/scan")
    return phone.page


async def test_pages_fit_on_a_desk_in_english(chromium: Browser, house: TestHouse, shots: Path):
    """Mei's board, statement and history at a wide screen; nothing complains."""
    await held(house, 2)
    mei = await Phone.take(chromium, house, "en", wide=True)
    await mei.open("/m/counters")
    await mei.sign_in("mei")
    await mei.tap("a.counter")
    for name in ("Today", "Statement", "History"):
        await mei.tap(f".side-nav a:has-text('{name}')")
        await expect(mei.page.locator("h1")).to_have_text(name)
        assert await mei.fits()
        await mei.picture(shots / f"merchant-{name.lower()}-wide.png")
    assert mei.complaints == []
