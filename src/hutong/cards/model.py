"""Cards as values: shops that close, batches and numbers, tiers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

CLOSED = "shop_closed"  # why the house gives money back
NumberState = Literal["printed", "active", "blocked", "replaced", "void"]


class Close(Struct, frozen=True, kw_only=True):
    """A merchant closes, or one of his stores does (`store_id`). `by` None: the house."""

    closing_id: UUID
    merchant_id: UUID
    store_id: UUID | None = None
    by: UUID | None = None
    reason: str


class Closing(Struct, frozen=True, kw_only=True):
    """A shop that closes: how many refunds were asked so far, and since when there is nothing left to give back."""

    closing_id: UUID
    merchant_id: UUID
    store_id: UUID | None
    by: UUID | None
    reason: str
    opened_at: datetime
    refunds: int
    ended_at: datetime | None


class Print(Struct, frozen=True, kw_only=True):
    """Print so many cards of an offer. The offer says what each becomes when it is activated."""

    batch_id: UUID
    offer_id: UUID
    merchant_id: UUID
    label: str
    count: int
    by: UUID | None


class Printed(Struct, frozen=True, kw_only=True):
    """A batch as it was made: the only time its secrets are seen. (number, secret) of each card."""

    batch_id: UUID
    cards: tuple[tuple[str, str], ...]


class Batch(Struct, frozen=True, kw_only=True):
    """A batch and how far it has come."""

    batch_id: UUID
    offer_id: UUID
    merchant_id: UUID
    label: str
    count: int
    at: datetime
    active: int
    void: int


class Activate(Struct, frozen=True, kw_only=True):
    """A member has a printed card: its number and its secret."""

    number: str
    secret: str
    member_id: UUID
    voucher_id: UUID


class Activated(Struct, frozen=True, kw_only=True):
    """The card is the member's: the right under `voucher_id` is to be issued in the same transaction, unless
    `replayed` (it was his before)."""

    number: str
    offer_id: UUID
    voucher_id: UUID
    replayed: bool = False


class Number(Struct, frozen=True, kw_only=True):
    """A number and the right that it stands for."""

    number: str
    offer_id: UUID
    state: NumberState
    voucher_id: UUID | None
    member_id: UUID | None
    batch_id: UUID | None
    replaced_by: str | None


class Give(Struct, frozen=True, kw_only=True):
    """Give a card that was bought online its number."""

    voucher_id: UUID
    member_id: UUID
    offer_id: UUID


class Lose(Struct, frozen=True, kw_only=True):
    """The holder's card is lost: block its number, or give the right a new one."""

    voucher_id: UUID
    member_id: UUID
    replace: bool = False


class Join(Struct, frozen=True, kw_only=True):
    """A merchant takes a card for many shops: so many percent off a bill for each tier. `percent` None: no more."""

    offer_id: UUID
    merchant_id: UUID
    tier: str
    percent: int | None
    by: UUID | None


class Tier(Struct, frozen=True, kw_only=True):
    """What a card of a tier takes off at a merchant."""

    offer_id: UUID
    merchant_id: UUID
    tier: str
    percent: int
    at: datetime
