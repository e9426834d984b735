"""Waiting for what is sold out: by need, in order, kept for who is called, and nobody is asked for ever."""

from datetime import date, timedelta

import pytest

from hutong import inventory, waitlist
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.terms import Blackout, Terms, Window
from hutong.orders import Placed
from hutong.waitlist import CALL_FOR, Entry, leave_text, leave_token, read_leave
from hutong.waitlist.model import usable_then
from tests.conftest import audit_clean, fires
from tests.db.own_audit import codes
from tests.db.waitlist_help import call_of, freed, leaves, read, sold_out, stranger, takes, turn, waits
from tests.lane import CITY, a_lane, captured, hear, state_of, stock

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def test_who_waits_is_called_and_buys_what_is_kept_for_him(db: Database, now):
    lane, order = await sold_out(db, now)
    entry = await waits(db, lane, now, 2)
    assert isinstance(entry, Entry)
    assert not await turn(db, now)
    await freed(db, lane, now, order, 2)
    assert (await stranger(db, lane, now)).code == "sold_out", "what comes free is theirs first who wait"
    assert (await turn(db, now)).made == 1
    assert (await read(db, entry)).state == "called"
    call = await call_of(db, entry)
    assert call is not None
    assert (call.units, call.expires_at) == (2, now + CALL_FOR)
    assert await stock(db, lane) == (2, 2, 0)
    assert (await stranger(db, lane, now)).code == "sold_out"
    assert (await takes(db, lane, call, now, member=new_id())).code == "hold_unknown", "kept for him alone"
    assert (await takes(db, lane, call, now, units=3)).code == "sold_out"
    placed = await takes(db, lane, call, now)
    assert isinstance(placed, Placed)
    assert await stock(db, lane) == (2, 2, 0), "the units went from hold to hold"
    assert (await takes(db, lane, call, now)).code == "hold_over"
    assert (await turn(db, now)).taken == 1
    assert (await read(db, entry)).state == "served"
    await hear(db, [captured(placed)], now)
    assert await state_of(db, placed.order_id) == "paid"
    assert await stock(db, lane) == (4, 0, 0)
    assert await audit_clean(db)


async def test_a_smaller_order_gives_the_rest_to_the_next(db: Database, now):
    lane, order = await sold_out(db, now)
    first, second = await waits(db, lane, now, 2), await waits(db, lane, now, 1)
    await freed(db, lane, now, order, 2)
    await turn(db, now)
    call = await call_of(db, first)
    assert call is not None
    assert isinstance(await takes(db, lane, call, now, units=1), Placed)
    await turn(db, now)
    assert (await read(db, second)).state == "called"
    assert await audit_clean(db)


async def test_a_need_that_does_not_fit_keeps_its_place_and_the_rest_is_sold(db: Database, now):
    lane, order = await sold_out(db, now)
    four, two = await waits(db, lane, now, 4), await waits(db, lane, now, 2)
    await freed(db, lane, now, order, 3)
    assert (await turn(db, now)).made == 1
    assert ((await read(db, four)).state, (await read(db, two)).state) == ("waiting", "called")
    async with db.reading(CITY) as tx:
        places = await waitlist.places_of(tx, [four.entry_id, two.entry_id], city_id=CITY)
    offer = lane.offer.offer_id
    assert (places[four.entry_id][offer].before, places[two.entry_id][offer].units_before) == (0, 4)
    assert isinstance(await stranger(db, lane, now), Placed), "one is left that suits nobody who waits"
    assert (await stranger(db, lane, now)).code == "sold_out"
    await turn(db, now)
    assert await audit_clean(db)


