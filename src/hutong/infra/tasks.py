"""Tasks: procrastinate on the same PostgreSQL, in a PostgreSQL schema of its own.

Jobs are queued only by the relay (and by retries), in the transaction that says so. What a finished job did is in
`infra.handled`; its row in the queue is deleted at once, so the queue stays small.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import procrastinate
import psycopg
from msgspec import Struct
from procrastinate import exceptions, jobs, retry, schema

from hutong.infra.db import Database, Tx
from hutong.infra.delivery import deliver, describe
from hutong.infra.relay import Delivery, Errand, Handler, Registry
from hutong.kit.clock import Clock

SCHEMA = "procrastinate"
SCHEMA_VERSION = "03.04.00_50"  # the newest of procrastinate's own migrations that `install` includes
QUEUE = "facts"
_PATH = f"{SCHEMA}, public"
_MOST_RUNS = 30  # of one job, over faults of the house: with pauses up to five minutes, about two hours


def install(url: str) -> None:
    """Create procrastinate's schema in the database unless it is there."""
    with psycopg.connect(url) as conn:
        install_on(conn)


def install_on(conn: psycopg.Connection[Any]) -> None:
    """The same in the transaction of `conn`: for the migration. Leaves the search path as it was."""
    found = conn.execute("select to_regclass('procrastinate.procrastinate_jobs') is not null").fetchone()
    if found and found[0]:
        return
    before = conn.execute("select current_setting('search_path')").fetchone()
    conn.execute("create schema if not exists procrastinate")
    conn.execute("select set_config('search_path', %s, true)", [_PATH])
    conn.execute(schema.SchemaManager.get_schema().encode())
    # Its functions name their tables without a schema. Pinned, they work for every caller: psql, triggers, restores.
    conn.execute(
        b"""do $$
        declare f regprocedure;
        begin
            for f in select oid::regprocedure from pg_proc where pronamespace = 'procrastinate'::regnamespace loop
                execute format('alter function %s set search_path = procrastinate, pg_temp', f);
            end loop;
        end $$"""
    )
    if before:
        conn.execute("select set_config('search_path', %s, true)", [before[0]])


class PeriodicDo(Protocol):
    """One turn of a periodic task. Two turns may overlap after a stall, so it must bear that."""

    async def __call__(self, db: Database, now: datetime, /) -> None: ...


class Periodic(Struct, frozen=True, kw_only=True):
    """What is done every `every_s` seconds by one worker of all, outside the queue."""

    name: str
    every_s: float
    do: PeriodicDo


class Ended(Protocol):
    """Told when a task has ended: its name, `done` or `failed`, and how long it took."""

    def __call__(self, task: str, *, outcome: str, seconds: float) -> None: ...


@contextlib.contextmanager
def told(ended: Ended, task: str) -> Iterator[None]:
    """What happens inside is one run of the task."""
    time = asyncio.get_running_loop().time
    began, outcome = time(), "failed"
    try:
        yield
        outcome = "done"
    finally:
        ended(task, outcome=outcome, seconds=time() - began)


def _untold(task: str, *, outcome: str, seconds: float) -> None:
    del task, outcome, seconds


class Patience(retry.BaseRetryStrategy):
    """Faults of the house pass: try again, with growing pauses. A worker told to stop hands its jobs on at once."""

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> retry.RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError | exceptions.JobAborted):
            return retry.RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= _MOST_RUNS:
            return None
        return retry.RetryDecision(retry_in={"seconds": min(300, 2**job.attempts)})


