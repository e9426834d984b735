"""The doors to PostgreSQL. `Tx` is the only handle; only the edge opens a door and so commits.

Statements are SQL text with named parameters: they are read as they run, and a text check can prove that each
names its city (docs/decisions/0002). SQLAlchemy owns the tables and migrations.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hutong.infra import arrays
from hutong.infra.facts import Fact
from hutong.kit.refusals import Busy

T = TypeVar("T")
Pool = AsyncConnectionPool[AsyncConnection[DictRow]]
Observer = Callable[[str, dict[str, Any]], None]
AGAIN = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)

set_json_dumps(lambda value: msgspec.json.encode(value))
set_json_loads(msgspec.json.decode)
arrays.register()


class OutcomeUnknown(Exception):
    """The connection died while committing: the effect may or may not be there. Ask again with the same key."""


def connection_lost(error: psycopg.Error) -> bool:
    """Whether the server went away before the commit was sent: nothing was done, so it is safe to try again."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


class Tx:
    """One open transaction (or, from a reading door, one read-only connection).

    From a pipelined door, `send` does not wait: what it sends travels with the next statement that is waited for, or
    with the commit. A transaction of ten statements then waits three or four times.
    """

    def __init__(
        self, conn: AsyncConnection[DictRow], observer: Observer | None = None, *,
        pipeline: psycopg.AsyncPipeline | None = None,
    ) -> None:  # fmt: skip
        self.conn = conn
        self.rivals: set[str] = set()
        self._observer = observer
        self._pipeline = pipeline

    async def _execute(self, sql: str, params: dict[str, Any]) -> psycopg.AsyncCursor[DictRow]:
        if self._observer is not None:
            self._observer(sql, params)
        return await self.conn.execute(sql.encode(), params)

    async def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """All rows as dicts."""
        rows = await (await self._execute(sql, params)).fetchall()
        self.rivals.clear()
        return rows

    async def row(self, sql: str, **params: Any) -> dict[str, Any] | None:
        """The first row, or None."""
        row = await (await self._execute(sql, params)).fetchone()
        self.rivals.clear()
        return row

    async def value(self, sql: str, **params: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(sql, **params)
        return None if row is None else next(iter(row.values()))

    async def run(self, sql: str, **params: Any) -> int:
        """How many rows the statement changed."""
        cursor = await self._execute(sql, params)
        if self._pipeline is not None:
            await self._pipeline.sync()
        self.rivals.clear()
        return cursor.rowcount

    async def send(self, sql: str, *, rival: str | None = None, **params: Any) -> None:
        """Do it, at the latest with the commit; what is wrong with it is raised by then.

        rival: a table ("package.table") whose constraints only stand in the way when somebody else was faster: then
        the transaction is tried again from its beginning, as after a deadlock.
        """
        if rival is not None:
            self.rivals.add(rival)
        await self._execute(sql, params)
        if self._pipeline is None:
            self.rivals.clear()

    async def record(self, facts: Sequence[Fact]) -> None:
        """Write facts in this transaction; the relay acts on them after the commit. Twice is once, by id."""
        if not facts:
            return
        await self.send(
            """insert into infra.facts (city_id, fact_id, topic, subject, payload, at)
               select * from unnest(%(cities)s::int[], %(ids)s::uuid[], %(topics)s::text[], %(subjects)s::uuid[],
                                    %(payloads)s::jsonb[], %(ats)s::timestamptz[])
               on conflict (city_id, fact_id) do nothing""",
            cities=[f.city_id for f in facts],
            ids=[f.fact_id for f in facts],
            topics=[f.topic for f in facts],
            subjects=[f.subject for f in facts],
            payloads=[Jsonb(f.payload) for f in facts],
            ats=[f.at for f in facts],
        )


class Database:
    """Pools for writers and readers, and the doors. On one PostgreSQL all doors lead to the same pools."""

    def __init__(
        self, url: str, *, writers: int = 8, readers: int = 8, statement_timeout_ms: int = 15_000,
        lock_timeout_ms: int = 8_000, wait_s: float = 10.0, observer: Observer | None = None,
    ) -> None:  # fmt: skip
        self.url = url
        self._observer = observer
        self._wait_s = wait_s
        limits = f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms}"
        base = f"-c timezone=UTC -c jit=off {limits}"
        idle = "-c idle_in_transaction_session_timeout=60000"
        # What writes touches few rows by their keys. Planned while a table was empty, a statement (or the check of a
        # foreign key, whose plan is kept) would go on reading all of it until the next statistics, in the middle of a
        # sale. Where there is no index, everything is still read.
        keys = "-c enable_seqscan=off"
        self._writers = self._pool(writers, f"{base} {idle} {keys}")
        self._readers = self._pool(readers, f"{base} -c default_transaction_read_only=on")

    def _pool(self, size: int, options: str) -> Pool:
        kwargs = {"options": options, "row_factory": dict_row, "autocommit": True}  # the doors begin and commit
        return AsyncConnectionPool(
            self.url, min_size=1, max_size=size, open=False, kwargs=kwargs, timeout=self._wait_s,
            reconnect_timeout=60, max_waiting=2_000, check=None,
        )  # fmt: skip

    async def open(self) -> "Database":
        await self._writers.open()
        await self._readers.open()
        return self

    async def close(self) -> None:
        await self._writers.close()
        await self._readers.close()

    def stats(self) -> dict[str, int]:
        """Numbers of the pools for /metrics."""
        writers, readers = self._writers.get_stats(), self._readers.get_stats()
        return {f"writers_{k}": v for k, v in writers.items()} | {f"readers_{k}": v for k, v in readers.items()}

    @asynccontextmanager
    async def _write(self, *, pipelined: bool = False) -> AsyncIterator[Tx]:
        conn = await _living(self._writers)
        rivals: set[str] = set()
        committing = False
        try:
            async with conn.pipeline() if pipelined else nullcontext() as pipeline:
                tx = Tx(conn, self._observer, pipeline=pipeline)
                rivals = tx.rivals
                await conn.execute("BEGIN", prepare=False)
                yield tx
                committing = True
                end = await conn.execute("COMMIT", prepare=False)  # pipelined, it is waited for when that is left
            # PostgreSQL ends a failed transaction with ROLLBACK and no error: a fault that was swallowed inside.
            if end.statusmessage != "COMMIT":
                raise psycopg.errors.InFailedSqlTransaction("a fault was swallowed, and nothing was kept")
        except BaseException as error:
            lost = conn.closed
            await _shielded(_undo(conn))
            if committing and lost and isinstance(error, psycopg.OperationalError):
                raise OutcomeUnknown("the connection was lost while committing") from error
            if isinstance(error, psycopg.IntegrityError) and _table_of(error) in rivals:
                raise psycopg.errors.SerializationFailure("somebody else was faster") from error
            raise
        finally:
            await _shielded(self._writers.putconn(conn))

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[Tx]:
        conn = await _living(self._readers)
        try:
            yield Tx(conn, self._observer)
        finally:
            await _shielded(self._readers.putconn(conn))

    def city(self, city_id: int, *, pipelined: bool = False) -> Any:
        """A writing transaction in the shard of a city; commits when the block ends without an exception.

        pipelined: what is only sent (`Tx.send`) is not waited for. No COPY, no strings of several statements.
        """
        del city_id  # one PostgreSQL: every city lives here
        return self._write(pipelined=pipelined)

    def member(self, member_id: UUID) -> Any:
        """A writing transaction in the shard of a member (or of another global key)."""
        del member_id
        return self._write()

    def central(self) -> Any:
        """A writing transaction where reference tables, tasks and DDL live."""
        return self._write()

    def reading(self, city_id: int | None = None) -> Any:
        """A read-only handle without a transaction: each statement sees the newest commit."""
        del city_id
        return self._read()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Tx]:
        """One read-only view of everything at one instant: for the audit and for reports."""
        async with await AsyncConnection[DictRow].connect(self.url, row_factory=dict_row, autocommit=True) as conn:  # type: ignore[arg-type]
            await conn.execute("begin isolation level repeatable read read only")
            yield Tx(conn, self._observer)
            await conn.execute("rollback")

    async def run_city(self, city_id: int, work: Callable[[Tx], Awaitable[T]]) -> T:
        """`work` in a transaction of the city; tried again, three times, after a deadlock, a serialization failure, or
        a connection that was lost before the commit. Raises OutcomeUnknown when it was lost in the commit."""
        for attempt in range(4):
            try:
                async with self.city(city_id) as tx:
                    return await work(tx)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if attempt == 3 or not (isinstance(error, AGAIN) or connection_lost(error)):
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")


