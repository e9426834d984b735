"""The relay: each committed fact becomes a job exactly once, in order, and its effect is there exactly once."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from hutong.infra.db import Database
from hutong.infra.delivery import apply, catch_up, deliver, forget, revive
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.relay import Backlog, Delivery, Errand, Handler, Registry, backlog, relay_all, relay_city
from hutong.infra.tasks import Queue
from tests.conftest import audit_clean, fires

pytestmark = pytest.mark.anyio


def a_fact(now, n=0, topic="order.paid", city_id=1) -> Fact:
    return Fact(
        fact_id=new_id(),
        city_id=city_id,
        topic=topic,
        subject=new_id(),
        payload={"n": n},
        at=now + timedelta(seconds=n),
    )


@pytest.fixture
async def proof(db: Database):
    """Each effect leaves a row; nothing in the table forbids a second one."""
    async with db.central() as tx:
        await tx.run("create table proof (handler text, n int, place bigint generated always as identity)")


def keeper(name="keep", **kw) -> Handler:
    async def do(tx, facts, *, city_id, now):
        assert all(fact.city_id == city_id for fact in facts)
        for fact in facts:
            await tx.run("insert into proof (handler, n) values (%(h)s, %(n)s)", h=name, n=fact.payload["n"])
            if fact.payload["n"] == 13:
                raise ValueError("no luck, call 13800138000")

    kw.setdefault("topics", frozenset({"order.paid"}))
    return Handler(name=name, do=do, **kw)


async def record(db: Database, *facts: Fact) -> None:
    async with db.city(1) as tx:
        await tx.record(facts)


async def kept(db: Database, handler="keep") -> list[int]:
    async with db.reading() as tx:
        rows = await tx.rows("select n from proof where handler = %(h)s order by place", h=handler)
        return [row["n"] for row in rows]


class Notebook:
    """A queue that only notes what it was given."""

    def __init__(self) -> None:
        self.noted: list[Delivery] = []
        self.waits: list[float] = []

    async def defer(self, tx, deliveries, *, wait_s=0):
        self.noted += deliveries
        self.waits += [wait_s] * len(deliveries)

    def facts(self) -> list[UUID]:
        return [fact_id for delivery in self.noted for fact_id in delivery.facts]


async def jobs(db: Database) -> list[dict]:
    async with db.reading() as tx:
        return await tx.rows("select * from procrastinate.procrastinate_jobs order by id")


async def run_jobs(db: Database, registry: Registry, notebook: Notebook, now, attempts=0) -> None:
    todo, notebook.noted, notebook.waits = notebook.noted, [], []
    for one in todo:
        await deliver(db, registry.handlers[one.handler], one, attempts=attempts, defer=notebook.defer, now=now)


async def test_each_fact_goes_to_those_who_asked_for_its_topic(db: Database, now):
    registry = Registry(
        [
            keeper("paid"),
            keeper("used", topics=frozenset({"voucher.used", "voucher.unused"})),
            keeper("all", topics=frozenset({"*"})),
        ]
    )
    paid, used, other = a_fact(now, 1), a_fact(now, 2, "voucher.used"), a_fact(now, 3, "nobody.cares")
    await record(db, paid, used, other)
    notebook = Notebook()
    assert await relay_all(db, registry=registry, defer=notebook.defer, now=now) == 3
    assert {d.handler: d.facts for d in notebook.noted} == {
        "paid": [paid.fact_id],
        "used": [used.fact_id],
        "all": [paid.fact_id, used.fact_id, other.fact_id],
    }
    assert await relay_all(db, registry=registry, defer=notebook.defer, now=now) == 0


async def test_facts_come_in_the_order_of_their_time_in_bounded_sets(db: Database, now, proof):
    registry, notebook = Registry([keeper(size=3)]), Notebook()
    facts = [a_fact(now, n) for n in (5, 2, 9, 1, 7, 4, 3, 8)]
    await record(db, *facts)
    assert await relay_all(db, registry=registry, defer=notebook.defer, now=now, limit=5) == 5
    assert await relay_all(db, registry=registry, defer=notebook.defer, now=now, limit=5) == 3
    assert [len(d.facts) for d in notebook.noted] == [3, 2, 3]
    await run_jobs(db, registry, notebook, now)
    assert await kept(db) == [1, 2, 3, 4, 5, 7, 8, 9]
    assert await audit_clean(db)


async def test_each_city_has_its_own_deliveries(db: Database, now):
    notebook = Notebook()
    for city_id in (1, 2):
        async with db.city(city_id) as tx:
            await tx.record([a_fact(now, n, city_id=city_id) for n in range(2)])
    await relay_all(db, registry=Registry([keeper()]), defer=notebook.defer, now=now)
    assert [(d.city_id, len(d.facts)) for d in notebook.noted] == [(1, 2), (2, 2)]


async def test_a_relay_that_fails_leaves_neither_job_nor_mark(db: Database, clock, now):
    registry = Registry([keeper()])
    queue = Queue(db, registry, clock)

    async def half(tx, deliveries, *, wait_s=0):
        await queue.defer(tx, deliveries)
        raise RuntimeError("pulled the plug")

    await record(db, a_fact(now))
    with pytest.raises(RuntimeError):
        await relay_all(db, registry=registry, defer=half, now=now)
    assert await jobs(db) == []
    assert await relay_all(db, registry=registry, defer=queue.defer, now=now) == 1
    (job,) = await jobs(db)
    assert (job["task_name"], job["lock"], job["status"]) == ("facts:keep", "keep/1", "todo")


async def test_two_relays_at_once_double_nothing(db: Database, clock, now):
    registry = Registry([keeper()])
    queue = Queue(db, registry, clock)
    facts = [a_fact(now, n) for n in range(100)]
    await record(db, *facts)

    async def one() -> int:
        total = 0
        while True:
            total += await relay_all(db, registry=registry, defer=queue.defer, now=now, limit=10)
            async with db.reading() as tx:
                if not (await backlog(tx, now=now)).waiting:
                    return total

    totals = await asyncio.gather(*(one() for _ in range(4)))
    assert sum(totals) == 100
    deferred = [fact_id for job in await jobs(db) for fact_id in job["args"]["facts"]]
    assert deferred == [str(fact.fact_id) for fact in facts]  # none twice, and still in order


async def test_while_one_relay_serves_a_city_another_passes_by(db: Database, now):
    await record(db, a_fact(now))
    registry, notebook = Registry([keeper()]), Notebook()
    async with db.central() as first:
        assert await relay_city(first, city_id=1, registry=registry, defer=notebook.defer, now=now) == 1
        async with db.central() as second:
            assert await relay_city(second, city_id=1, registry=registry, defer=notebook.defer, now=now) == 0


async def test_a_fact_relayed_twice_has_one_effect(db: Database, now, proof):
    registry, notebook = Registry([keeper()]), Notebook()
    await record(db, *(a_fact(now, n) for n in range(5)))
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    async with db.city(1) as tx:
        await tx.run("update infra.facts set relayed_at = null where city_id = 1")
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    assert len(notebook.facts()) == 10
    await run_jobs(db, registry, notebook, now)
    assert await kept(db) == [0, 1, 2, 3, 4]
    assert await audit_clean(db)


async def test_one_delivery_run_by_twenty_workers_at_once_has_one_effect(db: Database, now, proof):
    handler = keeper()
    facts = [a_fact(now, n) for n in range(5)]
    await record(db, *facts)
    delivery = Delivery(handler="keep", city_id=1, facts=[fact.fact_id for fact in facts])
    await asyncio.gather(
        *(deliver(db, handler, delivery, attempts=0, defer=Notebook().defer, now=now) for _ in range(20))
    )
    assert await kept(db) == [0, 1, 2, 3, 4]


async def test_control_without_the_marks_there_are_twenty_effects(db: Database, now, proof):
    handler, fact = keeper(), a_fact(now, 1)

    async def unguarded() -> None:
        async with db.city(1) as tx:
            await handler.do(tx, [fact], city_id=1, now=now)

    await asyncio.gather(*(unguarded() for _ in range(20)))
    assert len(await kept(db)) == 20


async def test_a_poisoned_fact_fails_alone_and_is_tried_again_later(db: Database, now, proof):
    registry, notebook = Registry([keeper()]), Notebook()
    await record(db, *(a_fact(now, n) for n in range(10, 20)))
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    await run_jobs(db, registry, notebook, now)
    assert await kept(db) == [10, 11, 12, 14, 15, 16, 17, 18, 19]
    assert [d.retry for d in notebook.noted] == [True]
    assert notebook.waits == [5]
    async with db.reading() as tx:
        failure = await tx.row("select tries, error, dead from infra.failures where city_id = 1")
    assert failure == {"tries": 1, "error": "ValueError: no luck, call …", "dead": False}


async def test_after_its_tries_a_fact_is_dead_and_can_be_revived(db: Database, clock, now, proof):
    registry, notebook = Registry([keeper(tries=3)]), Notebook()
    await record(db, a_fact(now, 13), a_fact(now, 14))
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    waits = []
    for _ in range(3):
        await run_jobs(db, registry, notebook, now)
        waits += notebook.waits
    assert waits == [5, 20]
    assert notebook.noted == []
    assert await fires(db, "F03")
    async with db.reading() as tx:
        assert (await backlog(tx, now=now)).dead == 1

    async with db.city(1) as tx:  # its cause is mended, an operator asks for it again
        await tx.run("update infra.facts set payload = jsonb_build_object('n', 15) where payload->>'n' = '13'")
        assert await revive(tx, city_id=1, defer=notebook.defer, now=now) == 1
    await run_jobs(db, registry, notebook, now)
    assert await kept(db) == [14, 15]
    assert await audit_clean(db)


async def test_a_set_that_kills_its_worker_is_taken_apart(db: Database, now, proof):
    registry, notebook = Registry([keeper()]), Notebook()
    facts = [a_fact(now, n) for n in range(3)]
    await record(db, *facts)
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    await run_jobs(db, registry, notebook, now, attempts=3)
    assert [d.facts for d in notebook.noted] == [[fact.fact_id] for fact in facts]
    await run_jobs(db, registry, notebook, now, attempts=8)
    assert await fires(db, "F03")
    assert await kept(db) == []


async def test_a_fault_of_the_house_is_nobodys_failure(db: Database, now, proof):
    async def do(tx, facts, *, city_id, now):
        await tx.value("select pg_terminate_backend(pg_backend_pid())")

    handler, fact = Handler(name="keep", topics=frozenset({"*"}), do=do), a_fact(now)
    await record(db, fact)
    delivery = Delivery(handler="keep", city_id=1, facts=[fact.fact_id])
    with pytest.raises(Exception, match="terminat"):
        await deliver(db, handler, delivery, attempts=0, defer=Notebook().defer, now=now)
    async with db.reading() as tx:
        assert await tx.value("select count(*) from infra.failures") == 0
        assert await tx.value("select count(*) from infra.handled") == 0


def an_errand(called: list[int]) -> Errand:
    async def do(db, fact, *, city_id, now):
        called.append(fact.payload["n"])
        if fact.payload["n"] == 13:
            raise ConnectionError("provider is silent")

    return Errand(name="call", topics=frozenset({"order.paid"}), do=do)


async def test_an_errand_runs_for_each_fact_and_not_again_once_done(db: Database, now):
    called: list[int] = []
    registry, notebook = Registry([an_errand(called)]), Notebook()
    await record(db, *(a_fact(now, n) for n in range(11, 16)))
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    again = list(notebook.noted)
    await run_jobs(db, registry, notebook, now)
    assert sorted(called) == [11, 12, 13, 14, 15]
    assert [len(d.facts) for d in notebook.noted] == [1]
    called.clear()
    notebook.noted = again
    await run_jobs(db, registry, notebook, now)
    assert called == [13]


async def test_an_errand_that_takes_too_long_is_a_failure(db: Database, now):
    async def do(db, fact, *, city_id, now):
        await asyncio.sleep(5)

    errand = Errand(name="call", topics=frozenset({"*"}), do=do, timeout_s=0.05)
    registry, notebook = Registry([errand]), Notebook()
    await record(db, a_fact(now))
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    await run_jobs(db, registry, notebook, now)
    assert notebook.waits == [5]


async def test_catching_up_without_a_queue(db: Database, now, proof):
    async def chain(tx, facts, *, city_id, now):
        await tx.record([a_fact(now, fact.payload["n"] + 100, "second") for fact in facts])

    called: list[int] = []
    first = Handler(name="chain", topics=frozenset({"order.paid"}), do=chain)
    registry = Registry([first, keeper(topics=frozenset({"second"})), an_errand(called)])
    await record(db, *(a_fact(now, n) for n in range(7)))
    assert await catch_up(db, registry=registry, now=now, limit=3) == 14
    assert await kept(db) == list(range(100, 107))
    assert sorted(called) == list(range(7))
    assert await catch_up(db, registry=registry, now=now) == 0
    assert await audit_clean(db)


async def test_the_backlog_tells_how_far_behind(db: Database, now):
    await record(db, a_fact(now, 1), a_fact(now, 2))
    async with db.reading() as tx:
        found = await backlog(tx, now=now + timedelta(seconds=61))
    assert found == Backlog(waiting=2, oldest_s=60, dead=0)


async def test_old_facts_go_with_their_marks_but_not_those_that_failed(db: Database, now, proof):
    handler = keeper()
    facts = [a_fact(now, n) for n in (1, 13, 2)]
    await record(db, *facts)
    registry, notebook = Registry([handler]), Notebook()
    await relay_all(db, registry=registry, defer=notebook.defer, now=now)
    await run_jobs(db, registry, notebook, now)
    async with db.city(1) as tx:
        await tx.record([a_fact(now, 9)])  # not relayed yet
    later = now + timedelta(days=40)
    async with db.city(1) as tx:
        assert await forget(tx, city_id=1, now=now + timedelta(days=29)) == 0
        assert await forget(tx, city_id=1, now=later) == 2
        assert await tx.value("select count(*) from infra.facts where city_id = 1") == 2
        assert await tx.value("select count(*) from infra.handled where city_id = 1") == 0
    assert not await fires(db, "F02")


async def test_apply_raises_what_the_handler_raises(db: Database, now, proof):
    fact = a_fact(now, 13)
    await record(db, fact)
    with pytest.raises(ValueError):
        await apply(db, keeper(), Delivery(handler="keep", city_id=1, facts=[fact.fact_id]), now=now)


def test_two_handlers_cannot_share_a_name():
    with pytest.raises(ValueError):
        Registry([keeper(), keeper()])
