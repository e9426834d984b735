"""What a face is told when a commit was lost: never "nothing was done" while nobody knows."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from hutong.desk import keyed
from hutong.infra.db import OutcomeUnknown
from hutong.kit.refusals import Busy, Refusal, Unclear

pytestmark = pytest.mark.anyio


class Ways:
    """Batches that end each submit in the next of the given ways, and the last one for ever."""

    def __init__(self, *ways: Any) -> None:
        self.ways, self.asked, self.callers = list(ways), 0, []

    async def submit(self, operation, city_id, item, *, caller=None):
        self.asked += 1
        self.callers.append(caller)
        way = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
        if isinstance(way, Exception):
            raise way
        return way


async def ask(ways: Ways) -> Any:
    house = cast(Any, SimpleNamespace(batches=ways))
    return await keyed.submit_until_known(house, "do", 1, "item", caller="ann", pauses=(0.001,) * 3)


async def test_busy_before_anything_was_sent_is_busy():
    ways = Ways(Busy(retry_after=3))
    with pytest.raises(Busy):
        await ask(ways)
    assert ways.asked == 1


async def test_unknown_is_asked_until_it_is_known():
    ways = Ways(OutcomeUnknown(), Busy(retry_after=2), "done")
    assert await ask(ways) == "done"
    assert ways.callers == ["ann"] * 3


@pytest.mark.parametrize("then", [OutcomeUnknown(), Busy(retry_after=2)])
async def test_what_stays_unknown_is_told_as_that(then: Exception):
    ways = Ways(OutcomeUnknown(), then)
    with pytest.raises(Refusal) as told:
        await ask(ways)
    assert told.value == Unclear(retry_after=5)
    assert ways.asked == 4
