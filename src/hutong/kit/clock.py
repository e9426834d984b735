"""The clock. Only the edge reads it; below, `now` is an argument. Also days of a city's zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Whoever can say what time it is: an aware instant in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move: for tests, replays and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = aware(start)

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> datetime:
        if by < timedelta(0):
            raise ValueError("time does not run backwards")
        self._now += by
        return self._now

    def set(self, to: datetime) -> datetime:
        return self.move(aware(to) - self._now)


def aware(instant: datetime) -> datetime:
    """The same instant in UTC; refuses a naive one."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)


def local(instant: datetime, zone: str) -> datetime:
    """The wall clock of `zone` at that instant."""
    return aware(instant).astimezone(ZoneInfo(zone))


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day in `zone` at that instant."""
    return local(instant, zone).date()


def day_start(day: date, zone: str) -> datetime:
    """The instant at which `day` begins in `zone`; the exclusive end of the day before."""
    return datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
