"""In which way an offer is wanted, where there is a choice: as it stands in an address and in a form."""

from typing import Annotated, Literal

from litestar.params import QueryParameter
from msgspec import Meta, Struct

from hutong.catalog import Ladder, Offer, Team
from hutong.desk import choosing
from hutong.kit.money import Amount
from hutong.orders import Choice
from hutong.web.consumer.here import Here

Way = Annotated[str, Meta(max_length=80)]
WayAsked = Annotated[str, QueryParameter(max_length=80)]


def choice_of(here: Here, way: str) -> Choice | None:
    """The choice in a page of this city. Raises bad_id."""
    return choosing.choice_of(way, here.city_id)


class WayNote(Struct, frozen=True):
    """What the chosen way means: `first` is what is paid now, `low` the least that it may come to."""

    kind: Literal["open_team", "join_team", "ladder"]
    size: int
    hours: int
    first: Amount
    low: Amount


def note_of(deal: Offer, way: str) -> WayNote | None:
    """For the page on which it is confirmed; None when there is nothing to tell."""
    kind = way.partition(".")[0]
    match deal.form:
        case Team(size=size, hours=hours) if kind in ("open_team", "join_team"):
            return WayNote("open_team" if kind == "open_team" else "join_team", size, hours, deal.price, deal.price)
        case Ladder(tiers=tiers):
            low = Amount(tiers[-1].price_units, deal.price.asset)
            return WayNote("ladder", 0, 0, deal.price, low)
        case _:
            return None
