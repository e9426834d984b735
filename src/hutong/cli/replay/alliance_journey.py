"""Recorded baskets lived through an alliance: every store a partner, every household a member, every basket a purchase.

Day by day, by the shops' clock, through the operations of the house, in sets: what time does first (points mature and
end), then the purchases of the day in their order, then what members spend, then what they bring back. On the first of
a month the month is cleared and everything is audited. Who spends and who brings back is drawn by a seed from the
number of the basket, so a second replay is the same to the last byte.
"""

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct, field

from hutong import clearing, merchants, places, programmes
from hutong.cli.replay.groupon import ReplayBroken, sure
from hutong.cli.replay.journey_baskets import Basket
from hutong.desk import clearings, earning
from hutong.infra.db import Database, Tx
from hutong.kit.clock import day_start, local_day
from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.programmes import (
    ClawBack,
    Earn,
    Earned,
    Fund,
    FundingExhausted,
    Hold,
    Partner,
    Policy,
    Programme,
    Rate,
    Source,
)

T = TypeVar("T")
MONTHS = 12 * 400  # no data is longer
ROOT = UUID("019b0000-0000-7000-8000-000000000000")
ASSET, POINT, FACE, CITIES, FIRST_CITY = "USD", "GRAIN", 1, 5, 9_701
PENDING, LIFE, REDEMPTION = 14, 90, 9_000  # days, days, basis points of the face
LEAST_SPENT, OFTEN = 300, 3  # who has so many points spends them at every third basket
RETURNED, WITHIN = 250, 30  # of so many baskets one is brought back, within so many days
BLOCK, LIMIT, AT_ONCE = 5_000, 10**9, 1_000
QUIET = timedelta(days=max(WITHIN, PENDING + LIFE) + 2)  # after it whatever was bought is used, gone or brought back
CENTRE = Point(40.7128, -74.0060)


class Counts(Struct, kw_only=True):
    """What happened. Points and cents; `audits`: how often everything was audited; `months`: the days after them."""

    baskets: int = 0
    earned: int = 0
    spent: int = 0
    expected: int = 0
    violations: int = 0
    audits: int = 0
    months: list[date] = field(default_factory=list)


def lot(basket: Basket, what: str) -> int:
    """A number from the basket alone."""
    text = f"{what}/{basket.household_id}/{basket.store_id}/{basket.basket_id}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def named(kind: str, number: int | str) -> UUID:
    return derive(ROOT, f"{kind}/{number}")


def basket_id(basket: Basket) -> UUID:
    return named("basket", f"{basket.household_id}/{basket.store_id}/{basket.basket_id}")


