"""The plan of a coupon: claiming is an order that costs nothing; its voucher takes something off a later order.

What the coupon gives, its budget and its kill switch are a promotion with the id of the offer (pricing); orders look at
it in the transaction of the claim. The offer holds how many there are, how many one member may have, and how long each
is valid.
"""

from datetime import datetime

from hutong.catalog import CouponForm, Offer
from hutong.inventory import Want
from hutong.kit.refusals import Refusal
from hutong.kit.terms import over_everywhere
from hutong.kit.text import Text
from hutong.orders import Plan, Promise, Wanted
from hutong.pricing import PriceLine


class CouponOver(Refusal):
    """The coupon would be expired at the moment it is claimed."""

    code = "coupon_over"
    say = Text(zh="这张券已过使用期限。", en="This coupon can no longer be used.")
    step = Text(zh="看看其他优惠券。", en="Look at the other coupons.")


class CouponNeedsCode(Refusal):
    """Only who has a code for it, or to whom it is issued, can claim this coupon."""

    code = "coupon_needs_code"
    say = Text(zh="这张券需要兑换码，或由商家发放。", en="It is claimed with a code, or given by its merchant.")
    step = Text(zh="请输入兑换码。", en="Type the code that you were given.")


class OneCoupon(Refusal):
    """A coupon is claimed one at a time."""

    code = "one_coupon_at_a_time"
    status = 422
    say = Text(zh="每次只能领取一张。", en="Coupons are claimed one at a time.")
    step = Text(zh="请把数量改为 1。", en="Ask for one.")


class Coupons:
    """What is claimed: nothing to pay, one right that takes something off a later order."""

    name = "coupons"

    def plan(self, offer: Offer, wanted: Wanted, *, line_no: int, now: datetime) -> Plan | Refusal:
        """One line that costs nothing, one unit of the offer's quota, one voucher of kind coupon.

        `wanted.choice` "coded" names the code or the issue with which it is claimed; orders take it. Refusals:
        coupon_over, coupon_needs_code, one_coupon_at_a_time.
        """
        form = offer.form if isinstance(offer.form, CouponForm) else CouponForm()
        if over_everywhere(offer.terms, now):
            return CouponOver()
        if wanted.quantity != 1:
            return OneCoupon()
        choice = wanted.choice
        coded = choice is not None and choice.kind == "coded" and choice.id is not None
        if form.claim in ("code", "issued") and not coded:
            return CouponNeedsCode()
        line = PriceLine(
            line_no=line_no, offer_id=offer.offer_id, title=offer.title, quantity=1, unit_price=offer.price,
            list_price=offer.list_price,
        )  # fmt: skip
        promise = Promise(
            kind="coupon", uses=1, waiting=False, min_units=1, closes_at=offer.sale_to, terms=offer.terms,
            store_ids=() if form.wide else offer.store_ids, wide=form.wide,
        )  # fmt: skip
        wants = (Want(offer.quota_id, 1),) if offer.quota_id else ()
        return Plan(line=line, wants=wants, promise=promise)
