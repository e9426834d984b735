"""The main job over HTTP, with the real provider: quote, order, pay, show, redeem, undo, refund, statement."""

import pytest

from hutong.kit.ids import ORDER
from hutong.payments import ProviderPayment
from tests.api.conftest import Shop
from tests.conftest import audit_clean
from tests.lane import CITY, hear

pytestmark = pytest.mark.anyio


async def ordered(shop: Shop, quantity: int = 1, who: str = "ann", key: str = "o-1") -> str:
    answer = await shop.call(who, "POST", "/orders", key=key, lines=[{"offer": shop.offer, "quantity": quantity}])
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def paid(shop: Shop, order: str, who: str = "ann") -> dict:
    """Ann pays on the provider's page; the house asks the provider (no callback reaches a test)."""
    answer = await shop.call(who, "POST", f"/orders/{order}/payments")
    assert answer.status_code == 201, answer.text
    await shop.company.pay(answer.json()["pay_url"])
    _, order_id = ORDER.read_local(order)
    async with shop.house.db.reading(CITY) as tx:
        payment = await tx.value(
            "select payment_id from orders.orders where city_id = %(city)s and order_id = %(id)s",
            city=CITY,
            id=order_id,
        )
    await shop.house.courier.ask(CITY, payments=[payment])
    return (await shop.call(who, "GET", f"/orders/{order}")).json()


async def test_the_main_job(shop: Shop):
    quote = (await shop.call(None, "POST", "/quotes", lines=[{"offer": shop.offer, "quantity": 3}])).json()
    assert quote["total"] == {"units": 20_400, "asset": "CNY", "decimal": "204.00"}
    order = await ordered(shop, 3)
    seen = await paid(shop, order)
    assert seen["state"] == "paid"
    assert [step["state"] for step in seen["history"]] == ["placed", "paid"]
    first, second, third = seen["vouchers"]

    shown = (await shop.call("ann", "GET", f"/vouchers/{first['id']}")).json()
    prepared = await shop.call("tao", "POST", "/redemptions/preparations", store=shop.store, presented=shown["qr"])
    assert prepared.status_code == 200, prepared.text
    assert prepared.json()["usable_here"] == 3
    assert "Ann" not in prepared.text
    used = await shop.call("tao", "POST", "/redemptions", key="r-1", store=shop.store, presented=shown["qr"])
    assert used.status_code == 201, used.text
    again = await shop.call("tao", "POST", "/redemptions", key="r-1", store=shop.store, presented=shown["qr"])
    assert again.json() == used.json()
    typed = await shop.call("tao", "POST", "/redemptions", key="r-2", store=shop.store, presented=second["code"])
    assert typed.status_code == 201, typed.text
    undone = await shop.call(
        "tao", "POST", f"/redemptions/{typed.json()['id']}/reversal", key="u-1", store=shop.store, reason="wrong guest"
    )
    assert undone.json()["uses_left"] == 1

    back = await shop.call("ann", "POST", f"/orders/{order}/refunds", key="b-1", vouchers=[third["id"]])
    assert back.status_code == 201, back.text
    assert back.json()["amount"]["units"] == 6_800
    while await shop.house.courier.round(CITY):
        pass
    after = (await shop.call("ann", "GET", f"/orders/{order}")).json()
    assert after["state"] in ("paid", "part_refunded")

    books = (await shop.call("mei", "GET", f"/merchants/{shop.merchant}/statements?city={CITY}")).json()
    assert (books["count"], books["due"]["units"], books["merchant_part"]["units"]) == (1, 6_800, 6_256)
    history = (await shop.call("tao", "GET", f"/redemptions?store={shop.store}")).json()
    assert len(history["items"]) == 2
    assert await audit_clean(shop.house.db)


async def test_the_same_key_is_the_same_order_and_another_wish_is_refused(shop: Shop):
    first = await ordered(shop, 1, key="same")
    assert await ordered(shop, 1, key="same") == first
    other = await shop.call("ann", "POST", "/orders", key="same", lines=[{"offer": shop.offer, "quantity": 2}])
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert (
        await shop.call("bo", "POST", "/orders", key="same", lines=[{"offer": shop.offer, "quantity": 2}])
    ).is_success


