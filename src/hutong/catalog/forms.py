"""The form in which an offer is sold. Pure values, stored with the offer; what each means is its scheme's rule.

Money is in the smallest unit of the offer's asset; `price` of the offer is what one unit costs in its form.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct


class Plain(Struct, frozen=True, tag_field="form", tag="plain"):
    """One price for everybody."""


class Team(Struct, frozen=True, kw_only=True, tag_field="form", tag="team"):
    """Bought by `size` people within `hours` of opening, or refunded. `alone_units`: the price without a team."""

    size: int
    hours: int = 24
    alone_units: int | None = None


class Tier(Struct, frozen=True):
    """From so many paid units on, one unit costs so much."""

    from_units: int
    price_units: int


class Ladder(Struct, frozen=True, kw_only=True, tag_field="form", tag="ladder"):
    """The more are bought, the less each pays: everybody pays the offer's price first, the difference goes back.

    Tiers rise in units and fall in price, all below the offer's price.
    """

    tiers: tuple[Tier, ...]
    now_units: int | None = None  # while an order is placed: the price of the tier in force; never stored


class Slot(Struct, frozen=True, kw_only=True):
    """One flash sale: [starts_at, ends_at) with a stock of its own, of `units`."""

    slot_id: UUID
    starts_at: datetime
    ends_at: datetime
    quota_id: UUID
    units: int = 0


class Flash(Struct, frozen=True, kw_only=True, tag_field="form", tag="flash"):
    """Sold only within its slots."""

    slots: tuple[Slot, ...]

    def running(self, now: datetime) -> Slot | None:
        """The slot that runs at that instant."""
        return next((slot for slot in self.slots if slot.starts_at <= now < slot.ends_at), None)

    def coming(self, now: datetime) -> Slot | None:
        """The next slot that has not begun."""
        return min((slot for slot in self.slots if slot.starts_at > now), key=lambda slot: slot.starts_at, default=None)


class Bargain(Struct, frozen=True, kw_only=True, tag_field="form", tag="bargain"):
    """Friends cut the price down to `floor_units`, at most `helpers` of them within `hours`; all bargains of the offer
    together may cut `budget_units`."""

    floor_units: int
    helpers: int
    hours: int = 24
    budget_units: int
    now_units: int | None = None  # while an order is placed: what the bargain has come to; never stored


class CouponForm(Struct, frozen=True, kw_only=True, tag_field="form", tag="coupon"):
    """A coupon that is claimed: by anybody, with a code, only when it is issued to somebody, or by anybody together
    with a code of a third party's pool. `wide`: other merchants of the city take it, too."""

    claim: Literal["open", "code", "issued", "pool"] = "open"
    transferable: bool = False
    wide: bool = False


class Times(Struct, frozen=True, kw_only=True, tag_field="form", tag="times"):
    """So many visits, each used by itself."""

    uses: int


class Stored(Struct, frozen=True, kw_only=True, tag_field="form", tag="stored"):
    """Stored value: what is paid in is the principal, `bonus_units` come on top, spent last and never refunded."""

    bonus_units: int = 0


class GiftCard(Struct, frozen=True, kw_only=True, tag_field="form", tag="gift_card"):
    """A value that somebody else may spend."""

    wide: bool = False


class Stamp(Struct, frozen=True, kw_only=True, tag_field="form", tag="stamp"):
    """A stamp for each visit of at least `least_units`; a full card of `stamps` becomes the `reward` offer."""

    stamps: int
    least_units: int = 0
    reward: UUID | None = None


class Membership(Struct, frozen=True, kw_only=True, tag_field="form", tag="membership"):
    """A paid membership for `days`; what it gives are promotions for its tag."""

    days: int
    tag: str


class QCard(Struct, frozen=True, kw_only=True, tag_field="form", tag="q_card"):
    """One card with a number and a QR code, with a discount at many merchants."""

    tier: str = "base"
    days: int = 365


Span = Literal["day", "week", "month", "year", "ever"]


class Gift(Struct, frozen=True, kw_only=True, tag_field="form", tag="gift"):
    """Something for points: `points` of a programme and, besides, the offer's price in cash (which may be 0).

    The supplier is paid `cost_units` for a unit that is used: the cash, and the rest of it out of what backs the
    points. It is fetched in a store (`pickup`), sent (`delivery`), or either as the member likes. A member may have
    `most` units of it in a `span` (local days, weeks from Monday, months, years; None: no limit). `picture`: its file.
    """

    programme_id: UUID
    points: int
    cost_units: int
    pickup: bool = True
    delivery: bool = False
    most: int | None = None
    span: Span = "ever"
    picture: str = ""


Form = (
    Plain | Team | Ladder | Flash | Bargain | CouponForm | Times | Stored | GiftCard | Stamp | Membership | QCard | Gift
)
PLAIN = Plain()
