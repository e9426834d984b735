"""Why an order cannot be placed, paid, cancelled or refunded."""

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
    say = Text(zh="订单已关闭（{state_zh}）。", en="The order is closed ({state}).")
    step = Text(zh="请重新下单。", en="Place a new order.")


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


class RefundForbidden(Refusal):
    """The terms of the offer exclude a refund at the buyer's wish."""

    code = "refund_forbidden"
    say = Text(zh="该商品不支持主动退款。", en="The terms of this offer exclude a refund.")
    step = Text(zh="过期未使用将按规则处理。", en="What happens at its expiry stands in its terms.")


STATES_ZH = {
    "placed": "待支付",
    "paid": "已支付",
    "part_refunded": "部分退款",
    "refunded": "已退款",
    "cancelled": "已取消",
    "expired": "超时未支付",
}


def closed(state: str) -> OrderClosed:
    return OrderClosed(state=state, state_zh=STATES_ZH[state])