class Queue:
    """procrastinate's app with one task for each handler. `defer` needs no open pool: it rides on the caller's Tx."""

    def __init__(
        self, db: Database, registry: Registry, clock: Clock, *, connections: int = 4, ended: Ended = _untold
    ) -> None:
        self._db = db
        self._ended = ended
        self._clock = clock
        self._registry = registry
        options = f"-c search_path={SCHEMA},public -c timezone=UTC -c statement_timeout=15000 -c lock_timeout=8000"
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=db.url, min_size=1, max_size=connections, kwargs={"options": options}
            )
        )
        for handler in registry.handlers.values():
            self._add(handler)

    def _add(self, handler: Handler | Errand) -> None:
        async def run(
            context: procrastinate.JobContext, *, city_id: int, facts: list[str], retry: bool = False
        ) -> None:
            delivery = Delivery(handler=handler.name, city_id=city_id, facts=[UUID(f) for f in facts], retry=retry)
            with told(self._ended, handler.name):
                await deliver(
                    self._db, handler, delivery, attempts=context.job.attempts, defer=self.defer, now=self._clock.now()
                )

        self.app.task(name=task_name(handler.name), queue=QUEUE, pass_context=True, retry=Patience())(run)

    async def defer(self, tx: Tx, deliveries: Sequence[Delivery], *, wait_s: float = 0) -> None:
        """Queue deliveries in the transaction of `tx`. A delivery that waits in the queue already is not doubled."""
        await tx.run("select set_config('search_path', %(path)s, true)", path=_PATH)
        made = [self._job(delivery, tx, wait_s) for delivery in deliveries]
        try:
            async with tx.conn.transaction():
                await self.app.job_manager.batch_defer_jobs_async(made, connection=tx.conn)
        except exceptions.AlreadyEnqueued:
            for job in made:
                await self._defer_new(tx, job)

    async def _defer_new(self, tx: Tx, job: jobs.Job) -> None:
        try:
            async with tx.conn.transaction():
                await self.app.job_manager.batch_defer_jobs_async([job], connection=tx.conn)
        except exceptions.AlreadyEnqueued:
            return

    def _job(self, delivery: Delivery, tx: Tx, wait_s: float) -> jobs.Job:
        lane = f"{delivery.handler}/{delivery.city_id}"
        ordered = self._registry.handlers[delivery.handler].ordered and not delivery.retry
        return self.app.configure_task(
            task_name(delivery.handler),
            queue=QUEUE,
            lock=lane if ordered else None,  # a retry must not hold up the others: it takes its own way
            queueing_lock=f"{lane}/{delivery.facts[0]}/{delivery.facts[-1]}/{len(delivery.facts)}",
            schedule_in={"seconds": wait_s} if wait_s else None,
        ).make_new_job(
            city_id=delivery.city_id, facts=[str(fact_id) for fact_id in delivery.facts], retry=delivery.retry
        )

    async def rescue(self, stalled_s: float) -> int:
        """Give back the jobs of workers that fell silent `stalled_s` seconds ago; how many.

        Runs outside the queue and takes no lock of it: a watchdog that is a job stalls with the jobs it watches.
        A worker that only seemed dead does no harm, the second run finds its facts handled.
        """
        stalled = list(await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_s))
        for job in stalled:
            try:
                await self.app.job_manager.retry_job(job)
            except exceptions.ConnectorException:
                continue  # finished or rescued by another worker in this moment
        return len(stalled)

    async def forget(self, days: int) -> None:
        """Delete jobs that ended over `days` ago; those that succeeded went at once."""
        await self.app.job_manager.delete_old_jobs(
            nb_hours=days * 24, include_failed=True, include_cancelled=True, include_aborted=True
        )


def task_name(handler: str) -> str:
    """The name of a handler's task in the queue."""
    return f"facts:{handler}"


class Turn(Struct, frozen=True, kw_only=True):
    """How a periodic task does: `failures` in a row, the kind of the last fault, and whether it is overdue."""

    name: str
    every_s: float
    finished_at: datetime | None
    failures: int
    error: str | None
    late: bool


async def ailing(tx: Tx, *, now: datetime, grace_s: float = 120) -> list[Turn]:
    """The periodic tasks whose last turn failed or that nobody has run for longer than their time and `grace_s`."""
    rows = await tx.rows(
        """select name, every_s, finished_at, failures, error,
                  started_at + make_interval(secs => every_s + %(grace)s) < %(now)s as late
           from infra.periodics
           where failures > 0 or started_at + make_interval(secs => every_s + %(grace)s) < %(now)s order by name""",
        now=now, grace=grace_s,
    )  # fmt: skip
    return [Turn(**row) for row in rows]


async def turn(db: Database, periodic: Periodic, clock: Clock, *, ended: Ended = _untold) -> bool:
    """Run the periodic task if it is due and no other worker has claimed this turn; whether it ran."""
    now = clock.now()
    async with db.central() as tx:
        claimed = await tx.row(
            """insert into infra.periodics as p (name, every_s, started_at, failures)
               values (%(name)s, %(every)s, %(now)s, 0)
               on conflict (name) do update set started_at = excluded.started_at, every_s = excluded.every_s
               where p.started_at + make_interval(secs => excluded.every_s) <= excluded.started_at
               returning name""",
            name=periodic.name, every=periodic.every_s, now=now,
        )  # fmt: skip
    if claimed is None:
        return False
    error: Exception | None = None
    try:
        with told(ended, periodic.name):
            await periodic.do(db, now)
    except Exception as caught:
        error = caught
    async with db.central() as tx:
        await tx.run(
            """update infra.periodics set finished_at = coalesce(%(finished)s, finished_at), error = %(error)s,
                   failures = case when %(error)s::text is null then 0 else failures + 1 end
               where name = %(name)s""",
            name=periodic.name, finished=None if error else clock.now(), error=describe(error) if error else None,
        )  # fmt: skip
    if error is not None:
        raise error
    return True
