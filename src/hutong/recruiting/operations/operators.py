"""Operators, the ranks they hold, and the territories they run."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, Refusal
from hutong.places import UnknownCity, city, districts_by_number
from hutong.recruiting.model import ABOVE, BASIS, Assign, MakeOperator, Operator, Rank, Territory
from hutong.recruiting.queries.tree import as_territory, operators
from hutong.recruiting.refusals import (
    OperatorUnknown,
    RankChanged,
    RankWrong,
    TerritoryNeeded,
    TerritoryTaken,
)


async def make_operators(tx: Tx, asks: Sequence[MakeOperator], *, now: datetime) -> list[Operator | Refusal]:
    """Let there be operators; the same id again is the operator that is there. Parents first. Reference: central.

    Refusals in this order: bad_input (name), operator_not_found (parent), operator_rank_wrong.
    """
    there = await operators(tx, [a.parent_id for a in asks if a.parent_id], at=now)
    kinds = {key: one.kind for key, one in there.items() if one.ended_at is None} | {
        a.operator_id: a.kind for a in asks
    }
    refused = [_why_not(ask, kinds) for ask in asks]
    good = [ask for ask, why in zip(asks, refused, strict=True) if why is None]
    rows = {
        "ids": [a.operator_id for a in good], "kinds": [a.kind for a in good], "bys": [a.by for a in good], "now": now,
    }  # fmt: skip
    made = await tx.rows(
        """insert into recruiting.operators (operator_id, kind, name, made_by, made_at)
           select o.id, o.kind, o.name, o.by, %(now)s
           from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(names)s::jsonb[], %(bys)s::uuid[]) as o(id, kind, name, by)
           on conflict do nothing returning operator_id""",
        names=[Jsonb({"zh": a.name.zh, "en": a.name.en}) for a in good], **rows,
    )  # fmt: skip
    new = {row["operator_id"] for row in made}
    fresh = [Rank(operator_id=a.operator_id, version=0, parent_id=a.parent_id, handed_bps=a.handed_bps, by=a.by)
             for a in good if a.operator_id in new]  # fmt: skip
    await _write_ranks(tx, fresh, kinds, now=now)
    found = await operators(tx, [a.operator_id for a in good], at=now)
    return [why or found[ask.operator_id] for ask, why in zip(asks, refused, strict=True)]


def _why_not(ask: MakeOperator, kinds: dict[UUID, str]) -> Refusal | None:
    if not (ask.name.zh.strip() and ask.name.en.strip()) or max(len(ask.name.zh), len(ask.name.en)) > 60:
        return BadInput(field="name", why="1-60")
    return _wrong_rank(ask.kind, ask.parent_id, ask.handed_bps, kinds)


def _wrong_rank(kind: str, parent_id: UUID | None, bps: int, kinds: dict[UUID, str]) -> Refusal | None:
    if parent_id is not None and parent_id not in kinds:
        return OperatorUnknown()
    above = kinds.get(parent_id) if parent_id else None
    fits = kind != "staff" if above is None else above in ABOVE[kind]
    return None if fits and 0 <= bps <= BASIS else RankWrong()


async def _write_ranks(tx: Tx, ranks: Sequence[Rank], kinds: dict[UUID, str], *, now: datetime) -> None:
    """The next version of each; its number is the key, so two who write at once are not both right."""
    await tx.run(
        """insert into recruiting.ranks
             (operator_id, version, kind, parent_id, parent_kind, handed_bps, valid_from, by)
           select r.id, r.version, r.kind, r.parent, r.above, r.bps, %(now)s, r.by
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(kinds)s::text[], %(parents)s::uuid[], %(aboves)s::text[],
                       %(bps)s::int[], %(bys)s::uuid[]) as r(id, version, kind, parent, above, bps, by)""",
        now=now, ids=[r.operator_id for r in ranks], versions=[r.version + 1 for r in ranks],
        kinds=[kinds[r.operator_id] for r in ranks], parents=[r.parent_id for r in ranks],
        aboves=[kinds[r.parent_id] if r.parent_id else None for r in ranks], bps=[r.handed_bps for r in ranks],
        bys=[r.by for r in ranks],
    )  # fmt: skip


async def rank_operators(tx: Tx, asks: Sequence[Rank], *, now: datetime) -> list[Operator | Refusal]:
    """From now on they are handed that part, under that parent; what was earned before followed the versions before.

    Refusals in this order: operator_not_found, operator_rank_changed, operator_rank_wrong, territory_for_the_highest.
    Reference: central.
    """
    ids = sorted({a.operator_id for a in asks})
    await tx.rows(
        "select operator_id from recruiting.operators where operator_id = any(%(ids)s::uuid[]) order by 1 for update",
        ids=ids,
    )
    there = await operators(tx, [*ids, *(a.parent_id for a in asks if a.parent_id)], at=now)
    kinds: dict[UUID, str] = {key: one.kind for key, one in there.items()}
    runs = await _who_runs(tx, ids)
    results: list[Operator | Refusal] = []
    good: dict[UUID, Rank] = {}
    for ask in asks:
        one = there.get(ask.operator_id)
        if one is None or one.ended_at is not None:
            results.append(OperatorUnknown())
        elif one.version != ask.version or ask.operator_id in good:
            results.append(RankChanged())
        elif wrong := _wrong_rank(one.kind, ask.parent_id, ask.handed_bps, kinds):
            results.append(wrong)
        elif ask.parent_id is not None and ask.operator_id in runs:
            results.append(TerritoryNeeded())
        else:
            good[ask.operator_id] = ask
            results.append(one)
    await _write_ranks(tx, list(good.values()), kinds, now=now)
    after = await operators(tx, list(good), at=now)
    return [one if isinstance(one, Refusal) else after[one.operator_id] for one in results]


async def _who_runs(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    rows = await tx.rows(
        """select distinct operator_id from recruiting.territories
           where operator_id = any(%(ids)s::uuid[]) and until is null""",
        ids=list(ids),
    )
    return {row["operator_id"] for row in rows}


async def assign(tx: Tx, asks: Sequence[Assign], *, city_id: int, now: datetime) -> list[Territory | Refusal]:
    """Give territories of a city from now on; who ran exactly that before runs it no more, and his rows stay.

    Merchants whom he recruited stay his: a territory is where one works, not what one has earned. Refusals in this
    order: unknown_city, bad_input (district_id), operator_not_found, territory_for_the_highest, territory_taken
    (another runs a part of it, or all of which it is a part). Reference: central.
    """
    home = await city(tx, city_id)
    known = {one.district_id for one in await districts_by_number(tx, [city_id], [a.district_id or 0 for a in asks])}
    there = await operators(tx, [a.operator_id for a in asks if a.operator_id], at=now)
    results: list[Territory | Refusal] = []
    for ask in asks:  # a handful, written by one person; each stands on what the one before left
        one = there.get(ask.operator_id) if ask.operator_id else None
        if home is None:
            results.append(UnknownCity(city_id=city_id))
        elif ask.district_id is not None and ask.district_id not in known:
            results.append(BadInput(field="district_id", why=str(ask.district_id)))
        elif ask.operator_id is not None and (one is None or one.ended_at is not None):
            results.append(OperatorUnknown())
        elif one is not None and one.parent_id is not None:
            results.append(TerritoryNeeded())
        else:
            results.append(await _assign(tx, ask, city_id=city_id, now=now))
    return results


async def _assign(tx: Tx, ask: Assign, *, city_id: int, now: datetime) -> Territory | Refusal:
    rows = await tx.rows(
        "select * from recruiting.territories where city_id = %(city)s and until is null for update", city=city_id
    )
    live = [as_territory(row) for row in rows]
    was = next((one for one in live if one.district_id == ask.district_id), None)
    if was is not None and was.operator_id == ask.operator_id:
        return was
    if any(one is not was and None in (one.district_id, ask.district_id) for one in live):
        return TerritoryTaken()
    if was is not None:
        await tx.run(
            """update recruiting.territories set until = %(now)s, ended_by = %(by)s
               where city_id = %(city)s and territory_id = %(id)s and until is null""",
            city=city_id, id=was.territory_id, now=now, by=ask.by,
        )  # fmt: skip
    if ask.operator_id is None:
        return structs.replace(was, until=now) if was else TerritoryTaken()
    made = await tx.row(  # two at once: the exclusion constraint lets one through
        """insert into recruiting.territories (city_id, territory_id, district_id, operator_id, since, by)
           values (%(city)s, %(id)s, %(district)s, %(operator)s, %(now)s, %(by)s) on conflict do nothing returning *""",
        city=city_id, id=ask.territory_id, district=ask.district_id, operator=ask.operator_id, now=now, by=ask.by,
    )  # fmt: skip
    return as_territory(made) if made else TerritoryTaken()
