"""Repeat business over several cities: of a merchant with shops in them, of an operator's territory, of a programme, of
the house. Each city is asked by itself, one after the other; what they say is put together by `insight.joining`.

Days are those that have begun in every one of the cities. Money adds up in one currency only, so cities that count in
another one are another sum.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import structs

from hutong import insight, merchants, places
from hutong.desk.house import House
from hutong.desk.repeating import Company, OfCity, OfMerchant, backs_of, company
from hutong.infra.db import Tx
from hutong.insight import Around, Question, Summary
from hutong.kit.access import Actor, Permission
from hutong.kit.clock import local_day
from hutong.kit.refusals import NotFound
from hutong.places import City

SEES = Permission.VIEW_STATEMENT
Cell = tuple[UUID | None, UUID]


def of_one_currency(cities: Sequence[City], asset: str = "") -> list[City]:
    """Those that count in this currency; without one, in that of most of them (of as many: the first by name)."""
    counts: dict[str, int] = {}
    for city in cities:
        counts[city.currency] = counts.get(city.currency, 0) + 1
    chosen = asset if asset in counts else min(counts, key=lambda one: (-counts[one], one), default="")
    return [city for city in cities if city.currency == chosen]


async def companies(
    house: House, cities: Sequence[City], *, days: int, now: datetime, among: frozenset[UUID] | None = None
) -> list[Company]:
    """The alliance in each of these cities of one currency, over the same days. `among`: of these programmes only.
    Raises not_found when there is no city."""
    if not cities:
        raise NotFound()
    today = min(local_day(now, city.zone) for city in cities)
    found = []
    for city in cities:
        async with house.db.reading(city.city_id) as tx:
            found.append(await company(tx, city, days=days, now=now, today=today, among=among))
    return found


def together(parts: Sequence[Company]) -> Company:
    """Several as one: whoever joined in several cities joined on the first day."""
    joined: dict[UUID, date] = {}
    for part in parts:
        for one, day in part.joined.items():
            joined[one] = min(day, joined.get(one, day))
    everybody = sorted({one for part in parts for one in part.merchants})
    return structs.replace(
        parts[0], merchants=tuple(everybody), joined=joined, cities=tuple(part.city for part in parts)
    )


async def cities_of_merchant(tx: Tx, actor: Actor, merchant_id: UUID, asset: str) -> list[City]:
    """Where the merchant has shops whose books the actor may read, as far as they count in this currency."""
    ids = (await merchants.presence(tx, [merchant_id])).get(merchant_id, frozenset())
    known = await places.cities_of(tx, sorted(ids))
    may = [one for one in known.values() if actor.can(SEES, city=one.city_id, merchant=merchant_id)]
    return [one for one in sorted(may, key=lambda one: one.pinyin) if one.currency == asset]


async def cities_of_actor(tx: Tx, actor: Actor, asset: str = "") -> list[City]:
    """The cities whose figures the actor may read, of one currency."""
    return of_one_currency([one for one in await places.cities(tx) if actor.can(SEES, city=one.city_id)], asset)


async def _came(house: House, parts: Sequence[Company], asked: Question) -> set[UUID]:
    """The travellers: who came in two of the cities or more, of those who came to whom it is asked about."""
    guests: set[UUID] | None = None
    if asked.merchants is not None:
        guests = set()
        for part in parts:
            async with house.db.reading(part.city.city_id) as tx:
                guests |= await insight.members_of(tx, asked, city_id=part.city.city_id)
    came = []
    for part in parts:
        async with house.db.reading(part.city.city_id) as tx:
            came.append(await insight.members_of(tx, asked, city_id=part.city.city_id, members=guests))
    return insight.travellers(came)


async def _walked(comings: Sequence[insight.Came], asked: Question, *, brief: bool = False) -> Summary:
    """In a thread: the walks of a hundred thousand comings take a second, in which others are served."""
    return await asyncio.to_thread(insight.walked, comings, asked, brief=brief)


async def _asked(
    house: House, parts: Sequence[Company], asked: Question, *, before: Question | None = None
) -> tuple[Summary, Summary, set[Cell]]:
    """What all cities say together, the same of the days `before`, and the cells that some city's own page hides."""
    travel = await _came(house, parts, asked)
    whole: list[Summary] = []
    earlier: list[Summary] = []
    every: list[insight.Came] = []
    hidden: set[Cell] = set()
    for part in parts:
        city_id = part.city.city_id
        async with house.db.reading(city_id) as tx:
            made = await insight.summary(tx, asked, city_id=city_id)
            its = await insight.comings_of(tx, travel, asked, city_id=city_id)
            if before is not None:
                said = await insight.summary(tx, before, city_id=city_id, brief=True)
                earlier.append(insight.less(said, await _walked(its, before, brief=True)))
        hidden |= insight.hidden(insight.flows_of(made, asked.asset))
        whole.append(insight.less(made, await _walked(its, asked)))
        every += its
    if before is not None:
        earlier.append(await _walked(every, before, brief=True))
    return insight.added([*whole, await _walked(every, asked)]), insight.added(earlier), hidden


