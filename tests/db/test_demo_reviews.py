"""The demo's neighbours: everything they say comes from visits that are in the books."""

import pytest

from hutong import reviews
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.load import load_city, store_id
from hutong.cli.demo.said import read_said, tell
from hutong.infra.db import Database
from hutong.schemes.deals import Deals
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def test_all_of_it_happened(db: Database, now):
    data, told = read_city(), read_said()
    await load_city(db, data, now=now)
    assert await tell(db, data, {"deals": Deals()}, now=now) == len(told.visits)
    city = data.city("qinghe").city_id
    async with db.reading(city) as tx:
        shop = store_id("noodle-bar-lantern")
        rating = (await reviews.ratings(tx, city_id=city, store_ids=[shop]))[shop]
        found = await reviews.of_store(tx, shop, city_id=city)
    assert rating.count == len(found) >= 4
    assert {one.language for one in found} == {"zh", "en"}
    assert await audit_clean(db)


def test_guests_and_tags_exist():
    told = read_said()
    guests = {guest.key for guest in told.guests}
    assert guests >= {visit.guest for visit in told.visits}
    for visit in told.visits:
        assert reviews.tags().keys() >= set(visit.tags), visit.key
        assert {reviews.tags()[tag].mood for tag in visit.tags} <= {reviews.mood_of(visit.stars)}, visit.key
