"""How a deal is sold, as fields of its form: plain, to teams, on a ladder, by bargain, in slots. Pure.

Other forms (cards, coupons) have pages of their own; here they are kept as they are.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import field

from hutong.catalog import PLAIN, Bargain, Form, Ladder, Offer, Team, Tier
from hutong.catalog.forms import Flash, Slot
from hutong.kit.clock import local
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.web.shared.forms import KeyedForm

Many = str | list[str]
KINDS = ("plain", "team", "ladder", "bargain", "flash")
SPARE = 2
MOST = 10


class SaleForm(KeyedForm, frozen=True, kw_only=True):
    """The fields of the way of selling, as they were typed. `form` empty: the offer has one that is not made here.

    It is sent as `sold_as`: a field that is called `form` hides what a browser calls the form of a field, and scripts
    that ask for it stop.
    """

    form: str = field(name="sold_as", default="plain")
    team_size: str = "2"
    team_hours: str = "24"
    team_alone: str = ""
    tier_units: Many = field(default_factory=list)
    tier_price: Many = field(default_factory=list)
    bargain_floor: str = ""
    bargain_helpers: str = "10"
    bargain_hours: str = "24"
    bargain_budget: str = ""
    slot_from: Many = field(default_factory=list)
    slot_to: Many = field(default_factory=list)
    slot_units: Many = field(default_factory=list)

    def tiers(self) -> list[tuple[str, str]]:
        """(units, price) of the tiers to show: those with something, and spare ones."""
        units, prices = (one if isinstance(one, list) else [one] for one in (self.tier_units, self.tier_price))
        longest = max(len(units), len(prices))
        rows = [(units[n] if n < len(units) else "", prices[n] if n < len(prices) else "") for n in range(longest)]
        filled = [row for row in rows if row[0].strip() or row[1].strip()][:MOST]
        return [*filled, *[("", "")] * min(SPARE, MOST - len(filled))]

    def slots(self) -> list["SlotRow"]:
        """The slots to show: those with something, and spare ones."""
        columns = [one if isinstance(one, list) else [one] for one in (self.slot_from, self.slot_to, self.slot_units)]
        longest = max(len(column) for column in columns)
        rows = [SlotRow(*(column[n] if n < len(column) else "" for column in columns)) for n in range(longest)]
        filled = [row for row in rows if any(cell.strip() for cell in row)][:MOST]
        return [*filled, *[SlotRow()] * min(SPARE, MOST - len(filled))]


class SlotRow(NamedTuple):
    """A slot as it was typed: two moments on the clocks of the city, and its units."""

    start: str = ""
    end: str = ""
    units: str = ""


class Reads(Protocol):
    """What reads typed fields and keeps what is wrong with them."""

    zone: str

    def note(self, name: str, why: str | Text) -> None: ...

    def money(self, name: str, asset: str, typed: str | None = None) -> Amount: ...
    def count(
        self, name: str, *, least: int, most: int, absent: int | None, typed: str | None = None
    ) -> int | None: ...


def fields_of(offer: Offer, zone: str) -> dict[str, Any]:
    """The fields of an offer, ready to be typed into."""
    asset = offer.price.asset
    match offer.form:
        case Team() as form:
            alone = "" if form.alone_units is None else _typed(form.alone_units, asset)
            return {"form": "team", "team_size": str(form.size), "team_hours": str(form.hours), "team_alone": alone}
        case Ladder() as form:
            return {
                "form": "ladder", "tier_units": [str(tier.from_units) for tier in form.tiers],
                "tier_price": [_typed(tier.price_units, asset) for tier in form.tiers],
            }  # fmt: skip
        case Bargain() as form:
            return {
                "form": "bargain", "bargain_floor": _typed(form.floor_units, asset),
                "bargain_helpers": str(form.helpers), "bargain_hours": str(form.hours),
                "bargain_budget": _typed(form.budget_units, asset),
            }  # fmt: skip
        case Flash() as form:
            return {
                "form": "flash", "slot_from": [_moment(slot.starts_at, zone) for slot in form.slots],
                "slot_to": [_moment(slot.ends_at, zone) for slot in form.slots],
                "slot_units": [str(slot.units) for slot in form.slots],
            }  # fmt: skip
        case _:
            return {"form": "plain" if offer.form == PLAIN else ""}


def _typed(units: int, asset: str) -> str:
    whole, _, rest = Amount(units, asset).decimal().partition(".")
    return whole if not rest.strip("0") else f"{whole}.{rest}"


def read_form(it: Reads, form: SaleForm, *, asset: str, offer_id: UUID) -> Form | None:
    """The way of selling that these fields say; None for one that is not made here. What contradicts itself is found
    by the rules of the catalog."""
    match form.form:
        case "team":
            alone = it.money("team_alone", asset).units if form.team_alone.strip() else None
            size = it.count("team_size", least=2, most=100, absent=2) or 2
            hours = it.count("team_hours", least=1, most=720, absent=24) or 24
            return Team(size=size, hours=hours, alone_units=alone)
        case "ladder":
            return Ladder(tiers=_tiers(it, form, asset))
        case "bargain":
            return Bargain(
                floor_units=it.money("bargain_floor", asset).units,
                helpers=it.count("bargain_helpers", least=1, most=100, absent=10) or 10,
                hours=it.count("bargain_hours", least=1, most=720, absent=24) or 24,
                budget_units=it.money("bargain_budget", asset).units,
            )
        case "flash":
            return Flash(slots=_slots(it, form, offer_id))
        case "plain":
            return PLAIN
        case _:
            return None


def _slots(it: Reads, form: SaleForm, offer_id: UUID) -> tuple[Slot, ...]:
    """The typed slots in the order of time. A slot is known by its beginning, so its stock stays when it is edited."""
    found: list[Slot] = []
    for row in form.slots():
        if not any(cell.strip() for cell in row):
            continue
        try:
            start, end = (_instant(cell, it.zone) for cell in (row.start, row.end))
        except (ValueError, OverflowError):
            it.note("slots", "editor.wrong.date")
            continue
        units = it.count("slots", least=1, most=10_000_000, absent=1, typed=row.units) or 1
        slot_id = derive(offer_id, f"slot/{start.isoformat()}")
        found.append(
            Slot(slot_id=slot_id, starts_at=start, ends_at=end, quota_id=derive(slot_id, "quota"), units=units)
        )
    return tuple(sorted(found, key=lambda slot: slot.starts_at))


def _instant(typed: str, zone: str) -> datetime:
    return datetime.fromisoformat(typed.strip()).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _moment(instant: datetime, zone: str) -> str:
    return local(instant, zone).strftime("%Y-%m-%dT%H:%M")


def _tiers(it: Reads, form: SaleForm, asset: str) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            it.count("tiers", least=1, most=10_000_000, absent=0, typed=units) or 0,
            it.money("tiers", asset, typed=price).units,
        )
        for units, price in form.tiers()
        if units.strip() or price.strip()
    )
