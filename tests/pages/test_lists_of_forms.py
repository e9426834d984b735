"""How a deal is sold is told where it is listed: team price, ladder and how far it has come down, slots of today."""

from datetime import timedelta

import pytest

from hutong import catalog, inventory
from hutong.catalog import Form
from hutong.catalog.forms import Flash, Ladder, Slot, Team, Tier
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.clock import ManualClock
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_copies import sold_as

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def on_the_lists(house: TestHouse, slug: str, form: Form, units: int) -> None:
    """On sale as the cheapest of its shop, so that cards show it."""
    offer = await sold_as(house, form, units)
    house.town.offers[slug] = offer.offer_id
    async with house.db.city(house.town.city_id) as tx:
        await catalog.index_offers(tx, [offer.offer_id], city_id=house.town.city_id, now=house.clock.now())


@pytest.mark.parametrize("path", ["/", "/nearby", "/search?q=双人面"])
async def test_cards_say_that_a_price_is_a_teams(anybody: Reader, house: TestHouse, path: str):
    assert "拼团价" not in (await anybody.get(anybody.at(path))).text
    await on_the_lists(house, "team", Team(size=3), 100)
    page = await anybody.get(anybody.at(path))
    assert "拼团价" in page.text
    store = await anybody.get(anybody.at(f"/stores/{anybody.store('noodle-bar-lantern')}"))
    assert "拼团价" in store.text


async def test_cards_tell_what_a_ladder_has_come_down_to(anybody: Reader, ann: Reader, house: TestHouse):
    await on_the_lists(house, "ladder", Ladder(tiers=(Tier(2, 77),)), 100)
    store = anybody.at(f"/stores/{anybody.store('noodle-bar-lantern')}")
    for path in (anybody.at("/nearby"), store):
        page = await anybody.get(path)
        assert "阶梯价" in page.text
        assert "现已降到" not in page.text
    await ann.buy("ladder", 2)
    for path in (anybody.at("/nearby"), store):
        assert "现已降到 ¥0.77" in (await anybody.get(path)).text


async def a_flash(house: TestHouse, *hours: tuple[int, int]) -> list[Slot]:
    now, city = house.clock.now(), house.town.city_id
    slots = [
        Slot(slot_id=new_id(), starts_at=now + a * HOUR, ends_at=now + b * HOUR, quota_id=new_id(), units=4)
        for a, b in hours
    ]
    async with house.db.city(city) as tx:
        made = [OpenQuota(quota_id=slot.quota_id, label="slot", total=4) for slot in slots]
        await inventory.open_quotas(tx, made, city_id=city, now=now)
    await on_the_lists(house, "flash", Flash(slots=tuple(slots)), 100)
    return slots


async def test_the_home_page_shows_todays_slots_and_what_is_left(
    anybody: Reader, ann: Reader, house: TestHouse, clock: ManualClock
):
    """Noon in the city: a slot that runs, one this afternoon, one tomorrow that is not of today."""
    home = anybody.at("/")
    assert "今天的场次" not in (await anybody.get(home)).text
    runs, later, _ = await a_flash(house, (-1, 1), (3, 4), (23, 24))
    page = await anybody.get(home)
    assert "今天的场次" in page.text
    assert "正在抢购" in page.text
    assert "剩 4/4" in page.text
    assert page.html.count('class="countdown"') == 1
    await ann.buy("flash", 4)
    clock.move(timedelta(seconds=2))  # the life of the page: what is sold moves within it
    assert "本场已抢光" in (await anybody.get(home)).text
    clock.set(runs.ends_at)
    after = await anybody.get(home)
    assert "剩 4/4" in after.text
    assert "正在抢购" not in after.text
    clock.set(later.ends_at)
    assert "今天的场次" not in (await anybody.get(home)).text


async def test_a_kept_home_page_never_outlives_a_slot_by_more_than_its_life(
    anybody: Reader, house: TestHouse, clock: ManualClock
):
    runs, *_ = await a_flash(house, (-1, 1))
    home = anybody.at("/")
    clock.set(runs.ends_at - timedelta(seconds=1))
    assert "正在抢购" in (await anybody.get(home)).text
    clock.set(runs.ends_at + timedelta(seconds=1))
    assert "正在抢购" not in (await anybody.get(home)).text
