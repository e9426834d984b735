"""Random lives of a set of books, on PostgreSQL and in a list of lines: both say the same after every step."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from hutong.infra.db import Database
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer, across, balances, chain, expire, post
from tests.conftest import audit_clean
from tests.ledger_oracle import Oracle
from tests.ledger_play import NAMES, START, Script, account, named

NAMES_OF_ACCOUNTS = st.sampled_from(["ext", "ext", "till", "ann", "noodle"])
UNITS = st.integers(-1, 60)
MINUTES = st.one_of(st.none(), st.integers(0, 30))
FRESH = count(1)


class Books(RuleBasedStateMachine):
    """One city and one member, new in every run."""

    db: Database
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.number = next(FRESH)
        self.city, self.member = Book.city(self.number), Book.member(named(f"member of {self.number}"))
        self.oracle, self.now, self.names = Oracle(), START, count()
        self.sent: list[list[Transfer]] = []
        self.reserves: list[Transfer] = []

    def new(self, debit: str, credit: str, units: int, **more) -> Transfer:
        return Transfer(
            id=named(f"{self.number}-{next(self.names)}"), book=self.city, debit=account(debit),
            credit=account(credit), amount=Amount(units, "CNY"), event="test", ref=NAMES, **more,
        )  # fmt: skip

    def send(self, *chains: Sequence[Transfer]) -> None:
        """All chains in one list, through the ledger; each alone, through the oracle."""
        flat = [t for members in chains for t in members]
        expected = [word for members in chains for word in self.oracle.attempt(members, self.now)]

        async def work() -> list[str]:
            async with self.db.city(self.number) as tx:
                return [Script.word(result) for result in await post(tx, flat, now=self.now)]

        assert self.loop.run_until_complete(work()) == expected
        self.sent.extend(list(members) for members in chains)

    @rule(debit=NAMES_OF_ACCOUNTS, credit=NAMES_OF_ACCOUNTS, units=UNITS)
    def transfer(self, debit: str, credit: str, units: int) -> None:
        self.send([self.new(debit, credit, units)])

    @rule(debit=NAMES_OF_ACCOUNTS, credit=NAMES_OF_ACCOUNTS, units=UNITS, minutes=MINUTES)
    def hold(self, debit: str, credit: str, units: int, minutes: int | None) -> None:
        until = None if minutes is None else self.now + timedelta(minutes=minutes)
        self.reserves.append(self.new(debit, credit, units, step="reserve", expires_at=until))
        self.send([self.reserves[-1]])

    @rule(data=st.data(), post_it=st.booleans(), part=st.integers(-2, 2))
    def resolve(self, data: st.DataObject, post_it: bool, part: int) -> None:
        if self.reserves:
            reserve = data.draw(st.sampled_from(self.reserves))
            units = reserve.amount.units + min(part, 0) * (reserve.amount.units // 3) + max(part, 0)
            step = "post_pending" if post_it else "void_pending"
            id = named(f"{self.number}-{next(self.names)}")
            amount = Amount(units, "CNY")
            self.send([replace(reserve, id=id, step=step, pending_id=reserve.id, amount=amount, expires_at=None)])

    @rule(data=st.data())
    def linked(self, data: st.DataObject) -> None:
        """Two chains in one list; the second sees what the first has left."""
        legs = st.tuples(NAMES_OF_ACCOUNTS, NAMES_OF_ACCOUNTS, st.integers(1, 40))
        drawn = data.draw(st.lists(st.lists(legs, min_size=1, max_size=3), min_size=2, max_size=2))
        self.send(*(chain([self.new(*leg) for leg in members]) for members in drawn))

    @rule(debit=NAMES_OF_ACCOUNTS, units=UNITS, back=st.booleans())
    def move(self, debit: str, units: int, back: bool) -> None:
        sides = (self.city, account(debit), self.member, account("wallet"))
        source, gives, target, takes = (*sides[2:], *sides[:2]) if back else sides
        self.send(
            across(
                id=named(f"{self.number}-{next(self.names)}"), source=source, debit=gives, target=target,
                credit=takes, amount=Amount(units, "CNY"), event="test", ref=NAMES,
            )
        )  # fmt: skip

    @rule(data=st.data(), spoil=st.booleans())
    def again(self, data: st.DataObject, spoil: bool) -> None:
        """A retry, or another request with an id that may be taken."""
        if self.sent:
            old = data.draw(st.sampled_from(self.sent))
            self.send([replace(t, event="other") for t in old] if spoil else old)

    @rule(minutes=st.integers(1, 20))
    def time_goes_on(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        due = self.oracle.due(self.city, self.now)

        async def work() -> int:
            async with self.db.city(self.number) as tx:
                return len(await expire(tx, book=self.city, now=self.now))

        assert self.loop.run_until_complete(work()) == len(due)
        self.oracle.lines += [
            replace(t, id=derive(t.id, "expire"), step="expire_pending", pending_id=t.id, expires_at=None) for t in due
        ]

    @invariant()
    def both_know_the_same_balances(self) -> None:
        async def work():
            async with self.db.reading() as tx:
                return await balances(tx, self.city) + await balances(tx, self.member)

        for found in self.loop.run_until_complete(work()):
            posted, reserved = self.oracle.totals((found.book, found.path))
            assert (found.posted.units, found.available.units) == (posted, posted - reserved), found.path


def test_the_ledger_and_the_list_of_lines_agree(database_url: str):
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(Database(database_url, writers=1, readers=1).open())
    Books.db, Books.loop = db, loop
    quick = settings(
        max_examples=30,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a life of 25 steps can be read as it is; making it smaller takes minutes
        suppress_health_check=[HealthCheck.too_slow],
    )
    try:
        run_state_machine_as_test(Books, settings=quick)
        assert loop.run_until_complete(audit_clean(db))
    finally:
        loop.run_until_complete(db.close())
        loop.close()
