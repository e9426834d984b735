"""A trade is data: a kind of local business, the scheme it sells by, and what its offers say of themselves.

The values here are what a `trades/*.toml` file says, read strictly: a field nobody knows is refused, so a
misspelt rule never goes quietly unused.
"""

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from hutong.kit.terms import Blackout, Terms, Window
from hutong.kit.text import Text

Scheme = Literal["deals"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
FieldName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
SpanText = Annotated[str, Meta(pattern=r"^[0-3]\d:[0-5]\d-[0-3]\d:[0-5]\d$")]
"""A part of a day as people write it, "10:30-14:00"; an end past "24:00" is on the next day."""
DaysText = Annotated[str, Meta(pattern=r"^[01]\d-[0-3]\d(/[01]\d-[0-3]\d)?$")]
"""A day or days of every year, "02-14" or "10-01/10-07", both ends included."""
Count = Annotated[int, Meta(ge=1)]

LEAP_YEAR = 2028  # a year that has every day
LAST_MINUTE = 36 * 60  # no shop's day runs past noon of the next


def span(text: str) -> tuple[int, int]:
    """ "18:00-26:00" as minutes of the day, [open, close): (1080, 1560). ValueError when it runs backwards."""
    found = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", text)
    if found is None:
        raise ValueError(f"{text!r} is not written as 10:30-14:00")
    a, b, c, d = (int(part) for part in found.groups())
    opens, closes = a * 60 + b, c * 60 + d
    if not (opens < closes <= LAST_MINUTE and opens < 24 * 60):
        raise ValueError(f"{text!r} does not begin on its day and end after it began")
    return opens, closes


def spans(texts: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Several parts of one day, in order and without overlap; ValueError otherwise."""
    pairs = tuple(span(text) for text in texts)
    for before, after in pairwise(pairs):
        if before[1] > after[0]:
            raise ValueError(f"the hours {', '.join(texts)} overlap or are out of order")
    return pairs


def yearly(text: str, *, year: int) -> Blackout:
    """ "10-01/10-07" or "02-14" in `year`. A 29 February is the 28th in most years; ValueError for no day at all."""
    first, _, last = text.partition("/")
    return Blackout(first=_in_year(first, year), last=_in_year(last or first, year))


def _in_year(month_day: str, year: int) -> date:
    in_leap_year = date.fromisoformat(f"{LEAP_YEAR}-{month_day}")
    if (in_leap_year.month, in_leap_year.day) == (2, 29) and year % 4:
        return date(year, 2, 28)
    return in_leap_year.replace(year=year)


class TermsPreset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms as an offer or a trade writes them down. What an offer leaves out, its trade says."""

    valid_days: Count | None = None
    """The voucher lives this many days after payment. Instead of it: `until_days`."""
    until_days: Count | None = None
    """The voucher lives to the end of a fixed day: this many days after the offer was made."""
    weekdays: tuple[Weekday, ...] | None = None
    hours: tuple[SpanText, ...] | None = None
    blackout: tuple[DaysText, ...] | None = None
    party: tuple[Count, Count] | None = None
    """Smallest and largest number of people one voucher is for."""
    per_member: Count | None = None
    """How many units one member may buy."""
    per_visit: Count | None = None
    """How many vouchers may be used in one visit."""
    per_day: Count | None = None
    """How many may be used in one store on one day, by everybody together."""
    per_hour: Count | None = None
    """The same within one hour."""
    booking_needed: bool | None = None
    refund: Literal["anytime", "none"] | None = None
    """Whether the buyer may give an unused unit back whenever he likes."""
    refund_on_expiry: bool | None = None
    """What is unused at the end of its life is refunded without asking."""

    def __post_init__(self) -> None:
        if self.valid_days is not None and self.until_days is not None:
            raise ValueError("terms give either `valid_days` or `until_days`")
        if self.hours is not None:
            spans(self.hours)
        for days in self.blackout or ():
            yearly(days, year=LEAP_YEAR)
        if self.party is not None and self.party[0] > self.party[1]:
            raise ValueError("the smallest party is larger than the largest")

    def over(self, default: "TermsPreset") -> "TermsPreset":
        """These terms where they speak, `default` where they are silent."""
        said = {name: value for name, value in structs.asdict(self).items() if value is not None}
        base = default
        if "valid_days" in said or "until_days" in said:
            base = structs.replace(default, valid_days=None, until_days=None)
        return structs.replace(base, **said)

    def dated(self, today: date) -> Terms:
        """The terms of an offer made `today` (a day of its city); days of every year get their year."""
        weekdays = tuple(WEEKDAYS.index(day) for day in self.weekdays or WEEKDAYS)
        windows = tuple(Window(weekdays=weekdays, start=a, end=b) for a, b in spans(self.hours or ()))
        if not windows and self.weekdays is not None:
            windows = (Window(weekdays=weekdays),)
        years = range(today.year, today.year + 3)  # no right of ours is sold and used over more than two
        blackouts = [yearly(days, year=year) for year in years for days in self.blackout or ()]
        smallest, largest = self.party or (None, None)
        return Terms(
            valid_days=self.valid_days,
            valid_until=today + timedelta(days=self.until_days) if self.until_days else None,
            windows=windows,
            blackouts=tuple(sorted((b for b in blackouts if b.last >= today), key=lambda b: b.first)),
            party_min=smallest,
            party_max=largest,
            per_member=self.per_member,
            per_visit=self.per_visit,
            per_day=self.per_day,
            per_hour=self.per_hour,
            booking_needed=bool(self.booking_needed),
            refund=self.refund or "anytime",
            refund_on_expiry=self.refund_on_expiry is not False,
        )


class Policies(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a trade behaves around the sale itself."""

    notice_hours: Annotated[int, Meta(ge=0)] = 0
    """How long before the visit the shop wants to hear of it."""
    undo_minutes: Annotated[int, Meta(ge=0, le=24 * 60)] = 60
    """How long a cashier may take a redemption back."""
    advice: Text | None = None
    """One sentence that every deal of the trade shows, e.g. "Please ring a day ahead"."""


class Choice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer of a field of kind `choice`."""

    value: Slug
    label: Text


class FormField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a merchant fills in about an offer of this trade, shown among the facts of the deal."""

    name: FieldName
    label: Text
    kind: Literal["text", "number", "minutes", "flag", "choice"]
    required: bool = False
    unit: Text | None = None
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError(f"the field `{self.name}` lists choices if and only if its kind is `choice`")

    def why_not(self, value: str | int | bool) -> str | None:
        """Why `value` is no answer to this field; None when it is one."""
        wanted: dict[str, type] = {"flag": bool, "number": int, "minutes": int}
        if type(value) is not wanted.get(self.kind, str):
            return f"`{self.name}` is of kind {self.kind}, not {value!r}"
        if type(value) is int and value < 1:
            return f"`{self.name}` must be positive, not {value}"
        if self.choices and value not in [choice.value for choice in self.choices]:
            return f"`{self.name}` has no choice {value!r}"
        return None


class Trade(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of local business. Adding one is adding a file."""

    key: Slug
    name: Text
    category: Slug
    """Where its offers are found when neither merchant nor offer says better."""
    scheme: Scheme
    icon: Slug
    about: Text
    terms: TermsPreset
    policies: Policies = Policies()
    form: tuple[FormField, ...] = ()
    included: tuple[Text, ...] = ()
    """Labels an editor suggests for "what is included"."""
    tags: tuple[Text, ...] = ()
    """Tags an editor suggests for the shop."""
    documents: tuple[FieldName, ...] = ("business_licence", "owner_id")
    """What somebody of this trade brings when he applies; words: `recruiting.document.<name>`."""

    def __post_init__(self) -> None:
        names = [field.name for field in self.form]
        if len(set(names)) < len(names):
            raise ValueError(f"the form of `{self.key}` names a field twice")
        t = self.terms
        if (t.valid_days is None and t.until_days is None) or t.per_member is None:
            raise ValueError(f"the terms of `{self.key}` leave out the life of a voucher or `per_member`")
        if t.refund is None or t.refund_on_expiry is None:
            raise ValueError(f"the terms of `{self.key}` leave out a refund rule")

    def why_not(self, details: dict[str, str | int | bool]) -> list[str]:
        """What is wrong with an offer's answers to the form, one sentence each; empty when nothing is."""
        known = {field.name: field for field in self.form}
        wrong = [f"`{name}` is no field of {self.key}" for name in details if name not in known]
        for name, field in known.items():
            if name in details:
                why = field.why_not(details[name])
                wrong += [why] if why else []
            elif field.required:
                wrong.append(f"`{name}` is required for {self.key}")
        return wrong
