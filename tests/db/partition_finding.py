"""The ways of finding something, once each, for tests that watch their statements."""

from datetime import timedelta
from typing import Any

from hutong import catalog
from hutong.catalog import Narrow
from hutong.desk import finding
from hutong.desk.house import House
from hutong.infra.db import Database
from hutong.kit.clock import ManualClock, local, local_day
from hutong.kit.geo import Box
from tests.catalog_town import CENTRE
from tests.lane import CITY

ZONE = "Asia/Shanghai"


async def find_things(house: House, db: Database, clock: ManualClock) -> None:
    """The map, every way to narrow a list, counted searches, deals that need buyers, suggestions."""
    now = clock.now()
    wall, today = local(now, ZONE), local_day(now, ZONE)
    box = Box(south=CENTRE.lat - 0.1, west=CENTRE.lon - 0.1, north=CENTRE.lat + 0.1, east=CENTRE.lon + 0.1)
    at: dict[str, Any] = {"city_id": CITY, "now": now}
    async with db.reading(CITY) as tx:
        for category in (None, "noodles"):
            await catalog.map_cells(tx, **at, box=box, zoom=14, category=category)
        for narrow in (
            Narrow(price_from=100), Narrow(price_to=9_900, box=box), Narrow(open_at=wall),
            Narrow(open_at=wall, box=box),
        ):  # fmt: skip
            for sort in ("distance", "price", "new"):
                await catalog.nearby(tx, **at, point=CENTRE, sort=sort, narrow=narrow)  # type: ignore[arg-type]
        await catalog.tipping_offers(tx, **at, point=CENTRE)
        await catalog.hot_terms(tx, city_id=CITY, since=today)
        await catalog.suggest(tx, **at, prefix="lao")
        await catalog.category_counts(tx, city_id=CITY)
    for visitor in ("a", "a", "b"):
        await finding.count_search(house, CITY, ZONE, "牛肉面", visitor=visitor)
    async with db.city(CITY) as tx:
        await catalog.forget_searches(tx, city_id=CITY, before=today - timedelta(days=30))
