"""The worker: killed at any moment it loses and doubles nothing; told to stop it finishes what it began."""

import asyncio
import contextlib
import random
import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from hutong.infra import metrics
from hutong.infra.db import Database, OutcomeUnknown
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.relay import Delivery, Handler, Registry, relay_all
from hutong.infra.tasks import SCHEMA_VERSION, Periodic, Queue, install, install_on, turn
from hutong.infra.worker import Worker, housekeeping
from hutong.kit.clock import SystemClock
from tests.conftest import audit_clean, fires
from tests.db.worker_process import handler, worker

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def proof(db: Database):
    """A table in which each effect leaves a row; nothing in it forbids a second one."""
    async with db.central() as tx:
        await tx.run("create table proof (n int, place bigint generated always as identity)")


async def record(db: Database, *numbers: int, fact_id: UUID | None = None) -> None:
    now = SystemClock().now()
    facts = [
        Fact(fact_id=fact_id or new_id(), city_id=1, topic="order.paid", subject=new_id(), payload={"n": n}, at=now)
        for n in numbers
    ]
    async with db.city(1) as tx:
        await tx.record(facts)


async def kept(db: Database) -> list[int]:
    async with db.reading() as tx:
        return [row["n"] for row in await tx.rows("select n from proof order by place")]


async def jobs(db: Database) -> list[dict]:
    async with db.reading() as tx:
        return await tx.rows("select * from procrastinate.procrastinate_jobs order by id")


async def until(check, seconds: float = 20) -> None:
    """Wait until `check()` is true."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(0.05)


async def finished(db: Database, expected: list[int]) -> None:
    async def done() -> bool:
        return await kept(db) == expected and await jobs(db) == []

    await until(done)


@contextlib.asynccontextmanager
async def process(url: str, *args: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The worker as a process that is surely gone afterwards."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.db.worker_process", url, *args, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def says(running: asyncio.subprocess.Process, word: str) -> None:
    assert running.stdout is not None
    async with asyncio.timeout(20):
        while (line := await running.stdout.readline()) != word.encode() + b"\n":
            assert line, f"the process ended before it said {word}"


async def test_facts_become_effects_and_the_queue_stays_empty(db: Database, proof):
    await record(db, *range(20))
    async with worker(db, handler()).beside():
        await finished(db, list(range(20)))
        await record(db, 20)
        await finished(db, list(range(21)))
    told = metrics.render().decode()
    assert re.search(r'hutong_tasks_total{outcome="done",task="keep"} [1-9]', told), "runs are counted"
    assert 'hutong_tasks_total{outcome="done",task="infra.watchdog"}' in told
    assert await audit_clean(db)


async def test_a_nudge_saves_the_wait_for_the_poll(db: Database, proof):
    one = Worker(db, Registry([handler()]), SystemClock(), poll_s=30)
    async with one.beside():
        await asyncio.sleep(0.5)
        await record(db, 1)
        one.nudge()
        await finished(db, [1])


async def test_a_worker_killed_in_its_work_loses_and_doubles_nothing(db: Database, database_url, proof):
    await record(db, 1, 2, 3)
    async with process(database_url, "60") as doomed:
        await says(doomed, "inside")
        assert await kept(db) == []
        (job,) = await jobs(db)
        assert job["status"] == "doing"
        doomed.kill()
        await doomed.wait()
    async with worker(db, handler()).beside():
        await finished(db, [1, 2, 3])
    assert await audit_clean(db)


async def test_killed_again_and_again_each_effect_is_there_once(db: Database, database_url, proof):
    numbers = list(range(300))
    chance = random.Random(7)
    for start in range(0, 300, 50):
        await record(db, *numbers[start : start + 50])
        async with process(database_url, "0.05") as doomed:
            await says(doomed, "ready")
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            doomed.kill()
    async with worker(db, handler()).beside():

        async def done() -> bool:
            return len(await kept(db)) >= 300 and await jobs(db) == []

        await until(done, 30)
    assert sorted(await kept(db)) == numbers
    assert await audit_clean(db)


async def test_a_worker_killed_after_its_effect_but_before_the_queue_knows(db: Database, clock, proof):
    """The effect is committed, the job still says `doing`: the second run must find nothing to do."""
    await record(db, 1, 2)
    async with worker(db, handler()).beside():
        await finished(db, [1, 2])
    async with db.central() as tx:
        facts = await tx.rows("update infra.facts set relayed_at = null where city_id = 1 returning fact_id")
        assert len(facts) == 2
    queue = Queue(db, Registry([handler()]), clock)
    async with queue.app.open_async():
        await relay_all(db, registry=Registry([handler()]), defer=queue.defer, now=clock.now())
        taken = await queue.app.job_manager.fetch_job(queues=None, worker_id=await dead_worker(db))
        assert taken is not None
    async with worker(db, handler()).beside():
        await finished(db, [1, 2])
    assert await audit_clean(db)


async def dead_worker(db: Database) -> int:
    async with db.central() as tx:
        return await tx.value(
            """insert into procrastinate.procrastinate_workers (last_heartbeat)
               values ('2020-01-01') returning id"""
        )


async def test_told_to_stop_it_finishes_what_it_began(db: Database, database_url, proof):
    await record(db, 1)
    async with process(database_url, "1") as running:
        await says(running, "inside")
        running.terminate()
        await says(running, "stopped")
        assert await running.wait() == 0
    assert await kept(db) == [1]
    assert await jobs(db) == []


async def test_work_that_outlasts_the_grace_is_handed_on(db: Database, proof):
    await record(db, 1)
    entered = asyncio.Event()

    async def slow(tx, facts, *, city_id, now):
        entered.set()
        await asyncio.sleep(60)

    stuck = Handler(name="keep", topics=frozenset({"order.paid"}), do=slow)
    async with Worker(db, Registry([stuck]), SystemClock(), poll_s=0.1, grace_s=0.3).beside():
        await asyncio.wait_for(entered.wait(), 10)
    (job,) = await jobs(db)
    assert job["status"] == "todo"
    async with worker(db, handler()).beside():
        await finished(db, [1])


async def test_it_works_on_after_its_connections_died(db: Database, proof):
    async with worker(db, handler()).beside():
        await record(db, 1)
        await finished(db, [1])
        async with await psycopg.AsyncConnection.connect(db.url, autocommit=True) as other:
            await other.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid()"""
            )

        fact_id = new_id()  # the same at each try: a try whose answer was lost may have succeeded

        async def recorded_and_kept() -> bool:
            try:
                await record(db, 2, fact_id=fact_id)
                return await kept(db) == [1, 2] and await jobs(db) == []
            except (psycopg.OperationalError, OutcomeUnknown):
                return False  # one of our own connections that died too

        await until(recorded_and_kept)


