"""What becomes a coming: uses of rights and bills at a till, told by the relay or read again, each once."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from hutong import insight, people, till
from hutong.desk import repeating
from hutong.desk.repeating import FEEDER, comer
from hutong.infra.db import Database
from hutong.infra.delivery import apply
from hutong.infra.ids import new_id
from hutong.infra.relay import Delivery
from hutong.kit.access import EVERYTHING, Role
from hutong.people import GiveRole
from hutong.till import Bill
from tests.catalog_town import yuan
from tests.conftest import audit_clean, fires
from tests.db.insight_help import fed
from tests.lane import CITY, Lane, a_lane
from tests.till_help import ANN, a_bill, a_coupon, settled, shown, undo_bill

pytestmark = pytest.mark.anyio


async def told(db: Database, now: datetime) -> None:
    """Hand every fact of the till over, those handed already as well: they must do nothing."""
    async with db.city(CITY) as tx:
        rows = await tx.rows(
            """select fact_id from infra.facts where city_id = %(city)s and topic = any(%(topics)s::text[])
               order by at, fact_id""",
            city=CITY, topics=["till.settled", "till.undone"],
        )  # fmt: skip
    facts = [row["fact_id"] for row in rows]
    await apply(db, comer(), Delivery(handler=FEEDER, city_id=CITY, facts=facts), now=now)


async def comings(db: Database) -> list[dict[str, Any]]:
    async with db.reading(CITY) as tx:
        return await tx.rows(
            """select coming_id, kind, merchant_id, member_id, day, units, own, undone_at from insight.comings
               where city_id = %(city)s order by kind, coming_id""",
            city=CITY,
        )


async def a_told_bill(db: Database, now: datetime) -> tuple[Lane, Bill]:
    """A coupon takes 10 off a bill of 88; the platform bears 6 of it."""
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now)
    bill = await settled(db, a_bill(lane, 8_800, await shown(db, lane, now, coupon)), now)
    await fed(db, now)
    await told(db, now)
    return lane, bill


async def test_a_bill_and_what_was_used_for_it_are_one_day_of_a_member(db: Database, now: datetime):
    """78 collected and 6 from the platform are 84 of revenue; and one visit, whatever was shown."""
    lane, bill = await a_told_bill(db, now)
    await told(db, now)
    rows = await comings(db)
    assert [(row["kind"], row["units"]) for row in rows] == [("bill", 7_800), ("redemption", 600)]
    assert {row["member_id"] for row in rows} == {ANN}
    day = rows[0]["day"]
    async with db.reading(CITY) as tx:
        found = await insight.business(
            tx, [lane.merchant], city_id=CITY, asset="CNY", since=day, until=day + timedelta(days=1), today=day,
            alliance=[],
        )  # fmt: skip
    one = found[lane.merchant]
    assert (one.members, one.comings, one.money) == (1, 1, yuan(8_400))
    assert await undo_bill(db, bill, now)
    await fed(db, now)
    await told(db, now)
    assert all(row["undone_at"] == now for row in await comings(db))
    assert await audit_clean(db)


async def test_everything_comes_back_after_a_loss(db: Database, now: datetime, database_url: str):
    lane, bill = await a_told_bill(db, now)
    other = await a_coupon(db, lane, now)
    gone = await settled(db, a_bill(lane, 5_000, await shown(db, lane, now, other)), now)
    assert await undo_bill(db, gone, now)
    await fed(db, now)
    await told(db, now)
    before = await comings(db)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("delete from insight.comings")
        conn.execute("delete from insight.visits")
    for _ in range(2):
        assert await repeating.rebuild(db, CITY) == 1
        async with db.city(CITY) as tx:
            assert await insight.rebuild(tx, city_id=CITY, now=now) is None
        assert await comings(db) == before
    async with db.reading(CITY) as tx:
        known = await till.by_ids(tx, EVERYTHING, [bill.bill_id, gone.bill_id], city_id=CITY)
    assert {row["coming_id"] for row in before if row["kind"] == "bill"} == set(known)
    assert await audit_clean(db)


async def test_the_shops_own_staff_is_no_guest(db: Database, now: datetime):
    """Ann becomes cashier of the shop: her bill is money of nobody who came back."""
    lane = await a_lane(db, now)
    coupon = await a_coupon(db, lane, now)
    role = GiveRole(
        grant_id=new_id(), member_id=ANN, role=Role.STORE_CASHIER, by=None, merchant_id=lane.merchant,
        store_id=lane.store, city_id=CITY,
    )  # fmt: skip
    async with db.central() as tx:
        assert await people.grant(tx, [role], now=now)
    await settled(db, a_bill(lane, 8_800, await shown(db, lane, now, coupon)), now)
    await fed(db, now)
    await told(db, now)
    rows = await comings(db)
    assert [row["own"] for row in rows] == [True, True]
    async with db.reading(CITY) as tx:
        assert not await insight.business(
            tx, [lane.merchant], city_id=CITY, asset="CNY", since=rows[0]["day"], until=now.date() + timedelta(days=9),
            today=now.date(), alliance=[],
        )  # fmt: skip


# Each: the code, and a statement that breaks it.
SEEDS: dict[str, list[str]] = {
    "IN12": ["update insight.comings set units = units + 1 where kind = 'redemption'"],
    "IN13": ["delete from insight.comings where kind = 'bill'"],
    "IN14": ["update insight.comings set units = units + 1 where kind = 'bill'"],
    "IN15": ["update insight.comings set undone_at = null where kind = 'bill'"],
    "IN16": ["update insight.comings set day = day + 1"],
}
MORE: dict[str, list[str]] = {
    "IN12": ["delete from insight.visits where undone_at is null"],
    "IN15": ["update insight.comings set undone_at = at where kind = 'bill' and undone_at is null"],
    "IN16": [
        "alter table insight.comings drop constraint comings_undone_check",
        "update insight.comings set undone_at = at - interval '1 day' where kind = 'bill'",
    ],
}


@pytest.mark.parametrize(("code", "seed"), [*SEEDS.items(), *MORE.items()])
async def test_every_invariant_of_comings_can_fire(
    db: Database, now: datetime, code: str, seed: list[str], database_url: str
):
    lane, _ = await a_told_bill(db, now)
    other = await a_coupon(db, lane, now)
    gone = await settled(db, a_bill(lane, 5_000, await shown(db, lane, now, other)), now)
    assert await undo_bill(db, gone, now)
    await fed(db, now)
    await told(db, now)
    assert await audit_clean(db)
    with psycopg.connect(database_url, autocommit=True) as conn:
        for statement in seed:
            conn.execute(statement.encode())
    assert await fires(db, code), code
