"""Why a payment cannot be opened or money cannot be given back."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class PaymentUnknown(Refusal):
    """There is no payment under this id."""

    code = "payment_not_found"
    status = 404
    say = Text(zh="没有找到这笔支付。", en="There is no such payment.")
    step = Text(zh="请检查支付编号。", en="Check the number of the payment.")


class PaymentChanged(Refusal):
    """The same payment id came with another order, provider or amount."""

    code = "payment_changed"
    say = Text(zh="同一支付编号的内容不一致。", en="This payment was opened before, with other contents.")
    step = Text(zh="请使用新的支付编号。", en="Use a new number for a new payment.")


class OrderPaidAlready(Refusal):
    """Another payment of the order was captured: nobody pays twice."""

    code = "order_paid_already"
    say = Text(zh="订单已支付，无需重复付款。", en="This order is paid; nothing more is due.")
    step = Text(zh="请查看订单。", en="Look at the order.")


class PaymentNotCaptured(Refusal):
    """Nothing was paid, so nothing can be given back."""

    code = "payment_not_captured"
    say = Text(zh="这笔支付尚未完成，无法退款。", en="Nothing has been paid yet, so nothing can be refunded.")
    step = Text(zh="请取消订单。", en="Cancel the order instead.")


class RefundTooHigh(Refusal):
    """More would go back than was captured; `left` units may."""

    code = "refund_too_high"
    say = Text(
        zh="退款金额超过可退金额（剩余 {left} {asset}）。", en="More than can be given back: {left} {asset} is left."
    )
    step = Text(zh="请减少退款金额。", en="Ask for less.")


class RefundChanged(Refusal):
    """The same refund id came with another payment or amount."""

    code = "refund_changed"
    say = Text(zh="同一退款编号的内容不一致。", en="This refund was asked for before, with other contents.")
    step = Text(zh="请使用新的退款编号。", en="Use a new number for a new refund.")
