"""Operators and how an alliance grows, as values, and the pure rules of who is handed which part."""

import hashlib
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.clock import day_start, local_day
from hutong.kit.geo import Point
from hutong.kit.ids import CALLING, derive
from hutong.kit.text import Text

BASIS = 10_000  # basis points in a whole
Kind = Literal["division", "agent", "staff"]
ABOVE: Mapping[str, tuple[str, ...]] = {"division": (), "agent": ("division",), "staff": ("division", "agent")}
Part = Literal["merchant", "manager", "recruiter"]
State = Literal["draft", "submitted", "returned", "withdrawn", "rejected", "approved"]
OPEN: tuple[State, ...] = ("draft", "returned")  # the applicant may change it
Demand = Literal["open", "submitted", "accepted", "rejected", "waived"]
INVITATION_LIFE = timedelta(days=7)  # of one for an operator's own people
SLA = timedelta(hours=24)  # an applicant is promised an answer within a day
LONGEST_REASON = 400


class Operator(Struct, frozen=True, kw_only=True):
    """A division, an agent of it or one of its staff: who recruits and is handed a part of what that earns.

    `handed_bps`: of what the parent is handed; of the operators' whole part when there is no parent.
    """

    operator_id: UUID
    kind: Kind
    name: Text
    parent_id: UUID | None
    handed_bps: int
    version: int
    made_at: datetime
    ended_at: datetime | None = None


class MakeOperator(Struct, frozen=True, kw_only=True):
    """Let there be an operator, under a parent of a higher kind or under none."""

    operator_id: UUID
    kind: Kind
    name: Text
    parent_id: UUID | None = None
    handed_bps: int = BASIS
    by: UUID | None


class Rank(Struct, frozen=True, kw_only=True):
    """From now on the operator stands under that parent and is handed that part. `version`: the one that was read."""

    operator_id: UUID
    version: int
    parent_id: UUID | None
    handed_bps: int
    by: UUID | None


class Link(Struct, frozen=True):
    """One level of a chain, from above: who, what part of the level above he is handed, and the version saying so."""

    operator_id: UUID
    handed_bps: int
    version: int


class Share(Struct, frozen=True):
    """What of the operators' whole part is one operator's, in basis points, by which rule (`<operator>/<version>`)."""

    operator_id: UUID
    bps: int
    rule: str


class Attributed(Struct, frozen=True, kw_only=True):
    """Who recruited a merchant at an instant, until when he earns by it (None: for life), and who is handed what."""

    merchant_id: UUID
    attribution_id: UUID
    operator_id: UUID
    since: datetime
    ends_at: datetime | None
    shares: tuple[Share, ...]


def chain(operators: Sequence[Link]) -> tuple[Share, ...]:
    """What each level keeps: `operators` from the highest to whoever recruited. The sum is what the highest is handed.

    Each level is handed a part of what the one above has, rounded down to a basis point; what is not handed down, the
    remainder of the rounding too, stays above. So no sum exceeds 10,000. Source: features.md F62.
    """
    shares: list[Share] = []
    have = operators[0].handed_bps if operators else 0
    for place, link in enumerate(operators):
        below = operators[place + 1] if place + 1 < len(operators) else None
        given = have * below.handed_bps // BASIS if below else 0
        shares.append(Share(link.operator_id, have - given, f"{link.operator_id}/{link.version}"))
        have = given
    return tuple(shares)


class Territory(Struct, frozen=True, kw_only=True):
    """A city, or a district of it, that an operator runs in [since, until)."""

    city_id: int
    territory_id: UUID
    district_id: int | None
    operator_id: UUID
    since: datetime
    until: datetime | None


class Assign(Struct, frozen=True, kw_only=True):
    """Give a city (district None) or a district to an operator, from now on. `operator_id` None: nobody runs it."""

    territory_id: UUID
    district_id: int | None
    operator_id: UUID | None
    by: UUID | None


class Seat(Struct, frozen=True, kw_only=True):
    """Somebody of an operator's people."""

    seat_id: UUID
    operator_id: UUID
    member_id: UUID
    part: Literal["manager", "recruiter"]
    since: datetime
    until: datetime | None = None


class TakeSeat(Struct, frozen=True, kw_only=True):
    """Somebody joins an operator's people."""

    seat_id: UUID
    operator_id: UUID
    member_id: UUID
    part: Literal["manager", "recruiter"]
    by: UUID | None


class Reach(Struct, frozen=True, kw_only=True):
    """What of a city's recruiting somebody may see: everything, districts, and what is his operators' own."""

    everything: bool = False
    districts: frozenset[int] = frozenset()
    operators: frozenset[UUID] = frozenset()

    def __bool__(self) -> bool:
        return self.everything or bool(self.districts or self.operators)

    def admits(self, district_id: int | None) -> bool:
        """Whether who has this reach decides about shops of that district: he manages its territory."""
        return self.everything or district_id in self.districts

    def covers(self, *, district: int | None = None, operator: UUID | None = None) -> bool:
        """Whether a thing of that district, or of that operator, is seen."""
        return self.everything or district in self.districts or operator in self.operators

    def sql(self, *, district: str = "null::int", operator: str = "null::uuid") -> tuple[str, dict[str, Any]]:
        """(condition, parameters) for a `where`: the rows that `covers` lets through."""
        words = f"""(%(reach_all)s::bool or {district} = any(%(reach_districts)s::int[])
                    or {operator} = any(%(reach_operators)s::uuid[]))"""
        return words, {
            "reach_all": self.everything, "reach_districts": sorted(self.districts),
            "reach_operators": sorted(self.operators),
        }  # fmt: skip


