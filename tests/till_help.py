"""What tests of the till share: a lane with a coupon and cards, a guest who shows them, Tao who enters the bill."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from hutong import pricing, till, vouchers
from hutong.catalog import CouponForm, Form, Offer
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.pricing import AmountOff, Budget, Condition, MinSpend, PromotionStep, Rule, SavePromotion
from hutong.till import Bill, Settle, Shown, Undo
from hutong.vouchers import Prepare, Prepared, Voucher, qr_text
from tests.catalog_town import a_draft, published, yuan
from tests.lane import CITY, Lane, bought

ANN, TAO = UUID(int=0xA11), UUID(int=0x7A0)
ZONE = "Asia/Shanghai"
SPLIT = (("merchant", 40), ("platform", 60))


async def an_offer(db: Database, lane: Lane, now: datetime, form: Form, units: int, **changes: Any) -> Offer:
    """Something else that Mei has on her shelf."""
    fields: dict[str, Any] = {
        "form": form, "price": yuan(units), "list_price": yuan(units), "terms": Terms(valid_days=365),
        "scheme": "cards",
    } | changes  # fmt: skip
    (offer,) = await published(db, a_draft(lane.merchant, lane.store, now=now, **fields), now=now)
    return offer


async def a_holder(db: Database, lane: Lane, offer: Offer, now: datetime, member: UUID = ANN) -> Voucher:
    """Ann buys one of it."""
    (voucher,) = await bought(db, replace(lane, offer=offer), now, member_id=member)
    return voucher


async def a_coupon(
    db: Database, lane: Lane, now: datetime, *, off: int = 1_000, least: int = 5_000, budget: int = 100_000,
    member: UUID = ANN, offer: Offer | None = None,
) -> Voucher:  # fmt: skip
    """A coupon of so much off a bill, borne by the platform (60) and the merchant (40), in Ann's wallet."""
    if offer is None:
        offer = await a_template(db, lane, now, off=off, least=least, budget=budget)
    (voucher,) = await bought(db, replace(lane, offer=offer), now, member_id=member, member_name="Ann Lee")
    return voucher


async def a_template(
    db: Database, lane: Lane, now: datetime, *, off: int = 1_000, least: int = 5_000, budget: int = 100_000,
    claim: str = "open", also: Sequence[Condition] = (),
) -> Offer:  # fmt: skip
    """The coupon's offer and its promotion, live."""
    offer = await an_offer(
        db, lane, now, CouponForm(claim=claim), 0, scheme="coupons", title=Text(zh="满减券", en="Money off")
    )
    rule = Rule(
        promotion_id=offer.offer_id, name=offer.title, benefit=AmountOff(units=off),
        conditions=(*([MinSpend(units=least)] if least else []), *also), trigger="coupon", payers=SPLIT,
    )  # fmt: skip
    ask = SavePromotion(
        merchant_id=lane.merchant, by=None, rule=rule,
        starts_at=now - timedelta(days=1), ends_at=offer.sale_to, budgets=(Budget(most_units=budget),),
    )  # fmt: skip
    async with db.city(CITY) as tx:
        (saved,) = await pricing.save_promotions(tx, [ask], city_id=CITY, now=now)
        assert not isinstance(saved, Refusal), saved
        steps = [PromotionStep(promotion_id=offer.offer_id, by=None)]
        (live,) = await pricing.publish(tx, steps, city_id=CITY, now=now)
        assert not isinstance(live, Refusal), live
    return offer


async def prepared(db: Database, lane: Lane, voucher: Voucher, now: datetime, presented: str = "") -> Prepared:
    """Tao scans it; it must be good."""
    ask = Prepare(
        presented=presented or qr_text(voucher, now), merchant_id=lane.merchant, store_id=lane.store, staff_id=TAO
    )
    async with db.city(CITY) as tx:
        (found,) = await vouchers.prepare(tx, [ask], city_id=CITY, now=now, zone=ZONE)
    assert isinstance(found, Prepared), found
    return found


async def shown(db: Database, lane: Lane, now: datetime, *held: Voucher, typed: bool = False) -> tuple[Shown, ...]:
    """What the counter has of them: a proof each; of stored value for every lot."""
    found: dict[UUID, Shown] = {}
    for voucher in held:
        one = await prepared(db, lane, voucher, now, voucher.code if typed else "")
        found[one.voucher_id] = Shown(one.voucher_id, one.proof)
        if one.value:
            found |= {other.voucher_id: Shown(other.voucher_id, other.proof) for other in one.others}
    return tuple(found.values())


def a_bill(lane: Lane, units: int, on_table: tuple[Shown, ...], **changes: Any) -> Settle:
    fields: dict[str, Any] = {
        "bill_id": new_id(), "event_id": str(new_id()), "merchant_id": lane.merchant, "store_id": lane.store,
        "staff_id": TAO, "staff_name": "Tao", "store_name": "Lane", "amount": yuan(units), "shown": on_table,
    } | changes  # fmt: skip
    return Settle(**fields)


async def settle(db: Database, asks: list[Settle], now: datetime) -> list[Bill | Refusal]:
    return await db.run_city(CITY, lambda tx: till.settle(tx, asks, city_id=CITY, now=now))


async def settled(db: Database, ask: Settle, now: datetime) -> Bill:
    (bill,) = await settle(db, [ask], now)
    assert isinstance(bill, Bill), bill
    return bill


async def undo_bill(db: Database, bill: Bill, now: datetime, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "bill_id": bill.bill_id, "merchant_id": bill.merchant_id, "store_id": bill.store_id, "by": TAO,
        "reason": "mistake",
    } | changes  # fmt: skip
    (answer,) = await db.run_city(CITY, lambda tx: till.undo(tx, [Undo(**fields)], city_id=CITY, now=now))
    return answer
