"""The doors: only a block that ends well commits; readers cannot write; facts are once by id."""

from uuid import uuid4

import psycopg
import pytest

from hutong.infra.db import Database
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.limits import Take, spent, take
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


def a_fact(now, fact_id=None):
    return Fact(fact_id=fact_id or new_id(), city_id=1, topic="test", subject=uuid4(), payload={"a": 1}, at=now)


async def count(db):
    async with db.reading() as tx:
        return await tx.value("select count(*) from infra.facts where city_id = 1")


async def test_a_block_that_ends_well_commits(db: Database, now):
    async with db.city(1) as tx:
        await tx.record([a_fact(now), a_fact(now)])
    assert await count(db) == 2
    assert await audit_clean(db)


async def test_a_block_that_fails_leaves_nothing(db: Database, now):
    with pytest.raises(RuntimeError):
        async with db.city(1) as tx:
            await tx.record([a_fact(now)])
            raise RuntimeError
    assert await count(db) == 0


async def test_the_same_fact_twice_is_one(db: Database, now):
    fact = a_fact(now)
    async with db.city(1) as tx:
        await tx.record([fact])
        await tx.record([fact])
    assert await count(db) == 1


async def test_a_reader_cannot_write(db: Database, now):
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with db.reading() as tx:
            await tx.record([a_fact(now)])


async def test_limits_count_in_order_and_across_calls(db: Database, now):
    async with db.central() as tx:
        results = await take(tx, [Take("x", 3, 60)] * 2 + [Take("y", 1, 60)] * 2, now=now)
    assert [r is None for r in results] == [True, True, True, False]
    async with db.central() as tx:
        results = await take(tx, [Take("x", 3, 60)] * 2, now=now)
        assert await spent(tx, "x", 60, now=now) == 4
    assert results[0] is None
    assert results[1] is not None
    assert 1 <= results[1].facts["wait_seconds"] <= 60
