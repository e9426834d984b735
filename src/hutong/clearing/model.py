"""Clearing as values: what moved between the parties of a programme in a period, netted to one amount for each.

Units are of the programme's currency, and signed from the party's side: above zero he gets it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.clock import local

PartKind = Literal[
    "issued", "burnt", "given_back", "clawed_back", "expired", "campaign", "margin", "released", "correction",
    "reserve", "held",
]  # fmt: skip
Via = Literal["due", "postpaid", "prepaid", "escrow", "programme", "dispute"]
Party = Literal["partner", "programme"]
CaseState = Literal["open", "upheld", "corrected"]

KINDS: tuple[PartKind, ...] = (
    "issued", "burnt", "given_back", "clawed_back", "expired", "campaign", "margin", "released", "correction",
    "reserve", "held",
)  # fmt: skip
NETTED: frozenset[str] = frozenset({"due", "postpaid", "dispute"})
"""What a partner is paid or charged by a clearing. Prepaid money is gone from his funding already, and what went to
escrow reaches him when the right is used: both are shown on the statement and stand outside of its net."""

DISPUTE_DAYS = 60
"""For so many days after a run was closed its lines can be disputed."""


class Leg(Struct, frozen=True, kw_only=True):
    """One posting on the reserve of a programme. `change` is above zero when the reserve grew."""

    transfer_id: UUID
    other: str
    change: int
    event: str
    ref: UUID
    rule: str
    at: datetime

    @property
    def what(self) -> str:
        """The kind of the movement behind it: events are named programmes.<kind>."""
        return self.event.removeprefix("programmes.")


class Entry(Struct, frozen=True, kw_only=True):
    """One line of a statement: a leg, or what came of a dispute. `store_id`, `city_id`: where it happened, if known."""

    transfer_id: UUID
    party_id: UUID
    kind: PartKind
    via: Via
    points: int
    units: int
    movement_id: UUID
    city_id: int | None
    store_id: UUID | None
    rule: str
    at: datetime


class Part(Struct, frozen=True, kw_only=True):
    """All lines of a party of one kind and way."""

    party_id: UUID
    kind: PartKind
    via: Via
    count: int
    points: int
    units: int


class Close(Struct, frozen=True, kw_only=True):
    """Close the period [since, until) of a programme: whole days of its zone, from where the last one ended."""

    run_id: UUID
    programme_id: UUID
    since: datetime
    until: datetime


class Run(Struct, frozen=True, kw_only=True):
    """A closed period. `digest` is over all its statements; `posted_at` when every partner's amount was booked.

    `partners_net`: what the programme pays to all its partners together (below zero: gets from them).
    `reserve_units`: what backed the outstanding points at `until`.
    """

    programme_id: UUID
    run_id: UUID
    number: int
    since: datetime
    until: datetime
    zone: str
    asset: str
    face_units: int
    entries: int
    reserve_units: int
    partners_units: int
    partners_net: int
    digest: str
    closed_at: datetime
    posted_at: datetime | None


class Closed(Struct, frozen=True, kw_only=True):
    """The run; `replayed` when the period was closed before by the same run."""

    run: Run
    statements: int
    replayed: bool = False


class Post(Struct, frozen=True, kw_only=True):
    """Book the net of one party's statement."""

    programme_id: UUID
    run_id: UUID
    party_id: UUID


class Posted(Struct, frozen=True, kw_only=True):
    """What was booked, and what the partner's payable came to (below zero: recovered from what he earns next)."""

    run_id: UUID
    party_id: UUID
    net_units: int
    payable_units: int
    replayed: bool = False


class Statement(Struct, frozen=True, kw_only=True):
    """One party's statement of a run. `carried_units`: what he still owed after the clearing before (zero or below)."""

    run: Run
    party_id: UUID
    party: Party
    home_city: int | None
    mode: str | None
    limit_units: int
    units: int
    net_units: int
    carried_units: int
    digest: str
    posted_at: datetime | None
    payable_units: int | None
    parts: tuple[Part, ...]

    def of(self, kind: str, *vias: str) -> int:
        """The units of a kind (over the ways that are named, or all)."""
        return sum(p.units for p in self.parts if p.kind == kind and (not vias or p.via in vias))

    def points(self, kind: str) -> int:
        """The points of a kind."""
        return sum(p.points for p in self.parts if p.kind == kind)

    @property
    def prepaid_units(self) -> int:
        """What left (below zero) or came back to his prepaid funding in the period."""
        return sum(p.units for p in self.parts if p.via == "prepaid")

    @property
    def escrow_units(self) -> int:
        """What went to his escrow for online orders: he gets it when they are used."""
        return sum(p.units for p in self.parts if p.via == "escrow")


class Dispute(Struct, frozen=True, kw_only=True):
    """A partner says that a line of a closed run is wrong."""

    dispute_id: UUID
    programme_id: UUID
    party_id: UUID
    transfer_id: UUID
    reason: str
    by: UUID


class Decide(Struct, frozen=True, kw_only=True):
    """The platform's word: the line stands, or it should have been `correct_units` (of the party's side)."""

    dispute_id: UUID
    programme_id: UUID
    state: Literal["upheld", "corrected"]
    correct_units: int | None = None
    note: str
    by: UUID


class Case(Struct, frozen=True, kw_only=True):
    """A disputed line. `held_units` of it are taken out of what is paid or charged until it is decided and cleared."""

    dispute_id: UUID
    programme_id: UUID
    run_id: UUID
    party_id: UUID
    transfer_id: UUID
    home_city: int
    kind: PartKind
    via: Via
    units: int
    held_units: int
    asset: str
    reason: str
    opened_by: UUID
    opened_at: datetime
    state: CaseState
    correct_units: int | None
    note: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    settled_run: UUID | None


