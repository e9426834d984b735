"""Group commit: many submits, few transactions; the poisoned, the cancelled and the late harm only themselves."""

import asyncio
import contextlib

import psycopg
import pytest

from hutong.infra.batches import Batches, BatchRun
from hutong.infra.db import Database, OutcomeUnknown
from hutong.kit.refusals import Busy, NotFound
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


class Counter:
    """An operation that keeps each item in a table and counts how it was called."""

    def __init__(self, pause: float = 0.01) -> None:
        self.sets: list[list[int]] = []
        self.cities: list[int] = []
        self.pause = pause

    async def do(self, tx, items, *, city_id, now):
        self.sets.append(list(items))
        self.cities.append(city_id)
        await tx.run("insert into proof select unnest(%(items)s::int[])", items=[i for i in items if i >= 0])
        await asyncio.sleep(self.pause)
        if 13 in items:
            raise ValueError("thirteen")
        return [NotFound() if i < 0 else i * 10 for i in items]


@pytest.fixture
async def proof(db: Database):
    async with db.central() as tx:
        await tx.run("create table proof (item int primary key)")


@pytest.fixture
def runs() -> list[BatchRun]:
    return []


@pytest.fixture
async def batches(db: Database, clock, proof, runs):
    batches = Batches(db, clock, observe=runs.append)
    yield batches
    await batches.close()


async def kept(db: Database) -> set[int]:
    async with db.reading() as tx:
        return {row["item"] for row in await tx.rows("select item from proof")}


async def test_two_hundred_submits_take_few_transactions(db: Database, batches: Batches, runs):
    counter = Counter()
    submit = batches.register("keep", counter.do, size=64)
    results = await asyncio.gather(*(submit(1, i) for i in range(100, 300)))
    assert results == [i * 10 for i in range(100, 300)]
    assert len(counter.sets) <= 6
    assert max(len(s) for s in counter.sets) <= 64
    assert [i for s in counter.sets for i in s] == list(range(100, 300))  # first come, first served
    assert sum(run.size for run in runs) == 200
    assert len(await kept(db)) == 200
    assert await audit_clean(db)


async def test_control_one_by_one_there_are_two_hundred_transactions(db: Database, batches: Batches):
    counter = Counter(pause=0)
    submit = batches.register("keep", counter.do, size=1)
    await asyncio.gather(*(submit(1, i) for i in range(100, 300)))
    assert len(counter.sets) == 200


async def test_one_item_runs_at_once_and_alone(batches: Batches, runs):
    counter = Counter(pause=0)
    submit = batches.register("keep", counter.do)
    assert await submit(1, 7) == 70
    assert (runs[0].size, runs[0].parts) == (1, 1)
    assert runs[0].waited_s < 0.05


async def test_a_wait_gathers_company(batches: Batches):
    counter = Counter(pause=0)
    submit = batches.register("keep", counter.do, wait_ms=80)
    first = asyncio.create_task(submit(1, 1))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(submit(1, 2))
    assert await asyncio.gather(first, second) == [10, 20]
    assert counter.sets == [[1, 2]]


async def test_each_city_has_its_own_transaction(batches: Batches):
    counter = Counter()
    submit = batches.register("keep", counter.do)
    await asyncio.gather(*(submit(i % 2, i) for i in range(20, 40)))
    assert sorted(counter.cities) == [0, 1]


async def test_a_poisoned_item_fails_alone(db: Database, batches: Batches, runs):
    counter = Counter(pause=0)
    submit = batches.register("keep", counter.do)
    results = await asyncio.gather(*(submit(1, i) for i in range(10, 30)), return_exceptions=True)
    assert isinstance(results[3], ValueError)
    assert [r for i, r in enumerate(results) if i != 3] == [i * 10 for i in range(10, 30) if i != 13]
    assert await kept(db) == set(range(10, 30)) - {13}
    assert runs[0].parts > 1
    assert len(counter.sets) < 12  # halves, not twenty single ones


async def test_an_item_that_the_database_refuses_fails_alone(db: Database, batches: Batches):
    submit = batches.register("keep", Counter(pause=0).do)
    await submit(1, 5)
    results = await asyncio.gather(*(submit(1, i) for i in (4, 5, 6)), return_exceptions=True)
    assert results[0] == 40
    assert isinstance(results[1], psycopg.errors.UniqueViolation)
    assert results[2] == 60


async def test_a_refusal_is_a_value_and_splits_nothing(batches: Batches, runs):
    submit = batches.register("keep", Counter(pause=0).do)
    results = await asyncio.gather(*(submit(1, i) for i in (1, -1, 2)))
    assert results == [10, NotFound(), 20]
    assert [run.parts for run in runs] == [1]