def _question(it: Company, merchants: Sequence[UUID] | None) -> Question:
    """One's own page has intervals of money, and so groups of members."""
    own = None if merchants is None else tuple(merchants)
    return Question(
        alliance=it.merchants, merchants=own, asset=it.city.currency, since=it.since, until=it.until, today=it.today,
        stretch=it.stretch, groups=1 if own is None else insight.GROUPS,
    )  # fmt: skip


async def of_cities(
    house: House, cities: Sequence[City], *, days: int, now: datetime, among: frozenset[UUID] | None = None
) -> OfCity:
    """The alliance of these cities as one. A bounded number of statements a city. Raises not_found."""
    parts = await companies(house, cities, days=days, now=now, among=among)
    it = together(parts)
    asked = _question(it, None)
    made, _, hidden = await _asked(house, parts, asked)
    flows, every = insight.flows_of(made, asked.asset), insight.businesses(made, asked)
    arounds, change, sure = await _before_and_after(house, parts)
    return OfCity(
        company=it, whole=insight.whole_of(made, asked.asset), merchants=dict(every), flows=flows,
        hidden=frozenset(insight.hidden(flows, hidden)), steps=insight.steps_of(made),
        backs=backs_of(list(every.values())), arounds=arounds, change=change, sure=sure,
    )  # fmt: skip


async def _strata(
    house: House, parts: Sequence[Company], wanted: Mapping[int, Sequence[UUID]],
    joined: Mapping[int, Mapping[UUID, date]], *, pooled: bool,
) -> list[Around]:  # fmt: skip
    """Before and after in each city by itself, of whom it is wanted there."""
    found: list[Around] = []
    for part in parts:
        city_id = part.city.city_id
        if not wanted[city_id]:
            continue
        async with house.db.reading(city_id) as tx:
            made = await insight.around(
                tx, wanted[city_id], city_id=city_id, asset=part.city.currency, joined=joined[city_id],
                today=part.today, pooled=pooled,
            )  # fmt: skip
        found += [made[one] for one in sorted(made)]
    return found


async def _before_and_after(
    house: House, parts: Sequence[Company]
) -> tuple[dict[UUID, Around], int | None, insight.Interval | None]:
    """Each merchant in each city against the shops of that city; all together: what came over what was to be expected.
    Few of them are asked once more for their groups of members."""
    wanted = {part.city.city_id: part.merchants for part in parts}
    joined = {part.city.city_id: part.joined for part in parts}
    strata = await _strata(house, parts, wanted, joined, pooled=False)
    known = {one.merchant_id for one in strata if one.enough}
    asked = strata
    if 0 < sum(one.enough for one in strata) < insight.LEAST_MERCHANTS:
        only = {city: [one for one in ids if one in known] for city, ids in wanted.items()}
        asked = await _strata(house, parts, only, joined, pooled=True)
    by: dict[UUID, list[Around]] = {}
    for one in strata:
        by.setdefault(one.merchant_id, []).append(one)
    seed = insight.seeded("alliance", *sorted(wanted), parts[0].today)
    change, sure = insight.together(asked, seed)
    return {one: insight.over_cities(its) for one, its in by.items()}, change, sure


async def of_merchant(
    house: House, merchant_id: UUID, cities: Sequence[City], *, days: int, now: datetime, joined: date | None = None,
    among: frozenset[UUID] | None = None,
) -> OfMerchant:  # fmt: skip
    """One merchant in these cities as one. `joined`: a day to compare around in cities where he is no partner.
    Raises not_found."""
    parts = await companies(house, cities, days=days, now=now, among=among)
    it = together(parts)
    asked = _question(it, [merchant_id])
    length = it.until - it.since
    before = structs.replace(asked, since=it.since - length, until=it.since, groups=1)
    made, earlier, hidden = await _asked(house, parts, asked, before=before)
    flows = insight.flows_of(made, asked.asset)
    known = {
        part.city.city_id: part.joined if merchant_id in part.joined or joined is None
        else {**part.joined, merchant_id: joined}
        for part in parts
    }  # fmt: skip
    strata = await _strata(house, parts, {city: [merchant_id] for city in known}, known, pooled=True)
    days_of = [day for city in known.values() if (day := city.get(merchant_id)) is not None]
    return OfMerchant(
        merchant_id=merchant_id, company=it, now=insight.businesses(made, asked).get(merchant_id),
        before=insight.businesses(earlier, before).get(merchant_id), flows=flows,
        hidden=frozenset(insight.hidden(flows, hidden)), steps=insight.steps_of(made),
        joined=min(days_of, default=None), around=insight.over_cities(strata) if strata else None,
    )  # fmt: skip
