"""Quotas and holds, one step at a time. Ann and Bo buy; Mei changes the stock."""

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from hutong import inventory
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import GiveBack, Held, Hold, Lapsed, OpenQuota, Quota, Resize, Want
from tests.db.own_audit import sound

pytestmark = pytest.mark.anyio
CITY = 1


async def open_one(db: Database, total: int, now: datetime, label: str = "noodles") -> UUID:
    quota_id = new_id()
    async with db.city(CITY) as tx:
        await inventory.open_quotas(
            tx, [OpenQuota(quota_id=quota_id, label=label, total=total)], city_id=CITY, now=now
        )  # fmt: skip
    return quota_id


def a_hold(now: datetime, *wants: Want, hold_id: UUID | None = None, ref: UUID | None = None) -> Hold:
    expires = now + timedelta(minutes=15)
    return Hold(hold_id=hold_id or new_id(), wants=wants, expires_at=expires, ref=ref or new_id())


async def take(db: Database, holds: list[Hold], now: datetime):
    async with db.city(CITY) as tx:
        return await inventory.hold(tx, holds, city_id=CITY, now=now)


async def counters(db: Database, quota_id: UUID) -> tuple[int, int, int]:
    """(held, sold, remaining)"""
    async with db.reading() as tx:
        [quota] = await inventory.quotas(tx, [quota_id], city_id=CITY)
    assert quota is not None
    return quota.held, quota.sold, quota.remaining


async def test_opening_twice_keeps_the_first(db: Database, now):
    quota_id = await open_one(db, 5, now)
    async with db.city(CITY) as tx:
        again = await inventory.open_quotas(
            tx, [OpenQuota(quota_id=quota_id, label="other", total=9)] * 2, city_id=CITY, now=now
        )
    assert [(q.label, q.total) for q in again] == [("noodles", 5)] * 2


async def test_hold_confirm_give_back(db: Database, now):
    quota_id = await open_one(db, 5, now)
    hold = a_hold(now, Want(quota_id, 3))
    assert await take(db, [hold], now) == [Held(hold_id=hold.hold_id, ref=hold.ref, expires_at=hold.expires_at)]
    assert await counters(db, quota_id) == (3, 0, 2)
    async with db.city(CITY) as tx:
        first, twice = await inventory.confirm(tx, [hold.hold_id] * 2, city_id=CITY, now=now)
    assert (first.ref, first.replayed, twice.replayed) == (hold.ref, False, True)
    assert await counters(db, quota_id) == (0, 3, 2)
    back = GiveBack(ref=new_id(), hold_id=hold.hold_id, units=2)
    async with db.city(CITY) as tx:
        once, again = await inventory.give_back(tx, [back, back], city_id=CITY, now=now)
    async with db.city(CITY) as tx:
        [later] = await inventory.give_back(tx, [back], city_id=CITY, now=now)
        [more] = await inventory.give_back(
            tx, [GiveBack(ref=new_id(), hold_id=hold.hold_id, units=2)], city_id=CITY, now=now
        )
    assert (once.replayed, again.replayed, later.replayed) == (False, True, True)
    assert more == inventory.TooManyGivenBack(left=1)
    assert await counters(db, quota_id) == (0, 1, 4)
    assert await sound(db, "inventory")


async def test_the_same_hold_again_is_the_same_answer(db: Database, now):
    quota_id = await open_one(db, 3, now)
    hold = a_hold(now, Want(quota_id, 2))
    [first] = await take(db, [hold], now)
    [second] = await take(db, [hold], now + timedelta(minutes=1))  # sold out for others, not for itself
    assert second.replayed
    assert (second.hold_id, second.expires_at, second.state) == (first.hold_id, first.expires_at, "held")
    other = a_hold(now, Want(quota_id, 1), hold_id=hold.hold_id, ref=hold.ref)
    assert await take(db, [other], now) == [inventory.HoldChanged()]
    assert await counters(db, quota_id) == (2, 0, 1)
    async with db.city(CITY) as tx:
        await inventory.confirm(tx, [hold.hold_id], city_id=CITY, now=now)
    [third] = await take(db, [hold], now)
    assert (third.state, third.replayed) == ("confirmed", True)
    assert await sound(db, "inventory")