class Alliance:
    """One life of the baskets on an empty database."""

    def __init__(
        self, db: Database, zone: str, audit: Callable[[], Awaitable[None]], told: Callable[[int], None]
    ) -> None:
        """`audit` begins one of everything as it is when it returns; `told` hears of progress."""
        self._db, self._zone, self._audit, self._told = db, zone, audit, told
        self.programme_id = named("programme", 1)
        self.counts = Counts()
        self._home: dict[int, int] = {}
        self._coming: list[date] = []  # days with purchases, in order
        self._quiet = date.min
        self._left: dict[int, int] = {}  # what prepaid stores have, as they see it
        self._waiting: set[int] = set()  # stores that are paid back when somebody pays what he owes
        self._returns: dict[date, list[Basket]] = defaultdict(list)

    async def live(self, baskets: Sequence[Basket]) -> Counts:
        """All days, then the months until every purchase is final; afterwards nothing is pending any more."""
        days: dict[date, list[Basket]] = defaultdict(list)
        for basket in baskets:
            days[local_day(basket.at, self._zone)].append(basket)
        stores = sorted({basket.store_id for basket in baskets})
        self._home = {store: FIRST_CITY + i % CITIES for i, store in enumerate(stores)}
        self._coming = sorted(days)
        first, last = self._coming[0], self._coming[-1]
        # Stores that pay afterwards: no limit is to be reached, whatever is bought.
        self._limit = max(LIMIT, sum(basket.units // 100 * FACE for basket in baskets))
        await self._open(stores, day_start(first, self._zone) - timedelta(hours=1))
        day = first
        while day <= self._end(last):
            await self._begin(day, first)
            await self._day(day, days.get(day, []))
            day = self._next(day, days)
        return self.counts

    def _next(self, day: date, days: Mapping[date, list[Basket]]) -> date:
        """Tomorrow; or, when nothing is open and nobody buys for long, the first of the month of the next purchase:
        in between there is nothing that time could do."""
        if days.get(day):
            self._quiet = day + QUIET
        coming = self._coming[bisect_right(self._coming, day) :][:1]
        if coming and day > self._quiet and not self._returns:
            return max(day + timedelta(days=1), coming[0].replace(day=1))
        return day + timedelta(days=1)

    def _end(self, last: date) -> date:
        """The first of the month behind everything that is still open: returns and pending days."""
        open_until = last + timedelta(days=WITHIN + PENDING + 1)
        return (open_until.replace(day=1) + timedelta(days=32)).replace(day=1)

    async def _open(self, stores: Sequence[int], now: datetime) -> None:
        """Cities, merchants, the programme, its rules and partners; stores pay before and after by turns."""
        cities = [
            places.AddCity(
                city_id=city, slug=f"alliance-{city}", name=Text.both(f"Alliance Town {city}"), zone=self._zone,
                currency=ASSET, languages=("en", "zh"), centre=CENTRE, opened_at=now,
            )
            for city in sorted(set(self._home.values()))
        ]  # fmt: skip
        admitted = [
            merchants.AddMerchant(
                merchant_id=named("store", store),
                city_id=self._home[store],
                name=Text.both(f"Store {store}"),
                trade="restaurant",
            )
            for store in stores
        ]
        programme = Programme(
            programme_id=self.programme_id, asset=POINT, currency=ASSET, face_units=FACE, zone=self._zone,
            name=Text(zh="麦粒", en="Grains"), cities=frozenset(self._home.values()), state="draft",
        )  # fmt: skip
        policy = Policy(
            programme_id=self.programme_id, version=1, rate=Rate(points=1, per_units=100), pending_days=PENDING,
            life_days=LIFE, redemption_bps=REDEMPTION, valid_from=now,
        )  # fmt: skip
        joined = [
            Partner(
                programme_id=self.programme_id,
                partner_id=named("store", store),
                name=Text.both(f"Store {store}"),
                home_city=self._home[store],
                mode="postpaid" if i % 2 else "prepaid",
                limit_units=self._limit if i % 2 else 0,
                joined_at=now,
            )
            for i, store in enumerate(stores)
        ]
        self._left = dict.fromkeys(stores[::2], 0)
        async with self._db.central() as tx:
            await untouched(tx, {city.city_id for city in cities})
            sure(await places.add_cities(tx, cities))
            sure(await merchants.add_merchants(tx, admitted, now=now))
            sure(await programmes.save_programmes(tx, [programme], by=None, now=now))
            sure(await programmes.set_policies(tx, [policy], now=now))
            sure(await programmes.open_programmes(tx, [self.programme_id], now=now))
            sure(await programmes.join_partners(tx, joined, by=None, now=now))

    async def _begin(self, day: date, first: date) -> None:
        """Midnight: what time does; on the first of a month the clearing of the last one, and the audit."""
        now = day_start(day, self._zone)
        await earning.sweep(self._db, now)
        if day.day == 1 and day > first:
            await clearings.clear(self._db, now)
            await self._audit()
            self.counts.audits += 1
            self.counts.months.append(day)

    async def _day(self, day: date, baskets: Sequence[Basket]) -> None:
        for start in range(0, len(baskets), AT_ONCE):
            await self._buy(baskets[start : start + AT_ONCE])
        await self._spend(baskets)
        await self._bring_back(self._returns.pop(day, []), day)
        for basket in baskets:
            if lot(basket, "returned") % RETURNED == 0:
                self._returns[day + timedelta(days=1 + lot(basket, "when") % WITHIN)].append(basket)

    async def _buy(self, baskets: Sequence[Basket]) -> None:
        """The purchases in their order; a store that pays before adds a block when its own is nearly used up."""
        needed: dict[int, int] = defaultdict(int)
        for basket in baskets:
            needed[basket.store_id] += basket.units // 100 * FACE
        blocks = [
            self._block(store, max(BLOCK, units), baskets[0])
            for store, units in sorted(needed.items())
            if store in self._left and self._left[store] < units
        ]
        asks = [self._earn(basket) for basket in baskets]
        city = FIRST_CITY
        for home in sorted({one.city_id for one in blocks}):
            mine = [one for one in blocks if one.city_id == home]
            await self._in(home, lambda tx: programmes.fund(tx, mine, now=baskets[0].at))  # noqa: B023
        results = await self._in(city, lambda tx: programmes.earn(tx, asks, now=baskets[-1].at))
        for basket, result in zip(baskets, results, strict=True):
            points = result.points if isinstance(result, Earned) else 0
            self.counts.baskets += 1
            self.counts.earned += points
            self.counts.expected += basket.units // 100
            if basket.store_id in self._left:
                self._left[basket.store_id] -= points * FACE
            assert not isinstance(result, FundingExhausted)
        self._told(len(baskets))

    def _block(self, store: int, units: int, basket: Basket) -> Fund:
        self._left[store] += units
        return Fund(
            block_id=named("block", f"{store}/{basket.basket_id}"), programme_id=self.programme_id,
            partner_id=named("store", store), city_id=self._home[store], amount=Amount(units, ASSET),
            debit_path="provider/bank",
        )  # fmt: skip

    def _earn(self, basket: Basket) -> Earn:
        return Earn(
            movement_id=derive(basket_id(basket), "earn"), programme_id=self.programme_id,
            member_id=named("household", basket.household_id), partner_id=named("store", basket.store_id),
            city_id=self._home[basket.store_id], store_id=named("store", basket.store_id),
            source=Source("receipt", basket_id(basket)), amount=Amount(basket.units, ASSET), at=basket.at,
        )  # fmt: skip

    async def _spend(self, baskets: Sequence[Basket]) -> None:
        """Who has enough points uses them in hundreds, at every third of his baskets, up to what the basket costs."""
        able = [basket for basket in baskets if lot(basket, "spends") % OFTEN == 0]
        if not able:
            return
        now = baskets[-1].at
        async with self._db.reading() as tx:
            ids = [named("household", basket.household_id) for basket in able]
            has = await programmes.usable(tx, self.programme_id, ids, at=now)
        asks: list[Hold] = []
        for basket in able:
            member = named("household", basket.household_id)
            points = min(has.get(member, 0), basket.units // FACE) // 100 * 100
            if has.get(member, 0) >= LEAST_SPENT and points:
                has[member] -= points
                asks.append(self._hold(basket, member, points))
        if asks:
            results = sure(await self._in(FIRST_CITY, lambda tx: programmes.burn(tx, asks, now=now)))
            self.counts.spent += sum(one.points for one in results)

    def _hold(self, basket: Basket, member: UUID, points: int) -> Hold:
        return Hold(
            movement_id=derive(basket_id(basket), "burn"), programme_id=self.programme_id, member_id=member,
            partner_id=named("store", basket.store_id), city_id=self._home[basket.store_id],
            store_id=named("store", basket.store_id), source=Source("receipt", basket_id(basket)), points=points,
        )  # fmt: skip

    async def _bring_back(self, baskets: Sequence[Basket], day: date) -> None:
        """Half of them whole, half of them in part: the points go back, or are owed."""
        if not baskets:
            return
        asks = [
            ClawBack(
                back_id=derive(basket_id(basket), "claw_back"), programme_id=self.programme_id,
                member_id=named("household", basket.household_id), source=Source("receipt", basket_id(basket)),
                kept=None if lot(basket, "whole") % 2 else Amount(basket.units // 3, ASSET),
            )
            for basket in baskets
        ]  # fmt: skip
        now = day_start(day, self._zone) + timedelta(hours=23)
        taken = sure(await self._in(FIRST_CITY, lambda tx: programmes.claw_back(tx, asks, now=now)))
        self._waiting |= {basket.store_id for basket, one in zip(baskets, taken, strict=True) if one.debt}
        # Nobody else's money comes back: neither from what is brought back today nor from what was owed before.
        mine = self._left.keys() & (self._waiting | {basket.store_id for basket in baskets})
        async with self._db.reading() as tx:
            ids = {named("store", store): store for store in sorted(mine)}
            found = await programmes.funding(tx, self.programme_id, list(ids))
        self._left |= {store: found[partner].left.units for partner, store in ids.items()}

    async def _in(self, city: int, work: Callable[[Tx], Any]) -> Any:
        return await self._db.run_city(city, work)


async def untouched(tx: Tx, city_ids: Set[int]) -> None:
    """A replay whose ids follow from the data alone lives once in a database. Raises ReplayBroken before anything is
    written when these cities are there."""
    there = sorted(city_ids & {city.city_id for city in await places.cities(tx)})
    if there:
        raise ReplayBroken(
            f"city {there[0]} of this replay is in the database already: take a fresh one, "
            "without --data and HUTONG_DATABASE_URL a temporary one is made"
        )


async def digest(db: Database, programme_id: UUID) -> tuple[str, bool, int, int]:
    """What all closed periods say together, whether they say the same when they are computed again, the sum over all
    parties, and what the programme paid its partners in all (below zero: got)."""
    async with db.reading() as tx:
        runs = sorted(await clearing.runs(tx, programme_id, limit=MONTHS), key=lambda run: run.number)
    if not runs:  # nobody bought for a whole dollar
        return hashlib.sha256(b"").hexdigest(), True, 0, 0
    async with db.central() as tx:
        again = await clearing.recompute(tx, runs, now=runs[-1].until)
    net = partners = 0
    for run in runs:
        partners += run.partners_net
        after: UUID | None = None
        while True:
            async with db.reading() as tx:
                page = await clearing.statements_of_run(tx, programme_id, run_id=run.run_id, after=after)
            if not page:
                break
            net += sum(statement.units for statement in page)
            after = page[-1].party_id
    whole = hashlib.sha256("\n".join(run.digest for run in runs).encode()).hexdigest()
    return whole, again == [run.digest for run in runs], net, partners
