"""The wave before an expiry: how many guests come on which day with what was sold, against what can be served. Pure.

What is learnt is one profile: of a hundred vouchers whose time is over, how many were first used in which tenth of
their validity, and how many never. A voucher that is still out is used on a coming day with the share of that day's
tenth among all that is left of its life (the tenths to come and "never"): the crowd of the last two weeks is in the
last tenths.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import ceil, sqrt
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.terms import Terms

TENTHS = 10
WEIGHT = 30  # the assumption weighs as much as so many vouchers
Z80 = 1.2815515655446004  # the normal quantile of a two-sided 80 % interval
MOST_NUDGES, NUDGE_DAYS = 1, 14  # a member is asked to come at most so often in so many days, whatever the shop
STRETCHES = (7, 14, 21, 30)  # days by which a validity may be lengthened with one click

# Without any history: 83 of 100 are used, first and last days are the fullest. An assumption, and shown as one.
ASSUMED = (0.12, 0.09, 0.07, 0.06, 0.05, 0.05, 0.06, 0.07, 0.09, 0.17)


class Profile(Struct, frozen=True):
    """Shares of vouchers first used in each tenth of their validity; the rest is never used. `learnt`: from so many."""

    shares: tuple[float, ...]
    learnt: int
    source: Literal["own", "trade", "none"]

    @property
    def never(self) -> float:
        return max(0.0, 1.0 - sum(self.shares))

    @property
    def percents(self) -> list[int]:
        return [round(share * 100) for share in self.shares]


def profile(counts: Sequence[int], never: int, source: Literal["own", "trade", "none"]) -> Profile:
    """The profile after `counts` vouchers in each tenth and `never` unused; the assumption counts as WEIGHT more."""
    learnt = sum(counts) + never
    shares = tuple((n + WEIGHT * a) / (learnt + WEIGHT) for n, a in zip(counts, ASSUMED, strict=True))
    return Profile(shares, learnt, source if learnt else "none")


class Stock(Struct, frozen=True, kw_only=True):
    """Uses that are out: good from `first` to `last` (local days, both included), on the days their terms allow."""

    offer_id: UUID
    first: date
    last: date
    uses: int
    terms: Terms = Terms()

    def allows(self, day: date) -> bool:
        """Whether there is an hour of this day at which they may be used."""
        if any(b.first <= day <= b.last for b in self.terms.blackouts):
            return False
        return not self.terms.windows or any(day.weekday() in w.weekdays for w in self.terms.windows)


class Day(Struct, frozen=True, kw_only=True):
    """A coming day: uses that end on it, uses expected with an 80 % interval, what can be served (None: not known)."""

    day: date
    ending: int
    mid: float
    low: int
    high: int
    capacity: int | None

    @property
    def level(self) -> int:
        """0 all is well; 1 it may become too much; 2 more are expected than can be served."""
        if self.capacity is None:
            return 0
        return 2 if self.mid > self.capacity else 1 if self.high > self.capacity else 0

    @property
    def free(self) -> int:
        """Places that stay free even on a busy such day."""
        return 0 if self.capacity is None else max(0, self.capacity - self.high)

    @property
    def expected(self) -> int:
        return round(self.mid)


class Alert(Struct, frozen=True, kw_only=True):
    """The danger of a merchant. Level 1: may become too much; 2: more expected than can be served; 3: not everybody
    who holds a voucher could be served, however they spread. `excess`: uses beyond what can be served on that day."""

    merchant_id: UUID
    level: int
    day: date
    excess: int
    outstanding: int


class Wave(Struct, frozen=True, kw_only=True):
    """The coming days of a merchant. `later`: uses out that end after the last of them; `capacity_from`: how the
    capacity is known."""

    merchant_id: UUID
    days: tuple[Day, ...]
    profile: Profile
    outstanding: int
    later: int
    capacity_from: Literal["set", "terms", "history", "none"]
    weekdays: tuple[float, ...] = (1.0,) * 7

    @property
    def capacity(self) -> dict[int, int] | None:
        """What can be served, by weekday; None: nobody knows."""
        found = {day.day.weekday(): day.capacity for day in self.days}
        return None if None in found.values() else {weekday: room or 0 for weekday, room in found.items()}

    @property
    def full(self) -> Day | None:
        """The first day by which not even everybody spread evenly could have been served."""
        due, served = 0, 0
        for day in self.days:
            due, served = due + day.ending, served + (day.capacity or 0)
            if day.capacity is not None and due > served:
                return day
        return None

    @property
    def alert(self) -> Alert | None:
        for level in (3, 2, 1):
            day = self.full if level == 3 else next((one for one in self.days if one.level == level), None)
            if day is not None:
                over = day.high if level == 1 else max(ceil(day.mid), day.ending)
                return Alert(
                    merchant_id=self.merchant_id, level=level, day=day.day,
                    excess=max(0, over - (day.capacity or 0)), outstanding=self.outstanding,
                )  # fmt: skip
        return None

    @property
    def quiet(self) -> Day | None:
        """The coming day with the most room, within two weeks and before the danger: where to invite people to."""
        danger = self.alert
        near = [d for d in self.days[1:15] if d.free > 0 and (danger is None or d.day < danger.day)]
        return max(near, key=lambda d: (d.free, -d.day.toordinal()), default=None)


def forecast(
    merchant_id: UUID, stocks: Sequence[Stock], learnt: Profile, *, today: date, days: int,
    capacity: Mapping[int, int] | None, weekdays: Sequence[float] = (1,) * 7,
    capacity_from: Literal["set", "terms", "history", "none"] = "none",
) -> Wave:  # fmt: skip
    """The next `days` local days from `today`. `capacity`: uses that can be served, by weekday (Monday 0); `weekdays`:
    how the uses of an even week spread over its days. The variance of a day is that of its vouchers' yes or no, and the
    share itself is as uncertain as a share learnt from so many."""
    mids, spreads, ending = dict[date, float](), dict[date, float](), dict[date, int]()
    for stock in stocks:
        ending[stock.last] = ending.get(stock.last, 0) + stock.uses
        for day, share in chances(stock, learnt, today, weekdays).items():
            mids[day] = mids.get(day, 0.0) + stock.uses * share
            spreads[day] = spreads.get(day, 0.0) + stock.uses * share * (1 - share)
    unsure = 1 / sqrt(learnt.learnt + WEIGHT)
    found = []
    for number in range(days):
        day = today + timedelta(days=number)
        mid = mids.get(day, 0.0)
        half = Z80 * sqrt(spreads.get(day, 0.0) + (mid * unsure) ** 2)
        found.append(
            Day(
                day=day, ending=ending.get(day, 0), mid=mid, low=max(0, round(mid - half)), high=ceil(mid + half),
                capacity=None if capacity is None else capacity.get(day.weekday(), 0),
            )
        )  # fmt: skip
    last = today + timedelta(days=days)
    return Wave(
        merchant_id=merchant_id, days=tuple(found), profile=learnt, outstanding=sum(s.uses for s in stocks),
        later=sum(s.uses for s in stocks if s.last >= last), capacity_from=capacity_from, weekdays=tuple(weekdays),
    )  # fmt: skip


def chances(stock: Stock, learnt: Profile, today: date, weekdays: Sequence[float] = (1,) * 7) -> dict[date, float]:
    """On which coming day one of these is used, given that it was not used until today; with "never" it adds up to one.

    What the profile gives to days on which the terms forbid it goes to the days that are left.
    """
    length = (stock.last - stock.first).days + 1
    plain = {
        stock.first + timedelta(days=n): _by(learnt, (n + 1) / length) - _by(learnt, n / length)
        for n in range(max(0, (today - stock.first).days), length)
    }
    mass = sum(plain.values())
    weights = {d: p * weekdays[d.weekday()] for d, p in plain.items() if stock.allows(d)}
    weighed = sum(weights.values())
    if weighed <= 0 or mass <= 0:
        return {}
    used = mass / (mass + learnt.never)
    return {day: used * weight / weighed for day, weight in weights.items()}


def _by(learnt: Profile, part: float) -> float:
    """The share of vouchers used by this part (0 to 1) of their validity; within a tenth they come evenly."""
    place = min(part * TENTHS, float(TENTHS))
    whole = int(place)
    rest = learnt.shares[whole] * (place - whole) if whole < TENTHS else 0.0
    return sum(learnt.shares[:whole]) + rest


def stretched(stocks: Sequence[Stock], by: int) -> list[Stock]:
    """The same uses with an end so many days later."""
    more = timedelta(days=by)
    return [
        Stock(offer_id=s.offer_id, first=s.first, last=s.last + more, uses=s.uses, terms=s.terms) for s in stocks
    ]  # fmt: skip


def room(wave: Wave, stocks: Sequence[Stock], fresh: Stock) -> int:
    """How many more units like `fresh` (its uses: the most that could be sold) may be sold now, so that on no day more
    are expected than can be served. 0 when that is so already, or when nobody knows what can be served."""
    today, capacity = wave.days[0].day, wave.capacity

    def fits(uses: int) -> bool:
        more = Stock(offer_id=fresh.offer_id, first=today, last=fresh.last, uses=uses, terms=fresh.terms)
        made = forecast(
            wave.merchant_id, [*stocks, more], wave.profile, today=today, days=len(wave.days), capacity=capacity,
            weekdays=wave.weekdays, capacity_from=wave.capacity_from,
        )  # fmt: skip
        return all(day.level < 2 for day in made.days)

    if capacity is None or not fits(0):
        return 0
    low, high = 0, fresh.uses + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
