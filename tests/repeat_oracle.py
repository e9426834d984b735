"""Repeat business computed by walking through every member's days in plain Python: no SQL, nothing shared with ours."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from hutong.insight import Coming

Came = dict[UUID, list[tuple[date, object, UUID, int]]]


def walks(comings: Iterable[Coming], until: date) -> Came:
    """Each member's days at merchants, in the order in which he came; what he left on a day is one sum."""
    days: dict[tuple[UUID, date, UUID], tuple[object, int]] = {}
    for one in comings:
        if one.own or one.undone_at is not None or one.day >= until:
            continue
        key = (one.member_id, one.day, one.merchant_id)
        at, units = days.get(key, (one.at, 0))
        days[key] = (min(at, one.at), units + one.units)  # type: ignore[type-var]
    found: Came = defaultdict(list)
    for (member, day, merchant), (at, units) in days.items():
        found[member].append((day, at, merchant, units))
    for days_of in found.values():
        days_of.sort(key=lambda d: (d[0], d[1], d[2]))  # type: ignore[arg-type, return-value]
    return found


def business(
    comings: Sequence[Coming], merchant: UUID, since: date, until: date, today: date
) -> tuple[dict[str, int], dict[int, tuple[int, int]]]:
    """(members, new, comings, elsewhere, money, ...), and (came back, known) for each window of days."""
    sums: dict[str, int] = defaultdict(int)
    windows = {days: [0, 0] for days in (30, 60, 90)}
    whole = walks(comings, today + timedelta(days=1))
    for member, walked in walks(comings, until).items():
        here = [day for day in walked if day[2] == merchant]
        inside = [day for day in here if day[0] >= since]
        if not inside:
            continue
        left = sum(day[3] for day in inside)
        sums["members"] += 1
        sums["comings"] += len(inside)
        sums["money"] += left
        if walked[0][2] != merchant:
            sums["elsewhere"] += 1
            sums["elsewhere_money"] += left
        first = here[0][0]
        if first < since:
            sums["returning_money"] += left
            continue
        sums["new"] += 1
        later = [day[0] for day in whole[member] if day[2] == merchant and day[0] > first]
        for days, counts in windows.items():
            if (today - first).days > days:
                counts[1] += 1
                counts[0] += any((day - first).days <= days for day in later)
    return sums, {days: (counts[0], counts[1]) for days, counts in windows.items()}


def flows(
    comings: Sequence[Coming], since: date, until: date, within: int
) -> dict[tuple[UUID | None, UUID], tuple[int, int, int, int]]:
    """(source, target) -> (comings, members, introduced, money)."""
    cells: dict[tuple[UUID | None, UUID], list[tuple[UUID, bool, int]]] = defaultdict(list)
    for member, walked in walks(comings, until).items():
        for number, (day, _, merchant, units) in enumerate(walked):
            if day < since:
                continue
            before = walked[number - 1] if number else None
            source = before[2] if before and (day - before[0]).days <= within else None
            fresh = all(other[2] != merchant or other[0] >= day for other in walked)
            cells[source, merchant].append((member, fresh and source not in (None, merchant), units))
    return {
        key: (len(rows), len({m for m, _, _ in rows}), sum(f for _, f, _ in rows), sum(u for _, _, u in rows))
        for key, rows in cells.items()
    }


def returning(
    comings: Sequence[Coming], merchant: UUID, joined: dict[UUID, date], span: int
) -> tuple[int, int, int, int]:
    """Returning visits (before, after, before at others, after at others) around the day on which he joined."""
    day, counts = joined[merchant], [0, 0, 0, 0]
    begin, end = day - timedelta(days=span), day + timedelta(days=span)
    told = [one for one in comings if one.kind != "bill"]
    for walked in walks(told, end).values():
        seen: set[UUID] = set()
        for when, _, where, _ in walked:
            again = where in seen
            seen.add(where)
            if not again or when < begin:
                continue
            late = int(when >= day)
            if where == merchant:
                counts[late] += 1
            elif where not in joined or joined[where] >= end:
                counts[2 + late] += 1
    return counts[0], counts[1], counts[2], counts[3]
