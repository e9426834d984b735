"""Gathered reads: concurrent look-ups of one process share a statement and see what was committed before them."""

import asyncio
from collections import Counter

import psycopg
import pytest

from hutong.infra.batches import Batches, BatchRun
from hutong.infra.db import Database
from hutong.kit.refusals import Busy

pytestmark = pytest.mark.anyio


class Looking:
    """Looks items up in a table; keeps the sets it was asked for."""

    def __init__(self, pause: float = 0.0) -> None:
        self.sets: list[list[int]] = []
        self.pause = pause

    async def do(self, tx, items, *, city_id, now):
        self.sets.append(list(items))
        await asyncio.sleep(self.pause)
        rows = await tx.rows("select item, said from proof where item = any(%(items)s)", items=items)
        found = {row["item"]: row["said"] for row in rows}
        return [found.get(item) for item in items]


@pytest.fixture
async def proof(db: Database):
    async with db.central() as tx:
        await tx.run("create table proof (item int primary key, said text not null)")
        await tx.run("insert into proof select n, 'number ' || n from generate_series(0, 99) n")


@pytest.fixture
def runs() -> list[BatchRun]:
    return []


@pytest.fixture
async def batches(db: Database, clock, proof, runs):
    batches = Batches(db, clock, observe=runs.append)
    yield batches
    await batches.close()


async def test_looks_at_once_share_statements_and_none_is_an_answer(batches: Batches, runs):
    looking = Looking(pause=0.005)
    look = batches.register("look", looking.do, reading=True)
    found = await asyncio.gather(*(look(0, n % 120) for n in range(240)))
    assert found == [f"number {n % 120}" if n % 120 < 100 else None for n in range(240)]
    assert len(looking.sets) <= 3
    assert sum(run.size for run in runs) == 240


async def test_a_look_sees_what_was_committed_before_it(db: Database, batches: Batches):
    look = batches.register("look", Looking(pause=0.02).do, reading=True)
    early = asyncio.create_task(look(0, 500))
    await asyncio.sleep(0.005)  # it is under way
    async with db.central() as tx:
        await tx.run("insert into proof values (500, 'just now')")
    assert await asyncio.gather(*(look(0, 500) for _ in range(5))) == ["just now"] * 5
    await early


async def test_a_reading_operation_cannot_write(batches: Batches):
    async def do(tx, items, *, city_id, now):
        await tx.run("delete from proof")
        return items

    sly = batches.register("sly", do, reading=True)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await sly(0, 1)


async def test_looks_go_on_while_all_writes_wait(db: Database, batches: Batches):
    gate = asyncio.Event()

    async def stuck(tx, items, *, city_id, now):
        await gate.wait()
        return items

    write = batches.register("write", stuck)
    look = batches.register("look", Looking().do, reading=True)
    writing = [asyncio.create_task(write(city, 1)) for city in range(20)]
    await asyncio.sleep(0.02)
    assert await look(0, 7) == "number 7"
    gate.set()
    await asyncio.gather(*writing)


async def test_a_server_that_hung_up_costs_a_look_nothing(db: Database, batches: Batches, runs):
    calls: Counter[str] = Counter()
    looking = Looking()

    async def do(tx, items, *, city_id, now):
        calls["all"] += 1
        if calls["all"] == 1:
            pid = await tx.value("select pg_backend_pid()")
            async with db.central() as other:
                await other.value("select pg_terminate_backend(%(pid)s)", pid=pid)
        return await looking.do(tx, items, city_id=city_id, now=now)

    look = batches.register("look", do, reading=True)
    assert await look(0, 3) == "number 3"
    assert runs[0].again == {"connection": 1}


async def test_a_poisoned_look_fails_alone(batches: Batches):
    look = batches.register("look", Looking().do, reading=True)
    results = await asyncio.gather(*(look(0, n) for n in (1, "x", 3)), return_exceptions=True)
    assert (results[0], results[2]) == ("number 1", "number 3")
    assert isinstance(results[1], psycopg.errors.DatabaseError)


async def test_who_looks_while_the_process_stops_is_told_busy(db: Database, clock, proof):
    batches = Batches(db, clock)
    look = batches.register("look", Looking(pause=0.02).do, reading=True)
    under_way = asyncio.create_task(look(0, 1))
    await asyncio.sleep(0)
    await batches.close()
    assert await under_way == "number 1"
    with pytest.raises(Busy):
        await look(0, 2)
