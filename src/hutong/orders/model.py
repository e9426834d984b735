"""What was promised, paid, delivered and given back: values of orders and the rules between their states."""

from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct

from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text

Kind = Literal["deal", "coupon", "card", "booking", "ticket", "lesson", "gift"]

State = Literal["placed", "paid", "part_refunded", "refunded", "cancelled", "expired"]

Why = Literal["kindness", "cannot_serve", "complaint", "double", "other"]
WHY: tuple[Why, ...] = get_args(Why)  # why a merchant gives money back

# From which state an order may come to which.
ROADS: dict[str, tuple[str, ...]] = {
    "placed": ("paid", "cancelled", "expired"),
    "paid": ("part_refunded", "refunded"),
    "part_refunded": ("part_refunded", "refunded"),
    "refunded": (),
    "cancelled": (),
    "expired": (),
}


class Wanted(Struct, frozen=True):
    """So many units of an offer."""

    offer_id: UUID
    quantity: int


class Place(Struct, frozen=True, kw_only=True):
    """A member asks for an order. `expect` is the total that the member saw; another total is refused."""

    order_id: UUID
    payment_id: UUID
    member_id: UUID
    member_name: str
    phone_tail: str
    wants: tuple[Wanted, ...]
    expect: Amount | None = None
    provider: str = "sandbox"
    channel: str = "web"


class Placed(Struct, frozen=True, kw_only=True):
    """The order stands; pay `total` before `expires_at`. A total of zero is paid already."""

    order_id: UUID
    payment_id: UUID
    total: Amount
    expires_at: datetime
    state: State


class Promise(Struct, frozen=True, kw_only=True):
    """What one unit of a line becomes when it is paid: a voucher of this kind under these terms."""

    kind: Kind
    uses: int
    waiting: bool
    min_units: int
    closes_at: datetime | None  # when the sale of a deal with a minimum ends
    terms: Terms
    store_ids: tuple[UUID, ...]
    quota_ids: tuple[UUID, ...] = ()  # what each unit takes from the stock


class UnitShare(Struct, frozen=True):
    """One unit of a line: what the buyer pays for it and what the merchant's side is due for it."""

    paid: int
    due: int


class Cancel(Struct, frozen=True, kw_only=True):
    """Take an unpaid order back. `by` is the member, or None when the house does it."""

    order_id: UUID
    by: UUID | None
    reason: str


class Cancelled(Struct, frozen=True, kw_only=True):
    order_id: UUID
    payment_id: UUID
    state: State


class AskRefund(Struct, frozen=True, kw_only=True):
    """Give the money of unused units back. No voucher_ids: all units that can be refunded.

    `by` None: the house does it. `by_merchant`: whoever sold it gives it, whatever the terms say.
    """

    refund_id: UUID
    order_id: UUID
    by: UUID | None
    reason: str
    voucher_ids: tuple[UUID, ...] = ()
    by_merchant: bool = False


class RefundAsked(Struct, frozen=True, kw_only=True):
    refund_id: UUID
    order_id: UUID
    amount: Amount
    voucher_ids: tuple[UUID, ...]


class RefundByMerchant(Struct, frozen=True, kw_only=True):
    """The merchant gives the money of these unused units back. `why` is one of WHY; `words` may tell more of it."""

    refund_id: UUID
    order_id: UUID
    merchant_id: UUID
    by: UUID
    author: str
    why: Why
    words: str = ""
    voucher_ids: tuple[UUID, ...]


class WriteNote(Struct, frozen=True, kw_only=True):
    """Write to an order what its staff should know."""

    note_id: UUID
    order_id: UUID
    merchant_id: UUID
    by: UUID
    author: str
    words: str


class Noted(Struct, frozen=True, kw_only=True):
    note_id: UUID


class Note(Struct, frozen=True, kw_only=True):
    """What somebody of the staff wrote to an order. With a refund: why it was given. Words of who left are gone."""

    note_id: UUID
    order_id: UUID
    by: UUID
    author: str
    words: str
    refund_id: UUID | None
    why: Why | None
    at: datetime


class Order(Struct, frozen=True, kw_only=True):
    """An order as its owner and its merchant see it."""

    city_id: int
    order_id: UUID
    member_id: UUID
    member_name: str
    phone_tail: str
    merchant_id: UUID
    scheme: str
    channel: str
    state: State
    total: Amount
    refunded: Amount
    payment_id: UUID
    placed_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    lines: tuple["Line", ...]


class Line(Struct, frozen=True, kw_only=True):
    line_id: UUID
    line_no: int
    offer_id: UUID
    title: Text
    quantity: int
    unit_price: Amount
    list_price: Amount
    total: Amount


class Change(Struct, frozen=True, kw_only=True):
    """One step in an order's life: when, by whom (None: the house), why."""

    seq: int
    state: State
    at: datetime
    by: UUID | None
    reason: str


class Sales(Struct, frozen=True, kw_only=True):
    """What a merchant sold in a period, and what buyers asked back in it (refunds that failed are left out)."""

    orders: int
    units: int
    paid: Amount
    refunds: int
    refunded: Amount


def line_id(order_id: UUID, line_no: int) -> UUID:
    return derive(order_id, f"line/{line_no}")


def voucher_id(line: UUID, unit: int) -> UUID:
    return derive(line, f"unit/{unit}")


def hold_id(order_id: UUID) -> UUID:
    return derive(order_id, "hold")
