"""What settlement tells of redemptions: earnings, statements, the sums of a provider's bill."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


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
    lines: tuple[tuple[str, Amount], ...] = ()  # what the commission is made of; empty: all of it is the base


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


class DayBill(Struct, frozen=True, kw_only=True):
    """The sums of a provider's bill of one day, in one asset, for one city."""

    provider: str
    day: date
    fee: Amount
    captured: Amount
    refunded: Amount
    paid_out: Amount
    captured_count: int = 0
    refunded_count: int = 0


class NoRule(Refusal):
    """No commission rule holds for this merchant at this time."""

    code = "no_commission_rule"
    say = Text(zh="该商家尚未设置佣金规则，暂不能核销。", en="No commission rule is set for this merchant yet.")
    step = Text(zh="请联系平台或城市运营商。", en="Ask the platform or the city operator to set one.")
