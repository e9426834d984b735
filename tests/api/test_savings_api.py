"""Quotes with reasons and orders with coupons, for machines."""

import pytest

from hutong.kit.ids import PROMOTION, VOUCHER
from hutong.kit.text import Text
from hutong.pricing import AmountOff, MinSpend
from tests.api.conftest import Shop
from tests.conftest import audit_clean
from tests.lane import CITY
from tests.savings_help import a_coupon, a_rule

pytestmark = pytest.mark.anyio


async def test_quotes_choose_explain_and_orders_take_what_was_chosen(shop: Shop):
    house, now = shop.house, shop.house.clock.now()
    ann = shop.cast.members["ann"]
    ten = await a_rule(house.db, now, lane=shop.lane)
    far = await a_rule(
        house.db, now, lane=shop.lane, name=Text(zh="满200减60", en="60 off 200"), benefit=AmountOff(units=6_000),
        conditions=(MinSpend(units=20_000),),
    )  # fmt: skip
    coupon, other = [await a_coupon(house.db, now, shop.lane, rule, ann) for rule in (ten, far)]
    mine, lines = VOUCHER.show(coupon.voucher_id, CITY), [{"offer": shop.offer, "quantity": 1}]

    stranger = (await shop.call(None, "POST", "/quotes", lines=lines)).json()
    assert (stranger["total"]["units"], stranger["considered"]) == (6_800, [])
    best = (await shop.call("ann", "POST", "/quotes", lines=lines)).json()
    assert (best["total"]["units"], best["saved"]["units"], best["coupons"], best["best"]) == (
        5_800,
        1_000,
        [mine],
        True,
    )
    told = {one["promotion"]: one for one in best["considered"]}
    assert told[PROMOTION.show(ten.promotion_id, CITY)]["applied"]
    no = told[PROMOTION.show(far.promotion_id, CITY)]
    assert (no["applied"], no["code"]) == (False, "spend_more")
    assert "¥132 more" in no["yes_if"]["en"]
    none = (await shop.call("ann", "POST", "/quotes", lines=lines, coupons=[])).json()
    assert (none["total"]["units"], none["best"]) == (6_800, False)

    expect = {"units": 5_800, "asset": "CNY"}
    changed = await shop.call("ann", "POST", "/orders", key="a", lines=lines, expect=expect)
    assert (changed.status_code, changed.json()["code"]) == (409, "price_changed")  # without its coupon
    idle = await shop.call(
        "ann", "POST", "/orders", key="b", lines=lines, coupons=[VOUCHER.show(other.voucher_id, CITY)]
    )
    assert idle.json()["code"] == "spend_more"
    body = {"lines": lines, "expect": expect, "coupons": [mine]}
    placed = await shop.call("ann", "POST", "/orders", key="c", **body)
    assert placed.status_code == 201, placed.text
    again = await shop.call("ann", "POST", "/orders", key="c", **body)
    assert again.json()["id"] == placed.json()["id"]
    bos = await shop.call("bo", "POST", "/orders", key="d", lines=lines, coupons=[mine])
    assert bos.json()["code"] == "voucher_not_found"
    order = (await shop.call("ann", "GET", f"/orders/{placed.json()['id']}")).json()
    assert order["saved"]["units"] == 1_000
    assert [(s["coupon"], s["amount"]["units"], s["state"]) for s in order["savings"]] == [(mine, 1_000, "held")]
    assert await audit_clean(house.db)
