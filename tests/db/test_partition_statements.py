"""Every statement of the main job names its city: PostgreSQL plans each with its real values on hash-partitioned
city tables, and none may touch more than one partition (scale-out.md section 8, rule 8)."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutong.infra.db import Database
from hutong.kit.clock import ManualClock
from tests.conftest import audit_clean
from tests.db.partition_journey import Journey, a_journey, whole
from tests.lane import CITY
from tests.partitions import build_partitioned, partitions_touched

pytestmark = pytest.mark.anyio

# Back office: these ask every shard, and say so where they stand. Each by a piece of its text, with the reason.
EVERY_SHARD = {
    "select distinct city_id from infra.facts": "the relay looks for the cities in which facts wait",
}
COMMENT = re.compile(r"--[^\n]*\n")
VERB = re.compile(r"\s*(select|insert|update|delete|with)\b", re.IGNORECASE)
SAMPLES = 6  # sets of values of one statement: NULLs and empty lists make other plans


class Catch:
    """Keeps what goes through the doors: each text with some of the values it ran with."""

    def __init__(self) -> None:
        self.seen: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, sql: str, params: dict[str, Any]) -> None:
        sets = self.seen.setdefault(sql, [])
        shape = _shape(params)
        if len(sets) < SAMPLES and all(_shape(other) != shape for other in sets):
            sets.append(params)

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for sql, sets in self.seen.items():
            if VERB.match(COMMENT.sub("", sql)):
                yield from ((sql, params) for params in sets)


def _shape(params: dict[str, Any]) -> dict[str, Any]:
    return {name: len(v) if isinstance(v, list) else v is None for name, v in params.items()}


@pytest.fixture
def partitioned_url(empty_database_url: str) -> str:
    """PostgreSQL 17 is the first that takes exclusion constraints on partitioned tables (catalog has one)."""
    with psycopg.connect(empty_database_url) as conn:
        if conn.info.server_version < 170_000:
            pytest.skip("exclusion constraints on partitioned tables need PostgreSQL 17")
    build_partitioned(empty_database_url)
    return empty_database_url


@pytest.fixture
def catch() -> Catch:
    return Catch()


@pytest.fixture
async def journey(partitioned_url: str, catch: Catch, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Journey]:
    db = await Database(partitioned_url, observer=catch).open()
    async with a_journey(db, clock, tmp_path) as it:
        yield it
    await db.close()


def broad(conn: psycopg.Connection[Any], sql: str, params: dict[str, Any]) -> dict[str, set[str]]:
    """The city tables of which the statement touches more than one partition."""
    return {table: parts for table, parts in partitions_touched(conn, sql, params).items() if len(parts) > 1}


async def test_the_whole_main_job_stays_in_one_partition(journey: Journey, catch: Catch, partitioned_url: str):
    await whole(journey)
    caught = dict(catch.seen)
    assert await audit_clean(journey.db)
    catch.seen = caught
    found = list(catch.statements())
    assert len(caught) > 150, len(caught)
    wrong = []
    with psycopg.connect(partitioned_url, autocommit=True) as conn:
        tables: set[str] = set()
        for sql, params in found:
            if any(piece in sql for piece in EVERY_SHARD):
                continue
            tables |= set(partitions_touched(conn, sql, params))
            touched = broad(conn, sql, params)
            if touched:
                wrong.append(f"{sorted(touched)} in: {' '.join(sql.split())[:300]}")
    assert wrong == [], "\n\n".join(sorted(set(wrong)))
    assert len(tables) > 30, sorted(tables)  # the proof looked at the tables it is about


async def test_control_a_statement_that_forgets_the_city_is_caught(partitioned_url: str):
    good = "select * from orders.orders where city_id = %(city)s and order_id = %(id)s"
    order = "00000000-0000-7000-8000-000000000000"
    with psycopg.connect(partitioned_url, autocommit=True) as conn:
        assert len(partitions_touched(conn, good, {"city": CITY, "id": order})["orders.orders"]) == 1
        for bad in (
            "select * from orders.orders where order_id = %(id)s",
            "update orders.orders set channel = channel where order_id = %(id)s",
            "delete from orders.orders where order_id = %(id)s",
            """select 1 from orders.orders o join orders.lines l on l.order_id = o.order_id
               where o.city_id = %(city)s and o.order_id = %(id)s""",
            """select 1 from orders.orders o where o.city_id = %(city)s
               and exists (select 1 from orders.refunds r where r.order_id = o.order_id)""",
            """with gone as (delete from orders.refunds where order_id = %(id)s returning order_id)
               select 1 from orders.orders o join gone using (order_id) where o.city_id = %(city)s""",
            "select * from orders.orders where city_id = any(%(cities)s::int[]) and order_id = %(id)s",
        ):
            assert broad(conn, bad, {"city": CITY, "id": order, "cities": [1, 2, 3, 4, 5, 6, 7]}), bad
