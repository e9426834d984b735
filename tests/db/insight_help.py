"""A deal of Noodle Bar lived through: guests buy, come, come again; insight is told as the relay would tell it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from hutong import insight
from hutong.catalog import Offer
from hutong.desk.insights import FEEDER, feeder
from hutong.infra.db import Database
from hutong.infra.delivery import apply
from hutong.infra.ids import new_id
from hutong.infra.relay import Delivery
from hutong.insight import Sheet
from hutong.kit.terms import Terms
from hutong.vouchers import Redeemed, Voucher
from tests.catalog_town import a_draft, published
from tests.lane import CITY, Lane, a_lane, a_redeem, bought, redeem

ZONE = "Asia/Shanghai"
LONG = Terms(valid_days=90)
YEAR = timedelta(days=365)


async def a_long_lane(db: Database, now: datetime) -> Lane:
    """A deal that is sold for a year, and good for ninety days."""
    return await a_lane(db, now, terms=LONG, sale_to=now + YEAR)


async def fed(db: Database, now: datetime) -> None:
    """Hand every fact over that insight was not handed yet."""
    async with db.city(CITY) as tx:
        rows = await tx.rows(
            """select fact_id from infra.facts where city_id = %(city)s and topic = any(%(topics)s::text[])
               order by at, fact_id""",
            city=CITY, topics=["vouchers.redeemed", "vouchers.reversed"],
        )  # fmt: skip
    facts = [row["fact_id"] for row in rows]
    await apply(db, feeder(), Delivery(handler=FEEDER, city_id=CITY, facts=facts), now=now)


async def came(db: Database, lane: Lane, unit: Voucher, at: datetime) -> UUID:
    """The guest uses a unit; the redemption."""
    done = (await redeem(db, [a_redeem(lane, unit, at)], at))[0]
    assert isinstance(done, Redeemed), done
    return done.redemption_id


async def visit(db: Database, lane: Lane, at: datetime, member: UUID, **changes: Any) -> UUID:
    """Bought and used at once."""
    unit = (await bought(db, lane, at, member_id=member, **changes))[0]
    return await came(db, lane, unit, at)


async def another(db: Database, lane: Lane, now: datetime, **changes: Any) -> Lane:
    """A second deal of the same shop, beside the first."""
    draft = a_draft(
        lane.merchant, lane.store, now=now, quota_id=lane.offer.quota_id, terms=LONG,
        **({"list_price": lane.offer.list_price, "sale_to": now + YEAR} | changes),
    )  # fmt: skip
    return structs.replace(lane, offer=(await published(db, draft, now=now))[0])


async def sheet_of(db: Database, offer: Offer, now: datetime) -> Sheet:
    async with db.reading(CITY) as tx:
        return (await insight.sheets(tx, [offer], city_id=CITY, zone=ZONE, now=now))[offer.offer_id]


async def a_life(db: Database, now: datetime, *, guests: int = 3) -> tuple[Lane, Sequence[UUID]]:
    """A deal used once by so many new guests."""
    lane = await a_long_lane(db, now)
    members = [new_id() for _ in range(guests)]
    for number, member in enumerate(members):
        await visit(db, lane, now + timedelta(minutes=number), member)
    return lane, members
