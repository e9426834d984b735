"""Promotions and coupons for tests: a rule that is live, a coupon in Ann's wallet, what an order saved."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import catalog, orders, pricing, vouchers
from hutong.catalog import CouponForm, Draft, Offer
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.orders import Place, Placed, Wanted
from hutong.pricing import LANES, AmountOff, Budget, PromotionStep, Rule, SavePromotion
from hutong.schemes.coupons import Coupons
from hutong.vouchers import Voucher
from tests.lane import CITY, HOLD, Lane

PLENTY = Budget(most_units=10_000_000)
NAME = Text(zh="立减 10 元", en="10 off")
SIXTY_FORTY = (("platform", 60), ("merchant", 40))


async def a_rule(
    db: Database,
    now: datetime,
    *,
    lane: Lane | None = None,
    budgets: tuple[Budget, ...] = (PLENTY,),
    stands: str = "coupon",
    **changes: Any,
) -> Rule:
    """A live rule in the lane `stands`: 10.00 off an order, borne by platform and merchant as 60 to 40."""
    fields: dict[str, Any] = {
        "promotion_id": new_id(), "name": NAME, "benefit": AmountOff(units=1000), "payers": SIXTY_FORTY,
        "trigger": "coupon", "lane": LANES[stands],
    } | changes  # fmt: skip
    rule = Rule(**fields)
    save = SavePromotion(
        rule=rule, merchant_id=lane.merchant if lane else None, by=None, starts_at=now - timedelta(hours=1),
        budgets=budgets,
    )  # fmt: skip
    async with db.city(CITY) as tx:
        [saved] = await pricing.save_promotions(tx, [save], city_id=CITY, now=now)
        assert isinstance(saved, pricing.Live), saved
        step = PromotionStep(promotion_id=rule.promotion_id, by=None)
        [live] = await pricing.publish(tx, [step], city_id=CITY, now=now)
    assert isinstance(live, pricing.Live), live
    return rule


async def a_coupon(
    db: Database, now: datetime, lane: Lane, rule: Rule, member: UUID, *, valid_to: datetime | None = None
) -> Voucher:
    """A coupon of the rule, claimed by the member. `valid_to`: it ends then, whatever its terms say."""
    await _on_the_shelf(db, now, lane, rule)
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=member, member_name="Ann", phone_tail="0001",
        wants=(Wanted(rule.promotion_id, 1),),
    )  # fmt: skip
    schemes = {"coupons": Coupons()}

    async def claim(tx: Tx) -> Any:
        return await orders.place(tx, [ask], city_id=CITY, now=now, schemes=schemes, hold_for=HOLD)

    [claimed] = await db.run_city(CITY, claim)
    assert isinstance(claimed, Placed), claimed
    async with db.city(CITY) as tx:
        [coupon] = await vouchers.of_orders(tx, [ask.order_id], city_id=CITY)
        if valid_to is not None:
            await tx.run(
                "update vouchers.vouchers set valid_to = %(to)s where city_id = %(city)s and voucher_id = %(id)s",
                city=CITY, id=coupon.voucher_id, to=valid_to,
            )  # fmt: skip
    return coupon


async def _on_the_shelf(db: Database, now: datetime, lane: Lane, rule: Rule) -> None:
    """The coupon's offer, beside what the merchant sells."""
    async with db.city(CITY) as tx:
        if (await catalog.offers(tx, [rule.promotion_id], city_id=CITY))[0] is not None:
            return
        other = await tx.value(
            """select offer_id from catalog.offers where city_id = %(city)s and merchant_id = %(merchant)s
               and scheme <> 'coupons' order by offer_id limit 1""",
            city=CITY, merchant=lane.merchant,
        )  # fmt: skip
        [beside] = await catalog.offers(tx, [other], city_id=CITY) if other else [None]
        category = beside.category if beside else "noodles"
        stores = beside.store_ids if beside else (await a_store_of(tx, lane.merchant),)
        draft = Draft(
            offer_id=rule.promotion_id, merchant_id=lane.merchant, by=None, scheme="coupons",
            category=category, title=rule.name, price=Amount(0, "CNY"), list_price=Amount(0, "CNY"),
            terms=Terms(valid_days=30, refund_on_expiry=False), form=CouponForm(), store_ids=stores,
            sale_from=now - timedelta(hours=1), sale_to=now + timedelta(days=30),
        )  # fmt: skip
        [offer] = await catalog.publish(tx, [draft], city_id=CITY, now=now)
        # A rule of these tests is made before anybody says whose it is; a coupon's promotion goes with its offer.
        await tx.run(
            """update pricing.promotions set merchant_id = %(merchant)s, ends_at = %(to)s
               where city_id = %(city)s and promotion_id = %(id)s""",
            city=CITY, merchant=lane.merchant, to=draft.sale_to, id=rule.promotion_id,
        )  # fmt: skip
    assert isinstance(offer, Offer), offer


async def coupon_now(db: Database, coupon: Voucher) -> Voucher:
    async with db.reading(CITY) as tx:
        [found] = await vouchers.by_ids(tx, [coupon.voucher_id], city_id=CITY)
    return found


async def uses(db: Database, order_id: UUID) -> list[dict[str, Any]]:
    """What promotions took off an order, as it is written."""
    async with db.reading(CITY) as tx:
        return await tx.rows(
            """select promotion_id, voucher_id, units, given_units, shares, given, state from orders.uses
               where city_id = %(city)s and order_id = %(id)s order by promotion_id""",
            city=CITY,
            id=order_id,
        )


async def budget(db: Database, rule: Rule) -> tuple[int, int, int, int]:
    """(held units, held uses, spent units, spent uses) of the budget in all."""
    async with db.reading(CITY) as tx:
        found = await pricing.counters(tx, rule.promotion_id, city_id=CITY, attribute="all")
    return next(((c.held_units, c.held_uses, c.spent_units, c.spent_uses) for c in found), (0, 0, 0, 0))


async def a_store_of(tx: Tx, merchant: UUID) -> UUID:
    """A store of the merchant, or nobody's when he has none."""
    found = await tx.value(
        "select store_id from merchants.stores where city_id = %(city)s and merchant_id = %(merchant)s limit 1",
        city=CITY, merchant=merchant,
    )  # fmt: skip
    return found or merchant
