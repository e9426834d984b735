"""A guest is asked for a review: once, by day, not often, and only if he wants to be asked."""

from datetime import timedelta

import pytest

from hutong import vouchers
from hutong.desk import asking, counter, rounds
from hutong.infra import delivery
from hutong.kit.clock import ManualClock
from hutong.kit.ids import ORDER
from hutong.people import actors
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


async def test_a_guest_is_asked_how_it_was_once_and_by_day(ann: Reader, house: TestHouse, clock: ManualClock):
    """Hours after the visit, not at night, not again within three days, never who said no or has said it already."""
    city, town, hour = house.town.city_id, house.town, timedelta(hours=1)
    async with house.db.reading() as tx:
        tao = (await actors(tx, [town.people["tao"]]))[town.people["tao"]]

    async def used(number: int) -> None:
        order = await ann.buy("two-bowls")
        async with house.db.reading(city) as tx:
            [unit] = await vouchers.of_orders(tx, [ORDER.read_local(order)[1]], city_id=city)
        where = town.stores["noodle-bar-lantern"]
        await counter.redeem(house, city, tao, where, request_no=f"ask-{number}", presented=unit.code)
        await delivery.catch_up(house.db, registry=rounds.registry(house), now=clock.now())

    async def round_of() -> tuple[int, int]:
        asked = await asking.ask_for_reviews(house, city, clock.now())
        return asked, (await ann.get(ann.at("/me/messages"))).text.count("感觉怎么样？")

    await used(1)  # on a Friday at noon
    clock.move(hour)
    assert await round_of() == (0, 0), "it could still be undone"
    clock.move(9 * hour)
    assert await round_of() == (0, 0), "ten in the evening is no time to ask"
    clock.move(12 * hour)
    assert await round_of() == (1, 1)
    assert await round_of() == (0, 1)
    await used(2)
    clock.move(5 * hour)
    assert await round_of() == (0, 1), "not again within three days"
    clock.move(4 * DAY)
    await used(3)
    page = await ann.get(ann.at("/me/notifications"))
    await ann.send(page, "/me/notifications", reviews_inbox=None)
    clock.move(4 * hour)
    assert (await round_of())[1] == 1, "who said no is not asked"
    assert await audit_clean(house.db)
