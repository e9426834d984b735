"""Waiting for deals sold in other ways: a place in a team, the price of a ladder, one's own bargain, a slot."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hutong import groups, inventory
from hutong.catalog import Bargain, Ladder, Team
from hutong.catalog.forms import Flash, Slot
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.orders import Choice, Placed, Wanted
from hutong.waitlist import Entry
from tests.conftest import audit_clean, fires
from tests.db.crowd import crowd
from tests.db.ladders_help import TIERS
from tests.db.teams_help import close, sent
from tests.db.test_bargains import begin, cut, state
from tests.db.test_flash import HOUR, a_sale
from tests.db.waitlist_help import call_of, freed, read, sold_out, stranger, takes, turn, waits
from tests.lane import CITY, Lane, a_lane, a_place, bought, captured, hear, place, state_of, stock

pytestmark = pytest.mark.anyio
TEAM = Team(size=2, hours=24, alone_units=8_800)
ALONE, OPEN = Choice("alone"), Choice("open_team")


async def a_sold_out_team(db: Database, now: Any, quota: int = 3) -> tuple[Lane, Any]:
    """A team deal of so many units, all of them sold alone to one guest; his order."""
    lane = await a_lane(db, now, quota=quota, form=TEAM)
    vouchers = await bought(db, lane, now, wants=(Wanted(lane.offer.offer_id, quota, ALONE),))
    return lane, vouchers[0].order_id


async def test_a_place_in_a_team_goes_to_who_waits(db: Database, now):
    """Two waited for a team deal: one opens a team with what came back, the other joins it when his unit comes."""
    lane, order = await a_sold_out_team(db, now)
    ann, bo = await waits(db, lane, now), await waits(db, lane, now)
    await freed(db, lane, now, order, 1)
    assert (await turn(db, now)).made == 1
    call = await call_of(db, ann)
    assert call is not None
    assert (await takes(db, lane, call, now)).code == "choose_team", "which way is the buyer's to say"
    opened = await takes(db, lane, call, now, way=OPEN)
    assert isinstance(opened, Placed)
    assert opened.total.units == 6_800
    await hear(db, [captured(opened)], now)
    team, deal = groups.team_of(opened.order_id), lane.offer.offer_id
    async with db.reading(CITY) as tx:
        hand = (await groups.at_hand(tx, bo.member_id, [deal], city_id=CITY, now=now))[deal]
        own = (await groups.at_hand(tx, ann.member_id, [deal], city_id=CITY, now=now))[deal]
    assert ([one.team_id for one in hand.teams], hand.running) == ([team], None)
    assert (own.teams, own.running) == ((), team)
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    theirs = await call_of(db, bo)
    assert theirs is not None
    joined = await takes(db, lane, theirs, now, way=Choice("join_team", team))
    assert isinstance(joined, Placed)
    await hear(db, [captured(joined)], now)
    await turn(db, now)
    assert ((await read(db, ann)).state, (await read(db, bo)).state) == ("served", "served")
    async with db.reading(CITY) as tx:
        assert (await groups.teams(tx, [team], city_id=CITY))[team].state == "clinched"
    assert await audit_clean(db)


async def test_a_team_that_fails_gives_its_units_to_who_waits_and_a_full_one_costs_no_call(db: Database, now):
    lane, order = await a_sold_out_team(db, now, 1)
    ann = await waits(db, lane, now)
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    call = await call_of(db, ann)
    assert call is not None
    assert (await takes(db, lane, call, now, way=Choice("join_team", new_id()))).code == "team_not_found"
    opened = await takes(db, lane, call, now, way=OPEN)
    assert isinstance(opened, Placed), "what was refused has taken nothing of the call"
    await hear(db, [captured(opened)], now)
    await turn(db, now)
    bo = await waits(db, lane, now)
    later = now + timedelta(hours=25)
    await close(db, later)
    await sent(db, later)
    assert await state_of(db, opened.order_id) == "refunded"
    assert (await turn(db, later)).made == 1
    theirs = await call_of(db, bo)
    assert theirs is not None
    alone = await takes(db, lane, theirs, later, way=ALONE)
    assert isinstance(alone, Placed)
    assert alone.total.units == 8_800
    await turn(db, later)
    assert await audit_clean(db)


async def test_the_price_that_a_ladder_has_reached(db: Database, now):
    lane, order = await sold_out(db, now, 4, form=Ladder(tiers=TIERS))
    entry = await waits(db, lane, now)
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    call = await call_of(db, entry)
    assert call is not None
    placed = await takes(db, lane, call, now)
    assert isinstance(placed, Placed)
    assert placed.total.units == 5_800, "three are paid: the price of the second tier"
    await hear(db, [captured(placed)], now)
    await turn(db, now)
    assert await stock(db, lane) == (4, 0, 0)
    assert await audit_clean(db)


async def test_ones_own_bargain(db: Database, now):
    form = Bargain(floor_units=4_000, helpers=4, hours=24, budget_units=5_000)
    lane, order = await sold_out(db, now, 2, form=form)
    ann = new_id()
    mine: Any = await begin(db, lane, now, ann)
    piece: Any = await cut(db, mine, now)
    assert (await waits(db, lane, now, 2, member=ann)).code == "bad_input", "one bargain is for one unit"
    entry = await waits(db, lane, now, member=ann)
    other = await waits(db, lane, now)
    await freed(db, lane, now, order, 2)
    await turn(db, now)
    call, theirs = await call_of(db, entry), await call_of(db, other)
    assert call is not None
    assert theirs is not None
    assert (await takes(db, lane, theirs, now, way=Choice("bargain", mine))).code == "bargain_not_yours"
    placed = await takes(db, lane, call, now, way=Choice("bargain", mine))
    assert isinstance(placed, Placed)
    assert placed.total.units == 6_800 - piece.units
    full = await takes(db, lane, theirs, now)
    assert isinstance(full, Placed)
    assert full.total.units == 6_800
    await hear(db, [captured(placed), captured(full)], now)
    await turn(db, now)
    assert (await state(db, mine)).state == "bought"
    assert await audit_clean(db)


async def test_one_waits_for_the_slot_that_runs(db: Database, now):
    """The units of a slot go to those who wait for it, also at night, and nobody is called for what is nearly over."""
    lane, (first, second) = await a_sale(db, now, 4)
    vouchers = await bought(db, lane, now, 4)
    order = vouchers[0].order_id
    ann, bo, cat = [await waits(db, lane, now) for _ in range(3)]
    assert ann.choices[0].quota_id == first.quota_id
    assert (await waits(db, lane, now + timedelta(hours=2))).code == "no_slot_runs"
    soon = first.ends_at - timedelta(minutes=10)
    await freed(db, lane, soon, order, 1)
    assert (await stranger(db, lane, soon)).code == "sold_out"
    assert (await turn(db, soon)).made == 1
    call = await call_of(db, ann)
    assert call is not None
    assert call.expires_at == first.ends_at, "no promise outlives the slot"
    placed = await takes(db, lane, call, soon)
    assert isinstance(placed, Placed)
    await hear(db, [captured(placed)], soon)
    late = first.ends_at - timedelta(minutes=1)
    await freed(db, lane, late, order, 1)
    assert (await turn(db, late)).made == 0, "one minute is no time to answer"
    over = await turn(db, first.ends_at)
    assert over.ended == 2
    assert [(await read(db, one)).why for one in (bo, cat)] == ["sale_over", "sale_over"]
    assert await audit_clean(db)
    assert isinstance(await stranger(db, lane, second.starts_at, 2), Placed), "the next slot is on open sale"


async def test_a_slot_at_night_calls_at_night(db: Database, now):
    night = now + 11 * HOUR  # 23:00 in Shanghai
    slot = Slot(slot_id=new_id(), starts_at=night, ends_at=night + HOUR, quota_id=new_id(), units=1)
    async with db.city(CITY) as tx:
        made = [inventory.OpenQuota(quota_id=slot.quota_id, label="slot", total=1)]
        await inventory.open_quotas(tx, made, city_id=CITY, now=now)
    lane = await a_lane(db, now, form=Flash(slots=(slot,)))
    vouchers = await bought(db, lane, night)
    entry = await waits(db, lane, night)
    await freed(db, lane, night, vouchers[0].order_id, 1)
    assert (await turn(db, night)).made == 1
    assert (await read(db, entry)).state == "called"
    assert await audit_clean(db)


async def test_strangers_and_who_waits_want_the_last_seat_of_a_team(db: Database, now):
    """A unit comes back while strangers storm the team's last seat: who waited has the unit, and so the seat."""
    lane, entry, seat, tried = await _stormed(db, now, listed=True)
    await turn(db, now)
    call = await call_of(db, entry)
    assert set(tried) == {"sold_out"}
    assert call is not None
    assert isinstance(await takes(db, lane, call, now, way=seat), Placed)
    await turn(db, now)
    assert await audit_clean(db)


