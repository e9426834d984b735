"""Opening hours as people write them, and as the house keeps them: minutes of the day, Monday first."""

from datetime import date, timedelta

from msgspec import Struct

from hutong.kit.text import Text
from hutong.trades import WEEKDAYS, SpanText, spans

Spans = tuple[tuple[int, int], ...]
"""Parts of one day as [open, close) in minutes; a close past 1440 is on the next day. Empty: closed."""


class WeekHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A week. The most exact word counts: a day by name, then `weekend`, then `daily`. An empty list is closed."""

    daily: tuple[SpanText, ...] | None = None
    weekend: tuple[SpanText, ...] | None = None
    mon: tuple[SpanText, ...] | None = None
    tue: tuple[SpanText, ...] | None = None
    wed: tuple[SpanText, ...] | None = None
    thu: tuple[SpanText, ...] | None = None
    fri: tuple[SpanText, ...] | None = None
    sat: tuple[SpanText, ...] | None = None
    sun: tuple[SpanText, ...] | None = None

    def __post_init__(self) -> None:
        week = self.table()
        for i, today in enumerate(week):
            tomorrow = week[(i + 1) % 7]
            if today and tomorrow and today[-1][1] - 24 * 60 > tomorrow[0][0]:
                raise ValueError(f"the night of {WEEKDAYS[i]} runs into the next day's hours")

    def table(self) -> tuple[Spans, ...]:
        """Seven days, Monday first; ValueError when a day is not spoken of."""
        return tuple(spans(self._day(i)) for i in range(7))

    def _day(self, i: int) -> tuple[str, ...]:
        words = (getattr(self, WEEKDAYS[i]), self.weekend if i >= 5 else None, self.daily)
        said = [word for word in words if word is not None]
        if not said:
            raise ValueError(f"the hours do not speak of {WEEKDAYS[i]}")
        return said[0]


class Exceptional(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One day with other hours, or closed (an empty list), and the reason on the door."""

    in_days: int
    hours: tuple[SpanText, ...]
    note: Text

    def __post_init__(self) -> None:
        spans(self.hours)

    def day(self, today: date) -> date:
        """The day it is about, when the city is loaded `today`."""
        return today + timedelta(days=self.in_days)

    def table(self) -> Spans:
        return spans(self.hours)
