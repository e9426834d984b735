"""Two server processes on one database: what one of them sells, the other cannot."""

import asyncio

import pytest

from tests.conftest import audit_clean
from tests.faults.installation import Installation
from tests.lane import CITY, stock
from tests.provider import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def ports(shared: Installation) -> tuple[int, int]:
    """Both servers answer."""
    pair = free_port(), free_port()
    await asyncio.gather(*map(shared.server, pair))
    return pair


async def test_seven_units_for_twenty_buyers_are_seven_orders(shared: Installation, ports: tuple[int, int]):
    tokens = await shared.buyers(20)
    async with shared.db.city(CITY) as tx:
        await tx.run(
            """update inventory.quotas set total = sold + held + 7, remaining = 7
               where city_id = %(city)s and quota_id = %(id)s""",
            city=CITY, id=shared.lane.offer.quota_id,
        )  # fmt: skip
    before = await stock(shared.db, shared.lane)
    lines = [{"offer": shared.offer, "quantity": 1}]
    buying = [shared.call(token, "POST", "/orders", port=ports[n % 2], lines=lines) for n, token in enumerate(tokens)]
    answers = await asyncio.gather(*buying)
    assert [answer.status_code for answer in answers].count(201) == 7
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} == {"sold_out"}
    assert await stock(shared.db, shared.lane) == (before[0], before[1] + 7, 0)
    assert await audit_clean(shared.db)


async def test_one_key_sent_to_both_at_once_is_one_order(shared: Installation, ports: tuple[int, int]):
    async with shared.db.city(CITY) as tx:
        await tx.run(
            """update inventory.quotas set total = total + 50, remaining = remaining + 50
               where city_id = %(city)s and quota_id = %(id)s""",
            city=CITY, id=shared.lane.offer.quota_id,
        )  # fmt: skip
    before = await stock(shared.db, shared.lane)
    token, lines = shared.cast.tokens["ann"], [{"offer": shared.offer, "quantity": 1}]
    asking = [shared.call(token, "POST", "/orders", key="one", port=port, lines=lines) for port in ports * 10]
    answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await stock(shared.db, shared.lane))[1] == before[1] + 1
    assert await audit_clean(shared.db)