async def test_control_without_the_mark_a_stranger_sits_there(db: Database, now):
    _, entry, _, tried = await _stormed(db, now, listed=False)
    await turn(db, now)
    assert tried.count("placed") == 1
    assert await call_of(db, entry) is None


async def _stormed(db: Database, now: Any, *, listed: bool) -> tuple[Lane, Entry, Choice, list[str]]:
    """A team that lacks one; somebody who waits; a unit that comes back among strangers. What the strangers got."""
    await crowd(db)
    lane, order = await a_sold_out_team(db, now, 4)
    await freed(db, lane, now, order, 1)
    opened = await wish(db, lane, now, OPEN)
    await hear(db, [captured(opened)], now)
    seat = Choice("join_team", groups.team_of(opened.order_id))
    entry = await waits(db, lane, now)
    async with db.city(CITY) as tx:
        await inventory.list_quotas(tx, {entry.choices[0].quota_id: listed}, city_id=CITY)

    async def storm() -> list[str]:
        return [getattr(await wish(db, lane, now, seat), "code", "placed") for _ in range(3)]

    first, second, _ = await asyncio.gather(storm(), storm(), freed(db, lane, now, order, 1))
    return lane, entry, seat, [*first, *second, *await storm()]


async def wish(db: Database, lane: Lane, now: Any, way: Choice) -> Any:
    return (await place(db, [a_place(lane, wants=(Wanted(lane.offer.offer_id, 1, way),))], now))[0]


@pytest.mark.parametrize("code", ["WL07", "WL08"])
async def test_it_fires(db: Database, now, code: str):
    lane, order = await a_sold_out_team(db, now)
    first, second = await waits(db, lane, now), await waits(db, lane, now + timedelta(seconds=1))
    await freed(db, lane, now, order, 1)
    later = now + timedelta(seconds=2)
    await turn(db, later)
    call = await call_of(db, first)
    assert call is not None
    assert isinstance(await takes(db, lane, call, later, way=OPEN), Placed)
    await turn(db, later)
    assert await audit_clean(db)
    async with db.central() as tx:
        if code == "WL08":
            await tx.run("update groups.seats set member_id = team_id where city_id = 1")
        else:  # the one who was called came last
            await tx.run(
                """update waitlist.entries set joined_at = joined_at + interval '1 minute',
                   since = since + interval '1 minute' where city_id = 1 and entry_id = %(id)s""",
                id=first.entry_id,
            )
    assert await fires(db, code)
    assert second.live
