"""On a database of fifty thousand orders no statement of the main job reads a table from end to end, whether the
planner knows the values or not; and a missing index shows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from hutong import orders, people
from hutong.infra.db import Database
from hutong.kit.clock import ManualClock
from tests.conftest import NOON
from tests.db.many_rows import Planned, grow
from tests.db.order_life import Life
from tests.db.partition_finding import find_things
from tests.db.partition_journey import (
    Journey,
    a_journey,
    at_the_desk,
    buy_and_use,
    look_around,
    tip,
    turn_back,
)
from tests.db.partition_staff import give_back
from tests.db.test_partition_statements import Catch
from tests.lane import CITY
from tests.schema import create_copy, with_database

pytestmark = pytest.mark.anyio

SET = 200
# These count or list everything, and say so where they stand. Each by a piece of its text, with the reason.
WHOLE: dict[str, str] = {}


async def live(it: Journey) -> None:
    """One of everything, and sets of many orders."""
    await look_around(it)
    await find_things(it.house, it.db, it.clock)
    await buy_and_use(it)
    await at_the_desk(it)
    await give_back(it)
    await turn_back(it)
    await tip(it)
    await many(it)
    await compare_bills(it)
    async with it.db.reading(0) as tx:
        await people.actors_of_keys(tx, [f"htk_{it.cast.tokens['tao']}"], now=it.clock.now())


async def compare_bills(it: Journey) -> None:
    """What went through a provider in a short time: copies lie within some hours, as the year of a city in its days."""
    now = it.clock.now()
    async with it.db.reading(CITY) as tx:
        await orders.through_provider(
            tx, "sandbox", city_id=CITY, zone="Asia/Shanghai", since=now - timedelta(seconds=7_200),
            until=now - timedelta(seconds=7_000),
        )  # fmt: skip


async def many(it: Journey) -> None:
    """Two hundred at a time, as a busy process gathers them."""
    life = Life(it.db, it.lane, it.clock.now())
    await life.more(5_000)
    placed = await life.place(SET)
    await life.pay(placed)
    units = await life.units(placed)
    await life.prepare(units)
    await life.type_in(units)
    await life.redeem(units[: SET // 2])
    await life.ask_back(placed[SET // 2 :])
    await it.tend()


# Before, the planner joined a list of two hundred with a table of fifty thousand by reading the table.
FREE_FROM = 180_000


@pytest.fixture(scope="module")
async def grown(server_url: str, template: str, tmp_path_factory: Any) -> AsyncIterator[tuple[str, Catch]]:
    """A large database, and what passed through its doors while it was small."""
    name, clock, catch = f"hutong_{uuid4().hex[:12]}", ManualClock(NOON), Catch()
    url = with_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as conn:
        create_copy(conn, name, template)
    db = await Database(url, observer=catch).open()
    async with a_journey(db, clock, tmp_path_factory.mktemp("grown")) as it:
        await live(it)
    await db.close()
    grow(url)
    yield url, catch
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'drop database "{name}" with (force)'.encode())


def wide(planned: Planned, catch: Catch) -> set[str]:
    """What reads a large table, with the beginning of its statement."""
    return {
        f"{one} in: {' '.join(sql.split())[:200]}"
        for sql, params in catch.statements()
        if not any(piece in sql for piece in WHOLE)
        for one in planned.read_whole(sql, params)
    }


async def test_no_statement_reads_a_large_table_from_end_to_end(grown: tuple[str, Catch]):
    url, catch = grown
    assert len(catch.seen) > 200, len(catch.seen)
    for piece in WHOLE:
        assert any(piece in sql for sql in catch.seen), f"nobody says this any more: {piece}"
    with psycopg.connect(url, autocommit=True) as conn:
        if conn.info.server_version < FREE_FROM:
            conn.execute("set enable_seqscan = off")  # as writers connect; a missing index still shows
        found = wide(Planned(conn), catch)
    assert found == set(), "\n\n".join(sorted(found))


async def test_the_page_of_bills_reads_its_days_alone(grown: tuple[str, Catch]):
    """Of orders and refunds only what it counts: the index of a merchant's sales would be walked shop by shop."""
    url, catch = grown
    (asked,) = [(sql, params) for sql, params in catch.statements() if "paid_twice" in sql and "group by" in sql]
    with psycopg.connect(url) as conn:
        plan = "\n".join(row[0] for row in conn.execute(f"explain {asked[0]}".encode(), asked[1]))
    for index in ("orders_through_idx", "refunds_odd_idx", "refunds_back_idx"):
        assert index in plan, plan


@pytest.mark.parametrize(
    ("index", "table"),
    [
        ("orders.orders_member_idx", "orders.orders"),
        ("vouchers.vouchers_order_idx", "vouchers.vouchers"),
        ("payments.payments_order_idx", "payments.payments"),
        ("people.sessions_over_idx", "people.sessions"),
        ("settlement.earnings_merchant_idx", "settlement.earnings"),
    ],
)
async def test_control_a_missing_index_shows(grown: tuple[str, Catch], index: str, table: str):
    url, catch = grown
    with psycopg.connect(url, autocommit=False) as conn:
        conn.execute(f"drop index {index}".encode())
        found = wide(Planned(conn), catch)
        conn.rollback()
    assert any(f" of {table} " in one for one in found), found
