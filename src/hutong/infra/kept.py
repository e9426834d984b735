"""What is the same for everybody, kept for a moment: a page that many open at once is made once.

Nothing kept outlives its life (seconds), so that what another process wrote is seen within it. What this process
writes is seen at once: the doors tell which tables a transaction wrote, and whatever may have shown them is forgotten.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct

from hutong.kit.clock import Clock

T = TypeVar("T")
Observer = Callable[[str, str], None]

# What every sale and every scan writes and no common page shows but by a live look-up. Whatever is not named here
# makes pages, so a table that nobody thought of costs speed and never the truth.
BOUGHT = frozenset({"orders", "payments", "inventory", "vouchers", "ledger", "settlement"})
SALES = BOUGHT | {"infra", "people", "messages", "till", "insight"}
COUNTED = frozenset({"catalog.searches"})
REFERENCE = frozenset({"catalog.categories"})  # and all of places: on the pages of every city
OVERHEAD = 400  # bytes that an entry weighs besides its value


class _Entry(Struct):
    value: Any
    turn: tuple[int, int]
    until: float
    made_at: datetime
    weight: int


class Kept:
    """The shelf of one process. `get` gives what is kept or makes it; whoever asks meanwhile waits for the same one."""

    def __init__(self, clock: Clock, *, life_s: float, most_bytes: int, observe: Observer | None = None) -> None:
        self._clock, self.life_s, self._most, self._observe = clock, life_s, most_bytes, observe
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._coming: dict[Hashable, tuple[tuple[int, int], asyncio.Task[Any]]] = {}
        self._all = 0  # how often everything was forgotten
        self._cities: dict[int, int] = {}  # how often a city was
        self.bytes = 0

    @property
    def on(self) -> bool:
        return self.life_s > 0 and self._most > 0

    def __len__(self) -> int:
        return len(self._entries)

    async def get(
        self, name: str, key: Hashable, make: Callable[[], Awaitable[T]], *, city_id: int,
        weigh: Callable[[T], int | None], life_s: float | None = None,
    ) -> T:  # fmt: skip
        """The value of (name, city_id, key), at most `life_s` seconds old (the shelf's own life unless given).

        weigh: bytes of a value; None for one that must not be kept: it goes to whoever asked for it alone, and others
        who waited for it make their own. What `make` raises is raised for all who wait and not kept. Do not hold a
        connection while asking: `make` may want one.
        """
        if not self.on:
            return await make()
        full, turn = (name, city_id, key), self._turn(city_id)
        entry = self._entries.get(full)
        if entry is not None and self._fresh(entry, turn, life_s):
            self._entries.move_to_end(full)
            self._tell(name, "hit")
            return entry.value
        coming = self._coming.get(full)
        if coming is not None and coming[0] == turn:
            self._tell(name, "waited")
            value, shared = await asyncio.shield(coming[1])
            return value if shared else await make()
        self._tell(name, "miss")
        task = asyncio.ensure_future(self._make(full, turn, make, weigh, life_s or self.life_s))
        self._coming[full] = (turn, task)
        task.add_done_callback(lambda done: self._arrived(full, done))
        value, _ = await asyncio.shield(task)
        return value

    def peek(self, name: str, key: Hashable, *, city_id: int, life_s: float) -> Any | None:
        """What `get` would give at this moment without making anything; None when it would have to."""
        full = (name, city_id, key)
        entry = self._entries.get(full)
        if not self.on or entry is None or not self._fresh(entry, self._turn(city_id), life_s):
            return None
        self._entries.move_to_end(full)
        self._tell(name, "hit")
        return entry.value

    async def _make(
        self, full: Hashable, turn: tuple[int, int], make: Callable[[], Awaitable[T]],
        weigh: Callable[[T], int | None], life_s: float,
    ) -> tuple[T, bool]:  # fmt: skip
        made_at, began = self._clock.now(), asyncio.get_running_loop().time()
        value = await make()
        weight = weigh(value)
        city_id = full[1]  # type: ignore[index]
        if weight is not None and turn == self._turn(city_id):  # what was written meanwhile may be missing in it
            self._drop(full)
            self._entries[full] = _Entry(value, turn, began + life_s, made_at, weight + OVERHEAD)
            self.bytes += weight + OVERHEAD
            while self.bytes > self._most:
                self._drop(next(iter(self._entries)))
        return value, weight is not None

    def _arrived(self, full: Hashable, done: "asyncio.Task[Any]") -> None:
        if self._coming.get(full, (None, None))[1] is done:
            del self._coming[full]
        if not done.cancelled():
            done.exception()  # seen: whoever waited has raised it, or nobody waits any more

    def _fresh(self, entry: _Entry, turn: tuple[int, int], life_s: float | None) -> bool:
        """By the loop's clock, and by the house's own, which in a replay runs otherwise."""
        if entry.turn != turn or asyncio.get_running_loop().time() >= entry.until:
            return False
        age = self._clock.now() - entry.made_at
        return timedelta(0) <= age < timedelta(seconds=life_s or self.life_s)

    def _turn(self, city_id: int) -> tuple[int, int]:
        return self._all, self._cities.get(city_id, 0)

    def _drop(self, full: Hashable) -> None:
        entry = self._entries.pop(full, None)
        if entry is not None:
            self.bytes -= entry.weight

    def _tell(self, name: str, what: str) -> None:
        if self._observe is not None:
            self._observe(name, what)

    def wrote(self, city_id: int | None, tables: Iterable[str]) -> None:
        """A transaction in a city (None: of no city) wrote these tables, or may have: what shows them is forgotten."""
        shown = [table for table in tables if makes_pages(table)]
        if shown:
            self.forget(None if any(table.startswith("places.") or table in REFERENCE for table in shown) else city_id)

    def forget(self, city_id: int | None = None) -> None:
        """Nothing that was made until now is given again: of a city, or at all. Old entries go as room is needed."""
        if city_id is None:
            self._all += 1
            self._entries.clear()
            self.bytes = 0
        else:
            self._cities[city_id] = self._cities.get(city_id, 0) + 1


def makes_pages(table: str) -> bool:
    """Whether common pages may show rows of this table ("package.name")."""
    return table.partition(".")[0] not in SALES and table not in COUNTED
