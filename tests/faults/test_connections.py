"""Connections die while they wait in the pool or while they work: who comes next notices nothing."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutong.infra.db import Database, OutcomeUnknown, Tx
from hutong.kit.clock import SystemClock
from tests.api.house import make_application, make_house, web_client
from tests.catalog_town import a_city

pytestmark = pytest.mark.anyio


async def hang_up(url: str) -> None:
    """The server ends every connection to this database, as a restart does."""
    others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute(f"select pg_terminate_backend(pid) {others}".encode())
        for _ in range(500):
            if await (await conn.execute(f"select count(*) {others}".encode())).fetchone() == (0,):
                return
            await asyncio.sleep(0.01)


async def crowded(db: Database, statement: str = "select 1", size: int = 8) -> None:
    """All connections of both pools are open and idle afterwards, and each has run the statement."""
    together = asyncio.Barrier(2 * size)

    async def one(door) -> None:
        async with door as tx:
            await tx.run(statement)
            await together.wait()

    doors = [*(db.city(1) for _ in range(size)), *(db.reading(1) for _ in range(size))]
    await asyncio.wait_for(asyncio.gather(*map(one, doors)), 60)


async def answers(db: Database) -> list[int]:
    async def read() -> int:
        async with db.reading(1) as tx:
            return await tx.value("select 1")

    async def write() -> int:
        async with db.city(1) as tx:
            return await tx.value("select 2")

    return sorted(await asyncio.gather(*(read() for _ in range(20)), *(write() for _ in range(20))))


async def test_a_pool_full_of_dead_connections_costs_nobody_an_error(db: Database):
    for _ in range(3):
        await crowded(db)
        await hang_up(db.url)
        began = asyncio.get_running_loop().time()
        assert await answers(db) == [1] * 20 + [2] * 20
        assert asyncio.get_running_loop().time() - began < 5


async def test_control_a_plain_pool_hands_the_dead_out(db: Database):
    await crowded(db)
    await hang_up(db.url)
    with pytest.raises(psycopg.OperationalError):
        async with db._readers.connection() as conn:
            await conn.execute("select 1")


async def test_a_notice_is_no_hang_up(db: Database):
    """Something unasked lies on every connection: all of them stay in use."""
    await crowded(db, "listen gossip")
    before = db.stats()["readers_connections_num"], db.stats()["writers_connections_num"]
    async with await psycopg.AsyncConnection.connect(db.url, autocommit=True) as conn:
        await conn.execute("notify gossip")
    await asyncio.sleep(0.2)
    assert await answers(db) == [1] * 20 + [2] * 20
    assert (db.stats()["readers_connections_num"], db.stats()["writers_connections_num"]) == before


async def test_a_transaction_cut_off_before_its_commit_is_done_again_and_once(db: Database, now: datetime):
    async with db.central() as tx:
        await tx.run("create table proof (n int)")
    tries = []

    async def work(tx: Tx) -> int:
        tries.append(1)
        await tx.run("insert into proof values (1)")
        if len(tries) < 3:
            await hang_up(db.url)
            await tx.value("select 1")
        return len(tries)

    assert await db.run_city(1, work) == 3
    async with db.reading() as tx:
        assert await tx.value("select count(*) from proof") == 1


async def test_a_transaction_cut_off_in_its_commit_is_unknown_and_not_done_again(db: Database):
    tries = []

    async def work(tx: Tx) -> None:
        tries.append(1)
        await tx.run("select 1")
        await hang_up(db.url)

    with pytest.raises(OutcomeUnknown):
        await db.run_city(1, work)
    assert len(tries) == 1


@pytest.mark.parametrize("path", ["/api/v1/cities", "/"])
async def test_a_request_whose_connection_dies_is_told_to_come_again(database_url: str, tmp_path: Path, path: str):
    """Busy, with the seconds to wait, in the API as on a page; never called a defect of ours."""
    dying = False

    def last_words(sql: str, params: dict[str, Any]) -> None:
        if dying:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    db = await Database(database_url, observer=last_words).open()
    house = make_house(db, SystemClock(), tmp_path, {})
    async with web_client(make_application(house)) as web:
        await a_city(db)
        dying = True
        answer = await web.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        dying = False
        assert (await web.get(path)).status_code < 400
    await house.batches.close()
    await db.close()
