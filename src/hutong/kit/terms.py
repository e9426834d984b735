"""When a right may be used: pure calendar rules that offers promise and the counter checks.

They live in the kit because two siblings need them (the catalog shows them, vouchers obey them). Days and
minutes are those of the store's city; the end of a validity is exclusive: the next local midnight.
"""

from datetime import date, datetime, timedelta
from typing import Literal

from msgspec import Struct

from hutong.kit.clock import aware, day_start, local, local_day
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

ALL_WEEK = (0, 1, 2, 3, 4, 5, 6)
DAY_MINUTES = 1440
FARTHEST = timedelta(hours=14)  # the latest day on earth is so far behind UTC: what is over there is over everywhere


class Window(Struct, frozen=True):
    """Usable on these weekdays (Monday is 0) from minute to minute of the day; `to` may pass midnight (> 1440)."""

    weekdays: tuple[int, ...] = ALL_WEEK
    start: int = 0
    end: int = DAY_MINUTES


class Blackout(Struct, frozen=True):
    """Not usable from `first` to `last`, both days included."""

    first: date
    last: date
    reason: Text | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """What an offer promises about its use.

    Validity: `valid_days` local days after payment (the day of payment is day 0), or fixed days
    `valid_from`..`valid_until` (included); with both, the earlier end counts. `per_day` and `per_hour`: so many uses
    of the offer in one store on one local day and in one hour of the wall clock, of all its holders together.
    """

    valid_days: int | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    windows: tuple[Window, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    party_min: int | None = None
    party_max: int | None = None
    per_member: int | None = None
    per_visit: int | None = None
    per_day: int | None = None
    per_hour: int | None = None
    booking_needed: bool = False
    refund: Literal["anytime", "none"] = "anytime"
    refund_on_expiry: bool = True


class NotYetValid(Refusal):
    """The validity begins later."""

    code = "not_yet_valid"
    say = Text(zh="还没到使用日期，{valid_from} 起可用。", en="Not valid yet: usable from {valid_from}.")
    step = Text(zh="请在生效后再来。", en="Come back when it has begun.")


class Expired(Refusal):
    """The validity has ended."""

    code = "expired"
    say = Text(zh="已于 {valid_to} 过期。", en="Expired on {valid_to}.")
    step = Text(
        zh="使用规则写明「过期退」的，未用部分会自动退款。",
        en="If its terms give money back after the last day, that comes by itself.",
    )


class BlackedOut(Refusal):
    """Today is a day on which it may not be used."""

    code = "blackout"
    say = Text(zh="{day} 不可使用（{last} 后恢复）。", en="Not usable on {day} (again after {last}).")
    step = Text(zh="请换一天使用。", en="Choose another day.")


class OutsideHours(Refusal):
    """Not within the usable weekdays and hours."""

    code = "outside_hours"
    say = Text(zh="当前时段不可用，可用时段：{usable_zh}。", en="Not usable at this hour. Usable: {usable_en}.")
    step = Text(zh="请在可用时段内使用。", en="Use it within these hours.")


def hour_span(at: datetime, zone: str) -> tuple[datetime, datetime]:
    """[from, to) of the hour on the wall clock of `zone` at that instant. An hour that the clocks repeat is two."""
    here = local(at, zone)
    begin = aware(at) - timedelta(minutes=here.minute, seconds=here.second, microseconds=here.microsecond)
    return begin, begin + timedelta(hours=1)


def day_span(at: datetime, zone: str) -> tuple[datetime, datetime]:
    """[from, to) of the local day at that instant: 23 or 25 hours long when the clocks are changed."""
    day = local_day(at, zone)
    return day_start(day, zone), day_start(day + timedelta(days=1), zone)


def validity(terms: Terms, *, paid_at: datetime, zone: str) -> tuple[datetime, datetime]:
    """[from, to) of a right paid at that instant, as instants in UTC.

    Without any rule a right lives for 365 days, so that none lives for ever by oversight.
    """
    paid_day = local_day(paid_at, zone)
    begin = paid_at if terms.valid_from is None else max(paid_at, day_start(terms.valid_from, zone))
    ends = []
    if terms.valid_days is not None:
        ends.append(paid_day + timedelta(days=terms.valid_days + 1))
    if terms.valid_until is not None:
        ends.append(terms.valid_until + timedelta(days=1))
    last = min(ends) if ends else paid_day + timedelta(days=366)
    return begin, day_start(last, zone)


def over_when_paid(terms: Terms, *, paid_at: datetime, zone: str) -> bool:
    """Whether a right paid at that instant would end before it begins: its last day is over."""
    begin, end = validity(terms, paid_at=paid_at, zone=zone)
    return end <= begin


def over_everywhere(terms: Terms, now: datetime) -> bool:
    """Whether the last day of the terms is over in every zone: where the zone is not known."""
    return terms.valid_until is not None and (now - FARTHEST).date() > terms.valid_until


def why_not_valid(valid_from: datetime, valid_to: datetime, *, at: datetime, zone: str) -> Refusal | None:
    """The reason why a right with this validity cannot be used at that instant; None when it can."""
    if at < valid_from:
        return NotYetValid(valid_from=local(valid_from, zone).strftime("%Y-%m-%d %H:%M"))
    if at >= valid_to:
        return Expired(valid_to=(local(valid_to, zone) - timedelta(seconds=1)).strftime("%Y-%m-%d"))
    return None


def why_not_now(terms: Terms, *, at: datetime, zone: str) -> Refusal | None:
    """The reason why the calendar of the terms forbids use at that instant; None when it allows it."""
    here = local(at, zone)
    for blackout in terms.blackouts:
        if blackout.first <= here.date() <= blackout.last:
            return BlackedOut(day=here.date().isoformat(), last=blackout.last.isoformat())
    if terms.windows and not any(_within(window, here) for window in terms.windows):
        words = windows_in_words(terms.windows)
        return OutsideHours(usable_zh=words.zh, usable_en=words.en)
    return None


def _within(window: Window, here: datetime) -> bool:
    minute = here.hour * 60 + here.minute
    if here.weekday() in window.weekdays and window.start <= minute < window.end:
        return True
    yesterday = (here.weekday() - 1) % 7  # a window that passes midnight belongs to the day it began on
    return yesterday in window.weekdays and window.start <= minute + DAY_MINUTES < window.end


_ZH = "一二三四五六日"
_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def clock_face(minute: int) -> str:
    """Minutes of the day as 09:30; after midnight 25:00 is written 01:00."""
    return f"{minute % DAY_MINUTES // 60:02d}:{minute % 60:02d}" if minute != DAY_MINUTES else "24:00"


def weekdays_in_words(days: tuple[int, ...]) -> Text:
    """Monday to Friday as 周一至周五 / Mon-Fri; single days are listed."""
    ordered = sorted(set(days))
    if ordered == list(ALL_WEEK):
        return Text(zh="每天", en="daily")
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        first, last = ordered[0], ordered[-1]
        return Text(zh=f"周{_ZH[first]}至周{_ZH[last]}", en=f"{_EN[first]}-{_EN[last]}")
    return Text(zh="、".join(f"周{_ZH[d]}" for d in ordered), en=", ".join(_EN[d] for d in ordered))


def windows_in_words(windows: tuple[Window, ...]) -> Text:
    """All windows as one short sentence part, e.g. 周一至周五 11:00-14:00."""
    zh, en = [], []
    for window in windows:
        days = weekdays_in_words(window.weekdays)
        whole_day = window.start == 0 and window.end >= DAY_MINUTES
        hours = "" if whole_day else f" {clock_face(window.start)}-{clock_face(window.end)}"
        zh.append(days.zh + hours)
        en.append(days.en + hours)
    return Text(zh="；".join(zh), en="; ".join(en))
