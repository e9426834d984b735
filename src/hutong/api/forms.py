"""The form in which an offer is sold, as the API shows it: what a buyer must know, nothing of what it costs whom."""

from typing import Any

from hutong.api.shapes import Money
from hutong.catalog import Offer
from hutong.catalog.forms import Bargain, Flash, Ladder, Stamp, Team
from hutong.kit.ids import OFFER
from hutong.kit.money import Amount

INSIDE = {"now_units", "budget_units", "cost_units"}  # what the house or the merchant reckons with


def form_out(offer: Offer) -> dict[str, Any]:
    """Its kind, and what that kind asks for: people and hours of a team, tiers of a ladder, slots, the floor."""

    def money(units: int) -> Money:
        return Money.of(Amount(units, offer.price.asset))

    form = offer.form
    kind = {"kind": form.__struct_config__.tag}
    match form:
        case Team(size=size, hours=hours, alone_units=alone):
            return kind | {"size": size, "hours": hours, "alone": None if alone is None else money(alone)}
        case Ladder(tiers=tiers):
            return kind | {"tiers": [{"from_units": t.from_units, "price": money(t.price_units)} for t in tiers]}
        case Flash(slots=slots):
            return kind | {"slots": [{"starts_at": s.starts_at, "ends_at": s.ends_at, "units": s.units} for s in slots]}
        case Bargain(floor_units=floor, helpers=helpers, hours=hours):
            return kind | {"floor": money(floor), "helpers": helpers, "hours": hours}
        case Stamp(stamps=stamps, least_units=least, reward=reward):
            shown = OFFER.show(reward, offer.city_id) if reward else None
            return kind | {"stamps": stamps, "least": money(least), "reward": shown}
        case _:
            names = [name for name in form.__struct_fields__ if name not in INSIDE | {"programme_id", "picture"}]
            return kind | {name: getattr(form, name) for name in names}
