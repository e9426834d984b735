"""What a city looks for, what it must buy together, and what it sells by the hour."""

from datetime import date, datetime

from hutong.catalog.model import FlashSlot, TippingOffer
from hutong.catalog.queries.rows import brief_of_row
from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.places.near import cube_of

LEAST_VISITORS = 5  # a term that fewer people searched for stays theirs


async def hot_terms(tx: Tx, *, city_id: int, since: date, least: int = LEAST_VISITORS, limit: int = 10) -> list[str]:
    """What most visitors searched for and found since a day of the city, most first.

    A term is shown only when at least `least` visitors of one day had it: words of one person are not published.
    """
    rows = await tx.rows(
        """select term from catalog.searches where city_id = %(city)s and day >= %(since)s
           group by term having max(visitors) >= %(least)s
           order by sum(visitors) desc, term limit %(limit)s""",
        city=city_id, since=since, least=least, limit=limit,
    )  # fmt: skip
    return [row["term"] for row in rows]


async def tipping_offers(
    tx: Tx, *, city_id: int, point: Point, now: datetime, limit: int = 6
) -> list[TippingOffer]:  # fmt: skip
    """The offers on sale that need a minimum of buyers, whose sale ends first, each with the store that is nearest."""
    rows = await tx.rows(load(__package__ or "", "tipping"), city=city_id, now=now, here=cube_of(point), limit=limit)
    return [
        TippingOffer(
            brief=brief_of_row(row), merchant_name=Text(**row["merchant_name"]), store_id=row["store_id"]
        )
        for row in rows
    ]  # fmt: skip


async def flash_slots(
    tx: Tx, *, city_id: int, point: Point, now: datetime, until: datetime, limit: int = 6
) -> list[FlashSlot]:
    """The flash sales with a slot in [now, until), each with the one that runs or comes next, in the order of time."""
    rows = await tx.rows(
        load(__package__ or "", "flash"), city=city_id, now=now, until=until, here=cube_of(point), limit=limit
    )
    return [
        FlashSlot(
            brief=brief_of_row(row), merchant_name=Text(**row["merchant_name"]), store_id=row["store_id"],
            starts_at=row["starts_at"], ends_at=row["ends_at"], quota_id=row["quota_id"], units=row["units"],
        )
        for row in rows
    ]  # fmt: skip