async def test_a_write_without_a_key_is_refused(shop: Shop):
    answer = await shop.call("ann", "POST", "/orders", lines=[{"offer": shop.offer, "quantity": 1}])
    assert (answer.status_code, answer.json()["code"]) == (400, "key_missing")
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_stranger_sees_and_does_nothing(shop: Shop):
    order = await ordered(shop)
    seen = await paid(shop, order)
    voucher = seen["vouchers"][0]
    for method, path, body in (
        ("GET", f"/orders/{order}", {}),
        ("POST", f"/orders/{order}/payments", {}),
        ("POST", f"/orders/{order}/cancellation", {}),
        ("POST", f"/orders/{order}/refunds", {"vouchers": []}),
        ("GET", f"/vouchers/{voucher['id']}", {}),
        ("GET", f"/merchants/{shop.merchant}/statements?city={CITY}", {}),
    ):
        assert (await shop.call("bo", method, path, key="x", **body)).status_code == 404, path
        assert (await shop.call(None, method, path, key="x", **body)).status_code == 401, path
    scan = await shop.call("bo", "POST", "/redemptions", key="x", store=shop.store, presented=voucher["code"])
    assert scan.status_code == 403
    assert (await shop.call("tao", "GET", f"/merchants/{shop.merchant}/statements?city={CITY}")).status_code == 404


async def test_a_cashier_of_another_store_is_refused(shop: Shop):
    from hutong.kit.ids import STORE

    other = STORE.show(shop.lane.other_store, CITY)
    answer = await shop.call("tao", "POST", "/redemptions/preparations", store=other, presented="123456789012")
    assert answer.status_code == 404


@pytest.mark.parametrize("quantity", [0, -1, 10**9, "１２", 1.5, None])
async def test_quantities_that_are_none(shop: Shop, quantity):
    answer = await shop.call("ann", "POST", "/orders", key="q", lines=[{"offer": shop.offer, "quantity": quantity}])
    assert answer.status_code in (409, 422), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_unknown_fields_and_ids_are_refused_politely(shop: Shop):
    lines = [{"offer": shop.offer, "quantity": 1}]
    extra = await shop.call("ann", "POST", "/orders", key="e", lines=lines, price=1)
    assert extra.status_code == 422
    assert (await shop.call("ann", "GET", "/orders/ord_1_nonsense")).status_code == 404
    assert (await shop.call("ann", "GET", "/orders/ord_999_" + "0" * 26)).status_code == 404
    assert (await shop.call("ann", "PUT", "/orders")).status_code == 405
    for path in ("/stores?city=notanumber", "/offers?city=1"):
        assert (await shop.call(None, "GET", path)).status_code == 422


async def test_a_forged_callback_changes_nothing(shop: Shop):
    order = await ordered(shop)
    answer = await shop.web.post("/callbacks/sandbox", content=b"{}", headers={"sandboxpay-signature": "x"})
    assert answer.status_code == 401
    assert (await shop.web.post("/callbacks/nobody", content=b"{}")).status_code == 404
    assert (await shop.call("ann", "GET", f"/orders/{order}")).json()["state"] == "placed"


async def test_a_till_with_a_key_redeems_and_no_more(shop: Shop):
    seen = await paid(shop, await ordered(shop))
    made = await shop.call(
        "mei", "POST", f"/merchants/{shop.merchant}/keys", label="till 1", store=shop.store,
        permissions=["vouchers:prepare", "vouchers:redeem"],
    )  # fmt: skip
    assert made.status_code == 201, made.text
    till = {"authorization": f"Bearer {made.json()['key']}", "idempotency-key": "till-1"}
    body = {"store": shop.store, "presented": seen["vouchers"][0]["code"]}
    used = await shop.web.post("/api/v1/redemptions", headers=till, json=body)
    assert used.status_code == 201, used.text
    order = {"lines": [{"offer": shop.offer, "quantity": 1}]}
    assert (await shop.web.post("/api/v1/orders", headers=till, json=order)).status_code == 403
    key = f"/merchants/{shop.merchant}/keys/{made.json()['id']}"
    for who, status in (("ann", 404), ("mei", 201), ("mei", 404)):  # replaced by its owner, and once
        next_one = await shop.call(who, "POST", f"{key}/successor")
        assert next_one.status_code == status, next_one.text
        if status == 201:
            till_2 = till | {"authorization": f"Bearer {next_one.json()['key']}"}
    assert (await shop.web.post("/api/v1/redemptions", headers=till, json=body)).status_code == 201, "for a day more"
    ended = await shop.call("mei", "DELETE", key)
    assert ended.status_code == 204
    assert (await shop.web.post("/api/v1/redemptions", headers=till, json=body)).status_code == 401
    again = await shop.web.post("/api/v1/redemptions", headers=till_2 | {"idempotency-key": "till-2"}, json=body)
    assert again.json()["code"] == "already_used"
    assert await audit_clean(shop.house.db)


