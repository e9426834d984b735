"""Members whom the house itself lets in: one number stays one member, whoever came first."""

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.refusals import BadInput
from hutong.people import AddMember, BadPhone, Member, actors, add_members, members
from tests.conftest import audit_clean
from tests.people_helpers import ANN, BO, MEI, signed_in

pytestmark = pytest.mark.anyio


async def added(db: Database, requests, now):
    async with db.central() as tx:
        return await add_members(tx, requests, now=now)


async def test_a_member_is_there_once_and_signs_in_like_everybody(db: Database, now):
    ann, mei = new_id(), new_id()
    asks = [
        AddMember(member_id=ann, phone="138 0013 8001", name="  Ann   Lee ", language="en"),
        AddMember(member_id=mei, phone=MEI),
        AddMember(member_id=new_id(), phone=ANN),  # the same number again, in one list
    ]
    first = await added(db, asks, now)
    assert all(isinstance(one, Member) for one in first)
    assert [one.member_id for one in first if isinstance(one, Member)] == [ann, mei, ann]
    assert await added(db, asks, now) == first
    async with db.central() as tx:
        came = await signed_in(tx, ANN, now=now)
        known = (await actors(tx, [ann]))[ann]
    assert (came.member_id, came.is_new) == (ann, False)
    assert (known.name, known.phone_tail, known.locale) == ("Ann Lee", "8001", "en")
    assert await audit_clean(db)


async def test_a_number_that_has_an_owner_keeps_him_as_he_is(db: Database, now):
    async with db.central() as tx:
        bo = await signed_in(tx, BO, now=now)
    (found,) = await added(db, [AddMember(member_id=new_id(), phone=BO, name="Somebody else")], now)
    assert isinstance(found, Member)
    assert (found.member_id, found.name) == (bo.member_id, "")
    async with db.reading() as tx:
        assert list(await members(tx, [bo.member_id])) == [bo.member_id]
    assert await audit_clean(db)


async def test_what_is_no_number_and_what_is_no_name_is_refused_alone(db: Database, now):
    ann = new_id()
    asks = [
        AddMember(member_id=new_id(), phone="12"),
        AddMember(member_id=new_id(), phone=MEI, name="x" * 61),
        AddMember(member_id=ann, phone=ANN),
    ]
    bad, long, good = await added(db, asks, now)
    assert isinstance(bad, BadPhone)
    assert isinstance(long, BadInput)
    assert isinstance(good, Member)
    assert good.member_id == ann
    assert await audit_clean(db)
