"""Each invariant of the counter without a network fires when its violation is made on purpose."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from hutong.infra.audit import audit
from hutong.infra.db import Database
from tests.conftest import audit_clean, fires
from tests.house import TestHouse, make_house
from tests.offline_play import Phone, Till, bought, switch_on

pytestmark = pytest.mark.anyio

S, C, L = "vouchers.offline_scans", "vouchers.conflicts", "vouchers.device_logs"
BREAK = [
    ("V08", f"delete from {C} where city_id = 1"),
    ("V08", f"update {C} set units = units + 1 where city_id = 1"),
    ("V09", "update merchants.devices set revoked_at = enrolled_at, revoked_by = enrolled_by where city_id = 1"),
    ("V10", f"update {L} set missing = missing + 1 where city_id = 1"),
    ("V10", f"update {L} set last_seq = last_seq + 1 where city_id = 1"),
    ("V16", "update vouchers.redemptions set step = step + 1 where city_id = 1"),
    ("V16", f"update {S} set scanned_at = scanned_at + interval '10 minutes' where city_id = 1"),
    ("V17", f"update {S} set units = units + 100000000 where city_id = 1"),
    ("V17", f"update {S} set allowance = 99 where city_id = 1 and outcome = 'redeemed'"),
    ("V18", "update merchants.devices set flagged_at = null, flag = null where city_id = 1"),
    ("MER10", "update merchants.offline_limits set declared_units = 1 where city_id = 1"),
    ("MER11", "update merchants.devices set seen_at = null where city_id = 1"),
    ("MER11", "update merchants.devices set seen_at = enrolled_at - interval '1 day' where city_id = 1"),
]


@pytest.fixture
async def house(db: Database, clock) -> AsyncIterator[TestHouse]:
    made = await make_house(db, clock)
    yield made
    await made.batches.close()


async def a_little_history(house: TestHouse) -> None:
    """Two tills take one voucher; a copy of the second one goes its own way."""
    await switch_on(house)
    left, right = await Till.enrol(house, name="left"), await Till.enrol(house, name="right")
    [unit] = await bought(house)
    phone = Phone(house)
    await phone.fetch(unit.voucher_id)
    for till in (left, right):
        await till.pull()
    for till in (left, right):
        now = house.clock.now()
        assert till.accept(phone.text(unit.voucher_id, now), now) == "accepted"
        house.clock.move(timedelta(minutes=1))  # type: ignore[attr-defined]
        await till.upload()
    right.write("HT2.made up.", house.clock.now(), seq=1)
    await right.upload()


async def test_each_fires(house: TestHouse):
    await a_little_history(house)
    assert await audit_clean(house.db)
    for code, statement in BREAK:
        with pytest.raises(Undo):
            async with house.db.central() as tx:
                await tx.run(statement)
                found = await audit(tx, only=code)
                raise Undo(code, bool(found))
        assert Undo.last == (code, True), statement
    assert await audit_clean(house.db)
    assert not await fires(house.db, "V08")


class Undo(Exception):
    """Takes the violation back, remembering whether it was found."""

    last: tuple[str, bool] = ("", False)

    def __init__(self, code: str, found: bool) -> None:
        Undo.last = (code, found)
