"""Campaigns and coupons by the API: written by Mei, claimed by Ann, stopped at once; described in OpenAPI."""

from datetime import timedelta

import pytest

from hutong import orders, payments
from hutong.kit.ids import OFFER, ORDER, PAYMENT
from hutong.payments import ProviderPayment
from hutong.vouchers import Redeemed
from tests.api.conftest import Shop
from tests.catalog_town import a_draft, a_merchant, a_store, published
from tests.conftest import audit_clean
from tests.lane import CITY, a_redeem, hear, redeem, units

pytestmark = pytest.mark.anyio


def a_campaign(shop: Shop, **change):
    now = shop.house.clock.now()
    return {
        "name": {"zh": "减十元", "en": "10 off"}, "benefit": {"kind": "amount", "units": 1000},
        "conditions": [{"kind": "min_spend", "units": 5000}], "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(days=9)).isoformat(), "budgets": [{"units": 50_000}],
        "coupon": {"total": 5, "valid_days": 7},
    } | change  # fmt: skip


async def test_a_campaign_is_written_claimed_and_stopped(shop: Shop):
    path = f"/merchants/{shop.merchant}/campaigns"
    made = await shop.call("mei", "POST", f"{path}?city=1", **a_campaign(shop))
    assert made.status_code == 201, made.text
    campaign, coupon = made.json()["id"], made.json()["coupon"]
    assert made.json()["state"] == "draft"
    live = await shop.call("mei", "POST", f"/campaigns/{campaign}/steps", what="publish")
    assert live.json()["state"] == "live", live.text
    [listed] = (await shop.call(None, "GET", "/coupons?city=1")).json()["items"]
    assert (listed["id"], listed["standing"], listed["benefit"]["en"]) == (coupon, "claim", "¥10 off")
    assert listed["asks"][0]["en"] == "from ¥50 on"
    first = await shop.call("ann", "POST", f"/coupons/{coupon}/claims", key="claim-1")
    assert first.status_code == 201, first.text
    assert (await shop.call("ann", "POST", f"/coupons/{coupon}/claims", key="claim-1")).json() == first.json()
    more = await shop.call("ann", "POST", f"/coupons/{coupon}/claims", key="claim-2")
    assert more.json()["code"] == "over_member_cap"
    [mine] = (await shop.call("mei", "GET", f"{path}?city=1")).json()["items"]
    assert (mine["claimed"], mine["total"]) == (1, 5)
    stopped = await shop.call("mei", "POST", f"/campaigns/{campaign}/steps", what="pause", reason="enough")
    assert (stopped.json()["state"], stopped.json()["stopped"]) == ("paused", "enough")
    no = await shop.call("bo", "POST", f"/coupons/{coupon}/claims", key="claim-3")
    assert no.status_code == 409
    assert await audit_clean(shop.house.db)


async def test_who_may_not_writes_and_stops_nothing(shop: Shop):
    path = f"/merchants/{shop.merchant}/campaigns"
    no = await shop.call("bo", "POST", f"{path}?city=1", **a_campaign(shop))
    assert (no.status_code, no.json()["code"]) == (403, "not_allowed")
    shared = await shop.call(
        "mei", "POST", f"{path}?city=1", **a_campaign(shop, payers={"platform": 50, "merchant": 50})
    )
    assert shared.json()["code"] == "not_allowed"
    made = (await shop.call("mei", "POST", f"{path}?city=1", **a_campaign(shop))).json()
    assert (await shop.call("bo", "POST", f"/campaigns/{made['id']}/steps", what="pause")).status_code == 404
    assert (await shop.call("bo", "GET", f"{path}?city=1")).json()["items"] == []
    bad = await shop.call("mei", "POST", f"{path}?city=1", **a_campaign(shop, benefit={"kind": "amount", "units": 0}))
    assert bad.json()["code"] == "promotion_unsound"
    tried = await shop.call("mei", "POST", f"{path}/simulation?city=1", **a_campaign(shop))
    assert tried.status_code == 201, tried.text
    assert tried.json()["touched"] == 0


