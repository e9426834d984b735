"""A copied deal is sold as its source was: in a team, on a ladder, by bargain, in the slots that are still to come."""

from datetime import timedelta

import pytest

from hutong import catalog, inventory
from hutong.catalog import Draft, Form, Offer
from hutong.catalog.forms import Bargain, Flash, Ladder, Slot, Team, Tier, Times
from hutong.desk import shelf
from hutong.infra.ids import new_id
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from tests.conftest import audit_clean
from tests.db.coupons_help import actor
from tests.house import TestHouse

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
FORMS = (
    Team(size=3, hours=12, alone_units=5_800), Ladder(tiers=(Tier(5, 4_000), Tier(10, 3_000))),
    Bargain(floor_units=3_000, helpers=5, budget_units=20_000), Times(uses=5),
)  # fmt: skip


async def sold_as(house: TestHouse, form: Form, units: int = 5_000) -> Offer:
    """Something of Noodle Bar's in this form."""
    town, now = house.town, house.clock.now()
    async with house.db.city(town.city_id) as tx:
        (bowls,) = await catalog.offers(tx, [town.offers["two-bowls"]], city_id=town.city_id)
        assert bowls is not None
        draft = Draft(
            offer_id=new_id(), merchant_id=bowls.merchant_id, by=None, category=bowls.category,
            scheme="cards" if isinstance(form, Times) else "deals", title=Text(zh="双人面", en="Two bowls"),
            price=Amount(units, "CNY"), list_price=Amount(6_000, "CNY"), terms=Terms(valid_days=30), form=form,
            store_ids=bowls.store_ids, sale_from=now - timedelta(days=2), sale_to=now + timedelta(days=9),
        )  # fmt: skip
        (offer,) = await catalog.publish(tx, [draft], city_id=town.city_id, now=now)
    assert isinstance(offer, Offer), offer
    return offer


async def copy_of(house: TestHouse, offer: Offer) -> Offer:
    mei, city = await actor(house, "mei"), house.town.city_id
    copy_id = new_id()
    for _ in range(2):  # asked for twice it is one
        made = await shelf.copy_offer(house, city, mei, offer.offer_id, new_id=copy_id, zone="Asia/Shanghai")
    return made


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
async def test_a_copy_keeps_its_form(house: TestHouse, form: Form):
    made = await copy_of(house, await sold_as(house, form))
    assert made.form == form
    assert made.status == "draft"


async def test_a_copied_flash_sale_has_the_slots_to_come_with_stocks_of_their_own(house: TestHouse):
    now, city = house.clock.now(), house.town.city_id
    past, runs, comes = [
        Slot(slot_id=new_id(), starts_at=now + a * HOUR, ends_at=now + b * HOUR, quota_id=new_id(), units=units)
        for a, b, units in ((-5, -4, 3), (-1, 1, 4), (3, 4, 5))
    ]
    source = await sold_as(house, Flash(slots=(past, runs, comes)))
    made = await copy_of(house, source)
    assert isinstance(made.form, Flash)
    [slot] = made.form.slots
    assert (slot.starts_at, slot.ends_at, slot.units) == (comes.starts_at, comes.ends_at, 5)
    assert slot.slot_id != comes.slot_id
    assert slot.slot_id == derive(made.offer_id, f"slot/{slot.starts_at.isoformat()}"), "as the editor names it"
    async with house.db.reading(city) as tx:
        (stock,) = await inventory.quotas(tx, [slot.quota_id], city_id=city)
    assert stock is not None
    assert (stock.total, stock.on_sale) == (5, 5)
    house.clock.move(8 * HOUR)  # type: ignore[attr-defined]
    again = (await copy_of(house, source)).form
    assert isinstance(again, Flash)
    day = timedelta(days=3)  # the sale of two days ago begins anew tomorrow
    assert [(s.starts_at, s.ends_at, s.units) for s in again.slots] == [
        (s.starts_at + day, s.ends_at + day, s.units) for s in (past, runs, comes)
    ]
    assert await audit_clean(house.db)