async def test_one_stopped_worker_of_two_is_enough(db: Database, proof):
    await record(db, *range(30))
    async with worker(db, handler()).beside() as first, worker(db, handler()).beside():
        first.stop()
        await record(db, *range(30, 60))
        await finished(db, list(range(60)))


async def test_a_watchdog_that_beats_too_seldom_is_refused(db: Database):
    with pytest.raises(ValueError):
        Worker(db, Registry(), SystemClock(), heartbeat_s=10, stalled_s=15)


async def test_each_turn_of_a_periodic_task_is_taken_once(db: Database, clock):
    turns = []

    async def do(db, now):
        turns.append(now)

    tick = Periodic(name="tick", every_s=60, do=do)
    took = await asyncio.gather(*(turn(db, tick, clock) for _ in range(8)))
    assert sum(took) == len(turns) == 1
    clock.move(timedelta(seconds=59))
    assert not await turn(db, tick, clock)
    clock.move(timedelta(seconds=1))
    assert await turn(db, tick, clock)
    assert len(turns) == 2


async def test_a_failing_periodic_task_is_noted_and_goes_on(db: Database, clock):
    async def do(db, now):
        if len(failed) < 3:
            raise RuntimeError("not today")

    failed = []
    tick = Periodic(name="tick", every_s=60, do=do)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await turn(db, tick, clock)
        failed.append(1)
        clock.move(timedelta(seconds=60))
    assert await fires(db, "J04")
    assert await turn(db, tick, clock)
    assert await audit_clean(db)


async def test_housekeeping_deletes_what_is_old(db: Database, clock):
    async with db.city(1) as tx:
        fact = Fact(fact_id=new_id(), city_id=1, topic="nobody", subject=new_id(), at=clock.now())
        await tx.record([fact])
        await tx.run("update infra.facts set relayed_at = at where city_id = 1")
    queue = Queue(db, Registry(), clock)

    async def cities(db):
        return [1]

    (forget,) = housekeeping(queue, cities, jobs_days=7, facts_days=30)
    async with queue.app.open_async():
        clock.move(timedelta(days=40))
        assert await turn(db, forget, clock)
    async with db.reading() as tx:
        assert await tx.value("select count(*) from infra.facts where city_id = 1") == 0


async def test_a_delivery_that_waits_already_is_not_doubled(db: Database, clock):
    queue = Queue(db, Registry([handler()]), clock)
    one = Delivery(handler="keep", city_id=1, facts=[new_id()])
    two = Delivery(handler="keep", city_id=1, facts=[new_id()])
    async with db.city(1) as tx:
        await queue.defer(tx, [one])
    async with db.city(1) as tx:
        await queue.defer(tx, [one, two])
    assert [job["args"]["facts"][0] for job in await jobs(db)] == [str(one.facts[0]), str(two.facts[0])]


async def test_the_queue_is_installed_once_in_a_schema_of_its_own(db: Database):
    install(db.url)
    with psycopg.connect(db.url) as conn:
        install_on(conn)
        row = conn.execute(
            """select count(*) from pg_class
               where relname like 'procrastinate%' and relnamespace = 'public'::regnamespace"""
        ).fetchone()
        assert row == (0,)
        path = conn.execute("show search_path").fetchone()
        assert path == ('"$user", public',)


def test_the_installed_queue_is_that_of_the_library():
    """A newer procrastinate may bring migrations of its own: then one of ours has to apply them."""
    newest = max(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    assert newest.startswith(SCHEMA_VERSION)
