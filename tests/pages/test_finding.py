"""Cities, home, lists, searching, store and deal."""

from datetime import timedelta

import pytest

from hutong import catalog
from hutong.catalog import Step
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import ManualClock
from hutong.kit.ids import OFFER, STORE
from tests.house import TestHouse
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio


async def test_the_front_door_leads_to_the_city_one_was_in(anybody: Reader):
    """Two cities: choose once, then never again."""
    assert (await anybody.get("/")).headers["location"] == "/cities"
    await anybody.get(anybody.at())
    assert (await anybody.get("/")).headers["location"] == anybody.at()


@pytest.mark.parametrize(("words", "found"), [("", 2), ("qing", 1), ("清", 1), ("Lin", 1), ("zzz", 0)])
async def test_cities_are_found_by_any_of_their_names(anybody: Reader, words: str, found: int):
    """Chinese, pinyin, English; nothing found says so and shows a way on."""
    page = await anybody.get(f"/cities?q={words}")
    assert len([link for link in page.links if link.startswith("/c/")]) == found
    if not found:
        assert "没有找到这个城市" in page.text


async def test_home_shows_shelves_and_shops_with_their_final_price(anybody: Reader):
    """The same number as everywhere, the list price struck, badges, whether it is open."""
    page = await anybody.get(anybody.at())
    assert page.status == 200
    for words in ("清河的街坊好店", "美食", "巷口面吧（灯笼巷店）", "双人招牌面套餐", "随时退", "营业中，至 14:30"):
        assert words in page.text
    assert "¥ 68 " in page.text
    assert "¥98" in page.text
    assert page.form("/search").method == "get"


async def test_a_shop_shows_two_deals_and_counts_the_rest(anybody: Reader):
    """Grouped by merchant: nobody fills the list with twenty deals."""
    page = await anybody.get(anybody.at("/nearby?category=noodles"))
    assert page.text.count("还有 1 个团购") == 2
    assert "校园早面" in page.text


async def test_the_list_narrows_by_category_district_and_order(anybody: Reader):
    """Chips are links; what they name stands in the address."""
    page = await anybody.get(anybody.at("/nearby?category=dumplings"))
    assert "四喜" in page.text
    assert "巷口面吧" not in page.text
    page = await anybody.get(anybody.at("/nearby?category=food&district=xiguan"))
    assert "四喜饺子铺（西关店）" in page.text
    assert "鼓楼店" not in page.text
    cheap = await anybody.get(anybody.at("/nearby?sort=price"))
    assert cheap.text.index("书院街店") < cheap.text.index("灯笼巷店")  # 9.90 before 26


async def test_a_list_that_is_empty_says_what_to_do(anybody: Reader):
    page = await anybody.get(anybody.at("/nearby?category=travel"))
    assert page.status == 200
    assert "这里暂时没有" in page.text


async def test_unknown_filters_are_as_good_as_none(anybody: Reader):
    """Addresses get cut and typed by hand."""
    page = await anybody.get(anybody.at("/nearby?category=nonsense&district=atlantis&sort=sideways"))
    assert page.status == 200
    assert "巷口面吧" in page.text


@pytest.mark.parametrize("words", ["巷口面吧", "面吧", "noodle", "miantuan", "xiangkou", "xkmb", "双人"])
async def test_words_find_in_chinese_pinyin_and_latin(anybody: Reader, words: str):
    """People type what their keyboard gives."""
    page = await anybody.get(anybody.at(f"/search?q={words}"))
    assert ("没有找到" in page.text) == (words == "miantuan")
    assert "巷口面吧" in page.text or "四喜" in page.text  # found, or shown as what is near


async def test_what_is_typed_into_the_search_stays_words(anybody: Reader):
    """Whatever is typed comes back as text, never as markup."""
    page = await anybody.get(anybody.at("/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22%27"))
    assert page.status == 200
    assert "<script>alert" not in page.html
    assert page.inline == []


async def test_suggestions_lead_on(anybody: Reader):
    """Categories, merchants and deals for the letters typed so far: a piece of a page."""
    page = await anybody.get(anybody.at("/suggestions?q=mian"))
    assert "<html" not in page.html
    assert anybody.at("/categories/noodles") in page.links
    deals = await anybody.get(anybody.at("/suggestions?q=双人"))
    assert any("/deals/" in link for link in deals.links)


async def test_a_store_shows_where_when_and_everything_it_sells(anybody: Reader):
    """Address, map, phone, the coming week with what is different, all deals, other branches."""
    page = await anybody.get(anybody.at(f"/stores/{anybody.store('noodle-bar-lantern')}"))
    for words in ("灯笼巷18号", "今天", "10:30-14:30", "四人小家宴", "其他分店", "书院街店"):
        assert words in page.text
    assert any(link.startswith("tel:+86199") for link in page.links)
    assert any("uri.amap.com" in link for link in page.links)


