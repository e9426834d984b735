"""The real operations with their guard taken off: their statements run as they are written, but without the locks, and
stop between looking and writing. For the controls of races, which must show the race that the guard prevents."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hutong.infra.db import Database, Tx

_LOCKS = re.compile(r"\bfor (?:no key )?update(?: of \w+)?(?: skip locked)?")


class Bare(Tx):
    """A transaction of the house whose statements lock nothing. `swaps`: whole statements that lock in another way,
    with what is asked instead; after the statement with the words `after` it waits for `pause`, once."""

    def __init__(
        self, tx: Tx, *, after: str, pause: Callable[[], Awaitable[Any]], swaps: Mapping[str, str] = {}
    ) -> None:
        super().__init__(tx.conn, tx._observer)
        self._after, self._pause, self._swaps, self.paused = after, pause, swaps, False

    async def _execute(self, sql: str, params: dict[str, Any]) -> Any:
        return await super()._execute(_LOCKS.sub("", self._swaps.get(sql, sql)), params)

    async def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        found = await super().rows(sql, **params)
        if not self.paused and self._after in self._swaps.get(sql, sql):
            self.paused = True
            await self._pause()
        return found


@asynccontextmanager
async def bare(db: Database, city: int, **how: Any) -> AsyncIterator[Bare]:
    """A door of the city without locks."""
    async with db.city(city) as tx:
        off = Bare(tx, **how)
        yield off
        assert off.paused, "the operation never looked: the control shows nothing"