async def test_signing_in_over_the_api(shop: Shop):
    sent = await shop.call(None, "POST", "/auth/codes", phone="19900000009")
    assert sent.status_code == 202
    code = shop.house.sms.last_code("+8619900000009")  # type: ignore[attr-defined]
    wrong = await shop.call(None, "POST", "/auth/sessions", phone="19900000009", code="000000")
    assert wrong.status_code >= 400
    done = await shop.call(None, "POST", "/auth/sessions", phone="19900000009", code=code)
    assert done.status_code == 201, done.text
    token = {"authorization": f"Bearer {done.json()['token']}"}
    assert (await shop.web.get("/api/v1/auth/sessions/current", headers=token)).json()["member"] == done.json()[
        "member"
    ]
    assert (await shop.web.delete("/api/v1/auth/sessions/current", headers=token)).status_code == 204
    assert (await shop.web.get("/api/v1/auth/sessions/current", headers=token)).status_code == 401


async def test_late_money_over_http_goes_back(shop: Shop):
    order = await ordered(shop)
    await shop.call("ann", "POST", f"/orders/{order}/cancellation")
    _, order_id = ORDER.read_local(order)
    async with shop.house.db.reading(CITY) as tx:
        row = await tx.row(
            "select payment_id, total_units from orders.orders where city_id = %(city)s and order_id = %(id)s",
            city=CITY, id=order_id,
        )  # fmt: skip
    assert row is not None
    from hutong.kit.ids import PAYMENT
    from hutong.kit.money import Amount

    word = ProviderPayment(
        out_no=PAYMENT.show(row["payment_id"], CITY), state="captured", provider_no="P1", amount=Amount(6_800, "CNY")
    )
    await hear(shop.house.db, [word], shop.house.clock.now())
    seen = (await shop.call("ann", "GET", f"/orders/{order}")).json()
    assert [(r["reason"], r["amount"]["units"]) for r in seen["refunds"]] == [("paid_late", 6_800)]
    assert await audit_clean(shop.house.db)


async def test_the_api_describes_itself_and_every_route_names_its_guard(shop: Shop):
    schema = (await shop.web.get("/schema/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    assert schema["info"]["title"] == "Hutong API"
    for path in ("/auth/codes", "/auth/sessions", "/cities", "/stores", "/offers", "/quotes", "/orders",
                 "/orders/{order}/payments", "/orders/{order}/refunds", "/vouchers", "/redemptions/preparations",
                 "/redemptions", "/redemptions/{redemption}/reversal", "/merchants/{merchant}/statements"):  # fmt: skip
        assert f"/api/v1{path}" in schema["paths"], path
    for probe in ("/healthz", "/readyz", "/metrics"):
        assert (await shop.web.get(probe)).status_code == 200, probe


async def test_after_a_silent_provider_the_next_try_pays(shop: Shop):
    """The first answer never comes; the second try asks what became of it and goes on: one payment at the provider."""
    order = await ordered(shop)
    await shop.company.script(None, {"mode": "done_then_500"})
    first = await shop.call("ann", "POST", f"/orders/{order}/payments")
    await shop.company.end_script()
    assert (first.status_code, first.json().get("code")) in ((503, "provider_silent"), (201, None))
    second = await shop.call("ann", "POST", f"/orders/{order}/payments")
    assert second.status_code == 201, second.text
    assert second.json()["pay_url"]


async def test_an_order_that_is_over_is_not_paid_any_more(shop: Shop):
    order = await ordered(shop)
    await shop.call("ann", "POST", f"/orders/{order}/cancellation")
    answer = await shop.call("ann", "POST", f"/orders/{order}/payments")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_closed")


async def test_without_a_provider_nothing_is_promised(shop: Shop):
    house = shop.house
    known = dict(house.providers)
    try:
        house.providers = {}
        answer = await shop.call("ann", "POST", "/orders", key="np", lines=[{"offer": shop.offer, "quantity": 1}])
    finally:
        house.providers = known
    assert (answer.status_code, answer.json()["code"]) == (503, "no_provider")
