"""Why points are not given, not spent, or not moved."""

from typing import ClassVar

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class ProgrammeUnknown(Refusal):
    """There is no such programme, or none of this merchant."""

    code = "programme_not_found"
    status = 404
    say = Text(zh="没有找到这个积分联盟。", en="There is no such programme.")
    step = Text(zh="请检查链接或编号。", en="Check the link or the number.")


class ProgrammeClosed(Refusal):
    """It has not begun, or has ended, or has no rules for that time."""

    code = "programme_closed"
    say = Text(zh="这个积分联盟当前未开放。", en="This programme is not open.")
    step = Text(zh="请咨询店员或稍后再来。", en="Ask the staff, or come back later.")


class ProgrammeUnsound(Refusal):
    """What was asked to be saved contradicts itself or what stands already."""

    code = "programme_unsound"
    status = 422
    say = Text(zh="规则「{field}」无法保存：{why}", en="“{field}” cannot be saved: {why}")
    step = Text(zh="请修改后重新提交。", en="Correct it and send it again.")
    words: ClassVar = {
        "why": {
            "incomplete": Text(zh="积分须有面值、资产和城市。", en="a point needs a face value, an asset and a city."),
            "fixed": Text(zh="面值、币种和时区设定后不能修改。", en="what a point is cannot be changed."),
            "no_rules": Text(zh="还没有规则。", en="it has no rules yet."),
            "out_of_range": Text(zh="超出允许的范围。", en="it is out of range."),
            "gives_nothing": Text(zh="须有奖励、期间和预算。", en="it gives nothing, or never, or without a budget."),
        }
    }


class VersionStale(Refusal):
    """Somebody else has changed it since it was read."""

    code = "programme_changed"
    say = Text(zh="内容已被他人修改。", en="Somebody else has changed this meanwhile.")
    step = Text(zh="重新打开后再修改。", en="Open it again and repeat your change.")


class NotAPartner(Refusal):
    """The merchant gives no points in this programme."""

    code = "not_a_partner"
    say = Text(zh="该商家没有参加这个积分联盟。", en="This merchant is not a partner of the programme.")
    step = Text(zh="请到参加联盟的商家使用。", en="Visit a merchant that takes part.")


class InOtherProgramme(Refusal):
    """A merchant is a partner of one programme at a time."""

    code = "partner_elsewhere"
    say = Text(zh="该商家已参加另一个积分联盟。", en="This merchant is a partner of another programme.")
    step = Text(zh="先退出原联盟，再加入。", en="Let it leave that programme first.")


class PartnerPaused(Refusal):
    """The partner pauses."""

    code = "partner_paused"
    say = Text(zh="该商家暂停了积分服务。", en="This partner has paused points for now.")
    step = Text(zh="请稍后再来，或到其他商家使用。", en="Come back later, or visit another partner.")


class NotRedeeming(Refusal):
    """The partner gives points, but takes none."""

    code = "not_redeeming"
    say = Text(zh="该商家只发放积分，不收积分。", en="This partner gives points but does not take them.")
    step = Text(zh="请到其他联盟商家使用积分。", en="Spend your points at another partner.")


class PointsShort(Refusal):
    """Fewer points are available than were asked for."""

    code = "points_short"
    say = Text(
        zh="可用积分只有 {available:,}，需要 {wanted:,}。", en="Only {available:,} points are available of {wanted:,}."
    )
    step = Text(zh="减少使用的积分。", en="Use fewer points.")


class PointsPending(Refusal):
    """There are enough points, but some of them are not available yet."""

    code = "points_pending"
    say = Text(zh="部分积分要到 {matures} 才可使用。", en="Some of these points can be used from {matures} on.")
    step = Text(zh="减少使用的积分，或到期后再用。", en="Use fewer points, or wait until then.")


class FundingExhausted(Refusal):
    """The partner's money for points is used up (or he owes as much as he may): no points, and the purchase stands."""

    code = "funding_exhausted"
    say = Text(zh="该商家的积分额度已用完，本次没有积分。", en="This partner's points are used up: none this time.")
    step = Text(zh="商家充值后会补发积分。", en="The partner can give them later, once he has added to his block.")


class EarnedAlready(Refusal):
    """This purchase has given its points, once and for ever."""

    code = "earned_already"
    say = Text(zh="这笔消费已经积过分。", en="This purchase has earned its points already.")
    step = Text(zh="在积分明细中查看。", en="See the history of your points.")


class EarnCap(Refusal):
    """A limit of the programme for a day was reached: by a member, at a partner, or by one cashier."""

    code = "earn_cap"
    say = Text(zh="今天的积分已达上限（{which}）。", en="The limit of points for today is reached ({which}).")
    step = Text(zh="请明天再来，或由联盟管理员补发。", en="Come back tomorrow, or ask the programme's manager.")
    words: ClassVar = {
        "which": {
            "member": Text(zh="每位会员的积分数", en="points for each member"),
            "partner": Text(zh="每位会员在同一商家的次数", en="how often at one shop"),
            "staff": Text(zh="每位店员发放的次数", en="how often by one cashier"),
        }
    }


class BurnUnknown(Refusal):
    """There is no such use of points by this member."""

    code = "burn_not_found"
    status = 404
    say = Text(zh="没有找到这笔积分使用。", en="There is no such use of points.")
    step = Text(zh="请检查编号。", en="Check the number.")


class BurnResolved(Refusal):
    """It was released or given back before, or is not as much as that."""

    code = "burn_resolved"
    say = Text(zh="这笔积分已经退回或释放。", en="These points were given back or released before.")
    step = Text(zh="在积分明细中查看。", en="See the history of your points.")


class SendLimit(Refusal):
    """More points, or more often, than a member may send on a day."""

    code = "send_limit"
    say = Text(zh="今天转赠的{which}已达上限。", en="The limit of sending for today is reached ({which}).")
    step = Text(zh="请明天再转赠。", en="Send the rest tomorrow.")
    words: ClassVar = {"which": {"points": Text(zh="积分", en="points"), "times": Text(zh="次数", en="how often")}}


class SendToSelf(Refusal):
    """Points are sent to somebody else."""

    code = "send_to_self"
    status = 422
    say = Text(zh="不能把积分转赠给自己。", en="You cannot send points to yourself.")
    step = Text(zh="请输入朋友的手机号。", en="Give the number of a friend.")


class AmountCurrency(Refusal):
    """The money is not in the programme's currency, or is not above zero."""

    code = "amount_currency"
    status = 422
    say = Text(zh="金额须为正数，币种须为 {currency}。", en="The amount must be above zero, in {currency}.")
    step = Text(zh="请修改后重新提交。", en="Correct it and send it again.")


class PointsCount(Refusal):
    """Points are a whole number above zero."""

    code = "points_count"
    status = 422
    say = Text(zh="积分须为正整数。", en="Points are a whole number above zero.")
    step = Text(zh="请修改后重新提交。", en="Correct it and send it again.")


class WorthTooMuch(Refusal):
    """The partner would get more than stands behind the points."""

    code = "worth_too_much"
    status = 422
    say = Text(zh="成本超出积分面值 {face}。", en="The cost is more than the {face} behind these points.")
    step = Text(zh="提高积分价格，或加收现金。", en="Ask for more points, or for some money besides.")


class MovementTaken(Refusal):
    """The key belongs to another request."""

    code = "movement_taken"
    say = Text(zh="该编号已用于另一笔积分变动。", en="This key was used for another movement of points.")
    step = Text(zh="请换一个编号。", en="Use a new key.")
