"""Payouts as values: who is paid, what was asked for, what the provider said, and what may be refused.

A payout: (waiting ->) asked -> unknown -> done | refused. `waiting`: a second person lets it go. Unknown is set before
the provider is called and is left by his word only, or by a person with evidence: it is asked before anything is
repeated (K10, K11).
"""

from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.ids import PAYOUT
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

PayeeKind = Literal["merchant", "operator"]
PayoutState = Literal["waiting", "asked", "unknown", "done", "refused"]
TaskKind = Literal["refused", "stuck", "bill_differs", "no_account"]

CALL_REST = timedelta(seconds=30)  # longer than a call may take: nobody asks about a call that is being made
ASK_AGAIN = (30, 60, 120, 300, 600, 1_800, 3_600)  # seconds between two questions; the last one repeats
# A provider that has never heard of a number is asked again under the same number, which he pays once. Providers
# forget numbers after a day (K11), so what is older is for a person to look at.
RESEND_WITHIN = timedelta(hours=12)
EVIDENCE_LETTERS = 10


class Payee(Struct, frozen=True, order=True):
    """Who is paid: a merchant or an operator."""

    kind: PayeeKind
    id: UUID


class AskPayout(Struct, frozen=True, kw_only=True):
    """Pay out everything that is payable to a merchant or an operator in one asset, to `account`.

    Without an account it is only booked: nobody is called for it.
    """

    payout_id: UUID
    provider: str
    asset: str
    merchant_id: UUID | None = None
    operator_id: UUID | None = None
    account: str | None = None
    by: UUID | None = None
    batch_id: UUID | None = None

    @property
    def payee(self) -> Payee:
        if self.operator_id is not None:
            return Payee("operator", self.operator_id)
        assert self.merchant_id is not None, "a payout is for somebody"
        return Payee("merchant", self.merchant_id)


class PayoutAsked(Struct, frozen=True, kw_only=True):
    """Reserved; `waiting`: until a second person has approved it."""

    payout_id: UUID
    payee: Payee
    amount: Amount
    provider: str
    waiting: bool = False


class PayoutResult(Struct, frozen=True, kw_only=True):
    """What the provider said of a payout; `unknown` means: ask again before anything else. `failure`: his word for why
    not. A person's word has `by` and the evidence in `note`."""

    payout_id: UUID
    state: Literal["done", "refused", "unknown"]
    failure: str | None = None
    provider_no: str | None = None
    cause: Literal["answer", "callback", "bill", "marked", "declined"] = "answer"
    by: UUID | None = None
    note: str = ""


class Payout(Struct, frozen=True, kw_only=True):
    """Money sent to a payee, or on its way to him."""

    city_id: int
    payout_id: UUID
    payee: Payee
    provider: str
    amount: Amount
    account: str | None
    state: PayoutState
    batch_id: UUID | None
    asked_by: UUID | None
    asked_at: datetime
    first_sent_at: datetime | None
    tries: int
    provider_no: str | None
    failure: str | None
    ended_at: datetime | None

    @property
    def number(self) -> str:
        """Our number at the provider: the same one whenever it is sent."""
        return PAYOUT.show(self.payout_id, self.city_id)


class PayoutChange(Struct, frozen=True, kw_only=True):
    """One step in the history of a payout."""

    seq: int
    state: str
    cause: str
    by: UUID | None
    note: str
    at: datetime


class Batch(Struct, frozen=True, kw_only=True):
    """What a city is paid out on a day: how many payouts, and their sum."""

    batch_id: UUID
    day: date
    provider: str
    state: Literal["waiting", "sent", "declined"]
    count: int
    amount: Amount
    made_by: UUID | None
    made_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    why: str | None


class MakeBatch(Struct, frozen=True, kw_only=True):
    """Pay out all that stands above `least_units` to everybody in the city. Above `limit_units` in all, a second person
    lets the batch go (None: no limit)."""

    batch_id: UUID
    day: date
    provider: str
    asset: str
    by: UUID | None
    least_units: int = 1
    limit_units: int | None = None


class PayAccount(Struct, frozen=True, kw_only=True):
    """A version of where a payee wants his money. It is used from `usable_from` on, after it was approved."""

    payee: Payee
    version: int
    account: str
    holder: str
    state: Literal["proposed", "approved", "declined"]
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    usable_from: datetime | None
    why: str | None

    @property
    def tail(self) -> str:
        """The last four letters: what a page shows of it."""
        return self.account[-4:]


class Standing(Struct, frozen=True, kw_only=True):
    """Where money for a payee goes now: `account` is None while there is none or a new one rests until `resting`."""

    account: str | None
    resting: datetime | None = None


