"""Every invariant of the catalog can fire: its violation is seeded, behind the back of the operations."""

import pytest

from hutong.infra.audit import audit, queries
from hutong.infra.db import Database
from tests.catalog_town import a_city, a_draft, a_merchant, a_store, published
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio

SEEDS = [
    ("C10", ["delete from catalog.offer_stores where city_id = 1"]),
    ("C11", ["update catalog.offers set price_units = price_units - 1 where city_id = 1"]),
    ("C11", ["delete from catalog.offer_prices where city_id = 1"]),
    ("C11", ["update catalog.offers set status = 'ended', ended_at = published_at where city_id = 1"]),
    (
        "C12",
        [
            "alter table catalog.offer_prices drop constraint offer_prices_one_at_a_time_excl",
            """insert into catalog.offer_prices
               select city_id, offer_id, valid_from + interval '1 h', null, price_units, list_units, asset
               from catalog.offer_prices where city_id = 1""",
        ],
    ),
    ("C13", ["delete from catalog.offer_changes where city_id = 1 and version = 2"]),
    ("C13", ["update catalog.offer_changes set status = 'draft' where city_id = 1 and version = 3"]),
    ("C13", ["update catalog.offers set version = 4 where city_id = 1"]),
    (
        "C14",
        [
            "alter table catalog.offer_stores drop constraint offer_stores_store_id_fkey",
            "update catalog.offer_stores set store_id = offer_id where city_id = 1",
        ],
    ),
    ("C15", ["delete from catalog.search_docs where city_id = 1 and kind = 'offer'"]),
    ("C15", ["delete from catalog.search_docs where city_id = 1 and kind = 'store'"]),
    ("C15", ["update catalog.offers set status = 'ended', ended_at = published_at where city_id = 1"]),
    ("C15", ["update catalog.storefronts set visible = false where city_id = 1"]),
    ("C15", ["update catalog.offers set scheme = 'coupons' where city_id = 1"]),
    ("C16", ["update catalog.offers set scheme = 'coupons' where city_id = 1"]),
    ("C16", ["delete from catalog.listings where city_id = 1 and category = ''"]),
    ("C16", ["update catalog.listings set category = 'ktv' where city_id = 1 and category = 'food'"]),
    ("C17", ["update merchants.stores set lat = lat + 1 where city_id = 1"]),
    ("C17", ["update catalog.listings set at = '(1, 2, 3)' where city_id = 1"]),
    ("C17", ["update merchants.merchants set status = 'suspended'"]),
    ("C18", ["update catalog.offers set created_at = published_at + interval '1 s' where city_id = 1"]),
    ("C21", ["update catalog.offers set sale_to = sale_to + interval '1 s' where city_id = 1"]),
    ("C21", ["update catalog.storefronts set visible = not visible where city_id = 1"]),
    ("C21", ["update catalog.storefronts set at = '(1, 2, 3)' where city_id = 1"]),
    ("C21", ["update catalog.search_docs set store_ids = '{}', places = '{}' where city_id = 1 and kind = 'offer'"]),
    ("C22", ["update catalog.shelf_counts set stores = stores + 1 where city_id = 1 and category = ''"]),
    ("C22", ["delete from catalog.shelf_counts where city_id = 1"]),
    ("C22", ["delete from catalog.listings where city_id = 1"]),
    ("C19", ["insert into catalog.searches values (1, current_date + 2, '火锅', 5)"]),
    ("C19", ["insert into catalog.searches values (1, current_date, 'Noodle Bar', 5)"]),
    (
        "C19",
        [
            "alter table catalog.searches drop constraint searches_term_check",
            "insert into catalog.searches values (1, current_date, '13800138000', 5)",
        ],
    ),
    (
        "C20",
        [
            "alter table catalog.offers drop constraint offers_copied_from_fkey",
            "update catalog.offers set copied_from = merchant_id where city_id = 1",
        ],
    ),
]


class Undo(Exception):
    """Rolls a seeded violation back, so that the next one meets a sound database."""


async def test_the_audit_sees_what_must_not_be(db: Database, now):
    await a_city(db)
    merchant = await a_merchant(db, "面吧", "Noodle Bar", now=now)
    await published(db, a_draft(merchant, await a_store(db, merchant, now=now), now=now), now=now)
    for code, seeds in SEEDS:
        with pytest.raises(Undo):
            async with db.city(1) as tx:
                assert await audit(tx, only=code) == []
                for seed in seeds:
                    await tx.run(seed)
                assert await audit(tx, only=code), f"{code} is blind: {seeds[-1]}"
                raise Undo
    assert {code for code, _ in SEEDS} == {query.code for query in queries() if query.package == "catalog"}
    assert await audit_clean(db)
