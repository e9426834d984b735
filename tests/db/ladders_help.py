"""A deal whose price falls with the number of buyers."""

from datetime import datetime
from typing import Any

from hutong import groups, orders
from hutong.catalog import Ladder, Tier
from hutong.infra.db import Database
from tests.lane import CITY, Lane, a_lane

TIERS = (Tier(3, 5_800), Tier(6, 4_800))


async def a_ladder_lane(db: Database, now: datetime, **changes: Any) -> Lane:
    """68.00 first, 58.00 from three paid units on, 48.00 from six; the sale lasts as long as that of any deal."""
    return await a_lane(db, now, form=Ladder(tiers=TIERS), **changes)


async def ladder(db: Database, lane: Lane) -> groups.LadderState:
    async with db.reading(CITY) as tx:
        return (await groups.ladders(tx, [lane.offer.offer_id], city_id=CITY))[lane.offer.offer_id]


async def settle(db: Database, now: datetime) -> orders.LaddersClosed:
    """Rounds until nothing is left to do; the sums."""
    settled = count = 0
    while True:
        done = await db.run_city(CITY, lambda tx: orders.close_ladders(tx, city_id=CITY, now=now))
        settled, count = settled + done.settled, count + done.orders
        if not done.settled and not done.orders:
            return orders.LaddersClosed(settled=settled, orders=count)
