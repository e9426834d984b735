"""The doors to PostgreSQL. `Tx` is the only handle; only the edge opens a door and so commits.

Statements are SQL text with named parameters: they are read as they run, and a text check can prove that each
names its city (docs/decisions/0002). SQLAlchemy owns the tables and migrations.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.pq.abc import PGconn
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hutong.infra import arrays
from hutong.infra.facts import Fact
from hutong.infra.sql import written
from hutong.infra.wire import Sent, Wire
from hutong.kit.refusals import Busy

T = TypeVar("T")


class Connection(AsyncConnection[DictRow]):
    """A connection with the wire over which our statements go; what is prepared on it stays from door to door."""

    def __init__(self, pgconn: PGconn, *args: Any, **kwargs: Any) -> None:
        super().__init__(pgconn, *args, **kwargs)
        self.wire = Wire(self)


Pool = AsyncConnectionPool[Connection]
Observer = Callable[[str, dict[str, Any]], None]
Watcher = Callable[[int | None, set[str]], None]
SAME_EVERYWHERE = "-c timezone=UTC -c jit=off"  # what the settings of a server that is not ours do not change
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

    def __init__(self, conn: Connection, observer: Observer | None = None) -> None:
        self.conn = conn
        self.rivals: set[str] = set()
        self.wrote: set[str] = set()
        self._observer = observer
        self._wire = conn.wire

    async def _execute(self, sql: str, params: dict[str, Any]) -> Sent:
        self.wrote |= written(sql)
        if self._observer is not None:
            self._observer(sql, params)
        return await self._wire.execute(sql, params)

    async def _done(self, sql: str, params: dict[str, Any]) -> Sent:
        """Do it and whatever was sent before."""
        sent = await self._execute(sql, params)
        if not sent.over:
            await self._wire.arrived(sent)
        self.rivals.clear()
        return sent

    async def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """All rows as dicts."""
        return self._wire.rows(await self._done(sql, params))

    async def row(self, sql: str, **params: Any) -> dict[str, Any] | None:
        """The first row, or None."""
        rows = self._wire.rows(await self._done(sql, params), 1)
        return rows[0] if rows else None

    async def value(self, sql: str, **params: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(sql, **params)
        return None if row is None else next(iter(row.values()))

    async def run(self, sql: str, **params: Any) -> int:
        """How many rows the statement changed."""
        return self._wire.changed(await self._done(sql, params))

    async def send(self, sql: str, *, rival: str | None = None, **params: Any) -> None:
        """Do it, at the latest with the commit; what is wrong with it is raised by then.

        rival: a table ("package.table") whose constraints only stand in the way when somebody else was faster: then
        the transaction is tried again from its beginning, as after a deadlock.
        """
        if rival is not None:
            self.rivals.add(rival)
        await self._execute(sql, params)
        if not self._wire.piped:
            self.rivals.clear()

    async def record(self, facts: Sequence[Fact]) -> None:
        """Write facts in this transaction; the relay acts on them after the commit. Twice is once, by id."""
        if not facts:
            return
        await self.send(
            """insert into infra.facts (city_id, fact_id, topic, subject, payload, at)
               select unnest(%(cities)s::int[]), unnest(%(ids)s::uuid[]), unnest(%(topics)s::text[]),
                      unnest(%(subjects)s::uuid[]), unnest(%(payloads)s::jsonb[]), unnest(%(ats)s::timestamptz[])
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
        self._watchers: list[Watcher] = []
        self._wait_s = wait_s
        limits = f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms}"
        base = f"{SAME_EVERYWHERE} {limits}"
        idle = "-c idle_in_transaction_session_timeout=60000"
        # What writes touches few rows by their keys. Planned while a table was empty, a statement (or the check of a
        # foreign key, whose plan is kept) would go on reading all of it until the next statistics, in the middle of a
        # sale. Where there is no index, everything is still read.
        keys = "-c enable_seqscan=off"
        self._writers = self._pool(writers, f"{base} {idle} {keys}")
        self._readers = self._pool(readers, f"{base} -c default_transaction_read_only=on")

    def _pool(self, size: int, options: str) -> Pool:
        # The doors begin and commit. What is prepared is the wire's: psycopg would forget all of it with a rollback.
        kwargs = {"options": options, "row_factory": dict_row, "autocommit": True, "prepare_threshold": None}
        return AsyncConnectionPool(
            self.url, connection_class=Connection, min_size=1, max_size=size, open=False, kwargs=kwargs,
            timeout=self._wait_s, reconnect_timeout=60, max_waiting=2_000, check=None,
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

    def watch(self, watcher: Watcher) -> None:
        """Call it after each writing transaction that wrote, or may have: with its city and the tables."""
        self._watchers.append(watcher)

    @asynccontextmanager
    async def _write(self, city_id: int | None = None, *, pipelined: bool = False) -> AsyncIterator[Tx]:
        conn = await _living(self._writers)
        rivals: set[str] = set()
        wrote: set[str] = set()
        committing = False
        try:
            tx = Tx(conn, self._observer)
            rivals, wrote = tx.rivals, tx.wrote
            await conn.wire.begin(piped=pipelined)
            yield tx
            committing = True
            await conn.wire.commit()
        except BaseException as error:
            lost = conn.closed
            await _shielded(_undo(conn, cancel=isinstance(error, asyncio.CancelledError)))
            if committing and lost and isinstance(error, psycopg.OperationalError):
                raise OutcomeUnknown("the connection was lost while committing") from error
            if isinstance(error, psycopg.IntegrityError) and _table_of(error) in rivals:
                raise psycopg.errors.SerializationFailure("somebody else was faster") from error
            raise
        finally:
            if committing and wrote:
                for watcher in self._watchers:
                    watcher(city_id, wrote)
            await _shielded(self._writers.putconn(conn))

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[Tx]:
        conn = await _living(self._readers)
        try:
            yield Tx(conn, self._observer)
        finally:
            if conn.wire.busy:  # somebody went away while he waited
                await _shielded(conn.wire.leave(cancel=True))
            await _shielded(self._readers.putconn(conn))

    def city(self, city_id: int, *, pipelined: bool = False) -> Any:
        """A writing transaction in the shard of a city; commits when the block ends without an exception.

        pipelined: what is only sent (`Tx.send`) is not waited for. No COPY, no strings of several statements.
        """
        return self._write(city_id, pipelined=pipelined)  # one PostgreSQL: every city lives here

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
        """One read-only view of everything at the instant of entering: for the audit and for reports."""
        async with await Connection.connect(
            self.url,
            options=SAME_EVERYWHERE,
            row_factory=dict_row,
            autocommit=True,  # type: ignore[arg-type]
        ) as conn:
            await conn.execute("begin isolation level repeatable read read only")
            await conn.execute("select 1")  # the view is that of the first statement
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


async def _living(pool: Pool) -> Connection:
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


def _something_to_read(conn: Connection) -> bool:
    """Whether the server sent anything unasked: its last words, mostly."""
    look = select.poll()
    look.register(conn.fileno(), select.POLLIN)
    return bool(look.poll(0))


def _table_of(error: psycopg.Error) -> str:
    return f"{error.diag.schema_name}.{error.diag.table_name}"


async def _undo(conn: Connection, *, cancel: bool) -> None:
    try:
        if conn.wire.busy:
            await conn.wire.leave(cancel=cancel)
        await conn.rollback()
    except psycopg.Error:
        await conn.close()


async def _shielded(work: Awaitable[None]) -> None:
    """Finish the clean-up even when the caller was cancelled meanwhile: a connection must find its pool."""
    await asyncio.shield(asyncio.ensure_future(work))
