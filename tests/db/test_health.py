"""Alive is one thing, able to serve another; neither says more than anybody may know."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from hutong.infra import health, metrics, migrate
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id

pytestmark = pytest.mark.anyio


async def yes(tx: Tx) -> bool:
    return True


async def no(tx: Tx) -> bool:
    return False


async def breaks(tx: Tx) -> bool:
    return bool(await tx.value("select 1 from nowhere.canary"))


async def hangs(tx: Tx) -> bool:
    await asyncio.sleep(60)
    return True


def by_name(found) -> dict:
    return {check["name"]: check for check in found["checks"]}


async def test_alive_asks_nobody():
    assert (await health.live())["ok"] is True


async def test_ready_when_everything_stands(db: Database, now):
    found = await health.ready(db, migrated=yes, now=now, relay_lag_s=60)
    assert found["ok"] is True
    assert [check["name"] for check in found["checks"]] == ["database", "schema", "relay"]
    assert all(check["ok"] and check["ms"] >= 0 and "detail" not in check for check in found["checks"])


async def test_not_ready_before_its_migrations(db: Database, now):
    found = await health.ready(db, migrated=no, now=now, relay_lag_s=60)
    assert found["ok"] is False
    assert "hutong migrate" in by_name(found)["schema"]["detail"]
    assert "relay" not in by_name(found)


async def test_a_question_that_breaks_is_told_by_its_kind_only(db: Database, now):
    found = await health.ready(db, migrated=breaks, now=now, relay_lag_s=60)
    assert by_name(found)["schema"]["detail"] == "UndefinedTable"
    assert "canary" not in str(found)


async def test_a_question_that_hangs_is_no_hanging_answer(db: Database, now):
    async with asyncio.timeout(5):
        found = await health.ready(db, migrated=hangs, now=now, relay_lag_s=60, timeout_s=0.2)
    assert found["ok"] is False
    assert "no answer in 0.2 s" in by_name(found)["schema"]["detail"]


async def test_not_ready_without_a_database(now):
    away = Database("postgresql://nobody:canary@127.0.0.1:1/none", wait_s=0.3)
    await away.open()
    try:
        found = await health.ready(away, migrated=yes, now=now, relay_lag_s=60, timeout_s=2)
    finally:
        await away.close()
    assert found["ok"] is False
    assert [check["name"] for check in found["checks"]] == ["database"]
    assert "canary" not in str(found)


async def test_a_lagging_relay_is_told_but_orders_can_still_be_taken(db: Database, now):
    fact = Fact(fact_id=new_id(), city_id=1, topic="test", subject=uuid4(), payload={}, at=now - timedelta(seconds=90))
    async with db.city(1) as tx:
        await tx.record([fact])
    found = await health.ready(db, migrated=yes, now=now, relay_lag_s=60)
    assert found["ok"] is True
    relay = by_name(found)["relay"]
    assert (relay["ok"], relay["needed"]) == (False, False)
    assert "1 facts wait, the oldest for 90 s" in relay["detail"]
    assert b"hutong_relay_lag_seconds 90.0" in metrics.render()


async def test_a_database_that_a_later_version_migrated_is_served_on(db: Database, database_url: str):
    """During an upgrade yesterday's servers stay ready, and one of them may be started again."""
    async with db.central() as tx:
        assert await migrate.at_head(tx)
        await tx.run("update infra.migrations set version_num = '9999_later'")
    async with db.reading() as tx:
        assert await migrate.at_head(tx)
    assert migrate.migrate(database_url) == "9999_later"
    async with db.central() as tx:
        await tx.run("update infra.migrations set version_num = '0001_before'")
        assert not await migrate.at_head(tx), "a server that is ahead of its database is not ready"
