"""What binds claims to coupons and codes fires when it is broken on purpose."""

import pytest

from hutong import pricing
from hutong.catalog import CouponForm
from hutong.desk import coupons
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.clock import ManualClock
from hutong.pricing import AddBatch, NewCode
from tests.conftest import audit_clean, fires
from tests.db.coupons_help import actor, running
from tests.house import make_house

pytestmark = pytest.mark.anyio

CLAIMED = {
    "O40": ["update pricing.codes set taken_by = code_id where city_id = 1"],
    "O41": ["update pricing.promotions set ends_at = ends_at + interval '1 day' where city_id = 1"],
    "O43": [
        "update catalog.offers set form = form || '{\"wide\": true}' where scheme = 'coupons'",
        "update pricing.promotions set rule = jsonb_set(rule, '{conditions}', '[]')",
    ],
    "O42": ["update pricing.codes set state = 'free', taken_by = null, taken_ref = null, taken_at = null"],
}


@pytest.mark.parametrize("code", sorted(CLAIMED))
async def test_it_fires(db: Database, clock: ManualClock, code: str):
    house = await make_house(db, clock)
    city, campaign = house.town.city_id, await running(house, coupon={"form": CouponForm(claim="code")})
    word = NewCode(code_id=new_id(), tail="AAAA")
    batch = AddBatch(batch_id=new_id(), promotion_id=campaign, kind="imported", label="x", by=None, codes=(word,))
    async with db.city(city) as tx:
        await pricing.add_batches(tx, [batch], city_id=city, now=clock.now())
    await coupons.claim(house, city, await actor(house, "ann"), campaign, key=str(new_id()), code=word.code_id)
    assert await audit_clean(db)
    async with db.central() as tx:
        for statement in CLAIMED[code]:
            await tx.run(statement)
    assert await fires(db, code)
    await house.batches.close()
