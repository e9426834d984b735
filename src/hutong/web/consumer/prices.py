"""What an offer has cost: thirty days of its price as words and a small line, so that a struck price is honest."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from hutong.catalog import Offer, PricePeriod
from hutong.kit.money import Amount

LOOK_BACK = timedelta(days=30)
WIDE, HIGH, EDGE = 300, 56, 6  # the drawing, in units of its own view box


class PriceStory(Struct, frozen=True, kw_only=True):
    """The last thirty days of a price. `days`: for how many of them it has been on the shelf.

    `charged`: whether the list price was ever asked in that time. `lowest_now`: nothing in that time was cheaper.
    `line` are the points of the drawing (time to the right, price upwards), empty when the price never moved.
    """

    lowest: Amount
    lowest_now: bool
    days: int
    charged: bool
    before: Amount | None
    changed_at: datetime | None
    line: str


def story(offer: Offer, periods: Sequence[PricePeriod], now: datetime) -> PriceStory | None:
    """The story of the offer's price until `now`; None when it was never on the shelf."""
    since = now - LOOK_BACK
    shown = [p for p in periods if p.valid_from <= now and (p.valid_to is None or p.valid_to > since)]
    shown = [p for p in shown if p.price.asset == offer.price.asset]
    if not shown:
        return None
    lowest = min(p.price for p in shown)
    other = next((p for p in reversed(shown) if p.price != shown[-1].price), None)
    return PriceStory(
        lowest=lowest, lowest_now=offer.price <= lowest, charged=any(p.price >= offer.list_price for p in shown),
        days=min(LOOK_BACK.days, (now - min(p.valid_from for p in shown)).days),
        before=other.price if other else None, changed_at=other.valid_to if other else None,
        line=_line(shown, since, now) if other else "",
    )  # fmt: skip


def _line(shown: Sequence[PricePeriod], since: datetime, now: datetime) -> str:
    """Steps, because a price jumps: two points for each period."""
    units = [p.price.units for p in shown]
    low, span = min(units), max(units) - min(units)

    def across(at: datetime) -> float:
        return round(EDGE + (WIDE - 2 * EDGE) * ((at - since) / LOOK_BACK), 1)

    points = []
    for period in shown:
        up = round(HIGH - EDGE - (HIGH - 2 * EDGE) * (period.price.units - low) / span, 1)
        first, last = max(period.valid_from, since), min(period.valid_to or now, now)
        points += [f"{across(first)},{up}", f"{across(last)},{up}"]
    return " ".join(points)
