"""Why an order cannot be placed, paid, cancelled or refunded."""

from typing import ClassVar

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class NothingOrdered(Refusal):
    """Nothing was asked for, or not a usable quantity."""

    code = "nothing_ordered"
    status = 422
    say = Text(zh="请选择要购买的商品和数量。", en="Choose what to buy and how many.")
    step = Text(zh="数量须在 1 到 {most} 之间。", en="The quantity must be between 1 and {most}.")


class MixedOrder(Refusal):
    """One order buys from one merchant, in one currency, by one scheme."""

    code = "mixed_order"
    status = 422
    say = Text(zh="一笔订单只能购买同一商家的商品。", en="One order can only hold offers of one merchant.")
    step = Text(zh="请分开下单。", en="Place one order for each merchant.")


class SchemeUnknown(Refusal):
    """The offer is sold in a way that this house does not have."""

    code = "scheme_unknown"
    say = Text(zh="暂不支持这种销售方式。", en="This way of selling is not available here.")
    step = Text(zh="请选择其他商品。", en="Choose another offer.")


class PriceChanged(Refusal):
    """The total is not what the member saw."""

    code = "price_changed"
    say = Text(zh="价格已变为 {total}（您看到的是 {expected}）。", en="The price is now {total}; you saw {expected}.")
    step = Text(zh="请确认新价格后再提交。", en="Look at the new price and confirm it.")


class GroupAlone(Refusal):
    """What is bought in a team, on a ladder or by a bargain has an order of its own."""

    code = "group_alone"
    status = 422
    say = Text(
        zh="拼团、阶梯价和砍价商品须单独下单。", en="What is bought together with others has an order of its own."
    )
    step = Text(zh="请分开下单。", en="Place one order for it alone.")


class CouponTwice(Refusal):
    """Two coupons of one kind on one order."""

    code = "coupon_twice"
    status = 422
    say = Text(zh="同一种优惠券每单只能用一张。", en="An order takes one coupon of a kind.")
    step = Text(zh="请留一张下次使用。", en="Keep the other one for another time.")


class CouponElsewhere(Refusal):
    """The coupon is another merchant's."""

    code = "coupon_elsewhere"
    say = Text(zh="这张优惠券不适用于本店。", en="This coupon is another shop's.")
    step = Text(zh="请选择本店可用的优惠券。", en="Choose a coupon of this shop or of the city.")


class NoTenderHere(Refusal):
    """Stored value, coupons and what is bought on a ladder are not paid with cards or points."""

    code = "no_tender_here"
    status = 422
    say = Text(zh="这笔订单不能用卡或积分支付。", en="This order cannot be paid with cards or points.")
    step = Text(zh="请直接支付。", en="Pay it without them.")


class PointsIdle(Refusal):
    """The points are too few to pay a unit of this order, or there is nothing left for them to pay."""

    code = "points_idle"
    say = Text(zh="您的 {available} 个积分不能用于这笔订单。", en="Your {available} points pay nothing of this order.")
    step = Text(zh="请不使用积分，直接支付。", en="Pay it without points.")


class NotATender(Refusal):
    """What was brought has no money on it."""

    code = "not_a_tender"
    status = 422
    say = Text(zh="这张卡不是储值卡或礼品卡，不能用于支付。", en="There is no money on this card to pay with.")
    step = Text(zh="请选择储值卡或礼品卡。", en="Choose a gift card or stored value.")


class CardElsewhere(Refusal):
    """The card is good in another shop, or in another currency."""

    code = "card_elsewhere"
    status = 422
    say = Text(zh="这张卡不能在这家店使用。", en="This card is not taken by this shop.")
    step = Text(zh="请选择可用的卡。", en="Choose a card that this shop takes.")


class CardEmpty(Refusal):
    """Nothing is left on the card that could pay here."""

    code = "card_empty"
    say = Text(zh="「{title_zh}」已没有可用余额。", en="Nothing is left on “{title_en}” to pay with.")
    step = Text(zh="请取消勾选，改用其他方式支付。", en="Take it off the order and pay the rest another way.")


class NotACoupon(Refusal):
    """What was brought takes nothing off an order."""

    code = "not_a_coupon"
    status = 422
    say = Text(zh="这张券不是优惠券，不能用于抵扣。", en="This voucher is not a coupon.")
    step = Text(zh="请选择可用的优惠券。", en="Choose a coupon.")


class OverMemberCap(Refusal):
    """The member would hold more than the terms allow."""

    code = "over_member_cap"
    say = Text(
        zh="每人限购 {cap} 份，您已购买 {bought} 份。", en="Limited to {cap} for each person; you have {bought}."
    )
    step = Text(zh="请减少数量。", en="Choose a smaller quantity.")


class OrderUnknown(Refusal):
    """There is no such order, or it is another member's."""

    code = "order_not_found"
    status = 404
    say = Text(zh="没有找到这笔订单。", en="There is no such order.")
    step = Text(zh="请在「我的订单」中查看。", en="Look under “My orders”.")


class OrderClosed(Refusal):
    """The order was cancelled or has run out of time; it cannot be paid or cancelled any more."""

    code = "order_closed"
    say = Text(zh="订单已关闭（{state}）。", en="The order is closed ({state}).")
    step = Text(zh="请重新下单。", en="Place a new order.")
    words: ClassVar = {
        "state": {
            "placed": Text(zh="待支付", en="to be paid"), "paid": Text(zh="已支付", en="paid"),
            "part_refunded": Text(zh="部分退款", en="refunded in part"), "refunded": Text(zh="已退款", en="refunded"),
            "cancelled": Text(zh="已取消", en="cancelled"), "expired": Text(zh="超时未支付", en="not paid in time"),
        }
    }  # fmt: skip


class OrderPaid(Refusal):
    """The order is paid, so it is refunded rather than cancelled or paid again."""

    code = "order_paid"
    say = Text(zh="订单已支付。", en="The order has been paid.")
    step = Text(zh="如需退款，请申请退款。", en="Ask for a refund if you do not need it.")


class NothingChosen(Refusal):
    """A refund was asked for no unit at all."""

    code = "nothing_chosen"
    status = 422
    say = Text(zh="还没有选择要退的券。", en="No voucher was chosen.")
    step = Text(zh="请至少勾选一张。", en="Tick at least one.")


class NoteWords(Refusal):
    """A note without words, or with too many."""

    code = "note_words"
    status = 422
    say = Text(zh="备注须在 1 到 {most} 字之间。", en="A note has between 1 and {most} characters.")
    step = Text(zh="请修改后再保存。", en="Change it and save again.")


class NothingToRefund(Refusal):
    """No unit of the order is unused and unrefunded."""

    code = "nothing_to_refund"
    say = Text(zh="没有可退的券。", en="There is nothing left to refund.")
    step = Text(zh="已使用的券请联系商家处理。", en="For what was used, talk to the shop.")


class GivenAway(Refusal):
    """A friend has accepted it as a gift: it is his to use, and the buyer cannot ask its money back any more."""

    code = "voucher_given_away"
    say = Text(zh="这张券已送给朋友，不能再申请退款。", en="This voucher was given to a friend; it cannot be refunded.")
    step = Text(zh="过期未使用时，款项仍原路退回给您。", en="If it expires unused, the money still comes back to you.")


class RefundForbidden(Refusal):
    """The terms of the offer exclude a refund at the buyer's wish."""

    code = "refund_forbidden"
    say = Text(zh="该商品不支持主动退款。", en="The terms of this offer exclude a refund.")
    step = Text(zh="过期未使用的部分，按使用规则处理。", en="What happens at its expiry stands in its terms.")
