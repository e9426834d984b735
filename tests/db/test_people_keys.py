"""Keys of merchants' tills: shown once, good for what they were made for, ended when they are ended."""

from datetime import timedelta

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.refusals import BadInput, NotAllowed, NotFound
from hutong.people import (
    EVERYTHING,
    KeyMade,
    MakeKey,
    Permission,
    RevokeKey,
    RotateKey,
    Scope,
    actor_of_key,
    keys,
    make_keys,
    new_secret,
    revoke_keys,
    rotate_keys,
    touch_keys,
)
from tests.conftest import audit_clean, fires

pytestmark = pytest.mark.anyio

MEI, NOODLE_BAR, COUNTER, OTHER_BAR = new_id(), new_id(), new_id(), new_id()
MINE = Scope(merchants=frozenset({NOODLE_BAR}))
REDEEM = frozenset({Permission.PREPARE_VOUCHER, Permission.REDEEM_VOUCHER})


def a_key(**more):
    given = {"key_id": new_id(), "secret": new_secret(), "merchant_id": NOODLE_BAR, "label": "Till 1",
             "permissions": REDEEM, "made_by": MEI}  # fmt: skip
    return MakeKey(**{**given, **more})


async def made(tx, now, **more) -> KeyMade:
    (key,) = await make_keys(tx, [a_key(**more)], scope=MINE, now=now)
    assert isinstance(key, KeyMade), key
    return key


async def test_a_key_acts_as_itself_within_its_place_and_permissions(db: Database, now):
    async with db.central() as tx:
        chain = await made(tx, now)
        till = await made(tx, now, city_id=1, store_id=COUNTER)
        everywhere, here = await actor_of_key(tx, chain.text, now=now), await actor_of_key(tx, till.text, now=now)
        assert chain.text.split("_")[2] not in ("", None)
        stored = repr(await tx.rows("select * from people.keys"))
    assert chain.text.rsplit("_", 1)[1] not in stored
    assert everywhere is not None
    assert here is not None
    assert everywhere.can(Permission.REDEEM_VOUCHER, city=2, merchant=NOODLE_BAR, store=new_id())
    assert here.can(Permission.REDEEM_VOUCHER, city=1, merchant=NOODLE_BAR, store=COUNTER)
    assert not here.can(Permission.REDEEM_VOUCHER, city=1, merchant=NOODLE_BAR, store=new_id())
    assert not everywhere.can(Permission.REVERSE_REDEMPTION, city=1, merchant=NOODLE_BAR)
    assert not everywhere.can(Permission.REDEEM_VOUCHER, city=1, merchant=OTHER_BAR)
    assert (here.member_id, here.key_id, here.is_member, here.name) == (till.key_id, till.key_id, False, "Till 1")
    assert await audit_clean(db)


async def test_only_the_whole_right_key_opens(db: Database, now):
    async with db.central() as tx:
        one, two = await made(tx, now), await made(tx, now)
        swapped = one.text.rsplit("_", 1)[0] + "_" + two.text.rsplit("_", 1)[1]
        unknown = one.text.replace(one.text.split("_")[2], "0" * 26)
        for text in (swapped, unknown, one.text[:-1], one.text + "0", one.text.replace("live", "test"), "", "x"):
            assert await actor_of_key(tx, text, now=now) is None


async def test_what_a_key_may_not_be(db: Database, now):
    async with db.central() as tx:
        results = await make_keys(
            tx,
            [
                a_key(merchant_id=OTHER_BAR),
                a_key(permissions=frozenset({Permission.MANAGE_KEYS})),
                a_key(label=" "),
                a_key(permissions=frozenset()),
                a_key(store_id=COUNTER),
                a_key(),
            ],
            scope=MINE,
            now=now,
        )
        assert len(await keys(tx, EVERYTHING)) == 1
    assert [type(r) for r in results] == [NotFound, NotAllowed, BadInput, BadInput, BadInput, KeyMade]


async def test_a_rotated_key_overlaps_with_the_old_one_for_its_grace(db: Database, now):
    async with db.central() as tx:
        old = await made(tx, now, city_id=1, store_id=COUNTER)
        turn = RotateKey(key_id=old.key_id, new_key_id=new_id(), new_secret=new_secret(), by=MEI)
        other = RotateKey(key_id=old.key_id, new_key_id=new_id(), new_secret=new_secret(), by=MEI)
        theirs = Scope(merchants=frozenset({OTHER_BAR}))
        assert await rotate_keys(tx, [turn], scope=theirs, now=now) == [NotFound()]
        results = await rotate_keys(tx, [turn, other], scope=MINE, now=now)
        new = results[0]
        assert isinstance(new, KeyMade)
        assert results[1] == NotFound(), "replaced once"
        assert await rotate_keys(tx, [other], scope=MINE, now=now) == [NotFound()]
        soon, later = now + timedelta(hours=23), now + timedelta(hours=24)
        assert await actor_of_key(tx, old.text, now=soon) is not None
        assert await actor_of_key(tx, old.text, now=later) is None
        actor = await actor_of_key(tx, new.text, now=later)
        assert actor is not None
        assert actor.only == REDEEM
        assert actor.can(Permission.REDEEM_VOUCHER, store=COUNTER)
    assert await audit_clean(db)


async def test_a_revoked_key_is_turned_away_at_once(db: Database, now):
    async with db.central() as tx:
        key = await made(tx, now)
        theirs = Scope(merchants=frozenset({OTHER_BAR}))
        assert await revoke_keys(tx, [RevokeKey(key_id=key.key_id, by=MEI)], scope=theirs, now=now) == [NotFound()]
        assert await actor_of_key(tx, key.text, now=now) is not None
        await revoke_keys(tx, [RevokeKey(key_id=key.key_id, by=MEI)] * 2, scope=MINE, now=now)
        assert await actor_of_key(tx, key.text, now=now) is None
        await revoke_keys(tx, [RevokeKey(key_id=key.key_id, by=MEI)], scope=MINE, now=now + timedelta(days=1))
        (shown,) = await keys(tx, MINE)
        assert shown.ends_at == now, "it ended when it ended"
        assert await keys(tx, theirs) == []


async def test_the_last_use_is_noted_to_the_minute(db: Database, now):
    async with db.central() as tx:
        key = await made(tx, now)
        counts = [await touch_keys(tx, [key.key_id], now=now + timedelta(seconds=s)) for s in (0, 30, 59, 61)]
        (shown,) = await keys(tx, MINE)
    assert counts == [1, 0, 0, 1]
    assert shown.last_used_at == now + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("code", "damage"),
    [
        ("PPL05", "update people.keys set last_used_at = ends_at + interval '1 second' where ends_at is not null"),
        ("PPL06", "update people.keys set permissions = array['statement:view'] where replaced_by is null"),
        ("PPL06", "update people.keys set ends_at = null, ended_by = null"),
    ],
)
async def test_the_audit_sees(db: Database, now, code: str, damage: str):
    async with db.central() as tx:
        old = await made(tx, now)
        turn = RotateKey(key_id=old.key_id, new_key_id=new_id(), new_secret=new_secret(), by=MEI)
        await rotate_keys(tx, [turn], scope=MINE, now=now)
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run(damage)
    assert await fires(db, code)
