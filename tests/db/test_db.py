"""The doors: only a block that ends well commits; readers cannot write; facts are once by id."""

from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.limits import Take, spent, take
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


def a_fact(now, fact_id=None):
    return Fact(fact_id=fact_id or new_id(), city_id=1, topic="test", subject=uuid4(), payload={"a": 1}, at=now)


async def count(db):
    async with db.reading() as tx:
        return await tx.value("select count(*) from infra.facts where city_id = 1")


async def test_a_block_that_ends_well_commits(db: Database, now):
    async with db.city(1) as tx:
        await tx.record([a_fact(now), a_fact(now)])
    assert await count(db) == 2
    assert await audit_clean(db)


async def test_a_snapshot_is_that_of_its_entering(db: Database, now):
    """An audit that begins now says nothing of what is written while it looks; an ordinary reader would."""
    seen = "select count(*) from infra.facts where city_id = 1"
    async with db.snapshot() as still, db.reading() as moving:
        async with db.city(1) as tx:
            await tx.record([a_fact(now)])
        assert (await still.value(seen), await moving.value(seen)) == (0, 1)


async def test_every_door_is_set_by_us_whatever_the_server_is_set_to(db: Database, database_url: str):
    """A server of somebody's own may compile each query and live in another zone."""
    name = urlsplit(database_url).path.strip("/")
    async with db.central() as tx:
        await tx.run(f'alter database "{name}" set jit = on')
        await tx.run(f"alter database \"{name}\" set timezone = 'Asia/Shanghai'")
    again = await Database(database_url).open()
    for door in (again.central(), again.reading(), again.snapshot()):
        async with door as tx:
            shown = [await tx.value(f"show {setting}") for setting in ("jit", "timezone")]
        assert shown == ["off", "UTC"]
    await again.close()


async def test_a_block_that_fails_leaves_nothing(db: Database, now):
    with pytest.raises(RuntimeError):
        async with db.city(1) as tx:
            await tx.record([a_fact(now)])
            raise RuntimeError
    assert await count(db) == 0


async def test_the_same_fact_twice_is_one(db: Database, now):
    fact = a_fact(now)
    async with db.city(1) as tx:
        await tx.record([fact])
        await tx.record([fact])
    assert await count(db) == 1


async def test_a_reader_cannot_write(db: Database, now):
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with db.reading() as tx:
            await tx.record([a_fact(now)])


async def test_limits_count_in_order_and_across_calls(db: Database, now):
    async with db.central() as tx:
        results = await take(tx, [Take("x", 3, 60)] * 2 + [Take("y", 1, 60)] * 2, now=now)
    assert [r is None for r in results] == [True, True, True, False]
    async with db.central() as tx:
        results = await take(tx, [Take("x", 3, 60)] * 2, now=now)
        assert await spent(tx, "x", 60, now=now) == 4
    assert results[0] is None
    assert results[1] is not None
    assert 1 <= results[1].facts["wait_seconds"] <= 60


@pytest.fixture
async def slips(db: Database) -> None:
    """A table whose rows are refused from seven on."""
    async with db.central() as tx:
        await tx.run("create table slips (n int primary key, constraint few check (n < 7))")


async def slip_count(db: Database) -> int:
    async with db.reading() as tx:
        return await tx.value("select count(*) from slips")


@pytest.mark.usefixtures("slips")
@pytest.mark.parametrize("pipelined", [False, True])
async def test_what_was_sent_is_seen_by_what_follows_and_committed(db: Database, pipelined):
    async with db.city(1, pipelined=pipelined) as tx:
        await tx.send("insert into slips values (%(n)s)", n=1)
        await tx.send("insert into slips values (%(n)s)", n=2)
        assert await tx.value("select count(*) from slips") == 2
        assert await tx.run("update slips set n = n + 2") == 2
        await tx.send("insert into slips values (%(n)s)", n=1)
    assert await slip_count(db) == 3


@pytest.mark.usefixtures("slips")
@pytest.mark.parametrize("pipelined", [False, True])
async def test_what_is_wrong_with_a_sent_statement_is_raised_and_nothing_stays(db: Database, pipelined):
    for _ in range(8):  # more often than there are connections: each comes back fit for use
        with pytest.raises(psycopg.errors.CheckViolation):
            async with db.city(1, pipelined=pipelined) as tx:
                await tx.send("insert into slips values (%(n)s)", n=1)
                await tx.send("insert into slips values (%(n)s)", n=9)
                await tx.send("insert into slips values (%(n)s)", n=2)
    assert await slip_count(db) == 0
    async with db.city(1, pipelined=pipelined) as tx:
        assert await tx.value("select 1") == 1


@pytest.mark.usefixtures("slips")
@pytest.mark.parametrize("pipelined", [False, True])
async def test_a_rival_is_a_reason_to_try_again_and_nothing_else_is(db: Database, pipelined):
    with pytest.raises(psycopg.errors.SerializationFailure):
        async with db.city(1, pipelined=pipelined) as tx:
            await tx.send("insert into slips values (%(n)s)", n=9, rival="public.slips")
    with pytest.raises(psycopg.errors.CheckViolation):
        async with db.city(1, pipelined=pipelined) as tx:
            await tx.send("insert into slips values (%(n)s)", n=9, rival="public.others")
    with pytest.raises(psycopg.errors.CheckViolation):
        async with db.city(1, pipelined=pipelined) as tx:
            await tx.send("insert into slips values (%(n)s)", n=1, rival="public.slips")
            await tx.value("select 1")  # what was sent before is done: the rival is no excuse any more
            await tx.send("insert into slips values (%(n)s)", n=9)


async def test_a_young_table_is_still_looked_up_by_its_keys(db: Database):
    """Analyzed while empty, a table of the writers is not read from end to end afterwards."""
    async with db.central() as tx:
        await tx.run("create table young (n int primary key)")
    async with db.central() as tx:
        await tx.run("analyze young")
    plan = "explain (format json) select * from young where n = 5"
    async with db.city(1) as tx:
        assert "Seq Scan" not in str(await tx.value(plan))
    async with db.reading() as tx:
        assert "Plan" in str(await tx.value(plan))
