"""The tipping point: counting paid units of deals that need a minimum (docs/decisions/0007)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx


class Count(Struct, frozen=True):
    """So many more (or, negative, fewer) paid units of an offer that needs `min_units`."""

    offer_id: UUID
    min_units: int
    units: int
    closes_at: datetime


class Tipped(Struct, frozen=True):
    """Which of the counted offers have tipped, and which of them just now."""

    tipped: frozenset[UUID]
    newly: frozenset[UUID]


async def add(tx: Tx, counts: Sequence[Count], *, city_id: int, now: datetime) -> Tipped:
    """Count, and tip what has reached its minimum. The row of an offer is the lock that closing waits for, too."""
    if not counts:
        return Tipped(frozenset(), frozenset())
    need = {c.offer_id: c.min_units for c in counts}
    ends = {c.offer_id: c.closes_at for c in counts}
    units = {offer: sum(c.units for c in counts if c.offer_id == offer) for offer in need}
    offers = sorted(need)
    rows = await tx.rows(
        """insert into orders.tippings as t (city_id, offer_id, min_units, paid_units, closes_at, tipped_at)
           select %(city)s, k.offer, k.need, k.units, k.ends,
                  case when k.units >= k.need then %(now)s::timestamptz end
           from unnest(%(offers)s::uuid[], %(needs)s::int[], %(units)s::int[], %(ends)s::timestamptz[])
                as k(offer, need, units, ends)
           order by k.offer
           on conflict (city_id, offer_id) do update
             set paid_units = t.paid_units + excluded.paid_units,
                 tipped_at = case when t.tipped_at is null and t.closed_at is null
                                   and t.paid_units + excluded.paid_units >= t.min_units
                                  then %(now)s::timestamptz else t.tipped_at end
           returning offer_id, tipped_at, tipped_at = %(now)s::timestamptz as newly""",
        city=city_id, now=now, offers=offers, needs=[need[o] for o in offers], units=[units[o] for o in offers],
        ends=[ends[o] for o in offers],
    )  # fmt: skip
    tipped = frozenset(r["offer_id"] for r in rows if r["tipped_at"] is not None)
    return Tipped(tipped, frozenset(r["offer_id"] for r in rows if r["newly"]))


async def take_back(tx: Tx, counts: Sequence[tuple[UUID, int]], *, city_id: int) -> None:
    """Refunded units no longer count - unless the deal has tipped: that stays."""
    offers = sorted({offer for offer, _ in counts})
    if not offers:
        return
    units = [sum(n for o, n in counts if o == offer) for offer in offers]
    await tx.run(
        """update orders.tippings t set paid_units = t.paid_units - k.units
           from unnest(%(offers)s::uuid[], %(units)s::int[]) as k(offer, units)
           where t.city_id = %(city)s and t.offer_id = k.offer and t.tipped_at is null""",
        city=city_id, offers=offers, units=units,
    )  # fmt: skip
