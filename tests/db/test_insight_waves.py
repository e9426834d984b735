"""Before a wave breaks: what a merchant has out, who is asked to come (once), what is lengthened, and the alert."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hutong import catalog, insight, inventory, people
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.load import load_city, member_id, merchant_id, offer_id, store_id
from hutong.cli.demo.past import live_through
from hutong.desk import waves
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.insight import NobodyToNudge, Nudge
from hutong.kit.access import Actor, Grant, Role
from hutong.kit.clock import ManualClock
from hutong.messages import inbox_of
from hutong.people import Choose
from hutong.schemes.deals import Deals
from tests.conftest import audit_clean
from tests.house import TestHouse, Town, make_house
from tests.lane import CITY

pytestmark = pytest.mark.anyio
ZONE = "Asia/Shanghai"
DAY = timedelta(days=1)
SHOP, STORE, PAIR = merchant_id("noodle-bar"), store_id("noodle-bar-lantern"), offer_id("noodle-bar", "autumn-pair")


@pytest.fixture
async def house(db: Database, clock: ManualClock):
    """The demo with its past; the doors of a house over it."""
    data = read_city()
    await load_city(db, data, now=clock.now())
    await live_through(db, data, {"deals": Deals()}, now=clock.now())
    made = await make_house(db, clock, town=Town(city_id=CITY))
    yield made
    await made.batches.close()


def mei(role: Role = Role.MERCHANT_OWNER, store: UUID | None = None) -> Actor:
    grant = Grant(grant_id=new_id(), role=role, city_id=CITY, merchant_id=SHOP, store_id=store)
    return Actor(member_id=member_id("mei"), name="Mei", grants=(grant,))


async def outlook(house: TestHouse) -> insight.Wave:
    async with house.db.reading(CITY) as tx:
        wave, _ = await waves.look_ahead(tx, SHOP, city_id=CITY, zone=ZONE, now=house.clock.now())
    return wave


async def test_the_forecast_is_what_is_out_and_the_alert_is_written(house: TestHouse):
    wave = await outlook(house)
    assert wave.outstanding == 24 * 3 - 10
    assert wave.capacity_from == "set"
    assert wave.profile.source == "own"
    expected = sum(day.mid for day in wave.days)
    # who has waited longer is likelier never to come: fewer than of fresh vouchers, and most of them still
    assert wave.outstanding / 2 < expected < wave.outstanding * (1 - wave.profile.never)
    async with house.db.reading(CITY) as tx:
        alert = (await insight.alerts(tx, [SHOP], city_id=CITY))[SHOP]
    assert alert == wave.alert
    assert alert.level >= 2


async def test_a_longer_validity_is_told_and_ends_the_alert(house: TestHouse):
    key, before = new_id(), (await outlook(house)).days
    count = await waves.extend(house, CITY, mei(), SHOP, offer_ids=[PAIR], days=30, zone=ZONE, key=key)
    again = await waves.extend(house, CITY, mei(), SHOP, offer_ids=[PAIR], days=30, zone=ZONE, key=key)
    assert (count, again) == (62, 0), "the same form sent twice lengthens once"
    async with house.db.reading() as tx:
        told = await inbox_of(tx, member_id("past-autumn-pair-0"))
    assert [one.kind for one in told] == ["extended"]
    after = await outlook(house)
    assert max(day.mid for day in after.days) < max(day.mid for day in before)
    async with house.db.reading(CITY) as tx:
        alert = (await insight.alerts(tx, [SHOP], city_id=CITY)).get(SHOP)
    assert alert is None or alert.level == 1
    assert await audit_clean(house.db)


async def test_holders_are_asked_once_in_fourteen_days_and_never_at_night(house: TestHouse, clock: ManualClock):
    clock.move(timedelta(hours=10))  # 22:00 on the clocks of the city
    count = await waves.ask_to_come(house, CITY, mei(), SHOP, zone=ZONE, key=new_id())
    assert count == 24
    assert await waves.tell_nudged(house, CITY, clock.now()) == 0, "nobody is told at night"
    with pytest.raises(NobodyToNudge):
        await waves.ask_to_come(house, CITY, mei(), SHOP, zone=ZONE, key=new_id())
    clock.move(timedelta(hours=12))
    assert await waves.tell_nudged(house, CITY, clock.now()) == 24
    assert await waves.tell_nudged(house, CITY, clock.now()) == 0, "told once"
    async with house.db.reading() as tx:
        told = await inbox_of(tx, member_id("past-autumn-pair-3"))
    assert [one.kind for one in told] == ["come_early"]
    day = datetime.fromisoformat(told[0].facts["day"]).date()
    wave = await outlook(house)
    assert wave.alert is None or day < wave.alert.day, "invited to a day before the crowd"
    clock.move(15 * DAY)
    assert await waves.ask_to_come(house, CITY, mei(), SHOP, zone=ZONE, key=new_id()) > 0
    assert await audit_clean(house.db)


async def test_who_wants_no_reminders_gets_none(house: TestHouse, clock: ManualClock):
    quiet = member_id("past-autumn-pair-5")
    async with house.db.member(quiet) as tx:
        no = Choose(member_id=quiet, consent_id=new_id(), purpose="reminders", channel="inbox", given=False)
        await people.choose(tx, [no], now=clock.now())
    await waves.ask_to_come(house, CITY, mei(), SHOP, zone=ZONE, key=new_id())
    await waves.tell_nudged(house, CITY, clock.now())
    async with house.db.reading() as tx:
        assert await inbox_of(tx, quiet) == []
        assert len(await inbox_of(tx, member_id("past-autumn-pair-6"))) == 1


async def test_a_sale_is_slowed_or_paused_by_its_owner_alone(house: TestHouse):
    async with house.db.reading(CITY) as tx:
        offer = (await catalog.offers(tx, [PAIR], city_id=CITY))[0]
        assert offer is not None
        assert offer.quota_id is not None
        (before,) = await inventory.quotas(tx, [offer.quota_id], city_id=CITY)
    with pytest.raises(catalog.OfferNotFound):
        await waves.slow(house, CITY, mei(Role.STORE_MANAGER, STORE), PAIR, how="pause")
    await waves.slow(house, CITY, mei(), PAIR, how="cap", more=5)
    async with house.db.reading(CITY) as tx:
        (after,) = await inventory.quotas(tx, [offer.quota_id], city_id=CITY)
    assert before is not None
    assert after is not None
    assert (before.remaining, after.remaining) == (48, 5)
    assert (await waves.slow(house, CITY, mei(), PAIR, how="pause")).status == "paused"
    assert await audit_clean(house.db)


def a_nudge(member: UUID, now: datetime) -> Nudge:
    return Nudge(
        nudge_id=new_id(), member_id=member, merchant_id=SHOP, offer_id=PAIR, voucher_id=new_id(),
        day=now.date(), by=new_id(), due_at=now,
    )  # fmt: skip


async def at_once(db: Database, now: datetime, work, *, members: int = 4, times: int = 8) -> int:
    """So many managers ask the same guests at the same moment; how many nudges there are afterwards."""
    guests = [new_id() for _ in range(members)]

    async def one() -> None:
        async with db.city(CITY) as tx:
            await work(tx, [a_nudge(guest, now) for guest in guests], now)

    await asyncio.gather(*(one() for _ in range(times)))
    async with db.reading(CITY) as tx:
        return await tx.value("select count(*) from insight.nudges where city_id = %(city)s", city=CITY)


async def test_two_managers_cannot_ask_the_same_guest_twice(db: Database, now):
    async def guarded(tx: Tx, asks, now) -> None:
        await insight.nudge(tx, asks, city_id=CITY, now=now)

    assert await at_once(db, now, guarded) == 4


async def test_without_the_lock_they_could(db: Database, now):
    """The control: look, wait, write. With this the race above has something to find."""

    async def unguarded(tx: Tx, asks, now) -> None:
        for ask in asks:
            there = await tx.value(
                "select count(*) from insight.nudges where city_id = %(city)s and member_id = %(member)s",
                city=CITY, member=ask.member_id,
            )  # fmt: skip
            await asyncio.sleep(0.02)
            if not there:
                await tx.run(
                    """insert into insight.nudges (city_id, nudge_id, member_id, merchant_id, offer_id, voucher_id, day,
                                                   by, due_at)
                       values (%(city)s, %(id)s, %(member)s, %(shop)s, %(offer)s, %(voucher)s, %(day)s, %(by)s,
                               %(due)s)""",
                    city=CITY, id=ask.nudge_id, member=ask.member_id, shop=SHOP, offer=PAIR, voucher=ask.voucher_id,
                    day=ask.day, by=ask.by, due=ask.due_at,
                )  # fmt: skip

    assert await at_once(db, now, unguarded) > 4
