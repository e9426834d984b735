"""Many at once: one balance is spent once, whoever comes first; one request sent twenty times counts once."""

import asyncio

import psycopg
import pytest

from hutong.infra.db import Database, Tx
from hutong.kit.money import Amount
from hutong.ledger import Book, InsufficientFunds, Posted, Transfer, balances, chart, post, undo
from hutong.ledger.model import Standing
from tests.conftest import audit_clean
from tests.ledger_play import NAMES, START, account, named
from tests.ledger_rows import CITY, plain

pytestmark = pytest.mark.anyio
RUNNERS = 20


async def post_alone(db: Database, *transfers: Transfer):
    async def work(tx: Tx):
        return await post(tx, list(transfers), now=START)

    return await db.run_city(1, work)


async def ann_has(db: Database) -> Standing:
    async with db.reading() as tx:
        return (await balances(tx, CITY, paths=["ann"]))[0].standing


@pytest.fixture
async def crowd(database_url: str):
    """Doors wide enough for all runners at once."""
    database = await Database(database_url, writers=RUNNERS).open()
    yield database
    await database.close()


async def test_twenty_spend_one_balance_once(crowd: Database):
    await post_alone(crowd, plain("T", "ext", "ann", 100))
    results = await asyncio.gather(*(post_alone(crowd, plain(f"S{i}", "ann", "noodle", 100)) for i in range(RUNNERS)))
    flat = [result for (result,) in results]
    assert sum(isinstance(result, Posted) for result in flat) == 1
    assert sum(isinstance(result, InsufficientFunds) for result in flat) == RUNNERS - 1
    assert await audit_clean(crowd)


async def spend_unguarded(db: Database, gate: asyncio.Barrier) -> bool:
    """The same spend as a program without a lock would do it: look, then leap."""
    async with db.city(1) as tx:
        left = await tx.value(
            "select credits_posted - debits_posted from ledger.city_accounts where city_id = 1 and path = 'ann'"
        )
        await gate.wait()
        if left < 100:
            return False
        await tx.run(
            "update ledger.city_accounts set debits_posted = debits_posted + 100 where city_id = 1 and path = 'ann'"
        )
        return True


async def test_control_without_lock_and_constraints_all_of_them_spend_it(crowd: Database):
    await post_alone(crowd, plain("T", "ext", "ann", 100))
    gate = asyncio.Barrier(RUNNERS)
    async with crowd.central() as tx:
        for guard in ("no_overdraft_check", "last_debit_fkey", "debits_explained_check"):
            await tx.run(f"alter table ledger.city_accounts drop constraint city_accounts_{guard}")
    spent = await asyncio.gather(*(spend_unguarded(crowd, gate) for _ in range(RUNNERS)))
    assert sum(spent) == RUNNERS
    assert (await ann_has(crowd)).balance() == 100 - 100 * RUNNERS


async def test_control_without_lock_the_database_still_says_no(crowd: Database):
    await post_alone(crowd, plain("T", "ext", "ann", 100))
    gate = asyncio.Barrier(RUNNERS)
    tries = (spend_unguarded(crowd, gate) for _ in range(RUNNERS))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(outcome, psycopg.errors.IntegrityError) for outcome in outcomes)
    assert await audit_clean(crowd)


async def test_one_request_twenty_times_at_once_counts_once(crowd: Database):
    results = await asyncio.gather(*(post_alone(crowd, plain("T", "ext", "ann", 100)) for _ in range(RUNNERS)))
    assert sorted(result.replayed for (result,) in results) == [False] + [True] * (RUNNERS - 1)
    assert (await ann_has(crowd)).credits_posted == 100
    assert await audit_clean(crowd)


async def test_a_reserve_is_resolved_once_by_many(crowd: Database):
    hold = plain("H", "ann", "noodle", 100, step="reserve")
    await post_alone(crowd, plain("T", "ext", "ann", 100), hold)
    steps = ["post_pending", "void_pending"] * (RUNNERS // 2)
    tries = (
        post_alone(crowd, plain(f"R{i}", "ann", "noodle", 100, step=step, pending_id=hold.id))
        for i, step in enumerate(steps)
    )
    flat = [result for (result,) in await asyncio.gather(*tries)]
    assert sum(isinstance(result, Posted) for result in flat) == 1
    assert len({type(result) for result in flat if not isinstance(result, Posted)}) == 1
    assert await audit_clean(crowd)


async def test_crossing_lists_do_not_lock_each_other_out(crowd: Database):
    """Opposite orders, new accounts, several books: everyone queues in one order, so nobody waits in a circle."""
    shops = [f"shop{i}" for i in range(8)]

    def round_trip(i: int) -> list[Transfer]:
        order = shops if i % 2 else shops[::-1]
        there = [plain(f"{i}-{shop}", "ext", shop, 5) for shop in order]
        member = Book.member(named(f"member{i % 3}"))
        gift = Transfer(
            id=named(f"gift{i}"), book=member, debit=account("ext"), credit=chart.wallet("CNY"),
            amount=Amount(1, "CNY"), event="test", ref=NAMES,
        )  # fmt: skip
        return [*there, gift, *undo(there, event="undone")]

    async def once(i: int):
        async with crowd.city(1) as tx:  # not run_city: a deadlock would show
            return await post(tx, round_trip(i), now=START)

    results = await asyncio.gather(*(once(i) for i in range(RUNNERS)))
    assert all(isinstance(result, Posted) for each in results for result in each)
    assert await audit_clean(crowd)
