"""Why a period cannot be closed, or a line not be disputed."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class PeriodOpen(Refusal):
    """The period has not ended yet; `until` is its end."""

    code = "period_open"
    say = Text(zh="账期尚未结束。", en="The period has not ended yet.")
    step = Text(zh="请在 {until} 之后再关账。", en="Close it after {until}.")


class PeriodGap(Refusal):
    """The period does not begin where the last closed one ended."""

    code = "period_gap"
    say = Text(
        zh="账期没有与上一期相接（上一期止于 {until}）。",
        en="The period does not follow the last one, which ended at {until}.",
    )
    step = Text(zh="请从上一期结束处开始。", en="Begin where the last one ended.")


class PeriodDays(Refusal):
    """A period is made of whole days of the programme's zone."""

    code = "period_days"
    status = 422
    say = Text(zh="账期必须由整天组成（{zone}）。", en="A period is made of whole days in {zone}.")
    step = Text(zh="请以当地零点为界。", en="Begin and end it at local midnight.")


class RunUnposted(Refusal):
    """The run before is not booked to its last statement."""

    code = "run_unposted"
    say = Text(zh="上一期清分还没有全部入账。", en="The clearing before is not booked completely.")
    step = Text(zh="请稍后再试。", en="Wait until it is, then try again.")


class RunTaken(Refusal):
    """The run's id closed another period."""

    code = "run_taken"
    say = Text(zh="该清分编号已用于其他账期。", en="This run closed another period.")
    step = Text(zh="请使用新的编号。", en="Use a new id.")


class StatementUnknown(Refusal):
    """There is no such clearing statement, or it is another party's."""

    code = "clearing_not_found"
    status = 404
    say = Text(zh="没有找到这份清分单。", en="There is no such clearing statement.")
    step = Text(zh="请从清分单列表中选择。", en="Choose one from the list.")


class LineUnknown(Refusal):
    """There is no such line on a statement of this party."""

    code = "clearing_line_not_found"
    status = 404
    say = Text(zh="没有找到这笔清分明细。", en="There is no such line on your statements.")
    step = Text(zh="请在清分单里选择要质疑的那一笔。", en="Choose the line on your statement.")


class LineDisputed(Refusal):
    """A line is disputed once."""

    code = "disputed_already"
    say = Text(zh="这笔已经提出过异议。", en="This line was disputed before.")
    step = Text(zh="请查看处理结果。", en="See how it was decided.")


class DisputeLate(Refusal):
    """The days for disputes are over."""

    code = "dispute_late"
    say = Text(zh="已超过 {days} 天的异议期。", en="Lines can be disputed for {days} days.")
    step = Text(zh="请联系平台。", en="Talk to the platform.")


class DisputeEmpty(Refusal):
    """A dispute says why, and a decision too."""

    code = "dispute_reason"
    status = 422
    say = Text(zh="请说明理由。", en="Say why.")
    step = Text(zh="用一两句话写明。", en="A sentence or two will do.")


class DisputeUnknown(Refusal):
    """There is no such case."""

    code = "dispute_not_found"
    status = 404
    say = Text(zh="没有找到这个异议。", en="There is no such dispute.")
    step = Text(zh="请刷新列表。", en="Look at the list again.")


class DisputeDecided(Refusal):
    """A case is decided once."""

    code = "dispute_decided"
    say = Text(zh="这个异议已有结论。", en="This dispute was decided already.")
    step = Text(zh="更正会出现在下一期清分单。", en="What it changed is on the next statement.")


class CorrectionBad(Refusal):
    """The amount that should have been is missing, the same as before, or out of all measure."""

    code = "correction_bad"
    status = 422
    say = Text(zh="请填写与原金额不同的正确金额。", en="Say the right amount; it must differ from the old one.")
    step = Text(zh="请检查金额。", en="Look at the amount.")
