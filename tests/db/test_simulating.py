"""A draft over the orders of a shop: read as they were, with what was known then and what was used on them."""

from datetime import timedelta

import pytest

from hutong import orders, pricing
from hutong.desk.simulating import past_orders
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.pricing import AmountOff, FirstOrder, MinSpend, PastOrder
from tests.db.promotions_help import counting
from tests.lane import CITY, Lane, a_lane, a_place, captured, hear, place
from tests.savings_help import a_coupon, a_rule

pytestmark = pytest.mark.anyio


async def history(db: Database, lane: Lane | None, now, *, limit: int = 100) -> list[PastOrder]:
    async with db.reading(CITY) as tx:
        found = await orders.bygone(
            tx, lane.merchant if lane else None, city_id=CITY, since=now - timedelta(days=90), limit=limit
        )
        return await past_orders(tx, found, city_id=CITY)


async def buy(db: Database, lane: Lane, now, quantity: int = 1, **changes) -> None:
    [placed] = await place(db, [a_place(lane, quantity, **changes)], now)
    assert isinstance(placed, orders.Placed), placed
    await hear(db, [captured(placed)], now)


async def test_a_draft_meets_orders_as_they_were(db: Database, now):
    """Ann buys twice, the second time with a coupon; Bo once; one order was never paid."""
    lane, ann, bo = await a_lane(db, now), new_id(), new_id()
    coupon_rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, coupon_rule, ann)
    await buy(db, lane, now, 1, member_id=ann)
    await buy(db, lane, now + timedelta(hours=1), 2, member_id=ann, coupons=(coupon.voucher_id,))
    await buy(db, lane, now + timedelta(hours=2), 1, member_id=bo)
    await place(db, [a_place(lane, 1, member_id=bo)], now + timedelta(hours=3))
    then = now + timedelta(days=1)

    past = await history(db, lane, then)
    by_time = sorted(past, key=lambda order: order.facts.now or then)
    assert [(o.facts.member_id, o.facts.orders_count, o.facts.orders_here, o.facts.spend_here) for o in by_time] == [
        (ann, 0, 0, 0), (ann, 1, 1, 6_800), (bo, 0, 0, 0),
    ]  # fmt: skip
    assert [len(o.used) for o in by_time] == [0, 1, 0]
    assert by_time[1].lines[0].unit_price.units == 6_800
    assert by_time[1].lines[0].categories[0] == lane.offer.category
    assert len(await history(db, None, then)) == 3
    assert len(await history(db, lane, then, limit=2)) == 2
    assert await history(db, lane, now + timedelta(days=200)) == []

    draft = pricing.Rule(
        promotion_id=new_id(), name=coupon_rule.name, benefit=AmountOff(units=2_000),
        conditions=(MinSpend(units=10_000),), lane=coupon_rule.lane,
    )  # fmt: skip
    found = pricing.simulate(draft, past)
    assert (found.orders, found.touched, found.members, found.refusals) == (3, 1, 1, (("spend_more", 2),))
    assert (found.taken.units, found.net.units) == (2_000, 1_000)
    assert [(o.promotion, o.displaced, o.less.units) for o in found.overlap] == [(coupon_rule.id, 1, 1_000)]
    first = pricing.Rule(promotion_id=new_id(), name=draft.name, benefit=draft.benefit, conditions=(FirstOrder(),))
    assert pricing.simulate(first, past).members == 2


async def test_the_reads_do_not_grow_with_the_orders(db: Database, now):
    lane = await a_lane(db, now)
    counts = []
    for _ in range(2):
        for _ in range(3):
            await buy(db, lane, now)
        async with counting(db) as seen:
            await history(db, lane, now + timedelta(days=1))
            counts.append(seen())
    assert counts[0] == counts[1] <= 8
