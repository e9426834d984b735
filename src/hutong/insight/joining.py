"""Repeat business of several cities as one: summaries that add up, and members who came in more than one city. Pure.

Each city is asked by itself, by the statements of its own page. What it answers is a `Summary`: whole numbers under
keys, so that two cities are put together by adding. That is wrong only about travellers, members who came in several
of the cities: each would be a member twice, and "first met elsewhere" would know one city. So the share of the
travellers is taken out of each city's summary, computed from their comings there (`walked`), and put in again computed
from all their comings together. Summaries are a commutative group under `added` and `less`, so the order of the cities
changes nothing. tests/db/test_repeat_cities.py holds the result to the same people's comings in one city.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, structs

from hutong.insight.model import WINDOWS, Rate
from hutong.insight.repeats import WITHIN, Alliance, Around, Flow, Step, seeded, together
from hutong.kit.money import Amount

COUNTS = ("members", "new", "comings", "elsewhere", "units", "returning_units", "elsewhere_units",
          *(f"{what}_{days}" for what in ("known", "back") for days in WINDOWS))  # fmt: skip
FLOW = ("comings", "members", "units", "introduced")
WHOLE = ("members", "new", "comings", "several", "units")
STEP = ("members", "new", "introduced")
Numbers = tuple[int, ...]
Stretch = Literal["week", "month"]


class Question(Struct, frozen=True, kw_only=True):
    """What each city is asked. `merchants`: None for all of the alliance with its whole matrix, else one's own page.
    Days are [since, until); money of `asset` alone. `groups`: random groups of members, for intervals."""

    alliance: tuple[UUID, ...]
    merchants: tuple[UUID, ...] | None = None
    asset: str
    since: date
    until: date
    today: date
    stretch: Stretch = "week"
    groups: int = 1
    within: int = WITHIN

    @property
    def asked(self) -> tuple[UUID, ...]:
        return self.alliance if self.merchants is None else self.merchants


class Came(Struct, frozen=True, kw_only=True):
    """A coming of a traveller, in whichever city."""

    coming_id: UUID
    member_id: UUID
    merchant_id: UUID
    day: date
    at: datetime
    units: int
    offer_id: UUID | None
    bought_at: datetime


class Summary(Struct, frozen=True, kw_only=True):
    """Counts under keys: merchants by (merchant, group of members), flows by (source, target), steps by their day, and
    all merchants as one under None."""

    merchants: Mapping[tuple[UUID, int], Numbers] = {}
    flows: Mapping[tuple[UUID | None, UUID], Numbers] = {}
    steps: Mapping[date, Numbers] = {}
    whole: Mapping[None, Numbers] = {}


def added(parts: Iterable[Summary]) -> Summary:
    """Several summaries as one."""
    found = list(parts)
    return Summary(**{name: _sum([(getattr(one, name), 1) for one in found]) for name in Summary.__struct_fields__})


def less(one: Summary, other: Summary) -> Summary:
    """A summary without what is in the other."""
    return Summary(
        **{
            name: _sum([(getattr(one, name), 1), (getattr(other, name), -1)])
            for name in Summary.__struct_fields__
        }
    )  # fmt: skip


def _sum(parts: Sequence[tuple[Mapping[Any, Numbers], int]]) -> dict[Any, Numbers]:
    sums: dict[Any, list[int]] = {}
    for counts, sign in parts:
        for key, numbers in counts.items():
            row = sums.setdefault(key, [0] * len(numbers))
            for i, number in enumerate(numbers):
                row[i] += sign * number
    return {key: tuple(row) for key, row in sums.items() if any(row)}


class _Numbers(defaultdict[Any, list[int]]):
    """Counts that begin at nothing."""

    def __init__(self, length: int) -> None:
        super().__init__(lambda: [0] * length)

    def add(self, key: Any, *numbers: int) -> None:
        row = self[key]
        for i, number in enumerate(numbers):
            row[i] += number

    def done(self) -> dict[Any, Numbers]:
        return {key: tuple(row) for key, row in self.items()}


def walked(comings: Sequence[Came], asked: Question, *, brief: bool = False) -> Summary:
    """What the statements would say of these members, if these were all their comings to the alliance. `brief`: the
    merchants alone."""
    of: dict[UUID, list[Came]] = defaultdict(list)
    everybody = frozenset((*asked.alliance, *asked.asked))
    for one in comings:
        if one.merchant_id in everybody:
            of[one.member_id].append(one)
    merchants, flows = _Numbers(len(COUNTS)), _Numbers(len(FLOW))
    steps, whole = _Numbers(len(STEP)), _Numbers(len(WHOLE))
    for member, known in sorted(of.items()):
        before = [one for one in known if one.day < asked.until]
        if not before:
            continue
        days = _days(before)
        _merchants(merchants, member, known, days, asked)
        if brief:
            continue
        _flows(flows, days, asked)
        _steps(steps, days, asked)
        if asked.merchants is None:
            _whole(whole, days, asked)
    return Summary(merchants=merchants.done(), flows=flows.done(), steps=steps.done(), whole=whole.done())


Day = tuple[date, datetime, UUID, int]  # day, when he came first that day, merchant, units of that day


def _days(comings: Sequence[Came]) -> list[Day]:
    """The days of a member at merchants, in the order in which he came."""
    found: dict[tuple[date, UUID], tuple[datetime, int]] = {}
    for one in comings:
        at, units = found.get((one.day, one.merchant_id), (one.at, 0))
        found[one.day, one.merchant_id] = (min(at, one.at), units + one.units)
    return sorted((day, at, merchant, units) for (day, merchant), (at, units) in found.items())


def _merchants(into: _Numbers, member: UUID, known: Sequence[Came], days: Sequence[Day], asked: Question) -> None:
    """A member at each merchant he came to in the period (business.sql)."""
    begun, own = days[0][2], None if asked.merchants is None else frozenset(asked.merchants)
    at: dict[UUID, list[Day]] = {}
    for day in days:
        if own is None or day[2] in own:
            at.setdefault(day[2], []).append(day)
    came: dict[UUID, list[Came]] = {}
    for one in known:
        came.setdefault(one.merchant_id, []).append(one)
    for merchant, here in at.items():
        inside = [day for day in here if day[0] >= asked.since]
        if not inside:
            continue
        units, first = sum(day[3] for day in inside), here[0][0]
        new, elsewhere = first >= asked.since, begun != merchant
        back = _back(came[merchant], first, asked.today) if new else None
        over = [new and first + timedelta(days=n) < asked.today for n in WINDOWS]
        again = [
            o and back is not None and back <= first + timedelta(days=n) for o, n in zip(over, WINDOWS, strict=True)
        ]
        into.add(
            (merchant, member.bytes[15] % asked.groups), 1, int(new), len(inside), int(elsewhere), units,
            0 if new else units, units if elsewhere else 0, *map(int, over), *map(int, again),
        )  # fmt: skip


def _back(here: Sequence[Came], first: date, today: date) -> date | None:
    """The day of the second visit to a merchant: not with a unit of the same offer that was bought before the first."""
    began = min((one for one in here if one.day == first), key=lambda one: (one.at, one.coming_id))
    later = [
        one.day for one in here
        if first < one.day <= today and (one.offer_id != began.offer_id or one.bought_at > began.at)
    ]  # fmt: skip
    return min(later, default=None)


def _flows(into: _Numbers, days: Sequence[Day], asked: Question) -> None:
    """Each day in the period with the merchant before it (flows.sql)."""
    own = None if asked.merchants is None else frozenset(asked.merchants)
    seen: set[UUID] = set()
    sent: set[tuple[UUID | None, UUID]] = set()
    for number, (day, _, merchant, units) in enumerate(days):
        before = days[number - 1] if number else None
        source = before[2] if before and (day - before[0]).days <= asked.within else None
        fresh = merchant not in seen
        seen.add(merchant)
        if day < asked.since or (own is not None and source not in own and merchant not in own):
            continue
        key = (source, merchant)
        introduced = fresh and source is not None and source != merchant
        into.add(key, 1, int(key not in sent), units, int(introduced))
        sent.add(key)


def _steps(into: _Numbers, days: Sequence[Day], asked: Question) -> None:
    """Each stretch in which a member came to those asked about (trend.sql)."""
    own = None if asked.merchants is None else frozenset(asked.merchants)
    mine = [day[0] for day in days if own is None or day[2] in own]
    if not mine:
        return
    first = mine[0]
    met = any(day[0] < first for day in days)
    for step in sorted({_begin(day, asked.stretch) for day in mine if day >= asked.since}):
        fresh = first >= asked.since and _begin(first, asked.stretch) == step
        into.add(step, 1, int(fresh), int(fresh and met))


def _begin(day: date, stretch: Stretch) -> date:
    return day - timedelta(days=day.weekday()) if stretch == "week" else day.replace(day=1)


def _whole(into: _Numbers, days: Sequence[Day], asked: Question) -> None:
    """The member in the alliance as one house (alliance.sql)."""
    inside = [day for day in days if day[0] >= asked.since]
    if inside:
        several = len({day[2] for day in days}) >= 2
        into.add(
            None, 1, int(days[0][0] >= asked.since), len(inside), int(several), sum(day[3] for day in inside)
        )  # fmt: skip


def rows_of(summary: Summary) -> dict[UUID, list[dict[str, int]]]:
    """The merchants of a summary with a row for each group of members."""
    found: dict[UUID, list[dict[str, int]]] = {}
    for (merchant, bucket), numbers in sorted(summary.merchants.items()):
        if numbers[0] > 0:
            found.setdefault(merchant, []).append({"bucket": bucket, **dict(zip(COUNTS, numbers, strict=True))})
    return found


def flows_of(summary: Summary, asset: str) -> list[Flow]:
    """Who sends whom customers, by source and target; a source of None is nobody of the alliance. Money in `asset`."""
    return [
        Flow(
            source=source, target=target, comings=comings, members=members, introduced=introduced,
            money=Amount(units, asset),
        )
        for (source, target), (comings, members, units, introduced) in sorted(
            summary.flows.items(), key=lambda one: (str(one[0][0] or "~"), str(one[0][1]))
        )
        if members > 0
    ]  # fmt: skip


def steps_of(summary: Summary) -> list[Step]:
    """The days on which somebody came, in order."""
    return [
        Step(day=day, members=members, new=new, introduced=introduced)
        for day, (members, new, introduced) in sorted(summary.steps.items()) if members > 0
    ]  # fmt: skip


def whole_of(summary: Summary, asset: str) -> Alliance:
    """All merchants as one, with the visits between them."""
    members, new, comings, several, units = summary.whole.get(None, (0,) * len(WHOLE))
    between = (row[0] for (source, target), row in summary.flows.items() if source is not None and source != target)
    return Alliance(
        members=members, new=new, comings=comings, money=Amount(units, asset), several=Rate(several, members),
        crossings=sum(between),
    )  # fmt: skip


def over_cities(strata: Sequence[Around]) -> Around:
    """Before and after of a merchant who joined in several cities: each city against its own shops in the same weeks,
    what came over what was to be expected summed up. Only cities that can be compared speak; if none can, all of them
    say how little it is. The interval is drawn over groups of members, where these were asked for."""
    if len(strata) == 1 and not strata[0].groups:
        return strata[0]
    speaking = [one for one in strata if one.enough] or list(strata)
    made = structs.replace(
        speaking[0], joined=min(one.joined for one in speaking), weeks=max(one.weeks for one in speaking),
        before=sum(one.before for one in speaking), after=sum(one.after for one in speaking),
        others_before=sum(one.others_before for one in speaking),
        others_after=sum(one.others_after for one in speaking), others=sum(one.others for one in speaking), groups=(),
        strata=tuple(speaking),
    )  # fmt: skip
    parts = [part for one in speaking for part in (one.joined, one.weeks)]
    return structs.replace(made, sure=together(speaking, seeded("around", made.merchant_id, *parts))[1])
