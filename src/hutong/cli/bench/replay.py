"""`hutong bench replay`: orders by the set, from the wish to the voucher, without HTTP; and the same rows bare.

Each round opens a city and lets a crowd buy in it: orders.place, then orders.receive with the provider's word that
it was paid, a transaction each, in one process of Python with two connections. Then PostgreSQL copies the very rows
that came of it with INSERT ... SELECT into tables with the same columns, CHECKs and indexes, on one connection: a
statement for each table and one commit, which is the limit; and in transactions of the size of a set.
"""

import asyncio
import gc
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from msgspec import Struct
from rich.table import Table

from hutong.cli.base import Context, json_option, say, words
from hutong.cli.bench.figures import median
from hutong.cli.bench.ground import Ground, Used, ground, used
from hutong.cli.keep import audited
from hutong.cli.replay import crowd, town
from hutong.cli.replay.command import PATIENT
from hutong.cli.replay.groupon import Seller
from hutong.cli.replay.rows import Row
from hutong.cli.replay.town import Deal, Town
from hutong.desk.house import House
from hutong.infra.ids import new_id
from hutong.kit.ids import derive

LIMIT_SQL = Path(__file__).parent / "limits" / "replay.sql"
_TIME = re.compile(r"^Time: ([0-9.]+) ms", re.MULTILINE)
DAY = date(2012, 3, 5)
TIPPING = 4  # every so-manyth deal needs a minimum of buyers
LANES = 2
GOALS = (("rate", 10_000.0), ("ratio_to_limit", 0.2))
ROWS = (
    ("rate", "units, per second", "{:,.0f}"), ("rate_of_a_core", "units for each second of Python", "{:,.0f}"),
    ("p50_ms", "a set of orders, p50 ms", "{:.0f}"), ("p99_ms", "a set of orders, p99 ms", "{:.0f}"),
    ("statements_per_request", "statements for each unit", "{:.3f}"),
    ("wal_bytes_per_request", "log bytes for each unit", "{:,.0f}"),
    ("rows_per_unit", "rows for each unit", "{:.1f}"),
    ("limit_rate", "limit: bare INSERT ... SELECT", "{:,.0f}"),
    ("limit_rate_in_sets", "the same, a commit for each set", "{:,.0f}"),
    ("ratio_to_limit", "of the limit", "{:.2f}"), ("ratio_to_limit_in_sets", "of the same by sets", "{:.2f}"),
    ("audit_violations", "audit violations", "{:.0f}"),
)  # fmt: skip


class Wish(Struct, frozen=True, gc=False):
    """One order of the crowd: of which deal, by which member, how many."""

    deal: Deal
    member: int
    quantity: int


class Size(Struct, frozen=True, kw_only=True):
    """How much there is to do: units and deals of a round, orders of a set, seconds after which a round ends."""

    units: int
    deals: int
    orders: int
    seconds: float


class Sold(Struct, kw_only=True):
    """What a round has come to so far."""

    city_id: int = 0
    units: int = 0
    orders: int = 0
    sets: list[float] = []  # seconds of each
    seconds: float = 0.0
    python_s: float = 0.0


@click.command()
@click.option("--units", type=click.IntRange(100, 5_000_000), default=40_000, show_default=True, help="Of each round.")
@click.option("--seconds", type=click.FloatRange(1, 600), default=20, show_default=True, help="No round is longer.")
@click.option("--deals", type=click.IntRange(2, 10_000), default=200, show_default=True, help="What is bought.")
@click.option("--orders", type=click.IntRange(1, 5_000), default=500, show_default=True, help="Of one set.")
@click.option("--repeat", type=click.IntRange(1, 9), default=1, show_default=True, help="Tell medians of so many.")
@json_option
@click.pass_obj
def replay(ctx: Context, repeat: int, as_json: bool, **given: Any) -> None:
    """Import orders through the operations: placed, paid, vouchers, ledger; beside a bare INSERT ... SELECT."""
    size = Size(**given)
    gc.set_threshold(*PATIENT)
    with ground(ctx) as place:
        rows = [asyncio.run(_round(ctx, place, size)) for _ in range(repeat)]
        audit = asyncio.run(audited(place.url))
    middle = median(rows)
    goals = [
        {"what": what, "goal": goal, "at_least": True, "reached": middle[what], "held": middle[what] >= goal}
        for what, goal in GOALS
    ]
    result = {
        "name": "replay", **middle, "refused": 0, "errors": 0, "noop_rate": None, "ratio_to_noop": None,
        "audit_violations": len(audit["violations"]), "goals": goals, "held": all(goal["held"] for goal in goals),
        "orders_of_a_set": size.orders, "lanes": LANES, "repeat": repeat, "rounds": rows,
    }  # fmt: skip
    show(result)
    say(result, as_json)
    sys.exit(1 if audit["violations"] else 0)


async def _round(ctx: Context, place: Ground, size: Size) -> dict[str, Any]:
    house = ctx.house(place.settings)
    await house.open()
    try:
        there, lanes = await _crowd(house, size)
        sold = Sold(city_id=there.city_id)
        await _sell(house, there, [lane[: size.orders] for lane in lanes], size, Sold())
        # As autovacuum does within a minute: without statistics the plans of foreign keys walk a city's whole index.
        place.psql(command="analyze")
        gc.collect()
        gc.freeze()
        before = await used(place, None)
        await _sell(house, there, [lane[size.orders :] for lane in lanes], size, sold)
        after = await used(place, None)
    finally:
        await house.close()
        gc.unfreeze()
    words.print(f"replay: {sold.units / sold.seconds:,.0f} units/s")
    bare = _bare(place, sold, len(sold.sets))
    return _row(sold, before, after, bare)


