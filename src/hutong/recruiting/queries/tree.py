"""Reading operators: who stands under whom, who runs what, who earns by which merchant."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.access import Actor, Permission
from hutong.kit.text import Text
from hutong.recruiting.courting import Attribution
from hutong.recruiting.model import Attributed, Link, Operator, Reach, Seat, Territory, chain

_OPERATOR = """select o.operator_id, o.kind, o.name, o.made_at, o.ended_at, r.parent_id, r.handed_bps, r.version
               from recruiting.operators o
               cross join lateral (
                 select * from recruiting.ranks r where r.operator_id = o.operator_id and r.valid_from <= %(at)s
                 order by r.version desc limit 1
               ) r"""


def _operator(row: dict[str, Any]) -> Operator:
    return Operator(**{**row, "name": Text(**row["name"])})


def as_territory(row: dict[str, Any]) -> Territory:
    """A row of recruiting.territories as a value."""
    return Territory(**{name: row[name] for name in Territory.__struct_fields__})


async def operators(tx: Tx, ids: Sequence[UUID], *, at: datetime) -> dict[UUID, Operator]:
    """The operators with these ids as they stand at `at`; unknown ones are left out."""
    if not ids:
        return {}
    rows = await tx.rows(f"{_OPERATOR} where o.operator_id = any(%(ids)s::uuid[])", ids=sorted(set(ids)), at=at)
    return {row["operator_id"]: _operator(row) for row in rows}


async def all_operators(tx: Tx, *, at: datetime) -> list[Operator]:
    """Every operator that has not ended: for the platform."""
    rows = await tx.rows(f"{_OPERATOR} where o.ended_at is null order by o.made_at, o.operator_id", at=at)
    return [_operator(row) for row in rows]


async def below(tx: Tx, ids: Sequence[UUID], *, at: datetime) -> frozenset[UUID]:
    """These operators and all who stand under them at `at`."""
    rows = await tx.rows(
        """with recursive now_ranks as (
             select distinct on (operator_id) operator_id, parent_id from recruiting.ranks
             where valid_from <= %(at)s order by operator_id, version desc
           ), found as (
             select i as operator_id from unnest(%(ids)s::uuid[]) as i
             union
             select r.operator_id from now_ranks r join found f on r.parent_id = f.operator_id
           )
           select operator_id from found""",
        ids=sorted(set(ids)),
        at=at,
    )
    return frozenset(row["operator_id"] for row in rows)


async def shares_for(tx: Tx, merchant_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, Attributed]:
    """Who earns by these merchants at `at`: the shares of the operators' part from the highest to whoever recruited,
    each with its rule, and until when. Absent: nobody recruited it, or his term is over. One statement."""
    rows = await tx.rows(load(__package__ or "", "shares_for"), merchants=sorted(set(merchant_ids)), at=at)
    found: dict[UUID, Attributed] = {}
    for merchant_id, levels in groupby(rows, key=lambda row: row["merchant_id"]):
        links = list(levels)
        head = links[0]
        found[merchant_id] = Attributed(
            merchant_id=merchant_id, attribution_id=head["attribution_id"], operator_id=head["recruiter"],
            since=head["since"], ends_at=head["ends_at"],
            shares=chain([Link(row["operator_id"], row["handed_bps"], row["version"]) for row in links]),
        )  # fmt: skip
    return found


async def holders(tx: Tx, merchant_ids: Sequence[UUID]) -> dict[UUID, Attribution]:
    """The living attribution of each of these merchants; absent for one without."""
    rows = await tx.rows(
        "select * from recruiting.attributions where merchant_id = any(%(ids)s::uuid[]) and until is null",
        ids=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: Attribution(**row) for row in rows}


async def attributions_of(tx: Tx, merchant_id: UUID) -> list[Attribution]:
    """Who recruited a merchant, all rows, the newest first."""
    rows = await tx.rows(
        "select * from recruiting.attributions where merchant_id = %(id)s order by since desc, attribution_id desc",
        id=merchant_id,
    )
    return [Attribution(**row) for row in rows]


async def territories(tx: Tx, *, city_id: int, history: bool = False) -> list[Territory]:
    """Who runs what in a city, now or ever; the newest first."""
    rows = await tx.rows(
        """select * from recruiting.territories where city_id = %(city)s and (%(history)s or until is null)
           order by since desc, district_id nulls first""",
        city=city_id,
        history=history,
    )
    return [as_territory(row) for row in rows]


async def territories_of(tx: Tx, operator_ids: Sequence[UUID]) -> list[Territory]:
    """What these operators run now."""
    rows = await tx.rows(
        """select * from recruiting.territories where operator_id = any(%(ids)s::uuid[]) and until is null
           order by city_id, district_id nulls first""",
        ids=sorted(set(operator_ids)),
    )
    return [as_territory(row) for row in rows]


async def seats_of(tx: Tx, member_ids: Sequence[UUID]) -> list[Seat]:
    """The living seats of these members."""
    rows = await tx.rows(
        """select seat_id, operator_id, member_id, part, since, until from recruiting.seats
           where member_id = any(%(ids)s::uuid[]) and until is null order by since, seat_id""",
        ids=sorted(set(member_ids)),
    )
    return [Seat(**row) for row in rows]


async def people_of(tx: Tx, operator_ids: Sequence[UUID]) -> list[Seat]:
    """The people of these operators now, the longest there first."""
    rows = await tx.rows(
        """select seat_id, operator_id, member_id, part, since, until from recruiting.seats
           where operator_id = any(%(ids)s::uuid[]) and until is null order by since, seat_id""",
        ids=sorted(set(operator_ids)),
    )
    return [Seat(**row) for row in rows]


async def highest(tx: Tx, operator_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, UUID]:
    """For each operator the one at the top of his line, who runs the territory."""
    rows = await tx.rows(
        """with recursive now_ranks as (
             select distinct on (operator_id) operator_id, parent_id from recruiting.ranks
             where valid_from <= %(at)s order by operator_id, version desc
           ), up as (
             select i as operator_id, i as at_top from unnest(%(ids)s::uuid[]) as i
             union
             select u.operator_id, r.parent_id from up u join now_ranks r on r.operator_id = u.at_top
             where r.parent_id is not null
           )
           select u.operator_id, u.at_top from up u
           join now_ranks r on r.operator_id = u.at_top where r.parent_id is null""",
        ids=sorted(set(operator_ids)),
        at=at,
    )
    return {row["operator_id"]: row["at_top"] for row in rows}


async def reach(tx: Tx, actor: Actor, *, city_id: int, at: datetime) -> Reach:
    """What of a city's recruiting this actor may see: all of it for who runs the city (and the platform), districts
    for the managers of their operator, else what his operators recruited."""
    if not actor.is_member or not actor.can(Permission.RECRUIT, city=city_id):
        return Reach()
    everything = actor.can(Permission.ADMIT_MERCHANT, city=city_id)
    seats = await seats_of(tx, [actor.member_id])
    if not seats:
        return Reach(everything=everything)
    own = await below(tx, [seat.operator_id for seat in seats], at=at)
    managed = [seat.operator_id for seat in seats if seat.part == "manager"]
    runs = [one for one in await territories_of(tx, managed) if one.city_id == city_id]
    return Reach(
        everything=everything or any(one.district_id is None for one in runs), operators=own,
        districts=frozenset(one.district_id for one in runs if one.district_id is not None),
    )  # fmt: skip