async def test_who_does_not_take_it_goes_behind_and_is_not_asked_for_ever(db: Database, now):
    lane, order = await sold_out(db, now)
    ann, bo = await waits(db, lane, now, 1), await waits(db, lane, now, 1)
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    late = now + CALL_FOR
    done = await turn(db, late)
    assert (done.lapsed, done.made) == (1, 1)
    assert ((await read(db, ann)).state, (await read(db, bo)).state) == ("waiting", "called")
    await turn(db, late + CALL_FOR)
    assert (await read(db, ann)).state == "called", "after Bo has let it pass, Ann is asked a second time"
    await turn(db, late + 2 * CALL_FOR)
    gone = await read(db, ann)
    assert (gone.state, gone.why, gone.calls) == ("ended", "not_taken", 2)
    assert (await read(db, bo)).state == "called"
    await turn(db, late + 3 * CALL_FOR)
    assert (await read(db, bo)).state == "ended"
    assert isinstance(await stranger(db, lane, late + 3 * CALL_FOR), Placed), "nobody waits: it is on open sale"
    assert await audit_clean(db)


async def test_any_of_several_deals(db: Database, now):
    from hutong.inventory import OpenQuota
    from tests.catalog_town import a_draft, published

    lane, _ = await sold_out(db, now)
    quota_id = new_id()
    async with db.city(CITY) as tx:
        await inventory.open_quotas(tx, [OpenQuota(quota_id=quota_id, label="other", total=0)], city_id=CITY, now=now)
    other = (await published(db, a_draft(lane.merchant, lane.store, now=now, quota_id=quota_id), now=now))[0]
    entry = await waits(db, lane, now, 1, offers=(lane.offer.offer_id, other.offer_id))
    async with db.city(CITY) as tx:
        await inventory.resize(tx, [inventory.Resize(quota_id, 5)], city_id=CITY)
    await turn(db, now)
    call = await call_of(db, entry)
    assert call is not None
    assert call.offer_id == other.offer_id
    assert isinstance(await takes(db, lane, call, now), Placed)
    await turn(db, now)
    assert (await read(db, entry)).state == "served"
    assert isinstance(await stranger(db, lane, now), inventory.SoldOut)
    assert await audit_clean(db)


async def test_leaving_signed_in_or_by_the_link_frees_the_call_at_once(db: Database, now):
    lane, order = await sold_out(db, now)
    ann, bo = await waits(db, lane, now), await waits(db, lane, now)
    assert (await leaves(db, now, entry_id=ann.entry_id, member_id=bo.member_id)).code == "entry_not_found"
    assert (await leaves(db, now, token=b"0" * 20)).code == "entry_not_found"
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    token = leave_token(ann.entry_id.bytes, ann.entry_id)
    assert read_leave(leave_text(CITY, token)) == (CITY, token)
    assert (await leaves(db, now, token=token)).state == "left"
    assert (await leaves(db, now, token=token)).state == "left"
    assert (await turn(db, now)).made == 1
    assert (await read(db, bo)).state == "called"
    assert (await leaves(db, now, entry_id=bo.entry_id, member_id=bo.member_id)).state == "left"
    assert isinstance(await stranger(db, lane, now), Placed), "the last one who waited has left: open sale"
    again = await waits(db, lane, now, member=ann.member_id)
    assert isinstance(again, Entry), "who left may join again"
    assert await audit_clean(db)


async def test_who_may_not_wait(db: Database, now):
    lane, _ = await sold_out(db, now, 3, terms=Terms(valid_days=30, per_member=3))
    entry = await waits(db, lane, now)
    assert (await waits(db, lane, now, member=entry.member_id)).code == "already_waiting"
    assert (await waits(db, lane, now, 4)).code == "bad_input", "more than one member may have"
    assert (await waits(db, lane, now, 0)).code == "bad_input"
    assert (await waits(db, lane, now, offers=(new_id(),))).code == "offer_not_found"
    yesterday = date(2026, 11, 19)
    assert (await waits(db, lane, now, days=(yesterday, yesterday))).code == "bad_input"


async def test_what_is_there_is_bought_and_not_waited_for(db: Database, now):
    lane = await a_lane(db, now, quota=2)
    assert (await waits(db, lane, now, 2)).code == "not_sold_out"
    assert isinstance(await waits(db, lane, now, 3), Entry), "two are there, three are needed"
    await turn(db, now)
    assert isinstance(await stranger(db, lane, now), Placed), "and the two are still on sale"
    assert await audit_clean(db)