async def _crowd(house: House, size: Size) -> tuple[Town, list[list[Wish]]]:
    """A town whose every day has enough of everything, and what its people want: deals do not change their lane."""
    rows = [
        Row(
            line=n, deal_id=f"deal-{n}", start=DAY, min_units=1 if n % TIPPING else 10, days=30, price=1_000 + n,
            list_price=2_000 + n, duration=90, quantity=size.units,
        )
        for n in range(size.deals)
    ]  # fmt: skip
    there = await town.build(house.db, rows)
    dice = random.Random(7)  # noqa: S311 (a crowd, not a secret)
    lanes: list[list[Wish]] = [[] for _ in range(LANES)]
    left = size.units + LANES * size.orders * 2  # some go before the measurement
    while left > 0:
        number, quantity = dice.randrange(size.deals), dice.choice(crowd.SIZES)
        lanes[number % LANES].append(Wish(there.deals[number], dice.randrange(crowd.MEMBERS), quantity))
        left -= quantity
    return there, lanes


async def _sell(house: House, there: Town, lanes: Sequence[Sequence[Wish]], size: Size, sold: Sold) -> None:
    seller = Seller(house.db, city_id=there.city_id, schemes=house.schemes, hold_for=house.hold_for)
    members = [derive(there.root, f"member/{n}") for n in range(crowd.MEMBERS)]
    began, cpu = time.perf_counter(), time.process_time()
    opened = town.night(DAY) + timedelta(hours=9)

    async def run(lane: Sequence[Wish]) -> None:
        for start in range(0, len(lane), size.orders):
            if time.perf_counter() - began > size.seconds:
                return
            some = lane[start : start + size.orders]
            at = time.perf_counter()
            await _set(seller, some, members, opened + timedelta(seconds=start))
            sold.sets.append(time.perf_counter() - at)
            sold.orders += len(some)
            sold.units += sum(wish.quantity for wish in some)

    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(run(lane))
    sold.seconds, sold.python_s = time.perf_counter() - began, time.process_time() - cpu


async def _set(seller: Seller, wishes: Sequence[Wish], members: Sequence[UUID], now: datetime) -> None:
    asks = [
        seller.ask(new_id(), new_id(), members[wish.member], wish.member, wish.deal, wish.quantity) for wish in wishes
    ]
    await seller.sell(asks, now)


class Bare(Struct, frozen=True, kw_only=True):
    """What PostgreSQL wrote by itself: rows and units, and its seconds for all at once and set by set."""

    rows: int
    units: int
    whole_s: float
    sets_s: float


def _bare(place: Ground, sold: Sold, sets: int) -> Bare:
    """The better of two tries: it is to be what PostgreSQL can do at most, and a disk has bad moments."""
    tries = [
        place.psql(file=LIMIT_SQL, variables={"city": sold.city_id, "sets": sets}, admin=True) for _ in range(2)
    ]  # fmt: skip
    took = [[float(ms) / 1000 for ms in _TIME.findall(said)] for said in tries]
    counted = json.loads(next(line for line in tries[0].splitlines() if line.startswith("{")))
    return Bare(
        rows=counted["rows"], units=counted["units"], whole_s=min(one[0] for one in took),
        sets_s=min(one[1] for one in took),
    )  # fmt: skip


def _row(sold: Sold, before: Used, after: Used, bare: Bare) -> dict[str, Any]:
    thousands, times = sold.units / 1000, sorted(second * 1000 for second in sold.sets)
    rate = sold.units / sold.seconds
    whole, by_sets = bare.units / bare.whole_s, bare.units / bare.sets_s
    postgres = None
    if before.postgres_s is not None and after.postgres_s is not None:
        postgres = round((after.postgres_s - before.postgres_s) / thousands, 4)
    statements = None
    if before.statements is not None and after.statements is not None:
        statements = round((after.statements - before.statements) / sold.units, 4)
    return {
        "rate": round(rate, 1), "rate_of_a_core": round(sold.units / sold.python_s, 1),
        "p50_ms": round(statistics.median(times), 1), "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
        "cpu_s_per_1000": {"server": round(sold.python_s / thousands, 4), "postgresql": postgres},
        "statements_per_request": statements,
        "wal_bytes_per_request": round((after.wal_bytes - before.wal_bytes) / sold.units),
        "limit_rate": round(whole, 1), "limit_rate_in_sets": round(by_sets, 1),
        "ratio_to_limit": round(rate / whole, 3), "ratio_to_limit_in_sets": round(rate / by_sets, 3),
        "rows_per_unit": round(bare.rows / bare.units, 2),
        "units": sold.units, "orders": sold.orders, "seconds": round(sold.seconds, 2),
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """The figures for people."""
    title = f"replay: sets of {result['orders_of_a_set']} orders in {result['lanes']} lanes, one process"
    table = Table("what", "figure", title=title, title_justify="left")
    for name, said, shape in ROWS:
        value = result.get(name)
        table.add_row(said, "-" if value is None else shape.format(value))
    for name, value in result["cpu_s_per_1000"].items():
        table.add_row(f"processor s for 1000 units, {name}", "-" if value is None else f"{value:.3f}")
    words.print(table)
    for goal in result["goals"]:
        colour = ("red", "green")[goal["held"]]
        words.print(f"[{colour}]{goal['what']} {goal['reached']} (goal >= {goal['goal']})[/{colour}]")