class Call(Struct, frozen=True, kw_only=True):
    """An invitation by QR or link: for shops, or for one person to become the operator's manager or recruiter."""

    invitation_id: UUID
    secret: str
    operator_id: UUID
    part: Part
    label: str = ""
    by: UUID


class Calling(Struct, frozen=True, kw_only=True):
    """An invitation as the operator's people see it; `used`: applications that came by it."""

    invitation_id: UUID
    operator_id: UUID
    part: Part
    label: str
    made_by: UUID
    made_at: datetime
    expires_at: datetime | None
    accepted_by: UUID | None
    used: int = 0


def calling_text(city_id: int, invitation_id: UUID, secret: str) -> str:
    """What the link carries: the city comes first, so the link finds its shard."""
    return f"{CALLING.show(invitation_id, city_id)}.{secret}"


def read_calling(text: str) -> tuple[int, UUID, str]:
    """(city, id, secret) of the text in a link. Raises BadId."""
    name, _, secret = text.partition(".")
    city_id, invitation_id = CALLING.read_local(name)
    return city_id, invitation_id, secret[:128]


def secret_hash(secret: str) -> bytes:
    """What is stored of a secret: it is long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


class Words(Struct, frozen=True, kw_only=True):
    """What an application says: compared from round to round. `place` is WGS-84, `phone` in international form."""

    name: Text
    trade: str
    category: str
    district_id: int
    address: Text
    place: Point
    phone: str


class Apply(Struct, frozen=True, kw_only=True):
    """Somebody wants to bring a business in. `demands`: what its trade asks for; `operator_id`: whom he names as the
    one who brought him, where no invitation says it."""

    application_id: UUID
    member_id: UUID
    words: Words
    demands: tuple[str, ...]
    invitation_id: UUID | None = None
    secret: str = ""
    operator_id: UUID | None = None


class Application(Struct, frozen=True, kw_only=True):
    """A business that wants to come in, and how far it is. `operator_id`: who is to look at it first, if anybody."""

    city_id: int
    application_id: UUID
    member_id: UUID
    words: Words
    invitation_id: UUID | None
    operator_id: UUID | None
    merchant_id: UUID
    store_id: UUID
    state: State
    round: int
    version: int
    made_at: datetime
    changed_at: datetime


class Requirement(Struct, frozen=True, kw_only=True):
    """Something that the trade asks for and how it stands; `reason`: why it was rejected or waived, by `by`."""

    kind: str
    state: Demand
    document_id: UUID | None
    expires_on: date | None
    reason: str = ""
    by: UUID | None = None
    at: datetime | None = None


class Document(Struct, frozen=True, kw_only=True):
    """A paper that was brought."""

    document_id: UUID
    application_id: UUID
    kind: str
    file: str
    round: int
    by: UUID
    operator_id: UUID | None
    expires_on: date | None
    at: datetime


class Rework(Struct, frozen=True, kw_only=True):
    """The applicant changes what the application says."""

    application_id: UUID
    member_id: UUID
    version: int
    words: Words


class Bring(Struct, frozen=True, kw_only=True):
    """A document for a requirement, by the applicant or by an operator's people (`operator_id`)."""

    document_id: UUID
    application_id: UUID
    kind: str
    file: str
    by: UUID
    operator_id: UUID | None = None
    expires_on: date | None = None


class Move(Struct, frozen=True, kw_only=True):
    """A step of an application; `version` is the one that was looked at."""

    application_id: UUID
    by: UUID
    version: int
    reason: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """What the reviewer says of a requirement."""

    application_id: UUID
    kind: str
    state: Literal["accepted", "rejected", "waived"]
    reason: str = ""
    by: UUID


class Step(Struct, frozen=True, kw_only=True):
    """A step that was taken; `words` when the application was sent in."""

    version: int
    state: State
    round: int
    by: UUID
    at: datetime
    reason: str
    words: Words | None


def differences(was: Words, now: Words) -> list[tuple[str, Any, Any]]:
    """(field, before, now) of what two rounds say differently, in the order of the fields."""
    names = Words.__struct_fields__
    return [(n, getattr(was, n), getattr(now, n)) for n in names if getattr(was, n) != getattr(now, n)]


def merchant_of(application_id: UUID) -> UUID:
    """The id that the merchant of an application gets: known before, so that evidence can name it."""
    return derive(application_id, "merchant")


def store_of(application_id: UUID) -> UUID:
    """The id of the first store."""
    return derive(application_id, "store")


def term_end(signed: datetime, months: int, zone: str) -> datetime:
    """When a term of so many months ends that begins with a signature: the local midnight that ends the same day of
    the month (the last one where the month is shorter), exclusive."""
    day = local_day(signed, zone)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return day_start(date(year, month + 1, min(day.day, last)) + timedelta(days=1), zone)
