"""PostgreSQL dies by SIGKILL under load, on a disk that syncs. What was acknowledged is there, what failed is not,
and what is unknown becomes exactly one effect when it is asked for again with its key."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec import Struct

from hutong import vouchers
from hutong.desk.house import House
from hutong.infra.answers import Answer, Ask, fingerprint
from hutong.infra.db import Database, OutcomeUnknown
from hutong.infra.embedded import EmbeddedPostgres, temporary
from hutong.infra.faults import of_the_house
from hutong.infra.ids import new_id
from hutong.infra.migrate import migrate
from hutong.kit.clock import SystemClock
from hutong.kit.refusals import Busy, Refusal
from hutong.orders import Placed
from hutong.vouchers import Redeemed
from tests.api.house import make_house
from tests.conftest import audit_clean
from tests.faults.journal import Journal
from tests.lane import CITY, Lane, a_lane, a_place, a_redeem, captured, hear, units
from tests.pocket import PocketPay

pytestmark = pytest.mark.anyio

CLIENTS = 12
KILLS = 3


class Town(Struct):
    """A house on a server that may be killed."""

    server: EmbeddedPostgres
    house: House
    lane: Lane


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    with temporary(fsync=True, memory_mb=32) as server:
        migrate(server.url)
        db = await Database(server.url).open()
        clock = SystemClock()
        lane = await a_lane(db, clock.now(), quota=1_000_000)
        house = make_house(db, clock, tmp_path, {"sandbox": PocketPay()})
        yield Town(server=server, house=house, lane=lane)
        await house.batches.close()
        await db.close()


class Client:
    """Buys, is paid for and redeems, again and again, and writes down what it was told."""

    def __init__(self, town: Town, journal: Journal) -> None:
        self.town, self.journal = town, journal

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            placed = await self.place(new_id())
            if placed is None:
                await asyncio.sleep(0.02)
                continue
            if await self.pay(placed):
                await self.redeem(placed)

    async def told(self, op: str, key: Any, item: Any) -> Any:
        """One keyed write as an edge without patience makes it. None unless it was acknowledged as done."""
        try:
            answer: Any = await self.town.house.batches.submit(op, CITY, item)
        except OutcomeUnknown:
            return self.journal.note(op, str(key), "unknown")
        except Busy:
            return self.journal.note(op, str(key), "fail")
        result = answer.result if isinstance(answer, Answer) else answer
        if isinstance(result, Refusal):
            return self.journal.note(op, str(key), "fail", result.code)
        self.journal.note(op, str(key), "ok", result)
        return result

    async def place(self, key: Any) -> Placed | None:
        """The key names the buyer; each try brings ids of its own, as an edge does."""
        request = a_place(self.town.lane, member_id=key)
        ask = Ask(actor=key, key=str(key), fingerprint=fingerprint(str(key)), request=request)
        return await self.told("orders.place", key, ask)

    async def pay(self, placed: Placed) -> bool:
        """A callback: told again until it is taken."""
        for _ in range(200):
            try:
                await hear(self.town.house.db, [captured(placed)], self.town.house.clock.now())
            except Exception as error:
                if not of_the_house(error):
                    raise
                await asyncio.sleep(0.1)
            else:
                self.journal.note("receive", str(placed.order_id), "ok")
                return True
        raise TimeoutError("the database did not come back")

    async def redeem(self, placed: Placed) -> Redeemed | None:
        try:
            (unit,) = await units(self.town.house.db, placed.order_id)
        except (psycopg.OperationalError, Busy):
            return None
        return await self.redeem_unit(unit)

    async def redeem_unit(self, unit: Any) -> Redeemed | None:
        now, lane = self.town.house.clock.now(), self.town.lane
        ask = a_redeem(lane, unit, now, request_no=str(unit.voucher_id), presented=unit.code)
        return await self.told("settlement.redeem", unit.voucher_id, ask)


async def killed_again_and_again(town: Town, journal: Journal, clients: list[asyncio.Task[None]]) -> None:
    """Load, a kill in the middle of it, back, more load; three times. It answers again after each."""
    for lives in range(1, KILLS + 1):
        before = len(journal.entries("orders.place", "ok"))
        for _ in range(300):
            if len(journal.entries("orders.place", "ok")) >= before + 40 or any(one.done() for one in clients):
                break
            await asyncio.sleep(0.1)
        pid = town.server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert await asyncio.to_thread(town.server.wait_ready, 30, restarts=lives)
    await asyncio.sleep(1)


async def counted(db: Database, sql: str) -> dict[str, int]:
    async with db.reading(CITY) as tx:
        return {str(row["key"]): row["count"] for row in await tx.rows(sql, city=CITY)}


ORDERS = "select member_id as key, count(*) as count from orders.orders where city_id = %(city)s group by 1"
USES = "select voucher_id as key, count(*) as count from vouchers.redemptions where city_id = %(city)s group by 1"
PAID = """select order_id as key, count(*) as count from orders.orders
          where city_id = %(city)s and state = 'paid' group by 1"""


async def test_what_was_acknowledged_survives_and_the_unknown_becomes_one(town: Town, tmp_path: Path):
    with Journal(tmp_path / "journal") as journal:
        client, stop = Client(town, journal), asyncio.Event()
        clients = [asyncio.create_task(client.run(stop)) for _ in range(CLIENTS)]
        try:
            await killed_again_and_again(town, journal, clients)
        finally:
            stop.set()
            await asyncio.wait_for(asyncio.gather(*clients), 60)
        db = town.house.db
        orders, uses, paid = await counted(db, ORDERS), await counted(db, USES), await counted(db, PAID)
        assert len(journal.entries("orders.place", "ok")) > KILLS * 40
        for entry in journal.entries("orders.place", "ok"):
            assert orders[entry.key] == 1
        for entry in journal.entries("receive", "ok"):
            assert paid[entry.key] == 1
        for entry in journal.entries("settlement.redeem", "ok"):
            assert uses[entry.key] == 1
        for op, there in (("orders.place", orders), ("settlement.redeem", uses)):
            assert not [entry for entry in journal.entries(op, "fail") if entry.key in there]
        await resolved(client, journal)
        assert await audit_clean(db)


async def resolved(client: Client, journal: Journal) -> None:
    """Every unknown one is asked for again, with the same key and new ids of ours: one effect, and it is told."""
    db = client.town.house.db
    for entry in journal.entries("orders.place", "unknown"):
        placed = await client.place(UUID(entry.key))
        assert placed is not None
        assert (await counted(db, ORDERS))[entry.key] == 1
    async with db.reading(CITY) as tx:
        unsure = [UUID(entry.key) for entry in journal.entries("settlement.redeem", "unknown")]
        found = await vouchers.by_ids(tx, unsure, city_id=CITY)
    for unit in found:
        assert await client.redeem_unit(unit) is not None
    uses = await counted(db, USES)
    assert all(uses[str(unit.voucher_id)] == 1 for unit in found)
