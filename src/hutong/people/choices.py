"""What members settle about themselves as values: what they want to be told, their number, a copy, leaving."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

Purpose = Literal["orders", "reminders", "reviews", "offers"]
Channel = Literal["inbox", "sms"]
Proof = Literal["code", "passkey"]
Outcome = Literal["cancelled", "prevented", "done"]

# What may be chosen, and what holds for a member who never chose: services he bought are told in the app, nothing
# is sent to his number, and nothing advertises, until he says yes.
DEFAULTS: dict[tuple[Purpose, Channel], bool] = {
    ("orders", "sms"): False,
    ("reminders", "inbox"): True,
    ("reminders", "sms"): False,
    ("reviews", "inbox"): True,
    ("offers", "inbox"): False,
}
TEXT_VERSION = "2026-11b"  # of the sentences beside the switches: a change of their meaning is a new version

TIME_TO_THINK = timedelta(days=7)
EXPORT_LIFE = timedelta(hours=24)
EXPORTS_PER_DAY = 3
FETCHES_MAX = 5


class Choose(Struct, frozen=True, kw_only=True):
    """Say yes or no to one purpose on one channel. The id is new, from the edge."""

    member_id: UUID
    consent_id: UUID
    purpose: Purpose
    channel: Channel
    given: bool
    text_version: str = TEXT_VERSION


class Consent(Struct, frozen=True, kw_only=True):
    """One line of the history of a member's choices."""

    purpose: Purpose
    channel: Channel
    given: bool
    text_version: str
    at: datetime


class ChangePhone(Struct, frozen=True, kw_only=True):
    """Move a member to another number: with the codes that went to the old one and to the new one.

    `keep` is the token of the session that asks; all others end. The id is new, from the edge.
    """

    member_id: UUID
    change_id: UUID
    phone: str
    old_code: str
    new_code: str
    address: str
    keep: str


class PhoneChanged(Struct, frozen=True, kw_only=True):
    """The member has this number now; how many other sessions ended."""

    member_id: UUID
    tail: str
    ended: int


class Leave(Struct, frozen=True, kw_only=True):
    """A member asks to leave; who he is was proved by a code or a passkey just now. The id is new."""

    member_id: UUID
    departure_id: UUID
    proof: Proof


class Departure(Struct, frozen=True, kw_only=True):
    """A member is leaving: from `due_at` on his name and number are taken away."""

    member_id: UUID
    departure_id: UUID
    asked_at: datetime
    due_at: datetime


class EndDeparture(Struct, frozen=True, kw_only=True):
    """How a departure ends: the member thought again, something open prevents it, or it is done."""

    member_id: UUID
    outcome: Outcome


class AskExport(Struct, frozen=True, kw_only=True):
    """Ask for a copy of one's own data. The id is new, from the edge."""

    member_id: UUID
    export_id: UUID


class Export(Struct, frozen=True, kw_only=True):
    """A copy that may be fetched until `expires_at`, by its owner, a few times."""

    export_id: UUID
    asked_at: datetime
    expires_at: datetime
    fetched: int

    def alive(self, now: datetime) -> bool:
        return now < self.expires_at and self.fetched < FETCHES_MAX
