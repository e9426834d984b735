"""Group commit: concurrent items of one process, one operation and one city share one call and one transaction.

Idle, an item runs at once. While a batch is in flight the next one gathers, so a hot row is locked once for
each batch instead of once for each buyer, and the busier it gets the more an item saves.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import psycopg
from msgspec import Struct

from hutong.infra.db import Database, OutcomeUnknown, Tx, connection_lost
from hutong.kit.clock import Clock
from hutong.kit.refusals import Busy, Refusal

Q = TypeVar("Q")
R = TypeVar("R")
_PAUSES = (0.05, 0.2, 0.8)  # before trying again when the server went away: it may be restarting


class BatchRun(Struct, frozen=True, kw_only=True):
    """What one batch was like, for metrics. `parts` is the number of sets it ran as: more than 1 after a fault."""

    name: str
    city_id: int
    size: int
    parts: int
    waited_s: float
    ran_s: float


class _Operation:
    def __init__(self, name: str, do: Any, size: int, wait_s: float, queue: int, lanes: int) -> None:
        self.name, self.do, self.size, self.wait_s, self.queue, self.lanes = name, do, size, wait_s, queue, lanes
        self.waiting = 0


class _Waiting:
    __slots__ = ("future", "item", "since")

    def __init__(self, item: Any, future: asyncio.Future[Any], since: float) -> None:
        self.item, self.future, self.since = item, future, since


class _Lane:
    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.running = 0


class Batches:
    """The gatherer of one process. `at_once` bounds the transactions of all operations together."""

    def __init__(
        self, db: Database, clock: Clock, *, at_once: int = 6, observe: Callable[[BatchRun], None] | None = None
    ) -> None:
        self._db = db
        self._clock = clock
        self._observe = observe
        self._at_once = asyncio.Semaphore(at_once)
        self._operations: dict[str, _Operation] = {}
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def register(
        self, name: str, do: Callable[..., Awaitable[Sequence[R]]], *, size: int = 256, wait_ms: float = 0,
        queue: int = 4_096, lanes: int = 1,
    ) -> Callable[[int, Any], Awaitable[R]]:  # fmt: skip
        """Make `do(tx, items, *, city_id, now) -> results` (same length) submittable; gives `submit` for this name.

        size: most items in one transaction. wait_ms: how long the first item waits for company even when idle.
        queue: how many items may wait in this process before new ones are told Busy. lanes: how many transactions
        of one city may be in flight; more than one lets them queue on each other's rows.
        """
        if name in self._operations:
            raise ValueError(f"the operation {name!r} is registered already")
        self._operations[name] = _Operation(name, do, size, wait_ms / 1000, queue, lanes)

        async def submit(city_id: int, item: Any) -> R:
            return await self.submit(name, city_id, item)

        return submit

    async def submit(self, name: str, city_id: int, item: Any) -> Any:
        """The result of one item; a refusal is a value. Raises Busy (nothing was done) or OutcomeUnknown.

        After OutcomeUnknown the caller asks again with the same key. A caller that is cancelled leaves the others
        alone; its item may still be done.
        """
        operation = self._operations[name]
        if self._closing:
            raise Busy(retry_after=5)
        if operation.waiting >= operation.queue:
            raise Busy(retry_after=1)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(item, loop.create_future(), loop.time())
        lane = self._lanes.setdefault((name, city_id), _Lane())
        lane.waiting.append(waiting)
        operation.waiting += 1
        if lane.running < operation.lanes:
            lane.running += 1
            # A context of its own: the batch belongs to all its callers, not to the one who came first.
            task = loop.create_task(self._run(operation, city_id, lane), context=contextvars.Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.future

    async def close(self) -> None:
        """Take no more, finish what waits."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    def waiting(self) -> dict[str, int]:
        """How many items wait, by operation: for /metrics."""
        return {name: operation.waiting for name, operation in self._operations.items()}

    async def _run(self, operation: _Operation, city_id: int, lane: _Lane) -> None:
        loop = asyncio.get_running_loop()
        try:
            while lane.waiting:
                if operation.wait_s and len(lane.waiting) < operation.size:
                    await asyncio.sleep(max(0.0, lane.waiting[0].since + operation.wait_s - loop.time()))
                async with self._at_once:  # taken first: the batch goes on growing while it waits for its turn
                    batch = _take(operation, lane)
                    if batch:
                        await self._batch(operation, city_id, batch)
        finally:
            lane.running -= 1
            if not lane.running:
                self._lanes.pop((operation.name, city_id), None)
                for left in lane.waiting:  # only after a forced end of the process's loop
                    left.future.cancel()

    async def _batch(self, operation: _Operation, city_id: int, batch: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        began, parts, todo = loop.time(), 0, [batch]
        try:
            while todo:
                part = todo.pop()
                parts += 1
                try:
                    results = await self._transaction(operation, city_id, [waiting.item for waiting in part])
                except Exception as error:
                    if len(part) > 1 and not isinstance(error, OutcomeUnknown | Busy):
                        half = len(part) // 2  # someone in here is poisoned: halves find who, the others go on
                        todo += [part[half:], part[:half]]
                    else:
                        _fail(part, error)
                else:
                    for waiting, result in zip(part, results, strict=True):
                        if not waiting.future.done():
                            waiting.future.set_result(result)
        finally:
            _fail(batch, OutcomeUnknown("the process is stopping"))  # whoever has no answer yet
        if self._observe is not None:
            self._observe(
                BatchRun(
                    name=operation.name, city_id=city_id, size=len(batch), parts=parts,
                    waited_s=began - batch[0].since, ran_s=loop.time() - began,
                )
            )  # fmt: skip

    async def _transaction(self, operation: _Operation, city_id: int, items: list[Any]) -> Sequence[Any]:
        async def work(tx: Tx) -> Sequence[Any]:
            results = await operation.do(tx, items, city_id=city_id, now=self._clock.now())
            if len(results) != len(items):
                raise RuntimeError(f"{operation.name} answered {len(results)} of {len(items)} items")
            return results

        for pause in (*_PAUSES, None):
            try:
                return await self._db.run_city(city_id, work)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if pause is None or not connection_lost(error):
                    raise Busy(retry_after=2) from error
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")


def _take(operation: _Operation, lane: _Lane) -> list[_Waiting]:
    """The next items in the order they came, without those whose callers have gone."""
    batch: list[_Waiting] = []
    while lane.waiting and len(batch) < operation.size:
        waiting = lane.waiting.popleft()
        operation.waiting -= 1
        if not waiting.future.done():
            batch.append(waiting)
    return batch


def _fail(part: list[_Waiting], error: Exception) -> None:
    """Each caller gets an exception of its own, so that tracebacks do not pile up on a shared one."""
    for waiting in part:
        if waiting.future.done():
            continue
        if isinstance(error, Refusal):
            own: Exception = Refusal.restore(error.code, error.facts)
        elif isinstance(error, OutcomeUnknown):
            own = OutcomeUnknown(*error.args)
        else:
            own = error
        own.__cause__ = error.__cause__ if own is error else error
        waiting.future.set_exception(own)
