"""A merchant who uses his own rights: told before it happens, marked when it has, and shown to who leads."""

from datetime import timedelta

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.kit.access import Scope
from tests.conftest import fires
from tests.db.own_audit import sound
from tests.db.vouchers_help import ANN, CITY, NOODLE_BAR, TAO, TEA_HOUSE, a_redeem, one, prepared, undo, use, used

pytestmark = pytest.mark.anyio

# What is broken on purpose, for test_vouchers_audit.
BREAK = {"V60": ["update vouchers.redemptions set own = not own where city_id = 1"]}


async def test_a_cashier_is_told_that_it_is_his_own_and_its_use_is_marked(db: Database, now):
    his, hers = await one(db, now, member_id=TAO), await one(db, now)
    told = await prepared(db, his.code, now)
    assert "own" in {notice.code for notice in told.notices}
    assert "own" not in {notice.code for notice in (await prepared(db, hers.code, now)).notices}
    await used(db, his, now)
    await used(db, hers, now)
    async with db.reading() as tx:
        found = await vouchers.uses(tx, Scope(everything=True), city_id=CITY)
    assert {use.voucher_id: use.own for use in found} == {his.voucher_id: True, hers.voucher_id: False}
    assert await sound(db, "vouchers")
    async with db.central() as tx:
        for statement in BREAK["V60"]:
            await tx.run(statement)
    assert await fires(db, "V60")


async def test_what_a_colleague_used_for_somebody_of_the_staff_is_found_at_their_merchant_only(db: Database, now):
    taos = await one(db, now, member_id=TAO)
    anns = await one(db, now)
    tea = await one(db, now, member_id=TAO, merchant_id=TEA_HOUSE)
    done = await use(db, a_redeem(presented=taos.code, staff_id=ANN), now)
    await used(db, anns, now)
    await use(db, a_redeem(presented=tea.code, merchant_id=TEA_HOUSE, staff_id=ANN), now)
    span = {"city_id": CITY, "since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}
    async with db.reading() as tx:
        found = await vouchers.own_uses(tx, [(NOODLE_BAR, TAO)], **span)
        assert await vouchers.own_uses(tx, [], **span) == []
    assert [(f.redemption_id, f.own, f.reversed_at) for f in found] == [(done.redemption_id, False, None)]
    await undo(db, done.redemption_id, now)
    async with db.reading() as tx:
        [again] = await vouchers.own_uses(tx, [(NOODLE_BAR, TAO)], **span)
    assert again.reversed_at == now
