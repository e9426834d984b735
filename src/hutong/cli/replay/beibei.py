"""Lives recorded groups through again: opened, paid, joined, clinched; or their time runs out and all is refunded.

Nothing here knows a rule. Orders, teams, the nightly round and refunds are those of the house; only the time is ours,
and what a payment provider would say: that what was opened was paid, and that what was to go back went back.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import groups, orders
from hutong.cli.replay import beibei_town
from hutong.cli.replay.beibei_rows import Row
from hutong.cli.replay.beibei_town import ALONE, ASSET, BEGIN, HOURS, PRICE
from hutong.cli.replay.groupon import ReplayBroken, captured, given_back, sure
from hutong.desk import rounds
from hutong.infra.db import Database, Tx
from hutong.infra.delivery import catch_up, first_id_at
from hutong.infra.facts import Fact
from hutong.infra.relay import Handler, Registry
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.orders import Choice, Place, Schemes, Wanted
from hutong.payments import RefundDone

SETS = 8  # of one day
AT_ONCE = 400  # groups of one set
LANES = 2  # while PostgreSQL works for one, Python prepares the other; a deal stays in its lane, so they do not meet
PAYS_AFTER = timedelta(seconds=20)
assert ALONE > PRICE

Moved = Callable[[str, int], None]  # "clinched" or "failed", and how many groups


class Ended(Struct, frozen=True, kw_only=True):
    """What the books say when all is over: teams that clinched, teams that failed, orders that were refunded."""

    clinched: int
    failed: int
    refunded: int


class Life:
    """One life of a town of groups. `moved` hears of progress."""

    def __init__(self, db: Database, *, schemes: Schemes, hold_for: timedelta, moved: Moved) -> None:
        self._db, self._schemes, self._hold_for, self._moved = db, schemes, hold_for, moved
        self._members: dict[int, UUID] = {}
        self._refunds: set[UUID] = set()
        provider = Handler(name="replay.provider", topics=frozenset({"orders.refund_asked"}), do=self._give_back)
        self._registry = Registry([provider])

    async def live(self, clinched: Sequence[Row], failed: Sequence[Row]) -> Ended:
        """Build the town and live through all of its days. Raises ReplayBroken when the house refuses what happened."""
        self._town = await beibei_town.build(self._db, [*clinched, *failed])
        now = BEGIN
        for day in days(clinched, failed):
            async with asyncio.TaskGroup() as group:
                for lane in range(LANES):
                    group.create_task(self._lane([some for some in day if some.lane == lane], now))
            # Teams that nobody joined end a day after they were opened; who paid gets it back without asking.
            now += timedelta(hours=HOURS + 1)
            await rounds.close_teams(self._db, self._town.city_id, now)
            await catch_up(self._db, registry=self._registry, now=now, limit=4 * AT_ONCE)
        async with self._db.reading(self._town.city_id) as tx:
            found = await groups.counts(tx, city_id=self._town.city_id)
        strange = {state: n for state, n in found.items() if state not in ("clinched", "failed")}
        if strange:
            raise ReplayBroken(f"teams that neither clinched nor failed: {strange}")
        return Ended(
            clinched=found.get("clinched", 0), failed=found.get("failed", 0), refunded=len(self._refunds)
        )  # fmt: skip

    async def _lane(self, sets: Sequence["Some"], now: datetime) -> None:
        for number, some in enumerate(sets):
            at = now + timedelta(minutes=5 * number)
            day = first_id_at(at)  # an order's id begins with its time, as if it were made there
            openers = [self._order(row, 0, None, day) for row in some.rows]
            await self._buy(openers, at)
            friends = [
                self._order(row, n, groups.team_of(first.order_id), day)
                for row, first in zip(some.rows, openers, strict=True)
                for n in range(1, 1 + len(row.joined))
            ]
            if friends:
                await self._buy(friends, at + timedelta(minutes=2))
            self._moved("clinched" if some.clinched else "failed", len(some.rows))

    def _order(self, row: Row, number: int, team: UUID | None, day: UUID) -> Place:
        """The order of the person with this number in the row: the initiator is 0."""
        town, kind = self._town, "clinched" if row.joined else "failed"
        person = (row.initiator, *row.joined)[number]
        order_id = derive(day, f"{town.city_id}/{kind}/{row.line}/{number}")
        choice = Choice("open_team") if team is None else Choice("join_team", team)
        return Place(
            order_id=order_id, payment_id=derive(order_id, "payment"), channel="replay",
            member_id=self._member(person), member_name=f"User {person}", phone_tail=f"{person % 10_000:04d}",
            wants=(Wanted(town.offers[row.item, row.size], 1, choice),), expect=Amount(PRICE, ASSET),
        )  # fmt: skip

    def _member(self, person: int) -> UUID:
        found = self._members.get(person)
        if found is None:
            found = self._members[person] = derive(self._town.root, f"user/{person}")
        return found

    async def _buy(self, asks: Sequence[Place], now: datetime) -> None:
        """Two transactions, however many they are: placed, and a moment later the provider says that all are paid."""
        city_id, later = self._town.city_id, now + PAYS_AFTER

        async def place(tx: Tx) -> Any:
            return await orders.place(
                tx, asks, city_id=city_id, now=now, schemes=self._schemes, hold_for=self._hold_for
            )

        sure(await self._db.run_city(city_id, place))
        findings = [captured(ask, city_id, later) for ask in asks]

        async def receive(tx: Tx) -> Any:
            return await orders.receive(tx, findings, city_id=city_id, now=later)

        await self._db.run_city(city_id, receive)

    async def _give_back(self, tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        """The provider gives back whatever it is asked to."""
        findings = [given_back(fact, city_id, now) for fact in facts]
        for settled in await orders.receive(tx, findings, city_id=city_id, now=now):
            if isinstance(settled, RefundDone):  # by id: if this transaction is tried again, nothing is counted twice
                self._refunds.add(settled.refund_id)


class Some(Struct, frozen=True, kw_only=True):
    """Groups that can be bought in one go: nobody is twice in a running team of one deal."""

    lane: int
    clinched: bool
    rows: list[Row]


def days(clinched: Sequence[Row], failed: Sequence[Row]) -> Iterator[list[Some]]:
    """All groups, day by day: those that clinch and those that fail mixed as they were recorded, in sets of a lane.

    A member may be in one running team of a deal. What would meet a running team waits: for the next set when that
    team clinches, for the next day when it fails.
    """
    share = len(clinched) / max(1, len(clinched) + len(failed))
    good, bad = deque(clinched), deque(failed)
    while good or bad:
        running: set[tuple[int, int, int]] = set()
        most = SETS * AT_ONCE * LANES
        n_bad = len(bad) if not good else max(1, round(most * (1 - share)))
        day = list(_sets(bad, n=min(n_bad, most), running=running, clinched=False))
        n_good = most if not bad and not day else max(1, round(most * share))
        day += _sets(good, n=n_good, running=running, clinched=True)
        yield day


def _sets(rows: deque[Row], *, n: int, running: set[tuple[int, int, int]], clinched: bool) -> list[Some]:
    """Up to `n` rows from the front as sets; what would meet a running team goes back to the front."""
    found: list[Some] = []
    open_sets: dict[int, tuple[list[Row], set[tuple[int, int, int]]]] = {}
    later: list[Row] = []
    for _ in range(min(n, len(rows))):
        row = rows.popleft()
        keys = {(person, row.item, row.size) for person in (row.initiator, *row.joined)}
        lane = row.item % LANES
        some, busy = open_sets.setdefault(lane, ([], set()))
        if keys & running or keys & busy:
            later.append(row)
            continue
        some.append(row)
        busy |= keys
        if not clinched:
            running |= keys
        if len(some) == AT_ONCE:
            found.append(Some(lane=lane, clinched=clinched, rows=some))
            del open_sets[lane]
    found += [Some(lane=lane, clinched=clinched, rows=some) for lane, (some, _) in open_sets.items() if some]
    rows.extendleft(reversed(later))
    return found
