"""Does the alliance bring customers back? Bills become comings; a merchant and his operator read one answer."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong import insight, people, places, programmes, till
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.relay import Handler
from hutong.insight import Alliance, Around, Back, Business, Coming, CouldBe, Flow, Interval, Step
from hutong.insight.model import WINDOWS, Rate
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import local_day
from hutong.places import City
from hutong.programmes import Partner
from hutong.till import Bill

FEEDER = "insight.comings"
PERIODS = (30, 90, 365)  # days that can be looked at
KNOWN = timedelta(days=365)  # who had a guest in these is a merchant of a city without a programme
PAGE = 1_000


class Company(Struct, frozen=True, kw_only=True):
    """An alliance in a city: its merchants, the day on which each joined, and the days that are looked at. `cities`:
    all of them when it is looked at in several at once (`repeating_cities`); `city` is then the first."""

    city: City
    today: date
    since: date
    until: date
    merchants: tuple[UUID, ...]
    joined: Mapping[UUID, date]
    cities: tuple[City, ...] = ()

    @property
    def days(self) -> int:
        return (self.until - self.since).days

    @property
    def stretch(self) -> Literal["week", "month"]:
        """How long a step of the trend is."""
        return "week" if self.days <= 120 else "month"


class OfMerchant(Struct, frozen=True, kw_only=True):
    """Repeat business of one merchant. `before`: the same number of days before; `around`: None as long as he has not
    joined, or not for long enough. `answer`: whether joining brought more returning visits."""

    merchant_id: UUID
    company: Company
    now: Business | None
    before: Business | None
    flows: Sequence[Flow]
    hidden: frozenset[tuple[UUID | None, UUID]]
    steps: Sequence[Step]
    joined: date | None
    around: Around | None

    @property
    def answer(self) -> CouldBe:
        return answer_of(self.around)


class OfCity(Struct, frozen=True, kw_only=True):
    """Repeat business of the alliance in one city. `backs`: second visits to the merchant of the first one, all new
    members of all merchants together."""

    company: Company
    whole: Alliance
    merchants: Mapping[UUID, Business]
    flows: Sequence[Flow]
    hidden: frozenset[tuple[UUID | None, UUID]]
    steps: Sequence[Step]
    backs: Sequence[Back]
    arounds: Mapping[UUID, Around]
    change: int | None
    sure: Interval | None

    @property
    def ranked(self) -> list[UUID]:
        """The merchants by their cross traffic, most first."""
        crossing = insight.crossing(self.flows)
        return sorted(self.merchants, key=lambda one: (-crossing.get(one, 0), -self.merchants[one].members, one))

    @property
    def answer(self) -> CouldBe:
        return insight.answer(self.sure, enough=self.sure is not None)


def answer_of(around: Around | None) -> CouldBe:
    """Whether one merchant's joining brought more returning visits than elsewhere in the same weeks."""
    return insight.answer(around.sure if around else None, enough=around is not None and around.enough)


