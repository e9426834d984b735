"""Statements on one connection, by libpq itself: a house of sets sends the same few hundred texts, with lists.

psycopg makes a cursor, a query and dumpers anew for each execution, and goes to the socket with each statement of a
pipeline; that was most of what it cost. Here a text is read once for the process and prepared once for the connection,
its lists are written by what stands in them, and what is only sent goes out with the next statement that is waited for.
Everything else stays psycopg's: connections, how single values are written and rows are read, the classes of errors.
"""

import asyncio
import re
import struct
from collections import OrderedDict, deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg import abc, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from hutong.infra import arrays

PREPARED_FROM = 3  # the execution that prepares a statement: what comes once or twice is not worth a name
MOST = 200  # statements a connection knows; the one that was not used for longest goes
_GIVE_UP_S = 5.0
_PARAMETERS = re.compile(r"%(?:\((\w+)\)s|(.))", re.DOTALL)
_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)
_STALE = ("0A000", "26000")  # its plan cannot be used any more; its name is not known any more


class _Text(NamedTuple):
    """A statement as PostgreSQL reads it, and the names of $1, $2 and so on."""

    text: bytes
    names: tuple[str, ...]


@lru_cache(maxsize=4_000)
def _read(sql: str) -> _Text:
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name, other = found.groups()
        if name is None:
            if other != "%":
                raise psycopg.ProgrammingError(f"only %(name)s and %% may stand in a statement, not %{other}")
            return "%"
        return f"${names.setdefault(name, len(names) + 1)}"

    text = _PARAMETERS.sub(number, sql)
    return _Text(text.encode(), tuple(names))


class _Known:
    """A text with these types of parameters on one connection. `name`: of the prepared statement, if it is one."""

    __slots__ = ("columns", "loader", "name", "ready", "uses")

    def __init__(self) -> None:
        self.uses = 0
        self.name: bytes | None = None
        self.ready = False  # PostgreSQL said that it has prepared it
        self.loader: abc.Transformer | None = None
        self.columns: tuple[str, ...] = ()

    def forget(self) -> None:
        self.name, self.ready, self.loader = None, False, None

    def rows(self, conn: psycopg.AsyncConnection[Any], result: PGresult, most: int | None) -> list[dict[str, Any]]:
        """Rows as dicts. How columns are read is found out once: a prepared statement never changes its columns."""
        loader = self.loader
        if loader is None:
            loader = Transformer.from_context(conn)
            loader.set_pgresult(result)
            self.columns = tuple([(result.fname(n) or b"").decode() for n in range(result.nfields)])
            if self.ready:
                self.loader = loader
        else:
            loader.set_pgresult(result, set_loaders=False)
        columns = self.columns
        count = result.ntuples if most is None else min(most, result.ntuples)
        found = loader.load_rows(0, count, lambda values: dict(zip(columns, values, strict=True)))
        loader.set_pgresult(None, set_loaders=False)  # the rows are read: do not keep them with the statement
        return found


class Sent:
    """A statement on its way. `result` is there when it has come and was good; `over` when nothing more comes."""

    __slots__ = ("known", "over", "prepares", "result")

    def __init__(self, known: _Known | None = None, *, prepares: bool = False) -> None:
        self.known, self.prepares = known, prepares
        self.result: PGresult | None = None
        self.over = False


