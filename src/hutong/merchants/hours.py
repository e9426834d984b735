"""When a shop is open: weekly hours, exceptions by date, and the words for both. Pure; local wall-clock time.

A span belongs to the day on which it begins and may pass midnight: Friday 17:00-26:00 ends on Saturday at two.
An exception replaces all spans that begin on its date.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Self

from msgspec import Struct

from hutong.kit.refusals import Refusal
from hutong.kit.terms import ALL_WEEK, DAY_MINUTES, clock_face, weekdays_in_words
from hutong.kit.text import Text

AHEAD_DAYS = 14  # how far the next opening is looked for: a shop closed for longer has no next opening
_SPAN = re.compile(r"^(\d{1,2}):(\d{2})\s*[-–—~～至]\s*(次日|翌日)?\s*(\d{1,2}):(\d{2})$")
_CLOSED = {"", "closed", "休息", "不营业", "-"}
_ALL_DAY = {"24h", "24 h", "全天", "24小时"}


class BadHours(Refusal):
    """The hours cannot be understood or overlap."""

    code = "bad_hours"
    status = 422
    say = Text(zh="营业时间「{text}」无法识别。", en="The hours “{text}” cannot be understood.")
    step = Text(zh="请写成 10:30-14:00, 17:00-22:00；过午夜写 17:00-26:00。",
                en="Write 10:30-14:00, 17:00-22:00; past midnight 17:00-26:00.")  # fmt: skip


class Span(Struct, frozen=True, order=True):
    """Open from minute to minute of the day on which it begins; `end` above 1440 is the next day."""

    start: int
    end: int


class Hours(Struct, frozen=True):
    """The spans of the seven days of a week, Monday first."""

    days: tuple[tuple[Span, ...], ...]

    @classmethod
    def parse(cls, words: str | Sequence[str]) -> Self:
        """One text for every day, or seven texts from Monday on. Raises BadHours."""
        texts = [words] * 7 if isinstance(words, str) else list(words)
        if len(texts) != 7:
            raise BadHours(text="; ".join(texts)[:120])
        return cls(tuple(parse_spans(text) for text in texts))

    @classmethod
    def of(cls, rows: Sequence[Sequence[Sequence[int]]]) -> Self:
        """From the numbers that the table keeps. Raises BadHours."""
        hours = cls(tuple(tuple(Span(int(start), int(end)) for start, end in day) for day in rows))
        if len(hours.days) != 7 or any(not sound(day) for day in hours.days):
            raise BadHours(text=str(rows)[:120])
        return hours

    def numbers(self) -> list[list[list[int]]]:
        """As the table keeps them: seven lists of [start, end]."""
        return [span_numbers(day) for day in self.days]


class OpenState(Struct, frozen=True, kw_only=True):
    """Whether a shop is open, and when that changes (local, aware).

    Open: `until`, or None when it never closes. Closed: `opens_next`, or None when not within two weeks.
    """

    open: bool
    until: datetime | None = None
    opens_next: datetime | None = None


def span_numbers(spans: Sequence[Span]) -> list[list[int]]:
    return [[span.start, span.end] for span in spans]


def sound(spans: Sequence[Span]) -> bool:
    """Whether spans begin within their day, last at most a day, and follow each other without overlap."""
    fits = all(0 <= s.start < DAY_MINUTES and s.start < s.end <= s.start + DAY_MINUTES for s in spans)
    return fits and all(a.end <= b.start for a, b in pairwise(spans))


def parse_spans(text: str) -> tuple[Span, ...]:
    """ "10:30-14:00, 17:00-26:00" as spans; "closed" or 休息 as none, "24h" as the whole day.

    17:00-02:00 and 17:00-次日02:00 mean the same as 17:00-26:00. Raises BadHours.
    """
    words = unicodedata.normalize("NFKC", text).strip().lower()
    if words in _CLOSED:
        return ()
    if words in _ALL_DAY:
        return (Span(0, DAY_MINUTES),)
    spans = sorted(_span(part.strip(), text) for part in re.split(r"[,;、/]", words) if part.strip())
    if not spans or not sound(spans):
        raise BadHours(text=text[:120])
    return tuple(spans)


def _span(part: str, text: str) -> Span:
    match = _SPAN.match(part)
    if match is None:
        raise BadHours(text=text[:120])
    hour, minute, next_day, to_hour, to_minute = match.groups()
    start, end = int(hour) * 60 + int(minute), int(to_hour) * 60 + int(to_minute)
    if int(minute) > 59 or int(to_minute) > 59:
        raise BadHours(text=text[:120])
    if next_day or (end <= start and end < DAY_MINUTES):
        end += DAY_MINUTES
    return Span(start, end)


def open_at(hours: Hours, exceptions: Mapping[date, Sequence[Span]], here: datetime) -> OpenState:
    """Whether a shop is open at the local time `here` (aware, in the city's zone), and when that changes."""
    if here.tzinfo is None:
        raise ValueError("local time needs its zone")
    wall = here.replace(tzinfo=None)
    first = wall.date() - timedelta(days=1)  # yesterday's last span may still be running
    last = wall.date() + timedelta(days=AHEAD_DAYS)
    for begin, end in _periods(hours, exceptions, first, last):
        if begin <= wall < end:
            endless = end >= datetime.combine(last, time()) + timedelta(days=1)
            return OpenState(open=True, until=None if endless else end.replace(tzinfo=here.tzinfo))
        if begin > wall:
            return OpenState(open=False, opens_next=begin.replace(tzinfo=here.tzinfo))
    return OpenState(open=False)


def _periods(
    hours: Hours, exceptions: Mapping[date, Sequence[Span]], first: date, last: date
) -> Iterator[tuple[datetime, datetime]]:
    """The open periods that begin on these days, in order, joined where one ends as the next begins.

    Day by day as they are asked for: mostly today says it all.
    """
    held: tuple[datetime, datetime] | None = None
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        midnight = datetime.combine(day, time())
        for span in exceptions.get(day, hours.days[day.weekday()]):
            begin, end = midnight + timedelta(minutes=span.start), midnight + timedelta(minutes=span.end)
            if held is not None and begin <= held[1]:
                held = held[0], max(held[1], end)
                continue
            if held is not None:
                yield held
            held = begin, end
    if held is not None:
        yield held


def spans_in_words(spans: Sequence[Span]) -> Text:
    """One day in words: 10:30-14:00、17:00-次日02:00."""
    if not spans:
        return Text(zh="休息", en="closed")
    if list(spans) == [Span(0, DAY_MINUTES)]:
        return Text(zh="全天", en="all day")
    zh, en = [], []
    for span in spans:
        late = span.end > DAY_MINUTES
        start, end = clock_face(span.start), clock_face(span.end)
        zh.append(f"{start}-{'次日' if late else ''}{end}")
        en.append(f"{start}-{end}{' (next day)' if late else ''}")
    return Text(zh="、".join(zh), en=", ".join(en))


def hours_in_words(hours: Hours) -> Text:
    """The week in words, days with the same hours together: 周一至周五 10:30-22:00；周六、周日 休息."""
    groups: dict[tuple[Span, ...], list[int]] = {}
    for day in ALL_WEEK:
        groups.setdefault(hours.days[day], []).append(day)
    zh, en = [], []
    for spans, days in groups.items():
        which, when = weekdays_in_words(tuple(days)), spans_in_words(spans)
        zh.append(f"{which.zh} {when.zh}")
        en.append(f"{which.en} {when.en}")
    return Text(zh="；".join(zh), en="; ".join(en))


def state_in_words(state: OpenState, here: datetime) -> Text:
    """营业中，至 22:00 / Open until 22:00; 休息中，明天 10:30 营业 / Closed, opens tomorrow 10:30."""
    if state.open:
        if state.until is None:
            return Text(zh="全天营业", en="Open around the clock")
        midnight = state.until.time() == time() and state.until.date() - here.date() == timedelta(days=1)
        zh, en = ("24:00", "24:00") if midnight else _moment(state.until, here)
        return Text(zh=f"营业中，至 {zh}", en=f"Open until {en}")
    if state.opens_next is None:
        return Text(zh="暂停营业", en="Closed for now")
    zh, en = _moment(state.opens_next, here)
    return Text(zh=f"休息中，{zh} 营业", en=f"Closed, opens {en}")


def _moment(then: datetime, here: datetime) -> tuple[str, str]:
    """A coming moment as people say it: the hour alone today, with 明天 or the weekday or the date later."""
    clock, days = then.strftime("%H:%M"), (then.date() - here.date()).days
    if days == 0:
        return clock, clock
    if days == 1:
        return f"明天 {clock}", f"tomorrow {clock}"
    if days < 7:
        weekday = weekdays_in_words((then.weekday(),))
        return f"{weekday.zh} {clock}", f"{weekday.en} {clock}"
    return f"{then.month}月{then.day}日 {clock}", f"{then.date().isoformat()} {clock}"
