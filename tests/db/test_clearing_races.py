"""Two workers who clear in the same moment. Each race has a control without the guard that shows it."""

import asyncio
from collections import Counter

import psycopg
import pytest

from hutong import clearing, ledger
from hutong.clearing import Case, Close
from hutong.desk import clearings
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.ledger import Book, across, chart
from tests.clearing_help import FEBRUARY, JANUARY, a_month, cleared, closed, payable, posts
from tests.conftest import fires
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.db.own_audit import sound
from tests.db.test_clearing_disputes import a_dispute, dispute, line_of
from tests.programmes_help import CITY

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


async def test_eight_workers_clear_once(db: Database):
    it, _, _ = await a_month(db)
    done = await asyncio.gather(*(clearings.clear(db, FEBRUARY) for _ in range(8)))
    assert sum(one.closed for one in done) == 1
    assert sum(one.booked for one in done) == 2
    assert await payable(it, "tea") == -420
    async with db.reading() as tx:
        assert len(await clearing.runs(tx, it.programme_id)) == 1
    assert await sound(db, "clearing")
    assert await sound(db, "ledger")


async def test_eight_workers_book_a_closed_run_once(db: Database):
    it, _, _ = await a_month(db)
    run = (await closed(it, JANUARY, FEBRUARY)).run
    wanted = await posts(it, run.run_id)

    async def work() -> int:
        results = await db.run_city(CITY, lambda tx: clearing.post(tx, wanted, city_id=CITY, now=FEBRUARY))
        return sum(not one.replayed for one in results)  # type: ignore[union-attr]

    assert sum(await asyncio.gather(*(work() for _ in range(8)))) == len(wanted)
    assert await payable(it, "tea") == -420
    assert await sound(db, "clearing")


async def test_control_without_lock_and_key_an_amount_is_booked_twice(db: Database):
    """Looking which statements wait, and then booking them under a fresh id: both workers do it."""
    it, _, _ = await a_month(db)
    run = (await closed(it, JANUARY, FEBRUARY)).run
    both = asyncio.Barrier(2)

    async def naive() -> None:
        async with db.city(CITY) as tx:
            waiting = [one for one in await clearing.waiting(tx) if one.party_id == it.partners["tea"]]
            await both.wait()
            for one in waiting:
                found = await clearing.statement(tx, it.programme_id, run_id=one.run_id, party_id=one.party_id)
                assert found is not None
                pair = across(
                    id=new_id(), source=Book.city(CITY), debit=chart.payable_merchant(one.party_id),
                    target=Book.programme(it.programme_id), credit=chart.due(one.party_id),
                    amount=Amount(-found.net_units, "CNY"), event="clearing", ref=run.run_id,
                )  # fmt: skip
                await ledger.post(tx, pair, now=FEBRUARY)

    await asyncio.gather(naive(), naive())
    assert await payable(it, "tea") == -840
    assert await fires(db, "CL07")


async def test_control_without_the_lock_of_the_programme_two_runs_want_the_same_number(db: Database):
    """Both see that the period is open; only the unique number stands between them, and it is a fault, no answer."""
    it, _, _ = await a_month(db)
    async with db.member(it.programme_id) as tx:
        await tx.run("insert into clearing.heads (programme_id, number) values (%(id)s, 0)", id=it.programme_id)
    both = asyncio.Barrier(2)

    async def unguarded(tx: Tx) -> None:
        ask = Close(run_id=new_id(), programme_id=it.programme_id, since=JANUARY, until=FEBRUARY)
        await clearing.close(tx, [ask], now=FEBRUARY)

    async def work() -> str:
        try:
            async with bare(db, CITY, after="from ledger.book_transfers", pause=both.wait) as tx:
                await unguarded(tx)
        except psycopg.errors.UniqueViolation:
            return "fault"
        return "closed"

    assert Counter(await asyncio.gather(work(), work())) == {"closed": 1, "fault": 1}
    assert await sound(db, "clearing")


async def test_a_line_is_disputed_once_however_many_ask(db: Database):
    it, _, _ = await a_month(db)
    run_id = (await cleared(it, JANUARY, FEBRUARY)).run.run_id
    line = await line_of(it, run_id, "tea", "burnt")
    answers = await asyncio.gather(*(dispute(it, a_dispute(it, "tea", line)) for _ in range(8)))
    kinds = Counter("case" if isinstance(one, Case) else one.code for found in answers for one in found)
    assert kinds == {"case": 1, "disputed_already": 7}
    assert await payable(it, "tea") == -600
    assert await sound(db, "clearing")