class Wire:
    """What goes over one connection. Plain: a statement after the other, each is waited for. Between `begin` and
    `commit` or `leave` it is piped: statements are only sent, and `arrived` waits."""

    def __init__(self, conn: psycopg.AsyncConnection[Any]) -> None:
        self._conn, self._pg = conn, conn.pgconn
        self._adapt = Transformer.from_context(conn)
        self._known: OrderedDict[tuple[str, tuple[int, ...]], _Known] = OrderedDict()
        self._under_way: deque[Sent] = deque()
        self._fault: psycopg.Error | None = None
        self._named = 0
        self.piped = False

    async def execute(self, sql: str, params: Mapping[str, Any]) -> Sent:
        """Send a statement; when the wire is plain, wait for it, too."""
        text, names = _read(sql)
        data, types, formats = self._written([params[name] for name in names])
        known = await self._at_hand(sql, text, types)
        if known.name is not None:
            self._pg.send_query_prepared(known.name, data, formats)
        elif data or self.piped:
            self._pg.send_query_params(text, data, types, formats)
        else:
            self._pg.send_query(text)  # a script of several statements may be run like this
        sent = self._on_its_way(Sent(known))
        if not self.piped:
            await self.arrived(sent)
        return sent

    def rows(self, sent: Sent, most: int | None = None) -> list[dict[str, Any]]:
        """The rows of a statement that has arrived, at most so many."""
        result = _good(sent)
        if result.status != ExecStatus.TUPLES_OK or sent.known is None:
            raise psycopg.ProgrammingError("the statement has no rows")
        return sent.known.rows(self._conn, result, most)

    def changed(self, sent: Sent) -> int:
        """How many rows a statement that has arrived changed or found; -1 where that says nothing."""
        count = _good(sent).command_tuples
        return -1 if count is None else count

    async def arrived(self, sent: Sent) -> None:
        """Wait for it and for all before it; raises what was wrong with the first of them that failed."""
        if self.piped:
            self._pg.send_flush_request()
        await self._read_until(sent)
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault

    async def begin(self, *, piped: bool) -> None:
        """Begin a transaction; piped until it ends, or plain."""
        if piped:
            self._pg.enter_pipeline_mode()
            self.piped = True
            self._command(b"BEGIN")
        else:
            await self.arrived(self._command(b"BEGIN"))

    async def commit(self) -> None:
        """Commit, and be plain again. Raises what is wrong with anything that was sent."""
        end = self._command(b"COMMIT")
        if self.piped:
            self._pg.pipeline_sync()
            await self.arrived(self._on_its_way(Sent()))
            self._pg.exit_pipeline_mode()
            self.piped = False
        else:
            await self.arrived(end)
        # PostgreSQL ends a failed transaction with ROLLBACK and no error: a fault that was swallowed inside.
        if end.result is None or end.result.command_status != b"COMMIT":
            raise errors.InFailedSqlTransaction("a fault was swallowed, and nothing was kept")

    @property
    def busy(self) -> bool:
        """Whether something is under way that was not waited for to its end."""
        return self.piped or bool(self._under_way)

    async def leave(self, *, cancel: bool) -> None:
        """Let go of what is under way: wait until it is over, or have it cancelled, and be plain again. The
        connection is closed when that does not come about in time."""
        try:
            async with asyncio.timeout(None if not cancel else 2 * _GIVE_UP_S):
                if cancel and self._pg.transaction_status == TransactionStatus.ACTIVE:
                    await self._conn.cancel_safe(timeout=_GIVE_UP_S)
                if self.piped:
                    self._pg.pipeline_sync()
                    await self._read_until(self._on_its_way(Sent()))
                    self._pg.exit_pipeline_mode()
                elif self._under_way:
                    await self._read_until(self._under_way[-1])
        except (psycopg.Error, TimeoutError):
            self._pg.finish()
        finally:
            self._under_way.clear()
            self._fault, self.piped = None, False

    def _command(self, text: bytes) -> Sent:
        self._pg.send_query_params(text, None)
        return self._on_its_way(Sent())

    def _on_its_way(self, sent: Sent) -> Sent:
        self._under_way.append(sent)
        return sent

    async def _at_hand(self, sql: str, text: bytes, types: tuple[int, ...]) -> _Known:
        """The statement, prepared when it comes often."""
        key = (sql, types)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known()
            if len(self._known) > MOST:
                await self._forget_oldest()
        else:
            self._known.move_to_end(key)
        known.uses += 1
        if known.name is None and known.uses >= PREPARED_FROM:
            self._named += 1
            known.name = b"hutong_%d" % self._named
            self._pg.send_prepare(known.name, text, types)
            sent = self._on_its_way(Sent(known, prepares=True))
            if not self.piped:
                await self.arrived(sent)
        return known

    async def _forget_oldest(self) -> None:
        _, oldest = self._known.popitem(last=False)
        if oldest.name is not None:
            sent = self._command(b"DEALLOCATE " + oldest.name)
            if not self.piped:
                await self.arrived(sent)

    def _written(self, values: list[Any]) -> tuple[list[abc.Buffer | None], tuple[int, ...], list[Format]]:
        """The values as they travel: bytes, types, formats."""
        data: list[abc.Buffer | None] = []
        types: list[int] = []
        formats: list[Format] = []
        for value in values:
            if value is None:
                data.append(None)
                types.append(0)
                formats.append(Format.TEXT)
                continue
            dumper = arrays.writer(value) if type(value) is list else None
            try:
                if dumper is None:
                    dumper = self._adapt.get_dumper(value, PyFormat.AUTO)
                written = dumper.dump(value)
            except (struct.error, TypeError):  # numbers that do not fit, instants without a zone
                dumper = self._adapt.get_dumper(value, PyFormat.AUTO)
                written = dumper.dump(value)
            data.append(written)
            types.append(dumper.oid)
            formats.append(dumper.format)
        return data, tuple(types), formats

    async def _read_until(self, last: Sent) -> None:
        """Read what comes until nothing more comes of `last`."""
        pg = self._pg
        while pg.flush():  # what does not fit into the line: neither side may wait for the other
            await self._ready(to_write=True)
            pg.consume_input()
        while not last.over:
            while pg.is_busy():
                await self._ready()
                pg.consume_input()
            self._came(pg.get_result())

    def _came(self, result: PGresult | None) -> None:
        """A result of what is under way longest, or (None) its end."""
        sent = self._under_way[0]
        status = ExecStatus.PIPELINE_SYNC if result is None else result.status
        if status == ExecStatus.PIPELINE_SYNC:
            sent.over = True
            self._under_way.popleft()
            if sent.prepares and not sent.known.ready:  # type: ignore[union-attr]
                sent.known.forget()  # type: ignore[union-attr]
        elif status in _GOOD:
            if sent.result is None:
                sent.result = result
            if sent.prepares:
                sent.known.ready = True  # type: ignore[union-attr]
        elif status != ExecStatus.PIPELINE_ABORTED and result is not None:
            error = errors.error_from_result(result)
            if error.sqlstate in _STALE:
                for known in self._known.values():
                    known.forget()
            self._fault = self._fault or error

    async def _ready(self, *, to_write: bool = False) -> None:
        """Until there is something to read, or (`to_write`) room."""
        loop = asyncio.get_running_loop()
        woken, line = loop.create_future(), self._pg.socket
        loop.add_reader(line, _wake, woken)
        if to_write:
            loop.add_writer(line, _wake, woken)
        try:
            await woken
        finally:
            loop.remove_reader(line)
            if to_write:
                loop.remove_writer(line)


def _good(sent: Sent) -> PGresult:
    if sent.result is None:
        raise errors.PipelineAborted("a statement before it failed")
    return sent.result


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
