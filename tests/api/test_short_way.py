"""The short way says what the framework says, and takes only what is ordinary."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, JSONBody
from msgspec import Struct

from hutong.api.glue import with_token
from hutong.api.short import ShortWay
from hutong.web.shared.security import headers_of
from tests.api.conftest import Shop
from tests.api.house import make_application, web_client
from tests.api.test_main_job import ordered, paid
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio
VARIES = ("x-request-id", "content-length")


class Ways(Struct):
    """Two clients of one house, and the paths that the framework was asked for behind the short way."""

    short: httpx2.AsyncClient
    long: httpx2.AsyncClient
    asked: list[str]

    async def both(self, path: str, body: Any, headers: list[tuple[str, str]]) -> tuple[Any, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        one = await self.short.post(f"/api/v1{path}", content=content, headers=headers)
        return one, await self.long.post(f"/api/v1{path}", content=content, headers=headers)


@pytest.fixture
async def ways(shop: Shop) -> AsyncIterator[Ways]:
    app, asked = make_application(shop.house), list[str]()
    front = ShortWay(app, headers_of(shop.house))

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await app(scope, receive, send)

    front.app = noted  # type: ignore[assignment]
    async with web_client(front) as short, web_client(app) as long:
        yield Ways(short, long, asked)


def said(answer: Any) -> tuple[int, dict[str, str], bytes]:
    return answer.status_code, {n: v for n, v in answer.headers.items() if n not in VARIES}, answer.content


def of(shop: Shop, who: str, key: str | None = None, **more: str) -> list[tuple[str, str]]:
    keyed = [("idempotency-key", key)] if key else []
    return [*shop.cast.bearer(who).items(), *keyed, *more.items()]


async def test_both_ways_say_the_same(shop: Shop, ways: Ways):
    """Answers and refusals, byte for byte: what has a key is the same answer again."""
    line = {"offer": shop.offer, "quantity": 1}
    voucher = (await paid(shop, await ordered(shop)))["vouchers"][0]
    money = {"units": 500, "asset": "CNY"}
    scan = {"store": shop.store, "presented": voucher["code"]}
    cases = [
        ("/orders", {"lines": [line]}, of(shop, "ann", "o-2"), 201),
        ("/orders", {"lines": [line], "expect": {"units": 1, "asset": "CNY"}}, of(shop, "ann", "o-3"), 409),
        ("/orders", {"lines": [line | {"quantity": 2}]}, of(shop, "ann", "o-2", **{"accept-language": "zh-CN"}), 409),
        ("/orders", {"lines": [line]}, of(shop, "ann", "k" * 256), 422),
        ("/orders", {"lines": [line]}, of(shop, "ann", "o-4", **{"x-request-id": "till-42-000017"}), 201),
        ("/redemptions", {"store": shop.store, "presented": "000000000000"}, of(shop, "tao", "r-1"), 404),
        ("/redemptions", scan, of(shop, "bo", "r-2"), 403),
        ("/redemptions", scan, of(shop, "tao", "r-3"), 201),
        ("/bills", {"store": shop.store, "event": "", "amount": money}, of(shop, "tao"), 422),
    ]
    for path, body, headers, status in cases:
        one, other = await ways.both(path, body, headers)
        assert said(one) == said(other), path
        assert one.status_code == status, one.text
        assert one.headers["content-length"] == str(len(one.content))
        assert one.headers["x-request-id"]
    assert ways.asked == []
    bill = {"store": shop.store, "event": "T/1", "amount": money, "member": "13900000000"}
    first, again = await ways.both("/bills", bill, of(shop, "tao"))
    assert first.status_code == 201, first.text
    assert first.json()["bill"] | {"replayed": True} == again.json()["bill"]
    one, other = await ways.both("/redemptions/preparations", scan, of(shop, "tao"))
    assert said(one) == said(other)
    assert ways.asked == []
    numbers = (await ways.short.get("/metrics")).text
    assert 'hutong_http_requests_total{method="POST",route="/api/v1/orders",status="201"}' in numbers
    assert await audit_clean(shop.house.db)


async def test_whatever_is_not_ordinary_goes_the_long_way(shop: Shop, ways: Ways):
    order = {"lines": [{"offer": shop.offer, "quantity": 1}]}
    cases = [
        (order, [("idempotency-key", "k")], 401),
        (order, [("idempotency-key", "k"), ("authorization", "Bearer nobody")], 401),
        (order, of(shop, "ann"), 400),
        (b"{", of(shop, "ann", "k"), 400),
        ({"lines": [], "of": 1}, of(shop, "ann", "k"), 422),
        ({"lines": [{"offer": shop.offer, "quantity": "1"}]}, of(shop, "ann", "lax"), 201),
        (json.dumps(order).encode() + b" " * 70_000, of(shop, "ann", "large"), 201),
        (order, [*of(shop, "ann", "twice"), ("x-of", "1"), ("x-of", "2")], 201),
    ]
    for body, headers, status in cases:
        one, other = await ways.both("/orders", body, headers)
        assert said(one) == said(other)
        assert one.status_code == status, one.text
    assert ways.asked == ["/api/v1/orders"] * len(cases)
    assert (await ways.short.get("/api/v1/orders", params={"city": 1})).status_code == 401
    assert await audit_clean(shop.house.db)


async def test_a_defect_is_told_as_the_framework_tells_it(shop: Shop, ways: Ways):
    del shop.house.batches._operations["orders.place"]
    order = {"lines": [{"offer": shop.offer, "quantity": 1}]}
    one, other = await ways.both("/orders", order, of(shop, "ann", "k"))
    assert said(one) == said(other)
    assert one.status_code == 500
    assert ways.asked == []


async def test_a_route_that_cannot_go_the_short_way_is_found_at_the_start():
    @post("/open", short=True)
    async def open_to_anybody(data: JSONBody[dict[str, int]], actor: FromQuery[int], house: FromQuery[int]) -> None: ...

    @post("/named/{name:str}", guards=[with_token], short=True)
    async def named(data: JSONBody[dict[str, int]], actor: FromQuery[int], house: FromQuery[int]) -> None: ...

    @post("/more", guards=[with_token], short=True)
    async def more(
        data: JSONBody[dict[str, int]], actor: FromQuery[int], house: FromQuery[int], page: FromQuery[int]
    ) -> None: ...

    @get("/read", guards=[with_token], short=True)
    async def read(actor: FromQuery[int], house: FromQuery[int]) -> None: ...

    for handler in (open_to_anybody, named, more, read):
        app = Litestar([handler], state=State({"house": None}))
        with pytest.raises(TypeError):
            ShortWay(app, [])
