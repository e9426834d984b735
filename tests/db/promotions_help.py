"""A city with a merchant, and promotions in it, for tests of the store of promotions."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import places, pricing
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.pricing import AmountOff, Budget, Claim, PromotionStep, Rule, SavePromotion

CITY = 1


def a_promotion(now: datetime, **change: Any) -> SavePromotion:
    """Five yuan off, a thousand times at most, for ten days from an hour ago. `rule`: changes of its rule."""
    rule = {
        "promotion_id": new_id(), "name": Text(zh="减五元", en="5 off"), "benefit": AmountOff(units=500),
    } | change.pop("rule", {})  # fmt: skip
    ask = {
        "merchant_id": None, "by": None, "starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=10),
        "budgets": (Budget(most_uses=1000),),
    } | change  # fmt: skip
    return SavePromotion(rule=Rule(**rule), **ask)


async def a_city(db: Database, zone: str = "Asia/Shanghai") -> None:
    """City 1 in that zone."""
    city = places.AddCity(
        city_id=CITY, slug="testcity", name=Text(zh="城", en="City"), centre=Point(31.23, 121.47), zone=zone
    )
    async with db.central() as tx:
        await places.add_cities(tx, [city])


async def published(db: Database, now: datetime, **change: Any) -> UUID:
    """A promotion in force."""
    ask = a_promotion(now, **change)
    async with db.city(CITY) as tx:
        await pricing.save_promotions(tx, [ask], city_id=CITY, now=now)
        steps = [PromotionStep(promotion_id=ask.promotion_id, by=None)]
        [live] = await pricing.publish(tx, steps, city_id=CITY, now=now)
    assert isinstance(live, pricing.Live), live
    return ask.promotion_id


def a_claim(promotion_id: UUID, units: int = 500, **change: Any) -> Claim:
    return Claim(**{"promotion_id": promotion_id, "ref": new_id(), "member_id": new_id(), "units": units} | change)


@asynccontextmanager
async def counting(db: Database) -> AsyncIterator[Callable[[], int]]:
    """How many statements the doors have run since."""
    seen: list[str] = []
    before, db._observer = db._observer, lambda sql, _: seen.append(sql)
    try:
        yield lambda: len(seen)
    finally:
        db._observer = before