async def test_one_hold_twice_in_one_list(db: Database, now):
    quota_id = await open_one(db, 3, now)
    hold = a_hold(now, Want(quota_id, 2))
    changed = a_hold(now, Want(quota_id, 1), hold_id=hold.hold_id, ref=hold.ref)
    first, second, third = await take(db, [hold, hold, changed], now)
    assert (first.replayed, second.replayed, third) == (False, True, inventory.HoldChanged())
    assert await counters(db, quota_id) == (2, 0, 1)
    assert await sound(db, "inventory")


async def test_a_list_is_served_in_its_order(db: Database, now):
    rooms, meals = await open_one(db, 2, now), await open_one(db, 5, now)
    holds = [
        a_hold(now, Want(rooms, 2), Want(meals, 2)),
        a_hold(now, Want(rooms, 1), Want(meals, 1)),
        a_hold(now, Want(meals, 4)),
        a_hold(now, Want(meals, 3)),
        a_hold(now, Want(new_id(), 1)),
    ]
    answers = await take(db, holds, now)
    assert [getattr(a, "code", "held") for a in answers] == ["held", "sold_out", "sold_out", "held", "quota_unknown"]
    assert await counters(db, rooms) == (2, 0, 0)
    assert await counters(db, meals) == (5, 0, 0)
    assert await sound(db, "inventory")


async def test_a_replay_in_a_batch_leaves_the_unit_to_the_next(db: Database, now):
    """The hold that was there already takes nothing, so the one behind it gets the last unit."""
    quota_id = await open_one(db, 2, now)
    ann, bo = a_hold(now, Want(quota_id, 1)), a_hold(now, Want(quota_id, 1))
    await take(db, [ann], now)
    answers = await take(db, [ann, bo], now)
    assert [(a.hold_id, a.replayed) for a in answers] == [(ann.hold_id, True), (bo.hold_id, False)]
    assert await counters(db, quota_id) == (2, 0, 0)


async def test_release_gives_units_free_once(db: Database, now):
    quota_id = await open_one(db, 2, now)
    hold = a_hold(now, Want(quota_id, 2))
    await take(db, [hold], now)
    async with db.city(CITY) as tx:
        first, again, nobody = await inventory.release(
            tx, [hold.hold_id, hold.hold_id, new_id()], city_id=CITY, now=now
        )
        [late] = await inventory.confirm(tx, [hold.hold_id], city_id=CITY, now=now)
    assert (first.replayed, again.replayed, nobody) == (False, True, inventory.HoldUnknown())
    assert late == inventory.HoldOver(state="released")
    assert await take(db, [hold], now) == [inventory.HoldOver(state="released")]
    assert await counters(db, quota_id) == (0, 0, 2)
    assert await sound(db, "inventory")


async def test_what_is_sold_is_not_released(db: Database, now):
    quota_id = await open_one(db, 2, now)
    hold = a_hold(now, Want(quota_id, 2))
    await take(db, [hold], now)
    async with db.city(CITY) as tx:
        await inventory.confirm(tx, [hold.hold_id], city_id=CITY, now=now)
        assert await inventory.release(tx, [hold.hold_id], city_id=CITY, now=now) == [inventory.HoldConfirmed()]
        held_only = a_hold(now)
        await inventory.hold(tx, [held_only], city_id=CITY, now=now)
        assert await inventory.give_back(
            tx, [GiveBack(ref=new_id(), hold_id=held_only.hold_id, units=1)], city_id=CITY, now=now
        ) == [inventory.HoldUnknown()]
    assert await sound(db, "inventory")


