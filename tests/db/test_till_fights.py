"""Percent, amount and gift card for one bill, in every order of entry: always the same bill."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from hutong import pricing, till
from hutong.catalog import CouponForm, GiftCard, Offer
from hutong.infra.db import Database, Tx
from hutong.infra.turns import TRY
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing import LANES, Budget, FirstOrder, PercentOff, PromotionStep, Rule, SavePromotion, SpendHere
from hutong.till import Bill, Settle, Undone
from hutong.vouchers import Voucher
from tests.catalog_town import yuan
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.lane import CITY, Lane, a_lane, bought, units
from tests.till_help import (
    ANN,
    a_bill,
    a_coupon,
    a_holder,
    a_template,
    an_offer,
    settle,
    settled,
    shown,
    undo_bill,
)

pytestmark = pytest.mark.anyio


async def a_percent(db: Database, lane: Lane, now: datetime, bps: int = 1_500) -> Offer:
    """15 % off, in a lane after the money off, borne by the brand alone."""
    title = Text(zh="八五折券", en="15 % off")
    offer = await an_offer(db, lane, now, CouponForm(), 0, scheme="coupons", title=title)
    rule = Rule(
        promotion_id=offer.offer_id, name=title, benefit=PercentOff(bps=bps), trigger="coupon",
        lane=LANES["card"], payers=(("brand", 1),),
    )  # fmt: skip
    ask = SavePromotion(
        merchant_id=lane.merchant, by=None, rule=rule, starts_at=now - timedelta(days=1), ends_at=offer.sale_to,
        budgets=(Budget(most_units=10_000_000),),
    )  # fmt: skip
    async with db.city(CITY) as tx:
        (saved,) = await pricing.save_promotions(tx, [ask], city_id=CITY, now=now)
        assert not isinstance(saved, Refusal), saved
        (live,) = await pricing.publish(
            tx, [PromotionStep(promotion_id=offer.offer_id, by=None)], city_id=CITY, now=now
        )
        assert not isinstance(live, Refusal), live
    return offer


def what_it_came_to(bill: Bill) -> dict[str, Any]:
    """All of a bill that must not depend on who entered what first."""
    by_use = {use.redemption_id: use.voucher_id for use in bill.uses}
    return {
        "sums": (bill.amount, bill.discounted, bill.paid, bill.collect),
        "holder": (bill.member_id, bill.holder),
        "discounts": sorted(
            (d.promotion_id, d.amount.units, d.shares, by_use[d.redemption_id]) for d in bill.discounts
        ),
        "uses": sorted((u.voucher_id, u.role, u.amount.units, u.count, u.uses_left) for u in bill.uses),
    }


class _Rehearsed(Exception):
    """Ends a transaction whose bill was only to be seen."""

    def __init__(self, bill: Bill) -> None:
        self.bill = bill


async def rehearsed(db: Database, ask: Settle, now: datetime) -> Bill:
    """The bill as it is really settled, of a transaction that is taken back."""

    async def work(tx: Tx) -> None:
        (bill,) = await till.settle(tx, [ask], city_id=CITY, now=now)
        assert isinstance(bill, Bill), bill
        raise _Rehearsed(bill)

    with pytest.raises(_Rehearsed) as ended:
        await db.run_city(CITY, work)
    return ended.value.bill


async def in_every_order(
    db: Database, lane: Lane, now: datetime, held: Sequence[Voucher], amount: int
) -> list[dict[str, Any]]:
    """The same bill with all permutations of what is shown; the last of them stands, and is kept as it was told."""
    asks = [
        a_bill(lane, amount, await shown(db, lane, now, *order, typed=True)) for order in permutations(held)
    ]  # fmt: skip
    outcomes = [what_it_came_to(await rehearsed(db, ask, now)) for ask in asks]
    bill = await settled(db, asks[-1], now)
    again = await settled(db, replace(asks[-1], shown=asks[-1].shown[::-1]), now)
    assert again == replace(bill, replayed=True)
    assert what_it_came_to(again) == what_it_came_to(bill) == outcomes[-1]
    assert await audit_clean(db)
    assert isinstance(await undo_bill(db, bill, now), Undone)
    return outcomes


@pytest.mark.parametrize("amount", [5_000, 8_801, 33_333])
async def test_percent_amount_and_gift_card_in_every_order_are_one_bill(db: Database, now, amount: int):
    """10 off, then 15 % off what is left, then the card; what each payer bears stays his."""
    lane = await a_lane(db, now)
    percent = await a_coupon(db, lane, now, offer=await a_percent(db, lane, now))
    off = await a_coupon(db, lane, now)
    card = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 4_000), now)
    outcomes = await in_every_order(db, lane, now, [percent, off, card], amount)
    assert len(outcomes) == 6
    assert all(one == outcomes[0] for one in outcomes)
    cut = (amount - 1_000) * 1_500 // 10_000
    total, discounted, paid, collect = (one.units for one in outcomes[0]["sums"])
    assert abs(discounted - 1_000 - cut) <= 1
    assert paid == min(4_000, total - discounted)
    assert total == discounted + paid + collect
    assert {shares for _, _, shares, _ in outcomes[0]["discounts"]} == {
        (("merchant", 400), ("platform", 600)), (("brand", discounted - 1_000),),
    }  # fmt: skip
    assert (await units(db, card.order_id))[0].uses_left == 4_000
    assert await audit_clean(db)


async def test_of_two_coupons_of_a_kind_the_one_that_ends_first_is_used_in_every_order(db: Database, now):
    """Two of one kind, two cards: which of them are used never depends on the fingers of the cashier."""
    lane = await a_lane(db, now)
    offer = await a_template(db, lane, now)
    first = await a_coupon(db, lane, now, offer=offer)
    second = await a_coupon(db, lane, now + timedelta(days=1), offer=offer)
    later = now + timedelta(days=1)
    older = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 3_000), now)
    newer = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 3_000), later)
    outcomes = await in_every_order(db, lane, later, [second, newer, first, older], 6_000)
    assert len(outcomes) == 24
    assert all(one == outcomes[0] for one in outcomes)
    used = {voucher: count for voucher, _, _, count, _ in outcomes[0]["uses"]}
    assert used == {min(first, second, key=lambda v: (v.valid_to, v.voucher_id)).voucher_id: 1,
                    older.voucher_id: 3_000, newer.voucher_id: 2_000}  # fmt: skip
    assert outcomes[0]["sums"] == (yuan(6_000), yuan(1_000), yuan(5_000), yuan(0))
    assert await audit_clean(db)


async def test_a_first_visit_is_known_at_the_counter(db: Database, now):
    """Orders count and bills count; a bill that was undone never was."""
    lane = await a_lane(db, now)
    offers = [await a_template(db, lane, now, also=(FirstOrder(here=True),)) for _ in range(2)]
    first, second = [await a_coupon(db, lane, now, offer=offer) for offer in offers]
    thrice = await a_coupon(db, lane, now, offer=await a_template(db, lane, now, also=(SpendHere(units=10_000),)))
    both = [a_bill(lane, 8_800, await shown(db, lane, now, one)) for one in (first, second)]
    [bill, other] = await settle(db, both, now)
    assert isinstance(bill, Bill), bill
    assert getattr(other, "code", "") == "rule_first_order", "of two bills of one set the first is the first"
    asked = a_bill(lane, 8_800, await shown(db, lane, now, thrice))
    early: Any = (await settle(db, [asked], now))[0]
    assert (early.code, early.facts["missing"]) == ("rule_spend_here", "¥22"), "78 were paid"
    assert isinstance(await undo_bill(db, bill, now), Undone)
    await settled(db, a_bill(lane, 8_800, await shown(db, lane, now, second)), now)
    await bought(db, lane, now, member_id=ANN)
    again = a_bill(lane, 8_800, await shown(db, lane, now, first, typed=True))
    assert getattr((await settle(db, [again], now))[0], "code", "") == "rule_first_order"
    await settled(db, a_bill(lane, 8_800, await shown(db, lane, now, thrice)), now)  # 78 and an order of 68
    assert await audit_clean(db)


@pytest.mark.parametrize("guarded", [True, False], ids=["in turn", "no guard"])
async def test_two_tills_have_one_first_visit(db: Database, now, guarded: bool):
    """Two coupons for a first visit at two tills in the same moment: without the turn both find nothing before."""
    await crowd(db)
    lane = await a_lane(db, now)
    bills: list[Settle] = []
    for _ in range(2):
        offer = await a_template(db, lane, now, also=(FirstOrder(here=True),))
        bills.append(a_bill(lane, 8_800, await shown(db, lane, now, await a_coupon(db, lane, now, offer=offer))))
    looked = asyncio.Barrier(2)

    async def alone(ask: Settle) -> Any:
        if guarded:
            return (await settle(db, [ask], now))[0]
        async with bare(db, CITY, after="left join till.bills", pause=looked.wait, swaps={TRY: "select true"}) as tx:
            return (await till.settle(tx, [ask], city_id=CITY, now=now))[0]

    found = await asyncio.gather(*(alone(ask) for ask in bills), return_exceptions=True)
    kinds = sorted("stands" if isinstance(one, Bill) else getattr(one, "code", repr(one)) for one in found)
    assert kinds in ([["busy", "stands"], ["rule_first_order", "stands"]] if guarded else [["stands", "stands"]])
    assert await audit_clean(db)
