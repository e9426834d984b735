"""The city's own campaigns (O5): tried on the past, published, seen in a price, booked to who pays, stopped."""

import pytest
from litestar import Litestar

from hutong import ledger
from hutong.ledger import Book
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio

FIELDS = {"name_zh": "全城立减", "name_en": "City treat", "off": "6", "min_spend": "30", "budget": "600",
          "pay_operator": "70", "pay_platform": "30"}  # fmt: skip


@pytest.fixture
async def lin(app: Litestar, house: TestHouse) -> Reader:
    return await Reader(app, house, language="en").sign_in("lin")


async def published(lin: Reader, **changes: str) -> Page:
    page = await lin.get("/o/qinghe/campaigns/new")
    return await lin.send_and_follow(page, "/campaigns/prm_", then="publish", **(FIELDS | changes))


async def test_a_city_campaign_is_in_the_price_and_in_the_books_of_who_pays(
    lin: Reader, ann: Reader, house: TestHouse, app: Litestar
):
    """Six yuan off: 4.20 the operator's, 1.80 the platform's; the merchant is due the whole price."""
    await Reader(app, house).sign_in("bo")
    tried = await lin.send(await lin.get("/o/qinghe/campaigns/new"), "/campaigns/prm_", then="try", **FIELDS)
    assert tried.status == 200
    page = await published(lin)
    assert "City treat" in page.text
    order = await ann.buy()
    shown = await ann.get(ann.at(f"/orders/{order}"))
    assert "全城立减" in shown.text
    assert "¥ 62" in shown.text
    async with house.db.reading(house.town.city_id) as tx:
        found = await ledger.balances(tx, Book.city(house.town.city_id), prefix="expense/promotion")
    assert {one.path: one.posted.units for one in found} == {
        "expense/promotion/operator": 420,
        "expense/promotion/platform": 180,
    }
    assert "¥6" in (await lin.get(page.path)).text
    assert await audit_clean(house.db)


async def test_the_stop_holds_at_once(lin: Reader, ann: Reader):
    page = await published(lin)
    await lin.send(page, "/steps", what="pause")
    order = await ann.buy()
    assert "全城立减" not in (await ann.get(ann.at(f"/orders/{order}"))).text
    again = await lin.send_and_follow(await lin.get(page.path.split("?")[0]), "/steps", what="resume")
    assert again.status == 200


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [("budget", "", ""), ("pay_operator", "10", ""), ("off", "0", ""), ("last", "2020-01-01", ""), ("name_zh", "", "")],
)
async def test_what_is_wrong_stands_beside_its_field(lin: Reader, field: str, typed: str, says: str):
    changes = {field: typed} | ({"name_en": ""} if field == "name_zh" else {})
    page = await lin.send(
        await lin.get("/o/qinghe/campaigns/new"), "/campaigns/prm_", then="publish", **(FIELDS | changes)
    )
    assert page.status == 422
    assert f'id="{field}-wrong"' in page.html or f"{field}-wrong" in page.html


async def test_what_was_published_keeps_what_it_gives(lin: Reader, ann: Reader):
    page = await published(lin)
    form = await lin.get(page.path.split("?")[0] + "/edit")
    saved = await lin.send_and_follow(form, "/campaigns/prm_", then="save", off="60", budget="900")
    assert "¥900" in saved.text
    order = await ann.buy()
    assert "¥ 62" in (await ann.get(ann.at(f"/orders/{order}"))).text


async def test_only_the_operator_of_the_city_and_never_a_merchants_own(lin: Reader, app: Litestar, house: TestHouse):
    for who in ("ann", "tao", "mei"):
        reader = await Reader(app, house).sign_in(who)
        assert (await reader.get("/o/qinghe/campaigns")).status in (403, 404)
    assert (await lin.get("/o/linjiang/campaigns")).status in (403, 404)
    assert (await lin.get("/o/qinghe/campaigns/prm_1_00000000000000000000000000")).status in (400, 404)
