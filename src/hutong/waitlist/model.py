"""Who waits for what, and the rule by which free units find the next one. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.catalog import Bargain, Ladder, Offer, Plain, Team
from hutong.catalog.forms import Flash
from hutong.kit.clock import local, local_day
from hutong.kit.links import link_text as leave_text
from hutong.kit.links import link_token, token_hash
from hutong.kit.links import read_link as read_leave
from hutong.kit.terms import Terms, validity

__all__ = ["leave_text", "read_leave", "token_hash"]  # of the kit, under the words of this package

EntryState = Literal["waiting", "called", "served", "left", "ended"]
CallState = Literal["open", "taken", "lapsed", "declined"]
CALL_FOR = timedelta(minutes=30)
CALL_LEAST = timedelta(minutes=2)  # nobody is called for what is over before he has read it
MOST_CALLS = 2
MOST_LIVE = 10  # entries of one member
MOST_UNITS = 50
MOST_CHOICES = 10
MORNING, NIGHT = time(8), time(22)  # calls are made between them


class Join(Struct, frozen=True, kw_only=True):
    """Wait for `units` of any of these deals; `first`..`last`: the days (of the city, both included) that would do.

    `secret`: sixteen random bytes of the edge, from which the link for leaving follows.
    """

    entry_id: UUID
    member_id: UUID
    offer_ids: tuple[UUID, ...]
    units: int
    secret: bytes
    first: date | None = None
    last: date | None = None

    def __repr__(self) -> str:
        """Without the secret: a wish may end up in a log."""
        return f"Join({self.entry_id}, {self.units})"


class Leave(Struct, frozen=True, kw_only=True):
    """Wait no more: the member himself, or whoever has the link of a message (`token`)."""

    member_id: UUID | None = None
    entry_id: UUID | None = None
    token: bytes | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """One need of one member. `since` is his place in the line; `calls` how often he was asked."""

    city_id: int
    entry_id: UUID
    member_id: UUID
    units: int
    first: date | None
    last: date | None
    state: EntryState
    joined_at: datetime
    since: datetime
    calls: int
    ended_at: datetime | None = None
    why: str = ""
    choices: tuple["Choice", ...] = ()

    @property
    def live(self) -> bool:
        return self.state in ("waiting", "called")


class Choice(Struct, frozen=True, kw_only=True):
    """A deal that would do."""

    offer_id: UUID
    quota_id: UUID
    merchant_id: UUID


class Call(Struct, frozen=True, kw_only=True):
    """Units that are kept for somebody who waited, until `expires_at`. `hold_id`: by which hold."""

    call_id: UUID
    entry_id: UUID
    member_id: UUID
    offer_id: UUID
    hold_id: UUID
    units: int
    state: CallState
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class Place(Struct, frozen=True):
    """Where somebody stands in the line for a deal: entries before him, and the units that they need."""

    before: int
    units_before: int


class Demand(Struct, frozen=True, kw_only=True):
    """What waits for a deal: people, units, how many are asked at this moment, and since when the first waits."""

    offer_id: UUID
    entries: int
    units: int
    called: int
    first_since: datetime | None


def waitable(offer: Offer) -> bool:
    """Whether one can wait for it when it is sold out: deals in every form in which units may come back."""
    return offer.scheme == "deals" and isinstance(offer.form, Plain | Team | Ladder | Bargain | Flash)


def stock_of(offer: Offer, now: datetime) -> UUID | None:
    """The quota that it is sold from at this instant: in a flash sale that of the running slot, None between slots."""
    if isinstance(offer.form, Flash):
        running = offer.form.running(now)
        return running.quota_id if running is not None else None
    return offer.quota_id


def sold_until(offer: Offer, quota_id: UUID) -> datetime | None:
    """Until when units of that quota are sold, exclusive: the end of slot or sale; None: it is not of this deal."""
    if isinstance(offer.form, Flash):
        return next((slot.ends_at for slot in offer.form.slots if slot.quota_id == quota_id), None)
    return offer.sale_to if offer.quota_id == quota_id else None


def serve(
    line: Sequence[Entry], left: Mapping[UUID, int], fits: "Mapping[UUID, frozenset[UUID]]"
) -> list[tuple[Entry, Choice]]:
    """Whose turn it is, with which of his deals: from the front of the line, whole needs only.

    `left`: free units by quota; `fits`: for each entry the offers that can be bought now and used when he wishes. Who
    needs more than there is keeps his place and is passed over.
    """
    stock = dict(left)
    served: list[tuple[Entry, Choice]] = []
    for entry in sorted(line, key=lambda one: (one.since, one.entry_id)):
        good = fits.get(entry.entry_id, frozenset())
        for choice in entry.choices:
            if choice.offer_id in good and stock.get(choice.quota_id, 0) >= entry.units:
                stock[choice.quota_id] -= entry.units
                served.append((entry, choice))
                break
    return served


def usable_then(terms: Terms, first: date | None, last: date | None, *, now: datetime, zone: str) -> bool:
    """Whether a unit that is bought now can be used on at least one of the wished days; days are the city's.

    A day is good when it lies in the validity, is no blackout day, and its weekday has a window.
    """
    if first is None or last is None:
        return True
    begin, end = validity(terms, paid_at=now, zone=zone)
    day = max(first, local_day(begin, zone))
    until = min(last, local_day(end - timedelta(seconds=1), zone))
    while day <= until:
        closed = any(blackout.first <= day <= blackout.last for blackout in terms.blackouts)
        weekdays = {one for window in terms.windows for one in window.weekdays}
        if not closed and (not weekdays or day.weekday() in weekdays):
            return True
        day += timedelta(days=1)
    return False


def is_day(now: datetime, zone: str) -> bool:
    """Whether people are called at this hour."""
    return MORNING <= local(now, zone).time() < NIGHT


def may_call(offer: Offer, now: datetime, zone: str) -> bool:
    """Whether somebody is called for this deal at this hour: who waits in a flash slot began to wait within it, so he
    is awake, and in the morning the slot would be over."""
    return isinstance(offer.form, Flash) or is_day(now, zone)


def leave_token(secret: bytes, entry_id: UUID) -> bytes:
    """The token of the link by which one leaves without signing in; it follows from the entry's secret."""
    return link_token(secret, b"leave", entry_id)
