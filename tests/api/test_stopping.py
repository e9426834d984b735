"""A server that is told to stop finishes what it has begun, begins nothing new, and closes its lines with answers."""

import asyncio
from typing import Any

import pytest

from hutong.api.short import ShortWay
from hutong.desk.stopping import Stopping
from hutong.web.shared.security import headers_of
from tests.api.conftest import Shop
from tests.api.house import make_application, web_client
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def test_the_leave(shop: Shop):
    stopped, came, let_go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    stopping = Stopping(least_s=0.01, stop=stopped.set)
    app = make_application(shop.house, before_request=stopping.turn_away)
    short = ShortWay(app, headers_of(shop.house))

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        """Holds an order back until the leave has begun."""
        if scope["method"] == "POST":
            came.set()
            await let_go.wait()
        await short(scope, receive, send)

    async with web_client(stopping.before(slow, framework=app)) as web:  # type: ignore[arg-type]

        async def order(key: str) -> Any:
            body = {"lines": [{"offer": shop.offer, "quantity": 1}]}
            headers = shop.cast.bearer("ann") | {"idempotency-key": key, "accept-language": "en"}
            return await web.post("/api/v1/orders", json=body, headers=headers)

        assert (await web.get("/readyz")).status_code == 200
        await web.get("/sign-in")
        form = {"_csrf_token": web.cookies["hutong_csrf"]}
        old = asyncio.create_task(order("old"))
        await came.wait()
        stopping.begin()
        stopping.begin()
        late, ready, look = await order("late"), await web.get("/readyz"), await web.get("/healthz")
        assert (late.status_code, late.json()["code"], late.headers["retry-after"]) == (503, "restarting", "2")
        assert late.json()["next"] == "Try again in 2 seconds; nothing was charged."
        form["phone"] = "13900000000"
        page = await web.post("/sign-in/codes", data=form, headers={"accept-language": "zh-CN"})
        assert page.status_code == 503
        assert "系统正在重启。" in page.text
        assert (ready.status_code, ready.json()["code"]) == (503, "restarting")
        assert look.status_code == 200
        assert {answer.headers["connection"] for answer in (late, ready, look)} == {"close"}
        await asyncio.sleep(0.05)
        assert not stopped.is_set(), "the old order is still under way"
        let_go.set()
        answer = await old
        assert (answer.status_code, answer.headers.get("connection")) == (201, None)
        async with asyncio.timeout(10):
            await stopped.wait()
    async with shop.house.db.central() as tx:
        assert await tx.value("select count(*) from infra.answers where key = 'late'") == 0
    assert await audit_clean(shop.house.db)
