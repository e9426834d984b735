"""The scheme that docs/how-to/add-a-scheme.md writes out lives a whole life, without a line for it anywhere else."""

import pytest

from hutong import orders
from hutong.catalog import Times
from hutong.infra.db import Database
from hutong.ledger import chart
from hutong.orders import Placed
from hutong.vouchers import Redeemed
from tests.conftest import audit_clean
from tests.db.test_settlement import undo, yuan
from tests.lane import (
    CITY,
    HOLD,
    a_lane,
    a_place,
    a_redeem,
    account,
    captured,
    hear,
    redeem,
    refund,
    refund_is,
    stock,
    units,
)
from tests.unit.test_docs import scheme_of_the_how_to

pytestmark = pytest.mark.anyio


async def test_a_course_is_bought_attended_undone_and_the_rest_given_back(db: Database, now):
    """Two places of three lessons; of one all are attended and one undone again, the other is given back."""
    schemes = {"courses": scheme_of_the_how_to()}
    lane = await a_lane(db, now, scheme="courses", form=Times(uses=3), price=yuan(10_000), list_price=yuan(10_000))
    ask = a_place(lane, 2)
    [placed] = await db.run_city(
        CITY, lambda tx: orders.place(tx, [ask], city_id=CITY, now=now, schemes=schemes, hold_for=HOLD)
    )
    assert isinstance(placed, Placed)
    await hear(db, [captured(placed)], now)
    attended, unused = await units(db, ask.order_id)
    assert (attended.kind, attended.uses_total, attended.uses_left) == ("lesson", 3, 3)

    done = [(await redeem(db, [a_redeem(lane, attended, now, presented=attended.code)], now))[0] for _ in range(3)]
    paid = [one.due_units for one in done if isinstance(one, Redeemed)]
    assert (len(paid), sum(paid)) == (3, 10_000)
    assert isinstance(done[2], Redeemed)
    await undo(db, lane, done[2].redemption_id, now)
    again = [one for one in await units(db, ask.order_id) if one.voucher_id == attended.voucher_id]
    assert [(one.state, one.uses_left) for one in again] == [("valid", 1)]

    asked = await refund(db, ask.order_id, now, voucher_ids=(unused.voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    assert {one.voucher_id: one.state for one in await units(db, ask.order_id)}[unused.voucher_id] == "refunded"
    assert await account(db, chart.escrow(lane.merchant).path) == paid[2]  # the lesson that is left
    assert await stock(db, lane) == (1, 0, 99)
    assert await audit_clean(db)
