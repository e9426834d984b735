"""`hutong bench ring`: members and merchants who work together and look for profit in a points alliance.

They do whatever members and partners can do, at random but biased towards what pays (buy, spend, bring back; send on
before bringing back; hold and let it lapse; spend at the last second), in sets, through the operations of the house.
After every set no invariant of points may be broken, and the ring as a whole may not be richer than before: what it
has in its hands (money for points, what is due to it, its points at the best price they bring) less what it paid in.
The seed makes the same search again.
"""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click
from msgspec import Struct, to_builtins
from msgspec.structs import replace
from rich.progress import Progress

from hutong import ledger, programmes
from hutong.cli.base import Context, json_option, say, words
from hutong.infra.audit import audit
from hutong.infra.db import Database, Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.ledger import Book
from hutong.programmes import (
    Caps,
    ClawBack,
    Earn,
    Fund,
    GiveBack,
    Hold,
    Partner,
    Policy,
    Programme,
    Rate,
    Resolve,
    Send,
    Source,
    Tier,
)

BEGIN = datetime(2026, 1, 5, 1, tzinfo=UTC)
CITY, FACE, ALWAYS = 1, 3, ("PG01", "PG02", "PG03", "PG18")
WEIGHTS = {
    "buy": 30, "spend": 18, "hold": 8, "confirm": 5, "release": 3, "refund": 16, "give_back": 8, "send": 9, "top_up": 2,
    "time": 5,
}  # fmt: skip
KEPT = 3_000  # purchases and burns that can still be undone


class Searched(Struct, frozen=True, kw_only=True):
    """What the search found. Money in units; `best`: the most the ring ever had beyond what it paid in."""

    seed: int
    actions: int
    done: int
    refused: dict[str, int]
    best: int
    end: int
    outstanding: int
    debts: int
    violations: int

    @property
    def held(self) -> bool:
        return self.best <= 0 and not self.violations


