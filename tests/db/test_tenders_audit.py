"""Each invariant of tenders is seen firing on a world where cards held, paid, came back and were over."""

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.lane import a_lane, a_place, hear, place, refund, refund_is, units
from tests.tender_help import paid_with, pay, stored, wide_card

pytestmark = pytest.mark.anyio

T = "orders.tenders"
SEEDS: dict[str, list[str]] = {
    "O50": [f"update {T} set units = units + 1, back_units = 0 where state = 'used'"],
    "O51": [f"update {T} set state = 'used', used_at = held_at where state = 'held'"],
    "O52": ["update vouchers.spends set back_count = 0, back_due_units = 0, back_paid_units = 0, restored_at = null"],
    "O53": [f"update {T} set back_units = back_units - 1 where back_units > 0 and state = 'used'"],
    "O54": ["update ledger.city_transfers set event = 'moved' where event = 'tender'"],
    "O55": ["update orders.refunds set tendered_units = tendered_units - 1 where tendered_units > 0"],
    "O56": ["update vouchers.vouchers set wide = false where wide"],
    "O26": [f"delete from {T} where state = 'held'"],
    "O21": ["""update orders.lines set breakdown = jsonb_set(breakdown, '{0,tenders,0,due}', '1')
               where breakdown -> 0 ? 'tenders'"""],
    "O04": ["update orders.orders set tendered_units = 0 where tendered_units > 0 and paid_at is not null"],
}  # fmt: skip
ALSO = {
    "O50": ["update orders.orders set tender_count = tender_count + 1 where tender_count > 0"],
    "O51": [f"update {T} set member_id = gen_random_uuid() where state = 'used'"],
    "O52": [f"delete from {T} where state = 'used' and kind = 'card'"],
    "O54": ["update ledger.city_transfers set event = 'moved' where event = 'tender_back'"],
    "O56": [f"update {T} set issuer_id = gen_random_uuid() where state = 'used'"],
}
CASES = [(code, steps) for part in (SEEDS, ALSO) for code, steps in part.items()]


async def a_world_of_cards(db: Database, now) -> None:
    """Three units paid by a card of another merchant and one of the shop, one of them refunded; one in checkout."""
    lane, ann = await a_lane(db, now), new_id()
    wide, mine = await wide_card(db, lane, now, ann, 7_777), await stored(db, lane, now, ann, 3_000, bonus=700)
    placed = await paid_with(db, lane, now, ann, wide, mine, quantity=3)
    first = (await units(db, placed.order_id))[0]
    asked = await refund(db, placed.order_id, now, voucher_ids=(first.voucher_id,))
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount - asked.tendered)], now)
    again = await wide_card(db, lane, now, ann, 2_000)
    await place(db, [a_place(lane, 1, member_id=ann, tenders=pay(again))], now)
    assert await audit_clean(db)


@pytest.mark.parametrize(("code", "steps"), CASES, ids=[code for code, _ in CASES])
async def test_the_invariant_of_tenders_fires(db: Database, database_url: str, now, code: str, steps: list[str]):
    await a_world_of_cards(db, now)
    break_it(database_url, steps)
    assert await fires(db, code)