async def test_nobody_is_called_at_night_and_nothing_is_lost_until_morning(db: Database, now):
    lane, order = await sold_out(db, now)
    entry = await waits(db, lane, now)
    night = now + 11 * HOUR  # 23:00 in Shanghai
    await freed(db, lane, night, order, 1)
    assert not await turn(db, night)
    assert (await stranger(db, lane, night)).code == "sold_out"
    assert (await turn(db, now + 20 * HOUR)).made == 1
    assert (await read(db, entry)).state == "called"
    assert await audit_clean(db)


async def test_wished_days(db: Database, now):
    lane, order = await sold_out(db, now, terms=Terms(valid_days=5))
    far = await waits(db, lane, now, days=(date(2026, 12, 24), date(2026, 12, 26)))
    soon = await waits(db, lane, now, days=(date(2026, 11, 21), date(2026, 11, 22)))
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    assert ((await read(db, far)).state, (await read(db, soon)).state) == ("waiting", "called")
    await turn(db, now + timedelta(days=60))
    assert (await read(db, far)).why in ("days_over", "sale_over")


def test_a_day_is_good_when_the_terms_allow_it(now):
    terms = Terms(
        valid_days=10, windows=(Window((5, 6)),), blackouts=(Blackout(date(2026, 11, 21), date(2026, 11, 21)),)
    )
    zone = "Asia/Shanghai"
    friday, saturday, sunday = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
    assert not usable_then(terms, friday, saturday, now=now, zone=zone)
    assert usable_then(terms, friday, sunday, now=now, zone=zone)
    assert not usable_then(terms, date(2027, 1, 2), date(2027, 1, 3), now=now, zone=zone)
    assert usable_then(terms, None, None, now=now, zone=zone)


async def test_a_member_who_leaves_the_house_waits_no_more(db: Database, now):
    lane, order = await sold_out(db, now)
    entry = await waits(db, lane, now)
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    async with db.city(CITY) as tx:
        assert await waitlist.forget_members(tx, [entry.member_id], city_id=CITY, now=now) == 1
    assert (await read(db, entry)).state == "left"
    assert await audit_clean(db)


E_, C_ = "waitlist.entries", "waitlist.calls"
BREAK = {
    "WL01": [f"update {C_} set units = units + 1 where city_id = 1"],
    "WL02": [f"update {E_} set calls = 0 where city_id = 1"],
    "WL03": ["update waitlist.choices set live = false where city_id = 1"],
    "WL04": ["update orders.orders set member_id = merchant_id where city_id = 1"],
    "WL05": [
        "drop index waitlist.choices_live_key",
        "update waitlist.choices set live = true, member_id = merchant_id where city_id = 1",
    ],
    "WL06": ["update waitlist.choices set live = false where city_id = 1"],
    "S06": ["update inventory.wants w set units = 9 from inventory.holds h where h.moved_to = w.hold_id"],
}


@pytest.mark.parametrize("code", BREAK)
async def test_it_fires(db: Database, now, code: str):
    lane, order = await sold_out(db, now)
    served, waiting = await waits(db, lane, now), await waits(db, lane, now, 2)
    await freed(db, lane, now, order, 1)
    await turn(db, now)
    call = await call_of(db, served)
    assert call is not None
    await takes(db, lane, call, now)
    await turn(db, now)
    assert (await read(db, waiting)).state == "waiting"
    assert await audit_clean(db)
    async with db.central() as tx:
        for statement in BREAK[code]:
            await tx.run(statement)
    assert await fires(db, code)


def test_none_is_forgotten():
    others = {"WL07", "WL08"}  # of what is sold together: test_waitlist_forms
    assert {code for code in BREAK if code.startswith("WL")} | others == codes("waitlist")
