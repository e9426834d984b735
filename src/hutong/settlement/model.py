"""Who gets which part of a redemption: pure rules."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

BASIS = 10_000  # basis points in a whole


class Rule(Struct, frozen=True, kw_only=True):
    """A version of a commission rule. `commission_bps` of what the merchant's side is due; the operator's part of it.

    `least_units` and `most_units` bound the commission of one unit, in the smallest unit of the currency.
    """

    rule_id: UUID
    version: int
    merchant_id: UUID | None
    commission_bps: int
    least_units: int | None = None
    most_units: int | None = None
    operator_id: UUID | None = None
    operator_bps: int = 0
    valid_from: datetime

    def name(self) -> str:
        """How a transfer names the rule it followed."""
        return f"{self.rule_id}/{self.version}"


class Parts(Struct, frozen=True):
    """A due amount, divided: it always adds up."""

    due: Amount
    commission: Amount
    operator: Amount
    merchant: Amount

    @property
    def platform(self) -> Amount:
        return self.commission - self.operator


def divide(due: Amount, rule: Rule, count: int = 1) -> Parts:
    """The parts of `due` (for `count` uses) under the rule; commission never exceeds what is due.

    Rounding is half up to the smallest unit (Amount.part), once for the commission and once for the operator's part
    of it, so nothing is lost: the merchant gets the rest. Source: money.md, example of two units.
    """
    commission = due.part(rule.commission_bps, BASIS)
    if rule.least_units is not None:
        commission = max(commission, Amount(rule.least_units * count, due.asset))
    if rule.most_units is not None:
        commission = min(commission, Amount(rule.most_units * count, due.asset))
    commission = max(Amount(0, due.asset), min(commission, due))
    operator = commission.part(rule.operator_bps, BASIS) if rule.operator_id else Amount(0, due.asset)
    return Parts(due, commission, operator, due - commission)


class Earning(Struct, frozen=True, kw_only=True):
    """One line of a statement: a redeemed code and each fee."""

    redemption_id: UUID
    voucher_id: UUID
    store_id: UUID
    code_tail: str
    title: Text
    count: int
    due: Amount
    commission: Amount
    operator: Amount
    merchant: Amount
    rule: str
    at: datetime
    reversed_at: datetime | None


class Statement(Struct, frozen=True, kw_only=True):
    """What a merchant earned in [since, until): the lines of a page, and the sums of the whole period."""

    merchant_id: UUID
    since: datetime
    until: datetime
    lines: tuple[Earning, ...]
    after: str | None
    count: int
    due: Amount
    commission: Amount
    merchant: Amount
    payable: Amount  # owed to the merchant now, by the ledger
    escrow: Amount  # sold and not yet used, by the ledger


class AskPayout(Struct, frozen=True, kw_only=True):
    """Pay out everything that is payable to the merchant in one asset."""

    payout_id: UUID
    merchant_id: UUID
    provider: str
    asset: str


class PayoutAsked(Struct, frozen=True, kw_only=True):
    payout_id: UUID
    merchant_id: UUID
    amount: Amount
    provider: str


class PayoutResult(Struct, frozen=True, kw_only=True):
    """What the provider said of a payout; `unknown` means: ask again before anything else."""

    payout_id: UUID
    state: Literal["done", "refused", "unknown"]


class DayBill(Struct, frozen=True, kw_only=True):
    """The sums of a provider's bill of one day, in one asset, for one city."""

    provider: str
    day: date
    fee: Amount
    captured: Amount
    refunded: Amount
    paid_out: Amount


class NothingToPay(Refusal):
    """Nothing is payable, or the balance is negative and waits for the next earnings."""

    code = "nothing_to_pay"
    say = Text(zh="目前没有可打款的余额。", en="There is nothing to pay out now.")
    step = Text(zh="核销后的收入会计入可打款余额。", en="What is redeemed next adds to the balance.")


class PayoutOpen(Refusal):
    """A payout to this merchant is on its way."""

    code = "payout_open"
    say = Text(zh="上一笔打款仍在处理中。", en="The last payout is still on its way.")
    step = Text(zh="请等待其完成。", en="Wait until it has ended.")


class NoRule(Refusal):
    """No commission rule holds for this merchant at this time."""

    code = "no_commission_rule"
    say = Text(zh="该商家尚未设置佣金规则，暂不能核销。", en="No commission rule is set for this merchant yet.")
    step = Text(zh="请联系平台或城市运营商。", en="Ask the platform or the city operator to set one.")


class PayoutUnknown(Refusal):
    """There is no such payout, or it has ended already with another result."""

    code = "payout_not_found"
    status = 404
    say = Text(zh="没有找到这笔打款。", en="There is no such payout.")
    step = Text(zh="请核对编号。", en="Check its number.")
