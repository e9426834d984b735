"""Why a transfer is refused. The order of precedence is that of the classes below and of the README."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

_CALLER = Text(zh="请联系平台技术支持。", en="Tell the platform's engineers; nothing was posted.")
_ASK = Text(zh="请先查询原冻结的状态。", en="Look at the state of the reserve first.")


class ChainOpen(Refusal):
    """The list ends although its last transfer says that it is linked to the next."""

    code = "chain_open"
    status = 422
    say = Text(zh="联动转账没有结尾。", en="A chain of linked transfers has no end.")
    step = _CALLER


class LinkedFailed(Refusal):
    """A transfer that it is linked with was refused, for the reason `cause`."""

    code = "linked_failed"
    status = 409
    say = Text(zh="与它联动的转账未能完成（{cause}）。", en="A transfer linked with it was refused ({cause}).")
    step = Text(zh="请先处理那一笔。", en="Solve the cause; they can only be posted together.")


class IdTaken(Refusal):
    """The id belongs to a transfer with other content."""

    code = "id_taken"
    status = 409
    say = Text(zh="转账编号 {transfer} 已被使用。", en="The id {transfer} belongs to another transfer.")
    step = _CALLER


class AccountsSame(Refusal):
    """Debit and credit name one account."""

    code = "accounts_same"
    status = 422
    say = Text(zh="借方与贷方是同一账户「{path}」。", en="“{path}” cannot be debited and credited at once.")
    step = _CALLER


class AmountNotPositive(Refusal):
    """Zero or less: a movement the other way names its accounts the other way."""

    code = "amount_not_positive"
    status = 422
    say = Text(zh="转账金额必须大于零。", en="The amount must be above zero.")
    step = _CALLER


class AmountTooLarge(Refusal):
    """More than any real movement (10^15 units): refused before it can overflow a total."""

    code = "amount_too_large"
    status = 422
    say = Text(zh="转账金额过大。", en="The amount is too large.")
    step = _CALLER


class AssetOfAccount(Refusal):
    """The account holds one asset and the amount is in another."""

    code = "asset_mismatch"
    status = 422
    say = Text(zh="账户「{path}」不接受 {asset}。", en="“{path}” does not hold {asset}.")
    step = _CALLER


class TwinMissing(Refusal):
    """A movement against a clearing account without its other half, in the other book, in the same chain."""

    code = "twin_missing"
    status = 422
    say = Text(zh="跨账簿转账缺少另一半。", en="A movement between books lacks its other half.")
    step = _CALLER


class AccountConflict(Refusal):
    """The account exists with another side or another overdraft rule than the transfer declares."""

    code = "account_conflict"
    status = 422
    say = Text(zh="账户「{path}」的性质与原来不符。", en="“{path}” exists as another kind of account.")
    step = _CALLER


class PendingNotFound(Refusal):
    """There is no reserve of that id in this book."""

    code = "pending_not_found"
    status = 404
    say = Text(zh="没有找到这笔冻结。", en="There is no such reserve.")
    step = _ASK


class PendingOtherAccounts(Refusal):
    """The reserve is between other accounts or in another asset."""

    code = "pending_other_accounts"
    status = 422
    say = Text(zh="这笔冻结属于其他账户。", en="The reserve is between other accounts.")
    step = _CALLER


class AlreadyPosted(Refusal):
    """The reserve was posted before (by another transfer)."""

    code = "already_posted"
    status = 409
    say = Text(zh="这笔冻结已经入账。", en="The reserve was posted already.")
    step = _ASK


class AlreadyVoided(Refusal):
    """The reserve was voided before."""

    code = "already_voided"
    status = 409
    say = Text(zh="这笔冻结已经撤销。", en="The reserve was voided already.")
    step = _ASK


class PendingExpired(Refusal):
    """The reserve's time is over, whether or not `expire` has swept it yet."""

    code = "pending_expired"
    status = 409
    say = Text(zh="这笔冻结已经过期。", en="The reserve has expired.")
    step = Text(zh="请重新发起。", en="Reserve again.")


class PendingNotDue(Refusal):
    """Only `expire` sees it: the reserve's time is not over."""

    code = "pending_not_due"
    status = 409
    say = Text(zh="这笔冻结尚未到期。", en="The reserve has not expired yet.")
    step = _ASK


class ExceedsPending(Refusal):
    """More than was reserved."""

    code = "exceeds_pending"
    status = 409
    say = Text(zh="金额超过冻结的 {reserved}。", en="The amount exceeds the {reserved} that were reserved.")
    step = _CALLER


class PendingOtherAmount(Refusal):
    """A reserve is voided whole; the amount must say so."""

    code = "pending_other_amount"
    status = 422
    say = Text(zh="撤销必须是冻结的全额 {reserved}。", en="A reserve is voided whole: {reserved}.")
    step = _CALLER


class InsufficientFunds(Refusal):
    """The account may not go below zero, counting what is reserved, and would."""

    code = "insufficient_funds"
    status = 409
    say = Text(
        zh="「{path}」余额不足：可用 {available}，需要 {wanted}。", en="“{path}” has {available} left of {wanted}."
    )
    step = Text(zh="请减少金额或先充值。", en="Take less, or add funds first.")
