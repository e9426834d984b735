"""Reads of repeat business: merchants and their alliance in one city. One set of functions for every face.

`since` and `until` are days of the city, [since, until); `alliance` are the merchants that count as one alliance, to
which those asked about always belong. Comings of the merchants' own staff and undone ones count nowhere.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import structs

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.insight.joining import COUNTS
from hutong.insight.model import WINDOWS, Back, Rate
from hutong.insight.repeats import (
    GROUPS,
    LEAST_WEEKS,
    POOLED,
    SURE_FROM,
    WITHIN,
    Alliance,
    Around,
    Business,
    Flow,
    Step,
    change_interval,
    seeded,
    share_interval,
    weeks_of,
)
from hutong.kit.money import Amount


def _all(alliance: Sequence[UUID], merchants: Sequence[UUID]) -> list[UUID]:
    return sorted({*alliance, *merchants})


async def business(
    tx: Tx, merchants: Sequence[UUID], *, city_id: int, asset: str, since: date, until: date, today: date,
    alliance: Sequence[UUID], sure: bool = False,
) -> dict[UUID, Business]:  # fmt: skip
    """The members of each merchant who had any; absent when nobody came. One statement for all.

    `sure`: also the interval of the share of money (from SURE_FROM members on), which costs some milliseconds each.
    """
    rows = await tx.rows(
        load(__package__, "business"), city=city_id, asset=asset, since=since, until=until, today=today,
        merchants=sorted(set(merchants)), alliance=_all(alliance, merchants), groups=GROUPS if sure else 1,
    )  # fmt: skip
    by: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        by.setdefault(row["merchant_id"], []).append(row)
    return {one: business_of(one, its, asset, f"{since}/{until}" if sure else None) for one, its in by.items()}


def business_of(merchant: UUID, rows: Sequence[Mapping[str, Any]], asset: str, seed: str | None) -> Business:
    """A merchant of the rows of his groups of members. `seed`: of the days, when the interval is asked for."""
    sums = {name: sum(row[name] for row in rows) for name in COUNTS}
    groups = [(row["elsewhere_units"], row["units"]) for row in sorted(rows, key=lambda one: one["bucket"])]
    speaks = seed is not None and sums["members"] >= SURE_FROM
    return Business(
        merchant_id=merchant, members=sums["members"], new=sums["new"], comings=sums["comings"],
        elsewhere=sums["elsewhere"], money=Amount(sums["units"], asset),
        returning_money=Amount(sums["returning_units"], asset), elsewhere_money=Amount(sums["elsewhere_units"], asset),
        backs=tuple(
            Back(days, Rate(sums[f"back_{days}"], sums[f"known_{days}"]), sums["new"] - sums[f"known_{days}"])
            for days in WINDOWS
        ),
        sure=share_interval(groups, seeded("share", merchant, seed)) if speaks else None,
    )  # fmt: skip


async def flows(
    tx: Tx, *, city_id: int, asset: str, since: date, until: date, alliance: Sequence[UUID],
    merchants: Sequence[UUID] | None = None, within: int = WITHIN,
) -> list[Flow]:  # fmt: skip
    """Who came where after where, at most `within` days later. `merchants`: only what begins or ends there (a flow
    that ends elsewhere then says only as much as those members); None: the whole matrix, its diagonal included."""
    rows = await tx.rows(
        load(__package__, "flows"), city=city_id, asset=asset, since=since, until=until, within=within,
        alliance=_all(alliance, merchants or ()), merchants=None if merchants is None else sorted(set(merchants)),
    )  # fmt: skip
    return [
        Flow(
            source=row["source"], target=row["target"], comings=row["comings"], members=row["members"],
            introduced=row["introduced"], money=Amount(row["units"], asset),
        )
        for row in rows
    ]  # fmt: skip


async def trend(
    tx: Tx, merchants: Sequence[UUID], *, city_id: int, asset: str, since: date, until: date,
    alliance: Sequence[UUID], stretch: Literal["week", "month"],
) -> list[Step]:  # fmt: skip
    """These merchants together, stretch by stretch; one in which nobody came is left out."""
    rows = await tx.rows(
        load(__package__, "trend"), city=city_id, asset=asset, since=since, until=until, stretch=stretch,
        merchants=sorted(set(merchants)), alliance=_all(alliance, merchants),
    )  # fmt: skip
    return [Step(**row) for row in rows]


async def as_one(
    tx: Tx, alliance: Sequence[UUID], flowing: Sequence[Flow], *, city_id: int, asset: str, since: date, until: date
) -> Alliance:
    """The alliance as one house; `flowing`: its whole matrix of the same days."""
    row = await tx.row(
        load(__package__, "alliance"), city=city_id, asset=asset, since=since, until=until, alliance=sorted(alliance)
    )
    assert row is not None
    return Alliance(
        members=row["members"], new=row["new"], comings=row["comings"], money=Amount(row["units"], asset),
        several=Rate(row["several"], row["members"]),
        crossings=sum(f.comings for f in flowing if f.source is not None and f.source != f.target),
    )  # fmt: skip


async def around(
    tx: Tx, merchants: Sequence[UUID], *, city_id: int, asset: str, joined: Mapping[UUID, date], today: date,
    sure: bool = False, pooled: bool = False,
) -> dict[UUID, Around]:  # fmt: skip
    """Before and after joining, of those merchants who joined at least LEAST_WEEKS ago; absent for the others.

    `joined`: the day of everybody who has joined; whoever is not in it has not. Controls are the city's merchants that
    had not joined by the end of the weeks compared. `sure`: with the interval over members; `pooled`: with the groups
    of members that `together` draws from.
    """
    asked = {one: joined[one] for one in merchants if one in joined and weeks_of(joined[one], today) >= LEAST_WEEKS}
    if not asked:
        return {}
    ids = sorted(asked)
    rows = await tx.rows(
        load(__package__, "around"), city=city_id, asset=asset, asked=ids, days=[asked[one] for one in ids],
        spans=[weeks_of(asked[one], today) * 7 for one in ids],
        groups=POOLED if pooled else GROUPS if sure else 1,
        joined=sorted(joined), joined_days=[joined[one] for one in sorted(joined)],
    )  # fmt: skip
    by: dict[UUID, list[dict[str, Any]]] = {one: [] for one in ids}
    for row in rows:
        by[row["merchant_id"]].append(row)
    made = {one: _around(one, by[one], asked[one], weeks_of(asked[one], today), sure) for one in ids}
    return {one: structs.replace(it, groups=_groups(by[one])) for one, it in made.items()} if pooled else made


def _groups(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, int, int, int], ...]:
    """All groups by their number, also those without a member."""
    known = {row["bucket"]: (row["before"], row["after"], row["others_before"], row["others_after"]) for row in rows}
    return tuple(known.get(number, (0, 0, 0, 0)) for number in range(POOLED))


def _around(merchant: UUID, rows: Sequence[Mapping[str, Any]], joined: date, weeks: int, sure: bool) -> Around:
    ordered = sorted(rows, key=lambda one: one["bucket"])
    groups = [(row["before"], row["after"], row["others_before"], row["others_after"]) for row in ordered]
    before, after, others_before, others_after = (sum(group[i] for group in groups) for i in range(4))
    made = Around(
        merchant_id=merchant, joined=joined, weeks=weeks, before=before, after=after, others_before=others_before,
        others_after=others_after, others=sum(row["others"] for row in ordered),
    )  # fmt: skip
    if not (sure and made.enough):
        return made
    return structs.replace(made, sure=change_interval(groups, seeded("around", merchant, joined, weeks)))


async def came_to(tx: Tx, *, city_id: int, since: date, until: date) -> list[UUID]:
    """The merchants to whom any member came in these days: the alliance of a city that has no programme yet."""
    rows = await tx.rows(
        """select distinct merchant_id from insight.comings
           where city_id = %(city)s and day >= %(since)s::date and day < %(until)s::date and undone_at is null
             and not own
           order by merchant_id""",
        city=city_id,
        since=since,
        until=until,
    )
    return [row["merchant_id"] for row in rows]


def days_before(today: date, days: int) -> tuple[date, date]:
    """The last `days` days of a city with today, as [since, until)."""
    until = today + timedelta(days=1)
    return until - timedelta(days=days), until
