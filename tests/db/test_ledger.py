"""The ledger on PostgreSQL: the scripts, the sweep, what is read, and how many statements a set costs."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hutong.infra.db import Database
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import (
    Account,
    Book,
    IdTaken,
    Posted,
    Transfer,
    across,
    balances,
    chart,
    due_books,
    expire,
    more,
    post,
    statement,
    trial_balance,
)
from tests.conftest import audit_clean
from tests.ledger_play import ANN, NAMES, START, Script, account, named
from tests.ledger_scripts import EXPIRY, SCRIPTS

pytestmark = pytest.mark.anyio
CITY, MEMBER = Book.city(1), Book.member(ANN)


class Real:
    """The books on PostgreSQL; one transaction for each attempt, as at the edge."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def post(self, transfers, *, now):
        async with self.db.city(1) as tx:
            return await post(tx, transfers, now=now)

    async def expire(self, book, *, now):
        async with self.db.city(1) as tx:
            return await expire(tx, book=book, now=now)

    async def balance(self, book, path):
        async with self.db.reading() as tx:
            found = await balances(tx, book, paths=[path], asset="CNY")
        return f"{found[0].posted.units}/{found[0].available.units}" if found else "none"


def transfer(name, debit="ext", credit="ann", units=100, **more) -> Transfer:
    return Transfer(
        id=named(name), book=CITY, debit=account(debit), credit=account(credit), amount=Amount(units, "CNY"),
        event="test", ref=NAMES, **more,
    )  # fmt: skip


@pytest.mark.parametrize("name", [*SCRIPTS, "expiry"])
async def test_script(db: Database, name: str):
    await Script(Real(db)).play((SCRIPTS | {"expiry": EXPIRY})[name])
    assert await audit_clean(db)


async def test_nothing_in_nothing_out(db: Database):
    assert await Real(db).post([], now=START) == []


@pytest.mark.parametrize("count", [1, 500])
async def test_a_set_costs_the_same_number_of_statements_whatever_its_length(database_url: str, count: int):
    seen: list[str] = []
    db = await Database(database_url, observer=lambda sql, _: seen.append(sql)).open()
    transfers = [transfer(f"T{i}", credit=f"shop{i % 50}") for i in range(count)]
    for i in range(count):
        transfers += across(
            id=named(f"M{i}"), source=CITY, debit=account("ext"), target=Book.member(named(f"member{i % 20}")),
            credit=chart.wallet("CNY"), amount=Amount(1, "CNY"), event="test", ref=NAMES,
        )  # fmt: skip
    async with db.city(1) as tx:
        results = await post(tx, transfers, now=START)
    assert all(isinstance(result, Posted) for result in results)
    assert len(seen) == 10  # for the city and for the keyed books: lock nothing, open, lock, recall, write
    seen.clear()
    async with db.city(1) as tx:
        await post(tx, [replace(t, id=derive(t.id, "again")) for t in transfers], now=START)
    assert len(seen) == 6  # lock, recall, write
    assert await audit_clean(db)
    await db.close()


async def test_two_cities_do_not_meet_in_one_transaction(db: Database):
    other = replace(transfer("B"), book=Book.city(2))
    with pytest.raises(ValueError, match="one city"):
        await Real(db).post([transfer("A"), other], now=START)


async def test_one_id_is_one_transfer_in_each_book(db: Database):
    real = Real(db)
    elsewhere = replace(transfer("A"), book=Book.city(2))
    assert await real.post([transfer("A")], now=START) == [Posted(named("A"))]
    assert await real.post([elsewhere], now=START) == [Posted(named("A"))]
    assert await real.post([transfer("A")], now=START + timedelta(days=1)) == [Posted(named("A"), replayed=True)]
    assert await real.post([transfer("A", units=1)], now=START) == [IdTaken(transfer=str(named("A")))]
    assert await audit_clean(db)


async def test_a_reserve_between_two_books_expires_in_both(db: Database):
    real = Real(db)
    hold = across(
        id=named("H"), source=MEMBER, debit=chart.wallet("CNY"), target=CITY, credit=account("noodle"),
        amount=Amount(30, "CNY"), event="hold", ref=NAMES, step="reserve", expires_at=START + timedelta(minutes=15),
    )  # fmt: skip
    top_up = across(
        id=named("U"), source=CITY, debit=account("ext"), target=MEMBER, credit=chart.wallet("CNY"),
        amount=Amount(50, "CNY"), event="top_up", ref=NAMES,
    )  # fmt: skip
    await real.post([*top_up, *hold], now=START)
    assert await real.balance(MEMBER, "wallet/CNY") == "50/20"
    later = START + timedelta(minutes=15)
    async with db.reading() as tx:
        assert await due_books(tx, now=START) == []
        assert await due_books(tx, now=later) == [MEMBER]
    assert len(await real.expire(MEMBER, now=later)) == 1
    assert await real.expire(CITY, now=later) == []
    assert await real.balance(MEMBER, "wallet/CNY") == "50/50"
    assert await audit_clean(db)


