"""What was done on a day, for the caps: locked, looked at, and counted on."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx

Key = tuple[UUID, date, str, str]  # programme, day, kind, whose


class Counters:
    """(times, points) of each counter, under its lock."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[int, int]] = {}
        self.changed: set[Key] = set()

    def know(self, key: Key, times: int, points: int) -> None:
        self._known[key] = times, points

    def get(self, key: Key) -> tuple[int, int]:
        return self._known[key]

    def add(self, key: Key, points: int) -> None:
        times, before = self._known[key]
        self._known[key] = times + 1, before + points
        self.changed.add(key)


def _params(keys: Iterable[Key]) -> dict[str, Any]:
    order = list(keys)
    return {
        "programmes": [key[0] for key in order], "days": [key[1] for key in order],
        "kinds": [key[2] for key in order], "keys": [key[3] for key in order],
    }  # fmt: skip


NAMED = """unnest(%(programmes)s::uuid[], %(days)s::date[], %(kinds)s::text[], %(keys)s::text[])
  as n(programme_id, day, kind, key)"""


async def lock(tx: Tx, keys: Iterable[Key]) -> Counters:
    """Open and lock the counters, in one order for everybody. Nothing is asked where there is no cap."""
    counters = Counters()
    wanted = sorted(set(keys))
    if not wanted:
        return counters
    params = _params(wanted)
    await tx.send(
        f"""insert into programmes.counters (programme_id, day, kind, key, times, points)
            select n.programme_id, n.day, n.kind, n.key, 0, 0 from {NAMED}
             order by n.programme_id, n.day, n.kind, n.key on conflict (programme_id, day, kind, key) do nothing""",
        **params,
    )
    rows = await tx.rows(
        f"""select c.programme_id, c.day, c.kind, c.key, c.times, c.points from {NAMED}
              join programmes.counters c on c.programme_id = n.programme_id and c.day = n.day and c.kind = n.kind
                and c.key = n.key
             order by c.programme_id, c.day, c.kind, c.key for no key update of c""",
        **params,
    )
    for row in rows:
        counters.know((row["programme_id"], row["day"], row["kind"], row["key"]), row["times"], row["points"])
    return counters


async def write(tx: Tx, counters: Counters) -> None:
    """What was counted on."""
    changed = sorted(counters.changed)
    if not changed:
        return
    counts = [counters.get(key) for key in changed]
    await tx.send(
        """update programmes.counters as c set times = n.times, points = n.points
             from unnest(%(programmes)s::uuid[], %(days)s::date[], %(kinds)s::text[], %(keys)s::text[],
                         %(times)s::bigint[], %(points)s::bigint[]) as n(programme_id, day, kind, key, times, points)
            where c.programme_id = n.programme_id and c.day = n.day and c.kind = n.kind and c.key = n.key""",
        times=[times for times, _ in counts], points=[points for _, points in counts], **_params(changed),
    )  # fmt: skip
