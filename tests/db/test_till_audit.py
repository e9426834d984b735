"""Every invariant of bills, stored value and cards finds what breaks it."""

import pytest

from hutong import cards
from hutong.cards import Give, Lose, Print
from hutong.catalog import QCard, Stored
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from tests.conftest import audit_clean, fires
from tests.lane import CITY, a_lane
from tests.till_help import ANN, a_bill, a_coupon, a_holder, an_offer, settled, shown, undo_bill

pytestmark = pytest.mark.anyio

# What somebody with a client on the database could do; the constraints in the way are named as they fall.
SEEDS = {
    "B01": [
        "alter table till.bills drop constraint bills_sum_check",
        "update till.bills set discount_units = discount_units + 1 where discount_units > 0",
    ],
    "B02": ["update till.discounts set shares = '[[\"merchant\", 400], [\"platform\", 601]]'"],
    "B03": ["update till.uses set count = 2 where role = 'coupon'"],
    "B04": ["delete from till.undos"],
    "B05": ["update settlement.earnings set outside = '[[\"platform\", 599]]' where outside <> '[]'"],
    "B06": ["update settlement.earnings set outside = '[[\"brand\", 600]]' where outside <> '[]'"],
    "B07": [
        "delete from till.discounts",
        "delete from till.uses where role = 'coupon'",
    ],
    "B08": [
        "alter table till.bills drop constraint bills_event_key",
        "update till.bills set event_id = 'twice'",
    ],
    "V30": [
        "alter table vouchers.vouchers drop constraint vouchers_value_check",
        """update vouchers.redemptions r set due_units = count + 1 from vouchers.vouchers v
           where v.voucher_id = r.voucher_id and v.value""",
    ],
    "V31": [
        """update vouchers.vouchers set paid_left = paid_left - 1, due_left = due_left - 1
           where value and paid_left > 0 and cycles = 0""",
    ],
    "K04": [
        "alter table vouchers.vouchers disable trigger all",
        "update cards.numbers set voucher_id = gen_random_uuid() where state = 'active'",
    ],
    "K05": ["update cards.numbers set batch_id = null", "delete from orders.changes",
            "delete from orders.orders where scheme = 'none'",
            "update vouchers.vouchers set order_id = gen_random_uuid() where value"],
    "K06": ["""delete from cards.numbers where state = 'printed'
               and number = (select min(number) from cards.numbers where state = 'printed')"""],
    "K07": ["update cards.numbers set replaced_by = '0000000000000000' where state = 'replaced'"],
}  # fmt: skip


async def a_life(db: Database, now) -> None:
    """Bills with a coupon and a card, one of them undone; a batch; a number that was replaced."""
    lane = await a_lane(db, now)
    offer = await an_offer(db, lane, now, Stored(bonus_units=500), 5_000)
    card = await a_holder(db, lane, offer, now)
    coupon, other = await a_coupon(db, lane, now), await a_coupon(db, lane, now)
    await settled(db, a_bill(lane, 8_800, await shown(db, lane, now, coupon, card), event_id="one"), now)
    more = await a_holder(db, lane, offer, now)
    bill = await settled(db, a_bill(lane, 8_000, await shown(db, lane, now, other, typed=True), event_id="two"), now)
    await undo_bill(db, bill, now)
    await settled(db, a_bill(lane, 1_000, await shown(db, lane, now, more), event_id="three"), now)
    q_card = await an_offer(db, lane, now, QCard(), 9_900)
    async with db.city(CITY) as tx:
        ask = Print(
            batch_id=new_id(), offer_id=q_card.offer_id, merchant_id=lane.merchant, label="May", count=2, by=None
        )
        await cards.print_batches(tx, [ask], city_id=CITY, now=now)
        give = Give(voucher_id=more.voucher_id, member_id=ANN, offer_id=offer.offer_id)
        await cards.give_numbers(tx, [give], city_id=CITY, now=now)
        await cards.lose(tx, [Lose(voucher_id=more.voucher_id, member_id=ANN, replace=True)], city_id=CITY, now=now)


@pytest.mark.parametrize("code", sorted(SEEDS))
async def test_each_invariant_finds_what_breaks_it(db: Database, now, code: str):
    await a_life(db, now)
    assert await audit_clean(db)
    async with db.city(CITY) as tx:
        for statement in SEEDS[code]:
            await tx.run(statement)
    assert await fires(db, code), code
