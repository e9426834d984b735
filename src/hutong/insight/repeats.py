"""Repeat business: who comes back, who sends whom customers, and whether joining an alliance changed it. Pure.

Rates have Wilson's interval (`model.Rate`). Shares of money and ratios of counts have a percentile bootstrap (B. Efron,
Annals of Statistics 7, 1979) over members: each falls by its number into one of GROUPS random groups, and groups are
drawn with replacement, so that all visits of one member stay together and a city of any size costs the same. The seed
follows from what is asked, so the same question has the same answer.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.insight.model import BASIS, ENOUGH, Back, Rate
from hutong.kit.money import Amount

GROUPS = 256
DRAWS = 1_000
FEW = 5  # members below which a figure of a flow is not told
SURE_FROM = 30  # members below which no interval is spoken of money
WITHIN = 30  # days in which a visit elsewhere is said to follow from the one before
WEEKS = 12  # at most, before and after joining
LEAST_WEEKS = 4
LEAST_COMINGS = 20  # returning visits, before and after, there and elsewhere, below which nothing is compared
LEAST_MERCHANTS = 8  # joined merchants from which the alliance's interval is drawn over merchants, else over members
POOLED = 64  # groups of members for that, as each is summed up at every merchant

CouldBe = Literal["yes", "no", "unclear", "early", "nothing"]


class Coming(Struct, frozen=True, kw_only=True):
    """A member came: a bill at a till, or a purchase that was made elsewhere. `units`: what the merchant's side got
    beside the rights that were used for it. `own`: he belongs to the merchant's staff, and is no guest."""

    coming_id: UUID
    kind: Literal["bill", "purchase"]
    merchant_id: UUID
    store_id: UUID
    member_id: UUID
    day: date
    at: datetime
    asset: str
    units: int
    own: bool = False
    undone_at: datetime | None = None


class Interval(Struct, frozen=True):
    """95 % of a share or of a change, in basis points."""

    low: int
    high: int


class Business(Struct, frozen=True, kw_only=True):
    """The members of one merchant in a period: `new` came the first time, `returning` had come before it.

    `comings`: days on which a member came, each once. `elsewhere`: members whom the alliance met first at another
    merchant, with what they left here (`elsewhere_money`) and the interval of that share of the money.
    """

    merchant_id: UUID
    members: int
    new: int
    comings: int
    elsewhere: int
    money: Amount
    returning_money: Amount
    elsewhere_money: Amount
    backs: tuple[Back, ...]
    sure: Interval | None = None

    @property
    def returning(self) -> int:
        return self.members - self.new

    @property
    def share(self) -> int:
        """The part of the money left by members first met elsewhere, in basis points."""
        return share_bps(self.elsewhere_money.units, self.money.units)

    @property
    def met(self) -> Rate:
        """Members first met elsewhere, of all who came."""
        return Rate(self.elsewhere, self.members)


class Flow(Struct, frozen=True, kw_only=True):
    """Members who came to `target` next after `source` (None: after nothing within the days asked for).

    `comings`: how often; `members`: how many; `introduced`: of those, how often it was their first visit there;
    `money`: what they left at those visits.
    """

    source: UUID | None
    target: UUID
    comings: int
    members: int
    introduced: int
    money: Amount

    @property
    def few(self) -> bool:
        return self.members < FEW


class Step(Struct, frozen=True, kw_only=True):
    """A stretch of the trend, from `day`: members who came, of these new ones, and new ones first met elsewhere."""

    day: date
    members: int
    new: int
    introduced: int

    @property
    def returning(self) -> int:
        return self.members - self.new


class Alliance(Struct, frozen=True, kw_only=True):
    """All merchants of an alliance together: `several`: members who by the end had come to two merchants or more."""

    members: int
    new: int
    comings: int
    several: Rate
    crossings: int
    money: Amount

    @property
    def returning(self) -> int:
        return self.members - self.new


class Around(Struct, frozen=True, kw_only=True):
    """Returning visits (days on which a member came who had come on an earlier day) to a merchant in so many weeks
    before and after he joined, and in the very same weeks to the merchants that had not joined by their end.

    `groups`: the same four numbers for each random group of members, where they were asked for. `strata`: the cities of
    which it is the sum; each of them is compared with its own shops."""

    merchant_id: UUID
    joined: date
    weeks: int
    before: int
    after: int
    others_before: int
    others_after: int
    others: int
    sure: Interval | None = None
    groups: tuple[tuple[int, int, int, int], ...] = ()
    strata: "tuple[Around, ...]" = ()

    @property
    def enough(self) -> bool:
        if self.strata:
            return any(one.enough for one in self.strata)
        return min(self.before, self.others_before, self.others_after) >= LEAST_COMINGS and self.others > 0

    @property
    def expected(self) -> float:
        """Returning visits after joining, had they changed as with the others."""
        if self.strata:
            return sum(one.expected for one in self.strata)
        return self.before * self.others_after / self.others_before if self.others_before else 0.0

    @property
    def change(self) -> int | None:
        """After joining over what was to be expected, less one, in basis points. None: not enough to compare."""
        return change_bps(self.after, self.expected) if self.enough else None


def share_bps(part: int, whole: int) -> int:
    """A share of money in basis points, half up; 0 of nothing."""
    return (part * 2 * BASIS + whole) // (2 * whole) if whole > 0 else 0


def change_bps(after: float, expected: float) -> int:
    """How far `after` lies above what was expected, in hundredths of a percent of it."""
    return round((after / expected - 1) * BASIS)


