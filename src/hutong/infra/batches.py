"""Group commit: concurrent items of one process, one operation and one city share one call and one transaction.

Idle, an item runs at once. While a batch is in flight the next one gathers, so a hot row is locked once for
each batch instead of once for each buyer, and the busier it gets the more an item saves. Reads gather alike:
concurrent look-ups share one statement.
"""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import psycopg
from msgspec import Struct

from hutong.infra.db import AGAIN, Database, OutcomeUnknown, Tx, connection_lost
from hutong.infra.lanes import Lane, Waiting
from hutong.kit.clock import Clock
from hutong.kit.refusals import Busy, Refusal

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
_PAUSES = {  # before trying again: another transaction was in the way, or the server went away and may be restarting
    "deadlock": (0.01, 0.02, 0.04),
    "serialization": (0.01, 0.02, 0.04),
    "connection": (0.01, 0.02, 0.05, 0.2, 0.8),
}


class BatchRun(Struct, frozen=True, kw_only=True):
    """What one batch was like, for metrics. `parts` is the number of sets it ran as: more than 1 after a fault.

    `waited_s` is the longest wait in it, `again` counts the transactions tried again by their reasons.
    """

    name: str
    city_id: int
    size: int
    parts: int
    waited_s: float
    ran_s: float
    again: Mapping[str, int]


class Submit(Protocol[R_co]):
    """Submits one item of a registered operation; see `Batches.submit`."""

    async def __call__(self, city_id: int, item: Any, *, caller: Hashable = None) -> R_co: ...


class _Operation:
    def __init__(
        self, name: str, do: Any, *, size: int, wait_s: float, queue: int, lanes: int, patience_s: float,
        reading: bool, turns: asyncio.Semaphore,
    ) -> None:  # fmt: skip
        self.name, self.do, self.size, self.wait_s, self.queue, self.most = name, do, size, wait_s, queue, lanes
        self.patience_s, self.reading, self.turns = patience_s, reading, turns
        self.waiting = 0
        self.pace = 0.0  # of the lane that was last: what a new one begins with
        self.lanes: dict[int, Lane] = {}


