"""The claim centre, the wallet and the store's page, as Ann and somebody without an account find them."""

import pytest

from hutong import pricing
from hutong.catalog import CouponForm
from hutong.desk import coupons
from hutong.infra.ids import new_id
from hutong.kit.ids import OFFER, STORE
from hutong.pricing import AddBatch, Budget, NewCode
from tests.db.coupons_help import actor, running
from tests.house import TestHouse
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio
CENTRE = "/c/qinghe/coupons"


async def test_a_coupon_is_claimed_with_one_tap_and_used_from_the_wallet(ann: Reader, house: TestHouse):
    campaign = await running(house)
    shown = OFFER.show(campaign, house.town.city_id)
    page = await ann.get(CENTRE)
    assert "满50减10" in page.text
    assert "满 ¥50 可用" in page.text
    done = await ann.send_and_follow(page, f"{CENTRE}/{shown}/claim")
    assert "领到了" in done.text
    assert "去使用" in done.text
    assert f"{CENTRE}/{shown}/claim" not in done.html
    wallet = await ann.get("/c/qinghe/vouchers")
    assert "满50减10" in wallet.text
    assert "优惠券" in wallet.text
    voucher = await ann.get(wallet.link("/c/qinghe/vouchers/vch_"))
    assert "减 ¥10" in voucher.text
    assert "去使用" in voucher.text
    orders = await ann.get("/c/qinghe/orders")
    assert "满50减10" not in orders.text


async def test_somebody_without_an_account_is_led_to_sign_in_and_back(anybody: Reader, house: TestHouse):
    await running(house)
    page = await anybody.get(CENTRE)
    assert page.link("/sign-in?next=/c/qinghe/coupons")


async def test_what_cannot_be_claimed_says_why_on_its_ticket(ann: Reader, house: TestHouse):
    campaign = await running(house, coupon={"total": 1})
    page = await ann.get(CENTRE)
    await coupons.claim(house, house.town.city_id, await actor(house, "bo"), campaign, key=str(new_id()))
    shown = OFFER.show(campaign, house.town.city_id)
    refused = await ann.send(page, f"{CENTRE}/{shown}/claim")
    assert refused.status == 409
    assert "库存不足" in refused.text
    assert "已领完" in (await ann.get(CENTRE)).text


async def test_the_store_shows_what_it_gives_and_empty_cities_say_so(anybody: Reader, house: TestHouse):
    empty = await anybody.get(CENTRE)
    assert "现在没有可领的优惠券" in empty.text
    await running(house, coupon={"form": CouponForm()})
    store = STORE.show(house.town.stores["noodle-bar-lantern"], house.town.city_id)
    page = await anybody.get(f"/c/qinghe/stores/{store}?lang=en")
    assert "Coupons to claim" in page.text
    assert page.link(f"/c/qinghe/coupons?store={store}")
    listed = await anybody.get(f"{CENTRE}?store={store}")
    assert "10 off from 50" in listed.text


async def test_a_typed_code_brings_its_coupon(ann: Reader, house: TestHouse):
    campaign, batch = await running(house, coupon={"form": CouponForm(claim="code")}), new_id()
    word = coupons.made_code(house, batch, 0)
    ask = AddBatch(
        batch_id=batch, promotion_id=campaign, kind="generated", label="x", by=None,
        codes=(NewCode(code_id=coupons.code_id(house, word), tail=word[-4:]),),
    )  # fmt: skip
    async with house.db.city(house.town.city_id) as tx:
        await pricing.add_batches(tx, [ask], city_id=house.town.city_id, now=house.clock.now())
    page = await ann.get(CENTRE)
    assert "满50减10" not in page.text
    wrong = await ann.send(page, f"{CENTRE}/code", code="nonsense")
    assert wrong.status == 404
    assert "这个兑换码不对" in wrong.text
    assert 'value="nonsense"' in wrong.html
    done = await ann.send_and_follow(page, f"{CENTRE}/code", code=word.lower())
    assert "满50减10" in done.text


async def test_a_spent_budget_is_told_on_the_coupon(ann: Reader, house: TestHouse):
    campaign = await running(house, budgets=(Budget(most_uses=1),))
    page = await ann.get(CENTRE)
    await ann.send(page, f"{CENTRE}/{OFFER.show(campaign, house.town.city_id)}/claim")
    now, city = house.clock.now(), house.town.city_id
    async with house.db.city(city) as tx:
        claim = pricing.Claim(promotion_id=campaign, ref=new_id(), member_id=new_id(), units=1000)
        await pricing.hold(tx, [claim], city_id=city, now=now, until=now)
    wallet = await ann.get("/c/qinghe/vouchers")
    voucher = await ann.get(wallet.link("/c/qinghe/vouchers/vch_"))
    assert "这个优惠的预算已用完" in voucher.text
