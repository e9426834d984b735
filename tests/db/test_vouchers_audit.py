"""Each invariant of vouchers fires when its violation is made on purpose."""

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from tests.conftest import fires
from tests.db import (
    test_gifts,
    test_insight,
    test_offline_audit,
    test_own_uses,
    test_till_audit,
    test_vouchers_capacity,
    test_vouchers_hold,
)
from tests.db.own_audit import codes, sound
from tests.db.vouchers_help import CITY, an_issue, issue, undo, used

pytestmark = pytest.mark.anyio

V, R = "vouchers.vouchers", "vouchers.redemptions"
# What is also guarded by a constraint can only be broken with the constraint out of the way.
BREAK = {
    "V01": [f"update {R} set count = 4 where city_id = 1"],
    "V02": [f"update {V} set due_left = due_left - 1 where city_id = 1 and due_left > 0"],
    "V03": [f"update {R} set merchant_id = store_id where city_id = 1"],
    "V04": [f"update {R} set at = at - interval '1 year' where city_id = 1"],
    "V07": [
        f"alter table {R} drop constraint redemptions_request_key",
        f"update {R} set request_no = 'same' where city_id = 1",
    ],
    "V11": [
        f"alter table {V} drop constraint vouchers_used_up_check",
        f"update {V} set state = 'valid' where city_id = 1 and state = 'used'",
    ],
    "V12": [
        f"alter table {V} drop constraint vouchers_used_up_check",
        f"update {V} set state = 'refunded' where city_id = 1 and state = 'used'",
    ],
    "V13": ["update vouchers.reversals set at = at - interval '1 day' where city_id = 1"],
    "V14": [f"update {V} set cycles = cycles + 1 where city_id = 1"],
    "V15": ["update vouchers.changes set state = 'expired' where city_id = 1 and state = 'used'"],
}
ALSO = {
    "V03": [f"update {V} set store_ids = array[member_id] where city_id = 1"],
    "V07": [
        f"alter table {R} drop constraint redemptions_step_key",
        f"update {R} set voucher_id = (select min(voucher_id::text)::uuid from {V}), step = 5 where city_id = 1",
    ],
    "V13": [
        "alter table vouchers.reversals drop constraint reversals_city_id_redemption_id_fkey",
        "update vouchers.reversals set redemption_id = by where city_id = 1",
    ],
    "V15": ["update vouchers.vouchers set version = 0 where city_id = 1"],
}
CASES = [(code, steps) for part in (BREAK, ALSO) for code, steps in part.items()]


async def a_little_history(db: Database, now) -> None:
    single, card, undone, back = await issue(
        db, [an_issue(now), an_issue(now, uses=3), an_issue(now), an_issue(now)], now
    )
    await used(db, single, now)
    await used(db, card, now, count=2)
    await undo(db, (await used(db, undone, now)).redemption_id, now)
    async with db.city(CITY) as tx:
        await vouchers.start_refund(tx, [back.voucher_id], city_id=CITY, now=now)


@pytest.mark.parametrize(("code", "steps"), CASES, ids=[code for code, _ in CASES])
async def test_it_fires(db: Database, now, code: str, steps: list[str]):
    await a_little_history(db, now)
    assert await sound(db, "vouchers")
    async with db.central() as tx:
        for statement in steps:
            await tx.run(statement)
    assert await fires(db, code)


async def test_a_use_of_a_waiting_voucher_fires(db: Database, now):
    await a_little_history(db, now)
    async with db.central() as tx:
        await tx.run(f"alter table {V} drop constraint vouchers_used_up_check")
        await tx.run(f"update {V} set state = 'waiting', uses_left = uses_total where city_id = 1 and state = 'used'")
    assert await fires(db, "V12")


def test_none_is_forgotten():
    own = (
        test_vouchers_hold.BREAK,
        test_vouchers_capacity.BREAK,
        test_gifts.BREAK,
        test_own_uses.BREAK,
        test_insight.SEEDS,
    )
    elsewhere = {code for cases in (*own, test_till_audit.SEEDS) for code in cases}
    without_network = {code for code, _ in test_offline_audit.BREAK if code.startswith("V")}
    elsewhere = {code for code in elsewhere if code.startswith("V")}
    assert {code for code, _ in CASES} | without_network | elsewhere == codes("vouchers")
