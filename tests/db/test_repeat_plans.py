"""How PostgreSQL goes about repeat business: one partition each, and indexes where they fit."""

import random
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from hutong import insight
from hutong.infra.db import Database
from tests.db.test_partition_statements import Catch, broad, partitioned_url
from tests.db.test_repeat_business import CITY, START, a_world, shops_of

pytestmark = pytest.mark.anyio
__all__ = ["partitioned_url"]
TODAY = START + timedelta(days=130)


async def asked(db: Database, seed: int = 1, **world: int) -> None:
    """Every read once, of a small drawn world."""
    comings = a_world(seed, **world)
    async with db.city(CITY) as tx:
        await insight.come(tx, comings, city_id=CITY)
    shops, draw = shops_of(comings), random.Random(seed)
    joined = {shop: START + timedelta(days=draw.randrange(40, 90)) for shop in shops[:3]}
    span: dict[str, Any] = {"city_id": CITY, "asset": "CNY", "since": START + timedelta(days=30), "until": TODAY}
    where: dict[str, Any] = span | {"alliance": shops}
    async with db.reading(CITY) as tx:
        found = await insight.flows(tx, **where)
        await insight.flows(tx, merchants=shops[:1], **where)
        await insight.business(tx, shops, today=TODAY, **where)
        await insight.business(tx, shops[:1], today=TODAY, sure=True, **where)
        await insight.as_one(tx, shops, found, **span)
        await insight.trend(tx, shops, stretch="week", **where)
        await insight.around(tx, shops, city_id=CITY, asset="CNY", joined=joined, today=TODAY, pooled=True)
        await insight.came_to(tx, city_id=CITY, since=date(2026, 1, 1), until=TODAY)
        of = insight.Question(
            alliance=tuple(shops), asset="CNY", since=span["since"], until=TODAY, today=TODAY, groups=insight.GROUPS
        )
        members = await insight.members_of(tx, of, city_id=CITY)
        await insight.members_of(tx, of, city_id=CITY, members=members)
        await insight.comings_of(tx, members, of, city_id=CITY)
        await insight.summary(tx, of, city_id=CITY)


async def test_every_statement_stays_in_one_partition(partitioned_url: str):
    catch = Catch()
    db = await Database(partitioned_url, observer=catch).open()
    try:
        await asked(db)
    finally:
        await db.close()
    found = [(sql, params) for sql, params in catch.statements() if "insight." in sql]
    assert len({sql for sql, _ in found}) >= 9
    with psycopg.connect(partitioned_url, autocommit=True) as conn:
        for sql, params in found:
            assert broad(conn, sql, params) == {}, sql[:200]


async def test_a_merchants_page_reads_no_table_from_end_to_end(db: Database, database_url: str):
    """With 12,000 comings of 60 shops, what one merchant asks goes by indexes alone."""
    await asked(db, merchants=60, members=1_000, count=12_000)
    catch = Catch()
    looking = await Database(database_url, observer=catch).open()
    try:
        async with looking.reading(CITY) as tx:
            shops = await insight.came_to(tx, city_id=CITY, since=START, until=TODAY)
            catch.seen.clear()
            where: dict[str, Any] = {
                "city_id": CITY, "asset": "CNY", "since": START, "until": TODAY, "alliance": shops,
            }  # fmt: skip
            await insight.business(tx, shops[:1], today=TODAY, sure=True, **where)
            await insight.flows(tx, merchants=shops[:1], **where)
            await insight.trend(tx, shops[:1], stretch="week", **where)
    finally:
        await looking.close()
    found = list(catch.statements())
    assert len(found) == 3
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("vacuum analyze insight.comings")
        if conn.info.server_version < 170_000:  # an older planner reads so small a table whole: is there an index?
            conn.execute("set enable_seqscan = off")
        for sql, params in found:
            plan = "\n".join(str(row[0]) for row in conn.execute(f"explain (costs off) {sql}".encode(), params))
            assert "Seq Scan on comings" not in plan, plan[:2_000]
            assert "comings_guest_idx" in plan
