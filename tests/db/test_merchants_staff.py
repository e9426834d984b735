"""Inviting staff: within the own place, accepted once, and the role comes with the acceptance."""

import asyncio
from datetime import timedelta

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Permission, Role
from hutong.kit.ids import BadId
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.merchants import (
    Accepted,
    AcceptInvitation,
    CloseStore,
    InvitationExpired,
    InvitationUsed,
    Invited,
    InviteStaff,
    RevokeInvitation,
    accept_invitations,
    close_stores,
    invitation,
    invite_staff,
    pending_invitations,
    read_invitation,
    revoke_invitations,
)
from hutong.people import GiveRole, RevokeRole, RoleGiven, actor_of, grant, new_secret, revoke
from tests.conftest import audit_clean, fires
from tests.merchants_town import (
    ABROAD,
    BO,
    BRANCH,
    COUNTER,
    LIN,
    MAN,
    MEI,
    NEXT_DOOR,
    NOODLE_BAR,
    OTHER_BAR,
    PAT,
    TAO,
    a_town,
)
from tests.people_helpers import ANN, signed_in, with_role
from tests.people_helpers import MEI as MEIS_PHONE
from tests.people_helpers import TAO as TAOS_PHONE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def town(db: Database, now) -> Database:
    await a_town(db, now)
    return db


def an_invitation(inviter=MEI, role=Role.STORE_CASHIER, merchant_id=NOODLE_BAR, store_id=COUNTER, **more):
    return InviteStaff(
        invitation_id=new_id(), secret=new_secret(), inviter=inviter, role=role, merchant_id=merchant_id,
        store_id=store_id, **more,
    )  # fmt: skip


async def invited(db, request, now, city_id=1) -> Invited | Refusal:
    async with db.city(city_id) as tx:
        return (await invite_staff(tx, [request], city_id=city_id, now=now))[0]


def accept(request, member_id=None, secret=None):
    return AcceptInvitation(
        invitation_id=request.invitation_id, secret=secret or request.secret, member_id=member_id or new_id()
    )


async def accepted(db, requests, now):
    async with db.city(1) as tx:
        return await accept_invitations(tx, requests, city_id=1, now=now)


def role_of(a: Accepted) -> GiveRole:
    """What the edge does with an acceptance."""
    return GiveRole(
        grant_id=a.grant_id, member_id=a.member_id, role=a.role, city_id=a.city_id, merchant_id=a.merchant_id,
        store_id=a.store_id, by=a.invited_by,
    )  # fmt: skip


async def test_mei_invites_tao_and_tao_stands_at_the_counter(town: Database, now):
    async with town.central() as tx:
        mei = await with_role(tx, MEIS_PHONE, Role.MERCHANT_OWNER, now=now, merchant_id=NOODLE_BAR)
        tao, ann = await signed_in(tx, TAOS_PHONE, now=now), await signed_in(tx, ANN, now=now)
        inviter = await actor_of(tx, mei.token, now=now)
    assert inviter is not None
    request = an_invitation(inviter, label="小陶")
    link = await invited(town, request, now)
    assert isinstance(link, Invited)
    city_id, invitation_id, secret = read_invitation(link.text)
    async with town.city(city_id) as tx:
        shown = await invitation(tx, city_id, invitation_id, secret)
        assert shown is not None
        assert (shown.merchant_name.en, shown.store_name and shown.store_name.en, shown.role, shown.label) == (
            "Noodle Bar", "Lanzhou Noodles", Role.STORE_CASHIER, "小陶"
        )  # fmt: skip
        (taken,) = await accept_invitations(tx, [accept(request, tao.member_id)], city_id=1, now=now)
        assert isinstance(taken, Accepted)
        (given,) = await grant(tx, [role_of(taken)], now=now)
        assert isinstance(given, RoleGiven)
    async with town.central() as tx:
        actor = await actor_of(tx, tao.token, now=now)
        assert actor is not None
        assert actor.can(Permission.REDEEM_VOUCHER, city=1, merchant=NOODLE_BAR, store=COUNTER)
        assert not actor.can(Permission.REDEEM_VOUCHER, city=1, merchant=NOODLE_BAR, store=BRANCH)
        # Tao leaves; the old link brings nothing back, neither for Tao nor for anybody else.
        await revoke(tx, [RevokeRole(grant_id=given.grant_id, by=mei.member_id)], now=now)
        again, other = await accept_invitations(
            tx, [accept(request, tao.member_id), accept(request, ann.member_id)], city_id=1, now=now
        )
        assert again == taken
        assert other == InvitationUsed()
        assert await grant(tx, [role_of(taken)], now=now) == [NotAllowed()]
    assert await audit_clean(town)


async def test_a_lost_role_takes_its_invitations_along(town: Database, now):
    """The role is checked again when it is given: who no longer owns the shop no longer hires for it."""
    async with town.central() as tx:
        mei = await with_role(tx, MEIS_PHONE, Role.MERCHANT_OWNER, now=now, merchant_id=NOODLE_BAR)
        inviter = await actor_of(tx, mei.token, now=now)
        assert inviter is not None
        await revoke(tx, [RevokeRole(grant_id=inviter.grants[0].grant_id, by=None)], now=now)
    request = an_invitation(inviter)  # made from the page that was still open
    await invited(town, request, now)
    (taken,) = await accepted(town, [accept(request)], now)
    assert isinstance(taken, Accepted)
    async with town.central() as tx:
        assert await grant(tx, [role_of(taken)], now=now) == [NotAllowed()]


