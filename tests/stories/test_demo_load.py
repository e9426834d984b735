"""The demo cities stand after loading, as they were written down, and loading them again changes nothing."""

import time
from datetime import datetime, timedelta

import pytest

from hutong import catalog, merchants, people, places, settlement
from hutong.cli.demo import load
from hutong.cli.demo.city_data import CityData, read_city
from hutong.infra.db import Database
from hutong.kit.access import Permission
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def data() -> CityData:
    return read_city()


async def counts(db: Database) -> dict[str, int]:
    """The rows of every table of ours."""
    async with db.reading() as tx:
        tables = await tx.rows(
            """select schemaname || '.' || tablename as name from pg_tables
               where schemaname not in ('pg_catalog', 'information_schema', 'procrastinate') order by 1"""
        )
        return {t["name"]: await tx.value(f"select count(*) from {t['name']}") for t in tables}


async def test_both_cities_are_loaded_in_seconds_and_a_second_time_is_nothing(
    db: Database, data: CityData, now: datetime
):
    assert not await load.is_loaded(db, data)
    began = time.monotonic()
    loaded = await load.load_city(db, data, now=now)
    assert time.monotonic() - began < 10
    assert await load.is_loaded(db, data)
    assert (loaded.cities, loaded.people) == (2, 6)
    assert loaded.stores >= 64
    assert loaded.offers >= 130
    before = await counts(db)
    assert before["catalog.offers"] == loaded.offers
    assert before["merchants.stores"] == loaded.stores
    assert await load.load_city(db, data, now=now + timedelta(hours=1)) == loaded
    assert await counts(db) == before
    assert await audit_clean(db)


async def test_a_deal_of_noodle_bar_is_found_with_its_terms(db: Database, data: CityData, now: datetime):
    await load.load_city(db, data, now=now)
    wanted = load.offer_id("noodle-bar", "solo-lunch")
    async with db.reading() as tx:
        qinghe = await places.city_by_slug(tx, "qinghe")
        assert qinghe is not None
        found = await catalog.search(tx, city_id=qinghe.city_id, words="mian ba", point=None, now=now)
        near = await catalog.nearby(tx, city_id=qinghe.city_id, point=qinghe.centre, now=now)
        (offer,) = await catalog.offers(tx, [wanted], city_id=qinghe.city_id)
    assert load.merchant_id("noodle-bar") in {card.merchant_id for card in found.items}
    assert near.items
    assert all(card.offers for card in near.items)
    assert offer is not None
    assert (offer.price.units, offer.list_price.units, offer.terms.per_member) == (2_600, 3_800, 10)
    assert set(offer.store_ids) == {load.store_id("noodle-bar-lantern"), load.store_id("noodle-bar-ferry")}
    assert offer.terms.windows[0].weekdays == (0, 1, 2, 3, 4)
    assert catalog.why_not_on_sale(offer, now, zone=qinghe.zone) is None


async def test_the_cast_may_do_its_part_and_no_more(db: Database, data: CityData, now: datetime):
    await load.load_city(db, data, now=now)
    noodle_bar, lantern = load.merchant_id("noodle-bar"), load.store_id("noodle-bar-lantern")
    college = load.store_id("noodle-bar-college")
    keys = [person.key for person in data.cast.people]
    async with db.reading() as tx:
        actors = await people.actors(tx, [load.member_id(key) for key in keys])
        stores = await merchants.stores_of(tx, 1, noodle_bar)
        rules = await settlement.rules_for(tx, [noodle_bar, load.merchant_id("river-breeze")], at=now)
    ann, _, mei, tao, lin, pat = (actors[load.member_id(key)] for key in ("ann", "bo", "mei", "tao", "lin", "pat"))
    here = {"city": 1, "merchant": noodle_bar, "store": lantern}
    assert not ann.grants
    assert mei.can(Permission.VIEW_STATEMENT, city=1, merchant=noodle_bar)
    assert tao.can(Permission.REDEEM_VOUCHER, **here)
    assert not tao.can(Permission.REDEEM_VOUCHER, city=1, merchant=noodle_bar, store=college)
    assert not tao.can(Permission.VIEW_STATEMENT, city=1, merchant=noodle_bar)
    assert lin.can(Permission.REVIEW_OFFERS, **here)
    assert not lin.can(Permission.REVIEW_OFFERS, city=2)
    assert pat.can(Permission.RUN_PLATFORM)
    assert len(stores) == 3
    assert (rules[noodle_bar].commission_bps, rules[noodle_bar].operator_bps) == (800, 2_500)
    assert rules[noodle_bar].operator_id == lin.member_id
    assert rules[load.merchant_id("river-breeze")].operator_id is None
