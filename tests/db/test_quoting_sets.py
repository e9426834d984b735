"""A list of quotes asks the database as often as one quote."""

import pytest

from hutong import orders
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.orders import AskQuote, Quoted, Wanted
from hutong.pricing import AmountOff, Budget
from tests.db.order_life import Counted
from tests.lane import CITY, SCHEMES, a_lane
from tests.savings_help import a_rule

pytestmark = pytest.mark.anyio


async def test_many_quotes_ask_as_often_as_one(db, database_url: str, now):
    """Also where a budget refuses a promotion and all of them are decided anew."""
    lane = await a_lane(db, now)
    for units, most in ((500, 400), (100, 1_000_000)):  # the first can never be held: its budget is below one use
        await a_rule(
            db, now, lane=lane, trigger="auto", stands="shop", benefit=AmountOff(units=units),
            budgets=(Budget(most_units=most),),
        )  # fmt: skip
    counted = await Counted(database_url).open()
    try:
        sent: dict[int, int] = {}
        for count in (1, 1, 20):  # the first of all reads what is kept afterwards
            asks = [AskQuote(wants=(Wanted(lane.offer.offer_id, 1),), member_id=new_id()) for _ in range(count)]
            counted.sent.clear()
            async with counted.reading(CITY) as tx:
                found = await orders.quotes(tx, asks, city_id=CITY, now=now, schemes=SCHEMES)
            assert [one.quote.total for one in found if isinstance(one, Quoted)] == [Amount(6_700, "CNY")] * count
            sent[count] = len(counted.sent)
        assert sent[20] == sent[1]
    finally:
        await counted.close()
