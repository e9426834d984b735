"""The operator's queues go on after a page, and nothing is seen twice or left out."""

import pytest

from hutong import catalog
from hutong.catalog import Step
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from tests.catalog_town import a_draft
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lin(app, house: TestHouse) -> Reader:
    return await Reader(app, house, language="en").sign_in("lin")


def shown(page: Page) -> list[str]:
    return [part.split('"')[0] for part in page.html.split('deal-review" id="')[1:]]


async def test_more_deals_wait_than_a_page_holds(lin: Reader, house: TestHouse):
    town, now = house.town, house.clock.now()
    store = town.stores["noodle-bar-lantern"]
    drafts = [
        a_draft(town.noodle_bar, store, now=now, title=Text(zh=f"新菜{n}", en=f"Dish {n}"), terms=Terms(valid_days=30))
        for n in range(23)
    ]
    async with house.db.city(town.city_id) as tx:
        made = await catalog.draft(tx, drafts, city_id=town.city_id, now=now)
        asks = [Step(offer_id=one.offer_id, by=None) for one in made]  # type: ignore[union-attr]
        await catalog.submit(tx, asks, city_id=town.city_id, now=now)  # all at one instant
    first = await lin.get("/o/qinghe/deals")
    second = await lin.get(first.link("after="))
    assert (len(shown(first)), len(shown(second))) == (20, 3)
    assert len({*shown(first), *shown(second)}) == 23
    assert not [link for link in second.links if "after=" in link and "lang=" not in link]
    last = shown(second)[-1]
    assert last


@pytest.mark.parametrize("queue", ["deals", "reviews", "hidden", "appeals"])
async def test_where_a_page_begins_is_checked(lin: Reader, queue: str):
    end = "2026-11-20T04:00:00+00:00~01a20264-219e-72bd-9fc3-d1d8bd612acf"
    page = await lin.get(f"/o/qinghe/{queue}", params={"after": end})
    assert page.status == 200
    assert "That was all" in page.text
    for wrong in ("x", "2026-11-20~x", "2026-11-20T04:00:00~01a20264-219e-72bd-9fc3-d1d8bd612acf"):
        assert (await lin.get(f"/o/qinghe/{queue}", params={"after": wrong})).status in (400, 422), wrong
