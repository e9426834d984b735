"""What an operator's people do: show invitations, visit, offer contracts, claim; and what the platform decides of them.

A seat comes with a role in every city of the operator's territory: whoever manages the whole city runs it, all others
recruit there. The roles follow the seats and territories in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import people, recruiting, settlement
from hutong.desk import sharing
from hutong.desk.admitting import made_by
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Permission, Role
from hutong.kit.ids import derive
from hutong.kit.refusals import NotAllowed
from hutong.kit.text import Text
from hutong.people import GiveRole, RevokeRole
from hutong.recruiting import (
    Assign,
    Attribution,
    Call,
    Case,
    Claim,
    ClaimIt,
    Contract,
    Decide,
    LogVisit,
    MakeOperator,
    Offer,
    Operator,
    OperatorUnknown,
    Rank,
    Seat,
    Sign,
    Transfer,
    Visit,
    calling_text,
)
from hutong.settlement import Adopt

CITY_ROLES = (Role.CITY_OPERATOR, Role.CITY_RECRUITER)


async def managed(tx: Tx, actor: Actor, *, at: datetime) -> frozenset[UUID]:
    """The operators whose people the actor leads: those that he manages, and all below them."""
    seats = await recruiting.seats_of(tx, [actor.member_id])
    own = [seat.operator_id for seat in seats if seat.part == "manager"]
    return await recruiting.below(tx, own, at=at) if own else frozenset()


async def seated(tx: Tx, actor: Actor) -> UUID | None:
    """The operator in whose name the actor works; the first when he sits with several."""
    seats = await recruiting.seats_of(tx, [actor.member_id])
    return seats[0].operator_id if seats else None


async def follow_roles(tx: Tx, member_ids: Sequence[UUID], *, now: datetime) -> None:
    """Give and take city roles so that they are what the seats of these members say. Called for those whose seats or
    territories have just changed: who sits with an operator, or did until now, has his city roles by that alone."""
    seats = await recruiting.seats_of(tx, member_ids)
    tops = await recruiting.highest(tx, [seat.operator_id for seat in seats], at=now)
    areas = await recruiting.territories_of(tx, list(tops.values()))
    wanted: dict[tuple[UUID, int], Role] = {}
    for seat in seats:
        for area in areas:
            if area.operator_id != tops.get(seat.operator_id):
                continue
            runs = seat.part == "manager" and seat.operator_id == area.operator_id and area.district_id is None
            key = (seat.member_id, area.city_id)
            wanted[key] = Role.CITY_OPERATOR if runs else wanted.get(key, Role.CITY_RECRUITER)
    held = await people.grants_of(tx, member_ids)
    cities = {
        (member, grant.city_id): grant for member, grants in held.items() for grant in grants
        if grant.role in CITY_ROLES and grant.city_id is not None
    }  # fmt: skip
    gives = [
        GiveRole(grant_id=new_id(), member_id=member, role=role, city_id=city, by=None)
        for (member, city), role in sorted(wanted.items())
        if (member, city) not in cities or cities[member, city].role is not role
    ]
    takes = [
        RevokeRole(grant_id=grant.grant_id, by=None)
        for key, grant in cities.items()
        if wanted.get((key[0], key[1] or 0)) is not grant.role
    ]
    for result in [*await people.revoke(tx, takes, now=now), *await people.grant(tx, gives, now=now)]:
        sure(result)


async def make_operator(
    house: House, actor: Actor, *, kind: Any, name: Text, parent_id: UUID | None, handed_bps: int, key: str
) -> Operator:
    """A new operator: by the platform, or below one that the actor manages. Raises not_allowed and the refusals of
    recruiting.make_operators."""
    ask = MakeOperator(
        operator_id=made_by(actor, key, "operator"), kind=kind, name=name, parent_id=parent_id, handed_bps=handed_bps,
        by=actor.member_id,
    )  # fmt: skip
    async with house.db.central() as tx:
        now = house.clock.now()
        if not await _leads(tx, actor, parent_id, now):
            raise NotAllowed()
        return sure((await recruiting.make_operators(tx, [ask], now=now))[0])


async def _leads(tx: Tx, actor: Actor, operator_id: UUID | None, now: datetime) -> bool:
    if actor.can(Permission.RUN_PLATFORM):
        return True
    return operator_id is not None and operator_id in await managed(tx, actor, at=now)


async def rank(house: House, actor: Actor, operator_id: UUID, *, version: int, handed_bps: int) -> Operator:
    """Hand an operator another part of his parent's, from now on: by who leads the parent, or the platform.

    Raises not_allowed, operator_not_found and the refusals of recruiting.rank_operators.
    """
    async with house.db.central() as tx:
        now = house.clock.now()
        one = (await recruiting.operators(tx, [operator_id], at=now)).get(operator_id)
        if one is None or not await _leads(tx, actor, one.parent_id, now):
            raise OperatorUnknown()
        ask = Rank(
            operator_id=operator_id, version=version, parent_id=one.parent_id, handed_bps=handed_bps,
            by=actor.member_id,
        )  # fmt: skip
        return sure((await recruiting.rank_operators(tx, [ask], now=now))[0])


async def assign(
    house: House, city_id: int, actor: Actor, *, district_id: int | None, operator_id: UUID | None, key: str
) -> recruiting.Territory:
    """Give a territory, or take it back (None): the platform's. The people's roles follow. Raises not_allowed and the
    refusals of recruiting.assign."""
    if not actor.can(Permission.RUN_PLATFORM):
        raise NotAllowed()
    ask = Assign(
        territory_id=made_by(actor, key, "territory"), district_id=district_id, operator_id=operator_id,
        by=actor.member_id,
    )  # fmt: skip

    async def work(tx: Tx) -> recruiting.Territory:
        now = house.clock.now()
        before = [one.operator_id for one in await recruiting.territories(tx, city_id=city_id)]
        done = sure((await recruiting.assign(tx, [ask], city_id=city_id, now=now))[0])
        touched = await recruiting.below(tx, [*before, done.operator_id], at=now)
        seats = await recruiting.people_of(tx, list(touched))
        await follow_roles(tx, [seat.member_id for seat in seats], now=now)
        return done

    return await house.db.run_city(city_id, work)


async def call(
    house: House, city_id: int, actor: Actor, *, operator_id: UUID, part: Any, label: str
) -> str:  # fmt: skip
    """An invitation; gives the text of its link, which is seen this once. For shops: any of the operator's people;
    for people: who leads the operator. Raises operator_not_found, bad_input."""
    ask = Call(
        invitation_id=new_id(), secret=people.new_secret(), operator_id=operator_id, part=part, label=label,
        by=actor.member_id,
    )  # fmt: skip

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
        own = part == "merchant" and operator_id in reach.operators
        shown = own or await _leads(tx, actor, operator_id, now)
        if not shown:
            raise OperatorUnknown()
        return await recruiting.call(tx, [ask], city_id=city_id, now=now)

    made = sure((await house.db.run_city(city_id, work))[0])
    return calling_text(city_id, made.invitation_id, ask.secret)


async def uncall(house: House, city_id: int, actor: Actor, invitation_id: UUID) -> None:
    """Take an invitation of an own operator back. Raises recruiting_invitation_over."""

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
        own = reach.operators
        if actor.can(Permission.RUN_PLATFORM):
            own = frozenset(one.operator_id for one in await recruiting.all_operators(tx, at=now))
        asks = [invitation_id]
        return await recruiting.uncall(tx, asks, city_id=city_id, operators=own, by=actor.member_id, now=now)

    sure((await house.db.run_city(city_id, work))[0])


async def accept(house: House, city_id: int, actor: Actor, invitation_id: UUID, secret: str) -> Seat:
    """Join an operator's people; the roles come with the seat. Raises recruiting_invitation_over, not_allowed."""
    if not actor.is_member:
        raise NotAllowed()

    async def work(tx: Tx) -> Seat:
        now = house.clock.now()
        asks = [(invitation_id, secret, actor.member_id)]
        seat = sure((await recruiting.accept_calls(tx, asks, city_id=city_id, now=now))[0])
        await follow_roles(tx, [actor.member_id], now=now)
        return seat

    return await house.db.run_city(city_id, work)


