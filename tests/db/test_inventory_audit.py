"""Each invariant of inventory fires when its violation is made on purpose."""

from datetime import timedelta

import pytest

from hutong import inventory
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import Hold, OpenQuota, Want
from tests.conftest import fires
from tests.db.own_audit import codes, sound

pytestmark = pytest.mark.anyio

# What an invariant guards twice (by a CHECK as well) can only be broken with the CHECK out of the way.
BREAK = {
    "S01": [
        "alter table inventory.quotas drop constraint quotas_equality_check",
        "update inventory.quotas set total = total + 1 where city_id = 1",
    ],
    "S02": ["update inventory.quotas set held = held - 1, remaining = remaining + 1 where city_id = 1"],
    "S03": ["update inventory.wants set units_returned = 1 where city_id = 1"],
    "S05": [
        "update inventory.holds set expires_at = held_at - interval '2 hours' where city_id = 1 and state = 'held'"
    ],
}


@pytest.mark.parametrize("code", sorted(BREAK))
async def test_it_fires(db: Database, now, code: str):
    quota_id = new_id()
    holds = [
        Hold(hold_id=new_id(), wants=(Want(quota_id, 2),), expires_at=now + timedelta(minutes=15), ref=new_id())
        for _ in range(2)
    ]
    async with db.city(1) as tx:
        await inventory.open_quotas(tx, [OpenQuota(quota_id=quota_id, label="x", total=9)], city_id=1, now=now)
        await inventory.hold(tx, holds, city_id=1, now=now)
        await inventory.confirm(tx, [holds[0].hold_id], city_id=1, now=now)
    assert await sound(db, "inventory")
    async with db.central() as tx:
        for statement in BREAK[code]:
            await tx.run(statement)
    assert await fires(db, code)


def test_none_is_forgotten():
    taken_over = {"S06"}  # in test_waitlist.py: only whoever waited takes a hold over
    assert set(BREAK) | taken_over == codes("inventory")
