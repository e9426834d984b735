"""Clearing dies by SIGKILL in the middle of closing, and in the middle of booking; run again it ends exactly."""

import asyncio
import signal
import sys

import pytest

from hutong import clearing
from hutong.desk import clearings
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from tests.clearing_help import FEBRUARY, RULES, at, bought, burnt, in_programme, payable, sweep
from tests.db.own_audit import sound
from tests.programmes_help import Alliance, an_alliance

pytestmark = pytest.mark.anyio

SHOPS = [f"shop {n}" for n in range(8)]


async def a_crowd(db: Database) -> Alliance:
    """Eight postpaid shops in two cities; Ann earns at each and spends at some."""
    it = await an_alliance(db, **RULES)
    ann = new_id()
    for place, name in enumerate(SHOPS):
        await it.join(name, mode="postpaid", limit_units=100_000, home_city=1 + place % 2)
    for place, name in enumerate(SHOPS):
        await bought(it, ann, name, 10_000 * (place + 1), at("2026-01-03"))
    await sweep(it, at("2026-01-10"))
    for name in SHOPS[:3]:
        await burnt(it, ann, name, 500, at("2026-01-10"))
    return it


def wanted(place: int) -> int:
    """What the shop's payable must come to: 90 % of 500 for what was spent there, less what it gave."""
    return (450 if place < 3 else 0) - 100 * (place + 1)


async def killed(url: str, words: str, number: int) -> None:
    """Start the round in a process, and kill it where it sits."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.clearing_process", url, FEBRUARY.isoformat(), words, str(number),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    assert await child.stdout.readline() == b"inside\n"
    child.send_signal(signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL


async def booked(db: Database, it: Alliance) -> int:
    async with db.reading() as tx:
        run = await clearing.run_of(tx, it.programme_id)
        if run is None:
            return -1
        found = await clearing.statements_of_run(tx, it.programme_id, run_id=run.run_id)
    return sum(one.posted_at is not None for one in found if one.home_city)


async def finished(db: Database, it: Alliance) -> None:
    """Run again, twice: every shop has its amount once, and nothing is left in the programme's book."""
    for _ in range(2):
        await clearings.clear(db, FEBRUARY)
    for place, name in enumerate(SHOPS):
        assert await payable(it, name, 1 + place % 2) == wanted(place)
        paths = [f"due/{it.partners[name]}", f"funding/{it.partners[name]}/postpaid"]
        assert await in_programme(it, paths) == [0, 0]
    assert await booked(db, it) == len(SHOPS)
    async with db.reading() as tx:
        runs = await clearing.runs(tx, it.programme_id)
        assert await clearing.recompute(tx, runs, now=FEBRUARY) == [run.digest for run in runs]
    assert len(runs) == 1
    assert runs[0].posted_at is not None
    assert await sound(db, "clearing")
    assert await sound(db, "ledger")


async def test_killed_while_a_period_is_closed_nothing_is_closed(db: Database, database_url: str):
    it = await a_crowd(db)
    await killed(database_url, "insert into clearing.entries", 1)
    assert await booked(db, it) == -1
    await finished(db, it)


@pytest.mark.parametrize("number", [1, 4, 8])
async def test_killed_between_two_statements_the_rest_is_booked_by_the_next(
    db: Database, database_url: str, number: int
):
    it = await a_crowd(db)
    await killed(database_url, "update clearing.statements s set posted_at", number)
    assert await booked(db, it) == number - 1  # what was committed stands, the one at hand is rolled back
    await finished(db, it)


async def test_killed_again_and_again_it_comes_to_an_end(db: Database, database_url: str):
    it = await a_crowd(db)
    for _ in range(4):
        before = await booked(db, it)
        await killed(database_url, "update clearing.statements s set posted_at", 2)
        assert await booked(db, it) == max(before, 0) + 1
    await finished(db, it)