async def test_an_exception_on_the_door_is_told(anybody: Reader, clock: ManualClock):
    """Kitchen maintenance in twelve days: closed then, and the page says so beforehand."""
    address = anybody.at(f"/stores/{anybody.store('noodle-bar-lantern')}")
    clock.move(timedelta(days=12))
    page = await anybody.get(address)
    assert "厨房设备检修" in page.text
    assert "休息中" in page.text


async def test_a_deal_says_everything_before_the_money(anybody: Reader):
    """Merchant first, final price, what is in it, terms in words, where, how it is given back."""
    page = await anybody.get(anybody.at(f"/deals/{anybody.deal('solo-lunch')}"))
    text = page.text
    assert text.index("巷口面吧") < text.index("工作日一人午餐", text.index("巷口面吧"))
    for words in ("¥ 26 ", "¥38", "6.8折", "卤蛋 1 颗", "购买后 30 天内", "周一至周五 10:30-14:30", "每人限购 10 份",
                  "未使用随时退", "过期未使用自动退款", "2 家门店可用"):  # fmt: skip
        assert words in text
    assert page.link("/checkout") == anybody.at(f"/checkout?offer={anybody.deal('solo-lunch')}")


async def test_the_same_page_in_english(bo: Reader):
    """Every sentence; what a browser asks for is what it gets."""
    page = await bo.get(bo.at(f"/deals/{bo.deal('solo-lunch')}"))
    for words in (
        "Weekday solo lunch",
        "31% off",
        "For 30 days after buying",
        "Mon-Fri 10:30-14:30",
        "10 per person",
    ):
        assert words in page.text
    assert page.headers["content-language"] == "en"
    chinese = await bo.get(bo.at(f"/deals/{bo.deal('solo-lunch')}?lang=zh"))
    assert "工作日一人午餐" in chinese.text
    assert "工作日一人午餐" in (await bo.get(bo.at(f"/deals/{bo.deal('solo-lunch')}"))).text  # remembered


async def test_a_price_that_changed_is_told(anybody: Reader, house: TestHouse, clock: ManualClock):
    """Which price is real? The history is kept from the first day, so the page can say what it was."""
    offer_id, city_id = house.town.offers["two-bowls"], house.town.city_id
    clock.move(timedelta(days=3))
    async with house.db.city(city_id) as tx:
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
        assert offer is not None
        change = catalog.Revise(offer_id=offer_id, by=None, price=offer.price - offer.price.part(1, 2))
        await catalog.revise(tx, [change], city_id=city_id, now=clock.now())
    page = await anybody.get(anybody.at(f"/deals/{anybody.deal('two-bowls')}"))
    assert "¥ 34 " in page.text
    assert "2026年11月23日之前卖 ¥68" in page.text


async def test_what_is_not_for_sale_is_said_or_not_shown(anybody: Reader, house: TestHouse, clock: ManualClock):
    """An ended deal says so and has no button; a draft does not exist (B8)."""
    offer_id, city_id = house.town.offers["two-bowls"], house.town.city_id
    address = anybody.at(f"/deals/{anybody.deal('two-bowls')}")
    async with house.db.city(city_id) as tx:
        step = Step(offer_id=offer_id, by=None, within=EVERYTHING, reason="sold enough")
        await catalog.end(tx, [step], city_id=city_id, now=clock.now())
    page = await anybody.get(address)
    assert page.status == 200
    assert "未在售" in page.text
    assert not [link for link in page.links if "/checkout" in link]
    async with house.db.city(city_id) as tx:
        await tx.run(
            "update catalog.offers set status = 'rejected', ended_at = null where city_id = %(city)s",
            city=city_id,
        )
    assert (await anybody.get(address)).status == 404


async def test_things_of_another_city_are_not_found_here(anybody: Reader):
    """The id carries its city; under another city's address it is nothing."""
    deal = anybody.deal("two-bowls")
    assert (await anybody.get(f"/c/linjiang/deals/{deal}")).status == 404
    assert (await anybody.get(f"/c/linjiang/stores/{anybody.store('noodle-bar-lantern')}")).status == 404


async def test_what_never_was_is_not_found(anybody: Reader, house: TestHouse):
    nothing = house.town.people["ann"]  # a good id of something else
    assert (await anybody.get(anybody.at(f"/deals/{OFFER.show(nothing, 1)}"))).status == 404
    assert (await anybody.get(anybody.at(f"/stores/{STORE.show(nothing, 1)}"))).status == 404


async def test_distances_follow_the_readers_place(anybody: Reader):
    """The place in the cookie counts when it lies in the city; nonsense is as good as none."""
    anybody.web.cookies.set("hutong_at", "30.822,112.697")
    page = await anybody.get(anybody.at())
    assert "距离按您的位置计算" in page.text
    assert page.text.index("书院街店") < page.text.index("灯笼巷店")
    for nonsense in ("0,0", "x", "999,999", ",", "30.8"):
        anybody.web.cookies.set("hutong_at", nonsense)
        assert "距离按市中心计算" in (await anybody.get(anybody.at())).text
