"""Payments and refunds as values, what a provider's word does to them, and when to ask again.

A payment:  created -> unknown (called, no answer yet) -> opened -> captured | closed; refused when the provider
says no. `surplus` is a second capture of one order, `quarantined` a capture of another amount: both go back.
A refund:   asked -> unknown -> processing -> done | failed.
Unknown is left only by the provider's own word, never by time (K10 to K12).
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.ids import PAYMENT, REFUND, BadId, IdKind
from hutong.kit.money import Amount

State = Literal["created", "unknown", "opened", "refused", "captured", "surplus", "quarantined", "closed"]
Kind = Literal["payment", "refund"]
Purpose = Literal["order", "bill", "block"]
RefundState = Literal["asked", "unknown", "processing", "done", "failed"]

TAKEN: frozenset[str] = frozenset({"captured", "surplus", "quarantined"})
OPEN: frozenset[str] = frozenset({"created", "unknown", "opened"})
ENDED: frozenset[str] = frozenset({"done", "failed"})  # of refunds

# Seconds between two questions about the same thing; the last one repeats until the provider knows.
ASK_AGAIN = (5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600)
CALL_LEASE = timedelta(seconds=15)  # how long one courier has a call to itself
WRONG_AMOUNT = "wrong_amount"  # the reason of a refund that nobody asked for


class OpenIntent(Struct, frozen=True, kw_only=True):
    """Let `amount` be paid at this provider until `expires_at`: for an order, a bill of a till, a block of points money
    (`purpose`), whose id `order_id` is then."""

    payment_id: UUID
    order_id: UUID
    provider: str
    amount: Amount
    description: str
    expires_at: datetime
    purpose: Purpose = "order"


class AskRefund(Struct, frozen=True, kw_only=True):
    """Give `amount` of a captured payment back. `reason` is a machine word, e.g. "buyer" or "expired"."""

    refund_id: UUID
    payment_id: UUID
    amount: Amount
    reason: str


class OpenAnswer(Struct, frozen=True, kw_only=True):
    """The provider's answer to an opening: where to pay, or the code of its refusal."""

    payment_id: UUID
    provider_no: str | None = None
    pay_url: str | None = None
    refused: str | None = None


class Payment(Struct, frozen=True, kw_only=True):
    """A payment as it stands. `captured` is what the provider took, `refunding` what goes or went back of it."""

    city_id: int
    payment_id: UUID
    order_id: UUID
    provider: str
    amount: Amount
    description: str
    state: State
    seq: int
    provider_no: str | None
    pay_url: str | None
    failure: str | None
    captured: Amount | None
    captured_at: datetime | None
    refunding: int
    created_at: datetime
    expires_at: datetime
    close_asked_at: datetime | None
    tries: int
    purpose: Purpose = "order"

    @property
    def out_no(self) -> str:
        """Our number at the provider; it carries the city, so a callback finds it."""
        return PAYMENT.show(self.payment_id, self.city_id)


class Refund(Struct, frozen=True, kw_only=True):
    """A refund as it stands."""

    city_id: int
    refund_id: UUID
    payment_id: UUID
    provider: str
    amount: Amount
    reason: str
    state: RefundState
    seq: int
    provider_no: str | None
    failure: str | None
    asked_at: datetime
    ended_at: datetime | None
    tries: int

    @property
    def refund_no(self) -> str:
        return REFUND.show(self.refund_id, self.city_id)


class Found(Struct, frozen=True, kw_only=True):
    """What a provider says about one number, by callback (then with its event id) or asked."""

    kind: Kind
    id: UUID
    state: str
    amount: Amount | None
    provider_no: str | None
    failure: str | None
    at: datetime
    provider: str | None
    event_id: str | None

    @property
    def cause(self) -> str:
        return "callback" if self.event_id else "asked"


class Captured(Struct, frozen=True, kw_only=True):
    """Money has come, now for the first time. `surplus`: the order was paid before, so it must go back."""

    payment_id: UUID
    order_id: UUID
    provider: str
    amount: Amount
    at: datetime
    surplus: bool = False


class AlreadyCaptured(Struct, frozen=True, kw_only=True):
    """The money was known; nothing changed."""

    payment_id: UUID
    order_id: UUID


class Quarantined(Struct, frozen=True, kw_only=True):
    """Another amount than asked for was captured. It is not the order's; its refund has been asked for."""

    payment_id: UUID
    order_id: UUID
    provider: str
    asked: Amount
    got: Amount
    refund_id: UUID


class Closed(Struct, frozen=True, kw_only=True):
    """Nobody can pay it any more."""

    payment_id: UUID
    order_id: UUID


class NotSettled(Struct, frozen=True, kw_only=True):
    """Known, and nothing to do about it: not paid yet, or ended before."""

    kind: Kind
    id: UUID
    state: str


class UnknownNumber(Struct, frozen=True, kw_only=True):
    """No payment or refund of this city and provider has this number (yet): an event about it waits (K14)."""

    number: str


class RefundDone(Struct, frozen=True, kw_only=True):
    """The money is back with the payer."""

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    amount: Amount
    reason: str


class RefundFailed(Struct, frozen=True, kw_only=True):
    """The provider could not give the money back; the amount can be asked for again under a new id."""

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    amount: Amount
    reason: str
    failure: str


Settled = Captured | AlreadyCaptured | Quarantined | Closed | NotSettled | UnknownNumber | RefundDone | RefundFailed


class Change(Struct, frozen=True, kw_only=True):
    """One row of history."""

    subject: UUID
    seq: int
    state: str
    cause: str
    provider: str | None = None
    event_id: str | None = None


def ask_again(tries: int, now: datetime, expires_at: datetime | None = None) -> datetime:
    """When to ask the next time after `tries` times; also soon after a payment ran out of time."""
    at = now + timedelta(seconds=ASK_AGAIN[min(tries, len(ASK_AGAIN) - 1)])
    if expires_at is not None and now < expires_at < at:
        return expires_at + timedelta(seconds=ASK_AGAIN[0])
    return at


def city_of(number: str) -> int | None:
    """The city of one of our payment or refund numbers; None when the number is not ours."""
    for kind in (PAYMENT, REFUND):
        try:
            return kind.read_local(number)[0]
        except BadId:
            continue
    return None


def read_number(number: str, city_id: int) -> tuple[Kind, UUID] | None:
    """Which payment or refund of this city a number names; None when it names none."""
    kinds: tuple[tuple[Kind, IdKind], ...] = (("payment", PAYMENT), ("refund", REFUND))
    for kind, ids in kinds:
        try:
            city, found = ids.read_local(number)
        except BadId:
            continue
        return (kind, found) if city == city_id else None
    return None
