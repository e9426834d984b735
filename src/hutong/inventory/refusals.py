"""Why units cannot be held, confirmed, given back or counted anew."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class SoldOut(Refusal):
    """There are not enough units left; `left` says how many there are."""

    code = "sold_out"
    say = Text(zh="库存不足，还剩 {left} 份。", en="Not enough left: {left} to be had.")
    step = Text(zh="减少数量，或看看其他商品。", en="Take fewer, or look at other offers.")


class QuotaUnknown(Refusal):
    """No quota was opened under this id."""

    code = "quota_unknown"
    status = 404
    say = Text(zh="该商品尚未设置库存。", en="No stock has been set for this yet.")
    step = Text(zh="请联系商家。", en="Ask the merchant.")


class QuotaClosed(Refusal):
    """The quota sells no more."""

    code = "quota_closed"
    say = Text(zh="该商品已停止销售。", en="This is not sold any more.")
    step = Text(zh="看看其他商品。", en="Look at other offers.")


class HoldUnknown(Refusal):
    """There is no such hold."""

    code = "hold_unknown"
    status = 404
    say = Text(zh="没有找到预留的库存。", en="Nothing was kept aside under this number.")
    step = Text(zh="请重新下单。", en="Place the order again.")


class HoldOver(Refusal):
    """The hold has ended: its units may belong to somebody else by now."""

    code = "hold_over"
    say = Text(zh="预留的库存已释放。", en="What was kept aside has been given free.")
    step = Text(zh="请重新下单。", en="Place the order again.")


class HoldChanged(Refusal):
    """The same hold id came with other wants."""

    code = "hold_changed"
    say = Text(zh="同一预留编号的内容不一致。", en="This hold was made before, with other contents.")
    step = Text(zh="请使用新的编号。", en="Use a new number for a new request.")


class HoldConfirmed(Refusal):
    """The units are sold: they come back through a refund only."""

    code = "hold_confirmed"
    say = Text(zh="该库存已售出，不能直接释放。", en="These units are sold and cannot simply be released.")
    step = Text(zh="请通过退款归还。", en="Give them back through a refund.")


class HoldNotConfirmed(Refusal):
    """The units are not sold, so they cannot be given back; release the hold instead."""

    code = "hold_not_confirmed"
    say = Text(zh="该库存尚未售出，无法归还。", en="These units are not sold, so there is nothing to give back.")
    step = Text(zh="请释放预留。", en="Release the hold instead.")


class TooManyGivenBack(Refusal):
    """More units would come back than were sold; `left` says how many may still come back."""

    code = "too_many_given_back"
    say = Text(
        zh="归还数量超过售出数量，最多可归还 {left} 份。", en="More than was sold; at most {left} can come back."
    )
    step = Text(zh="请核对退款数量。", en="Check the number of units refunded.")


class GiveBackChanged(Refusal):
    """The same ref came with other units."""

    code = "give_back_changed"
    say = Text(zh="同一归还编号的内容不一致。", en="This was given back before, with other contents.")
    step = Text(zh="请使用新的编号。", en="Use a new number for a new request.")


class TotalTooLow(Refusal):
    """The total cannot go below what is sold and held."""

    code = "total_too_low"
    say = Text(zh="总量不能低于已售与预留之和 {least}。", en="The total cannot be less than the {least} sold and held.")
    step = Text(zh="请填写不小于 {least} 的数量。", en="Choose {least} or more.")
