"""A district with two operators who recruit: for tests of recruiting and of the pages over it.

town = await a_field(db, now)            # a city, a division with an agent, a second division, their people
one = await an_application(db, now, town, by=town.left)   # brought to a state
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import people, recruiting
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.people import AddMember
from hutong.recruiting import (
    Application,
    Apply,
    Assign,
    Bring,
    Call,
    LogVisit,
    MakeOperator,
    Move,
    Reach,
    TakeSeat,
    Words,
)
from tests.catalog_town import CENTRE, a_city

CITY, ZONE = 1, "Asia/Shanghai"
DEMANDS = ("business_licence", "food_permit")
ALL = Reach(everything=True)
FILE = "ab" * 32 + ".webp"


class Field(Struct, kw_only=True):
    """Two divisions with a district each; an agent with a staff under the left one; who sits where."""

    left: UUID
    right: UUID
    agent: UUID
    staff: UUID
    managers: dict[UUID, UUID]
    owner: UUID


async def done(db: Database, verb: Any, *asks: Any, city: int = CITY, **more: Any) -> Any:
    """The verb on these asks in one transaction of the city; the first refusal is raised, one answer comes alone."""

    async def work(tx: Any) -> Any:
        return await verb(tx, list(asks), city_id=city, **more)

    results = await db.run_city(city, work)
    for result in results:
        if isinstance(result, Refusal):
            raise result
    return results[0] if len(results) == 1 else results


async def a_field(db: Database, now: datetime, *, split: bool = True) -> Field:
    """The left division runs Old Town (all of the city without `split`), the right one Harbour."""
    await a_city(db)
    ids = {name: new_id() for name in ("left", "right", "agent", "staff")}
    members = {name: new_id() for name in (*ids, "owner")}

    def operator(name: str, kind: Any, parent: str | None, bps: int) -> MakeOperator:
        return MakeOperator(
            operator_id=ids[name], kind=kind, name=Text(zh=f"{name}运营", en=f"Operator {name}"), handed_bps=bps,
            parent_id=ids[parent] if parent else None, by=None,
        )  # fmt: skip

    async with db.central() as tx:
        cast = [
            AddMember(member_id=one, phone=f"+8619900001{n:03}", name=name)
            for n, (name, one) in enumerate(members.items())
        ]
        await people.add_members(tx, cast, now=now)
        made = await recruiting.make_operators(
            tx,
            [operator("left", "division", None, 10_000), operator("right", "division", None, 10_000),
             operator("agent", "agent", "left", 6_000), operator("staff", "staff", "agent", 3_333)],
            now=now,
        )  # fmt: skip
        assert not any(isinstance(one, Refusal) for one in made), made
        areas = [("left", 1 if split else None), *([("right", 2)] if split else [])]
        await recruiting.assign(
            tx,
            [Assign(territory_id=new_id(), district_id=d, operator_id=ids[name], by=None) for name, d in areas],
            city_id=CITY, now=now,
        )  # fmt: skip
        seats = [
            TakeSeat(seat_id=new_id(), operator_id=ids[name], member_id=members[name], part="manager", by=None)
            for name in ids
        ]
        await recruiting.take_seats(tx, seats, now=now)
    managers = {ids[name]: members[name] for name in ids}
    return Field(**ids, managers=managers, owner=members["owner"])


def words(**changes: Any) -> Words:
    given: dict[str, Any] = {
        "name": Text(zh="河边小馆", en="River Kitchen"), "trade": "restaurant", "category": "noodles", "district_id": 1,
        "address": Text(zh="河街 8 号", en="8 River Street"), "place": Point(CENTRE.lat, CENTRE.lon),
        "phone": "+8619900002001",
    }  # fmt: skip
    return Words(**given | changes)


async def an_invitation(db: Database, now: datetime, town: Field, operator: UUID, part: Any = "merchant") -> Call:
    ask = Call(
        invitation_id=new_id(), secret=people.new_secret(), operator_id=operator, part=part,
        by=town.managers[operator],
    )  # fmt: skip
    await done(db, recruiting.call, ask, now=now)
    return ask


async def an_application(
    db: Database, now: datetime, town: Field, *, by: UUID | None = None, until: str = "approved", **changes: Any
) -> Application:
    """An application that came by an operator's invitation (or by none), with all documents, brought that far."""
    came: dict[str, Any] = {}
    if by is not None:
        called = await an_invitation(db, now, town, by)
        came = {"invitation_id": called.invitation_id, "secret": called.secret}
    ask = Apply(application_id=new_id(), member_id=town.owner, words=words(**changes), demands=DEMANDS, **came)
    one = await done(db, recruiting.apply, ask, now=now)
    if until == "draft":
        return one
    for kind in DEMANDS:
        await done(db, recruiting.bring, a_paper(one, kind, town.owner), today=local_day(now, ZONE), now=now)
    one = await done(db, recruiting.submit, a_move(one, town.owner), now=now)
    return await approved(db, now, one) if until == "approved" else one


def a_paper(one: Application, kind: str, by: UUID, **more: Any) -> Bring:
    return Bring(document_id=new_id(), application_id=one.application_id, kind=kind, file=FILE, by=by, **more)


def a_move(one: Application, by: UUID, reason: str = "") -> Move:
    return Move(application_id=one.application_id, by=by, version=one.version, reason=reason)


async def approved(db: Database, now: datetime, one: Application, by: UUID | None = None) -> Application:
    today = local_day(now, ZONE)
    return await done(db, recruiting.approve, a_move(one, by or new_id()), reach=ALL, today=today, now=now)


def a_visit(town: Field, operator: UUID, now: datetime, **more: Any) -> LogVisit:
    given: dict[str, Any] = {
        "visit_id": new_id(), "operator_id": operator, "by": town.managers[operator], "business": "河边小馆",
        "note": "见到老板，愿意试试", "at": now - timedelta(hours=1),
    }  # fmt: skip
    return LogVisit(**given | more)
