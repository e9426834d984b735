"""How the tests are given to the workers of a run."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

LONG = ("/tests/stories/", "/tests/faults/")


class Scheduling(LoadGroupScheduling):
    """As xdist does it, but what is done is forgotten: it counts what a worker has left by going through all that the
    worker ever had, at each test again, and of thirteen thousand tests that is a quarter of a minute."""

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        nodeid = self.registered_collections[node][item_index]
        scope = self._split_scope(nodeid)
        unit = self.assigned_work[node].get(scope, {})
        unit.pop(nodeid, None)
        if not unit:
            self.assigned_work[node].pop(scope, None)
        self._reschedule(node)


def longest_first(items: list[pytest.Item]) -> None:
    """Those that take seconds before those that take less, else in their order: the last ones to end are short."""
    items.sort(key=lambda item: not any(part in str(item.path) for part in LONG))


def mark_those_on_the_server(items: list[pytest.Item]) -> None:
    """`-m server` picks the tests that another PostgreSQL could make fail: those that are given one."""
    for item in items:
        names: Any = getattr(item, "fixturenames", ())
        if "server_url" in names:
            item.add_marker(pytest.mark.server)


@contextmanager
def everything_stays() -> Iterator[None]:
    """What is collected lives as long as the run: the collector of garbage would go through more than a million
    objects again and again, while tests are found and while they run, and find all of them in use."""
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
