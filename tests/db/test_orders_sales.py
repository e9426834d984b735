"""What a merchant sold in a period, and what was asked back in it."""

from datetime import timedelta

import pytest

from hutong import orders
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.orders import Sales
from tests.conftest import audit_clean
from tests.lane import CITY, a_lane, a_place, bought, place, refund

pytestmark = pytest.mark.anyio


async def test_sales_are_what_was_paid_in_the_period_and_refunds_what_was_asked_in_it(db: Database, now):
    lane = await a_lane(db, now)
    await bought(db, lane, now, 4)  # too early
    later = now + timedelta(hours=2)
    held = await bought(db, lane, later, 3)
    await bought(db, lane, later, 1)
    await place(db, [a_place(lane, 5)], later)  # not paid
    await refund(db, held[0].order_id, later, voucher_ids=(held[0].voucher_id,))
    period = {"asset": "CNY", "since": now + timedelta(hours=1), "until": later + timedelta(minutes=1)}
    async with db.reading(CITY) as tx:
        found = await orders.sales(tx, lane.merchant, city_id=CITY, **period)
        other = await orders.sales(tx, new_id(), city_id=CITY, **period)
    assert found == Sales(
        orders=2, units=4, paid=Amount(27_200, "CNY"), refunds=1, refunded=Amount(6_800, "CNY"),
    )  # fmt: skip
    assert other == Sales(orders=0, units=0, paid=Amount(0, "CNY"), refunds=0, refunded=Amount(0, "CNY"))
    assert await audit_clean(db)
