"""Mei closes a store: she sees what ends, types its name, and what members cannot use any more goes back by itself."""

import pytest

from hutong import cards, merchants, vouchers
from hutong.desk import rounds
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader
from tests.pages.test_merchant_counter import at, held, mei, tao
from tests.pages.test_merchant_past import manager

pytestmark = pytest.mark.anyio
__all__ = ["mei", "tao"]
SHUT = "noodle-bar-college"  # campus-breakfast is good only there
LED = "noodle-bar-lantern"  # which a manager leads


def close(reader: Reader, slug: str = SHUT) -> str:
    """The page, as seen from the counter in Lantern Lane."""
    return at(reader, f"/stores/{reader.store(slug)}/close")


async def stores(house: TestHouse) -> list[merchants.Store]:
    async with house.db.reading(house.town.city_id) as tx:
        return await merchants.stores_of(tx, house.town.city_id, house.town.noodle_bar)


async def test_a_store_is_closed_by_its_name_and_goes_from_where_people_look(
    mei: Reader, ann: Reader, anybody: Reader, house: TestHouse
):
    [only_here], [everywhere] = [await held(ann, slug) for slug in ("campus-breakfast", "two-bowls")]
    before = await stores(house)
    assert len(before) > 1, "the town's Noodle Bar has more than one store"
    assert close(mei) in (await mei.get(at(mei, f"/stores/{mei.store(SHUT)}"))).html
    page = await mei.get(close(mei))
    assert page.status == 200
    assert "stays closed" in page.text
    assert "1 offer that is good only here ends" in page.text
    nothing = await mei.send(page, "/close", reason=" ", name="Another")
    assert nothing.status == 422
    assert "Say why" in nothing.text
    assert "That is not its name." in nothing.text
    assert 'value="Another"' in nothing.html, "what was typed stands"
    assert len(await stores(house)) == len(before)

    name = next(one.name.en for one in before if one.store_id == house.town.stores[SHUT])
    done = await mei.send_and_follow(page, "/close", reason="the lease has ended", name=name)
    assert done.status == 200
    assert "The store is closed." in done.text
    left = await stores(house)
    assert {one.store_id for one in before} - {one.store_id for one in left} == {house.town.stores[SHUT]}
    assert done.path.startswith(f"/m/{mei.store(LED)}/"), "she stays where she is"
    assert (await mei.get(close(mei))).status == 404, "what is closed is not closed again"
    assert (await anybody.get(anybody.at(f"/stores/{mei.store(SHUT)}"))).status in (404, 410)
    while await rounds.give_back(house.db, house.town.city_id, house.clock.now()):
        pass
    async with house.db.reading(house.town.city_id) as tx:
        [found] = await cards.closings(tx, [house.town.noodle_bar], city_id=house.town.city_id)
        states = [one.state for one in await vouchers.by_ids(tx, [only_here.voucher_id, everywhere.voucher_id],
                                                             city_id=house.town.city_id)]  # fmt: skip
    assert (found.refunds, found.ended_at is not None) == (1, True)
    assert states == ["refunding", "valid"]
    listed = (await mei.get(done.path.split("?")[0])).text
    assert "Closed stores" in listed
    assert "All done: 1 refund" in listed
    assert await audit_clean(house.db)


async def test_the_last_store_is_not_closed_like_that(mei: Reader, house: TestHouse):
    shown = {key: slug for slug, key in house.town.stores.items()}
    while len(left := await stores(house)) > 1:
        last = shown[left[-1].store_id]
        page = await mei.get(at(mei, f"/stores/{mei.store(last)}/close", store=shown[left[0].store_id]))
        assert (await mei.send(page, "/close", reason="moved", name=left[-1].name.zh)).status == 303
    only = shown[left[0].store_id]
    page = await mei.get(at(mei, f"/stores/{mei.store(only)}/close", store=only))
    assert page.status == 200
    assert "the last open store" in page.text
    assert "Type the name" not in page.text, "no form for what is refused"
    assert await audit_clean(house.db)


async def test_only_the_owner_closes_a_store(app, tao: Reader, house: TestHouse):
    bo = await manager(app, house)
    for reader in (tao, bo):
        assert (await reader.get(close(reader, LED))).status == 403
    assert close(bo, LED) not in (await bo.get(at(bo, f"/stores/{bo.store(LED)}"))).html
