"""Requests are named and counted; every route says who may come in."""

import asyncio

import pytest

from hutong.kit.ids import VOUCHER
from hutong.web.shared.guards import states_permission
from tests.api.conftest import Shop
from tests.api.house import make_application
from tests.conftest import audit_clean
from tests.lane import CITY, bought

pytestmark = pytest.mark.anyio
ONE = {"units": 100, "asset": "CNY"}


async def test_every_answer_carries_its_request_id_and_is_counted(shop: Shop):
    own = await shop.web.get("/healthz", headers={"x-request-id": "till-42-000017"})
    assert own.headers["x-request-id"] == "till-42-000017"
    bad = await shop.web.get("/healthz", headers={"x-request-id": "a b\x7f"})
    assert bad.headers["x-request-id"] not in ("", "a b\x7f")
    assert (await shop.call(None, "GET", "/orders/ord_1_x")).status_code == 401
    passed_on = await shop.web.get("/metrics", headers={"x-forwarded-for": "198.51.100.7"})
    assert passed_on.status_code == 404, "a proxy on this machine does not show them to everybody"
    numbers = (await shop.web.get("/metrics")).text
    assert 'route="/healthz"' in numbers
    assert 'hutong_refusals_total{code="not_signed_in"}' in numbers
    assert "ord_1_x" not in numbers


async def test_every_route_states_who_may_come_in(shop: Shop):
    """A route without a stated permission is open by accident; the framework's own schema pages are listed."""
    app = make_application(shop.house)
    silent = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if handler is None or handler.http_methods == {"OPTIONS"}:
                continue
            if not any(states_permission(guard) for guard in handler.resolve_guards()):
                silent.append(route.path)
    assert [path for path in silent if not path.startswith("/schema")] == []


async def test_what_no_table_can_hold_is_refused_and_no_fault(shop: Shop):
    """U+0000 in a body, in an address, in JSON that is kept, in a set with others: the others are served."""
    now = shop.house.clock.now()
    mine = await bought(shop.house.db, shop.lane, now, 2, member_id=shop.cast.members["ann"])
    bad, good = [VOUCHER.show(one.voucher_id, CITY) for one in mine]
    answers = await asyncio.gather(
        shop.call("ann", "POST", f"/vouchers/{bad}/gift", key="a", note="a\0b", days=3),
        shop.call("ann", "POST", f"/vouchers/{good}/gift", key="b", note="for you", days=3),
        shop.call("mei", "POST", f"/merchants/{shop.merchant}/keys", label="a\0b", permissions=["orders:view"]),
        shop.call("tao", "POST", "/bills", key="c", store=shop.store, event="a\0b", amount=ONE, member="19900000001"),
        shop.call(None, "GET", "/cities/%00"),
        shop.web.get("/c/%00"),
    )
    assert [one.status_code for one in answers] == [422, 201, 422, 422, 422, 422], [one.text for one in answers]
    assert answers[0].json()["code"] == "bad_input"
    assert await audit_clean(shop.house.db)
