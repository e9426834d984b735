"""Purchases that gave no points, and purchases that were undone before they earned."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.programmes.model import ClawBack, Earn

SourceKey = tuple[UUID, str, UUID]


class MissedRow(Struct, kw_only=True):
    """A purchase that gave no points, and `why` (`which` cap); `granted_at`: when they were given after all."""

    programme_id: UUID
    source_kind: str
    source_ref: UUID
    movement_id: UUID | None
    member_id: UUID
    partner_id: UUID | None = None
    city_id: int | None = None
    store_id: UUID | None = None
    staff_id: UUID | None = None
    category: str | None = None
    amount_units: int
    points: int = 0
    why: str
    which: str = ""
    bought_at: datetime | None = None
    granted_at: datetime | None = None

    @classmethod
    def of(cls, one: Earn, units: int, points: int, why: str, which: str) -> "MissedRow":
        return cls(
            programme_id=one.programme_id, source_kind=one.source.kind, source_ref=one.source.ref,
            movement_id=one.movement_id, member_id=one.member_id, partner_id=one.partner_id, city_id=one.city_id,
            store_id=one.store_id, staff_id=one.staff_id, category=one.category, amount_units=units, points=points,
            why=why, which=which, bought_at=one.at,
        )  # fmt: skip

    @classmethod
    def undone(cls, one: ClawBack) -> "MissedRow":
        """The mark of a purchase that was undone, wholly or down to what is kept, and has not earned yet."""
        return cls(
            programme_id=one.programme_id, source_kind=one.source.kind, source_ref=one.source.ref, movement_id=None,
            member_id=one.member_id, amount_units=0 if one.kept is None else one.kept.units, why="undone",
        )  # fmt: skip

    @property
    def key(self) -> SourceKey:
        return self.programme_id, self.source_kind, self.source_ref


COLUMNS = ", ".join(f"m.{name}" for name in MissedRow.__struct_fields__)


async def load(tx: Tx, programme_ids: Collection[UUID], *, refs: Collection[UUID]) -> dict[SourceKey, MissedRow]:
    """What is known of these sources."""
    rows = await tx.rows(
        f"""select {COLUMNS} from programmes.missed m
             where m.programme_id = any(%(programmes)s::uuid[]) and m.source_ref = any(%(refs)s::uuid[])""",
        programmes=sorted(set(programme_ids)), refs=sorted(set(refs)),
    )  # fmt: skip
    found = [MissedRow(**row) for row in rows]
    return {row.key: row for row in found}


async def by_ids(tx: Tx, movement_ids: Collection[UUID]) -> list[tuple[MissedRow, str]]:
    """What was missed under these ids, with the currency of its programme."""
    rows = await tx.rows(
        f"""select {COLUMNS}, p.currency from programmes.missed m
              join programmes.programmes p on p.programme_id = m.programme_id
             where m.programme_id in (select programme_id from programmes.programmes)
               and m.movement_id = any(%(ids)s::uuid[])""",
        ids=sorted(set(movement_ids)),
    )
    return [(MissedRow(**{k: v for k, v in row.items() if k != "currency"}), row["currency"]) for row in rows]


async def write(tx: Tx, rows: Sequence[MissedRow], now: datetime) -> None:
    """New rows; of those that stand, what is left of the purchase and whether its points were given."""
    if not rows:
        return
    last = {row.key: row for row in rows}
    order = [last[key] for key in sorted(last)]
    await tx.send(
        """insert into programmes.missed as m
             (programme_id, source_kind, source_ref, movement_id, member_id, partner_id, city_id, store_id, staff_id,
              category, amount_units, points, why, which, bought_at, at, granted_at)
           select n.programme_id, n.source_kind, n.source_ref, n.movement_id, n.member_id, n.partner_id, n.city_id,
                  n.store_id, n.staff_id, n.category, n.amount_units, n.points, n.why, n.which, n.bought_at, %(now)s,
                  n.granted_at
             from unnest(%(programmes)s::uuid[], %(kinds)s::text[], %(refs)s::uuid[], %(ids)s::uuid[],
                         %(members)s::uuid[], %(partners)s::uuid[], %(cities)s::int[], %(stores)s::uuid[],
                         %(staff)s::uuid[], %(categories)s::text[], %(amounts)s::bigint[], %(points)s::bigint[],
                         %(whys)s::text[], %(which)s::text[], %(bought)s::timestamptz[], %(granted)s::timestamptz[])
               as n(programme_id, source_kind, source_ref, movement_id, member_id, partner_id, city_id, store_id,
                    staff_id, category, amount_units, points, why, which, bought_at, granted_at)
           on conflict (programme_id, source_kind, source_ref)
           do update set amount_units = excluded.amount_units, granted_at = excluded.granted_at""",
        now=now, programmes=[r.programme_id for r in order], kinds=[r.source_kind for r in order],
        refs=[r.source_ref for r in order], ids=[r.movement_id for r in order], members=[r.member_id for r in order],
        partners=[r.partner_id for r in order], cities=[r.city_id for r in order], stores=[r.store_id for r in order],
        staff=[r.staff_id for r in order], categories=[r.category for r in order],
        amounts=[r.amount_units for r in order], points=[r.points for r in order], whys=[r.why for r in order],
        which=[r.which for r in order], bought=[r.bought_at for r in order], granted=[r.granted_at for r in order],
    )  # fmt: skip