@pytest.mark.parametrize(
    ("inviter", "role", "merchant_id", "store_id", "expected"),
    [
        (MEI, Role.STORE_CASHIER, NOODLE_BAR, COUNTER, Invited),
        (MEI, Role.STORE_MANAGER, NOODLE_BAR, BRANCH, Invited),
        (MEI, Role.MERCHANT_OWNER, NOODLE_BAR, None, Invited),
        (MEI, Role.STORE_CASHIER, OTHER_BAR, NEXT_DOOR, NotAllowed),
        (MEI, Role.STORE_CASHIER, NOODLE_BAR, NEXT_DOOR, NotFound),  # not Noodle Bar's store
        (MEI, Role.STORE_CASHIER, NOODLE_BAR, ABROAD, NotFound),  # not in this city
        (MEI, Role.STORE_CASHIER, NOODLE_BAR, None, BadInput),
        (MEI, Role.MERCHANT_OWNER, NOODLE_BAR, COUNTER, BadInput),
        (MEI, Role.CITY_OPERATOR, NOODLE_BAR, None, BadInput),
        (MAN, Role.STORE_CASHIER, NOODLE_BAR, COUNTER, Invited),
        (MAN, Role.STORE_MANAGER, NOODLE_BAR, COUNTER, NotAllowed),
        (MAN, Role.MERCHANT_OWNER, NOODLE_BAR, None, NotAllowed),
        (MAN, Role.STORE_CASHIER, NOODLE_BAR, BRANCH, NotAllowed),
        (TAO, Role.STORE_CASHIER, NOODLE_BAR, COUNTER, NotAllowed),
        (BO, Role.MERCHANT_OWNER, NOODLE_BAR, None, NotAllowed),
        (LIN, Role.STORE_MANAGER, NOODLE_BAR, COUNTER, Invited),
        (LIN, Role.MERCHANT_OWNER, OTHER_BAR, None, Invited),
        (LIN, Role.MERCHANT_OWNER, NOODLE_BAR, None, NotAllowed),  # Noodle Bar also lives in a city that is not Lin's
        (PAT, Role.MERCHANT_OWNER, NOODLE_BAR, None, Invited),
    ],
)
async def test_who_may_invite_whom(town: Database, now, inviter, role, merchant_id, store_id, expected):
    request = an_invitation(inviter, role, merchant_id, store_id)
    assert type(await invited(town, request, now)) is expected


async def test_an_invitation_ends_by_time_by_its_inviter_and_with_its_store(town: Database, now):
    week = timedelta(days=7)
    requests = [an_invitation(), an_invitation(), an_invitation(store_id=BRANCH), an_invitation()]
    for request in requests:
        assert isinstance(await invited(town, request, now), Invited)
    stay, back, shut, wrong = requests
    async with town.city(1) as tx:
        scope = MEI.scope(Permission.INVITE_STAFF)
        assert len(await pending_invitations(tx, 1, scope, now=now)) == 4
        assert await pending_invitations(tx, 1, BO.scope(Permission.INVITE_STAFF), now=now) == []
        take_back = RevokeInvitation(invitation_id=back.invitation_id, by=MEI.member_id)
        theirs = BO.scope(Permission.INVITE_STAFF)
        assert await revoke_invitations(tx, [take_back], city_id=1, scope=theirs, now=now) == [NotFound()]
        assert await revoke_invitations(tx, [take_back], city_id=1, scope=scope, now=now) == [back.invitation_id]
        assert await revoke_invitations(tx, [take_back], city_id=1, scope=scope, now=now) == [NotFound()]
        close = CloseStore(store_id=BRANCH, by=MEI.member_id, reason="moved")
        await close_stores(tx, [close], city_id=1, scope=MEI.scope(Permission.EDIT_STORE), now=now)
        assert await invitation(tx, 1, back.invitation_id, back.secret) is None
        assert await invitation(tx, 1, stay.invitation_id, "guess") is None
        assert await invitation(tx, 1, new_id(), stay.secret) is None
    results = await accepted(
        town, [accept(back), accept(shut), accept(wrong, secret=new_secret()), accept(an_invitation())], now
    )
    assert results == [NotFound(), InvitationExpired(), NotFound(), NotFound()]
    assert await accepted(town, [accept(stay)], now + week) == [InvitationExpired()]
    (taken,) = await accepted(town, [accept(stay)], now + week - timedelta(seconds=1))
    assert isinstance(taken, Accepted)
    (again,) = await accepted(town, [accept(stay, taken.member_id)], now + week)
    assert again == taken, "who has it keeps the answer"
    assert await audit_clean(town)


async def test_twice_in_one_list_is_once(town: Database, now):
    request = an_invitation()
    await invited(town, request, now)
    results = await accepted(
        town, [accept(request, MEI.member_id), accept(request), accept(request, MEI.member_id)], now
    )
    assert [type(r) for r in results] == [Accepted, InvitationUsed, Accepted]


async def test_twenty_people_tap_at_once_and_one_is_in(town: Database, now):
    request = an_invitation()
    await invited(town, request, now)
    results = await asyncio.gather(*(accepted(town, [accept(request)], now) for _ in range(20)))
    assert sorted(type(r).__name__ for (r,) in results) == ["Accepted"] + ["InvitationUsed"] * 19
    async with town.reading(1) as tx:
        joined = await tx.value(
            "select count(*) from infra.facts where city_id = 1 and topic = 'merchants.staff_joined'"
        )
    assert joined == 1
    assert await audit_clean(town)


@pytest.mark.parametrize("text", ["", "x", "inv_1_zz.secret", "mem_01", "inv_1_" + "0" * 27 + ".x"])
async def test_a_link_that_is_none(text):
    with pytest.raises(BadId):
        read_invitation(text)


async def test_the_audit_sees_an_invitation_from_nowhere(town: Database, now):
    await invited(town, an_invitation(), now)
    assert await audit_clean(town)
    async with town.central() as tx:
        await tx.run("delete from merchants.presence")
    assert await fires(town, "MER06")