async def dismiss(house: House, actor: Actor, seat_id: UUID) -> None:
    """End the seat of one of the people whom the actor leads; his roles end with it. Raises operator_not_found."""
    async with house.db.central() as tx:
        now = house.clock.now()
        whose = None if actor.can(Permission.RUN_PLATFORM) else await managed(tx, actor, at=now)
        done = await recruiting.leave_seats(tx, [seat_id], operators=whose, by=actor.member_id, now=now)
        await follow_roles(tx, [sure(done[0]).member_id], now=now)


async def log_visit(house: House, city_id: int, actor: Actor, visit: LogVisit, picture: bytes | None) -> Visit:
    """Log a visit in the name of the own operator, with a picture if there is one. Raises operator_not_found,
    bad_picture and the refusals of recruiting.log_visits."""
    taken = sure((await house.pictures.take([picture]))[0]) if picture else None
    photo: dict[str, Any] = {"photo": taken.name, "photo_small": taken.small} if taken else {}

    async def work(tx: Tx) -> Any:
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=house.clock.now())
        if visit.operator_id not in reach.operators:
            raise OperatorUnknown()
        fields = {name: getattr(visit, name) for name in LogVisit.__struct_fields__} | photo
        return await recruiting.log_visits(tx, [LogVisit(**fields)], city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def link(house: House, city_id: int, actor: Actor, visit_id: UUID, merchant_id: UUID) -> None:
    """Say which merchant the shop of an own visit has become. Raises the refusals of recruiting.link_visits."""

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
        asks = [(visit_id, merchant_id)]
        return await recruiting.link_visits(tx, asks, city_id=city_id, operators=reach.operators, now=now)

    sure((await house.db.run_city(city_id, work))[0])


async def offer(house: House, city_id: int, actor: Actor, ask: Offer) -> Contract:
    """Offer a contract. Raises the refusals of recruiting.offer."""

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
        return await recruiting.offer(tx, [ask], city_id=city_id, reach=reach, now=now)

    return sure((await house.db.run_city(city_id, work))[0])


async def sign(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, contract_id: UUID, *, version: int, zone: str
) -> Contract:
    """The owner signs; the plan is his commission from now on, in the same transaction. Raises not_allowed and the
    refusals of recruiting.sign."""
    if not (actor.is_member and actor.can(Permission.EDIT_MERCHANT, merchant=merchant_id)):
        raise NotAllowed()
    ask = Sign(contract_id=contract_id, version=version, merchant_id=merchant_id, by=actor.member_id)

    async def work(tx: Tx) -> Contract:
        now = house.clock.now()
        done = sure((await recruiting.sign(tx, [ask], city_id=city_id, zone=zone, now=now))[0])
        if done.plan_id is not None and done.plan_version is not None and done.signed_at == now:
            adopt = Adopt(
                contract_id=derive(contract_id, f"plan/{version}"), merchant_id=merchant_id, plan_id=done.plan_id,
                plan_version=done.plan_version, by=actor.member_id,
            )  # fmt: skip
            sure((await settlement.adopt(tx, [adopt], now=now))[0])
        await sharing.follow(tx, [merchant_id], now=now)
        return done

    return await house.db.run_city(city_id, work)


async def claim(house: House, city_id: int, actor: Actor, merchant_id: UUID, *, words: str) -> Claim:
    """Claim a merchant for the own operator. Raises operator_not_found and the refusals of recruiting.claim."""

    async def work(tx: Tx) -> Claim:
        now = house.clock.now()
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
        own = await seated(tx, actor)
        if own is None or own not in reach.operators:
            raise OperatorUnknown()
        ask = ClaimIt(claim_id=new_id(), merchant_id=merchant_id, operator_id=own, by=actor.member_id, words=words)
        done = sure((await recruiting.claim(tx, [ask], city_id=city_id, now=now))[0])
        await sharing.follow(tx, [merchant_id], now=now)
        return done

    return await house.db.run_city(city_id, work)


async def decide(
    house: House, city_id: int, actor: Actor, case_id: UUID, *, operator_id: UUID | None, reason: str
) -> Case:
    """The platform's word about a case. Raises not_allowed and the refusals of recruiting.decide."""
    if not actor.can(Permission.RUN_PLATFORM):
        raise NotAllowed()
    ask = Decide(case_id=case_id, operator_id=operator_id, reason=reason, by=actor.member_id)

    async def work(tx: Tx) -> Case:
        now = house.clock.now()
        done = sure((await recruiting.decide(tx, [ask], city_id=city_id, now=now))[0])
        await sharing.follow(tx, [done.merchant_id], now=now)
        return done

    return await house.db.run_city(city_id, work)


async def transfer(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, *, operator_id: UUID | None, reason: str, key: str
) -> Attribution:
    """From now on another earns by a merchant: the platform's to say. Raises not_allowed and the refusals of
    recruiting.transfer."""
    if not actor.can(Permission.RUN_PLATFORM):
        raise NotAllowed()
    ask = Transfer(
        attribution_id=made_by(actor, key, "transfer"), merchant_id=merchant_id, operator_id=operator_id,
        reason=reason, by=actor.member_id,
    )  # fmt: skip

    async def work(tx: Tx) -> Attribution:
        now = house.clock.now()
        done = sure((await recruiting.transfer(tx, [ask], city_id=city_id, now=now))[0])
        await sharing.follow(tx, [merchant_id], now=now)
        return done

    return await house.db.run_city(city_id, work)
