"""The life of an order costs three transactions, and as many statements for two hundred orders as for one."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from datetime import datetime

import pytest

from hutong.kit.terms import Terms
from tests.conftest import audit_clean
from tests.db.order_life import Counted, Life
from tests.lane import a_lane

pytestmark = pytest.mark.anyio

# (transactions, at most so many statements) of a set, whatever the number of its orders.
BOUNDS = {"place": (1, 12), "payment callback": (1, 14), "prepare": (0, 4), "redeem": (1, 13)}


@pytest.fixture
async def life(database_url: str, now: datetime) -> AsyncIterator[Life]:
    db = await Counted(database_url).open()
    lane = await a_lane(db, now, quota=5_000, terms=Terms(valid_days=30, per_member=50))
    yield Life(db, lane, now)
    await db.close()


async def lived(life: Life, count: int, quantity: int = 1) -> dict[str, tuple[int, Counter[str]]]:
    """So many orders from the click to the counter: for each piece its transactions and statements."""
    db, found = life.db, {}
    assert isinstance(db, Counted)

    async def piece(name: str, work: Awaitable[object]) -> object:
        db.transactions, db.sent = 0, []
        done = await work
        found[name] = (db.transactions, Counter(" ".join(sql.split()[:6]) for sql in db.sent))
        return done

    placed = await piece("place", life.place(count, quantity))
    await piece("payment callback", life.pay(placed))  # type: ignore[arg-type]
    units = await life.units(placed)  # type: ignore[arg-type]
    await piece("prepare", life.prepare(units))
    await piece("redeem", life.redeem(units))
    assert len(units) == count * quantity
    return found


async def test_an_order_lives_in_three_transactions_of_few_statements(life: Life):
    await lived(life, 1)  # accounts are opened by the first ones
    one, many, three = await lived(life, 1), await lived(life, 200), await lived(life, 1, quantity=3)
    print(*table(one, many), sep="\n", file=sys.stderr)
    assert sum(transactions for transactions, _ in one.values()) == 3
    for name, (transactions, most) in BOUNDS.items():
        assert one[name][0] == many[name][0] == transactions, name
        assert one[name][1].total() <= most, (name, one[name])
        assert many[name] == one[name] == three[name], name
    assert await audit_clean(life.db)


def table(one: dict[str, tuple[int, Counter[str]]], many: dict[str, tuple[int, Counter[str]]]) -> list[str]:
    """As docs/performance.md shows it."""
    rows = [f"| {name} | {n} | {said.total()} | {many[name][1].total()} |" for name, (n, said) in one.items()]
    return ["| piece | transactions | statements of one order | of 200 orders |", "|---|---|---|---|", *rows]
