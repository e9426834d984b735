"""The page of a deal: one price everywhere, an honest history, and why it cannot be bought when it cannot."""

import re
from datetime import timedelta

import pytest

from hutong import catalog, inventory
from hutong.catalog import Revise
from hutong.inventory import Resize
from hutong.kit.clock import ManualClock
from hutong.kit.money import Amount
from tests.conftest import audit_clean
from tests.house import TestHouse
from tests.pages.reader import Page, Reader

pytestmark = pytest.mark.anyio
PRICE = re.compile(r'<span class="price \w"><span class="sign">([^<]+)</span>([^<]+)</span>')


def prices(html: str) -> list[str]:
    """Every bold final price of a piece of HTML, in order."""
    return ["".join(found) for found in PRICE.findall(html)]


async def revise(house: TestHouse, clock: ManualClock, slug: str = "two-bowls", **changes: object) -> None:
    async with house.db.city(house.town.city_id) as tx:
        ask = Revise(offer_id=house.town.offers[slug], by=None, **changes)  # type: ignore[arg-type]
        (done,) = await catalog.revise(tx, [ask], city_id=house.town.city_id, now=clock.now())
    assert isinstance(done, catalog.Offer), done


async def deal(reader: Reader, slug: str = "two-bowls") -> Page:
    return await reader.get(reader.at(f"/deals/{reader.deal(slug)}"))


@pytest.mark.parametrize("slug", ["two-bowls", "campus-breakfast"])
async def test_the_price_is_the_same_in_list_page_and_checkout(ann: Reader, slug: str):
    """ "Which price is real?" is a question that nobody has to ask."""
    found = ann.deal(slug)
    near = await ann.get(ann.at("/nearby?category=food"))
    store = await ann.get(near.link("/stores/"))
    shelf = next(page for page in (near, store) if f"/deals/{found}" in page.html)
    listed = prices(shelf.html.split(f"/deals/{found}")[1])[0]
    page = await deal(ann, slug)
    confirm = await ann.get(ann.at(f"/checkout?offer={found}"))
    assert set(prices(page.html.partition('id="reviews"')[0])) == {listed}
    assert set(prices(confirm.html)) == {listed}
    total = int(confirm.form("/checkout").fields["total"][0])
    assert f'data-final="{total}"' in page.html
    order = await ann.get(ann.at(f"/orders/{await ann.order(slug)}"))
    assert prices(order.html)[0] == listed


async def test_merchant_and_map_come_first(anybody: Reader):
    """Whose it is, how far, whether open, and the way there: before the first word about the deal."""
    page = await deal(anybody)
    head = page.text.split("两碗招牌")[0]
    for words in ("巷口面吧", "300米", "营业中", "地图导航"):
        assert words in head
    assert page.html.index('class="merchant-bar"') < page.html.index("<h1>")
    assert "随时退" in page.text
    assert "过期退" in page.text
    assert page.inline == []


async def test_a_list_price_that_was_never_asked_says_so(anybody: Reader, house: TestHouse, clock: ManualClock):
    """The struck price is the shop's word; what was really asked is ours."""
    page = await deal(anybody)
    assert "¥98 是门店标价，近 30 天没有按这个价格卖过" in page.text
    assert "<polyline" not in page.html
    clock.move(timedelta(days=2))
    await revise(house, clock, price=Amount(9800, "CNY"))
    clock.move(timedelta(days=3))
    await revise(house, clock, price=Amount(7200, "CNY"))
    clock.move(timedelta(days=1))
    page = await deal(anybody)
    assert "近 30 天最低 ¥68" in page.text
    assert "近 30 天内曾按 ¥98 出售" in page.text
    assert "<polyline" in page.html
    clock.move(timedelta(days=31))
    page = await deal(anybody)
    assert "现在就是近 30 天最低价" in page.text
    assert "没有按这个价格卖过" in page.text


async def test_sold_out_is_said_and_not_sold(ann: Reader, house: TestHouse):
    """No button, the reason, and another way on; units that are held but not paid may come back."""
    offer_id, city_id = house.town.offers["two-bowls"], house.town.city_id
    async with house.db.city(city_id) as tx:
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
        assert offer is not None
        assert offer.quota_id is not None
        await inventory.resize(tx, [Resize(quota_id=offer.quota_id, total=2)], city_id=city_id)
    assert "仅剩 2 份" in (await deal(ann)).text
    await ann.order(quantity=2)
    page = await deal(ann)
    assert "已售罄" in page.text
    assert "稍后可能会有名额" in page.text
    assert not [link for link in page.links if "/checkout" in link]
    confirm = await ann.get(ann.at(f"/checkout?offer={ann.deal('two-bowls')}"))
    assert "已售罄" in confirm.text
    assert "disabled" in confirm.html.split("data-pay-now")[1][:20]
    await ann.pay_all()
    assert "稍后可能会有名额" not in (await deal(ann)).text
    assert await audit_clean(house.db)


async def test_over_and_not_yet(anybody: Reader, house: TestHouse, clock: ManualClock):
    """A deal that has ended keeps its page, because people hold vouchers of it and links to it."""
    clock.move(timedelta(days=400))
    page = await deal(anybody)
    assert page.status == 200
    assert "停止销售" in page.text or "未在售" in page.text
    assert not [link for link in page.links if "/checkout" in link]
