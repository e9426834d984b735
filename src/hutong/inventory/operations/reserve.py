"""Hold units late: who gets some is decided first, and a hot quota is locked only by the last statement.

A quota that is locked early stays locked while everything else of the transaction is written. Here the numbers are
read without a lock; where there is plenty for all, everybody is promised his units, and `claim` takes them at the end
under a condition. If that does not hold any more the whole transaction begins again, and finds what is scarce: then
the quotas are locked at once and served in the order of the list, as `hold` does.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.inventory.model import Hold, Left, serve, wanted, why_not
from hutong.inventory.operations._lock import lock
from hutong.inventory.operations.hold import claim_columns, left_of, peek, quotas_of
from hutong.kit.refusals import Refusal

PLENTY = 20  # so many times what this set wants: others of its size may take theirs meanwhile


class Reservation(Struct, frozen=True):
    """What a set of holds will get: for each None (its units) or why not. Nothing is taken before `claim`."""

    holds: tuple[Hold, ...]
    answers: tuple[Refusal | None, ...]

    @property
    def served(self) -> list[Hold]:
        return [hold for hold, refusal in zip(self.holds, self.answers, strict=True) if refusal is None]


async def reserve(tx: Tx, requests: Sequence[Hold], *, city_id: int) -> Reservation:
    """Decide who gets units, in the order of the list. Every hold_id must be new; call `claim` in this transaction.

    Refusals: quota_unknown, quota_closed, sold_out (`left`: how many there are).
    """
    seen = await peek(tx, requests, city_id=city_id)
    answers: list[Refusal | None] = [why_not(request, seen) for request in requests]
    hopeful = [i for i, refusal in enumerate(answers) if refusal is None]
    hopes = [requests[i] for i in hopeful]
    if not _plenty(hopes, seen):
        stock = await lock(tx, quotas_of(hopes), city_id=city_id)
        left = {quota_id: left_of(q) for quota_id, q in stock.items()}
        for i, refusal in zip(hopeful, serve(hopes, left), strict=True):
            answers[i] = refusal
    return Reservation(tuple(requests), tuple(answers))


def _plenty(requests: Sequence[Hold], seen: dict[UUID, Left]) -> bool:
    demand: dict[UUID, int] = {}
    for request in requests:
        for quota_id, units in wanted(request).items():
            demand[quota_id] = demand.get(quota_id, 0) + units
    return all(seen[quota_id].remaining >= PLENTY * units for quota_id, units in demand.items())


async def claim(tx: Tx, reservation: Reservation, *, city_id: int, now: datetime) -> None:
    """Write the holds that were served and move the counters: the last lock of a transaction.

    What was there may be gone by now: then a CHECK of the quota refuses, and the transaction is tried again from its
    beginning.
    """
    served = reservation.served
    if served:
        sql = load(__package__, "claim_late")
        await tx.send(sql, rival="inventory.quotas", city=city_id, now=now, **claim_columns(served))
