"""One of three lines goes back: exactly its part, to the buyer and to who bore the rest; the sum closes to the unit."""

from itertools import permutations
from uuid import UUID

import msgspec
import pytest

from hutong import inventory
from hutong.catalog import Offer
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.orders import Placed, Wanted
from hutong.pricing import AmountOff, MinSpend, PercentOff
from tests.catalog_town import a_draft, published
from tests.conftest import audit_clean
from tests.lane import (
    CITY,
    PLAIN,
    Lane,
    a_lane,
    a_place,
    a_redeem,
    account,
    captured,
    hear,
    place,
    redeem,
    refund,
    refund_is,
    state_of,
    units,
)
from tests.savings_help import a_coupon, a_rule, budget, coupon_now, uses

pytestmark = pytest.mark.anyio

PRICES = (3_333, 4_447, 5_559)
PLATFORM = "expense/promotion/platform"


def fen(units: int) -> Amount:
    return Amount(units, "CNY")


async def three_lines(db: Database, now) -> tuple[Lane, list[Offer]]:
    lane = await a_lane(db, now)
    offers: list[Offer] = []
    for number, price in enumerate(PRICES):
        quota = new_id()
        async with db.city(CITY) as tx:
            await inventory.open_quotas(
                tx, [OpenQuota(quota_id=quota, label=f"line {number}", total=50)], city_id=CITY, now=now
            )
        draft = a_draft(
            lane.merchant, lane.store, now=now, quota_id=quota, terms=PLAIN, price=fen(price), list_price=fen(9_900),
            title=Text(zh=f"第{number}道", en=f"Dish {number}"),
        )  # fmt: skip
        offers.append((await published(db, draft, now=now))[0])
    return lane, offers


async def an_order(db: Database, now, lane: Lane, offers: list[Offer], coupons: tuple[UUID, ...], member: UUID):
    ask = a_place(lane, 1, member_id=member, coupons=coupons)
    ask = msgspec.structs.replace(ask, wants=tuple(Wanted(offer.offer_id, 1) for offer in offers))
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed), placed
    await hear(db, [captured(placed)], now)
    return placed


@pytest.mark.parametrize("off", [1_000, 1, 13_338])
async def test_one_of_three_lines_in_every_order_of_refunds(db: Database, now, off: int):
    lane, offers = await three_lines(db, now)
    ann = new_id()
    rule = await a_rule(db, now, lane=lane, benefit=AmountOff(units=off))
    for turns in permutations(range(3)):
        coupon = await a_coupon(db, now, lane, rule, ann)
        placed = await an_order(db, now, lane, offers, (coupon.voucher_id,), ann)
        bought = sorted(await units(db, placed.order_id), key=lambda u: u.due_units)
        assert placed.total == fen(sum(PRICES) - off)
        assert sum(unit.paid_units for unit in bought) == placed.total.units
        before = -await account(db, PLATFORM)
        back = borne = 0
        for turn in turns:
            unit = bought[turn]
            asked = await refund(db, placed.order_id, now, voucher_ids=(unit.voucher_id,))
            assert asked.amount == fen(unit.paid_units)
            if asked.amount:
                await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
            back += unit.paid_units
            borne += unit.due_units - unit.paid_units
            assert -await account(db, PLATFORM) == before - borne
        assert back == placed.total.units
        assert await state_of(db, placed.order_id) == "refunded"
        assert (await coupon_now(db, coupon)).state == "valid"
        assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await budget(db, rule) == (0, 0, 0, 0)
    assert await audit_clean(db)


async def test_a_threshold_is_not_asked_again_and_nobody_gets_more_than_he_paid(db: Database, now):
    """Threat D6: the discount goes back with the unit that bore it; what is kept keeps its part (decision 0011)."""
    lane, offers = await three_lines(db, now)
    ann = new_id()
    rule = await a_rule(db, now, lane=lane, benefit=AmountOff(units=3_000), conditions=(MinSpend(units=13_000),))
    coupon = await a_coupon(db, now, lane, rule, ann)
    placed = await an_order(db, now, lane, offers, (coupon.voucher_id,), ann)
    first, *rest = sorted(await units(db, placed.order_id), key=lambda u: u.paid_units)
    asked = await refund(db, placed.order_id, now, voucher_ids=(first.voucher_id,))
    assert asked.amount.units == first.paid_units < PRICES[0]
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    done = await redeem(db, [a_redeem(lane, unit, now) for unit in rest], now)
    assert [d.paid_units for d in done] == [unit.paid_units for unit in rest]  # type: ignore[union-attr]
    assert sum(unit.paid_units for unit in rest) + asked.amount.units == placed.total.units
    assert (await coupon_now(db, coupon)).state == "used"
    [use] = await uses(db, placed.order_id)
    assert use["given_units"] == 3_333 - first.paid_units
    assert await account(db, f"escrow/{lane.merchant}") == 0
    assert await audit_clean(db)


async def test_two_coupons_and_a_promotion_spread_over_lines_close_to_the_unit(db: Database, now):
    lane, offers = await three_lines(db, now)
    ann = new_id()
    await a_rule(db, now, lane=lane, trigger="auto", stands="shop", benefit=PercentOff(bps=777), payers=(("brand", 1),))
    ten = await a_rule(db, now, lane=lane)
    city = await a_rule(
        db, now, stands="platform", benefit=AmountOff(units=501), payers=(("operator", 1), ("platform", 2))
    )
    hers = [await a_coupon(db, now, lane, rule, ann) for rule in (ten, city)]
    totals = set()
    for order in permutations(hers):
        placed = await an_order(db, now, lane, offers, tuple(c.voucher_id for c in order), ann)
        totals.add(placed.total)
        asked = await refund(db, placed.order_id, now)
        assert asked.amount == placed.total
        await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
        for payer in ("platform", "brand", "operator"):
            assert await account(db, f"expense/promotion/{payer}") == 0
    assert len(totals) == 1
    assert await audit_clean(db)
