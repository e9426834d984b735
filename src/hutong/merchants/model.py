"""Merchants, their stores, photos and invitations as values."""

import re
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.access import Actor, Role
from hutong.kit.geo import Point
from hutong.kit.ids import INVITATION
from hutong.kit.refusals import BadInput
from hutong.kit.text import Text
from hutong.merchants.hours import Hours, Span

SLUG = re.compile(r"^[a-z0-9]+([-_][a-z0-9]+)*$")
FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
INVITATION_LIFE = timedelta(days=7)
STAFF_ROLES = (Role.MERCHANT_OWNER, Role.STORE_MANAGER, Role.STORE_CASHIER)


class Merchant(Struct, frozen=True, kw_only=True):
    """A business. `operator_id` is who recruited it (earns a share), `payout_account` a reference at the provider."""

    merchant_id: UUID
    name: Text
    trade: str
    status: Literal["active", "suspended", "closed"]
    operator_id: UUID | None
    payout_account: str | None
    created_at: datetime


class AddMerchant(Struct, frozen=True, kw_only=True):
    """A business to add; `city_id` is where it is admitted (it may open stores in other cities later)."""

    merchant_id: UUID
    city_id: int
    name: Text
    trade: str
    operator_id: UUID | None = None
    payout_account: str | None = None


class Store(Struct, frozen=True, kw_only=True):
    """The place of a business, in exactly one city for ever."""

    city_id: int
    store_id: UUID
    merchant_id: UUID
    district_id: int | None
    name: Text
    pinyin: str
    category: str
    address: Text
    phone: str | None
    place: Point
    hours: Hours
    status: Literal["open", "closed"]
    created_at: datetime
    closed_at: datetime | None
    version: int = 1


class AddStore(Struct, frozen=True, kw_only=True):
    """A store to open. `place` is WGS-84; pinyin follows from the Chinese name when it is not given."""

    store_id: UUID
    merchant_id: UUID
    name: Text
    place: Point
    address: Text
    category: str
    hours: Hours
    district_id: int | None = None
    phone: str | None = None
    pinyin: str | None = None


class EditStore(Struct, frozen=True, kw_only=True):
    """What a store is called, where it is, how it is reached. `version` is the one that was read; None: whichever."""

    store_id: UUID
    by: UUID | None
    version: int | None = None
    name: Text
    address: Text
    phone: str | None
    place: Point
    district_id: int | None


class SetHours(Struct, frozen=True, kw_only=True):
    """New weekly hours. `version` is the one that was read; None: whichever."""

    store_id: UUID
    hours: Hours
    by: UUID | None = None
    version: int | None = None


class Sign(Struct, frozen=True, kw_only=True):
    """What hangs over the door: whose store it is, and its name."""

    merchant_id: UUID
    name: Text


class StoreChange(Struct, frozen=True, kw_only=True):
    """Who changed what at a store, and what was different before and after. `version` for its words and hours."""

    change_id: UUID
    store_id: UUID
    merchant_id: UUID
    what: str
    by: UUID | None
    at: datetime
    before: dict[str, Any]
    after: dict[str, Any]
    version: int | None = None


class SetException(Struct, frozen=True, kw_only=True):
    """Other hours on one date: no spans means closed; None takes the exception away."""

    store_id: UUID
    day: date
    spans: tuple[Span, ...] | None
    note: Text | None = None


class DayException(Struct, frozen=True, kw_only=True):
    """What is different on one date."""

    store_id: UUID
    day: date
    spans: tuple[Span, ...]
    note: Text | None


class AddPhoto(Struct, frozen=True, kw_only=True):
    """A picture of a store; `file` is its name in the file store, the smallest position is shown first."""

    photo_id: UUID
    store_id: UUID
    file: str
    alt: Text
    position: int = 0


class Photo(Struct, frozen=True, kw_only=True):
    """A picture as pages show it."""

    photo_id: UUID
    store_id: UUID
    file: str
    alt: Text
    position: int


class ArrangePhoto(Struct, frozen=True, kw_only=True):
    """Another place in the order, other words for those who do not see it."""

    photo_id: UUID
    position: int
    alt: Text


class RemovePhoto(Struct, frozen=True, kw_only=True):
    """Take a picture away."""

    photo_id: UUID


class CloseStore(Struct, frozen=True, kw_only=True):
    """Close a store for good: who moves opens a new one."""

    store_id: UUID
    by: UUID
    reason: str


class InviteStaff(Struct, frozen=True, kw_only=True):
    """Invite somebody. The owner's role is for the merchant, the others for one store. Id and secret are new."""

    invitation_id: UUID
    secret: str
    inviter: Actor
    role: Role
    merchant_id: UUID
    store_id: UUID | None = None
    label: str = ""
    life: timedelta = INVITATION_LIFE


class Invited(Struct, frozen=True, kw_only=True):
    """The invitation; `text` goes into the link and is seen this once."""

    invitation_id: UUID
    text: str
    role: Role
    expires_at: datetime


class AcceptInvitation(Struct, frozen=True, kw_only=True):
    """A signed-in member takes an invitation."""

    invitation_id: UUID
    secret: str
    member_id: UUID


class Accepted(Struct, frozen=True, kw_only=True):
    """What the edge now grants in the same transaction: `people.grant` with exactly these."""

    invitation_id: UUID
    grant_id: UUID
    member_id: UUID
    role: Role
    city_id: int
    merchant_id: UUID
    store_id: UUID | None
    invited_by: UUID


class RevokeInvitation(Struct, frozen=True, kw_only=True):
    """Take an invitation back before it is accepted."""

    invitation_id: UUID
    by: UUID


class Invitation(Struct, frozen=True, kw_only=True):
    """An invitation as the invited or a colleague sees it."""

    invitation_id: UUID
    role: Role
    label: str
    merchant_id: UUID
    merchant_name: Text
    store_id: UUID | None
    store_name: Text | None
    invited_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


class InvitationDeed(Struct, frozen=True, kw_only=True):
    """An invitation that was made or taken back, by whom."""

    at: datetime
    what: Literal["invited", "uninvited"]
    by: UUID
    role: Role
    label: str
    store_id: UUID | None


class NearStore(Struct, frozen=True, kw_only=True):
    """A store and how far it is: metres along the surface, and the chord that pages on."""

    store: Store
    distance_m: float
    chord: float

    @property
    def cursor(self) -> "NearCursor":
        return NearCursor(chord=self.chord, store_id=self.store.store_id)


class NearCursor(Struct, frozen=True, kw_only=True):
    """Where the next page of a list by nearness begins: after this one."""

    chord: float
    store_id: UUID


def invitation_text(city_id: int, invitation_id: UUID, secret: str) -> str:
    """What the link carries: the city comes first, so the link finds its shard."""
    return f"{INVITATION.show(invitation_id, city_id)}.{secret}"


def read_invitation(text: str) -> tuple[int, UUID, str]:
    """(city, id, secret) of the text in a link. Raises BadId."""
    name, _, secret = text.partition(".")
    city_id, invitation_id = INVITATION.read_local(name)
    return city_id, invitation_id, secret[:128]


def words_missing(words: Text, field: str, limit: int = 120) -> BadInput | None:
    """What is wrong with a text that people will read; None when it is sound."""
    if not (words.zh.strip() and words.en.strip()) or len(words.zh) > limit or len(words.en) > limit:
        return BadInput(field=field, why=f"1-{limit}")
    return None
