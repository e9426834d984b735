"""A deal that is sold to teams, and people who open and join them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import groups, orders
from hutong.catalog import Team
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders import Choice, Place, Placed, Wanted
from tests.lane import CITY, Lane, a_lane, a_place, captured, hear, place, refund_is


async def a_team_lane(db: Database, now: datetime, *, size: int = 2, **changes: Any) -> Lane:
    """Noodle Bar's deal for teams: 68.00 in a team, 88.00 alone, within 24 hours."""
    return await a_lane(db, now, form=Team(size=size, hours=24, alone_units=8_800), **changes)


def wish(lane: Lane, team: UUID | None = None, *, quantity: int = 1, **changes: Any) -> Place:
    """An order in a new team, or in this one."""
    choice = Choice("open_team") if team is None else Choice("join_team", team)
    return a_place(lane, wants=(Wanted(lane.offer.offer_id, quantity, choice),), **changes)


async def placed(db: Database, ask: Place, now: datetime) -> Placed:
    found = (await place(db, [ask], now))[0]
    assert isinstance(found, Placed), found
    return found


async def opened(db: Database, lane: Lane, now: datetime, **changes: Any) -> tuple[UUID, UUID]:
    """A team with its first member: its id and his order."""
    ask = wish(lane, **changes)
    await hear(db, [captured(await placed(db, ask, now))], now)
    return groups.team_of(ask.order_id), ask.order_id


async def joined(db: Database, lane: Lane, team: UUID, now: datetime, **changes: Any) -> UUID:
    """One more, who has paid: the order."""
    ask = wish(lane, team, **changes)
    await hear(db, [captured(await placed(db, ask, now))], now)
    return ask.order_id


async def refused(db: Database, ask: Place, now: datetime) -> str:
    found = (await place(db, [ask], now))[0]
    assert isinstance(found, Refusal), found
    return found.code


async def team(db: Database, team_id: UUID) -> groups.Team:
    async with db.reading(CITY) as tx:
        return (await groups.teams(tx, [team_id], city_id=CITY))[team_id]


async def close(db: Database, now: datetime) -> orders.TeamsClosed:
    """Rounds until nothing is left to do; the sums."""
    failed = refunds = 0
    while True:
        done = await db.run_city(CITY, lambda tx: orders.close_teams(tx, city_id=CITY, now=now))
        failed, refunds = failed + done.failed, refunds + done.refunds
        if not done.failed and not done.refunds:
            return orders.TeamsClosed(failed=failed, refunds=refunds)


async def sent(db: Database, now: datetime) -> int:
    """The provider gives back whatever it is asked to; how many refunds."""
    async with db.reading(CITY) as tx:
        rows = await tx.rows("select * from orders.refunds where city_id = %(city)s and state = 'asked'", city=CITY)
    said = [refund_is(r["refund_id"], "done", Amount(r["units"], r["asset"])) for r in rows]
    await hear(db, said, now)
    return len(said)


def somebody() -> UUID:
    return new_id()
