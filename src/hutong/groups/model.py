"""Teams, ladders and bargains as values, and the rules between their states."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct

from hutong.kit.ids import derive
from hutong.kit.money import Amount

# A team is forming until who opened it has paid; it ends clinched, failed (its time is over) or dropped (nobody left).
TeamState = Literal["forming", "open", "clinched", "failed", "dropped"]
TEAM_STATES: tuple[TeamState, ...] = get_args(TeamState)

# held: reserved by an unpaid order -> taken: paid -> kept: the team has clinched -> returned: refunded after it.
# freed: the order was never paid; left: refunded before clinching; failed: its money is owed -> sent_back.
SeatState = Literal["held", "taken", "kept", "returned", "freed", "left", "failed", "sent_back"]
SEAT_STATES: tuple[SeatState, ...] = get_args(SeatState)
LIVE_SEATS: tuple[SeatState, ...] = ("held", "taken")


class Take(Struct, frozen=True, kw_only=True):
    """An order wants a seat: in the team `team_id`, or (`opens`) in a new one of that id.

    `size` and `hours` are those of a new team; `face` is the member's name as others may see it.
    """

    order_id: UUID
    team_id: UUID
    offer_id: UUID
    merchant_id: UUID
    member_id: UUID
    face: str
    opens: bool
    size: int
    hours: int


class Taken(Struct, frozen=True, kw_only=True):
    """The seat is kept until the order is paid, or ends."""

    order_id: UUID
    team_id: UUID


class Confirmed(Struct, frozen=True, kw_only=True):
    """What payments did to teams: the orders whose team has clinched by now, those of it that were paid before, and
    the teams themselves."""

    clinched: frozenset[UUID]
    earlier: tuple[UUID, ...]
    teams: tuple[UUID, ...]


class Seat(Struct, frozen=True, kw_only=True):
    """Somebody's place in a team, as the page shows it."""

    order_id: UUID
    member_id: UUID
    face: str
    state: SeatState
    first: bool


class Team(Struct, frozen=True, kw_only=True):
    """A team as everybody may see it. `seats` are those that are paid, who opened it first."""

    city_id: int
    team_id: UUID
    offer_id: UUID
    merchant_id: UUID
    size: int
    hours: int
    held: int
    taken: int
    state: TeamState
    closes_at: datetime | None
    ended_at: datetime | None
    seats: tuple[Seat, ...]

    @property
    def free(self) -> int:
        """How many may still join."""
        return self.size - self.held - self.taken if self.state == "open" else 0

    @property
    def missing(self) -> int:
        """How many must still pay."""
        return self.size - self.taken


def team_of(order_id: UUID) -> UUID:
    """The id of the team that an order opens. It cannot be guessed: 74 of its bits are a digest of the order's id."""
    return derive(order_id, "team")


class Step(Struct, frozen=True):
    """From so many paid units on, one unit costs so much."""

    from_units: int
    price_units: int


def price_at(first_units: int, tiers: Sequence[Step], paid_units: int) -> int:
    """What a unit of a ladder costs when so many are paid."""
    return min([first_units, *(t.price_units for t in tiers if paid_units >= t.from_units)])


class LadderState(Struct, frozen=True, kw_only=True):
    """How far a ladder has come. `price_units`: what the next unit costs; `final_units`: once it is over."""

    offer_id: UUID
    first_units: int
    tiers: tuple[Step, ...]
    paid_units: int
    closes_at: datetime
    price_units: int
    final_units: int | None


class BargainState(Struct, frozen=True, kw_only=True):
    """A bargain as everybody may see it."""

    city_id: int
    bargain_id: UUID
    offer_id: UUID
    merchant_id: UUID
    member_id: UUID
    face: str
    price_units: int
    floor_units: int
    cut_units: int
    helpers: int
    cuts: int
    state: Literal["open", "ordered", "bought", "over"]
    order_id: UUID | None
    opened_at: datetime
    closes_at: datetime
    friends: tuple["Cut", ...] = ()

    @property
    def now_units(self) -> int:
        """What it costs now."""
        return self.price_units - self.cut_units


class AtHand(Struct, frozen=True, kw_only=True):
    """What a member could join or finish of a deal: the running team that he is in, others with a free seat, the one
    that ends first on top, and the bargain that he may still buy at."""

    running: UUID | None = None
    teams: tuple[Team, ...] = ()
    bargain: "BargainState | None" = None


class Cut(Struct, frozen=True, kw_only=True):
    """What one friend has cut."""

    member_id: UUID
    face: str
    units: int
    seq: int


def cut_of(bargain_id: UUID, seq: int, *, price_units: int, floor_units: int, helpers: int) -> int:
    """What the `seq`-th friend (from 1) cuts: all together cut the price to its floor, to the unit.

    The pieces follow from the id of the bargain alone, which nobody knows before it is opened: nobody can try until
    a better one comes. Each weighs 5 to 14, so that none is a mockery.
    """
    weights = [5 + sha256(bargain_id.bytes + n.to_bytes(2, "big")).digest()[0] % 10 for n in range(helpers)]
    return Amount(price_units - floor_units, "CNY").split(weights)[seq - 1].units
