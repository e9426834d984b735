"""The wire under the doors: values arrive as psycopg would send them, what is prepared stays, and whatever happens on
the way (faults, people who go away, a server that dies) leaves a connection that is fit for use or none."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from hutong.infra import wire
from hutong.infra.db import Database, OutcomeUnknown

pytestmark = pytest.mark.anyio
ONE = UUID(int=1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
VALUES = [
    None, True, 5, -40_000, 2**40, 2**70, 1.5, Decimal("1.20"), "面 % '", "", b"\0\xff", date(2026, 5, 1), NOON,
    NOON.replace(tzinfo=None), timedelta(hours=3), ONE, Jsonb({"a": [1, None]}), [1, None, 2], [2**70, 1], [True, None],
    ["a", None, ""], [ONE, ONE], [NOON, None], [NOON.replace(tzinfo=None)], [b"x"], [[1, 2], [3, 4]], [], [None],
    [Jsonb([1]), None], [Decimal("1.5")], [date(2026, 5, 1)],
]  # fmt: skip


SLEEPING = "select 1 from pg_stat_activity where state = 'active' and query like 'select pg_sleep(30)%'"


@pytest.fixture
async def one(database_url: str):
    """A house with one connection for writers and one for readers, so that the next door is the same one."""
    db = await Database(database_url, writers=1, readers=1).open()
    yield db
    await db.close()


@pytest.fixture
async def slips(one: Database):
    async with one.central() as tx:
        await tx.run("create table wire_slips (n int primary key, constraint few check (n < 7))")
    yield
    async with one.central() as tx:
        await tx.run("drop table wire_slips")


@pytest.mark.parametrize("value", VALUES, ids=str)
async def test_a_value_arrives_as_psycopg_sends_it(one: Database, database_url: str, value):
    asked = "select %(v)s as v" if not isinstance(value, str) else "select %(v)s::text as v"
    if isinstance(value, list) and not any(value):
        asked = "select %(v)s::text[] as v"
    async with await psycopg.AsyncConnection.connect(database_url, options="-c timezone=UTC") as conn:
        found = await (await conn.execute(asked.encode(), {"v": value})).fetchone()
    assert found is not None
    async with one.reading() as tx:
        for _ in range(5):  # as it is, and prepared
            assert await tx.rows(asked, v=value) == [{"v": found[0]}]
    async with one.city(1, pipelined=True) as tx:
        assert await tx.value(asked, v=value) == found[0]


async def test_names_stand_where_they_are_asked_for(one: Database):
    async with one.reading() as tx:
        row = await tx.row("select %(b)s::int - %(a)s::int + %(b)s::int as n, '100%%' as t", a=1, b=10)
        assert row == {"n": 19, "t": "100%"}
        with pytest.raises(psycopg.ProgrammingError, match="may stand"):
            await tx.run("select %s")
        with pytest.raises(psycopg.ProgrammingError, match="no rows"):
            await tx.rows("set application_name = 'x'")
        assert await tx.row("select 1 where false") is None


async def prepared(tx) -> set[str]:
    return {row["statement"] for row in await tx.rows("select statement from pg_prepared_statements")}


@pytest.mark.usefixtures("slips")
@pytest.mark.parametrize("pipelined", [False, True])
async def test_what_is_prepared_outlives_a_rollback(one: Database, pipelined: bool):
    insert = "insert into wire_slips values (%(n)s)"
    for n in (1, 2, 9, 9, 3):
        try:
            async with one.city(1, pipelined=pipelined) as tx:
                await tx.send(insert, n=n)
        except psycopg.errors.CheckViolation:
            assert n == 9
    async with one.city(1) as tx:
        assert "insert into wire_slips values ($1)" in await prepared(tx)
        assert await tx.value("select count(*) from wire_slips") == 3


@pytest.mark.usefixtures("slips")
async def test_what_was_never_prepared_because_something_before_it_failed_is_prepared_later(one: Database):
    count = "select count(*) as n from wire_slips where n > %(n)s"
    for _ in range(wire.PREPARED_FROM + 1):
        with pytest.raises(psycopg.errors.CheckViolation):
            async with one.city(1, pipelined=True) as tx:
                await tx.send("insert into wire_slips values (9)")
                await tx.rows(count, n=0)
    for _ in range(wire.PREPARED_FROM):
        async with one.city(1, pipelined=True) as tx:
            assert await tx.value(count, n=0) == 0


@pytest.mark.usefixtures("slips")
async def test_a_fault_that_is_swallowed_keeps_nothing_and_says_so(one: Database):
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        async with one.city(1, pipelined=True) as tx:
            await tx.send("insert into wire_slips values (1)")
            with pytest.raises(psycopg.errors.CheckViolation) as caught:
                await tx.run("insert into wire_slips values (9)")
            assert caught.value.diag.constraint_name == "few"
            with pytest.raises(psycopg.errors.PipelineAborted):
                await tx.value("select 1")
    async with one.city(1, pipelined=True) as tx:
        assert await tx.value("select count(*) from wire_slips") == 0


@pytest.mark.usefixtures("slips")
async def test_a_table_that_changes_is_read_anew(one: Database):
    """A plan that does not fit any more is an error once, also after everything prepared was thrown away."""
    for change, fault in (
        ("alter table wire_slips add column more int", psycopg.errors.FeatureNotSupported),
        ("discard all", psycopg.errors.InvalidSqlStatementName),
    ):
        for _ in range(4):
            async with one.city(1, pipelined=True) as tx:
                await tx.rows("select * from wire_slips")
        async with psycopg_of(one) as conn:
            await conn.execute(change.encode())
        with pytest.raises(fault):
            async with one.city(1, pipelined=True) as tx:
                await tx.rows("select * from wire_slips")
        async with one.city(1, pipelined=True) as tx:
            await tx.rows("select * from wire_slips")


def psycopg_of(one: Database):
    """The writers' only connection, as psycopg has it."""
    return one._writers.connection()


