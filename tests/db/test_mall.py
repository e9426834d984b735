"""The gift mall: points and cash for a gift, limits, parcels; the supplier gets his cost, nobody gets more."""

from datetime import timedelta

import pytest

from hutong import orders
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.mall import CONFIRM_AFTER, FORGET_AFTER, Address, begins, forget_addresses, next_begins, open_address, seal
from hutong.mall import sent_long_ago as long_ago
from hutong.orders import Cancel, Placed
from tests.conftest import audit_clean
from tests.lane import CITY, a_place, a_redeem, account, captured, hear, place, redeem, refund, refund_is, state_of
from tests.mall_help import (
    COST,
    POINTS,
    a_gift,
    a_mall,
    arrives,
    code,
    comes_back,
    exchanges,
    follows,
    had,
    parcel_of,
    sends,
    voucher_now,
    wish,
)

pytestmark = pytest.mark.anyio


async def test_a_gift_for_points_pays_its_supplier_the_cost_when_it_is_used(db: Database, now):
    play = await a_mall(db, now)
    ann = await play.rich(1_000, now)
    [unit] = await had(play, ann, now)
    assert (unit.kind, unit.paid_units, unit.due_units) == ("gift", 0, COST)
    assert (await play.wallet(ann, now)).available == 1_000 - POINTS
    assert await account(db, f"escrow/{play.lane.merchant}") == COST
    assert await audit_clean(db)
    await redeem(db, [a_redeem(play.lane, unit, now)], now)
    assert await account(db, f"payable/merchant/{play.lane.merchant}") == COST, "whole, without commission"
    assert await account(db, f"escrow/{play.lane.merchant}") == 0
    assert await audit_clean(db)


async def test_points_and_cash_wait_for_the_cash(db: Database, now):
    play = await a_mall(db, now, cash=100, cost_units=350)
    ann = await play.rich(1_000, now)
    ask = wish(play, ann, 2)
    [placed] = await exchanges(play, [ask], now)
    assert isinstance(placed, Placed), placed
    assert (placed.state, placed.total) == ("placed", Amount(200, "CNY"))
    wallet = await play.wallet(ann, now)
    assert (wallet.available, wallet.held) == (1_000 - 2 * POINTS, 2 * POINTS)
    assert await audit_clean(db)
    await hear(db, [captured(placed)], now)
    assert await state_of(db, ask.place.order_id) == "paid"
    assert (await play.wallet(ann, now)).held == 0
    assert await account(db, f"escrow/{play.lane.merchant}") == 700
    assert await audit_clean(db)


async def test_what_is_not_paid_in_time_gives_points_and_the_limit_back(db: Database, now):
    play = await a_mall(db, now, cash=100, cost_units=350, most=1, span="month")
    ann = await play.rich(1_000, now)
    ask = wish(play, ann)
    [placed] = await exchanges(play, [ask], now)
    assert isinstance(placed, Placed), placed
    [again] = await exchanges(play, [wish(play, ann)], now)
    assert again.code == "exchange_limit"
    undo = [Cancel(order_id=ask.place.order_id, by=ann, reason="member")]
    await db.run_city(CITY, lambda tx: orders.cancel(tx, undo, city_id=CITY, now=now))
    assert await follows(play, ask.place.order_id, now) == 1
    assert (await play.wallet(ann, now)).available == 1_000
    assert await audit_clean(db)
    [third] = await exchanges(play, [wish(play, ann)], now)
    assert isinstance(third, Placed), third


async def test_given_back_before_use_points_and_cash_return(db: Database, now):
    play = await a_mall(db, now, cash=100, cost_units=350)
    ann = await play.rich(1_000, now)
    ask = wish(play, ann, 2)
    [placed] = await exchanges(play, [ask], now)
    await hear(db, [captured(placed)], now)
    asked = await refund(db, ask.place.order_id, now)
    assert asked.amount == Amount(200, "CNY")
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    await follows(play, ask.place.order_id, now)
    assert (await play.wallet(ann, now)).available == 1_000
    assert await account(db, f"escrow/{play.lane.merchant}") == 0
    assert await audit_clean(db)


async def test_short_points_say_how_many(db: Database, now):
    play = await a_mall(db, now)
    bo = await play.rich(120, now)
    [short] = await exchanges(play, [wish(play, bo)], now)
    assert short.code == "points_short"
    assert (short.facts["available"], short.facts["wanted"]) == (120, POINTS)
    assert (await play.wallet(bo, now)).available == 120
    assert await audit_clean(db)


async def test_a_gift_is_not_sold_over_the_normal_counter(db: Database, now):
    play = await a_mall(db, now)
    ann = await play.rich(1_000, now)
    [refused] = await place(db, [a_place(play.lane, member_id=ann, wants=(orders.Wanted(play.gift.offer_id, 1),))], now)
    assert code(refused) == "exchange_in_mall", "otherwise its limit could be walked around"


async def test_a_limit_begins_anew_with_its_period(db: Database, now):
    play = await a_mall(db, now, most=2, span="week")
    ann = await play.rich(2_000, now)
    await had(play, ann, now, 2)
    [refused] = await exchanges(play, [wish(play, ann)], now)
    assert (refused.code, refused.facts["had"]) == ("exchange_limit", 2)
    assert await had(play, ann, now + timedelta(days=7))
    assert await audit_clean(db)


