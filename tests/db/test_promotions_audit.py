"""Each invariant of promotions fires when its violation is made on purpose."""

import pytest

from hutong import pricing
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.pricing import AddBatch, Back, Budget, NewCode
from tests.conftest import fires
from tests.db.own_audit import codes, sound
from tests.db.promotions_help import CITY, a_city, a_claim, published

pytestmark = pytest.mark.anyio

# What an invariant guards twice (by a CHECK as well) can only be broken with the CHECK out of the way.
BREAK = {
    "PR01": [
        "alter table pricing.counters drop constraint counters_money_check",
        "update pricing.counters set spent_units = most_units + 1 where city_id = 1 and attribute = 'all'",
    ],
    "PR02": ["update pricing.counters set spent_units = spent_units - 1 where city_id = 1 and attribute = 'burn'"],
    "PR03": ["update pricing.counters set most_units = most_units + 1 where city_id = 1 and attribute = 'all'"],
    "PR04": ["delete from pricing.budgets where city_id = 1 and attribute = 'all'"],
    "PR05": ["update pricing.promotions set state = 'ended' where city_id = 1"],
    "PR06": ["delete from pricing.changes where city_id = 1 and version = 1"],
    "PR07": ["update pricing.uses set version = 1 where city_id = 1"],
    "PR08": ["update pricing.uses set until = at - interval '2 hours' where city_id = 1 and state = 'held'"],
    "PR09": [
        "alter table pricing.uses drop constraint uses_returned_check",
        "update pricing.uses set state = 'returned' where city_id = 1 and state = 'spent'",
    ],
    "PR10": ["update pricing.batches set count = count + 1 where city_id = 1"],
    "PR11": [
        "alter table pricing.codes drop constraint codes_bound_check",
        "update pricing.codes set state = 'taken', taken_by = code_id, taken_ref = code_id, taken_at = 'epoch'",
    ],
    "PR12": ["update pricing.uses set at = 'epoch' where city_id = 1"],
}


@pytest.mark.parametrize("code", sorted(BREAK))
async def test_it_fires(db: Database, now, code: str):
    await a_city(db)
    promotion = await published(db, now, budgets=(Budget(most_units=9000), Budget(attribute="member", most_uses=3)))
    claims = [a_claim(promotion) for _ in range(3)]
    batch = AddBatch(
        batch_id=new_id(), promotion_id=promotion, kind="imported", label="x", by=None,
        codes=(NewCode(code_id=new_id(), tail="AAAA", member_id=new_id()),),
    )  # fmt: skip
    async with db.city(CITY) as tx:
        await pricing.hold(tx, claims, city_id=CITY, now=now, until=now)
        await pricing.confirm(tx, [c.ref for c in claims[:2]], city_id=CITY, now=now)
        back = Back(promotion_id=promotion, ref=claims[0].ref, units=100)
        await pricing.give_back(tx, [back], city_id=CITY, now=now)
        await pricing.add_batches(tx, [batch], city_id=CITY, now=now)
    assert await sound(db, "pricing")
    async with db.central() as tx:
        for statement in BREAK[code]:
            await tx.run(statement)
    assert await fires(db, code)


def test_none_is_forgotten():
    assert set(BREAK) == codes("pricing")
