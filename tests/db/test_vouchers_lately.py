"""What the counter and its board ask: hours, people, the tap of a moment ago, and what runs out soon."""

from datetime import timedelta

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import NOTHING, Scope
from hutong.vouchers import HourUses, Redeem, Redeemed, Reverse, Voucher
from tests.db.own_audit import sound
from tests.db.vouchers_help import CITY, LANE, NOODLE_BAR, STATION, TAO, ZONE, an_issue, issue

pytestmark = pytest.mark.anyio
HERE, WHOLE = Scope(stores=frozenset({LANE})), Scope(merchants=frozenset({NOODLE_BAR}))
LI = new_id()


async def used(db: Database, now, *, store=LANE, staff=TAO, name="小涛") -> tuple[Voucher, Redeemed]:
    [voucher] = await issue(db, [an_issue(now - timedelta(days=1))], now)
    ask = Redeem(
        redemption_id=new_id(), request_no=new_id().hex, presented=voucher.code, merchant_id=NOODLE_BAR,
        store_id=store, staff_id=staff, staff_name=name,
    )  # fmt: skip
    async with db.city(CITY) as tx:
        [done] = await vouchers.redeem(tx, [ask], city_id=CITY, now=now, zone=ZONE)
    assert isinstance(done, Redeemed), done
    return voucher, done


async def undo(db: Database, done: Redeemed, now) -> None:
    async with db.city(CITY) as tx:
        back = Reverse(redemption_id=done.redemption_id, merchant_id=NOODLE_BAR, by=TAO, reason="mistake")
        await vouchers.reverse(tx, [back], city_id=CITY, now=now)


async def test_hours_are_those_of_the_city_and_leave_out_what_was_undone(db: Database, now):
    noon = now.replace(hour=4, minute=0)  # 12:00 in Shanghai
    await used(db, noon)
    await used(db, noon + timedelta(minutes=59))
    await used(db, noon + timedelta(minutes=60))
    await undo(db, (await used(db, noon))[1], noon)
    await used(db, noon, store=STATION)
    period = {"zone": ZONE, "since": noon, "until": noon + timedelta(hours=3)}
    async with db.reading(CITY) as tx:
        here = await vouchers.uses_by_hour(tx, HERE, city_id=CITY, **period)
        whole = await vouchers.uses_by_hour(tx, WHOLE, city_id=CITY, **period)
        nobody = await vouchers.uses_by_hour(tx, NOTHING, city_id=CITY, **period)
    assert here == [HourUses(12, 2), HourUses(13, 1)]
    assert whole == [HourUses(12, 3), HourUses(13, 1)]
    assert nobody == []
    assert await sound(db, "vouchers")


async def test_the_history_is_narrowed_by_person_and_by_undone(db: Database, now):
    _, by_tao = await used(db, now)
    _, by_li = await used(db, now, staff=LI, name="小李")
    await undo(db, by_tao, now)
    async with db.reading(CITY) as tx:

        async def found(**narrower) -> list[object]:
            return [use.redemption_id for use in await vouchers.uses(tx, HERE, city_id=CITY, **narrower)]

        assert await found(staff_id=LI) == [by_li.redemption_id]
        assert await found(undone=True) == [by_tao.redemption_id]
        assert await found(undone=False) == [by_li.redemption_id]
        assert await found(staff_id=TAO, undone=False) == []
        assert len(await found()) == 2
        period = {"since": now, "until": now + timedelta(seconds=1)}
        people = await vouchers.redeemers(tx, HERE, city_id=CITY, **period)
        assert {(one.staff_id, one.name) for one in people} == {(TAO, "小涛"), (LI, "小李")}
        assert await vouchers.redeemers(tx, NOTHING, city_id=CITY, **period) == []


async def test_the_own_tap_of_a_moment_ago_is_found_and_nobody_elses(db: Database, now):
    voucher, done = await used(db, now)
    qr = vouchers.qr_text(voucher, now)

    async def asked(scope=HERE, staff=TAO, since=now, **what):
        async with db.reading(CITY) as tx:
            return await vouchers.just_used(tx, scope, city_id=CITY, staff_id=staff, since=since, **what)

    assert await asked(presented=voucher.code) == done.redemption_id
    assert await asked(presented=qr) == done.redemption_id
    assert await asked(voucher_id=voucher.voucher_id) == done.redemption_id
    assert await asked(presented="nonsense") is None
    assert await asked(presented=voucher.code, staff=LI) is None
    assert await asked(presented=voucher.code, since=now + timedelta(seconds=1)) is None
    assert await asked(presented=voucher.code, scope=Scope(stores=frozenset({STATION}))) is None
    await undo(db, done, now)
    assert await asked(presented=voucher.code) is None


async def test_what_runs_out_soon_is_counted_by_offer(db: Database, now):
    two = await issue(db, [an_issue(now), an_issue(now)], now)
    await used(db, now)  # gone already
    last = max(one.valid_to for one in two)
    async with db.reading(CITY) as tx:
        found = await vouchers.expiring(tx, WHOLE, city_id=CITY, since=now, until=last)
        assert sum(one.count for one in found) == 2
        assert min(one.first for one in found) == min(one.valid_to for one in two)
        assert await vouchers.expiring(tx, WHOLE, city_id=CITY, since=now, until=now + timedelta(minutes=1)) == []
        assert await vouchers.expiring(tx, NOTHING, city_id=CITY, since=now, until=last) == []