def test_periods_begin_on_local_days(now):
    zone = "Asia/Shanghai"
    for span in ("day", "week", "month", "year"):
        first, after = begins(span, now, zone), next_begins(span, now, zone)
        assert after is not None
        assert first < after
        assert begins("day", now, zone) >= first
        assert begins("day", now, zone) < after
    assert next_begins("ever", now, zone) is None


async def test_a_parcel_is_sent_locked_and_used_when_it_arrives(db: Database, now):
    play = await a_mall(db, now, delivery=True)
    ann = await play.rich(1_000, now)
    [unit] = await had(play, ann, now, sent=True)
    order = unit.order_id
    assert (await parcel_of(play, order)).state == "asked"
    done = await sends(play, order, now)
    assert (done.units, done.replayed) == (1, False)
    assert (await sends(play, order, now)).replayed
    assert (await sends(play, order, now, "SF2")).code == "delivery_state"
    held = await voucher_now(play, unit.voucher_id)
    assert (held.held_for, held.held_ref) == ("delivery", order)
    assert code((await redeem(db, [a_redeem(play.lane, unit, now)], now))[0]) == "voucher_sent"
    assert (await refund(db, order, now)).code == "voucher_sent", "nobody asks points back for what is on its way"
    assert await audit_clean(db)
    later = now + timedelta(days=40)  # beyond its validity: what was sent in time arrives
    [used] = await arrives(play, order, later)
    assert used.due_units == COST
    assert (await parcel_of(play, order)).state == "delivered"
    assert (await arrives(play, order, later))[0].replayed
    assert await account(db, f"payable/merchant/{play.lane.merchant}") == COST
    assert await audit_clean(db)


async def test_what_comes_back_gives_everything_back(db: Database, now):
    play = await a_mall(db, now, delivery=True)
    ann = await play.rich(1_000, now)
    units = await had(play, ann, now, 2, sent=True)
    order = units[0].order_id
    assert (await comes_back(play, order, now)).code == "delivery_state", "nothing was sent"
    await sends(play, order, now)
    assert not (await comes_back(play, order, now)).replayed
    assert (await comes_back(play, order, now)).replayed
    await follows(play, order, now)
    assert (await parcel_of(play, order)).state == "returned"
    assert (await play.wallet(ann, now)).available == 1_000
    assert await audit_clean(db)


async def test_who_fetches_it_or_gives_it_back_gets_no_parcel(db: Database, now):
    play = await a_mall(db, now, delivery=True)
    ann = await play.rich(1_000, now)
    [fetched] = await had(play, ann, now, sent=True)
    await redeem(db, [a_redeem(play.lane, fetched, now)], now)
    assert (await sends(play, fetched.order_id, now)).code == "voucher_used"
    [given] = await had(play, ann, now, sent=True)
    await refund(db, given.order_id, now)
    assert (await sends(play, given.order_id, now)).code == "voucher_refunded"
    for unit in (fetched, given):
        await follows(play, unit.order_id, now)
        parcel = await parcel_of(play, unit.order_id)
        assert (parcel.state, parcel.sealed) == ("cancelled", None)
    assert await audit_clean(db)


async def test_a_way_that_is_not_offered_is_refused(db: Database, now):
    play = await a_mall(db, now)
    sent_only = await a_gift(db, play.lane, play.alliance, now, pickup=False, delivery=True)
    ann = await play.rich(1_000, now)
    [one] = await exchanges(play, [wish(play, ann, sent=True)], now)
    [two] = await exchanges(play, [wish(play, ann, gift=sent_only)], now)
    assert (one.code, two.code) == ("way_not_offered", "way_not_offered")


async def test_addresses_are_sealed_and_forgotten(db: Database, now):
    there, order, key = Address(name="安", phone="13800000000", line="胡同1号院"), new_id(), bytes(32)
    sealed = seal(there, key=key, order_id=order, nonce=bytes(12))
    assert there.name.encode() not in sealed
    assert open_address(sealed, key=key, order_id=order) == there
    assert open_address(sealed, key=key, order_id=derive(order, "other")) is None, "it belongs to one order"
    assert "138" not in repr(there)
    play = await a_mall(db, now, delivery=True)
    ann = await play.rich(1_000, now)
    [unit] = await had(play, ann, now, sent=True)
    await sends(play, unit.order_id, now)
    await arrives(play, unit.order_id, now)
    for at, left in ((now + FORGET_AFTER - timedelta(days=1), 0), (now + FORGET_AFTER, 1)):
        assert await db.run_city(CITY, lambda tx, at=at: forget_addresses(tx, city_id=CITY, now=at)) == left
    assert (await parcel_of(play, unit.order_id)).sealed is None


async def test_a_parcel_of_which_nobody_speaks_is_found(db: Database, now):
    play = await a_mall(db, now, delivery=True)
    ann = await play.rich(1_000, now)
    [unit] = await had(play, ann, now, sent=True)
    await sends(play, unit.order_id, now)
    async with db.reading(CITY) as tx:
        assert await long_ago(tx, city_id=CITY, now=now + CONFIRM_AFTER - timedelta(hours=1)) == []
        assert await long_ago(tx, city_id=CITY, now=now + CONFIRM_AFTER) == [unit.order_id]
