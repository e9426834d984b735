"""Why a gift cannot be had, or a parcel not be moved."""

from typing import ClassVar

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class ExchangeLimit(Refusal):
    """The member has had as many units of the gift as one may have in its period."""

    code = "exchange_limit"
    say = Text(zh="每人限兑 {most} 份，您已兑换 {had} 份。", en="{most} for each member, and you have had {had}.")
    step = Text(zh="{again_zh}", en="{again_en}")


class WayNotOffered(Refusal):
    """The gift is only fetched, or only sent."""

    code = "way_not_offered"
    say = Text(zh="这份礼品不支持这种领取方式。", en="This gift is not handed over in that way.")
    step = Text(zh="请换一种领取方式。", en="Choose the other way.")


class AddressNeeded(Refusal):
    """A parcel needs to know where to."""

    code = "address_needed"
    status = 422
    say = Text(zh="配送需要收件人、手机号和地址。", en="A parcel needs a name, a phone number and an address.")
    step = Text(zh="请把地址填完整。", en="Fill in where it is to go.")


class GiftUnderfunded(Refusal):
    """The points and the cash together do not cover what the supplier is paid."""

    code = "gift_underfunded"
    status = 422
    say = Text(
        zh="结算价 {cost} 高于积分与现金合计的 {worth}。",
        en="The cost of {cost} is above the {worth} of points and cash.",
    )
    step = Text(zh="请提高积分或现金，或降低结算价。", en="Ask for more points or cash, or lower the cost.")


class NumberNeeded(Refusal):
    """A parcel was said to be sent without a carrier and a number by which one can follow it."""

    code = "parcel_number_needed"
    status = 422
    say = Text(zh="请填写快递公司和单号。", en="Say which carrier has it, and its number.")
    step = Text(zh="单号在快递面单上。", en="The number stands on the carrier's slip.")


class DeliveryNotFound(Refusal):
    """There is no such parcel of this merchant or member."""

    code = "delivery_not_found"
    status = 404
    say = Text(zh="没有找到这个配送单。", en="There is no such parcel.")
    step = Text(zh="请在列表里查看。", en="Look in the list.")


class DeliveryState(Refusal):
    """The parcel is in a state from which it cannot come to that one."""

    code = "delivery_state"
    say = Text(zh="包裹目前{state}，不能这样操作。", en="The parcel {state}, so this cannot be done.")
    step = Text(zh="请刷新页面查看最新状态。", en="Reload the page to see how it stands.")
    words: ClassVar = {
        "state": {
            "waiting": Text(zh="等待付款", en="waits for its payment"),
            "asked": Text(zh="等待寄出", en="is still to be sent"),
            "sent": Text(zh="已寄出", en="is on its way"), "delivered": Text(zh="已送达", en="has arrived"),
            "returned": Text(zh="已退回", en="came back"), "cancelled": Text(zh="已取消", en="was cancelled"),
        }
    }  # fmt: skip
