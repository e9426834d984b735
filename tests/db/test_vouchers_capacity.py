"""So many uses a day and an hour in one store: counted under lock, given back by an undo, the last one taken once."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.sql import load
from hutong.kit.terms import Terms
from hutong.vouchers import OfflineUse, Redeemed, Voucher, step_of
from tests.conftest import fires
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.db.own_audit import sound
from tests.db.vouchers_help import (
    CITY,
    STATION,
    a_redeem,
    an_issue,
    issue,
    look,
    one,
    prepared,
    undo,
    use,
    used,
)

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
HOURLY = Terms(valid_days=30, per_hour=2)
BOTH = Terms(valid_days=30, per_day=3, per_hour=2)


async def some(db: Database, now: Any, count: int, terms: Terms = HOURLY, **changes: Any) -> list[Voucher]:
    return await issue(db, [an_issue(now, terms=terms, **changes) for _ in range(count)], now)


def code_of(answer: Any) -> str:
    return getattr(answer, "code", "done")


async def test_an_hour_takes_so_many_and_the_next_one_again(db: Database, now):
    guests = await some(db, now, 4)
    for guest in guests[:2]:
        await used(db, guest, now)
    refused = await use(db, a_redeem(presented=guests[2].code), now)
    assert refused.code == "hour_full"
    assert (refused.facts["used"], refused.facts["most"], refused.facts["free_en"]) == (2, 2, "from 13:00")
    looked = await look(db, guests[2].code, now)
    assert looked.code == "hour_full", "looking says the same as using"
    assert isinstance(await use(db, a_redeem(presented=guests[2].code, store_id=STATION), now), Redeemed)
    await used(db, guests[3], now + HOUR)
    assert await sound(db, "vouchers")


async def test_a_day_ends_at_the_citys_midnight(db: Database, now):
    guests = await some(db, now, 5, BOTH)
    for hours, guest in zip((0, 0, 1), guests, strict=False):
        await used(db, guest, now + hours * HOUR)
    refused = await use(db, a_redeem(presented=guests[3].code), now + HOUR)
    assert (refused.code, refused.facts["free_en"]) == ("day_full", "tomorrow")
    late = now + 12 * HOUR - timedelta(seconds=1)  # 23:59:59 in Shanghai
    assert code_of(await use(db, a_redeem(presented=guests[3].code), late)) == "day_full"
    await used(db, guests[3], now + 12 * HOUR)
    assert await sound(db, "vouchers")


async def test_the_counter_sees_how_many_places_are_left(db: Database, now):
    card = await one(db, now, terms=BOTH, uses=9, kind="card")
    seen = await prepared(db, card.code, now)
    assert seen.most == 2
    assert [n.code for n in seen.notices if n.code.startswith("per_")] == ["per_day", "per_hour"]
    refused = await use(db, a_redeem(presented=card.code, count=3), now)
    assert (refused.code, refused.facts["left"]) == ("places_left", 2)
    assert isinstance(await use(db, a_redeem(presented=card.code, count=2), now), Redeemed)


async def test_an_undo_gives_the_place_back(db: Database, now):
    first, second, third = await some(db, now, 3)
    await used(db, first, now)
    done = await used(db, second, now)
    assert code_of(await use(db, a_redeem(presented=third.code), now)) == "hour_full"
    await undo(db, done.redemption_id, now + timedelta(minutes=5))
    await used(db, third, now + timedelta(minutes=6))
    assert await sound(db, "vouchers")


async def test_a_set_is_counted_one_by_one(db: Database, now):

    guests = await some(db, now, 5)
    asks = [a_redeem(presented=guest.code) for guest in guests]
    async with db.city(CITY) as tx:
        answers = await vouchers.redeem(tx, asks, city_id=CITY, now=now, zone="Asia/Shanghai")
    assert Counter(code_of(answer) for answer in answers) == {"done": 2, "hour_full": 3}
    again = await use(db, asks[0], now)
    assert isinstance(again, Redeemed)
    assert again.replayed, "a request that comes twice takes no second place"
    assert await sound(db, "vouchers")


async def test_what_was_given_out_without_a_network_counts_and_is_not_refused(db: Database, now):
    guests = await some(db, now, 4)
    for guest in guests[:2]:
        await used(db, guest, now)
    offline = OfflineUse(step=step_of(now), at=now)
    ask = a_redeem(voucher_id=guests[2].voucher_id, offline=offline)
    assert isinstance(await use(db, ask, now), Redeemed)
    async with db.city(CITY) as tx:
        row = await tx.row("select used, offline, most from vouchers.capacity where city_id = %(c)s", c=CITY)
    assert (row["used"], row["offline"], row["most"]) == (3, 1, 2)
    assert code_of(await use(db, a_redeem(presented=guests[3].code), now)) == "hour_full"


async def test_fifty_come_for_the_last_places_of_an_hour(db: Database, now):
    await crowd(db)
    guests = await some(db, now, 50, Terms(valid_days=30, per_hour=7))
    answers = await asyncio.gather(*(use(db, a_redeem(presented=guest.code), now) for guest in guests))
    assert Counter(code_of(answer) for answer in answers) == {"done": 7, "hour_full": 43}
    assert await sound(db, "vouchers")


LOOKS_ONLY = """
select c.offer_id, c.store_id, c.span, c.begins, c.used
from unnest(%(offers)s::uuid[], %(stores)s::uuid[], %(spans)s::text[], %(begins)s::timestamptz[])
  as k(offer_id, store_id, span, begins)