async def test_a_sweep_stays_with_one_city_and_ends(db: Database):
    real = Real(db)
    for number in (1, 2):
        hold = across(
            id=named(f"H{number}"), source=MEMBER, debit=Account("gift", "credit", may_overdraw=True),
            target=Book.city(number), credit=account("noodle"), amount=Amount(30, "CNY"), event="hold", ref=NAMES,
            step="reserve", expires_at=START + timedelta(minutes=number),
        )  # fmt: skip
        await real.post(hold, now=START)
    later = START + timedelta(hours=1)
    assert [len(await real.expire(MEMBER, now=later)) for _ in range(3)] == [1, 1, 0]
    assert await audit_clean(db)


async def test_the_statement_of_an_account_as_of_a_date(db: Database):
    real = Real(db)
    days = [START + timedelta(days=i) for i in range(5)]
    await real.post([transfer("A", units=500)], now=days[0])
    await real.post([transfer("B", "ann", "noodle", 120)], now=days[1])
    await real.post([transfer("R", "ann", "noodle", 50, step="reserve")], now=days[1])
    await real.post([transfer("C", "ann", "noodle", 30), transfer("D", units=7)], now=days[3])
    async with db.reading() as tx:
        month = await statement(tx, CITY, path="ann", asset="CNY", since=days[1], as_of=days[3])
        whole = await statement(tx, CITY, path="ann", asset="CNY")
        nobody = await statement(tx, CITY, path="bo", asset="CNY")
        before = await statement(tx, CITY, path="ann", asset="CNY", as_of=days[0])
        till = await statement(tx, CITY, path="ext", asset="CNY", as_of=days[3])
    assert month is not None and whole is not None and before is not None and till is not None  # noqa: PT018
    assert (month.opening.units, month.closing.units) == (500, 380)
    assert [(line.change.units, line.balance.units, line.other) for line in month.lines] == [(-120, 380, "noodle")]
    assert [line.balance.units for line in whole.lines] == [500, 380, 350, 357]
    assert whole.closing.units == 357
    assert (before.opening.units, before.closing.units, before.lines) == (0, 0, [])
    assert till.closing.units == 500  # a debit account: debits add
    assert nobody is None


async def test_a_statement_is_read_in_pages(db: Database):
    """Also when the clocks of two processes differ and a later posting is dated earlier."""
    real = Real(db)
    minutes = [3, 1, 4, 1, 5, 9, 2, 6]
    for i, minute in enumerate(minutes):
        await real.post([transfer(f"T{i}", units=10**i)], now=START + timedelta(minutes=minute))
    pages, after = [], None
    async with db.reading() as tx:
        while True:
            page = await statement(tx, CITY, path="ann", asset="CNY", after=after, limit=3)
            assert page is not None
            pages.append(page)
            if (after := page.next) is None:
                break
    assert [len(page.lines) for page in pages] == [3, 3, 2]
    lines = [line for page in pages for line in page.lines]
    assert [line.place.at for line in lines] == sorted(START + timedelta(minutes=m) for m in minutes)
    assert [page.opening for page in pages[1:]] == [page.lines[-1].balance for page in pages[:-1]]
    assert lines[-1].balance == pages[0].closing == Amount(11_111_111, "CNY")
    until = START + timedelta(minutes=6)  # the last two are later
    async with db.reading() as tx:
        for path in ("ann", "ext"):  # both sides, and the same pages when nothing is summed up anew
            first = await statement(tx, CITY, path=path, asset="CNY", as_of=until, limit=3)
            assert first is not None and first.next is not None  # noqa: PT018
            second = await more(tx, CITY, first, as_of=until, limit=3)
            again = await statement(tx, CITY, path=path, asset="CNY", as_of=until, after=first.next, limit=3)
            assert second == again
            assert second.next is not None
            assert (await more(tx, CITY, second, as_of=until, limit=3)).lines == []


async def test_balances_by_name_and_by_prefix_and_the_trial_balance(db: Database):
    real = Real(db)
    await real.post(
        [
            transfer("A", credit="escrow/a", units=5),
            transfer("B", credit="escrow/b", units=6),
            transfer("C", credit="escrow-x", units=7),
            replace(transfer("D", credit="escrow/a", units=9), amount=Amount(9, "EUR")),
            transfer("E", "escrow/a", "escrow/b", 2, step="reserve"),
        ],
        now=START,
    )
    async with db.reading() as tx:
        under = await balances(tx, CITY, prefix="escrow/")
        one = await balances(tx, CITY, paths=["escrow/a", "nobody"], asset="CNY")
        trial = await trial_balance(tx, CITY)
    assert [(b.path, b.posted, b.available.units) for b in under] == [
        ("escrow/a", Amount(5, "CNY"), 3),
        ("escrow/a", Amount(9, "EUR"), 9),
        ("escrow/b", Amount(6, "CNY"), 6),
    ]
    assert [(b.path, b.posted) for b in one] == [("escrow/a", Amount(5, "CNY"))]
    assert [(r.asset, r.heading, r.accounts, r.debits, r.credits) for r in trial] == [
        ("CNY", "escrow", 2, 0, 11),
        ("CNY", "escrow-x", 1, 0, 7),
        ("CNY", "ext", 1, 18, 0),
        ("EUR", "escrow", 1, 0, 9),
        ("EUR", "ext", 1, 9, 0),
    ]
