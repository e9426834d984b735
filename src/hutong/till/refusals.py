"""Why a bill is not settled with what is shown."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class NothingShown(Refusal):
    """A bill without a coupon, a card or a member is none of ours."""

    code = "nothing_shown"
    status = 422
    say = Text(zh="还没有出示会员码、优惠券或卡。", en="No member code, coupon or card has been shown yet.")
    step = Text(
        zh="请扫描顾客的会员码、券码或卡码，一次最多 {most} 张。",
        en="Scan the guest's member code, coupons or cards, {most} at most.",
    )


class NoAmount(Refusal):
    """A bill is more than nothing, in the city's currency."""

    code = "no_amount"
    status = 422
    say = Text(zh="请填写账单金额。", en="Enter the amount of the bill.")
    step = Text(zh="金额须大于零，货币为 {asset}。", en="It is more than zero, in {asset}.")


class SeveralGuests(Refusal):
    """What is shown belongs to more than one person."""

    code = "several_guests"
    say = Text(zh="出示的券和卡不属于同一位顾客。", en="These coupons and cards belong to more than one guest.")
    step = Text(zh="请为每位顾客分开结账。", en="Settle the bill of each guest by itself.")


class NotForBills(Refusal):
    """The voucher is for something certain, not for money off a bill."""

    code = "not_for_bills"
    say = Text(zh="「{title_zh}」不能用于抵扣账单。", en="“{title_en}” is not for a bill.")
    step = Text(zh="请直接核销这张券。", en="Redeem it by itself.")


class BillTooSmall(Refusal):
    """The bill is below what earns a stamp."""

    code = "bill_too_small"
    say = Text(zh="满 {least} 才能盖章。", en="A stamp is for bills from {least}.")
    step = Text(zh="再消费 {more} 即可盖章。", en="{more} more, and it earns one.")


class BillUnknown(Refusal):
    """There is no such bill of this merchant at this counter."""

    code = "bill_not_found"
    status = 404
    say = Text(zh="没有找到这笔账单。", en="There is no such bill here.")
    step = Text(zh="请核对编号和门店。", en="Check its number and the store.")


class BillUndone(Refusal):
    """Somebody else has undone the bill already."""

    code = "bill_undone"
    say = Text(zh="这笔账单已于 {at} 撤销。", en="This bill was undone at {at}.")
    step = Text(zh="无需再次撤销。", en="There is nothing left to undo.")


class RewardUsed(Refusal):
    """The stamp of this bill filled a card, and what it earned is used."""

    code = "reward_used"
    say = Text(zh="集满的奖励已经使用，这笔账单不能撤销。", en="The reward of the full stamp card is used already.")
    step = Text(zh="请按退款方式与顾客处理。", en="Settle it with the guest as a refund.")


class BillVoid(Refusal):
    """The till said that this bill is void before the bill itself came."""

    code = "bill_void"
    say = Text(zh="这笔账单已于 {at} 作废。", en="This bill was declared void at {at}.")
    step = Text(zh="无需再上传；新的消费请用新的编号。", en="Nothing more to send; a new bill has a number of its own.")


class PointsNeedCode(Refusal):
    """Points are used with the member's own code only: a number alone is no consent."""

    code = "points_need_code"
    status = 422
    say = Text(zh="使用积分需要顾客出示会员码。", en="To use points, the guest shows the member code.")
    step = Text(zh="请顾客打开会员码并扫描。", en="Ask the guest to open the member code, and scan it.")


class PointsNotHere(Refusal):
    """Points are no money off at this merchant."""

    code = "points_not_here"
    say = Text(zh="这家店不收积分。", en="Points are not taken here.")
    step = Text(zh="请按未用积分结账。", en="Settle the bill without points.")


class PointsOffline(Refusal):
    """A bill that comes later has used no points: nobody could know whether they were there."""

    code = "points_offline"
    status = 422
    say = Text(zh="离线账单不能使用积分。", en="A bill that was made offline cannot use points.")
    step = Text(zh="联网后再使用积分。", en="Use points when the till has its network.")


class TimeWrong(Refusal):
    """The bill lies in the future, or too far back."""

    code = "bill_time"
    status = 422
    say = Text(zh="账单时间不可用。", en="The time of this bill cannot be right.")
    step = Text(
        zh="时间须在过去 {days} 天内；请校准收银机时钟。", en="It lies in the last {days} days; set the till's clock."
    )


class NothingToCollect(Refusal):
    """There is nothing left that the guest could pay by phone."""

    code = "nothing_to_collect"
    say = Text(zh="这笔账单没有需要手机支付的金额。", en="Nothing of this bill is left to be paid by phone.")
    step = Text(zh="直接完成即可。", en="It is settled as it is.")


class NotWaiting(Refusal):
    """The bill is paid, or taken back, or was never to be paid by phone."""

    code = "bill_not_waiting"
    say = Text(zh="这笔账单不在等待手机支付。", en="This bill does not wait for a payment by phone.")
    step = Text(zh="请查看账单的最新状态。", en="Look at the bill as it stands now.")


class UndoOver(Refusal):
    """The time to take a bill back is over."""

    code = "bill_undo_over"
    say = Text(zh="撤销时限已过（{until}）。", en="This bill could be undone until {until}.")
    step = Text(zh="请店长处理。", en="Ask the manager.")
