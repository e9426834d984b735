"""Cards sold as offers: times, stored value, gift cards. Money reaches the merchant visit by visit, fen by fen."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from hutong.catalog.forms import Form, GiftCard, Plain, Stored, Times
from hutong.infra.db import Database
from hutong.ledger import chart
from hutong.orders import Placed
from hutong.vouchers import Redeemed, Voucher, balance, bonus_left, spread
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.test_settlement import undo, yuan
from tests.lane import Lane, a_lane, a_place, a_redeem, account, bought, place, redeem, units

pytestmark = pytest.mark.anyio


async def a_card(db: Database, now, form: Form, units: int, **changes: Any) -> Lane:
    """Mei sells a card for so many fen."""
    return await a_lane(db, now, form=form, scheme="cards", price=yuan(units), list_price=yuan(units), **changes)


async def test_ten_visits_pay_the_merchant_one_by_one(db: Database, now):
    lane = await a_card(db, now, Times(uses=3), 10_000)
    [card] = await bought(db, lane, now)
    assert (card.kind, card.uses_total, card.value) == ("card", 3, False)
    paid = []
    for _ in range(3):
        [done] = await redeem(db, [a_redeem(lane, card, now, presented=card.code)], now)
        assert isinstance(done, Redeemed)
        paid.append(done.due_units)
    assert sum(paid) == 10_000
    assert max(paid) - min(paid) <= 1
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await audit_clean(db)


async def test_principal_first_bonus_last(db: Database, now):
    """100 paid in and 20 on top: the merchant earns 100 of the first 100 spent, and nothing of the bonus."""
    lane = await a_card(db, now, Stored(bonus_units=2_000), 10_000)
    [card] = await bought(db, lane, now)
    assert (card.value, card.uses_left, balance(card), bonus_left(card)) == (True, 12_000, yuan(12_000), yuan(2_000))
    asks = [a_redeem(lane, card, now, presented=card.code, count=n) for n in (7_000, 4_000, 1_000)]
    done = await redeem(db, asks, now)
    assert [(d.count, d.paid_units, d.due_units) for d in done if isinstance(d, Redeemed)] == [
        (7_000, 7_000, 7_000), (4_000, 3_000, 3_000), (1_000, 0, 0)
    ]  # fmt: skip
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 9_200  # 100 less 8 % of it
    assert (await units(db, card.order_id))[0].state == "used"
    assert await audit_clean(db)


async def test_the_smallest_commission_is_one_of_a_bill_and_not_of_a_fen(db: Database, now):
    lane = await a_card(db, now, Stored(), 10_000)
    async with db.central() as tx:
        await tx.run("update settlement.rules set commission_bps = 0, least_units = 50")
    [card] = await bought(db, lane, now)
    await redeem(db, [a_redeem(lane, card, now, presented=card.code, count=3_000)], now)
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 2_950
    assert await audit_clean(db)


async def test_an_undo_is_exact_also_out_of_order(db: Database, now):
    lane = await a_card(db, now, Stored(bonus_units=2_000), 10_000)
    [card] = await bought(db, lane, now)
    first, second = await redeem(
        db, [a_redeem(lane, card, now, presented=card.code, count=n) for n in (6_000, 6_000)], now
    )
    assert isinstance(first, Redeemed)
    assert isinstance(second, Redeemed)
    await undo(db, lane, first.redemption_id, now)
    [left] = await units(db, card.order_id)
    assert (left.uses_left, left.paid_left, bonus_left(left)) == (6_000, 6_000, yuan(0))
    await undo(db, lane, second.redemption_id, now)
    [whole] = await units(db, card.order_id)
    assert (whole.uses_left, whole.paid_left, whole.due_left) == (12_000, 10_000, 10_000)
    assert await account(db, chart.payable_merchant(lane.merchant).path) == 0
    assert await audit_clean(db)


async def test_more_than_the_balance_is_refused_and_says_what_is_left(db: Database, now):
    lane = await a_card(db, now, GiftCard(), 5_000)
    [card] = await bought(db, lane, now)
    [refused] = await redeem(db, [a_redeem(lane, card, now, presented=card.code, count=5_001)], now)
    assert getattr(refused, "code", "") == "balance_too_low"
    assert "¥50" in refused.sentence().en  # type: ignore[union-attr]
    assert await audit_clean(db)


async def test_fifty_tills_spend_one_card_once(db: Database, now):
    """Watsons 2015 (K4), gift cards of many shops (K18): the balance is one row, locked before it is looked at."""
    await crowd(db)
    lane = await a_card(db, now, GiftCard(), 5_000)
    [card] = await bought(db, lane, now)
    answers = await asyncio.gather(
        *(redeem(db, [a_redeem(lane, card, now, presented=card.code, count=3_000)], now) for _ in range(50))
    )
    good = [a for [a] in answers if isinstance(a, Redeemed)]
    assert len(good) == 1
    assert {getattr(a, "code", "") for [a] in answers if not isinstance(a, Redeemed)} == {"balance_too_low"}
    assert (await units(db, card.order_id))[0].uses_left == 2_000
    assert await audit_clean(db)


async def test_control_without_the_lock_a_card_is_spent_many_times(db: Database, now):
    """A look first and a write after, as a naive till does it: goods for more than the card was ever worth."""
    await crowd(db)
    lane = await a_card(db, now, GiftCard(), 5_000)
    [card] = await bought(db, lane, now)

    async def naive() -> bool:
        async with db.city(1) as tx:
            left = await tx.value(
                "select uses_left from vouchers.vouchers where voucher_id = %(id)s", id=card.voucher_id
            )
            await asyncio.sleep(0.01)
            if left < 3_000:
                return False
            await tx.run(
                """update vouchers.vouchers set uses_left = %(left)s, paid_left = %(left)s, due_left = %(left)s
                   where city_id = 1 and voucher_id = %(id)s""",
                id=card.voucher_id, left=left - 3_000,
            )  # fmt: skip
            return True

    assert sum(await asyncio.gather(*(naive() for _ in range(8)))) > 1


async def test_what_is_no_card_is_not_sold_as_one(db: Database, now):
    lane = await a_card(db, now, Plain(), 5_000)
    [refused] = await place(db, [a_place(lane)], now)
    assert not isinstance(refused, Placed)
    assert refused.code == "not_a_card"


def _lot(number: int, paid: int, bonus: int, now) -> Voucher:
    values: dict[str, Any] = dict.fromkeys(Voucher.__struct_fields__) | {
        "voucher_id": UUID(int=number), "issued_at": now, "value": True, "uses_left": paid + bonus, "due_left": paid,
        "paid_left": paid, "asset": "CNY",
    }  # fmt: skip
    return msgspec.structs.replace(Voucher(**values))


async def test_lots_give_their_principals_oldest_first_and_then_their_bonuses(now):
    lots = [_lot(2, 100, 20, now), _lot(1, 100, 20, now)]
    assert spread(lots, 150) == [(UUID(int=1), 100), (UUID(int=2), 50)]
    assert spread(lots, 210) == [(UUID(int=1), 110), (UUID(int=2), 100)]
    assert spread(lots, 500) == [(UUID(int=1), 120), (UUID(int=2), 120)]
    assert spread(lots, 0) == []
