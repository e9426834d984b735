"""Whether a door is open, as a condition for statements of those who list stores."""

from datetime import datetime, timedelta
from typing import Any

# On a row `d` with city_id, store_id and hours (seven lists of [start, end], Monday first). A span belongs to the day
# on which it begins, so yesterday's may still run; what is different on a date replaces all spans of that date.
_DAY = """exists (
    select 1 from jsonb_array_elements(coalesce(
        (select x.hours from merchants.store_exceptions x
         where x.city_id = %(city)s and x.store_id = d.store_id and x.day = %(open_{day})s::date),
        d.hours -> %(open_{day}_no)s::int)) as s (span)
    where (s.span ->> 0)::int <= %(open_{day}_minute)s::int and %(open_{day}_minute)s::int < (s.span ->> 1)::int)"""
OPEN_NOW = f"({_DAY.format(day='today')} or {_DAY.format(day='before')})"


def open_params(wall: datetime) -> dict[str, Any]:
    """What OPEN_NOW binds for a moment on the wall clock of the city (besides `city`)."""
    minute, before = wall.hour * 60 + wall.minute, wall.date() - timedelta(days=1)
    return {
        "open_today": wall.date(), "open_today_no": wall.weekday(), "open_today_minute": minute,
        "open_before": before, "open_before_no": before.weekday(), "open_before_minute": minute + 1440,
    }  # fmt: skip