def classify(leg: Leg, programme_id: UUID) -> tuple[UUID | None, PartKind, Via]:
    """(party, kind, way) of a leg by the account on its other side; None for a seller whom only the movement names.

    Raises ValueError for an account that no rule of clearing knows: then nothing is closed.
    """
    head, _, rest = leg.other.partition("/")
    gets = leg.change < 0  # the reserve pays
    back: PartKind = "expired" if leg.what == "expire" else "clawed_back"
    if head == "due":
        return UUID(rest), "burnt" if gets else "given_back", "due"
    if head == "campaign" or leg.other == "funding/own":  # what the programme itself gives
        return programme_id, "expired" if back == "expired" else "campaign", "programme"
    if head == "funding":
        partner, _, postpaid = rest.partition("/")
        return UUID(partner), back if gets else "issued", "postpaid" if postpaid else "prepaid"
    if head == "revenue":
        return programme_id, "expired" if back == "expired" else "margin", "programme"
    if leg.other.startswith("clearing/city/"):
        return None, "burnt" if gets else "given_back", "escrow"
    raise ValueError(f"the reserve met {leg.other}, which clearing does not know")


def points_of(legs: Sequence[Leg], face_units: int) -> dict[UUID, int]:
    """The points behind each leg, by transfer.

    Money and points move in proportion of the face, but a burn's money is divided between partner and programme: its
    points stand on the partner's leg, and on the programme's where the partner got nothing.
    """
    burns: dict[tuple[UUID, str], list[Leg]] = {}
    found: dict[UUID, int] = {}
    for leg in legs:
        if leg.what in ("burn", "unburn"):
            burns.setdefault((leg.ref, leg.event), []).append(leg)
        else:
            found[leg.transfer_id] = abs(leg.change) // face_units
    for group in burns.values():
        first = min(group, key=lambda leg: (leg.other.startswith("revenue/"), leg.transfer_id))
        for leg in group:
            found[leg.transfer_id] = abs(sum(one.change for one in group)) // face_units if leg is first else 0
    return found


def parts_of(entries: Iterable[Entry]) -> list[Part]:
    """The sums of lines, sorted by party, kind and way."""
    sums: dict[tuple[UUID, PartKind, Via], list[int]] = {}
    for one in entries:
        at = sums.setdefault((one.party_id, one.kind, one.via), [0, 0, 0])
        for place, value in enumerate((1, one.points, one.units)):
            at[place] += value
    return [
        Part(party_id=party, kind=kind, via=via, count=count, points=points, units=units)
        for (party, kind, via), (count, points, units) in sorted(sums.items(), key=lambda one: tuple(map(str, one[0])))
    ]


def own_parts(parts: Sequence[Part], programme_id: UUID, reserve: int, legs: int, points: int) -> list[Part]:
    """What the programme itself has in a run: the change of its reserve, and the other side of what disputes moved.

    With these, all parts of all parties sum to zero.
    """
    found = [
        Part(party_id=programme_id, kind="reserve", via="programme", count=legs, points=points, units=reserve)
    ]  # fmt: skip
    for kind, name in (("released", "held"), ("correction", "correction")):
        mine = [p for p in parts if p.kind == kind and p.party_id != programme_id]
        if mine:
            units, count = -sum(p.units for p in mine), sum(p.count for p in mine)
            found.append(
                Part(party_id=programme_id, kind=name, via="programme", count=count, points=0, units=units)  # type: ignore[arg-type]
            )
    return found


def net(parts: Iterable[Part]) -> int:
    """The one amount of a partner."""
    return sum(p.units for p in parts if p.via in NETTED)


def _micros(instant: datetime) -> int:
    return int(instant.timestamp()) * 1_000_000 + instant.microsecond


def text_of(
    programme_id: UUID, number: int, since: datetime, until: datetime, party_id: UUID, asset: str,
    parts: Sequence[Part], entries: Sequence[Entry], net_units: int,
) -> bytes:  # fmt: skip
    """The statement as lines of text: the same facts give the same bytes, for ever and on every machine.

    Parts by kind and way, lines by time and id; instants as microseconds since 1970. `audit.sql` writes the same text
    from the rows.
    """
    lines = [f"clearing 1 {programme_id} {number} {_micros(since)} {_micros(until)} {party_id} {asset} {net_units}"]
    lines += [
        f"part {p.kind} {p.via} {p.count} {p.points} {p.units}" for p in sorted(parts, key=lambda p: (p.kind, p.via))
    ]
    lines += [
        f"entry {_micros(e.at)} {e.transfer_id} {e.kind} {e.via} {e.points} {e.units} {e.movement_id} "
        f"{e.store_id or '-'} {e.rule}"
        for e in sorted(entries, key=lambda e: (e.at, e.transfer_id.bytes))
    ]
    return "\n".join(lines).encode()


def digest(text: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(text).hexdigest()


def digest_of_all(digests: Iterable[str]) -> str:
    """The digest of a run: over those of its statements, sorted."""
    return digest("\n".join(sorted(digests)).encode())


def is_midnight(instant: datetime, zone: str) -> bool:
    """Whether a day of `zone` begins then."""
    there = local(instant, zone)
    return (there.hour, there.minute, there.second, there.microsecond) == (0, 0, 0, 0)