# The bound is smaller, so that a few statements show what two hundred would.
async def test_a_connection_knows_so_many_statements(one: Database, monkeypatch):
    monkeypatch.setattr(wire, "MOST", 5)
    for n in range(12):
        for _ in range(4):
            async with one.city(1, pipelined=bool(n % 2)) as tx:
                assert await tx.value(f"select {n} + %(n)s::int", n=1) == n + 1
    async with one.city(1) as tx:
        assert len(await prepared(tx)) <= 5


async def test_much_goes_both_ways_at_once(one: Database):
    """More than the line holds, in both directions, before anybody waits: nobody waits for the other for ever."""
    many = ["x" * 1_000] * 3_000
    async with one.city(1, pipelined=True) as tx:
        for _ in range(6):
            await tx.send("select * from unnest(%(many)s::text[])", many=many)
        assert len(await tx.rows("select * from unnest(%(many)s::text[]) as t", many=many)) == 3_000


@pytest.mark.usefixtures("slips")
@pytest.mark.parametrize("door", ["piped", "plain", "reading"])
async def test_who_goes_away_leaves_the_connection_to_the_next(one: Database, database_url: str, door: str):
    doors = {"piped": lambda: one.city(1, pipelined=True), "plain": lambda: one.city(1), "reading": one.reading}

    async def long():
        async with doors[door]() as tx:
            if door != "reading":
                await tx.send("insert into wire_slips values (1)")
            await tx.run("select pg_sleep(30)")

    task = asyncio.create_task(long())
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as eye:
        while not (await eye.execute(SLEEPING)).rowcount:
            await eye.execute("select pg_sleep(0.01)")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with doors[door]() as tx:
        assert await tx.value("select count(*) from wire_slips") == 0


@pytest.mark.usefixtures("slips")
@pytest.mark.parametrize("pipelined", [False, True])
async def test_a_server_that_dies_in_the_commit_leaves_it_unknown(one: Database, pipelined: bool):
    dies = "select pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(psycopg.OperationalError):
        async with one.city(1, pipelined=pipelined) as tx:
            await tx.run(dies)
    if pipelined:
        with pytest.raises(OutcomeUnknown):
            async with one.city(1, pipelined=True) as tx:
                await tx.send("insert into wire_slips values (1)")
                await tx.send(dies)
    async with one.city(1, pipelined=pipelined) as tx:
        assert await tx.value("select count(*) from wire_slips") == 0
