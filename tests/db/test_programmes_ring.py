"""A ring of members and merchants who look for profit finds none. The whole search is `hutong bench ring`."""

import pytest

from hutong.cli.bench.ring import Ring
from hutong.infra.db import Database
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def test_a_small_ring_nets_nothing(db: Database):
    ring = Ring(db, seed=20261122, members=30, merchants=6, told=lambda _: None)
    found = await ring.search(600, at_once=25)
    print(found)
    assert found.held, found
    assert found.done > 150
    assert {"points_short", "funding_exhausted"} <= set(found.refused)
    assert await audit_clean(db)


async def test_control_money_that_nobody_paid_in_shows_as_profit(db: Database):
    """The measure can fail: with money that nobody paid in the ring is richer than before."""
    ring = Ring(db, seed=7, members=10, merchants=4, told=lambda _: None)
    await ring.search(100, at_once=20)
    async with db.city(1) as tx:
        await tx.run("set local session_replication_role = replica")
        await tx.run(
            """update ledger.book_accounts set credits_posted = credits_posted + 1000000 where path like 'funding/%%'
               and path not like '%%/postpaid' and credits_posted > 0"""
        )
    wealth, _, _ = await ring._wealth()
    assert wealth > 0