async def _living(pool: Pool) -> AsyncConnection[DictRow]:
    """A connection whose server is still there. Raises Busy when none comes in time.

    The kernel knows of a server that hung up, so a look at the socket finds the dead without asking anybody; after a
    restart of PostgreSQL none of the connections that waited in the pool costs its next user an error.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + pool.timeout
    try:
        while True:
            conn = await pool.getconn(until - loop.time())
            if not _something_to_read(conn):
                return conn
            try:
                await pool.check_connection(conn)  # a notice or a changed setting is no hang-up
                return conn
            except psycopg.Error:
                await conn.close()
                await _shielded(pool.putconn(conn))  # the pool makes another in its place
            except BaseException:
                await _shielded(pool.putconn(conn))
                raise
    except PoolTimeout as error:
        raise Busy(retry_after=2) from error


def _something_to_read(conn: AsyncConnection[DictRow]) -> bool:
    """Whether the server sent anything unasked: its last words, mostly."""
    look = select.poll()
    look.register(conn.fileno(), select.POLLIN)
    return bool(look.poll(0))


def _table_of(error: psycopg.Error) -> str:
    return f"{error.diag.schema_name}.{error.diag.table_name}"


async def _undo(conn: AsyncConnection[DictRow]) -> None:
    try:
        await conn.rollback()
    except psycopg.Error:
        await conn.close()


async def _shielded(work: Awaitable[None]) -> None:
    """Finish the clean-up even when the caller was cancelled meanwhile: a connection must find its pool."""
    await asyncio.shield(asyncio.ensure_future(work))
