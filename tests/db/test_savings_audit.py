"""Each invariant of savings is seen firing on a world where orders held, spent and gave back promotions."""

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.orders import Placed
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.lane import a_lane, a_place, a_redeem, captured, hear, place, redeem, refund, refund_is, units
from tests.savings_help import a_coupon, a_rule

pytestmark = pytest.mark.anyio

U = "orders.uses"
SEEDS: dict[str, list[str]] = {
    "O20": ["update orders.orders set saved_units = saved_units + 1 where saved_units > 0"],
    "O21": [
        "update orders.lines set breakdown = jsonb_set(breakdown, '{0,due}', '1') where breakdown -> 0 ? 'by'",
    ],
    "O22": [f"update {U} set shares = jsonb_set(shares, '{{platform}}', '1')"],
    "O23": [f"update {U} set state = 'used', used_at = held_at where state = 'held'"],
    "O24": ["update vouchers.spends set restored_at = at where restored_at is null"],
    "O25": [
        "drop index orders.uses_voucher_key",
        f"""insert into {U} select city_id, gen_random_uuid(), promotion_id, voucher_id, member_id, title, units,
            given_units, shares, given, state, held_at, used_at, ended_at from {U} where state = 'used'""",
    ],
    "O26": [
        "update vouchers.vouchers set held_for = null, held_ref = null, held_until = null where held_for = 'order'"
    ],
    "O27": ["update ledger.city_transfers set event = 'promoted' where event = 'promotion'"],
    "O28": ["update pricing.uses set units = units + 1 where state = 'spent'"],
    "O29": [f"update {U} set given = '{{}}', given_units = 0 where given_units > 0"],
    "T08": ["update settlement.earnings set issuer_id = store_id"],
}
ALSO = {
    "O22": [f"update {U} set given = shares || '{{\"platform\": 5000}}'"],
    "O24": ["update vouchers.vouchers set member_id = gen_random_uuid() where kind = 'coupon' and state = 'used'"],
    "O26": ["delete from orders.uses where state = 'held'"],
    "O27": ["update ledger.city_transfers set event = 'other' where event = 'promotion_back'"],
    "O28": ["delete from pricing.uses where state = 'held'"],
}
CASES = [(code, steps) for part in (SEEDS, ALSO) for code, steps in part.items()]


async def a_saving_world(db: Database, now) -> None:
    """One order used and refunded in part, one refunded whole, one in checkout."""
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane)
    for quantity, paid, back in ((3, True, 1), (2, True, 2), (1, False, 0)):
        coupon = await a_coupon(db, now, lane, rule, ann)
        ask = a_place(lane, quantity, member_id=ann, coupons=(coupon.voucher_id,))
        [placed] = await place(db, [ask], now)
        assert isinstance(placed, Placed), placed
        if not paid:
            continue
        await hear(db, [captured(placed)], now)
        found = await units(db, ask.order_id)
        if back < quantity:
            await redeem(db, [a_redeem(lane, found[0], now)], now)
        ids = tuple(u.voucher_id for u in found[quantity - back :])
        asked = await refund(db, ask.order_id, now, voucher_ids=ids)
        await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    assert await audit_clean(db)


@pytest.mark.parametrize(("code", "steps"), CASES, ids=[code for code, _ in CASES])
async def test_the_invariant_of_savings_fires(db: Database, database_url: str, now, code: str, steps: list[str]):
    await a_saving_world(db, now)
    break_it(database_url, steps)
    assert await fires(db, code)