async def test_nothing_comes_back_from_a_hold_that_was_not_sold(db: Database, now):
    quota_id = await open_one(db, 2, now)
    hold = a_hold(now, Want(quota_id, 2))
    await take(db, [hold], now)
    async with db.city(CITY) as tx:
        answer = await inventory.give_back(
            tx, [GiveBack(ref=new_id(), hold_id=hold.hold_id, units=1)], city_id=CITY, now=now
        )
    assert answer == [inventory.HoldNotConfirmed()]


async def test_one_ref_may_name_several_quotas_but_only_once_each(db: Database, now):
    rooms, meals = await open_one(db, 2, now), await open_one(db, 4, now)
    hold = a_hold(now, Want(rooms, 1), Want(meals, 2))
    await take(db, [hold], now)
    ref = new_id()
    asks = [
        GiveBack(ref=ref, hold_id=hold.hold_id, units=1, quota_id=rooms),
        GiveBack(ref=ref, hold_id=hold.hold_id, units=2, quota_id=meals),
        GiveBack(ref=ref, hold_id=hold.hold_id, units=1, quota_id=meals),
    ]
    async with db.city(CITY) as tx:
        await inventory.confirm(tx, [hold.hold_id], city_id=CITY, now=now)
        answers = await inventory.give_back(tx, asks, city_id=CITY, now=now)
    assert [getattr(a, "code", "given") for a in answers] == ["given", "given", "give_back_changed"]
    assert await counters(db, meals) == (0, 0, 4)
    assert await sound(db, "inventory")


async def test_the_sweep_ends_what_is_over_and_only_that(db: Database, now):
    quota_id = await open_one(db, 3, now)
    early, late = a_hold(now, Want(quota_id, 1)), a_hold(now + timedelta(minutes=5), Want(quota_id, 1))
    await take(db, [early, late], now)
    async with db.city(CITY) as tx:
        assert await inventory.expire(tx, city_id=CITY, now=now + timedelta(minutes=14)) == []
        assert await inventory.expire(tx, city_id=2, now=now + timedelta(days=1)) == []
        due = now + timedelta(minutes=15)
        lapsed = await inventory.expire(tx, city_id=CITY, now=due)
        assert lapsed == [Lapsed(hold_id=early.hold_id, ref=early.ref, expires_at=early.expires_at)]
        assert await inventory.confirm(tx, [early.hold_id], city_id=CITY, now=due) == [
            inventory.HoldOver(state="expired")
        ]
    assert await counters(db, quota_id) == (1, 0, 2)
    assert await sound(db, "inventory")


async def test_the_sweep_takes_no_more_than_asked(db: Database, now):
    quota_id = await open_one(db, 5, now)
    await take(db, [a_hold(now, Want(quota_id, 1)) for _ in range(5)], now)
    counts = []
    for _ in range(4):
        async with db.city(CITY) as tx:
            counts.append(len(await inventory.expire(tx, city_id=CITY, now=now + timedelta(hours=1), limit=2)))
    assert counts == [2, 2, 1, 0]
    assert await counters(db, quota_id) == (0, 0, 5)


async def test_a_payment_in_doubt_keeps_its_units(db: Database, now):
    quota_id = await open_one(db, 1, now)
    hold = a_hold(now, Want(quota_id, 1))
    await take(db, [hold], now)
    until = now + timedelta(days=2)
    async with db.city(CITY) as tx:
        held, nobody = await inventory.extend(tx, [hold.hold_id, new_id()], expires_at=until, city_id=CITY)
        [kept] = await inventory.extend(tx, [hold.hold_id], expires_at=now, city_id=CITY)
        assert await inventory.expire(tx, city_id=CITY, now=now + timedelta(days=1)) == []
    assert (held.expires_at, kept.expires_at, nobody) == (until, until, inventory.HoldUnknown())


