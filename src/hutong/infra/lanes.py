"""A lane: the items of one operation in one city that wait for their batch, and whose turn it is.

Fair: each caller with waiting items stands in the line once; when he is served and has more, he goes to its end.
Bounded: by items, by items of one caller, and by the wait that the present pace promises.
"""

import asyncio
import math
from collections import deque
from collections.abc import Hashable
from typing import Any

from hutong.kit.refusals import Busy

_LATEST = 0.5  # weight of the newest turn in the pace
LONGEST_RETRY_S = 60


class Waiting:
    """One item, whoever waits for it, and since when (seconds of the loop's clock)."""

    __slots__ = ("caller", "future", "item", "since")

    def __init__(self, item: Any, caller: Hashable, future: asyncio.Future[Any], since: float) -> None:
        self.item, self.caller, self.future, self.since = item, caller, future, since


class Lane:
    """`running`: batches in flight. `began`: when the last turn began. `pace`: seconds a turn takes, 0 unknown."""

    __slots__ = ("_callers", "_line", "_more", "began", "count", "pace", "running")

    def __init__(self, pace: float = 0.0) -> None:
        self._line: deque[Waiting] = deque()
        self._callers: set[Hashable] = set()
        self._more: dict[Hashable, deque[Waiting]] = {}
        self.count = 0
        self.running = 0
        self.began = 0.0
        self.pace = pace

    def add(self, waiting: Waiting) -> None:
        """To the end of the line; behind his own when the caller stands there already. None is nobody twice."""
        self.count += 1
        caller = waiting.caller
        if caller is None:
            self._line.append(waiting)
        elif caller in self._callers:
            self._more.setdefault(caller, deque()).append(waiting)
        else:
            self._callers.add(caller)
            self._line.append(waiting)

    def take(self, size: int) -> tuple[list[Waiting], int]:
        """The next items, at most `size`, without those whose callers have gone; and how many left the lane."""
        batch: list[Waiting] = []
        line, more, before = self._line, self._more, self.count
        while line and len(batch) < size:
            waiting = line.popleft()
            self.count -= 1
            if waiting.caller is not None:
                behind = more.get(waiting.caller) if more else None
                if behind is None:
                    self._callers.discard(waiting.caller)
                else:
                    line.append(behind.popleft())
                    if not behind:
                        del more[waiting.caller]
            if not waiting.future.done():
                batch.append(waiting)
        return batch, before - self.count

    def admit(self, caller: Hashable, now: float, *, size: int, queue: int, lanes: int, patience_s: float) -> None:
        """Raises Busy, with the seconds after which to ask again, when there is no room or the wait would be long.

        Who has items here already waits behind all of them; a newcomer only behind the others' next ones.
        """
        behind = self._more.get(caller) if caller is not None and self._more else None
        ahead = len(self._line) if behind is None and caller not in self._callers else self.count
        full = self.count >= queue or (behind is not None and len(behind) * 8 >= queue)
        if not full and ahead < size:
            return  # the next batch has room: no promise is needed
        turns = ahead // size + 1
        expected = turns * max(self.pace, now - self.began) / lanes
        if full or expected > patience_s:
            raise Busy(retry_after=min(max(math.ceil(expected), 1), LONGEST_RETRY_S))

    def turned(self, seconds: float) -> None:
        """A turn, from the start of its wait to its answer, took that long."""
        self.pace = seconds if not self.pace else self.pace + _LATEST * (seconds - self.pace)

    def oldest(self) -> float:
        """Since when the first in the line waits."""
        return self._line[0].since

    def abandon(self) -> None:
        """The process's loop is ended by force: nobody will come to serve these."""
        for left in (*self._line, *(waiting for behind in self._more.values() for waiting in behind)):
            left.future.cancel()
