"""Vouchers as values: the right itself, what is asked about it and what is answered."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.masks import mask_name
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text

Kind = Literal["deal", "coupon", "card", "booking", "ticket", "lesson", "gift"]
HeldFor = Literal["order", "gift", "delivery"]
State = Literal["waiting", "valid", "used", "refunding", "refunded", "expired", "void"]
Tab = Literal["unused", "used", "expired", "refunded"]

# From which state a voucher may come to which. `refunding` falls back to where it came from when a refund fails.
ROADS: dict[State, tuple[State, ...]] = {
    "waiting": ("valid", "refunding", "void"),
    "valid": ("used", "refunding", "expired", "void"),
    "used": ("valid",),
    "refunding": ("refunded", "waiting", "valid", "expired"),
    "refunded": (),
    "expired": ("refunding", "void"),
    "void": (),
}

PARCEL = "parcel/"  # request numbers of goods that were sent; their use is for good
TERM = "term/"  # of passes whose time is over: the shop has kept its word, and what is left of the price is its own
SHOWN_AT_MOST = 100_000  # showings of a pass, which is not used up by them; nobody comes that often

TABS: dict[Tab, tuple[State, ...]] = {
    "unused": ("waiting", "valid"),
    "used": ("used",),
    "expired": ("expired",),
    "refunded": ("refunding", "refunded", "void"),
}


class Voucher(Struct, frozen=True, kw_only=True):
    """A right of a member against a merchant: to use something `uses_total` times.

    `paid_units` and `due_units` (what the merchant's side is due before commission) are for all uses; `paid_left`
    and `due_left` for those that are left. `value`: it is stored value, its uses are units of money (value.py).
    `held_*`: locked for an order in checkout, for a gift on its way, or while the goods are sent. `wide`: every
    merchant of the city honours it.
    `store_ids` empty: any store of the merchant. Validity is [from, to).
    """

    city_id: int
    voucher_id: UUID
    kind: Kind
    member_id: UUID
    holder_name: str
    merchant_id: UUID
    order_id: UUID
    line_id: UUID
    offer_id: UUID
    title: Text
    unit_no: int
    secret: bytes
    code: str
    uses_total: int
    uses_left: int
    state: State
    refund_from: State | None
    valid_from: datetime
    valid_to: datetime
    terms: Terms
    store_ids: tuple[UUID, ...]
    asset: str
    paid_units: int
    paid_left: int
    due_units: int
    due_left: int
    last_step: int
    cycles: int
    version: int
    issued_at: datetime
    value: bool = False
    held_for: HeldFor | None = None
    held_ref: UUID | None = None
    held_until: datetime | None = None
    wide: bool = False

    def pass_over(self, now: datetime) -> bool:
        """Whether it is a right that is only shown (a membership), and its time is over: its price was for the time."""
        shown = self.kind == "card" and not self.value and self.uses_total == SHOWN_AT_MOST
        return shown and self.state == "valid" and self.valid_to <= now

    @property
    def untouched(self) -> bool:
        """Not one use of it is gone."""
        return self.uses_left == self.uses_total

    def honoured_by(self, merchant_id: UUID) -> bool:
        """Whether it can be used with this merchant: its own, or any when it is wide."""
        return self.wide or self.merchant_id == merchant_id

    @property
    def rests(self) -> bool:
        """Something that was paid for is left: it is unused, or a card of which a part is."""
        return self.untouched or (self.kind == "card" and self.paid_left > 0)

    @property
    def back(self) -> Amount:
        """What its buyer gets back when it is refunded now."""
        return Amount(self.paid_left, self.asset)

    @property
    def worth(self) -> Amount:
        """What is left on stored value, its bonus included; nothing of anything else."""
        return Amount(self.uses_left if self.value else 0, self.asset)

    @property
    def paid(self) -> Amount:
        return Amount(self.paid_units, self.asset)

    @property
    def due(self) -> Amount:
        return Amount(self.due_units, self.asset)

    @property
    def code_tail(self) -> str:
        return self.code[-4:]

    @property
    def holder(self) -> str:
        """The holder as a counter may see him."""
        return mask_name(self.holder_name)

    def __repr__(self) -> str:
        """Without the secret and the code: a voucher may end up in a log."""
        return f"Voucher({self.voucher_id}, {self.state}, {self.uses_left}/{self.uses_total})"


class Issue(Struct, frozen=True, kw_only=True):
    """Make one right: for unit `unit_no` of a line. The caller derives `voucher_id`, so twice is once.

    `waiting`: it cannot be used before `activate` (a deal below its minimum of buyers).
    """

    voucher_id: UUID
    kind: Kind
    member_id: UUID
    holder_name: str
    merchant_id: UUID
    order_id: UUID
    line_id: UUID
    offer_id: UUID
    title: Text
    unit_no: int
    uses: int = 1
    waiting: bool = False
    valid_from: datetime
    valid_to: datetime
    terms: Terms
    store_ids: tuple[UUID, ...] = ()
    asset: str
    paid_units: int
    due_units: int
    value: bool = False
    wide: bool = False


class Issued(Struct, frozen=True, kw_only=True):
    """The right is there. `replayed`: it was before."""

    voucher_id: UUID
    code: str
    replayed: bool = False


class Prepare(Struct, frozen=True, kw_only=True):
    """Somebody at a counter shows a code: what is it, and may it be used here now?"""

    presented: str
    merchant_id: UUID
    store_id: UUID
    staff_id: UUID


class Notice(Struct, frozen=True):
    """Something that the cashier should see before confirming."""

    code: str
    text: Text


class Sibling(Struct, frozen=True, kw_only=True):
    """Another voucher of the same order and offer that could be used here now, with a proof of its own."""

    voucher_id: UUID
    unit_no: int
    uses_left: int
    proof: str


class Prepared(Struct, frozen=True, kw_only=True):
    """What the code is; nothing has changed. `proof` redeems it at this counter until `proof_until`."""

    voucher_id: UUID
    kind: Kind
    title: Text
    holder: str
    merchant_id: UUID
    order_id: UUID
    offer_id: UUID
    unit_no: int
    uses_total: int
    uses_left: int
    most: int
    paid: Amount
    valid_from: datetime
    valid_to: datetime
    terms: Terms
    store_ids: tuple[UUID, ...]
    code_tail: str
    proof: str
    proof_until: datetime
    others: tuple[Sibling, ...]
    notices: tuple[Notice, ...]
    value: bool = False

    @property
    def usable(self) -> int:
        """How many vouchers of this order and offer could be used here now, this one included."""
        return 1 + len(self.others)


class OfflineUse(Struct, frozen=True, kw_only=True):
    """A use that a device accepted without a network, judged already: the half minute that the phone signed, and when
    it was scanned (by the server's clock as the device knew it)."""

    step: int
    at: datetime


class Redeem(Struct, frozen=True, kw_only=True):
    """Use a voucher `count` times: by `presented` (QR text or typed code), or by `voucher_id` and `proof` (Prepared).

    `offline` instead of a proof: only for scans that `judge_scans` found good. `request_no` is the till's own number:
    the same number again is the same redemption. Names are kept for history.

    `delivery` instead of a proof: its goods were sent and have arrived; it is the `ref` that locks the voucher. Of a
    pass whose time is over (`Voucher.pass_over`) it is its order, and nobody has to show anything.

    `burns`: other lots of the holder that the same code showed; it is dead for them, too, though they give nothing.
    """

    redemption_id: UUID
    request_no: str
    merchant_id: UUID
    store_id: UUID
    staff_id: UUID
    presented: str = ""
    voucher_id: UUID | None = None
    proof: str = ""
    count: int = 1
    staff_name: str = ""
    store_name: str = ""
    offline: OfflineUse | None = None
    burns: tuple[UUID, ...] = ()
    delivery: UUID | None = None


class Redeemed(Struct, frozen=True, kw_only=True):
    """The voucher was used. `paid_units` and `due_units` are the parts of these uses; all parts sum to the voucher's.

    `replayed`: it had been done before by the same request. `reversed_at`: it was undone since. `issuer_id`: the
    merchant it was sold for, another one than `merchant_id` when the right is `wide`.
    """

    redemption_id: UUID
    request_no: str
    voucher_id: UUID
    kind: Kind
    title: Text
    holder: str
    member_id: UUID
    order_id: UUID
    line_id: UUID
    offer_id: UUID
    merchant_id: UUID
    issuer_id: UUID
    store_id: UUID
    staff_id: UUID
    code_tail: str
    unit_no: int
    count: int
    uses_total: int
    uses_left: int
    asset: str
    paid_units: int
    due_units: int
    at: datetime
    undo_until: datetime
    replayed: bool = False
    reversed_at: datetime | None = None
    value: bool = False


class Reverse(Struct, frozen=True, kw_only=True):
    """Undo a redemption. `store_id`: the counter that asks, None for the merchant. `manager`: has a longer window."""

    redemption_id: UUID
    merchant_id: UUID
    by: UUID
    reason: str
    store_id: UUID | None = None
    manager: bool = False


class Reversed(Struct, frozen=True, kw_only=True):
    """The redemption is undone; the uses are back. `replayed`: the same person had undone it before."""

    redemption_id: UUID
    voucher_id: UUID
    order_id: UUID
    merchant_id: UUID
    store_id: UUID
    count: int
    uses_left: int
    asset: str
    paid_units: int
    due_units: int
    at: datetime
    replayed: bool = False


class Lock(Struct, frozen=True, kw_only=True):
    """Lock a voucher of this member until `until`: for an order in checkout, or for a gift on its way. `ref` is it."""

    voucher_id: UUID
    member_id: UUID
    held_for: HeldFor
    ref: UUID
    until: datetime


class Hold(Struct, frozen=True):
    """The lock of a voucher by `ref` (an order, a gift)."""

    voucher_id: UUID
    ref: UUID


class Spend(Struct, frozen=True, kw_only=True):
    """Use a locked voucher `count` times for the order `ref` that locked it."""

    voucher_id: UUID
    ref: UUID
    count: int = 1


class RestorePart(Struct, frozen=True, kw_only=True):
    """Give back so many of the uses that the order `ref` spent, with the parts of what was paid and is due."""

    voucher_id: UUID
    ref: UUID
    count: int
    paid_units: int
    due_units: int


class Spent(Struct, frozen=True, kw_only=True):
    """The voucher was used by the order `ref`. The parts of what was paid and is due that these uses took."""

    voucher_id: UUID
    ref: UUID
    count: int
    uses_left: int
    asset: str
    paid_units: int
    due_units: int
    replayed: bool = False


def share(left: int, count: int, uses_left: int) -> int:
    """The part of `left` that belongs to `count` of `uses_left` uses, half up; the last use closes the sum."""
    return (2 * left * count + uses_left) // (2 * uses_left)
