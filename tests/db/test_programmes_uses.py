"""Points follow the use of a right: given by a handler of the fact, once; taken back with its undo."""

from datetime import timedelta
from uuid import UUID

import pytest

from hutong import programmes, settlement, vouchers
from hutong.desk import earning
from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.kit.clock import local_day
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.programmes import Partner
from hutong.vouchers import Redeemed, Reverse
from tests.conftest import audit_clean
from tests.lane import CITY, a_lane, a_redeem, bought, redeem
from tests.programmes_help import BEGIN, Alliance, an_alliance

pytestmark = pytest.mark.anyio


async def joined(db: Database, merchant, blocks: int) -> Alliance:
    """An alliance that the merchant of the lane belongs to."""
    alliance = await an_alliance(db)
    partner = Partner(
        programme_id=alliance.programme_id, partner_id=merchant, name=Text.both("lane"), home_city=CITY,
        mode="prepaid", joined_at=BEGIN,
    )  # fmt: skip
    await alliance.run(lambda tx: programmes.join_partners(tx, [partner], by=None, now=BEGIN))
    alliance.partners["lane"] = merchant
    await alliance.pay_in("lane", blocks, now=BEGIN)
    return alliance


async def relayed(db: Database, now) -> None:
    """Every fact of uses so far, once more than it should be."""
    async with db.city(CITY) as tx:
        rows = await tx.rows("select * from infra.facts where city_id = 1 order by at, fact_id")
        facts = [Fact(**{name: row[name] for name in Fact.__struct_fields__}) for row in rows]
        mine = [fact for fact in facts if fact.topic in earning.handler().topics]
        for _ in range(2):
            await earning.handler().do(tx, mine, city_id=CITY, now=now)


async def undo(db: Database, lane, done: Redeemed | Refusal, now) -> None:
    assert isinstance(done, Redeemed)
    ask = Reverse(
        redemption_id=done.redemption_id, merchant_id=lane.merchant, store_id=lane.store, by=new_id(), reason="mistake"
    )
    await db.run_city(CITY, lambda tx: settlement.reverse(tx, [ask], city_id=CITY, now=now))


async def test_a_use_earns_what_was_paid_once_and_its_undo_takes_it_back(db: Database, now):
    lane = await a_lane(db, now)
    alliance = await joined(db, lane.merchant, 10_000)
    (unit,) = await bought(db, lane, now)
    (done,) = await redeem(db, [a_redeem(lane, unit, now)], now)
    await relayed(db, now)
    wallet = await alliance.wallet(unit.member_id, now)
    assert (wallet.pending, await alliance.left("lane")) == (68, 10_000 - 68)
    await undo(db, lane, done, now + timedelta(minutes=1))
    await relayed(db, now + timedelta(minutes=1))
    wallet = await alliance.wallet(unit.member_id, now)
    assert (wallet.pending, wallet.debt, await alliance.left("lane")) == (0, 0, 10_000)
    assert await audit_clean(db)


async def test_an_order_says_what_it_earned_and_from_when(db: Database, now):
    """Before its use nothing; then so many on their way until the day they mature; nothing after the undo. Who does not
    hold the unit is told nothing."""
    lane = await a_lane(db, now)
    alliance = await joined(db, lane.merchant, 10_000)
    (unit,) = await bought(db, lane, now)

    async def says(member_id: UUID) -> earning.Earned | None:
        async with db.reading(CITY) as tx:
            held = await vouchers.of_orders(tx, [unit.order_id], city_id=CITY)
            return await earning.earned_by(tx, member_id, held, city_id=CITY, zone="Asia/Shanghai")

    assert await says(unit.member_id) is None
    (done,) = await redeem(db, [a_redeem(lane, unit, now)], now)
    assert await says(unit.member_id) is None, "the handler has not run yet"
    await relayed(db, now)
    earned = await says(unit.member_id)
    assert earned is not None
    ((day, waiting),) = earned.pending
    async with db.reading() as tx:
        (lot,) = await programmes.lots(tx, unit.member_id, alliance.programme_id)
    assert (earned.points, waiting, day) == (68, 68, local_day(lot.matures_at, "Asia/Shanghai"))
    assert await says(new_id()) is None
    later = lot.matures_at
    await alliance.run(lambda tx: programmes.mature(tx, programme_id=alliance.programme_id, now=later))
    assert await says(unit.member_id) == earning.Earned(68, ())
    await undo(db, lane, done, now + timedelta(minutes=1))
    assert await says(unit.member_id) is None
    assert await audit_clean(db)


async def test_a_use_that_was_undone_before_the_relay_came_gives_nothing(db: Database, now):
    lane = await a_lane(db, now)
    alliance = await joined(db, lane.merchant, 10_000)
    (unit,) = await bought(db, lane, now)
    (done,) = await redeem(db, [a_redeem(lane, unit, now)], now)
    await undo(db, lane, done, now)
    await relayed(db, now)
    assert (await alliance.wallet(unit.member_id, now)).pending == 0
    assert await audit_clean(db)


async def test_a_partner_at_zero_costs_the_use_nothing_but_its_points(db: Database, now):
    lane = await a_lane(db, now)
    alliance = await joined(db, lane.merchant, 67)
    (unit,) = await bought(db, lane, now)
    (done,) = await redeem(db, [a_redeem(lane, unit, now)], now)
    assert isinstance(done, Redeemed)
    await relayed(db, now)
    assert ((await alliance.wallet(unit.member_id, now)).pending, await alliance.left("lane")) == (0, 67)
    assert await audit_clean(db)
