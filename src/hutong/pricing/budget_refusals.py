"""Why a promotion cannot be used or claimed now, though its conditions may agree."""

from typing import ClassVar

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class PromotionUnknown(Refusal):
    """There is no such promotion, or the asker may not see it."""

    code = "promotion_not_found"
    status = 404
    say = Text(zh="没有找到这个活动。", en="There is no such promotion.")
    step = Text(zh="请返回活动列表。", en="Go back to the list of campaigns.")


class PromotionPaused(Refusal):
    """The promotion was stopped, by its merchant, by the operator or by the alarm."""

    code = "promotion_paused"
    say = Text(zh="这个优惠已暂停。", en="This promotion is paused.")
    step = Text(zh="价格已按不含此优惠重新计算。", en="The price is given without it; look at the other offers.")


class PromotionNotBegun(Refusal):
    """Its time has not come."""

    code = "promotion_not_begun"
    say = Text(zh="这个优惠 {from} 才开始。", en="This promotion begins at {from}.")
    step = Text(zh="开始后再来。", en="Come back when it has begun.")


class PromotionOver(Refusal):
    """Its time is over."""

    code = "promotion_over"
    say = Text(zh="这个优惠已结束。", en="This promotion is over.")
    step = Text(zh="看看其他优惠。", en="Look at the other promotions.")


class BudgetExhausted(Refusal):
    """What was set aside for the promotion is spent: in money or in uses."""

    code = "budget_exhausted"
    say = Text(zh="这个优惠的预算已用完。", en="What was set aside for this promotion is spent.")
    step = Text(
        zh="请按当前价格确认，或选用其他优惠。", en="Agree to the price without it, or choose another promotion."
    )


class PromotionLimit(Refusal):
    """This member, number, device or day has used it as often as one may. `attribute` says which."""

    code = "promotion_limit"
    say = Text(zh="您已达到这个优惠的使用上限。", en="You have used this promotion as often as one may.")
    step = Text(zh="选用其他优惠。", en="Choose another promotion.")


class BudgetTooLow(Refusal):
    """A budget cannot be less than what is spent and held."""

    code = "budget_too_low"
    say = Text(
        zh="预算不能低于已用与预留之和 {least}。", en="The budget cannot be less than the {least} spent and held."
    )
    step = Text(zh="请填写不小于 {least} 的预算。", en="Choose {least} or more.")


class PromotionChanged(Refusal):
    """Somebody else saved it in the meantime."""

    code = "promotion_changed"
    say = Text(zh="这个活动刚被修改过。", en="This campaign was changed meanwhile.")
    step = Text(zh="请刷新后重新修改。", en="Read it again, then change it.")


class PromotionStands(Refusal):
    """What was published keeps its benefit, its conditions and its payers; budgets, name and end may change."""

    code = "promotion_stands"
    say = Text(zh="活动发布后不能修改优惠内容。", en="What a published campaign gives cannot be changed any more.")
    step = Text(zh="请结束它，再新建一个。", en="End it and make a new one.")


class NoSuchStep(Refusal):
    """From its state the promotion cannot come to the wanted one."""

    code = "promotion_step"
    say = Text(zh="当前状态「{state}」不能执行此操作。", en="This cannot be done to a campaign that is {state}.")
    step = Text(zh="请刷新后查看最新状态。", en="Read it again to see how it stands.")
    words: ClassVar = {
        "state": {
            "draft": Text(zh="草稿", en="a draft"), "live": Text(zh="进行中", en="running"),
            "paused": Text(zh="已停止", en="stopped"), "ended": Text(zh="已结束", en="over"),
        }
    }  # fmt: skip


class NoBudget(Refusal):
    """A promotion goes live only with a limit of what it may cost."""

    code = "promotion_without_budget"
    status = 422
    say = Text(zh="请先设置总预算（金额或次数）。", en="Set a budget in all, in money or in uses, first.")
    step = Text(zh="填写总预算后再发布。", en="Fill it in, then publish.")


class CodeUnknown(Refusal):
    """No such code; one of somebody else looks alike."""

    code = "coupon_code_unknown"
    status = 404
    say = Text(zh="这个兑换码不对，或不属于您。", en="This code is not right, or not yours.")
    step = Text(zh="请核对后重新输入。", en="Check it and type it again.")


class CodeUsed(Refusal):
    """The code was claimed before."""

    code = "coupon_code_used"
    say = Text(zh="这个兑换码已被领取。", en="This code was claimed before.")
    step = Text(zh="如不是您领取的，请联系商家。", en="If it was not you, ask the merchant.")


class PoolEmpty(Refusal):
    """The codes that a third party gave are all taken."""

    code = "coupon_pool_empty"
    say = Text(zh="券码已发完。", en="All codes have been given out.")
    step = Text(zh="看看其他优惠。", en="Look at the other promotions.")


class WeakCode(Refusal):
    """A code that anybody may claim with must be hard to guess."""

    code = "coupon_code_weak"
    status = 422
    say = Text(
        zh="兑换码太短，容易被猜中：至少 {least} 位字母和数字。",
        en="Too easy to guess: {least} letters and digits or more.",
    )
    step = Text(zh="请使用更长的码，或绑定手机号。", en="Use longer codes, or bind each to a phone number.")


class CodeTwice(Refusal):
    """The code is there already."""

    code = "coupon_code_twice"
    say = Text(zh="这个码已存在。", en="This code is there already.")
    step = Text(zh="请去掉重复的行。", en="Leave out the line.")
