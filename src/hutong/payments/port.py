"""What every payment provider must be able to do. SandboxPay is the working twin; all sit the PaymentExam.

Numbers (`out_no`, `refund_no`, `payout_no`) are ours, made before the call: the same number asked twice is one
payment, refund or payout at the provider. Amounts are whole units of one asset; instants are aware.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, Protocol

from msgspec import Struct

from hutong.kit.money import Amount

PaymentState = Literal["unpaid", "captured", "closed", "unknown_number"]
MoneyOutState = Literal["processing", "done", "failed", "unknown_number"]
EventKind = Literal[
    "payment.captured", "payment.closed", "refund.done", "refund.failed", "payout.done", "payout.failed"
]
BillKind = Literal["capture", "refund", "payout"]


class ProviderUnknown(Exception):
    """The answer did not come, or cannot be trusted: what was asked may have happened. Ask before trying again."""


class ProviderRefused(Exception):
    """The provider understood and said no; nothing happened. `code` is its machine word."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(f"{code}: {words}" if words else code)
        self.code = code


class BadSignature(Exception):
    """A callback that the provider did not send, or not now, or not to us."""


class OpenPayment(Struct, frozen=True, kw_only=True):
    """Asks for a page where `amount` can be paid until `expires_at`."""

    out_no: str
    amount: Amount
    description: str
    notify_url: str
    return_url: str
    expires_at: datetime


class OpenedPayment(Struct, frozen=True, kw_only=True):
    """The provider's number and the address where the payer pays."""

    out_no: str
    provider_no: str
    pay_url: str


class ProviderPayment(Struct, frozen=True, kw_only=True):
    """What the provider says about one of our numbers now. `amount` is what was captured, once it is."""

    out_no: str
    state: PaymentState
    provider_no: str | None = None
    amount: Amount | None = None
    at: datetime | None = None


class OpenRefund(Struct, frozen=True, kw_only=True):
    """Asks to give `amount` of a captured payment back."""

    refund_no: str
    out_no: str
    amount: Amount
    reason: str


class ProviderRefund(Struct, frozen=True, kw_only=True):
    """What the provider says about one of our refund numbers now; `failure` is its word for why not."""

    refund_no: str
    state: MoneyOutState
    provider_no: str | None = None
    amount: Amount | None = None
    failure: str | None = None
    at: datetime | None = None


class OpenPayout(Struct, frozen=True, kw_only=True):
    """Asks to pay `amount` of our balance to a receiver's account reference."""

    payout_no: str
    account: str
    amount: Amount
    notify_url: str = ""


class ProviderPayout(Struct, frozen=True, kw_only=True):
    """What the provider says about one of our payout numbers now."""

    payout_no: str
    state: MoneyOutState
    provider_no: str | None = None
    amount: Amount | None = None
    failure: str | None = None
    at: datetime | None = None


class BillLine(Struct, frozen=True, kw_only=True):
    """One movement on the provider's daily bill. Amounts are positive, the kind says the direction."""

    kind: BillKind
    number: str
    provider_no: str
    amount: Amount
    fee: Amount
    at: datetime


class ProviderEvent(Struct, frozen=True, kw_only=True):
    """A callback whose signature holds. What it says is still checked against what we asked for."""

    provider: str
    event_id: str
    kind: EventKind
    number: str
    provider_no: str
    amount: Amount
    at: datetime
    body: bytes
    failure: str | None = None


# What a provider says about a payment or a refund, by callback or asked: what settle takes.
Finding = ProviderEvent | ProviderPayment | ProviderRefund


def number_of(finding: Finding) -> str:
    """Our number that a finding is about."""
    if isinstance(finding, ProviderEvent):
        return finding.number
    return finding.out_no if isinstance(finding, ProviderPayment) else finding.refund_no


class PaymentProvider(Protocol):
    """A payment provider. Every call may raise ProviderUnknown; calls that ask for something, ProviderRefused."""

    name: str

    async def open_payment(self, ask: OpenPayment) -> OpenedPayment: ...

    async def payment(self, out_no: str) -> ProviderPayment: ...

    async def close_payment(self, out_no: str) -> ProviderPayment:
        """The state afterwards: "closed", or "captured" when the payer was faster."""
        ...

    async def refund(self, ask: OpenRefund) -> ProviderRefund: ...

    async def refund_of(self, refund_no: str) -> ProviderRefund: ...

    async def pay_out(self, ask: OpenPayout) -> ProviderPayout: ...

    async def payout(self, payout_no: str) -> ProviderPayout: ...

    async def bill(self, day: date) -> list[BillLine]: ...

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        """The callback in `body`; header names in lower case. Raises BadSignature. Replays are the event table's."""
        ...
