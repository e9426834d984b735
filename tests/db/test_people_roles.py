"""Roles: given within the own place only, gone at once when taken, kept as history."""

import asyncio
from datetime import timedelta

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.refusals import NotAllowed, NotFound
from hutong.people import (
    EVERYTHING,
    GiveRole,
    Permission,
    RevokeRole,
    Role,
    RoleGiven,
    RoleNotThere,
    actor_of,
    actors,
    grant,
    grants_of,
    revoke,
    staff,
)
from tests.conftest import audit_clean, fires
from tests.people_helpers import ANN, BO, LIN, MEI, PAT, TAO, signed_in, with_role

pytestmark = pytest.mark.anyio

NOODLE_BAR, OTHER_BAR = new_id(), new_id()
COUNTER, OTHER_COUNTER = new_id(), new_id()
HERE = {"city_id": 1, "merchant_id": NOODLE_BAR, "store_id": COUNTER}
NEXT_DOOR = {"city_id": 1, "merchant_id": OTHER_BAR, "store_id": OTHER_COUNTER}


def give(to, role, by, **place):
    return GiveRole(grant_id=new_id(), member_id=to.member_id, role=role, by=by and by.member_id, **place)


async def test_a_role_is_seen_at_the_next_request_and_gone_at_the_next(db: Database, now):
    async with db.central() as tx:
        mei = await with_role(tx, MEI, Role.MERCHANT_OWNER, now=now, merchant_id=NOODLE_BAR)
        tao = await signed_in(tx, TAO, now=now)
        (given,) = await grant(tx, [give(tao, Role.STORE_CASHIER, mei, **HERE)], now=now)
        assert isinstance(given, RoleGiven)
        actor = await actor_of(tx, tao.token, now=now)
        assert actor is not None
        assert actor.can(Permission.REDEEM_VOUCHER, city=1, merchant=NOODLE_BAR, store=COUNTER)
        later = now + timedelta(hours=1)
        assert await revoke(tx, [RevokeRole(grant_id=given.grant_id, by=mei.member_id)], now=later) == [given]
        actor = await actor_of(tx, tao.token, now=later)
        assert actor is not None
        assert not actor.scope(Permission.REDEEM_VOUCHER)
        row = await tx.row("select * from people.grants where grant_id = %(id)s", id=given.grant_id)
        assert row is not None
        assert (row["granted_by"], row["revoked_by"]) == (mei.member_id, mei.member_id)
        assert (row["granted_at"], row["revoked_at"]) == (now, later)
    assert await audit_clean(db)


async def test_nobody_gives_more_than_their_own(db: Database, now):
    async with db.central() as tx:
        pat = await with_role(tx, PAT, Role.PLATFORM_ADMIN, now=now)
        lin = await with_role(tx, LIN, Role.CITY_OPERATOR, now=now, city_id=1)
        mei = await with_role(tx, MEI, Role.MERCHANT_OWNER, now=now, merchant_id=NOODLE_BAR)
        tao = await with_role(tx, TAO, Role.STORE_MANAGER, now=now, **HERE)
        bo = await signed_in(tx, BO, now=now)
        tries = [
            (give(bo, Role.STORE_CASHIER, tao, **HERE), RoleGiven),
            (give(bo, Role.STORE_MANAGER, tao, **HERE), NotAllowed),
            (give(bo, Role.MERCHANT_OWNER, tao, **HERE), NotAllowed),
            (give(tao, Role.MERCHANT_OWNER, tao, **HERE), NotAllowed),
            (give(bo, Role.STORE_CASHIER, mei, **NEXT_DOOR), NotAllowed),
            (give(bo, Role.STORE_MANAGER, mei, **HERE), RoleGiven),
            (give(bo, Role.CITY_OPERATOR, mei, city_id=1), NotAllowed),
            (give(bo, Role.MERCHANT_OWNER, lin, city_id=1, merchant_id=OTHER_BAR), RoleGiven),
            (give(bo, Role.MERCHANT_OWNER, lin, city_id=2, merchant_id=OTHER_BAR), NotAllowed),
            (give(bo, Role.PLATFORM_ADMIN, lin), NotAllowed),
            (give(bo, Role.CITY_OPERATOR, pat, city_id=2), RoleGiven),
            (give(bo, Role.STORE_CASHIER, bo, city_id=1, merchant_id=NOODLE_BAR, store_id=OTHER_COUNTER), NotAllowed),
            (give(bo, Role.STORE_CASHIER, pat, city_id=1), RoleNotThere),
            (give(bo, Role.MERCHANT_OWNER, pat), RoleNotThere),
            (give(bo, Role.CITY_OPERATOR, pat, merchant_id=NOODLE_BAR), RoleNotThere),
        ]
        results = await grant(tx, [request for request, _ in tries], now=now)
    assert [type(r) for r in results] == [expected for _, expected in tries]
    assert await audit_clean(db)


