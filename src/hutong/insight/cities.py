"""Reads of repeat business over several cities: each city by itself, what it says and who travelled (`joining`)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.insight.joining import COUNTS, FLOW, STEP, WHOLE, Came, Question, Summary, rows_of
from hutong.insight.repeating import business_of
from hutong.insight.repeats import GROUPS, Business


async def members_of(
    tx: Tx, asked: Question, *, city_id: int, members: Collection[UUID] | None = None
) -> set[UUID]:  # fmt: skip
    """Who came here to those asked about before the end of the days. `members`: which of these came here to any of the
    alliance. 16 bytes for each member of the city."""
    rows = await tx.rows(
        """select distinct member_id from insight.comings
           where city_id = %(city)s and undone_at is null and not own and asset = %(asset)s
             and merchant_id = any(%(merchants)s::uuid[]) and day < %(until)s::date
             and (%(members)s::uuid[] is null or member_id = any(%(members)s::uuid[]))""",
        city=city_id, asset=asked.asset, until=asked.until, members=None if members is None else sorted(members),
        merchants=sorted({*asked.asked, *(asked.alliance if members is not None else ())}),
    )  # fmt: skip
    return {row["member_id"] for row in rows}


async def comings_of(tx: Tx, members: Collection[UUID], asked: Question, *, city_id: int) -> list[Came]:
    """All comings of these members to the alliance in one city, so far as the question needs them."""
    if not members:
        return []
    rows = await tx.rows(
        """select coming_id, member_id, merchant_id, day, at, units, offer_id, bought_at from insight.comings
           where city_id = %(city)s and member_id = any(%(members)s::uuid[]) and undone_at is null and not own
             and asset = %(asset)s and merchant_id = any(%(merchants)s::uuid[]) and day < %(until)s::date
           order by member_id, day, at, coming_id""",
        city=city_id, asset=asked.asset, members=sorted(members), merchants=sorted({*asked.alliance, *asked.asked}),
        until=max(asked.until, asked.today + timedelta(days=1)),
    )  # fmt: skip
    return [Came(**row) for row in rows]


async def summary(tx: Tx, asked: Question, *, city_id: int, brief: bool = False) -> Summary:
    """What one city says. Four statements, those of its own pages; `brief`: the merchants alone, one statement."""
    everybody = sorted({*asked.alliance, *asked.asked})
    span = {"city": city_id, "asset": asked.asset, "since": asked.since, "until": asked.until}
    rows = await tx.rows(
        load(__package__, "business"), **span, today=asked.today, merchants=sorted(asked.asked), alliance=everybody,
        groups=asked.groups,
    )  # fmt: skip
    merchants = {(row["merchant_id"], row["bucket"]): tuple(row[name] for name in COUNTS) for row in rows}
    if brief:
        return Summary(merchants=merchants)
    flows = await tx.rows(
        load(__package__, "flows"), **span, within=asked.within, alliance=everybody,
        merchants=None if asked.merchants is None else sorted(asked.merchants),
    )  # fmt: skip
    steps = await tx.rows(
        load(__package__, "trend"), **span, stretch=asked.stretch, merchants=sorted(asked.asked), alliance=everybody
    )
    whole = await tx.row(load(__package__, "alliance"), **span, alliance=everybody) if asked.merchants is None else None
    return Summary(
        merchants=merchants, flows={(row["source"], row["target"]): tuple(row[n] for n in FLOW) for row in flows},
        steps={row["day"]: tuple(row[n] for n in STEP) for row in steps},
        whole={None: tuple(whole[n] for n in WHOLE)} if whole else {},
    )  # fmt: skip


def businesses(made: Summary, asked: Question) -> Mapping[UUID, Business]:
    """The merchants of a summary; with intervals when it has the groups of members for them."""
    seed = f"{asked.since}/{asked.until}" if asked.groups == GROUPS else None
    return {one: business_of(one, rows, asked.asset, seed) for one, rows in rows_of(made).items()}


def travellers(cities: Sequence[set[UUID]]) -> set[UUID]:
    """Members who came in two of the cities or more."""
    seen: set[UUID] = set()
    twice: set[UUID] = set()
    for members in cities:
        twice |= seen & members
        seen |= members
    return twice
