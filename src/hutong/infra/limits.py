"""Limits of tries per time, kept in the database: one statement, right across processes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.refusals import TooManyTries


class Take(Struct, frozen=True):
    """One try: of which bucket (a text that names who and what), how many may pass in how many seconds."""

    bucket: str
    limit: int
    window_s: int
    units: int = 1


def window_start(now: datetime, window_s: int) -> datetime:
    """The start of the fixed window in which `now` lies."""
    epoch = int(now.timestamp())
    return datetime.fromtimestamp(epoch - epoch % window_s, UTC)


async def take(tx: Tx, takes: Sequence[Take], *, now: datetime) -> list[TooManyTries | None]:
    """Count each try; for each, None when it may pass or a refusal with the seconds to wait.

    Tries of one bucket in one call are counted together, in order. A refused try counts too.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for i, one in enumerate(takes):
        groups.setdefault((one.bucket, one.window_s), []).append(i)
    keys = sorted(groups)
    rows = await tx.rows(
        """insert into infra.limits as l (bucket, window_start, taken, window_s)
           select * from unnest(%(buckets)s::text[], %(starts)s::timestamptz[], %(units)s::int[], %(windows)s::bigint[])
           on conflict (bucket, window_start) do update set taken = l.taken + excluded.taken
           returning bucket, window_start, taken""",
        buckets=[f"{bucket}/{window}" for bucket, window in keys],
        starts=[window_start(now, window) for _, window in keys],
        units=[sum(takes[i].units for i in groups[key]) for key in keys],
        windows=[window for _, window in keys],
    )
    after = {row["bucket"]: row["taken"] for row in rows}
    results: list[TooManyTries | None] = [None] * len(takes)
    for key in keys:
        bucket, window = key
        taken = after[f"{bucket}/{window}"] - sum(takes[i].units for i in groups[key])
        for i in groups[key]:
            taken += takes[i].units
            if taken > takes[i].limit:
                left = window_start(now, window) + timedelta(seconds=window) - now
                results[i] = TooManyTries(wait_seconds=max(1, int(left.total_seconds())))
    return results


async def spent(tx: Tx, bucket: str, window_s: int, *, now: datetime) -> int:
    """How many tries of the bucket the current window has counted."""
    found = await tx.value(
        "select taken from infra.limits where bucket = %(bucket)s and window_start = %(start)s",
        bucket=f"{bucket}/{window_s}",
        start=window_start(now, window_s),
    )
    return found or 0


async def spent_many(tx: Tx, buckets: Sequence[tuple[str, int]], *, now: datetime) -> list[int]:
    """How many tries the current window of each (bucket, window_s) has counted. Reads only: nothing is counted."""
    if not buckets:
        return []
    rows = await tx.rows(
        """select l.bucket, l.taken from infra.limits l
           join unnest(%(buckets)s::text[], %(starts)s::timestamptz[]) as b(bucket, start)
             on l.bucket = b.bucket and l.window_start = b.start""",
        buckets=[f"{bucket}/{window}" for bucket, window in buckets],
        starts=[window_start(now, window) for _, window in buckets],
    )
    found = {row["bucket"]: row["taken"] for row in rows}
    return [found.get(f"{bucket}/{window}", 0) for bucket, window in buckets]


async def forget(tx: Tx, *, now: datetime) -> int:
    """Delete windows that ended over a day ago; how many went."""
    return await tx.run(
        "delete from infra.limits where window_start + make_interval(secs => window_s) < %(before)s",
        before=now - timedelta(days=1),
    )
