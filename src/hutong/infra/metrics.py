"""Numbers for Prometheus. Labels are routes, codes and names from the code, never what a caller typed.

Several processes share one set of numbers through a folder: whoever starts them calls `shared` first and gives
its result to their environment.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from hutong.infra.batches import BatchRun
from hutong.infra.relay import Backlog

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it, read when it is imported
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

disable_created_metrics()
REGISTRY = CollectorRegistry(auto_describe=True)
if FOLDER not in os.environ:
    ProcessCollector(registry=REGISTRY)
    PlatformCollector(registry=REGISTRY)

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

requests = Counter(
    "hutong_http_requests", "Requests answered, by route template and status.", ["route", "method", "status"],
    registry=REGISTRY,
)  # fmt: skip
request_seconds = Histogram(
    "hutong_http_request_seconds", "Time to answer a request.", ["route", "method"], buckets=_FAST, registry=REGISTRY
)
refusals = Counter("hutong_refusals", "Refusals given, by code.", ["code"], registry=REGISTRY)
faults = Counter("hutong_faults", "Defects of ours that reached an edge, by where.", ["where"], registry=REGISTRY)
forged_callbacks = Counter(
    "hutong_forged_callbacks", "Callbacks whose signature did not hold, by provider.", ["provider"], registry=REGISTRY
)

batch_size = Histogram(
    "hutong_batch_size", "Commands gathered into one transaction.", ["operation"], buckets=_SIZES, registry=REGISTRY
)
batch_wait_seconds = Histogram(
    "hutong_batch_wait_seconds", "Longest wait of a command for its batch.", ["operation"], buckets=_FAST,
    registry=REGISTRY,
)  # fmt: skip
batch_seconds = Histogram("hutong_batch_seconds", "Time a batch took.", ["operation"], buckets=_FAST, registry=REGISTRY)
batch_splits = Counter(
    "hutong_batch_splits", "Batches taken apart because a command in them failed.", ["operation"], registry=REGISTRY
)
retries = Counter("hutong_db_retries", "Transactions tried again, by the reason.", ["reason"], registry=REGISTRY)
batch_waiting = Gauge(
    "hutong_batch_waiting", "Commands that wait for their batch.", ["operation"], registry=REGISTRY,
    multiprocess_mode="livesum",
)  # fmt: skip

relay_waiting = Gauge(
    "hutong_relay_waiting", "Committed facts that wait for the relay.", registry=REGISTRY,
    multiprocess_mode="mostrecent",
)  # fmt: skip
relay_lag_seconds = Gauge(
    "hutong_relay_lag_seconds", "Age of the oldest fact that waits for the relay.", registry=REGISTRY,
    multiprocess_mode="mostrecent",
)  # fmt: skip
dead_deliveries = Gauge(
    "hutong_dead_deliveries", "Deliveries given up after all their tries.", registry=REGISTRY,
    multiprocess_mode="mostrecent",
)  # fmt: skip
tasks = Counter("hutong_tasks", "Tasks ended, by name and outcome.", ["task", "outcome"], registry=REGISTRY)
task_seconds = Histogram("hutong_task_seconds", "Time a task took.", ["task"], buckets=_FAST, registry=REGISTRY)

kept = Counter(
    "hutong_kept", "Asked of what is kept for everybody: hit, waited (somebody was making it), miss.", ["name", "what"],
    registry=REGISTRY,
)  # fmt: skip
db_pool = Gauge(
    "hutong_db_pool", "Connections of the doors to the database.", ["pool", "what"], registry=REGISTRY,
    multiprocess_mode="livesum",
)  # fmt: skip


def request_done(*, route: str, method: str, status: int, seconds: float) -> None:
    """A request was answered. route: its template (`/orders/{order_id}`), or `-` for an unknown path."""
    count, time = _counted(route, method, status)
    count.inc()
    time.observe(seconds)


@cache
def _counted(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """The two numbers of a kind of request: to find them by their labels costs more than to count."""
    return requests.labels(route, method, str(status)), request_seconds.labels(route, method)


def kept_asked(name: str, what: str) -> None:
    """Something was asked of the shelf; give this to `Kept(observe=...)`."""
    _kept(name, what).inc()


@cache
def _kept(name: str, what: str) -> Counter:
    return kept.labels(name, what)


def batch_done(run: BatchRun) -> None:
    """A batch ran; give this to `Batches(observe=...)`."""
    size, wait, time = _batched(run.name)
    size.observe(run.size)
    wait.observe(run.waited_s)
    time.observe(run.ran_s)
    if run.parts > 1:
        batch_splits.labels(run.name).inc()
    for reason, times in run.again.items():
        retries.labels(reason).inc(times)


@cache
def _batched(operation: str) -> tuple[Histogram, Histogram, Histogram]:
    return batch_size.labels(operation), batch_wait_seconds.labels(operation), batch_seconds.labels(operation)


def waiting(numbers: Mapping[str, int]) -> None:
    """`Batches.waiting()`: how many items wait, by operation."""
    for operation, number in numbers.items():
        batch_waiting.labels(operation).set(number)


def task_done(task: str, *, outcome: str, seconds: float) -> None:
    """A run of a task ended; give this to `Queue` and `turn`. outcome: `done` or `failed` (it is tried again)."""
    tasks.labels(task, outcome).inc()
    task_seconds.labels(task).observe(seconds)


def backlog(found: Backlog) -> None:
    """How far the relay is behind."""
    relay_waiting.set(found.waiting)
    relay_lag_seconds.set(found.oldest_s)
    dead_deliveries.set(found.dead)


def pool(stats: Mapping[str, int]) -> None:
    """`Database.stats()`: `writers_pool_size`, `readers_requests_waiting` ..."""
    for name, number in stats.items():
        doors, _, what = name.partition("_")
        db_pool.labels(doors, what).set(number)


def render() -> bytes:
    """All numbers as Prometheus text; with a shared folder those of all processes."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    _forget_the_dead(Path(os.environ[FOLDER]))
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def shared(folder: Path) -> dict[str, str]:
    """An empty folder for the numbers of several processes, and what their environment needs to use it."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()
    return {FOLDER: str(folder)}


def _forget_the_dead(folder: Path) -> None:
    """The gauges of a process of the family that died count no longer (its counters do): another took its place."""
    for pid in {int(left.stem.rpartition("_")[2]) for left in folder.glob("gauge_live*.db")}:
        if not psutil.pid_exists(pid):
            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
