"""What a manager's board asks: uses by day of the city, and the redemptions of one tap."""

from datetime import date, timedelta

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import NOTHING, Scope
from hutong.vouchers import DayUses, Redeem, Redeemed, Reverse
from tests.db.own_audit import sound
from tests.db.vouchers_help import CITY, LANE, NOODLE_BAR, STATION, TAO, ZONE, an_issue, issue

pytestmark = pytest.mark.anyio
HERE = Scope(stores=frozenset({LANE}))


async def used(db: Database, now, *, store=LANE) -> Redeemed:
    [voucher] = await issue(db, [an_issue(now - timedelta(days=1))], now)
    ask = Redeem(
        redemption_id=new_id(), request_no=new_id().hex, presented=voucher.code, merchant_id=NOODLE_BAR,
        store_id=store, staff_id=TAO,
    )  # fmt: skip
    async with db.city(CITY) as tx:
        [done] = await vouchers.redeem(tx, [ask], city_id=CITY, now=now, zone=ZONE)
    assert isinstance(done, Redeemed), done
    return done


async def test_uses_count_on_the_day_of_the_city_and_undone_ones_apart(db: Database, now):
    before_midnight = now.replace(hour=15, minute=59)  # 23:59 in Shanghai
    await used(db, now)
    undone = await used(db, before_midnight)
    await used(db, before_midnight + timedelta(minutes=2))
    await used(db, now, store=STATION)
    async with db.city(CITY) as tx:
        back = Reverse(redemption_id=undone.redemption_id, merchant_id=NOODLE_BAR, by=TAO, reason="mistake")
        await vouchers.reverse(tx, [back], city_id=CITY, now=before_midnight)
    period = {"zone": ZONE, "since": now - timedelta(days=2), "until": now + timedelta(days=2)}
    async with db.reading(CITY) as tx:
        here = await vouchers.uses_by_day(tx, HERE, city_id=CITY, **period)
        whole = await vouchers.uses_by_day(tx, Scope(merchants=frozenset({NOODLE_BAR})), city_id=CITY, **period)
        nobody = await vouchers.uses_by_day(tx, NOTHING, city_id=CITY, **period)
    first, second = date(2026, 11, 20), date(2026, 11, 21)
    assert here == [DayUses(day=first, count=1, undone=1), DayUses(day=second, count=1, undone=0)]
    assert [one.count for one in whole] == [2, 1]
    assert nobody == []
    assert await sound(db, "vouchers")


async def test_redemptions_by_id_come_in_order_and_only_within_the_scope(db: Database, now):
    first, second, elsewhere = await used(db, now), await used(db, now), await used(db, now, store=STATION)
    ids = [second.redemption_id, first.redemption_id, elsewhere.redemption_id, new_id(), second.redemption_id]
    async with db.reading(CITY) as tx:
        found = await vouchers.uses_by_ids(tx, HERE, ids, city_id=CITY)
    assert [use.redemption_id for use in found] == ids[:2]
