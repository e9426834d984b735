"""Stretches of days on the clocks of a city."""

from datetime import datetime, timedelta

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
    """today, week (7 days), days30, month (this calendar month); today for any other name. Whole days of `zone`."""
    today = local_day(now, zone)
    until = day_start(today + timedelta(days=1), zone)
    first = {
        "week": today - timedelta(days=6), "days30": today - timedelta(days=29), "month": today.replace(day=1),
    }.get(name, today)  # fmt: skip
    return Period(name if first != today or name == "month" else "today", day_start(first, zone), until)
