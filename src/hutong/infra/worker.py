"""The worker: relay, queue, periodic tasks and their watchdog in one process, alone or beside the faces.

Every loop survives a database that goes away and comes back. Notifications only save waiting; polling is what
the worker relies on.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from hutong.infra import answers, delivery, limits, metrics
from hutong.infra.db import Database
from hutong.infra.delivery import describe
from hutong.infra.relay import Registry, relay_all
from hutong.infra.tasks import QUEUE, Periodic, Queue, turn
from hutong.kit.clock import Clock

log = logging.getLogger(__name__)

Cities = Callable[[Database], Awaitable[Sequence[int]]]


class Worker:
    """Runs until `stop()`; several may run at once, in one process or many.

    cities: gives the ids of all cities, for deleting what is old. stalled_s: silence after which the jobs of a
    worker are given to others. grace_s: how long running work may take to finish after `stop()`.
    """

    def __init__(
        self, db: Database, registry: Registry, clock: Clock, *, periodics: Sequence[Periodic] = (),
        cities: Cities | None = None, concurrency: int = 4, poll_s: float = 0.5, relay_size: int = 500,
        heartbeat_s: float = 10, stalled_s: float = 30, grace_s: float = 20, keep_jobs_days: int = 7,
        keep_facts_days: int = 30,
    ) -> None:  # fmt: skip
        if stalled_s < 2 * heartbeat_s:
            raise ValueError("a worker must beat at least twice before it counts as silent")
        self._db, self._registry, self._clock = db, registry, clock
        self._concurrency, self._poll_s, self._relay_size = concurrency, poll_s, relay_size
        self._heartbeat_s, self._stalled_s, self._grace_s = heartbeat_s, stalled_s, grace_s
        self.queue = Queue(db, registry, clock, connections=concurrency + 3, ended=metrics.task_done)
        self._periodics = [
            *periodics,
            Periodic(name="infra.watchdog", every_s=heartbeat_s, do=self._watch),
            *housekeeping(
                self.queue, cities or cities_with_facts, jobs_days=keep_jobs_days, facts_days=keep_facts_days
            ),
        ]
        if len({periodic.name for periodic in self._periodics}) < len(self._periodics):
            raise ValueError("two periodic tasks share a name")
        self._stopping = asyncio.Event()
        self._nudged = asyncio.Event()

    def stop(self) -> None:
        """Take nothing new; `run` returns when what is under way has ended."""
        self._stopping.set()
        self._nudged.set()

    def nudge(self) -> None:
        """Facts were just committed in this process: relay them now instead of at the next poll."""
        self._nudged.set()

    async def run(self) -> None:
        """Work until `stop()` is called or this is cancelled."""
        async with self.queue.app.open_async():
            serving = self._task("queue", self._serve)
            others = [self._task("relay", self._relay)]
            others += [self._task(p.name, self._repeat, p) for p in self._periodics]
            try:
                await self._stopping.wait()
            finally:
                self.stop()
                serving.cancel()  # procrastinate takes this as a request: it waits for its jobs, at most grace_s
                _, late = await asyncio.wait([serving, *others], timeout=self._grace_s + 5)
                for task in late:
                    task.cancel()
                await asyncio.gather(serving, *others, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator["Worker"]:
        """Run beside other work of the process, for as long as the block lasts."""
        task = asyncio.create_task(self.run())
        try:
            yield self
        finally:
            self.stop()
            await task

    def _task(self, name: str, loop: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> asyncio.Task[None]:
        return asyncio.create_task(self._forever(name, loop, *args), name=name)

    async def _forever(self, name: str, loop: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Begin again after a fault, with growing pauses; a round that lasted makes the pause short again."""
        pause = 0.1
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            try:
                await loop(*args)
            except Exception as error:
                log.warning("%s begins again after %s", name, describe(error))
            lasted = asyncio.get_running_loop().time() - began
            pause = 0.1 if lasted > 30 else min(5.0, pause * 2)
            await self._wait(self._stopping, pause)

    async def _serve(self) -> None:
        await self.queue.app.run_worker_async(
            queues=[QUEUE], concurrency=self._concurrency, install_signal_handlers=False,
            fetch_job_polling_interval=self._poll_s, abort_job_polling_interval=30.0,
            shutdown_graceful_timeout=self._grace_s, delete_jobs="successful",
            update_heartbeat_interval=self._heartbeat_s, stalled_worker_timeout=self._stalled_s,
        )  # fmt: skip

    async def _relay(self) -> None:
        while not self._stopping.is_set():
            self._nudged.clear()
            relayed = await relay_all(
                self._db, registry=self._registry, defer=self.queue.defer, now=self._clock.now(), limit=self._relay_size
            )
            if not relayed and not self._stopping.is_set():
                await self._wait(self._nudged, self._poll_s)

    async def _repeat(self, periodic: Periodic) -> None:
        while not self._stopping.is_set():
            await turn(self._db, periodic, self._clock, ended=metrics.task_done)
            await self._wait(self._stopping, periodic.every_s)

    async def _watch(self, db: Database, now: datetime) -> None:
        rescued = await self.queue.rescue(self._stalled_s)
        if rescued:
            log.warning("%s jobs of silent workers were given back", rescued)

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)


async def cities_with_facts(db: Database) -> list[int]:
    """All cities that ever had a fact. Asks every shard (back office); the app knows its cities better."""
    async with db.reading() as tx:
        rows = await tx.rows("select distinct city_id from infra.facts order by city_id")
    return [row["city_id"] for row in rows]


def housekeeping(queue: Queue, cities: Cities, *, jobs_days: int, facts_days: int) -> list[Periodic]:
    """Deleting what is old: answers that may be forgotten, facts with their marks, ended jobs, limits."""

    async def forget(db: Database, now: datetime) -> None:
        for city_id in await cities(db):
            while await _in_city(db, city_id, answers.forget, now=now) >= 5_000:
                pass
            while await _in_city(db, city_id, delivery.forget, now=now, days=facts_days) >= 2_000:
                pass
        async with db.central() as tx:
            await limits.forget(tx, now=now)
        await queue.forget(jobs_days)

    return [Periodic(name="infra.forget", every_s=3600, do=forget)]


async def _in_city(db: Database, city_id: int, forget: Callable[..., Awaitable[int]], **args: Any) -> int:
    async with db.city(city_id) as tx:
        return await forget(tx, city_id=city_id, **args)
