"""A till's word that a bill is void: taken back when it stands, never settled when it comes later."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.till.model import Undo, Void, Voided
from hutong.till.operations import _rows
from hutong.till.operations.undo import undo
from hutong.till.queries import by_events
from hutong.till.refusals import BillUndone, BillUnknown


async def void(
    tx: Tx, asks: Sequence[Void], *, city_id: int, now: datetime, **limits: Any
) -> list[Voided | Refusal]:  # fmt: skip
    """Declare bills void by the tills' own numbers, in list order; `limits` as vouchers.reverse takes them.

    A bill that stands is undone, whole, as by a manager. One that has not come yet will never be settled. The same
    again is the same answer (`replayed`), also when somebody undid the bill at the counter. Refusals: bill_not_found
    (another store's), those of `undo`.
    """
    keys = [(ask.merchant_id, ask.event_id) for ask in asks]
    await _rows.claim_events(tx, keys, city_id=city_id, now=now)
    bills = await by_events(tx, keys, city_id=city_id)
    voids = await _rows.voids_of(tx, keys, city_id=city_id)
    results: list[Voided | Refusal | None] = [None] * len(asks)
    wanted: dict[UUID, int] = {}
    fresh: dict[tuple[UUID, str], Void] = {}
    for i, (ask, key) in enumerate(zip(asks, keys, strict=True)):
        bill = bills.get(key)
        if bill is not None and bill.store_id != ask.store_id:
            results[i] = BillUnknown()
        elif bill is not None and bill.undone_at is not None:
            results[i] = Voided(event_id=ask.event_id, bill_id=bill.bill_id, at=bill.undone_at, replayed=True)
        elif bill is not None and bill.bill_id not in wanted:
            wanted[bill.bill_id] = i
        elif bill is not None:
            results[i] = Voided(event_id=ask.event_id, bill_id=bill.bill_id, at=now, replayed=True)
        else:
            at = voids.get(key)
            again = at is not None or key in fresh
            results[i] = Voided(event_id=ask.event_id, bill_id=None, at=at or now, replayed=again)
            fresh |= {} if again else {key: ask}
    undos = [_undo(bill_id, asks[i]) for bill_id, i in wanted.items()]
    undone = await undo(tx, undos, city_id=city_id, now=now, **limits) if undos else []
    for (bill_id, i), one in zip(wanted.items(), undone, strict=True):
        refused = isinstance(one, Refusal) and not isinstance(one, BillUndone)
        results[i] = one if refused else Voided(event_id=asks[i].event_id, bill_id=bill_id, at=now)  # type: ignore[assignment]
    await _insert(tx, list(fresh.values()), city_id=city_id, now=now)
    return [result or BillUnknown() for result in results]


def _undo(bill_id: UUID, ask: Void) -> Undo:
    return Undo(
        bill_id=bill_id, merchant_id=ask.merchant_id, store_id=ask.store_id, by=ask.by, reason=ask.reason, manager=True
    )


async def _insert(tx: Tx, asks: Sequence[Void], *, city_id: int, now: datetime) -> None:
    """The voids of bills that have not come."""
    if not asks:
        return
    await tx.run(
        """insert into till.voids (city_id, merchant_id, event_id, store_id, by, reason, at)
           select %(city)s, v.*, %(now)s
           from unnest(%(merchants)s::uuid[], %(events)s::text[], %(stores)s::uuid[], %(bys)s::uuid[],
                       %(reasons)s::text[]) as v""",
        city=city_id, now=now, merchants=[a.merchant_id for a in asks], events=[a.event_id for a in asks],
        stores=[a.store_id for a in asks], bys=[a.by for a in asks], reasons=[a.reason for a in asks],
    )  # fmt: skip
