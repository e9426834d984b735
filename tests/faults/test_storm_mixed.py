"""Everything is done to the same orders at once, on four serving processes, while rounds of expiry go over them:
no deadlock, no fault, no key with two answers, and the books agree."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hutong import inventory, orders
from hutong.cli.bench.storm.asking import Client
from hutong.cli.bench.storm.crowding import Mixed, Shop, World
from hutong.cli.bench.storm.journal import Journal
from hutong.cli.bench.storm.mixing import retries, wrong_with
from hutong.infra.db import Database
from hutong.kit.clock import ManualClock, SystemClock
from hutong.kit.ids import OFFER
from hutong.kit.money import Amount
from hutong.kit.refusals import Busy
from hutong.payments import Addresses, Courier
from tests.conftest import audit_clean
from tests.faults.installation import Installation
from tests.faults.test_race_matrix import another, deadlocks
from tests.lane import CITY

pytestmark = pytest.mark.anyio

SECONDS = 6
OFFERS = 4  # for money, and as many for nothing


async def a_world(it: Installation) -> World:
    """One merchant with deals to be paid for and deals for nothing; Tao is at the till."""
    now, lane = it.house.clock.now(), it.lane
    shops = []
    for price in (6_800, 0):
        lanes = [await another(it.db, lane, now, price=Amount(price, "CNY")) for _ in range(OFFERS)]
        offers = tuple(OFFER.show(one.offer.offer_id, CITY) for one in lanes)
        shops.append(Shop(offers=offers, store=it.store, till=it.cast.tokens["tao"], priced=price > 0))
    return World(shops=tuple(shops), tokens=tuple(await it.buyers(30)))


async def rounds(db: Database, stop: asyncio.Event) -> int:
    """What the worker does from time to time, here all the time, and with a clock that runs ahead: whatever is unpaid
    or unused may end at any moment. How many rounds there were."""
    count = 0
    while not stop.is_set():
        now = SystemClock().now()
        count += 1
        try:
            await db.run_city(
                CITY, lambda tx, late=now + timedelta(minutes=16): orders.expire_unpaid(tx, city_id=CITY, now=late)
            )
            await db.run_city(CITY, lambda tx, late=now: inventory.expire(tx, city_id=CITY, now=late))
            if count % 8 == 0:
                late = now + timedelta(days=40)
                await db.run_city(CITY, lambda tx, late=late: orders.expire_vouchers(tx, city_id=CITY, now=late))
        except Busy:
            pass
        await asyncio.sleep(0.1)
    return count


async def test_all_at_once_on_four_processes_is_no_deadlock(shared: Installation, tmp_path: Path):
    port = shared.settings.port
    server = await shared.server(port, workers=4)
    worker = shared.worker()
    world = await a_world(shared)
    before = await deadlocks(shared.db)
    stop = asyncio.Event()
    with Journal(tmp_path / "journal") as journal:
        client = Client("127.0.0.1", port, journal)
        mixed = Mixed(client, world, seed=1)
        ending = asyncio.create_task(rounds(shared.db, stop))
        await asyncio.wait_for(mixed.run(SECONDS, at_once=24), 120)
        stop.set()
        assert await ending > 3
        client.close()
    again = await asyncio.to_thread(retries, f"http://127.0.0.1:{port}")
    assert "deadlock" not in again
    assert not wrong_with(mixed, journal, deadlocks=await deadlocks(shared.db) - before)
    await nothing_in_doubt(shared)
    await server.stop()
    await worker.stop()
    assert await audit_clean(shared.db)


async def nothing_in_doubt(it: Installation) -> None:
    """Unpaid orders end, and the provider is asked about the last payments, by a clock that runs ahead as the rounds
    did: by it, whatever is still open is in doubt for too long."""
    late = SystemClock().now() + timedelta(days=41)
    courier = Courier(
        it.db, it.house.providers, clock=ManualClock(late), settle=orders.receive,
        addresses=Addresses(notify="http://127.0.0.1/unused", back="http://127.0.0.1/unused"),
    )  # fmt: skip
    async with asyncio.timeout(60):
        while True:
            await it.db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=late))
            while await courier.round(CITY):
                pass
            async with it.db.reading() as tx:
                if not await tx.value(
                    "select count(*) from payments.payments where state in ('created', 'unknown', 'opened')"
                ):
                    return
            await asyncio.sleep(0.2)


def test_a_storm_that_showed_nothing_proves_nothing(tmp_path: Path):
    """The control of `wrong_with`: nothing seen, one deadlock, one fault and one torn key are four faults."""
    with Journal(tmp_path / "journal") as journal:
        mixed = Mixed(Client("127.0.0.1", 1, journal), World(shops=(), tokens=()), seed=1)
        journal.defect("order", "fault 500")
        journal.note("order", "k", "ok", "one")
        journal.note("order", "k", "ok", "two")
        assert len(wrong_with(mixed, journal, deadlocks=1)) == 4
