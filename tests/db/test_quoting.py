"""Quotes that explain: the best of the wallet, the member's own choice, and a reason for everything considered."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from hutong import orders, pricing
from hutong.catalog.forms import Membership
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import AskQuote, Placed, Quoted, Wanted
from hutong.pricing import (
    AmountOff,
    Budget,
    Claim,
    ClaimCoupon,
    FirstOrder,
    MinSpend,
    PercentOff,
    PromotionNotBegun,
    PromotionStep,
    Tags,
)
from tests.catalog_town import a_draft, a_merchant, a_store, published
from tests.conftest import audit_clean
from tests.lane import CITY, SCHEMES, Lane, a_lane, a_place, captured, hear, place
from tests.savings_help import a_coupon, a_rule

pytestmark = pytest.mark.anyio


def fen(units: int) -> Amount:
    return Amount(units, "CNY")


async def quotes(db: Database, lane: Lane, now, *members: UUID | None, quantity: int = 1, **changes: Any) -> list[Any]:
    asks = [AskQuote(wants=(Wanted(lane.offer.offer_id, quantity),), member_id=m, **changes) for m in members]
    async with db.reading(CITY) as tx:
        return await orders.quotes(tx, asks, city_id=CITY, now=now, schemes=SCHEMES)


async def quote(db: Database, lane: Lane, now, member: UUID | None, **changes: Any) -> Quoted:
    [found] = await quotes(db, lane, now, member, **changes)
    assert isinstance(found, Quoted), found
    return found


async def test_without_any_promotion_the_price_is_the_offers(db: Database, now):
    lane = await a_lane(db, now)
    found = await quote(db, lane, now, new_id(), quantity=2)
    assert (found.quote.total, found.coupons, found.considered) == (fen(13_600), (), ())


async def test_the_best_of_the_wallet_is_chosen_and_what_brings_nothing_stays_in_it(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    ten = await a_rule(db, now, lane=lane, name=Text(zh="减10", en="10 off"))
    fifth = await a_rule(db, now, lane=lane, name=Text(zh="八折", en="20 % off"), benefit=PercentOff(bps=2_000))
    far = await a_rule(db, now, lane=lane, name=Text(zh="满100减40", en="40 off 100"), benefit=AmountOff(units=4_000),
                       conditions=(MinSpend(units=10_000),))  # fmt: skip
    coupons = {rule.promotion_id: await a_coupon(db, now, lane, rule, ann) for rule in (ten, fifth, far)}
    found = await quote(db, lane, now, ann)
    assert found.quote.total == fen(6_800 - 1_360)
    assert found.coupons == (coupons[fifth.promotion_id].voucher_id,)
    assert found.best
    told = {c.promotion_id: c for c in found.considered}
    assert told[fifth.promotion_id].applies
    assert (told[ten.promotion_id].no or Refusal()).code == "better_promotion"
    no = told[far.promotion_id].no
    assert no is not None
    assert no.code == "spend_more"
    assert "¥32" in no.next_step().en, "18.00 more for 10 off: it says how much is missing"
    two = await quote(db, lane, now, ann, quantity=2)
    assert two.coupons == (coupons[far.promotion_id].voucher_id,)
    assert two.quote.total == fen(13_600 - 4_000)


async def test_the_member_may_choose_otherwise_and_sees_what_the_best_would_be(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    ten = await a_rule(db, now, lane=lane)
    big = await a_rule(db, now, lane=lane, benefit=AmountOff(units=2_000))
    small, large = await a_coupon(db, now, lane, ten, ann), await a_coupon(db, now, lane, big, ann)
    none = await quote(db, lane, now, ann, coupons=())
    assert (none.quote.total, none.best, none.coupons) == (fen(6_800), False, ())
    assert {c.voucher.voucher_id for c in none.considered if c.voucher} == {small.voucher_id, large.voucher_id}
    assert {c.amount for c in none.considered} == {fen(1_000), fen(2_000)}
    own = await quote(db, lane, now, ann, coupons=(small.voucher_id,))
    assert (own.quote.total, own.best) == (fen(5_800), False)
    assert own.considered[0].applies
    assert (await quote(db, lane, now, ann, coupons=(large.voucher_id,))).best
    ask = a_place(lane, 1, member_id=ann, coupons=own.coupons, expect=own.quote.total)
    [placed] = await place(db, [ask], now)
    assert isinstance(placed, Placed)
    later = await quote(db, lane, now, ann)
    assert later.coupons == (large.voucher_id,)
    held = next(c for c in later.considered if c.voucher and c.voucher.voucher_id == small.voucher_id)
    assert (held.no or Refusal()).code == "voucher_in_checkout"


async def test_lanes_stack_and_every_order_of_entry_comes_to_the_same(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    await a_rule(db, now, lane=lane, trigger="auto", benefit=PercentOff(bps=1_000), stands="shop")
    ten = await a_rule(db, now, lane=lane)
    city = await a_rule(db, now, benefit=PercentOff(bps=500), stands="platform", payers=(("platform", 1),))
    hers = [await a_coupon(db, now, lane, rule, ann) for rule in (ten, city)]
    best = await quote(db, lane, now, ann)
    assert best.quote.total == fen(6_800 - 680 - 1_000 - 256)
    ids = [coupon.voucher_id for coupon in hers]
    for order in (ids, ids[::-1]):
        assert (await quote(db, lane, now, ann, coupons=tuple(order))).quote.total == best.quote.total
        ask = a_place(lane, 1, member_id=ann, coupons=tuple(order), expect=best.quote.total)
        [placed] = await place(db, [ask], now)
        assert isinstance(placed, Placed)
        undo = [orders.Cancel(order_id=ask.order_id, by=ann, reason="member")]
        await db.run_city(CITY, lambda tx, undo=undo: orders.cancel(tx, undo, city_id=CITY, now=now))
    assert await audit_clean(db)


async def test_what_a_budget_cannot_give_is_never_shown_as_taken_off(db: Database, now):
    lane, ann, bo = await a_lane(db, now), new_id(), new_id()
    once = Budget(attribute="member", most_uses=1)
    auto = await a_rule(
        db, now, lane=lane, trigger="auto", budgets=(Budget(most_units=2_000), once), payers=(("merchant", 1),)
    )
    assert (await quote(db, lane, now, ann)).quote.total == fen(5_800)
    for member in (ann, bo):
        [placed] = await place(db, [a_place(lane, 1, member_id=member, expect=fen(5_800))], now)
        assert isinstance(placed, Placed), placed
        if member == ann:
            again = await quote(db, lane, now, ann)
            assert again.quote.total == fen(6_800)
            [told] = again.considered
            assert (told.no or Refusal()).code == "promotion_limit"
    [spent] = (await quote(db, lane, now, new_id())).considered
    assert (spent.no or Refusal()).code == "budget_exhausted"
    async with db.city(CITY) as tx:
        stop = PromotionStep(promotion_id=auto.promotion_id, by=None, reason="stopped")
        await pricing.pause(tx, [stop], city_id=CITY, now=now)


async def test_what_has_not_begun_is_told_in_the_citys_own_time(db: Database, now):
    """On a quote, when it is ordered, and when its coupon is claimed."""
    lane, ann = await a_lane(db, now), new_id()
    rule = await a_rule(db, now, lane=lane)
    coupon = await a_coupon(db, now, lane, rule, ann)
    async with db.city(CITY) as tx:
        await tx.run("update pricing.promotions set starts_at = %(at)s", at=now + timedelta(hours=20))
        ask = ClaimCoupon(promotion_id=rule.promotion_id, ref=new_id(), member_id=ann)
        [claimed] = await pricing.claim_coupons(tx, [ask], city_id=CITY, now=now)
        claim = Claim(promotion_id=rule.promotion_id, ref=new_id(), member_id=ann, units=1)
        [held] = await pricing.hold(tx, [claim], city_id=CITY, now=now, until=now)
    quoted = (await quote(db, lane, now, ann, coupons=(coupon.voucher_id,))).considered[0].no
    then = PromotionNotBegun(**{"from": "2026-11-21 08:00"})  # noon in Shanghai and twenty hours
    assert [claimed, held, quoted] == [then, then, then]


async def test_first_orders_are_told_apart_and_a_stranger_is_asked_to_sign_in(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    await a_rule(db, now, lane=lane, trigger="auto", conditions=(FirstOrder(),))
    stranger, first = await quotes(db, lane, now, None, ann)
    assert stranger.quote.total == fen(6_800)
    assert stranger.considered[0].no.code == "rule_sign_in"
    assert first.quote.total == fen(5_800)
    [placed] = await place(db, [a_place(lane, 1, member_id=ann, expect=fen(5_800))], now)
    await hear(db, [captured(placed)], now)
    second = await quote(db, lane, now, ann)
    assert second.quote.total == fen(6_800)
    assert (second.considered[0].no or Refusal()).code == "rule_first_order"


async def test_another_merchants_coupon_never_applies(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    shop = await a_merchant(db, "茶馆", "Tea House", now=now)
    other = msgspec.structs.replace(lane, merchant=shop, store=await a_store(db, shop, now=now))
    theirs = await a_rule(db, now, lane=other)
    coupon = await a_coupon(db, now, other, theirs, ann)
    assert (await quote(db, lane, now, ann)).considered == ()
    laid = await quote(db, lane, now, ann, coupons=(coupon.voucher_id,))
    assert laid.quote.total == fen(6_800)
    [answer] = await place(db, [a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,))], now)
    assert answer.code == "coupon_elsewhere"


async def test_a_membership_opens_the_promotions_of_its_tag_on_orders(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    await a_rule(db, now, lane=lane, trigger="auto", conditions=(Tags(any_of=("friend",)),))
    assert (await quote(db, lane, now, ann)).quote.total == fen(6_800)
    store = [lane.store]
    draft = a_draft(
        lane.merchant, *store, now=now, scheme="cards", form=Membership(days=365, tag="friend"), price=fen(100),
        list_price=fen(100),
    )  # fmt: skip
    [card] = await published(db, draft, now=now)
    bought = msgspec.structs.replace(a_place(lane, 1, member_id=ann), wants=(Wanted(card.offer_id, 1),))
    [placed] = await place(db, [bought], now)
    assert isinstance(placed, Placed), placed
    await hear(db, [captured(placed)], now)
    assert (await quote(db, lane, now, ann)).quote.total == fen(5_800)
    assert (await quote(db, lane, now, new_id())).quote.total == fen(6_800)
    [placed] = await place(db, [a_place(lane, 1, member_id=ann, expect=fen(5_800))], now)
    assert isinstance(placed, Placed)
    assert await audit_clean(db)