class Ring:
    """The ring on an empty database."""

    def __init__(self, db: Database, *, seed: int, members: int, merchants: int, told: Callable[[int], None]) -> None:
        self._db, self._seed, self._dice, self._told = db, seed, random.Random(seed), told  # noqa: S311
        self._root = UUID(int=derive(UUID(int=(0x019B << 112) | seed), "ring").int)
        self._members = [self._named("member", i) for i in range(members)]
        self._shops = [self._named("shop", i) for i in range(merchants)]
        self._id, self._now, self._made = self._named("programme", 0), BEGIN, 0
        self._bought: list[Earn] = []
        self._burnt: list[Hold] = []
        self._open: list[Hold] = []
        self._paid_in = self._best_price = 0
        self._refused: Counter[str] = Counter()
        self._done = self._violations = 0

    def _named(self, kind: str, number: int) -> UUID:
        return derive(self._root, f"{kind}/{number}")

    def _new(self) -> UUID:
        self._made += 1
        return self._named("id", self._made)

    async def search(self, actions: int, *, at_once: int = 40) -> Searched:
        """`actions` random ones, in sets of up to `at_once` of a kind."""
        await self._open_programme()
        best, count = -(10**18), 0
        kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
        while count < actions:
            kind = self._dice.choices(kinds, weights)[0]
            size = min(actions - count, self._dice.randint(1, at_once))
            await getattr(self, f"_{kind}")(size)
            count += size
            best = max(best, (await self._wealth())[0])
            self._told(size)
        await self._pass(timedelta(days=1))
        wealth, outstanding, debts = await self._wealth()
        async with self._db.snapshot() as tx:
            self._violations += len(await audit(tx))
        return Searched(
            seed=self._seed, actions=count, done=self._done, refused=dict(sorted(self._refused.items())),
            best=max(best, wealth), end=wealth, outstanding=outstanding, debts=debts, violations=self._violations,
        )  # fmt: skip

    async def _open_programme(self) -> None:
        tiers = (Tier(name=Text.both("silver"), growth=200, earn_bps=13_333),)
        programme = Programme(
            programme_id=self._id, asset="GRAIN", currency="CNY", face_units=FACE, name=Text.both("ring"),
            zone="Asia/Shanghai", cities=frozenset({CITY}), state="draft",
        )  # fmt: skip
        first = Policy(
            programme_id=self._id, version=1, rate=Rate(points=1, per_units=70), tiers=tiers, pending_days=2,
            life_days=20, redemption_bps=9_500, caps=Caps(member_points_a_day=5_000), valid_from=BEGIN,
        )  # fmt: skip
        rate, later = Rate(points=2, per_units=130, rounding="half_up"), BEGIN + timedelta(days=9)
        second = replace(
            first, version=2, rate=rate, pending_days=1, redemption_bps=9_999, expiry_to="partner", valid_from=later
        )
        shops = [
            Partner(
                programme_id=self._id, partner_id=shop, name=Text.both(f"shop {i}"), home_city=CITY, joined_at=BEGIN,
                mode="postpaid" if i % 2 else "prepaid", limit_units=30_000 if i % 2 else 0,
                redemption_bps=10_000 if i % 5 == 0 else None,
            )
            for i, shop in enumerate(self._shops)
        ]  # fmt: skip
        self._best_price = 10_000
        for work in (
            lambda tx: programmes.save_programmes(tx, [programme], by=None, now=BEGIN),
            lambda tx: programmes.set_policies(tx, [first, second], now=BEGIN),
            lambda tx: programmes.open_programmes(tx, [self._id], now=BEGIN),
            lambda tx: programmes.join_partners(tx, shops, by=None, now=BEGIN),
        ):
            await self._do(work)
        await self._top_up(len(shops))

    async def _do(self, work: Callable[[Tx], Any]) -> list[Any]:
        """One set, in its own transaction; then the invariants that every set must leave whole."""
        results = await self._db.run_city(CITY, work)
        for one in results:
            if isinstance(one, Refusal):
                self._refused[one.code] += 1
            else:
                self._done += 1
        async with self._db.reading() as tx:
            for code in ALWAYS:
                self._violations += len(await audit(tx, only=code))
        return results

    async def _wealth(self) -> tuple[int, int, int]:
        """(what the ring has beyond what it paid in, points outstanding, points owed)."""
        async with self._db.reading() as tx:
            rows = {(row.asset, row.heading): row for row in await ledger.trial_balance(tx, Book.programme(self._id))}
            report = await programmes.report(tx, self._id, until=(self._now + timedelta(days=2)).date())
        hands = sum(
            row.credits - row.debits for (asset, heading), row in rows.items() if asset == "CNY" and heading in (
                "funding", "due",
            )
        )  # fmt: skip
        points = report[-1].liability.units // FACE if report else 0
        owed = sum(month.debt_made - month.debt_paid for month in report)
        return hands + points * FACE * self._best_price // 10_000 - self._paid_in, points, owed

    # What the ring does

    def _member(self) -> UUID:
        """A few do most of it: so that many things happen to one wallet."""
        return self._members[int(len(self._members) * self._dice.random() ** 3)]

    async def _buy(self, size: int) -> None:
        asks = [
            Earn(
                movement_id=self._new(), programme_id=self._id, member_id=self._member(), city_id=CITY, store_id=None,
                partner_id=self._dice.choice(self._shops), source=Source("receipt", self._new()),
                amount=Amount(self._dice.choice((69, 70, 130, 999, 5_000, 20_000, 77_777)), "CNY"),
                at=self._now - timedelta(hours=self._dice.choice((0, 0, 1, 40))),
            )
            for _ in range(size)
        ]  # fmt: skip
        if self._bought and self._dice.random() < 0.3:
            asks.append(self._dice.choice(self._bought))  # once more: perhaps it counts twice
        await self._do(lambda tx: programmes.earn(tx, asks, now=self._now))
        self._bought = (self._bought + asks)[-KEPT:]

    def _holds(self, size: int) -> list[Hold]:
        return [
            Hold(
                movement_id=self._new(), programme_id=self._id, member_id=self._member(), city_id=CITY, store_id=None,
                partner_id=self._dice.choice(self._shops), source=Source("receipt", self._new()),
                points=self._dice.choice((1, 2, 3, 7, 50, 100, 333)), until=self._now + timedelta(minutes=15),
            )
            for _ in range(size)
        ]  # fmt: skip

    async def _spend(self, size: int) -> None:
        asks = self._holds(size)
        results = await self._do(lambda tx: programmes.burn(tx, asks, now=self._now))
        good = [ask for ask, one in zip(asks, results, strict=True) if not isinstance(one, Refusal)]
        self._burnt = (self._burnt + good)[-KEPT:]

    async def _hold(self, size: int) -> None:
        asks = self._holds(size)
        results = await self._do(lambda tx: programmes.hold(tx, asks, now=self._now))
        self._open += [ask for ask, one in zip(asks, results, strict=True) if not isinstance(one, Refusal)]

    def _some(self, things: Sequence[Any], size: int) -> list[Any]:
        return [self._dice.choice(things) for _ in range(size)] if things else []

    def _resolves(self, size: int) -> list[Resolve]:
        return [
            Resolve(programme_id=self._id, member_id=one.member_id, movement_id=one.movement_id)
            for one in self._some(self._open, size)
        ]

    async def _confirm(self, size: int) -> None:
        asks = self._resolves(size)
        await self._do(lambda tx: programmes.confirm(tx, asks, now=self._now))
        ids = {one.movement_id for one in asks}
        self._burnt = (self._burnt + [one for one in self._open if one.movement_id in ids])[-KEPT:]

    async def _release(self, size: int) -> None:
        asks = self._resolves(size)
        await self._do(lambda tx: programmes.release(tx, asks, now=self._now))

    async def _refund(self, size: int) -> None:
        asks = [
            ClawBack(
                back_id=self._new(), programme_id=self._id, member_id=one.member_id, source=one.source,
                kept=self._dice.choice((None, None, Amount(one.amount.units // 3, "CNY"), Amount(70, "CNY"))),
            )
            for one in self._some(self._bought, size)
        ]  # fmt: skip
        await self._do(lambda tx: programmes.claw_back(tx, asks, now=self._now))

    async def _give_back(self, size: int) -> None:
        asks = [
            GiveBack(
                back_id=self._new(), programme_id=self._id, member_id=one.member_id, burn_id=one.movement_id,
                points=self._dice.choice((None, 1, 2, one.points // 2 or 1)),
                worth_units=self._dice.choice((None, None, 0, 1)),
            )
            for one in self._some(self._burnt, size)
        ]  # fmt: skip
        await self._do(lambda tx: programmes.give_back(tx, asks, now=self._now))

    async def _send(self, size: int) -> None:
        asks = [
            Send(
                movement_id=self._new(), programme_id=self._id, member_id=self._member(), to=self._member(),
                points=self._dice.choice((1, 5, 40, 200)),
            )
            for _ in range(size)
        ]  # fmt: skip
        await self._do(lambda tx: programmes.send(tx, asks, now=self._now))

    async def _top_up(self, size: int) -> None:
        asks = [
            Fund(
                block_id=self._new(), programme_id=self._id, partner_id=shop, city_id=CITY, debit_path="provider/ring",
                amount=Amount(self._dice.choice((500, 5_000, 20_000)), "CNY"),
            )
            for shop in self._some(self._shops[::2], size)
        ]  # fmt: skip
        results = await self._do(lambda tx: programmes.fund(tx, asks, now=self._now))
        self._paid_in += sum(one.amount.units for one in results if not isinstance(one, Refusal))

    async def _time(self, size: int) -> None:
        await self._pass(timedelta(hours=size * self._dice.choice((1, 1, 3))))

    async def _pass(self, by: timedelta) -> None:
        """Time goes on, and does what it does."""
        self._now += by
        for work in (programmes.release_due, programmes.mature, programmes.expire):
            while await self._db.run_city(CITY, lambda tx: work(tx, programme_id=self._id, now=self._now)):  # noqa: B023
                pass


@click.command("ring")
@click.option("--seed", type=click.IntRange(0, 2**32), default=20261122, show_default=True)
@click.option("--members", type=click.IntRange(2, 100_000), default=1_000, show_default=True)
@click.option("--merchants", type=click.IntRange(2, 1_000), default=20, show_default=True)
@click.option("--actions", type=click.IntRange(1, 1_000_000), default=20_000, show_default=True)
@json_option
@click.pass_obj
def ring(ctx: Context, seed: int, members: int, merchants: int, actions: int, as_json: bool) -> None:
    """Let a ring of members and merchants look for profit in a points alliance, at random, by a seed.

    They buy, spend, hold, bring back, send, give back and pay in; after every set no invariant of points may be broken.
    `best` is the most that the ring ever had (money for points, what is due to it, its points at the best price) beyond
    what it paid in. Exit 1 when that is above zero, or an invariant broke.
    """
    with ctx.own_or_temporary() as settings:
        assert settings.database_url is not None
        found = asyncio.run(_search(settings.database_url, seed, members, merchants, actions))
    say(to_builtins(found), as_json)
    sys.exit(0 if found.held else 1)


async def _search(url: str, seed: int, members: int, merchants: int, actions: int) -> Searched:
    db = await Database(url).open()
    try:
        with Progress(console=words) as bars:
            task = bars.add_task(f"seed {seed}", total=actions)
            life = Ring(db, seed=seed, members=members, merchants=merchants, told=lambda n: bars.advance(task, n))
            return await life.search(actions)
    finally:
        await db.close()
