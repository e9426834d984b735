"""The mall as values: an exchange of points for a gift, and the parcel that brings it. Money in the smallest unit."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from hutong.catalog import Span
from hutong.kit.clock import local_day
from hutong.orders import Place

Way = Literal["pickup", "delivery"]
State = Literal["waiting", "asked", "sent", "delivered", "returned", "cancelled"]

# From which state a parcel may come to which. `waiting`: its order is not paid yet.
ROADS: dict[State, tuple[State, ...]] = {
    "waiting": ("asked", "cancelled"),
    "asked": ("sent", "cancelled"),
    "sent": ("delivered", "returned"),
    "delivered": (),
    "returned": (),
    "cancelled": (),
}

CONFIRM_AFTER = timedelta(days=10)  # a parcel that nobody speaks of has arrived (as Taobao and JD have it)
FORGET_AFTER = timedelta(days=30)  # an address is needed no longer after its parcel has ended


class Address(Struct, frozen=True, kw_only=True):
    """Where a parcel goes. Kept sealed (`addresses`); never in logs, facts or addresses of pages."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    phone: Annotated[str, Meta(min_length=6, max_length=20)]
    line: Annotated[str, Meta(min_length=4, max_length=200)]
    note: Annotated[str, Meta(max_length=100)] = ""

    def __repr__(self) -> str:
        return "Address(hidden)"


class Exchange(Struct, frozen=True, kw_only=True):
    """Points, and perhaps cash, for `units` of a gift. `place`: the order as its buyer wants it, but for its `wants`.

    `sealed`: the address, for a delivery.
    """

    place: Place
    offer_id: UUID
    units: int
    way: Way = "pickup"
    sealed: bytes | None = None

    def __repr__(self) -> str:
        return f"Exchange({self.place.order_id}, {self.units}, {self.way})"


class Exchanged(Struct, frozen=True, kw_only=True):
    """What an order took out of the mall. Points, cost and cash are for one unit; `ended_units`: those that came back
    (never paid, or refunded), so that the member may have others."""

    city_id: int
    order_id: UUID
    member_id: UUID
    offer_id: UUID
    merchant_id: UUID
    programme_id: UUID
    points: int
    cost_units: int
    cash_units: int
    asset: str
    units: int
    ended_units: int
    way: Way
    at: datetime


class Had(Struct, frozen=True, kw_only=True):
    """How many units of a gift a member has in the period that runs, and when the next one begins (None: never)."""

    offer_id: UUID
    units: int
    begins: date


class Delivery(Struct, frozen=True, kw_only=True):
    """A parcel: what of an order is brought to the member, and how far it has come. `sealed`: its address, None when it
    was forgotten."""

    city_id: int
    order_id: UUID
    merchant_id: UUID
    member_id: UUID
    offer_id: UUID
    units: int
    state: State
    sealed: bytes | None
    carrier: str
    number: str
    store_id: UUID | None
    asked_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    version: int

    def __repr__(self) -> str:
        return f"Delivery({self.order_id}, {self.state})"


class Step(Struct, frozen=True, kw_only=True):
    """One step of a parcel. `by` None: the house."""

    seq: int
    state: State
    at: datetime
    by: UUID | None
    words: str


class Send(Struct, frozen=True, kw_only=True):
    """Its supplier hands the parcel to a carrier, out of one of his stores."""

    order_id: UUID
    merchant_id: UUID
    store_id: UUID
    by: UUID
    carrier: Annotated[str, Meta(min_length=1, max_length=40)]
    number: Annotated[str, Meta(min_length=1, max_length=60)]


class SentOut(Struct, frozen=True, kw_only=True):
    """It is on its way; `units` of its vouchers are locked until it arrives or comes back."""

    order_id: UUID
    units: int
    replayed: bool = False


class Delivered(Struct, frozen=True, kw_only=True):
    """A parcel that is (or was before) with its member. The vouchers that were used with it."""

    order_id: UUID
    merchant_id: UUID
    store_id: UUID
    voucher_ids: tuple[UUID, ...]
    replayed: bool = False


class Returned(Struct, frozen=True, kw_only=True):
    """It came back: points and cash go back to the member."""

    order_id: UUID
    replayed: bool = False


def begins(span: Span, now: datetime, zone: str) -> date:
    """The first local day of the period in which a limit counts. Weeks begin on Monday."""
    today = local_day(now, zone)
    match span:
        case "day":
            return today
        case "week":
            return today - timedelta(days=today.weekday())
        case "month":
            return today.replace(day=1)
        case "year":
            return today.replace(month=1, day=1)
        case "ever":
            return date(1970, 1, 1)


def next_begins(span: Span, now: datetime, zone: str) -> date | None:
    """The day on which the next period begins; None when there is none."""
    first = begins(span, now, zone)
    match span:
        case "day":
            return first + timedelta(days=1)
        case "week":
            return first + timedelta(days=7)
        case "month":
            return (first + timedelta(days=32)).replace(day=1)
        case "year":
            return first.replace(year=first.year + 1)
        case "ever":
            return None
