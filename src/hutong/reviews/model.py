"""Reviews as values: what a guest says of a visit, what is answered, and who may still change what."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.text import Text

State = Literal["shown", "hidden", "withdrawn"]
Side = Literal["author", "merchant"]
Order = Literal["newest", "best"]
Verb = Literal["keep", "hide", "restore"]

# From which state a review may come to which. A withdrawn one has gone for good; a new one may be written.
ROADS: dict[State, tuple[State, ...]] = {
    "shown": ("hidden", "withdrawn"),
    "hidden": ("shown", "withdrawn"),
    "withdrawn": (),
}

WRITE_DAYS, EDIT_DAYS = 90, 7
WRITE_WITHIN, EDIT_WITHIN = timedelta(days=WRITE_DAYS), timedelta(days=EDIT_DAYS)
MOST_WORDS, MOST_REPLY, MOST_APPEAL, MOST_REPORT = 2000, 1000, 1000, 300  # characters
MOST_PHOTOS, MOST_TAGS = 6, 8

# Why somebody reports a review; why the operator hides one; why he decides an appeal as he does.
REPORT_REASONS = ("untrue", "insult", "advert", "privacy", "off_topic", "paid_for", "other")
HIDE_REASONS = ("insult", "untrue", "advert", "privacy", "off_topic", "illegal")
APPEAL_REASONS = ("rules_kept", "rules_broken")


class Photo(Struct, frozen=True):
    """A stored picture of a review: the names of its two sizes in `infra.files`."""

    name: str
    small: str


class Content(Struct, frozen=True, kw_only=True):
    """What a guest says. `words` may be empty: stars alone are a review."""

    stars: int
    tags: tuple[str, ...] = ()
    words: str = ""
    photos: tuple[Photo, ...] = ()


class Review(Struct, frozen=True, kw_only=True):
    """A review as it stands, with the merchant's reply. `author` is masked already; `language` is the writer's."""

    city_id: int
    review_id: UUID
    member_id: UUID
    author: str
    language: str
    merchant_id: UUID
    store_id: UUID
    offer_id: UUID
    line_id: UUID
    voucher_id: UUID
    redemption_id: UUID
    title: Text
    content: Content
    version: int
    state: State
    used_at: datetime
    written_at: datetime
    edited_at: datetime | None
    reply: str | None
    replied_at: datetime | None
    reply_version: int
    open_reports: int

    @property
    def edit_until(self) -> datetime:
        return self.written_at + EDIT_WITHIN


class Rating(Struct, frozen=True):
    """How many gave how many stars: `stars[0]` gave one, `stars[4]` five. Hidden and withdrawn reviews do not count."""

    stars: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    @property
    def count(self) -> int:
        return sum(self.stars)

    @property
    def total(self) -> int:
        return sum(stars * n for stars, n in enumerate(self.stars, 1))

    @property
    def mean(self) -> float:
        """With one decimal, half up; 0.0 when there is none. Never shown without `count`."""
        return (self.total * 20 + self.count) // (2 * self.count) / 10 if self.count else 0.0


NO_RATING = Rating()


class Write(Struct, frozen=True, kw_only=True):
    """Write a review of the visit at which this voucher was used. `author` is shown as it is: mask it before."""

    review_id: UUID
    voucher_id: UUID
    member_id: UUID
    author: str
    language: str
    content: Content


class Edit(Struct, frozen=True, kw_only=True):
    """Say it differently."""

    review_id: UUID
    member_id: UUID
    content: Content


class Withdraw(Struct, frozen=True, kw_only=True):
    """The author takes the review back."""

    review_id: UUID
    member_id: UUID


class Reply(Struct, frozen=True, kw_only=True):
    """The merchant's answer, or its new wording. Who may speak for the merchant is the edge's question."""

    review_id: UUID
    by: UUID
    words: str


class Report(Struct, frozen=True, kw_only=True):
    """Somebody finds that a review breaks the rules."""

    review_id: UUID
    by: UUID
    reason: str
    words: str = ""


class Moderate(Struct, frozen=True, kw_only=True):
    """The operator's word: keep it and close its reports, hide it, show it again."""

    review_id: UUID
    by: UUID
    verb: Verb
    reason: str = ""


class Appeal(Struct, frozen=True, kw_only=True):
    """Against a decision, once for each side: the author whose review is hidden, the merchant about one that is not."""

    review_id: UUID
    side: Side
    by: UUID
    words: str


class Decide(Struct, frozen=True, kw_only=True):
    """The end of an appeal: granted or not, and why (APPEAL_REASONS, or a reason to hide)."""

    review_id: UUID
    side: Side
    by: UUID
    granted: bool
    reason: str


class Done(Struct, frozen=True, kw_only=True):
    """What a verb of this package came to: the review, its state and the version of its content."""

    review_id: UUID
    state: State
    version: int


class Change(Struct, frozen=True, kw_only=True):
    """A change of state: from what to what, when, by whom (None: the house) and why."""

    was: State
    state: State
    at: datetime
    by: UUID | None
    reason: str


class Reported(Struct, frozen=True, kw_only=True):
    """One report. `outcome` is None while it is open; kept, hidden or moot after."""

    review_id: UUID
    by: UUID
    reason: str
    words: str
    at: datetime
    outcome: str | None


class Appealed(Struct, frozen=True, kw_only=True):
    """One appeal; `granted` is None while it is open."""

    review_id: UUID
    side: Side
    words: str
    by: UUID
    at: datetime
    decided_at: datetime | None
    granted: bool | None
    reason: str | None


class Waiting(Struct, frozen=True, kw_only=True):
    """How much waits for the operator."""

    reported: int
    appeals: int


class ToWrite(Struct, frozen=True, kw_only=True):
    """A visit that still waits for its review: of which voucher, where, when, and until when it can be written."""

    voucher_id: UUID
    line_id: UUID
    merchant_id: UUID
    store_id: UUID
    store_name: str
    offer_id: UUID
    title: Text
    used_at: datetime
    until: datetime


class Standing(Struct, frozen=True, kw_only=True):
    """Reviews of a merchant or store as its people see them: how many wait for an answer."""

    rating: Rating
    unanswered: int


# Characters that turn the direction of writing, hide, or mean nothing in plain text.
_INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffc\u2028\u2029]")
_BLANKS = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


def clean(words: str) -> str:
    """Plain text as it is kept: NFC, lines ended by one newline, no control characters, at most one empty line."""
    lines = unicodedata.normalize("NFC", words).replace("\r\n", "\n").replace("\r", "\n")
    lines = _INVISIBLE.sub("", lines).replace("\t", " ")
    lines = "".join(c for c in lines if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn"))
    return _BLANKS.sub("\n\n", lines).strip()


def worth(content: Content) -> int:
    """How much a reader learns from it, 0-9: words up to about 120 characters, and photos. Stars do not matter."""
    return min(len(content.words) // 20, 6) + min(len(content.photos), 3)


def ratings_moved(moves: Sequence[tuple[UUID, int, int]]) -> dict[UUID, list[int]]:
    """(subject, stars, +1 or -1) added up: how the five counts of each subject change; what comes to nothing is out."""
    found: dict[UUID, list[int]] = {}
    for subject, stars, by in moves:
        found.setdefault(subject, [0] * 5)[stars - 1] += by
    return {subject: counts for subject, counts in found.items() if any(counts)}
