"""Requests are named and counted; every route says who may come in."""

import pytest

from hutong.web.shared.guards import states_permission
from tests.api.conftest import Shop
from tests.api.house import make_application

pytestmark = pytest.mark.anyio


async def test_every_answer_carries_its_request_id_and_is_counted(shop: Shop):
    own = await shop.web.get("/healthz", headers={"x-request-id": "till-42-000017"})
    assert own.headers["x-request-id"] == "till-42-000017"
    bad = await shop.web.get("/healthz", headers={"x-request-id": "a b\x7f"})
    assert bad.headers["x-request-id"] not in ("", "a b\x7f")
    assert (await shop.call(None, "GET", "/orders/ord_1_x")).status_code == 401
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
