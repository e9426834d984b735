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

TenderKind = Literal["card", "points"]
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


class Choice(Struct, frozen=True):
    """How an offer is wanted where there is a choice: in a new team or in one (`id`), alone, in a slot, at the price of
    a bargain, in the only way there is (`invited`), or (`exchange`) by the gift mall, which keeps limits.

    `kept`: the hold by which a waiting list keeps the units for the member; they are bought in that way, at its terms.
    """

    kind: Literal["open_team", "join_team", "alone", "slot", "bargain", "invited", "coded", "exchange"]
    id: UUID | None = None
    kept: UUID | None = None


class Wanted(Struct, frozen=True):
    """So many units of an offer."""

    offer_id: UUID
    quantity: int
    choice: Choice | None = None


class Pay(Struct, frozen=True, kw_only=True):
    """Pay a part of the price with a card (`id`: its voucher) or with points (`id`: their programme), at most `most`
    (units of money, or points) of it; None: as much as it can."""

    kind: TenderKind
    id: UUID
    most: int | None = None


class Place(Struct, frozen=True, kw_only=True):
    """A member asks for an order. `expect` is what he saw that the provider will ask for; anything else is refused.

    `coupons` are the vouchers to be used on it, `tenders` the cards and points that pay a part of its price after
    promotions; both in whatever order. `phone` and `device` are digests that tell numbers and devices apart, for
    budgets that count by them.
    """

    order_id: UUID
    payment_id: UUID
    member_id: UUID
    member_name: str
    phone_tail: str
    wants: tuple[Wanted, ...]
    expect: Amount | None = None
    provider: str = "sandbox"
    channel: str = "web"
    coupons: tuple[UUID, ...] = ()
    tenders: tuple[Pay, ...] = ()
    phone: str = ""
    device: str = ""


class Placed(Struct, frozen=True, kw_only=True):
    """The order stands; pay `total` (its price less what cards and points pay) before `expires_at`. A total of zero is
    paid already."""

    order_id: UUID
    payment_id: UUID
    total: Amount
    expires_at: datetime
    state: State


class TeamUp(Struct, frozen=True, kw_only=True, tag_field="as", tag="team"):
    """The unit waits for a team: a new one of this size and these hours, or (`team_id`) one that is there."""

    size: int
    hours: int
    team_id: UUID | None = None


class Climb(Struct, frozen=True, kw_only=True, tag_field="as", tag="ladder"):
    """The unit waits for the end of a ladder: bought at `price_units`, which (from_units, price_units) may lower."""

    first_units: int
    price_units: int
    tiers: tuple[tuple[int, int], ...]


class Bargained(Struct, frozen=True, kw_only=True, tag_field="as", tag="bargain"):
    """The unit costs what a bargain had come to."""

    bargain_id: UUID
    price_units: int


class PointsPrice(Struct, frozen=True, kw_only=True):
    """What a unit costs in points of a programme besides its price in cash. `worth_units`: the money out of their
    backing that goes to whoever sells it; with the cash it is what he is due."""

    programme_id: UUID
    points: int
    worth_units: int


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
    group: TeamUp | Climb | Bargained | None = None  # with whom it is bought
    value: bool = False  # stored value: each use is one unit of money
    wide: bool = False  # every merchant of the city honours it
    points: PointsPrice | None = None  # a gift: what else a unit costs


class Borne(Struct, frozen=True):
    """What one payer of one promotion bears of one unit."""

    promotion: str
    payer: str
    units: int


class Tendered(Struct, frozen=True, omit_defaults=True):
    """The part of one unit that a card or points pay (`ref` as in Tender): `units` of its price, with `due` units of
    money behind it (without a card's bonus), and so many points."""

    ref: UUID
    units: int
    due: int
    points: int = 0


class UnitShare(Struct, frozen=True, omit_defaults=True):
    """One unit of a line: what the buyer pays for it in all, what the merchant's side is due for it, who bears the
    rest, and which parts of what he pays are no money of the provider's."""

    paid: int
    due: int
    by: tuple[Borne, ...] = ()
    tenders: tuple[Tendered, ...] = ()

    @property
    def money(self) -> int:
        """What of it the provider is paid."""
        return self.paid - sum(one.units for one in self.tenders)


class Tender(Struct, frozen=True, kw_only=True):
    """What a card or points pay of an order. `ref`: the card's voucher, or the programme of the points.

    `due`: the money behind it that the seller's side gets; a card's bonus has none, and points have what their
    programme pays for them. `back*`: the part of each that came back with refunds.
    """

    order_id: UUID
    kind: TenderKind
    ref: UUID
    title: Text
    amount: Amount
    due: Amount
    points: int
    back: Amount
    back_points: int
    state: Literal["held", "used", "released", "returned"]


class Cancel(Struct, frozen=True, kw_only=True):
    """Take an unpaid order back. `by` is the member, or None when the house does it."""

    order_id: UUID
    by: UUID | None
    reason: str


class Cancelled(Struct, frozen=True, kw_only=True):
    """The order has ended unpaid; its payment is closed at the provider after the commit."""

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
    """`amount` goes back in all; `tendered` of it to cards and points, the rest to the payment."""

    refund_id: UUID
    order_id: UUID
    amount: Amount
    voucher_ids: tuple[UUID, ...]
    tendered: Amount | None = None


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
    """The note is kept."""

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
    """An order as its owner and its merchant see it. `tendered`: what of the total cards and points pay."""

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
    saved: Amount
    tendered: Amount
    tender_count: int
    payment_id: UUID
    placed_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    lines: tuple["Line", ...]

    @property
    def to_pay(self) -> Amount:
        """What the provider is asked for: the price less what cards and points pay."""
        return self.total - self.tendered


class Line(Struct, frozen=True, kw_only=True):
    """One line of an order as it was placed. `total`: after promotions, for all its units, in the order's currency."""

    line_id: UUID
    line_no: int
    offer_id: UUID
    title: Text
    quantity: int
    unit_price: Amount
    list_price: Amount
    total: Amount


class Saving(Struct, frozen=True, kw_only=True):
    """What one promotion took off an order. `given`: the part of it that went back to who bore it, with refunds.

    `voucher_id`: the coupon that was used for it; `state`: held, used, released (unpaid) or returned (whole).
    """

    order_id: UUID
    promotion_id: UUID
    voucher_id: UUID | None
    title: Text
    amount: Amount
    given: Amount
    state: Literal["held", "used", "released", "returned"]


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
    """The id of a line: it follows from its order, so placing twice writes the same line."""
    return derive(order_id, f"line/{line_no}")


def voucher_id(line: UUID, unit: int) -> UUID:
    """The id of the voucher that a unit (1, 2, ...) of a line becomes."""
    return derive(line, f"unit/{unit}")


def invited_ref(member_id: UUID, hold: UUID) -> UUID:
    """Whose a hold is that was made for somebody who waited: its `ref` follows from the member and the hold."""
    return derive(hold, f"invited/{member_id}")


def hold_id(order_id: UUID) -> UUID:
    """The id under which an order holds its stock."""
    return derive(order_id, "hold")
