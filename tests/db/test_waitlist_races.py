"""Freed units, strangers, two turns and one tap at the same moment. The control shows what the list would be without
stock that is kept for it."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from hutong import inventory, orders, waitlist
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.turns import WAIT
from hutong.orders import Placed
from hutong.waitlist import CALL_FOR, Entry, Join
from hutong.waitlist.model import MOST_LIVE
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.db.insight_help import another
from tests.db.waitlist_help import call_of, freed, joins, leaves, read, sold_out, stranger, takes, turn, waits
from tests.lane import CITY, stock

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


def code_of(answer: Any) -> str:
    return getattr(answer, "code", "placed")


async def test_strangers_storm_while_units_come_back(db: Database, now):
    """Three units come back while twelve strangers try without pause: the three who waited get them, nobody else."""
    lane, order = await sold_out(db, now, 3)
    waited = [await waits(db, lane, now) for _ in range(3)]

    async def storm() -> list[str]:
        return [code_of(await stranger(db, lane, now)) for _ in range(4)]

    *tried, _ = await asyncio.gather(storm(), storm(), storm(), freed(db, lane, now, order, 3))
    await turn(db, now)
    assert Counter(code for part in tried for code in part) == {"sold_out": 12}
    for entry in waited:
        call = await call_of(db, entry)
        assert call is not None
        assert isinstance(await takes(db, lane, call, now), Placed)
    await turn(db, now)
    assert await audit_clean(db)


async def test_control_without_the_mark_a_stranger_gets_it(db: Database, now):
    """The same with the quota as it was before anybody waited: what came back is gone before the list has its turn."""
    lane, order = await sold_out(db, now, 3)
    entry = await waits(db, lane, now)
    quota = lane.offer.quota_id
    assert quota is not None
    async with db.city(CITY) as tx:
        await inventory.list_quotas(tx, {quota: False}, city_id=CITY)
    await freed(db, lane, now, order, 1)
    assert isinstance(await stranger(db, lane, now), Placed)
    await turn(db, now)
    assert (await read(db, entry)).state == "waiting"


async def test_two_turns_at_once_call_each_once(db: Database, now):
    lane, order = await sold_out(db, now, 6)
    waited = [await waits(db, lane, now) for _ in range(8)]
    await freed(db, lane, now, order, 6)
    turns = await asyncio.gather(*(turn(db, now) for _ in range(4)))
    assert sum(done.made for done in turns) == 6
    assert [(await read(db, entry)).state for entry in waited] == ["called"] * 6 + ["waiting"] * 2
    assert await stock(db, lane) == (0, 6, 0)
    assert await audit_clean(db)


async def test_a_call_is_taken_at_the_moment_it_ends(db: Database, now):
    """The tap and the round meet at the hold: either it is an order, or his turn is over; never both or neither."""
    lane, order = await sold_out(db, now, 12)
    late = now + CALL_FOR
    for n in range(12):
        entry = await waits(db, lane, now)
        await freed(db, lane, now, order, 1)
        await turn(db, now)
        call = await call_of(db, entry)
        assert call is not None
        both = [takes(db, lane, call, now), turn(db, late)]
        answers = await asyncio.gather(*(both if n % 2 else both[::-1]))
        placed = answers[0] if n % 2 else answers[1]
        await turn(db, late)
        found = await read(db, entry)
        assert (found.state == "served") == isinstance(placed, Placed)
        await leaves(db, late, entry_id=entry.entry_id, member_id=entry.member_id)
        await stranger(db, lane, late)  # what he let pass is sold
    await db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=late))  # he won, and never paid
    assert await audit_clean(db)


async def test_he_leaves_while_he_buys(db: Database, now):
    lane, order = await sold_out(db, now, 8)
    for n in range(8):
        entry = await waits(db, lane, now)
        await freed(db, lane, now, order, 1)
        await turn(db, now)
        call = await call_of(db, entry)
        assert call is not None
        both = [takes(db, lane, call, now), leaves(db, now, entry_id=entry.entry_id, member_id=entry.member_id)]
        answers = await asyncio.gather(*(both if n % 2 else both[::-1]))
        placed = answers[0] if n % 2 else answers[1]
        await turn(db, now)
        assert (await read(db, entry)).state == ("served" if isinstance(placed, Placed) else "left")
        await stranger(db, lane, now)  # what he left is sold
    assert await audit_clean(db)


async def test_one_member_joins_twice_at_once(db: Database, now):
    lane, _ = await sold_out(db, now, 1)
    for _ in range(5):
        member = new_id()
        answers = await asyncio.gather(*(_again(db, lane, now, member) for _ in range(4)))
        assert Counter(answers) == {"waiting": 1, "already_waiting": 3}


async def _again(db: Database, lane: Any, now: Any, member: UUID) -> str:
    answer = await waits(db, lane, now, member=member)
    return getattr(answer, "code", None) or answer.state


async def nearly_full(db: Database, now: Any) -> list[Join]:
    """Somebody with one place left in lines, and what he asks for on several phones at this moment."""
    asks: list[Join] = []
    member = new_id()
    lane, _ = await sold_out(db, now, 1)
    for _ in range(MOST_LIVE + 3):
        entry_id, other = new_id(), await another(db, lane, now)  # of the same stock
        offers = (other.offer.offer_id,)
        asks.append(Join(entry_id=entry_id, secret=entry_id.bytes, member_id=member, offer_ids=offers, units=1))
    before = await joins(db, asks[: MOST_LIVE - 1], now)
    assert all(isinstance(one, Entry) for one in before), before
    return asks[MOST_LIVE - 1 :]


@pytest.mark.parametrize("guarded", [True, False], ids=["in turn", "no guard"])
async def test_nobody_waits_in_more_lines_by_several_phones(db: Database, now, guarded: bool):
    """Each of his phones counts the entries and adds one; without the turn all of them find a place that is there."""
    asks = await nearly_full(db, now)
    looked = asyncio.Barrier(len(asks))

    async def alone(ask: Join) -> Any:
        if guarded:
            return (await joins(db, [ask], now))[0]
        async with bare(db, CITY, after="from waitlist.choices", pause=looked.wait, swaps={WAIT: "select 1"}) as tx:
            return (await waitlist.join(tx, [ask], city_id=CITY, now=now))[0]

    found = await asyncio.gather(*(alone(ask) for ask in asks))
    codes = sorted(getattr(one, "code", "waits") for one in found)
    assert codes == (["too_many_entries"] * 3 + ["waits"] if guarded else ["waits"] * 4)
    assert await audit_clean(db)