class Batches:
    """The gatherer of one process. `at_once` bounds the transactions of all writing operations together, and
    `reads_at_once` the statements of the reading ones, so that neither uses up the connections of the doors."""

    def __init__(
        self, db: Database, clock: Clock, *, at_once: int = 6, reads_at_once: int = 4,
        observe: Callable[[BatchRun], None] | None = None,
    ) -> None:  # fmt: skip
        self._db = db
        self._clock = clock
        self._observe = observe
        self._at_once, self._reads_at_once = asyncio.Semaphore(at_once), asyncio.Semaphore(reads_at_once)
        self._operations: dict[str, _Operation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def register(
        self, name: str, do: Callable[..., Awaitable[Sequence[R]]], *, size: int = 256, wait_ms: float = 0,
        queue: int = 4_096, lanes: int = 1, patience_s: float = 5, reading: bool = False,
    ) -> Submit[R]:  # fmt: skip
        """Make `do(tx, items, *, city_id, now) -> results` (same length) submittable; gives `submit` for this name.

        size: most items in one transaction. wait_ms: how long the first item waits for company even when idle.
        queue: how many items of one city may wait in this process, an eighth of them from one caller, before new
        ones are told Busy. patience_s: the same when more than a batch waits and it would take longer than that.
        lanes: how many transactions of one city may be in flight; more than one lets them queue on each other's rows.
        reading: `tx` is a reading door (`db.reading`), nothing can be written, and asking again is always safe. A
        look-up begins after it was submitted, so it sees whatever was committed before. Of no city: city_id 0.
        """
        if name in self._operations:
            raise ValueError(f"the operation {name!r} is registered already")
        self._operations[name] = _Operation(
            name, do, size=size, wait_s=wait_ms / 1000, queue=queue, lanes=lanes, patience_s=patience_s,
            reading=reading, turns=self._reads_at_once if reading else self._at_once,
        )  # fmt: skip

        def submit(city_id: int, item: Any, *, caller: Hashable = None) -> Awaitable[R]:
            return self.submit(name, city_id, item, caller=caller)

        return submit  # type: ignore[return-value]

    async def submit(self, name: str, city_id: int, item: Any, *, caller: Hashable = None) -> Any:
        """The result of one item; a refusal is a value. Raises Busy (nothing was done) or OutcomeUnknown.

        caller: who asks (a member, a till): when more waits than fits into a batch, callers take turns, so that one
        with thousands of items delays himself only. None stands for somebody who asks once.
        After OutcomeUnknown (writes only) the caller asks again with the same key. A caller that is cancelled leaves
        the others alone; its item may still be done.
        """
        operation = self._operations[name]
        if self._closing:
            raise Busy(retry_after=5)
        loop = asyncio.get_running_loop()
        now = loop.time()
        lane = operation.lanes.get(city_id)
        if lane is None:
            lane = operation.lanes[city_id] = Lane(operation.pace)
        elif lane.running >= operation.most:
            lane.admit(
                caller, now, size=operation.size, queue=operation.queue, lanes=operation.most,
                patience_s=operation.patience_s,
            )  # fmt: skip
        waiting = Waiting(item, caller, loop.create_future(), now)
        lane.add(waiting)
        operation.waiting += 1
        if lane.running < operation.most:
            lane.running += 1
            lane.began = now
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

    async def _run(self, operation: _Operation, city_id: int, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        try:
            while lane.count:
                lane.began = loop.time()
                if operation.wait_s and lane.count < operation.size:
                    await asyncio.sleep(max(0.0, lane.oldest() + operation.wait_s - lane.began))
                async with operation.turns:  # taken first: the batch goes on growing while it waits for its turn
                    batch, gone = lane.take(operation.size)
                    operation.waiting -= gone
                    if batch:
                        await self._batch(operation, city_id, batch)
                lane.turned(loop.time() - lane.began)
        finally:
            lane.running -= 1
            if not lane.running:
                operation.pace = lane.pace
                operation.lanes.pop(city_id, None)
                lane.abandon()

    async def _batch(self, operation: _Operation, city_id: int, batch: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        began, parts, todo = loop.time(), 0, [batch]
        again: Counter[str] = Counter()
        try:
            while todo:
                part = todo.pop()
                parts += 1
                try:
                    results = await self._transaction(operation, city_id, [waiting.item for waiting in part], again)
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
        finally:  # whoever has no answer yet
            _fail(batch, Busy(retry_after=5) if operation.reading else OutcomeUnknown("the process is stopping"))
        if self._observe is not None:
            self._observe(
                BatchRun(
                    name=operation.name, city_id=city_id, size=len(batch), parts=parts, again=again,
                    waited_s=began - min(waiting.since for waiting in batch), ran_s=loop.time() - began,
                )
            )  # fmt: skip

    async def _transaction(
        self, operation: _Operation, city_id: int, items: list[Any], again: Counter[str]
    ) -> Sequence[Any]:
        pauses = {reason: iter(seconds) for reason, seconds in _PAUSES.items()}
        while True:
            try:
                async with (
                    self._db.reading(city_id) if operation.reading else self._db.city(city_id, pipelined=True) as tx
                ):
                    return await _done(operation, tx, items, city_id=city_id, now=self._clock.now())
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                reason = _reason(error)
                pause = next(pauses[reason], None) if reason else None
                if reason is None or pause is None:
                    raise Busy(retry_after=2) from error
                again[reason] += 1
                await asyncio.sleep(pause)


async def _done(operation: _Operation, tx: Tx, items: list[Any], *, city_id: int, now: Any) -> Sequence[Any]:
    results: Sequence[Any] = await operation.do(tx, items, city_id=city_id, now=now)
    if len(results) != len(items):
        raise RuntimeError(f"{operation.name} answered {len(results)} of {len(items)} items")
    return results


def _reason(error: psycopg.Error) -> str | None:
    """Why nothing was done, when asking again at once may succeed."""
    if isinstance(error, AGAIN):
        return "deadlock" if isinstance(error, psycopg.errors.DeadlockDetected) else "serialization"
    return "connection" if connection_lost(error) else None


def _fail(part: list[Waiting], error: Exception) -> None:
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
