"""A campaign as its pages show it, a merchant's and a city's: its state, what is spent of what, and how fast."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import pricing
from hutong.desk.campaigns import Running
from hutong.infra.db import Tx
from hutong.kit.money import Amount

DAY = timedelta(days=1)


class Pace(Struct, frozen=True, kw_only=True):
    """How fast a campaign spends: in the last day, when its budget is gone at this pace, and its busiest minutes."""

    day: Amount
    lasts_until: datetime | None
    most: Amount
    forecast: Amount | None
    bars: tuple[tuple[datetime, int, int], ...]  # hours: their beginning, units, hundredths of the greatest


class Shown(Struct, frozen=True, kw_only=True):
    """A campaign with what a template needs of it: its state as people see it, what is spent of what."""

    it: Running
    state: str
    spent: Amount
    budget: Amount | None
    share: int
    uses: int
    most_uses: int | None

    @property
    def shown_id(self) -> UUID:
        return self.it.kept.live.promotion_id


def shown(it: Running, now: datetime) -> Shown:
    live, kept, whole = it.kept.live, it.kept, it.kept.in_all
    state: str = live.state
    if state == "live" and live.ends_at is not None and live.ends_at <= now:
        state = "ended"
    elif state == "live" and live.exhausted:
        state = "spent"
    elif state == "live" and live.starts_at > now:
        state = "soon"
    units, uses = kept.spent_units + kept.held_units, kept.spent_uses + kept.held_uses
    parts = [done * 100 // most for done, most in ((units, whole.most_units), (uses, whole.most_uses)) if most]
    asset = live.rule.asset
    return Shown(
        it=it, state=state, spent=Amount(units, asset), uses=uses, most_uses=whole.most_uses,
        budget=None if whole.most_units is None else Amount(whole.most_units, asset),
        share=min(100, max(parts, default=0)),
    )  # fmt: skip


async def pace_of(tx: Tx, it: Running, *, city_id: int, now: datetime) -> Pace:
    """From what each five minutes of the last day came to."""
    live, asset = it.kept.live, it.kept.live.rule.asset
    burnt = await pricing.burnt(tx, live.promotion_id, city_id=city_id, since=now - DAY)
    hours: dict[datetime, int] = {}
    for at, units, _ in burnt:
        hour = at.replace(minute=0, second=0)
        hours[hour] = hours.get(hour, 0) + units
    day, top = sum(hours.values()), max(hours.values(), default=0)
    span = max(timedelta(hours=1), min(DAY, now - live.starts_at))
    whole, left = it.kept.in_all.most_units, None
    if whole is not None and day:
        left = now + span * (max(0, whole - it.kept.spent_units - it.kept.held_units) / day)
    return Pace(
        day=Amount(day, asset), lasts_until=left, most=Amount(max((u for _, u, _ in burnt), default=0), asset),
        forecast=None if it.kept.forecast_units is None else Amount(it.kept.forecast_units, asset),
        bars=tuple((hour, units, units * 100 // top if top else 0) for hour, units in sorted(hours.items())),
    )  # fmt: skip
