"""Deals with a minimum of buyers: they tip once, or everybody gets the money back."""

import asyncio
from datetime import timedelta

import pytest

from hutong import orders
from hutong.infra.db import Database
from hutong.ledger import chart
from hutong.orders import Placed
from tests.conftest import audit_clean
from tests.lane import (
    CITY,
    a_lane,
    a_place,
    a_redeem,
    account,
    bought,
    captured,
    hear,
    place,
    redeem,
    refund,
    refund_is,
    state_of,
    stock,
    units,
)

pytestmark = pytest.mark.anyio


async def close(db: Database, now):
    return await db.run_city(CITY, lambda tx: orders.close_offers(tx, city_id=CITY, now=now))


async def test_vouchers_wait_until_the_minimum_is_paid(db: Database, now):
    lane = await a_lane(db, now, min_units=3)
    first = await bought(db, lane, now, 2)
    assert {u.state for u in first} == {"waiting"}
    refused = (await redeem(db, [a_redeem(lane, first[0], now)], now))[0]
    assert refused.code == "waiting_for_buyers"  # type: ignore[union-attr]
    second = await bought(db, lane, now, 1)
    assert {u.state for u in [*await units(db, first[0].order_id), *second]} == {"valid"}
    async with db.reading(CITY) as tx:
        assert await orders.progress(tx, [lane.offer.offer_id], city_id=CITY) == {lane.offer.offer_id: (3, 3, True)}
    assert await audit_clean(db)


async def test_a_failed_deal_is_refunded_whole_at_the_end_of_the_sale(db: Database, now):
    lane = await a_lane(db, now, min_units=10, sale_to=now + timedelta(hours=1))
    bought_orders = [(await bought(db, lane, now, 2))[0].order_id for _ in range(3)]
    assert (await close(db, now)).failed == 0
    late = now + timedelta(hours=1)
    judged, done = await close(db, late), await close(db, late)
    assert (judged.tipped, judged.failed, judged.refunds) == (0, 1, 0)
    assert (done.tipped, done.failed, done.refunds) == (0, 0, 3)
    assert await audit_clean(db)
    again = await close(db, late)
    assert (again.tipped, again.failed, again.refunds) == (0, 0, 0)
    async with db.reading(CITY) as tx:
        rows = await tx.rows("select * from orders.refunds where city_id = %(city)s", city=CITY)
    from hutong.kit.money import Amount

    await hear(db, [refund_is(r["refund_id"], "done", Amount(r["units"], r["asset"])) for r in rows], late)
    assert {await state_of(db, o) for o in bought_orders} == {"refunded"}
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await account(db, chart.provider("sandbox").path) == 0
    assert await audit_clean(db)


async def test_a_refund_before_tipping_lowers_the_count_and_after_it_changes_nothing(db: Database, now):
    lane = await a_lane(db, now, min_units=3)
    first = await bought(db, lane, now, 2)
    asked = await refund(db, first[0].order_id, now)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    await bought(db, lane, now, 1)
    async with db.reading(CITY) as tx:
        assert await orders.progress(tx, [lane.offer.offer_id], city_id=CITY) == {lane.offer.offer_id: (1, 3, False)}
    later = await bought(db, lane, now, 2)
    assert {u.state for u in later} == {"valid"}
    asked = await refund(db, later[0].order_id, now)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    async with db.reading(CITY) as tx:
        assert (await orders.progress(tx, [lane.offer.offer_id], city_id=CITY))[lane.offer.offer_id][2]
    assert await audit_clean(db)


@pytest.mark.parametrize("round_no", range(5))
async def test_the_last_buyer_and_the_closing_hour_meet(db: Database, now, round_no: int):
    """Exactly one wins: either the deal has tipped and stands, or it has failed and everything goes back."""
    lane = await a_lane(db, now, min_units=2, sale_to=now + timedelta(hours=1))
    first = await bought(db, lane, now, 1)
    ask = a_place(lane, 1)
    placed = (await place(db, [ask], now))[0]
    assert isinstance(placed, Placed)
    late = now + timedelta(hours=1)
    await asyncio.gather(hear(db, [captured(placed)], late), close(db, late))
    await close(db, late)
    states = {u.state for o in (first[0].order_id, ask.order_id) for u in await units(db, o)}
    assert states in ({"valid"}, {"refunding"})
    assert (await stock(db, lane))[1] == 0
    assert await audit_clean(db)
