"""Signing in: one number is one member, a session is new each time and over when it is over."""

import asyncio
from datetime import timedelta

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.refusals import BadInput, NotFound
from hutong.people import (
    BadPhone,
    CodeDead,
    CodeMade,
    CodeWrong,
    EditMember,
    MemberFrozen,
    RequestCode,
    SignedIn,
    SignIn,
    actor_of,
    actors,
    edit_members,
    forget,
    members,
    new_token,
    phones_of,
    request_codes,
    sessions_of,
    sign_in,
    sign_out,
    sign_out_everywhere,
)
from tests.conftest import audit_clean, fires
from tests.people_helpers import ANN, BO, OPEN, SECRET, code_for, signed_in

pytestmark = pytest.mark.anyio


def request(phone, code, **more):
    given = {"address": "192.0.2.1", "member_id": new_id(), "token": new_token(), **more}
    return SignIn(phone=phone, code=code, **given)


async def entered(db, requests, now):
    async with db.central() as tx:
        return await sign_in(tx, requests, secret=SECRET, now=now, limits=OPEN)


async def test_the_first_sign_in_makes_the_member_and_later_ones_find_them(db: Database, now):
    async with db.central() as tx:
        first = await signed_in(tx, ANN, now=now, agent="Mozilla/5.0 (iPhone) Safari/604")
        again = await signed_in(tx, "138 0013 8001", now=now + timedelta(days=1))
        actor = await actor_of(tx, again.token, now=now + timedelta(days=2))
        assert await phones_of(tx, [first.member_id]) == {first.member_id: ANN}
    assert (first.is_new, again.is_new) == (True, False)
    assert first.member_id == again.member_id
    assert actor is not None
    assert (actor.member_id, actor.name, actor.phone_tail, actor.locale) == (first.member_id, "会员8001", "8001", "zh")
    assert actor.is_member
    assert not actor.grants
    assert await audit_clean(db)


async def test_each_request_of_a_list_is_decided_on_its_own(db: Database, now):
    async with db.central() as tx:
        ann, bo = await code_for(tx, ANN, now=now), await code_for(tx, BO, now=now)
    results = await entered(
        db,
        [
            request(ANN, ann),
            request(BO, f"{(int(bo) + 1) % 10**6:06d}"),
            request(ANN, ann),
            request("12", "1"),
            request(BO, bo),
        ],
        now,
    )
    assert [type(r) for r in results] == [SignedIn, CodeWrong, CodeDead, BadPhone, SignedIn]
    assert await audit_clean(db)


async def test_a_refused_sign_in_leaves_no_trace_but_the_try(db: Database, now):
    async with db.central() as tx:
        code = await code_for(tx, ANN, now=now)
    await entered(db, [request(ANN, f"{(int(code) + 1) % 10**6:06d}")], now)
    async with db.reading() as tx:
        assert await tx.value("select count(*) from people.members") == 0
        assert await tx.value("select count(*) from people.phones") == 0
        assert await tx.value("select tries from people.codes") == 1


async def test_a_session_never_survives_a_sign_in(db: Database, now):
    async with db.central() as tx:
        old = await signed_in(tx, ANN, now=now)
        code = await code_for(tx, BO, now=now)
    (new,) = await entered(db, [request(BO, code, previous=old.token)], now)
    async with db.reading() as tx:
        assert await actor_of(tx, old.token, now=now) is None
        assert await actor_of(tx, new.token, now=now) is not None
    assert old.token != new.token


async def test_a_session_ends_by_time_by_sign_out_and_from_another_device(db: Database, now):
    async with db.central() as tx:
        phone = await signed_in(tx, ANN, now=now, agent="MicroMessenger Android")
        tablet = await signed_in(tx, ANN, now=now + timedelta(minutes=1), agent="iPad Safari")
        laptop = await signed_in(tx, ANN, now=now + timedelta(minutes=2), agent="Macintosh Firefox")
        bo = await signed_in(tx, BO, now=now)
    later = now + timedelta(hours=1)

    async def alive():
        async with db.reading() as tx:
            return [await actor_of(tx, s.token, now=later) is not None for s in (phone, tablet, laptop, bo)]

    async with db.central() as tx:
        devices = await sessions_of(tx, phone.member_id, now=later)
        assert [d.device for d in devices] == ["Firefox · Mac", "Safari · iPad", "WeChat · Android"]
        lost = devices[2].session_id
        assert await sign_out_everywhere(tx, [bo.member_id], now=later, session_id=lost) == 0, "not Bo's to end"
        assert await sign_out_everywhere(tx, [phone.member_id], now=later, session_id=lost) == 1
    assert await alive() == [False, True, True, True]
    async with db.central() as tx:
        assert await sign_out_everywhere(tx, [phone.member_id], now=later, keep=laptop.token) == 1
    assert await alive() == [False, False, True, True]
    async with db.central() as tx:
        assert await sign_out(tx, [laptop.token, "unknown"], now=later) == 1
        assert await sign_out(tx, [laptop.token], now=later) == 0
        assert await sessions_of(tx, phone.member_id, now=later) == []
        assert await actor_of(tx, bo.token, now=now + timedelta(days=30)) is None, "thirty days"
        gone = await forget(tx, now=now + timedelta(days=91))
        assert gone == {"codes": 2, "sessions": 3, "challenges": 0, "exports": 0}
    assert await alive() == [False, False, False, True]
    assert await audit_clean(db)


