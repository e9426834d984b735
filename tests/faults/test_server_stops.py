"""Server processes end when they are told to, at any moment, and keep their word."""

import asyncio

import httpx2
import pytest

from tests.conftest import audit_clean
from tests.faults.installation import Installation
from tests.lane import CITY
from tests.provider import free_port

pytestmark = pytest.mark.anyio

SECONDS = 12  # granian gives its worker five, the rest is a busy machine's


@pytest.mark.parametrize("after", [0.05, 0.5, 1.5])
async def test_told_to_stop_while_it_starts(shared: Installation, after: float):
    server = shared.spawn_server(free_port())
    await asyncio.sleep(after)
    assert await server.stop() < SECONDS


async def test_told_to_stop_under_load_it_ends_and_keeps_its_word(shared: Installation):
    """Whoever has a 201 has an order; whoever has none can ask again with the same key, elsewhere."""
    server = await shared.server()
    tokens = await shared.buyers(12)
    told: dict[str, str] = {}
    open_keys: dict[str, str] = {}

    async def buy(token: str) -> None:
        for number in range(1_000):
            key = open_keys[token] = f"{tokens[token]}/{number}"
            lines = [{"offer": shared.offer, "quantity": 1}]
            try:
                answer = await shared.call(token, "POST", "/orders", key=key, lines=lines)
            except httpx2.TransportError:
                return
            if answer.status_code != 201:
                return
            told[key] = answer.json()["id"]

    buyers = [asyncio.create_task(buy(token)) for token in tokens]
    for _ in range(400):
        if len(told) >= 40:
            break
        await asyncio.sleep(0.05)
    assert await server.stop() < SECONDS
    await asyncio.wait_for(asyncio.gather(*buyers), 60)
    assert len(told) >= 40
    async with shared.db.reading(CITY) as tx:
        count = await tx.value("select count(*) from orders.orders where city_id = %(city)s", city=CITY)
    assert len(told) <= count <= len(told) + len(tokens)
    await shared.server()
    for token, key in open_keys.items():
        lines = [{"offer": shared.offer, "quantity": 1}]
        again = await shared.good(token, "POST", "/orders", key=key, lines=lines)
        assert told.setdefault(key, again["id"]) == again["id"]
    async with shared.db.reading(CITY) as tx:
        count = await tx.value("select count(*) from orders.orders where city_id = %(city)s", city=CITY)
    assert count == len(told)
    assert await audit_clean(shared.db)
