"""The saved-money counter of a membership: bills in shops and orders that its tag made cheaper."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hutong import insight, settlement, vouchers
from hutong.catalog.forms import Membership, Times
from hutong.desk import memberships, rounds
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING
from hutong.kit.ids import derive
from hutong.ledger import chart
from hutong.orders import Placed
from hutong.pricing import AmountOff, Budget, Tags
from hutong.settlement import Rule
from hutong.vouchers import TERM, Redeem, Reverse, Voucher
from tests.catalog_town import yuan as fen
from tests.conftest import audit_clean, fires
from tests.lane import CITY, a_lane, a_place, account, captured, hear, place, redeem, refund, refund_is, units
from tests.savings_help import a_rule
from tests.till_help import a_bill, a_holder, an_offer, settled, shown

pytestmark = pytest.mark.anyio


async def saved_by(db: Database, card: Voucher) -> tuple[int, int, int]:
    """(units, bills, orders) of the counter on the card's page."""
    async with db.reading(CITY) as tx:
        [found] = await memberships.saved(tx, [card], city_id=CITY)
    return found.units, found.bills, found.orders


async def test_its_price_is_the_shops_when_its_time_is_over(db: Database, now):
    """199 for a year. Showings take nothing of it: it was for the time. On its last midnight what is left is earned,
    once, less 8 %; nothing of it goes back to who had it, nor is it told as a visit or undone."""
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Membership(days=365, tag="friend"), 19_900)
    least = Rule(rule_id=new_id(), version=2, merchant_id=None, commission_bps=800, least_units=10, valid_from=now)
    async with db.city(CITY) as tx:
        await settlement.add_rules(tx, [least])
    card, idle = [await a_holder(db, lane, offer, now, member=new_id()) for _ in range(2)]
    await settled(db, a_bill(lane, 5_000, await shown(db, lane, now, card)), now)
    end = card.valid_to
    assert await rounds.expire_vouchers(db, CITY, end - timedelta(seconds=1)) == 0
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 0
    await rounds.expire_vouchers(db, CITY, end)
    await rounds.expire_vouchers(db, CITY, end)
    async with db.reading(CITY) as tx:
        rows = await tx.rows("select * from orders.refunds where city_id = %(c)s", c=CITY)
        lines = await tx.rows("select count, due_units from settlement.earnings where city_id = %(c)s", c=CITY)
    assert rows == []
    assert sorted((row["count"], row["due_units"]) for row in lines) == [(1, 0), (1, 19_900), (1, 19_900)]
    assert [(await units(db, one.order_id))[0].state for one in (card, idle)] == ["used", "used"]
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 2 * (19_900 - 1_592)
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    undo = Reverse(
        redemption_id=derive(card.voucher_id, "term"), merchant_id=lane.merchant, by=new_id(), reason="no", manager=True
    )
    [no] = await db.run_city(CITY, lambda tx: settlement.reverse(tx, [undo], city_id=CITY, now=end))
    assert getattr(no, "code", "") == "undo_window_over"
    assert await audit_clean(db)
    async with db.reading(CITY) as tx:
        told = await vouchers.uses(tx, EVERYTHING, city_id=CITY)
        hours = await vouchers.uses_by_hour(
            tx, EVERYTHING, city_id=CITY, since=end, until=end + timedelta(days=1), zone="UTC"
        )
    assert [use.times for use in told] == [1, 1, 1]
    assert sum(hour.count for hour in hours) == 2, "a use each, not a hundred thousand"
    assert await fed(db, derive(card.voucher_id, "term"), end) == [False], "it is no visit"
    async with db.city(CITY) as tx:
        await tx.run("update vouchers.redemptions set at = at - interval '1 second' where request_no like 'term/%%'")
    assert await fires(db, "V04"), "what is for the whole time is not earned before its end"


async def fed(db: Database, redemption_id: UUID, now: datetime) -> list[bool]:
    return await db.run_city(CITY, lambda tx: insight.feed(tx, [redemption_id], city_id=CITY, now=now))


async def test_nobody_ends_a_pass_before_its_time(db: Database, now):
    """The way without a proof is for passes whose time is over, and for nothing else."""
    lane = await a_lane(db, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, Membership(days=30, tag="friend"), 3_000), now)
    visits = await a_holder(db, lane, await an_offer(db, lane, now, Times(uses=3), 3_000), now)
    for one, at in ((card, now), (visits, visits.valid_to)):
        ask = Redeem(
            redemption_id=new_id(), request_no=f"{TERM}{one.voucher_id}", merchant_id=lane.merchant,
            store_id=lane.store, staff_id=new_id(), voucher_id=one.voucher_id, count=1, delivery=one.order_id,
        )  # fmt: skip
        [no] = await redeem(db, [ask], at)
        assert getattr(no, "code", "") == "voucher_not_held"


async def test_a_membership_counts_what_its_tag_saved_on_orders_and_at_tills(db: Database, now):
    """10 off an order of two, 10 off a bill. What others take off is not its doing, what is refunded is not saved."""
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Membership(days=365, tag="friend"), 19_900)
    card = await a_holder(db, lane, offer, now)
    stranger = await a_holder(db, lane, offer, now, member=new_id())
    budgets = (Budget(most_units=100_000),)
    await a_rule(db, now, lane=lane, trigger="auto", conditions=(Tags(any_of=("friend",)),), budgets=budgets)
    open_to_all = {"stands": "card", "benefit": AmountOff(units=300), "trigger": "auto", "budgets": budgets}
    await a_rule(db, now, lane=lane, **open_to_all)
    assert await saved_by(db, card) == (0, 0, 0)
    ask = a_place(lane, 2, member_id=card.member_id)
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    assert placed.total == fen(12_300)
    assert await saved_by(db, card) == (0, 0, 0)  # not paid, not saved
    await hear(db, [captured(placed)], now)
    assert await saved_by(db, card) == (1_000, 0, 1)
    bill = await settled(db, a_bill(lane, 5_000, await shown(db, lane, now, card)), now)
    assert bill.discounted == fen(1_000)
    assert await saved_by(db, card) == (2_000, 1, 1)
    assert await saved_by(db, stranger) == (0, 0, 0)
    [unit, _] = await units(db, ask.order_id)
    asked = await refund(db, ask.order_id, now, voucher_ids=(unit.voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    assert await saved_by(db, card) == (1_500, 1, 1)
    assert await audit_clean(db)
