"""Why a step of recruiting is not taken."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class OperatorUnknown(Refusal):
    """No such operator, or he has ended."""

    code = "operator_not_found"
    status = 404
    say = Text(zh="没有这个运营商，或已停止合作。", en="There is no such operator, or it is none any more.")
    step = Text(zh="请从运营商列表中选择。", en="Choose one from the list of operators.")


class RankWrong(Refusal):
    """The parent does not stand above, or the part is none."""

    code = "operator_rank_wrong"
    status = 422
    say = Text(zh="上级或分成比例不正确。", en="The parent or the share is not right.")
    step = Text(
        zh="分部之下可设代理和人员，代理之下可设人员；比例为 0 到 100%。",
        en="Agents and staff stand under a division, staff under an agent; a share is 0 to 100 %.",
    )


class RankChanged(Refusal):
    """Somebody has written another version meanwhile."""

    code = "operator_rank_changed"
    say = Text(zh="层级刚刚被其他人修改。", en="Somebody has just changed this level.")
    step = Text(zh="请查看最新内容后再修改。", en="Look at it again, then change it.")


class TerritoryTaken(Refusal):
    """Another operator runs it, or a part of it."""

    code = "territory_taken"
    say = Text(zh="该区域（或其中一部分）已有运营商。", en="Another operator runs this territory or a part of it.")
    step = Text(zh="请先转移或收回该区域。", en="Transfer it or take it back first.")


class TerritoryNeeded(Refusal):
    """Only an operator with no one above him runs a territory."""

    code = "territory_for_the_highest"
    status = 422
    say = Text(zh="只有最上级的运营商可以负责区域。", en="Only an operator with none above him runs a territory.")
    step = Text(zh="请把区域交给其上级；下级在上级的区域内工作。", en="Give it to his parent: he works in it, too.")


class CallingOver(Refusal):
    """The link is unknown, used up, taken back or too old."""

    code = "recruiting_invitation_over"
    status = 410
    say = Text(zh="这个邀请已失效。", en="This invitation is over.")
    step = Text(zh="请向对方要一个新的邀请，或直接申请入驻。", en="Ask for a new one, or apply without it.")


class ApplicationUnknown(Refusal):
    """No such application here, or not for the asker: both look the same."""

    code = "application_not_found"
    status = 404
    say = Text(zh="没有找到这份入驻申请。", en="There is no such application.")
    step = Text(zh="请检查链接，或回到列表。", en="Check the link or go back to the list.")


class ApplicationChanged(Refusal):
    """It is not what it was when it was looked at."""

    code = "application_changed"
    say = Text(zh="这份申请刚刚有了变化。", en="This application has just changed.")
    step = Text(zh="请查看最新内容后再处理。", en="Look at it again before you decide.")


class ApplicationNotOpen(Refusal):
    """The step does not fit its state."""

    code = "application_not_open"
    say = Text(zh="申请当前的状态不能这样操作。", en="The application is not at this step.")
    step = Text(zh="请查看申请的最新进度。", en="Look at how far it is.")


class TooManyApplications(Refusal):
    """A member has as many open applications as he may."""

    code = "too_many_applications"
    say = Text(zh="您已有 {most} 份处理中的申请。", en="You have {most} open applications already.")
    step = Text(zh="请等待其中一份完成，或撤回一份。", en="Wait until one has ended, or withdraw one.")


class DocumentsMissing(Refusal):
    """Something that the trade asks for is not there, or was rejected."""

    code = "documents_missing"
    status = 422
    say = Text(zh="还缺 {count} 份材料。", en="{count} documents are missing.")
    step = Text(zh="请先上传缺少的材料。", en="Bring what is missing first.")


class DocumentExpired(Refusal):
    """A document has expired."""

    code = "document_expired"
    status = 422
    say = Text(zh="有材料已过有效期。", en="A document has expired.")
    step = Text(zh="请上传仍在有效期内的材料。", en="Bring one that is still valid.")


class NoSuchDemand(Refusal):
    """The trade does not ask for it, or it does not wait for this."""

    code = "requirement_not_open"
    say = Text(zh="这份材料现在不需要处理。", en="This document does not wait for that.")
    step = Text(zh="请刷新后查看材料清单。", en="Load the page again and look at the list.")


class VisitUnknown(Refusal):
    """No such visit of the asker's operators."""

    code = "visit_not_found"
    status = 404
    say = Text(zh="没有找到这次拜访。", en="There is no such visit.")
    step = Text(zh="请回到拜访记录。", en="Go back to the visits.")


class ContractUnknown(Refusal):
    """No such contract, or not of this merchant."""

    code = "contract_not_found"
    status = 404
    say = Text(zh="没有找到这份合同。", en="There is no such contract.")
    step = Text(zh="请回到合同列表。", en="Go back to the contracts.")


class ContractChanged(Refusal):
    """Another version has been offered or signed meanwhile."""

    code = "contract_changed"
    say = Text(zh="合同已有新的版本。", en="There is a newer version of the contract.")
    step = Text(zh="请查看最新版本。", en="Look at the newest version.")


class ClaimEnded(Refusal):
    """The platform has decided about this claim."""

    code = "claim_ended"
    say = Text(zh="平台已对这项归属作出裁定。", en="The platform has decided about this claim.")
    step = Text(zh="如有新的证据，请联系平台。", en="If there is new evidence, talk to the platform.")


class CaseUnknown(Refusal):
    """No such case."""

    code = "case_not_found"
    status = 404
    say = Text(zh="没有找到这个归属案件。", en="There is no such case.")
    step = Text(zh="请回到案件列表。", en="Go back to the cases.")


class CaseDecided(Refusal):
    """It was decided otherwise before."""

    code = "case_decided"
    say = Text(zh="这个案件已经裁定。", en="This case has been decided.")
    step = Text(zh="裁定不会被改写；如需变更，请办理转移。", en="A decision is never rewritten; transfer instead.")


class NotAClaimant(Refusal):
    """Who is to win has not claimed."""

    code = "not_a_claimant"
    status = 422
    say = Text(zh="该运营商没有提出归属主张。", en="This operator has not claimed the merchant.")
    step = Text(zh="请在主张归属的运营商中选择，或判归平台。", en="Choose one of the claimants, or the platform.")