async def test_who_leaves_does_not_take_the_others_along(db: Database, batches: Batches):
    counter = Counter(pause=0.05)
    submit = batches.register("keep", counter.do)
    running = [asyncio.create_task(submit(1, i)) for i in (1, 2)]
    await asyncio.sleep(0.02)
    waiting = [asyncio.create_task(submit(1, i)) for i in (3, 4)]
    await asyncio.sleep(0)
    running[0].cancel()
    waiting[0].cancel()
    results = await asyncio.gather(*running, *waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert isinstance(results[2], asyncio.CancelledError)
    assert (results[1], results[3]) == (20, 40)
    assert await kept(db) == {1, 2, 4}  # 1 was under way already, 3 had not begun


async def test_a_full_queue_says_busy_before_it_grows(batches: Batches):
    submit = batches.register("keep", Counter(pause=0.05).do, size=2, queue=4)
    results = await asyncio.gather(*(submit(1, i) for i in range(20)), return_exceptions=True)
    busy = [r for r in results if isinstance(r, Busy)]
    assert len(busy) == 16
    assert busy[0].facts["retry_after"] >= 1
    assert [r for r in results if not isinstance(r, Busy)] == [0, 10, 20, 30]
    assert batches.waiting() == {"keep": 0}


async def test_an_unknown_outcome_reaches_all_and_is_not_repeated(batches: Batches):
    calls = []

    async def do(tx, items, *, city_id, now):
        calls.append(items)
        raise OutcomeUnknown("lost while committing")

    submit = batches.register("lost", do)
    results = await asyncio.gather(*(submit(1, i) for i in range(3)), return_exceptions=True)
    assert [type(r) for r in results] == [OutcomeUnknown] * 3
    assert len({id(r) for r in results}) == 3
    assert len(calls) == 1


async def test_a_lost_connection_before_the_commit_is_tried_again(db: Database, batches: Batches):
    counter, killed = Counter(pause=0), []

    async def do(tx, items, *, city_id, now):
        if not killed:
            killed.append(await tx.value("select pg_backend_pid()"))
            async with db.reading() as other:
                await other.value("select pg_terminate_backend(%(pid)s)", pid=killed[0])
            await asyncio.sleep(0.05)
        return await counter.do(tx, items, city_id=city_id, now=now)

    submit = batches.register("keep", do)
    assert await submit(1, 1) == 10
    assert await kept(db) == {1}


async def test_a_deadlock_is_tried_again(batches: Batches):
    calls = []

    async def do(tx, items, *, city_id, now):
        calls.append(items)
        if len(calls) == 1:
            raise psycopg.errors.DeadlockDetected
        return items

    submit = batches.register("keep", do)
    assert await submit(1, 1) == 1
    assert len(calls) == 2


async def test_a_lock_that_does_not_come_free_is_busy_for_all(batches: Batches):
    async def do(tx, items, *, city_id, now):
        raise psycopg.errors.LockNotAvailable

    submit = batches.register("stuck", do)
    results = await asyncio.gather(*(submit(1, i) for i in range(3)), return_exceptions=True)
    assert [type(r) for r in results] == [Busy] * 3


async def test_an_operation_that_miscounts_is_an_error(batches: Batches):
    async def do(tx, items, *, city_id, now):
        return []

    submit = batches.register("short", do)
    with pytest.raises(RuntimeError):
        await submit(1, 1)


async def test_close_finishes_what_waits_and_takes_no_more(db: Database, clock, proof):
    batches = Batches(db, clock)
    submit = batches.register("keep", Counter(pause=0.03).do, size=5)
    tasks = [asyncio.create_task(submit(1, i)) for i in range(20, 40)]
    await asyncio.sleep(0)
    await batches.close()
    assert await asyncio.gather(*tasks) == [i * 10 for i in range(20, 40)]
    assert len(await kept(db)) == 20
    with pytest.raises(Busy):
        await submit(1, 99)


async def test_many_cities_share_a_bounded_number_of_transactions(db: Database, clock, proof):
    batches = Batches(db, clock, at_once=3)
    counter, inside, most = Counter(), set(), []

    async def do(tx, items, *, city_id, now):
        inside.add(city_id)
        most.append(len(inside))
        try:
            return await counter.do(tx, items, city_id=city_id, now=now)
        finally:
            inside.discard(city_id)

    submit = batches.register("keep", do)
    await asyncio.gather(*(submit(i, i) for i in range(20, 40)))
    assert max(most) <= 3
    assert len(await kept(db)) == 20
    await batches.close()


async def test_an_item_whose_sent_statement_fails_at_the_commit_fails_alone(db: Database, batches: Batches, runs):
    """What is sent and not waited for fails later, with the same error, and nobody is acknowledged meanwhile."""

    async def do(tx, items, *, city_id, now):
        await tx.send("insert into proof select unnest(%(items)s::int[])", items=items)
        return [i * 10 for i in items]

    submit = batches.register("keep", do)
    await submit(1, 5)
    results = await asyncio.gather(*(submit(1, i) for i in (4, 5, 6)), return_exceptions=True)
    assert (results[0], results[2]) == (40, 60)
    assert isinstance(results[1], psycopg.errors.UniqueViolation)
    assert await kept(db) == {4, 5, 6}
    assert runs[-1].again == {}


async def test_a_sent_statement_that_a_deadlock_ended_is_tried_again(db: Database, batches: Batches, runs):
    calls = []

    async def do(tx, items, *, city_id, now):
        calls.append(items)
        if len(calls) == 1:
            await tx.send("do $$ begin raise exception using errcode = '40P01'; end $$")
        await tx.send("insert into proof select unnest(%(items)s::int[])", items=items)
        return items

    submit = batches.register("keep", do)
    assert await submit(1, 1) == 1
    assert await kept(db) == {1}
    assert runs[-1].again == {"deadlock": 1}


async def test_a_transaction_whose_fault_was_swallowed_is_never_acknowledged(db: Database, batches: Batches):
    """PostgreSQL answers COMMIT of a broken transaction with ROLLBACK, and without an error."""

    async def do(tx, items, *, city_id, now):
        await tx.run("insert into proof select unnest(%(items)s::int[])", items=items)
        with contextlib.suppress(psycopg.errors.DivisionByZero):
            await tx.run("select 1 / 0")
        return items

    submit = batches.register("keep", do)
    with pytest.raises(psycopg.Error):
        await submit(1, 1)
    assert await kept(db) == set()
