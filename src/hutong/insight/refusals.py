"""Refusals of insight."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class BadPlan(Refusal):
    """A cost below nothing, or a share or a number of guests that cannot be."""

    code = "bad_plan"
    status = 422
    say = Text(zh="成本、回头比例或接待能力填写有误。", en="The cost, the share or the number of guests cannot be.")
    step = Text(
        zh="成本填金额，比例填 0 到 100，人数填整数。", en="Give an amount, a share from 0 to 100, whole guests."
    )


class NobodyToNudge(Refusal):
    """Nobody who may be asked holds such a voucher: all were asked lately, or nobody is left."""

    code = "nobody_to_nudge"
    say = Text(zh="目前没有可以提醒的顾客。", en="There is nobody left to remind now.")
    step = Text(zh="同一位顾客 14 天内只提醒一次，请稍后再试。", en="A guest is reminded once in 14 days; try later.")
