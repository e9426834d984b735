"""Two offers of one store that change at the same moment, and what one call costs however long its list."""

import asyncio

import pytest

from hutong import catalog
from hutong.catalog import Revise
from hutong.infra.db import Database
from hutong.infra.sql import load
from tests.catalog_town import a_city, a_draft, a_merchant, a_store, published, yuan
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio

LOWEST = "select price_units from catalog.listings where city_id = 1 and category = ''"


@pytest.fixture
async def pair(db: Database, now):
    """One store with two offers of 1,000 each."""
    await a_city(db)
    merchant = await a_merchant(db, "面吧", "Noodle Bar", now=now)
    store = await a_store(db, merchant, now=now)
    return await published(db, *(a_draft(merchant, store, now=now, price=yuan(1_000)) for _ in range(2)), now=now)


async def lowest(db: Database) -> int:
    async with db.reading(1) as tx:
        return await tx.value(LOWEST)


async def test_the_listing_knows_both_of_two_prices_that_change_at_once(db: Database, pair, now):
    async def revise(offer, price):
        async with db.city(1) as tx:
            await catalog.revise(tx, [Revise(offer_id=offer.offer_id, by=None, price=yuan(price))], city_id=1, now=now)

    for cheap in range(900, 890, -1):
        await asyncio.gather(revise(pair[0], cheap), revise(pair[1], 950 + cheap % 2))
        assert await lowest(db) == cheap
    assert await audit_clean(db)


async def test_control_without_the_lock_the_second_forgets_the_first(db: Database, pair, now):
    refresh = load("hutong.catalog.operations", "refresh_listings")
    first_done = asyncio.Event()

    async def cheaper(offer, price, before, after):
        async with db.city(1) as tx:
            await before()
            await tx.run(
                "update catalog.offers set price_units = %(price)s where city_id = 1 and offer_id = %(id)s",
                price=price,
                id=offer.offer_id,
            )
            turn = asyncio.ensure_future(tx.run(refresh, city=1, stores=list(offer.store_ids), now=now))
            await after()
            await turn

    async def nothing():
        pass

    async def done():
        await asyncio.sleep(0.2)
        first_done.set()
        await asyncio.sleep(0.4)

    await asyncio.gather(cheaper(pair[0], 10, nothing, done), cheaper(pair[1], 500, first_done.wait, nothing))
    assert await lowest(db) == 500, "the cheaper offer of 10 is lost: this is what the lock on storefronts prevents"


async def test_a_call_takes_as_many_statements_for_fifty_as_for_one(db: Database, database_url, pair, now):
    counts = []
    merchant, stores = pair[0].merchant_id, pair[0].store_ids
    for length in (1, 50):
        statements: list[str] = []
        watched = await Database(database_url, observer=lambda sql, _, seen=statements: seen.append(sql)).open()
        drafts = [a_draft(merchant, *stores, now=now) for _ in range(length)]
        await published(watched, *drafts, now=now)
        async with watched.city(1) as tx:
            requests = [Revise(offer_id=draft.offer_id, by=None, price=yuan(1)) for draft in drafts]
            await catalog.revise(tx, requests, city_id=1, now=now)
        counts.append(len(statements))
        await watched.close()
    assert counts[0] == counts[1]
