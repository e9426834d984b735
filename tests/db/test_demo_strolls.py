"""The demo's lane: an alliance whose joining can be compared, and shops that send each other customers."""

import pytest

from hutong import places
from hutong.cli.demo.alliance import form_alliance
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.load import load_city, merchant_id
from hutong.cli.demo.strolls import comings_of, read_strolls, stroll
from hutong.desk import repeating
from hutong.infra.db import Database
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def test_the_alliance_of_the_demo_brings_people_back(db: Database, now):
    data = read_city()
    await load_city(db, data, now=now)
    await form_alliance(db, now=now)
    came = comings_of(data, read_strolls(), now)
    assert await stroll(db, data, now=now) == sum(len(its) for its in came.values())
    here, there = ({one.member_id for one in came[city]} for city in (1, 2))
    assert len(here & there) == 9, "some go on to the other city"
    assert await stroll(db, data, now=now) == 0, "a second time changes nothing"
    async with db.reading(1) as tx:
        city = await places.city(tx, 1)
        assert city is not None
        it = await repeating.company(tx, city, days=90, now=now)
        whole = await repeating.of_city(tx, it)
        mine = await repeating.of_merchant(tx, merchant_id("noodle-bar"), it)
    assert set(it.merchants) == {merchant_id(slug) for slug in ("noodle-bar", "four-joys", "under-eaves")}
    assert whole.answer == "yes"
    assert mine.answer == "yes"
    assert whole.hidden == frozenset(), "every flow of the example can be told"
    assert mine.around is not None
    assert mine.around.others == 2
    assert mine.joined == it.joined[merchant_id("noodle-bar")]
    assert await audit_clean(db)