async def test_resize_never_takes_a_unit_from_somebody(db: Database, now):
    quota_id = await open_one(db, 5, now)
    sold, held = a_hold(now, Want(quota_id, 2)), a_hold(now, Want(quota_id, 1))
    await take(db, [sold, held], now)
    async with db.city(CITY) as tx:
        await inventory.confirm(tx, [sold.hold_id], city_id=CITY, now=now)
        asks = [Resize(quota_id, 10), Resize(quota_id, 2), Resize(new_id(), 1), Resize(quota_id, 3)]
        answers = await inventory.resize(tx, asks, city_id=CITY)
    assert isinstance(answers[0], Quota)
    assert answers[1] == inventory.TotalTooLow(least=3, sold=2, held=1)
    assert answers[2].code == "quota_unknown"
    assert (answers[3].total, answers[3].remaining) == (3, 0)
    assert await counters(db, quota_id) == (1, 2, 0)
    assert await sound(db, "inventory")


async def test_a_closed_quota_sells_no_more_but_keeps_its_promises(db: Database, now):
    quota_id = await open_one(db, 5, now)
    hold = a_hold(now, Want(quota_id, 1))
    await take(db, [hold], now)
    async with db.city(CITY) as tx:
        closed, unknown = await inventory.close_quotas(tx, [quota_id, new_id()], city_id=CITY, now=now)
        [again] = await inventory.close_quotas(tx, [quota_id], city_id=CITY, now=now + timedelta(days=1))
    assert (closed.closed_at, again.closed_at, unknown.code) == (now, now, "quota_unknown")
    [refused] = await take(db, [a_hold(now, Want(quota_id, 1))], now)
    assert refused.code == "quota_closed"
    async with db.city(CITY) as tx:
        [confirmed] = await inventory.confirm(tx, [hold.hold_id], city_id=CITY, now=now)
    assert not confirmed.replayed
    assert await sound(db, "inventory")


async def test_another_city_sees_nothing(db: Database, now):
    quota_id = await open_one(db, 5, now)
    async with db.city(2) as tx:
        [answer] = await inventory.hold(tx, [a_hold(now, Want(quota_id, 1))], city_id=2, now=now)
        assert await inventory.quotas(tx, [quota_id], city_id=2) == [None]
    assert answer.code == "quota_unknown"


async def test_no_requests_no_answers(db: Database, now):
    async with db.city(CITY) as tx:
        assert await inventory.open_quotas(tx, [], city_id=CITY, now=now) == []
        assert await inventory.hold(tx, [], city_id=CITY, now=now) == []
        assert await inventory.confirm(tx, [], city_id=CITY, now=now) == []
        assert await inventory.give_back(tx, [], city_id=CITY, now=now) == []
        assert await inventory.resize(tx, [], city_id=CITY) == []


async def test_the_database_itself_refuses_an_oversold_quota(db: Database, now):
    quota_id = await open_one(db, 1, now)
    for change in ("sold = sold + 1", "remaining = remaining - 2, held = held + 2", "total = 5"):
        with pytest.raises(psycopg.errors.CheckViolation):
            async with db.city(CITY) as tx:
                await tx.run(
                    f"update inventory.quotas set {change} where city_id = %(c)s and quota_id = %(q)s",
                    c=CITY, q=quota_id,
                )  # fmt: skip


@pytest.mark.parametrize("count", [1, 7, 200])
async def test_the_number_of_statements_does_not_grow_with_the_list(database_url, now, count):
    seen: list[str] = []
    db = await Database(database_url, observer=lambda sql, params: seen.append(sql)).open()
    quota_id = await open_one(db, 1000, now)
    holds = [a_hold(now, Want(quota_id, 1)) for _ in range(count)]
    seen.clear()
    await take(db, holds, now)
    assert len(seen) == 3
    seen.clear()
    async with db.city(CITY) as tx:
        await inventory.confirm(tx, [h.hold_id for h in holds], city_id=CITY, now=now)
        backs = [GiveBack(ref=new_id(), hold_id=h.hold_id, units=1) for h in holds]
        await inventory.give_back(tx, backs, city_id=CITY, now=now)
    assert len(seen) == 5
    assert await sound(db, "inventory")
    await db.close()