def answer(interval: Interval | None, *, enough: bool) -> CouldBe:
    """Does it bring customers back? Only a whole interval beside nothing is a yes or a no."""
    if not enough:
        return "early"
    if interval is None:
        return "unclear"
    return "yes" if interval.low > 0 else "no" if interval.high < 0 else "unclear"


def seeded(*parts: object) -> Random:
    """The dice of a question: the same parts give the same throws."""
    return Random("/".join(str(part) for part in parts))  # noqa: S311 (statistics, no secrets)


def percentiles(values: Sequence[float]) -> Interval:
    """The middle 95 % of what was drawn."""
    ordered = sorted(values)
    low, high = round(0.025 * (len(ordered) - 1)), round(0.975 * (len(ordered) - 1))
    return Interval(round(ordered[low] * BASIS), round(ordered[high] * BASIS))


def share_interval(groups: Sequence[tuple[int, int]], dice: Random, draws: int = DRAWS) -> Interval | None:
    """`groups`: (part, whole) in units of money. None when no draw has a whole."""
    values = []
    for _ in range(draws):
        drawn = dice.choices(groups, k=len(groups)) if groups else ()
        whole = sum(one[1] for one in drawn)
        if whole > 0:
            values.append(sum(one[0] for one in drawn) / whole)
    return percentiles(values) if values else None


def change_interval(groups: Sequence[tuple[int, int, int, int]], dice: Random, draws: int = DRAWS) -> Interval | None:
    """`groups`: returning visits (before, after, before at others, after at others). None when nothing can be said."""
    values = []
    for _ in range(draws):
        before, after, others_before, others_after = (
            sum(column) for column in zip(*dice.choices(groups, k=len(groups)), strict=True)
        )
        if before and others_before and others_after:
            values.append(after * others_before / (before * others_after) - 1)
    return percentiles(values) if len(values) > draws // 2 else None


def together(arounds: Sequence[Around], dice: Random, draws: int = DRAWS) -> tuple[int | None, Interval | None]:
    """The change of all merchants that can be compared, and its interval: drawn over merchants from LEAST_MERCHANTS
    on, of fewer over the groups of their members (None where these were not asked for)."""
    known = [one for one in arounds if one.enough]
    if not known:
        return None, None
    change = change_bps(sum(one.after for one in known), sum(one.expected for one in known))
    values = _over_merchants(known, dice, draws) if len(known) >= LEAST_MERCHANTS else _over_members(known, dice, draws)
    return change, percentiles(values) if len(values) > draws // 2 else None


def _over_merchants(known: Sequence[Around], dice: Random, draws: int) -> list[float]:
    pairs = [(float(one.after), one.expected) for one in known]
    sums = (tuple(map(sum, zip(*dice.choices(pairs, k=len(pairs)), strict=True))) for _ in range(draws))
    return [after / expected - 1 for after, expected in sums if expected > 0]


def _over_members(known: Sequence[Around], dice: Random, draws: int) -> list[float]:
    """One draw takes the same groups of members at every merchant, as a member may come to several."""
    count = min(len(one.groups) for one in known)
    values = []
    for _ in range(draws if count else 0):
        drawn = dice.choices(range(count), k=count)
        after, expected = 0, 0.0
        for one in known:
            before, later, others_before, others_after = map(sum, zip(*[one.groups[g] for g in drawn], strict=True))
            after += later
            expected += before * others_after / others_before if others_before else 0.0
        if expected > 0:
            values.append(after / expected - 1)
    return values


def weeks_of(joined: date, today: date) -> int:
    """How many whole weeks lie behind a joining, at most WEEKS; today is not over."""
    return max(0, min(WEEKS, (today - joined) // timedelta(weeks=1)))


def hidden(flows: Sequence[Flow], also: Collection[tuple[UUID | None, UUID]] = ()) -> set[tuple[UUID | None, UUID]]:
    """The cells between two merchants that are not told: those of fewer than FEW members; and where one cell alone
    would follow from a total, the smallest of the others, too (of the same row or column). `also`: cells that are
    hidden on another page of the same reader, of which this one is the sum."""
    cells = [flow for flow in flows if flow.source is not None and flow.source != flow.target]
    gone = {(flow.source, flow.target) for flow in cells if flow.few or (flow.source, flow.target) in also}
    for side in ("source", "target"):
        lines: dict[UUID | None, list[Flow]] = {}
        for flow in cells:
            lines.setdefault(getattr(flow, side), []).append(flow)
        for line in lines.values():
            shown = [flow for flow in line if (flow.source, flow.target) not in gone]
            if len(line) - len(shown) == 1 and shown:
                least = min(shown, key=lambda one: (one.members, str(one.source), str(one.target)))
                gone.add((least.source, least.target))
    return gone


def tellable(count: int) -> bool:
    """Whether a number of members may be told: none, or at least FEW."""
    return count == 0 or count >= FEW


def crossing(flows: Sequence[Flow]) -> dict[UUID, int]:
    """Visits between each merchant and the others, both ways: what a list of partners is sorted by."""
    found: dict[UUID, int] = {}
    for flow in flows:
        if flow.source is not None and flow.source != flow.target:
            found[flow.source] = found.get(flow.source, 0) + flow.comings
            found[flow.target] = found.get(flow.target, 0) + flow.comings
    return found


def enough(business: Business | Alliance) -> bool:
    """Whether so many members came that a figure is more than an accident."""
    return business.members >= ENOUGH