async def test_tokens_and_numbers_are_not_stored_where_they_need_not_be(db: Database, now):
    async with db.central() as tx:
        ann = await signed_in(tx, ANN, now=now)
        assert ann.token not in repr(await tx.rows("select * from people.sessions"))
        assert "13800138001" not in repr(await tx.rows("select * from infra.limits"))
        assert "13800138001" not in repr(await members(tx, [ann.member_id]))


async def test_a_frozen_member_stays_outside(db: Database, now):
    async with db.central() as tx:
        ann = await signed_in(tx, ANN, now=now)
        await tx.run("update people.members set status = 'frozen'")
        assert await actor_of(tx, ann.token, now=now) is None
        assert await actors(tx, [ann.member_id]) == {}
        assert await phones_of(tx, [ann.member_id]) == {}
        code = await code_for(tx, ANN, now=now)
    assert await entered(db, [request(ANN, code)], now) == [MemberFrozen()]
    async with db.reading() as tx:
        assert await tx.value("select count(*) from people.sessions where ended_at is null") == 1


async def test_a_member_chooses_a_name_and_a_language(db: Database, now):
    async with db.central() as tx:
        ann, bo = await signed_in(tx, ANN, now=now), await signed_in(tx, BO, now=now)
        results = await edit_members(
            tx,
            [
                EditMember(member_id=ann.member_id, name="  Ann   Lee "),
                EditMember(member_id=bo.member_id, name="x" * 61),
                EditMember(member_id=bo.member_id, language="en-GB"),
                EditMember(member_id=new_id(), name="Nobody"),
            ],
        )
        found = await members(tx, [ann.member_id, bo.member_id])
    assert results == [found[ann.member_id], BadInput(field="name", why="≤ 60"), found[bo.member_id], NotFound()]
    assert found[ann.member_id].shown == "Ann Lee"
    assert found[bo.member_id].shown == "Member 8002"


async def test_twenty_phones_with_one_code_are_one_sign_in(db: Database, now):
    async with db.central() as tx:
        code = await code_for(tx, ANN, now=now)
    results = await asyncio.gather(*(entered(db, [request(ANN, code)], now) for _ in range(20)))
    assert sum(isinstance(r, SignedIn) for (r,) in results) == 1
    assert await audit_clean(db)


async def test_one_number_is_one_member_however_often_they_sign_in(db: Database, now):
    for _ in range(5):
        async with db.central() as tx:
            await signed_in(tx, ANN, now=now)
    async with db.reading() as tx:
        assert await tx.value("select count(*) from people.members") == 1
        assert await tx.value("select count(*) from people.sessions") == 5


async def test_two_hundred_at_once_in_few_statements(db: Database, database_url, now):
    seen: list[str] = []
    watched = await Database(database_url, observer=lambda sql, _: seen.append(sql)).open()
    phones = [f"+86138001{n:05d}" for n in range(200)]
    counts = []
    for some in (phones[:1], phones):
        async with watched.central() as tx:
            asks = [RequestCode(phone=p, address="192.0.2.1") for p in some]
            made = await request_codes(tx, asks, secret=SECRET, now=now, limits=OPEN)
            codes = [m.code for m in made if isinstance(m, CodeMade)]
            seen.clear()
            results = await sign_in(
                tx, [request(p, c) for p, c in zip(some, codes, strict=True)], secret=SECRET, now=now, limits=OPEN
            )
            counts.append(len(seen))
        assert all(isinstance(r, SignedIn) for r in results)
    await watched.close()
    assert counts[0] == counts[1] <= 10
    assert await audit_clean(db)


@pytest.mark.parametrize(
    ("code", "damage"),
    [
        ("PPL01", "update people.members set phone = '+8613900000000', phone_tail = '0000'"),
        ("PPL02", "delete from people.phones"),
        ("PPL04", "update people.members set status = 'frozen'"),
        ("PPL07", "update people.members set phone_tail = '0000'"),
    ],
)
async def test_the_audit_sees(db: Database, now, code: str, damage: str):
    async with db.central() as tx:
        await signed_in(tx, ANN, now=now)
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run(damage)
    assert await fires(db, code)
