"""The town that the crawl walks through is one that could be: every invariant holds in it."""

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from tests.conftest import audit_clean
from tests.house import make_house
from tests.world import TownClock, make_world

pytestmark = pytest.mark.anyio


async def test_the_lived_in_town_is_sound(db: Database):
    """Weeks of life leave vouchers in every state, and books that are in order."""
    house = await make_house(db, TownClock())
    world = await make_world(house)
    names = ("unused", "used", "refunded", "expired", "waiting")
    async with db.reading(world.city) as tx:
        found = await vouchers.by_ids(tx, [world.vouchers[name] for name in names], city_id=world.city)
    assert [unit.state for unit in found] == ["valid", "used", "refunded", "expired", "waiting"]
    assert await audit_clean(db)
    await house.batches.close()