async def test_a_coupon_of_the_city_is_used_at_another_merchant(shop: Shop):
    """Given out by Noodle Bar, paid by operator and platform, taken at Four Joys, who loses nothing of its price."""
    db, now = shop.house.db, shop.house.clock.now()
    path = f"/merchants/{shop.merchant}/campaigns?city=1"
    coupon = {"total": 5, "valid_days": 7, "wide": True}
    wide = a_campaign(shop, coupon=coupon, payers={"operator": 60, "platform": 40})
    assert (await shop.call("mei", "POST", path, **wide)).json()["code"] == "not_allowed"
    shared = a_campaign(shop, coupon=coupon, payers={"merchant": 50, "operator": 50})
    bad = await shop.call("lin", "POST", path, **shared)
    assert (bad.json()["code"], bad.json()["facts"]["field"]) == ("bad_input", "payers")
    made = await shop.call("lin", "POST", path, **wide)
    assert made.status_code == 201, made.text
    await shop.call("lin", "POST", f"/campaigns/{made.json()['id']}/steps", what="publish")
    [listed] = (await shop.call(None, "GET", "/coupons?city=1")).json()["items"]
    assert listed["wide"] is True
    await shop.call("ann", "POST", f"/coupons/{listed['id']}/claims", key="claim-1")
    joys = await a_merchant(db, "四喜", "Four Joys", now=now)
    store = await a_store(db, joys, zh="四喜", en="Four Joys", now=now)
    [offer] = await published(db, a_draft(joys, store, now=now), now=now)
    lines = [{"offer": OFFER.show(offer.offer_id, CITY), "quantity": 1}]
    quote = (await shop.call("ann", "POST", "/quotes", lines=lines)).json()
    [taken] = quote["coupons"]
    assert quote["total"]["units"] == 5_800
    placed = await shop.call(
        "ann", "POST", "/orders", key="o-1", lines=lines, coupons=[taken], expect={"units": 5_800, "asset": "CNY"}
    )
    assert placed.status_code == 201, placed.text
    order_id = ORDER.read_local(placed.json()["id"])[1]
    async with db.reading(CITY) as tx:
        [order] = [o for o in await orders.of_member(tx, shop.cast.members["ann"], city_id=CITY) if o.lines]
        payment = (await payments.by_ids(tx, [order.payment_id], city_id=CITY))[0]
    assert payment is not None
    said = ProviderPayment(
        out_no=PAYMENT.show(order.payment_id, CITY), state="captured", provider_no="P1", amount=payment.amount
    )
    await hear(db, [said], now)
    [unit] = await units(db, order_id)
    assert (unit.paid.units, unit.due.units) == (5_800, 6_800), "who takes it is paid in full"
    used = await redeem(db, [a_redeem(shop.lane, unit, now, merchant_id=joys, store_id=store)], now)
    assert isinstance(used[0], Redeemed)
    assert await audit_clean(db)


async def test_a_wrong_code_is_refused_and_counted(shop: Shop):
    for n in range(10):
        no = await shop.call("ann", "POST", "/coupons/codes", key=f"k{n}", city=1, code="NONSENSE")
        assert no.json()["code"] == "coupon_code_unknown"
    tired = await shop.call("ann", "POST", "/coupons/codes", key="k11", city=1, code="NONSENSE")
    assert (tired.status_code, tired.json()["code"]) == (429, "too_many_tries")


async def test_the_routes_are_described(shop: Shop):
    schema = (await shop.web.get("/schema/openapi.json")).json()
    for path, verb in (
        ("/api/v1/coupons", "get"), ("/api/v1/coupons/{coupon}/claims", "post"), ("/api/v1/coupons/codes", "post"),
        ("/api/v1/merchants/{merchant}/campaigns", "get"), ("/api/v1/merchants/{merchant}/campaigns", "post"),
        ("/api/v1/merchants/{merchant}/campaigns/simulation", "post"), ("/api/v1/campaigns/{campaign}/steps", "post"),
    ):  # fmt: skip
        assert schema["paths"][path][verb]["summary"]