OURS: frozenset[str] = frozenset({"insufficient_balance"})  # a provider's words for what is the house's own matter


class Task(Struct, frozen=True, kw_only=True):
    """Something about payouts that a person has to look at."""

    task_id: UUID
    kind: TaskKind
    ref: UUID
    payee: Payee | None
    note: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: UUID | None
    outcome: str | None

    @property
    def ours(self) -> bool:
        """Whether a payout came back because of the house itself: the payee can do nothing about it."""
        return self.kind == "refused" and self.note in OURS


class NothingToPay(Refusal):
    """Nothing is payable, or the balance is negative and waits for the next earnings."""

    code = "nothing_to_pay"
    say = Text(zh="目前没有可打款的余额。", en="There is nothing to pay out now.")
    step = Text(zh="核销后的收入会计入可打款余额。", en="What is redeemed next adds to the balance.")


class PayoutTooSmall(Refusal):
    """Less is payable than the least amount of a payout."""

    code = "payout_too_small"
    say = Text(zh="可打款余额未达到最低打款金额 {least}。", en="The balance is below the least payout of {least}.")
    step = Text(zh="余额会保留，达到后即可打款。", en="It is kept and can be paid out when there is more.")


class PayoutOpen(Refusal):
    """A payout to this payee is on its way."""

    code = "payout_open"
    say = Text(zh="上一笔打款仍在处理中。", en="The last payout is still on its way.")
    step = Text(zh="请等待其完成。", en="Wait until it has ended.")


class PayoutUnknown(Refusal):
    """There is no such payout, or it has ended already with another result."""

    code = "payout_not_found"
    status = 404
    say = Text(zh="没有找到这笔打款。", en="There is no such payout.")
    step = Text(zh="请核对编号。", en="Check its number.")


class NoPayAccount(Refusal):
    """Nobody has said where the money goes."""

    code = "no_payout_account"
    say = Text(zh="还没有收款账户。", en="There is no account to pay to yet.")
    step = Text(zh="请先填写收款账户，经另一人核准后即可打款。", en="Name one; another person has to approve it.")


class AccountResting(Refusal):
    """A new account is not used for some days, so that its owner would notice a change that he did not make."""

    code = "payout_account_resting"
    say = Text(
        zh="收款账户刚刚变更，{until} 之前不打款。", en="The account is new: nothing is paid out before {until}."
    )
    step = Text(zh="如果不是您本人变更，请立即联系平台。", en="If you did not change it, tell the platform at once.")


class AccountOpen(Refusal):
    """A change of the account waits for its approval."""

    code = "payout_account_open"
    say = Text(zh="账户变更正在等待核准。", en="A change of the account waits for approval.")
    step = Text(zh="请等待核准，或请核准人退回。", en="Wait for it, or have it declined.")


class AccountUnknown(Refusal):
    """There is no such proposal, or it is decided."""

    code = "payout_account_not_found"
    status = 404
    say = Text(zh="没有等待核准的账户变更。", en="No change of the account waits here.")
    step = Text(zh="请刷新页面。", en="Open the page again.")


class BadPayAccount(Refusal):
    """An account that is not one, or has no holder."""

    code = "payout_account_bad"
    status = 422
    say = Text(zh="账户或户名填写不完整。", en="The account or its holder is not complete.")
    step = Text(zh="账户至少 3 个字符，户名不能为空。", en="An account has at least three characters, and a holder.")


class SecondPerson(Refusal):
    """Who asked for it cannot approve it."""

    code = "second_person_needed"
    status = 403
    say = Text(zh="需要由另一人核准。", en="Another person has to approve this.")
    step = Text(zh="请同事登录自己的账号核准。", en="Ask a colleague to sign in and approve it.")


class BatchUnknown(Refusal):
    """There is no such batch, or it is decided."""

    code = "batch_not_found"
    status = 404
    say = Text(zh="没有等待放行的打款批次。", en="No batch of payouts waits here.")
    step = Text(zh="请刷新页面。", en="Open the page again.")


class EvidenceMissing(Refusal):
    """A payout is marked by hand only with what proves it."""

    code = "evidence_missing"
    status = 422
    say = Text(zh="请写明依据。", en="Say what proves it.")
    step = Text(zh="例如银行回单号，至少 10 个字符。", en="Such as the number of a receipt: at least ten letters.")


class TaskUnknown(Refusal):
    """There is no such task, or it is done."""

    code = "payout_task_not_found"
    status = 404
    say = Text(zh="没有这项待办，或已处理。", en="There is no such task, or it is done.")
    step = Text(zh="请刷新页面。", en="Open the page again.")
