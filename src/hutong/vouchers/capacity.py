"""How many uses of an offer one store takes on a day and in an hour, and when there is a place again. Pure.

A right is bought by many and used in one kitchen: without this everybody comes in the last two weeks (complaint 14).
The counters lie in `vouchers.capacity`, one row for each offer, store and span that was ever asked for.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.clock import local
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms, day_span, hour_span, why_not_now
from hutong.kit.text import Text
from hutong.vouchers.model import Voucher
from hutong.vouchers.refusals import DayFull, HourFull, PlacesLeft

SpanName = Literal["day", "hour"]
LOOK_AHEAD = timedelta(days=14)
_HALF = timedelta(minutes=30)


class Key(Struct, frozen=True, order=True):
    """One counter: the uses of an offer in a store from `begins` on, for a day or an hour."""

    offer_id: UUID
    store_id: UUID
    span: SpanName
    begins: datetime


class Room(Struct, frozen=True, kw_only=True):
    """How full a day or an hour of a store is: `used` of `most`, in [begins, ends)."""

    span: SpanName
    store_id: UUID
    used: int
    most: int
    begins: datetime
    ends: datetime

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)


Used = Mapping[Key, int]


def limited(terms: Terms) -> bool:
    """Whether days or hours of a store have a number of places."""
    return terms.per_day is not None or terms.per_hour is not None


def spans(
    terms: Terms, *, offer_id: UUID, store_id: UUID, at: datetime, zone: str
) -> list[tuple[Key, datetime, int]]:  # fmt: skip
    """(counter, its end, most) of a use at that instant: the day first, as far as the terms have limits."""
    found: list[tuple[Key, datetime, int]] = []
    if terms.per_day is not None:
        begin, end = day_span(at, zone)
        found.append((Key(offer_id, store_id, "day", begin), end, terms.per_day))
    if terms.per_hour is not None:
        begin, end = hour_span(at, zone)
        found.append((Key(offer_id, store_id, "hour", begin), end, terms.per_hour))
    return found


def rooms(terms: Terms, used: Used, *, offer_id: UUID, store_id: UUID, at: datetime, zone: str) -> tuple[Room, ...]:
    """How full the day and the hour are, as far as the terms have limits."""
    return tuple(
        Room(span=key.span, store_id=store_id, used=used.get(key, 0), most=most, begins=key.begins, ends=end)
        for key, end, most in spans(terms, offer_id=offer_id, store_id=store_id, at=at, zone=zone)
    )


def why_no_room(voucher: Voucher, found: tuple[Room, ...], count: int, *, at: datetime, zone: str) -> Refusal | None:
    """Why not so many uses in this store now: the day or the hour is full, or has fewer places."""
    full = next((room for room in found if room.left == 0), None)
    if full is not None:
        again = free_again(voucher, full, found, zone=zone)
        said = in_words(again, at=at, zone=zone)
        kind = DayFull if full.span == "day" else HourFull
        facts = {"used": full.used, "most": full.most, "free_zh": said.zh, "free_en": said.en}
        return kind(**facts, free_at=None if again is None else again.isoformat())
    left = min((room.left for room in found), default=count)
    return PlacesLeft(left=left) if count > left else None


def free_again(voucher: Voucher, full: Room, found: tuple[Room, ...], *, zone: str) -> datetime | None:
    """The first half hour after the full span in which the voucher may be used; None when it ends before that.

    The hours of this day stay closed when the day is full. What others will have used by then nobody knows.
    """
    days_over = max((room.ends for room in found if room.span == "day" and room.left == 0), default=full.ends)
    for at in _halves(max(full.ends, days_over, voucher.valid_from)):
        if at >= voucher.valid_to:
            return None
        if why_not_now(voucher.terms, at=at, zone=zone) is None:
            return at
    return None


def _halves(start: datetime) -> Iterator[datetime]:
    at = start
    while at < start + LOOK_AHEAD:
        yield at
        at += _HALF


def in_words(again: datetime | None, *, at: datetime, zone: str) -> Text:
    """The instant as somebody at a counter says it: 14:00, tomorrow, the 24th of November."""
    if again is None:
        return Text(zh="有效期内没有更多名额", en="not again within its validity")
    then, here = local(again, zone), local(at, zone)
    hour = then.strftime("%H:%M")
    if then.date() == here.date():
        return Text(zh=f"{hour} 起可用", en=f"from {hour}")
    whole = "" if hour == "00:00" else f" {hour}"
    if then.date() == here.date() + timedelta(days=1):
        return Text(zh=f"明天{whole}起可用", en=f"tomorrow{whole and ' from' + whole}")
    return Text(zh=f"{then:%m-%d}{whole} 起可用", en=f"from {then:%Y-%m-%d}{whole}")
