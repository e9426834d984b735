"""Teams when two things happen in one moment. Each race has a control without the guard that shows it."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hutong import groups
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.orders import Placed, RefundAsked
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.teams_help import a_team_lane, close, joined, opened, placed, team, wish
from tests.lane import CITY, captured, hear, place, refund, units

pytestmark = pytest.mark.anyio
ROUNDS = 6


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


def outcomes(answers: list[object]) -> Counter[str]:
    return Counter("placed" if isinstance(one, Placed) else getattr(one, "code", "?") for one in answers)


async def states(db: Database, *order_ids: UUID) -> list[str]:
    return [unit.state for order_id in order_ids for unit in await units(db, order_id)]


async def test_eight_people_after_the_last_place(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    for _ in range(ROUNDS):
        team_id, first = await opened(db, lane, now)
        asks = [wish(lane, team_id) for _ in range(8)]
        answers = [one for found in await asyncio.gather(*(place(db, [a], now) for a in asks)) for one in found]
        assert outcomes(answers) == {"placed": 1, "team_full": 7}
        [lucky] = [one for one in answers if isinstance(one, Placed)]
        await hear(db, [captured(lucky)], now)
        assert await states(db, first, lucky.order_id) == ["valid", "valid"]
    assert await audit_clean(db)


async def test_control_without_the_lock_the_last_place_is_given_twice(db: Database, now):
    """Looking first and writing after: both see a free place."""
    lane = await a_team_lane(db, now, size=2)
    team_id, _ = await opened(db, lane, now)

    async def naive() -> bool:
        async with db.city(CITY) as tx:
            seen = (await groups.teams(tx, [team_id], city_id=CITY))[team_id]
            await asyncio.sleep(0.02)
            if not seen.free:
                return False
            await tx.run(
                """insert into groups.seats (city_id, order_id, team_id, offer_id, member_id, face, state, held_at)
                   values (%(c)s, %(o)s, %(t)s, %(f)s, %(m)s, '**', 'held', %(now)s)""",
                c=CITY, o=new_id(), t=team_id, f=lane.offer.offer_id, m=new_id(), now=now,
            )  # fmt: skip
            return True

    assert sum(await asyncio.gather(naive(), naive(), naive())) > 1


async def test_one_member_opens_and_joins_on_eight_phones(db: Database, now):
    lane = await a_team_lane(db, now, size=3)
    for _ in range(ROUNDS):
        team_id, _ = await opened(db, lane, now)
        ann = new_id()
        asks = [wish(lane, team_id if n % 2 else None, member_id=ann) for n in range(8)]
        answers = [one for found in await asyncio.gather(*(place(db, [a], now) for a in asks)) for one in found]
        assert outcomes(answers) == {"placed": 1, "already_in_team": 7}
    assert await audit_clean(db)


async def test_a_team_clinches_and_a_member_cancels_in_one_second(db: Database, now):
    """Either he left first and the team still waits for one, or it clinched first and stands; never in between."""
    lane = await a_team_lane(db, now, size=2)
    seen: Counter[str] = Counter()
    for n in range(2 * ROUNDS):
        team_id, first = await opened(db, lane, now)
        last = wish(lane, team_id)
        to_pay = await placed(db, last, now)

        async def pay(to_pay: Placed = to_pay, late: bool = n % 2 == 1) -> None:
            await asyncio.sleep(0.004 * late)
            await hear(db, [captured(to_pay)], now)

        asked, _ = await asyncio.gather(refund(db, first, now, by=new_id()), pay())
        assert isinstance(asked, RefundAsked)
        after = await team(db, team_id)
        seen[after.state] += 1
        if after.state == "clinched":
            assert await states(db, first, last.order_id) == ["refunding", "valid"]
        else:
            assert (after.state, after.taken, after.free) == ("open", 1, 1)
            assert await states(db, first, last.order_id) == ["refunding", "waiting"]
            replacement = await joined(db, lane, team_id, now)
            assert await states(db, last.order_id, replacement) == ["valid", "valid"]
        assert [seat.order_id for seat in (await team(db, team_id)).seats if seat.order_id == first] == []
    assert await audit_clean(db)
    assert seen.total() == 2 * ROUNDS


async def test_control_without_the_lock_a_team_clinches_with_a_member_who_left(db: Database, now):
    """Who cancels looks at an open team; by the time he writes, it has clinched - and holds without him."""
    lane = await a_team_lane(db, now, size=2)
    team_id, first = await opened(db, lane, now)
    to_pay = await placed(db, wish(lane, team_id), now)

    async def naive_cancel() -> None:
        async with db.city(CITY) as tx:
            seen = (await groups.teams(tx, [team_id], city_id=CITY))[team_id]
            await asyncio.sleep(0.3)
            assert seen.state == "open"
            await tx.run(
                "update groups.seats set state = 'left', ended_at = %(now)s where city_id = %(c)s and order_id = %(o)s",
                c=CITY, o=first, now=now,
            )  # fmt: skip

    await asyncio.gather(naive_cancel(), hear(db, [captured(to_pay)], now))
    after = await team(db, team_id)
    assert (after.state, after.taken, len(after.seats)) == ("clinched", 2, 1)
    assert not await audit_clean_quietly(db)


async def audit_clean_quietly(db: Database) -> bool:
    try:
        return await audit_clean(db)
    except AssertionError:
        return False


async def test_the_last_join_and_the_end_of_the_time_meet(db: Database, now):
    """Who was let in has his place and the team waits for his money; who was not is told before he pays."""
    lane = await a_team_lane(db, now, size=2)
    for n in range(ROUNDS):
        begin = now + timedelta(minutes=n)
        end = begin + timedelta(hours=24)
        team_id, first = await opened(db, lane, begin)
        ask = wish(lane, team_id)
        at: datetime = end - timedelta(microseconds=1)
        [answer], _ = await asyncio.gather(place(db, [ask], at), close(db, end))
        if isinstance(answer, Placed):
            await hear(db, [captured(answer)], end)
            await close(db, end)
            assert await states(db, first, ask.order_id) == ["valid", "valid"]
        else:
            assert answer.code == "team_over"
            assert await states(db, first) == ["refunding"]
    assert await audit_clean(db)


async def test_the_last_payment_and_the_end_of_the_time_meet(db: Database, now):
    """A place that is being paid for keeps the team alive: nobody is charged for one that is gone."""
    lane = await a_team_lane(db, now, size=2)
    for _ in range(ROUNDS):
        team_id, first = await opened(db, lane, now)
        end = now + timedelta(hours=24)
        ask = wish(lane, team_id)
        to_pay = await placed(db, ask, end - timedelta(minutes=1))
        await asyncio.gather(hear(db, [captured(to_pay)], end), close(db, end))
        await close(db, end)
        assert await states(db, first, ask.order_id) == ["valid", "valid"]
    assert await audit_clean(db)


async def test_control_without_waiting_for_who_pays_he_is_charged_for_nothing(db: Database, now):
    """The same when the end looks at the time only: the money comes, and the team is gone."""
    lane = await a_team_lane(db, now, size=2)
    team_id, _ = await opened(db, lane, now)
    ask = wish(lane, team_id)
    to_pay = await placed(db, ask, now)
    async with db.city(CITY) as tx:
        await tx.run(
            """update groups.teams set state = 'failed', held = 0, ended_at = %(now)s
               where city_id = %(c)s and team_id = %(t)s""",
            c=CITY, t=team_id, now=now,
        )  # fmt: skip
    with pytest.raises(Exception, match="the seat of"):
        await hear(db, [captured(to_pay)], now)