async def test_the_same_role_twice_is_one_and_a_taken_one_does_not_come_back_by_its_id(db: Database, now):
    async with db.central() as tx:
        tao = await signed_in(tx, TAO, now=now)
        first = give(tao, Role.STORE_CASHIER, None, **HERE)
        other = give(tao, Role.STORE_CASHIER, None, **HERE)
        results = await grant(tx, [first, other, first], now=now)
        assert len({r.grant_id for r in results if isinstance(r, RoleGiven)}) == 1
        await revoke(tx, [RevokeRole(grant_id=first.grant_id, by=None)], now=now)
        assert await grant(tx, [first], now=now) == [NotAllowed()]
        (again,) = await grant(tx, [give(tao, Role.STORE_CASHIER, None, **HERE)], now=now)
        assert isinstance(again, RoleGiven), "a new invitation may give it again"


async def test_twenty_grants_of_one_role_at_once_are_one(db: Database, now):
    async with db.central() as tx:
        tao = await signed_in(tx, TAO, now=now)

    async def once():
        async with db.central() as tx:
            return (await grant(tx, [give(tao, Role.STORE_CASHIER, None, **HERE)], now=now))[0]

    results = await asyncio.gather(*(once() for _ in range(20)))
    assert len({r.grant_id for r in results if isinstance(r, RoleGiven)}) == 1
    async with db.reading() as tx:
        assert len((await grants_of(tx, [tao.member_id]))[tao.member_id]) == 1


async def test_who_may_give_may_take_and_everybody_may_go(db: Database, now):
    async with db.central() as tx:
        mei = await with_role(tx, MEI, Role.MERCHANT_OWNER, now=now, merchant_id=NOODLE_BAR)
        tao = await with_role(tx, TAO, Role.STORE_CASHIER, now=now, **HERE)
        bo = await with_role(tx, BO, Role.MERCHANT_OWNER, now=now, merchant_id=OTHER_BAR)
        held = await grants_of(tx, [mei.member_id, tao.member_id, bo.member_id])
        mine, tills, bos = (held[p.member_id][0].grant_id for p in (mei, tao, bo))
        take = [
            RevokeRole(grant_id=mine, by=tao.member_id),
            RevokeRole(grant_id=tills, by=bo.member_id),
            RevokeRole(grant_id=bos, by=mei.member_id),
            RevokeRole(grant_id=new_id(), by=None),
        ]
        assert await revoke(tx, take, now=now) == [NotFound()] * 4
        (gone,) = await revoke(tx, [RevokeRole(grant_id=tills, by=tao.member_id)], now=now)
        assert isinstance(gone, RoleGiven)
        assert await revoke(tx, [RevokeRole(grant_id=tills, by=mei.member_id)], now=now) == [gone], "a second time"
        row = await tx.row("select revoked_by from people.grants where grant_id = %(id)s", id=tills)
        assert row == {"revoked_by": tao.member_id}, "the first one counts"


async def test_colleagues_see_colleagues_of_their_place_only(db: Database, now):
    async with db.central() as tx:
        mei = await with_role(tx, MEI, Role.MERCHANT_OWNER, now=now, merchant_id=NOODLE_BAR)
        tao = await with_role(tx, TAO, Role.STORE_MANAGER, now=now, **HERE)
        bo = await with_role(tx, BO, Role.MERCHANT_OWNER, now=now, merchant_id=OTHER_BAR)
        ann = await with_role(tx, ANN, Role.STORE_CASHIER, now=now, **NEXT_DOOR)
        lin = await with_role(tx, LIN, Role.CITY_OPERATOR, now=now, city_id=1)
        who = await actors(tx, [p.member_id for p in (mei, tao, bo, ann, lin)])

        async def seen(person, **where):
            scope = who[person.member_id].scope(Permission.VIEW_STAFF)
            return {s.member_id for s in await staff(tx, scope, **where)}

        assert await seen(mei) == {mei.member_id, tao.member_id}
        assert await seen(tao) == {tao.member_id}
        assert await seen(bo) == {bo.member_id, ann.member_id}
        assert await seen(bo, merchant_id=NOODLE_BAR) == set()
        assert await seen(mei, store_id=COUNTER) == {tao.member_id}
        assert await seen(ann) == set()
        assert await seen(lin) == {tao.member_id, ann.member_id, lin.member_id}
        (one,) = await staff(tx, EVERYTHING, store_id=COUNTER)
        assert (one.name, one.phone_tail, one.role) == ("会员8004", "8004", Role.STORE_MANAGER)


async def test_the_audit_sees_a_role_without_a_member(db: Database, now):
    async with db.central() as tx:
        await with_role(tx, TAO, Role.STORE_CASHIER, now=now, **HERE)
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run("update people.grants set member_id = %(id)s", id=new_id())
    assert await fires(db, "PPL03")
