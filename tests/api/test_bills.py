"""One till call: what is this code, what would be left of the bill, settle it once for ever, undo it."""

import pytest

from hutong.catalog import Stored
from hutong.vouchers import Voucher
from tests.api.conftest import Shop
from tests.conftest import audit_clean
from tests.till_help import a_coupon, a_holder, an_offer

pytestmark = pytest.mark.anyio


async def a_card(shop: Shop) -> Voucher:
    """50 with 10 on top."""
    db, now = shop.house.db, shop.house.clock.now()
    return await a_holder(db, shop.lane, await an_offer(db, shop.lane, now, Stored(bonus_units=1_000), 5_000), now)


def money(units: int) -> dict[str, object]:
    return {"units": units, "asset": "CNY"}


async def test_a_till_settles_a_bill_with_a_card_and_a_coupon(shop: Shop):
    card = await a_card(shop)
    coupon = await a_coupon(shop.house.db, shop.lane, shop.house.clock.now(), member=card.member_id)
    seen = await shop.call(
        "tao", "POST", "/redemptions/preparations", store=shop.store, presented=card.code, amount=money(8_800)
    )
    assert seen.status_code == 200, seen.text
    asked = seen.json()["for_bill"]
    assert (asked["role"], asked["balance"]["units"], asked["collect"]["units"]) == ("card", 6_000, 2_800)
    bill = {"amount": money(8_800), "also": [coupon.code]}
    body = {"store": shop.store, "presented": card.code}
    done = await shop.call("tao", "POST", "/redemptions", key="T7-42", bill=bill, **body)
    assert done.status_code == 201, done.text
    made = done.json()["bill"]
    parts = [made[name]["units"] for name in ("amount", "discounted", "paid", "collect")]
    assert parts == [8_800, 1_000, 6_000, 1_800]
    again = await shop.call("tao", "POST", "/redemptions", key="T7-42", bill=bill, **body)
    assert again.json()["bill"] | {"replayed": False} == made
    other = {"amount": money(8_900)}
    no = await shop.call("tao", "POST", "/redemptions", key="T7-42", bill=other, **body)
    assert no.json()["code"] == "key_reused"
    undone = await shop.call(
        "tao", "POST", f"/redemptions/{made['uses'][0]['redemption']}/reversal", key="u", store=shop.store
    )
    assert undone.status_code == 201, undone.text
    assert await audit_clean(shop.house.db)


async def test_a_coupon_that_does_not_apply_is_refused_with_its_reason(shop: Shop):
    coupon = await a_coupon(shop.house.db, shop.lane, shop.house.clock.now(), least=10_000)
    body = {"store": shop.store, "presented": coupon.code, "bill": {"amount": money(8_800)}}
    no = await shop.call("tao", "POST", "/redemptions", key="b-1", **body)
    assert no.status_code == 409
    assert "¥12 more" in no.text
    body["bill"] = {"amount": money(10_000)}
    yes = await shop.call("tao", "POST", "/redemptions", key="b-1", **body)
    assert yes.json()["bill"]["collect"]["units"] == 9_000
