"""The past of the demo's deals: in the books, and worth a sheet and a forecast."""

import pytest

from hutong import catalog, insight
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.load import load_city, merchant_id, offer_id
from hutong.cli.demo.past import days_of, live_through, read_past
from hutong.infra.db import Database
from hutong.schemes.deals import Deals
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def test_one_deal_brought_nobody_back_one_did_and_one_will_be_a_crowd(db: Database, now):
    data, past = read_city(), read_past()
    await load_city(db, data, now=now)
    came = await live_through(db, data, {"deals": Deals()}, now=now)
    assert came == sum(one.use for day in days_of(past).values() for one in day)
    city = data.city("qinghe")
    ids = [offer_id(deal.merchant, deal.offer.slug) for deal in past.deals]
    async with db.reading(city.city_id) as tx:
        offers = [offer for offer in await catalog.offers(tx, ids, city_id=city.city_id) if offer is not None]
        sheets = await insight.sheets(tx, offers, city_id=city.city_id, zone=city.zone, now=now)
        shop = merchant_id("noodle-bar")
        alert = (await insight.alerts(tx, [shop], city_id=city.city_id))[shop]
        worst = await insight.worst(tx, city_id=city.city_id)
    assert [sheets[one].verdict for one in ids] == ["nobody", "good", "early"]
    assert worst[0].offer_id == ids[0]
    assert alert.level >= 2
    assert await audit_clean(db)