join vouchers.capacity c on c.city_id = %(city)s and c.offer_id = k.offer_id and c.store_id = k.store_id
  and c.span = k.span and c.begins = k.begins
"""


@pytest.mark.parametrize("checked", [True, False], ids=["the CHECK stands", "no guard"])
async def test_control_without_the_lock_the_kitchen_is_overrun(db: Database, now, checked: bool):
    """The real redemption, which looks at the counter without locking it: six guests find the last two places. What
    stops the last four is the CHECK; without it, too, all are let in and the audit says so."""
    await crowd(db)
    first, *guests = await some(db, now, 7, Terms(valid_days=30, per_hour=3))
    await used(db, first, now)
    if not checked:
        async with db.central() as tx:
            await tx.run("alter table vouchers.capacity drop constraint capacity_room_check")
    looked = asyncio.Barrier(len(guests))
    swaps = {load("hutong.vouchers.operations", "lock_capacity"): LOOKS_ONLY}

    async def come(guest: Voucher) -> bool:
        ask = a_redeem(presented=guest.code)
        async with bare(db, CITY, after="join vouchers.capacity", pause=looked.wait, swaps=swaps) as tx:
            [answer] = await vouchers.redeem(tx, [ask], city_id=CITY, now=now, zone="Asia/Shanghai")
        return isinstance(answer, Redeemed)

    answers = await asyncio.gather(*(come(guest) for guest in guests), return_exceptions=True)
    let_in = sum(answer is True for answer in answers)
    assert let_in == (2 if checked else 6)
    assert all(answer is True or isinstance(answer, psycopg.errors.CheckViolation) for answer in answers), answers
    assert await fires(db, "V52") is not checked


async def test_an_undo_meets_a_guest_at_the_last_place(db: Database, now):
    await crowd(db)
    for i in range(10):
        offer = new_id()
        first, second, third = await some(db, now, 3, offer_id=offer)
        await used(db, first, now)
        done = await used(db, second, now)
        both = [undo(db, done.redemption_id, now), use(db, a_redeem(presented=third.code), now)]
        undone, came = await asyncio.gather(*(both if i % 2 else both[::-1]))
        assert {code_of(undone), code_of(came)} <= {"done", "hour_full"}
    assert await sound(db, "vouchers")


BREAK = {
    "V50": "update vouchers.capacity set used = used - 1 where city_id = 1",
    "V51": "delete from vouchers.capacity where city_id = 1",
    "V52": "update vouchers.capacity set most = 0 where city_id = 1",
}


@pytest.mark.parametrize("code", BREAK)
async def test_it_fires(db: Database, now, code: str):
    await used(db, (await some(db, now, 1))[0], now)
    assert await sound(db, "vouchers")
    async with db.central() as tx:
        await tx.run("alter table vouchers.capacity drop constraint capacity_room_check")
        await tx.run(BREAK[code])
    assert await fires(db, code)