def comer() -> Handler:
    """What the relay gives us: bills and their undoing become comings, in any order, in sets."""

    async def do(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        del now
        bills = await till.by_ids(tx, EVERYTHING, sorted({fact.subject for fact in facts}), city_id=city_id)
        await _come(tx, list(bills.values()), city_id=city_id)

    return Handler(name=FEEDER, topics=frozenset({"till.settled", "till.undone"}), do=do, ordered=False)


async def _come(tx: Tx, bills: Sequence[Bill], *, city_id: int) -> None:
    """Bills of members as comings; the rights that were used for one are comings of their own."""
    known = [(bill, bill.member_id) for bill in bills if bill.member_id is not None]
    if not known:
        return
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    roles = await people.grants_of(tx, sorted({member for _, member in known}))
    staff = {(member, grant.merchant_id) for member, grants in roles.items() for grant in grants}
    comings = [
        Coming(
            coming_id=bill.bill_id, kind="bill", merchant_id=bill.merchant_id, store_id=bill.store_id,
            member_id=member, day=local_day(bill.bought_at, zone), at=bill.bought_at, asset=bill.amount.asset,
            units=(bill.amount - bill.discounted - bill.paid).units, undone_at=bill.undone_at,
            own=(member, bill.merchant_id) in staff,
        )
        for bill, member in known
    ]  # fmt: skip
    await insight.come(tx, comings, city_id=city_id)


async def rebuild(db: Database, city_id: int) -> int:
    """Read all bills of a city again, page by page, each in a transaction of its own. How many pages."""
    after: UUID | None = None
    pages = 0
    while True:
        last = after

        async def work(tx: Tx, last: UUID | None = last) -> list[Bill]:
            found = await till.bills(tx, EVERYTHING, city_id=city_id, after=last, limit=PAGE)
            await _come(tx, found, city_id=city_id)
            return found

        found = await db.run_city(city_id, work)
        pages += 1
        if len(found) < PAGE:
            return pages
        after = found[-1].bill_id


async def _partners(tx: Tx, city_id: int, *, now: datetime, among: frozenset[UUID] | None) -> list[Partner]:
    """Whoever is or was a partner in a programme of the city, and is at home there. A programme is one statement."""
    found: list[Partner] = []
    for programme in await programmes.of_city(tx, city_id, at=now):
        if among is not None and programme.programme_id not in among:
            continue
        after: UUID | None = None
        while True:
            page = await programmes.partners(
                tx, programme.programme_id, home_city=city_id, left=True, after=after, limit=PAGE
            )
            found += page
            if len(page) < PAGE:
                break
            after = page[-1].partner_id
    return found


async def company(
    tx: Tx, city: City, *, days: int, now: datetime, today: date | None = None, among: frozenset[UUID] | None = None
) -> Company:
    """The alliance of a city and the last `days` days with today: the partners of its programmes, whoever left
    included as long as members came; in a city without one, every merchant who had a guest in the last year. `among`:
    of these programmes only. `today`: the last day, when other cities are looked at together with this one."""
    today = today or local_day(now, city.zone)
    since, until = insight.days_before(today, days if days in PERIODS else 90)
    joined: dict[UUID, date] = {}
    for one in await _partners(tx, city.city_id, now=now, among=among):
        day = local_day(one.joined_at, city.zone)
        joined[one.partner_id] = min(day, joined.get(one.partner_id, day))
    merchants = sorted(joined)
    if not merchants and among is None:
        merchants = await insight.came_to(tx, city_id=city.city_id, since=today - KNOWN, until=until)
    return Company(city=city, today=today, since=since, until=until, merchants=tuple(merchants), joined=joined)


async def of_merchant(tx: Tx, merchant_id: UUID, it: Company, *, joined: date | None = None) -> OfMerchant:
    """What one merchant reads, and his operator of him. `joined`: a day to compare around, for a merchant who is no
    partner of a programme; it is left aside when he is one. A bounded number of statements."""
    where = {"city_id": it.city.city_id, "asset": it.city.currency, "alliance": it.merchants}
    day = it.joined.get(merchant_id, joined)
    known = dict(it.joined) if day is None else {**it.joined, merchant_id: day}
    length = it.until - it.since
    now = await insight.business(tx, [merchant_id], since=it.since, until=it.until, today=it.today, sure=True, **where)
    before = await insight.business(tx, [merchant_id], since=it.since - length, until=it.since, today=it.today, **where)
    flows = await insight.flows(tx, merchants=[merchant_id], since=it.since, until=it.until, **where)
    steps = await insight.trend(tx, [merchant_id], since=it.since, until=it.until, stretch=it.stretch, **where)
    around = await insight.around(
        tx, [merchant_id], city_id=it.city.city_id, asset=it.city.currency, joined=known, today=it.today, sure=True
    )
    return OfMerchant(
        merchant_id=merchant_id, company=it, now=now.get(merchant_id), before=before.get(merchant_id), flows=flows,
        hidden=frozenset(insight.hidden(flows)), steps=steps, joined=day, around=around.get(merchant_id),
    )  # fmt: skip


async def whole_of(tx: Tx, it: Company) -> Alliance:
    """All merchants as one, without who sent whom: `crossings` is nothing. One statement, for a first look."""
    return await insight.as_one(
        tx, it.merchants, (), city_id=it.city.city_id, asset=it.city.currency, since=it.since, until=it.until
    )


async def of_city(tx: Tx, it: Company) -> OfCity:
    """What the operator reads of his city's alliance. A bounded number of statements, however many merchants."""
    span = {"since": it.since, "until": it.until}
    where = {"city_id": it.city.city_id, "asset": it.city.currency, "alliance": it.merchants}
    flows = await insight.flows(tx, **span, **where)
    made = await insight.business(tx, it.merchants, today=it.today, **span, **where)
    whole = await insight.as_one(tx, it.merchants, flows, city_id=it.city.city_id, asset=it.city.currency, **span)
    steps = await insight.trend(tx, it.merchants, stretch=it.stretch, **span, **where)
    arounds, change, sure = await _before_and_after(tx, it)
    return OfCity(
        company=it, whole=whole, merchants=made, flows=flows, hidden=frozenset(insight.hidden(flows)), steps=steps,
        backs=backs_of(list(made.values())), arounds=arounds, change=change, sure=sure,
    )  # fmt: skip


async def _before_and_after(tx: Tx, it: Company) -> tuple[dict[UUID, Around], int | None, Interval | None]:
    """Each merchant for himself and all together; a small alliance is asked once more for its groups of members."""
    where: dict[str, Any] = {
        "city_id": it.city.city_id, "asset": it.city.currency, "joined": it.joined, "today": it.today,
    }  # fmt: skip
    arounds = await insight.around(tx, it.merchants, **where)
    known = [one for one in sorted(arounds) if arounds[one].enough]
    asked = arounds
    if 0 < len(known) < insight.LEAST_MERCHANTS:
        asked = await insight.around(tx, known, pooled=True, **where)
    change, sure = insight.together(
        [asked[one] for one in sorted(asked)], insight.seeded("alliance", it.city.city_id, it.today)
    )
    return arounds, change, sure


def backs_of(made: Sequence[Business]) -> list[Back]:
    """Second visits of the new members of all these merchants together."""
    return [
        Back(
            days, Rate(sum(one.backs[i].rate.hits for one in made), sum(one.backs[i].rate.of for one in made)),
            sum(one.backs[i].waiting for one in made),
        )
        for i, days in enumerate(WINDOWS)
    ]  # fmt: skip
