"""Stretches of days on the clocks of a city."""

from datetime import date, datetime, timedelta

from msgspec import Struct

from hutong.kit.clock import day_start, local_day


class Period(Struct, frozen=True):
    """[since, until), from the beginning of a day to the end of today."""

    name: str
    since: datetime
    until: datetime

    @property
    def last(self) -> datetime:
        """An instant of the last day."""
        return self.until - timedelta(seconds=1)


def period_of(name: str, now: datetime, zone: str) -> Period:
    """today, yesterday, week (7 days), days30, month (this calendar month); today for any other name.

    Whole days of `zone`."""
    today = local_day(now, zone)
    if name == "yesterday":
        return Period(name, day_start(today - timedelta(days=1), zone), day_start(today, zone))
    until = day_start(today + timedelta(days=1), zone)
    first = {
        "week": today - timedelta(days=6), "days30": today - timedelta(days=29), "month": today.replace(day=1),
    }.get(name, today)  # fmt: skip
    return Period(name if first != today or name == "month" else "today", day_start(first, zone), until)


MOST_DAYS = 366


def span(first: date | None, last: date | None, now: datetime, zone: str) -> Period:
    """The days from `first` to `last`, both included, whichever comes first; at most a year back from the later one.

    Today when neither is given; nothing lies after today."""
    today = local_day(now, zone)
    one, other = min(first or today, today), min(last or today, today)
    begin, end = min(one, other), max(one, other)
    begin = max(begin, end - timedelta(days=MOST_DAYS))
    return Period("own", day_start(begin, zone), day_start(end + timedelta(days=1), zone))
