"""Searching: Chinese words and single characters, pinyin, initials, Latin words, misspelt and half remembered."""

from datetime import timedelta

import pytest

from hutong import catalog
from hutong.infra.db import Database
from hutong.kit.text import Text
from tests.catalog_town import CENTRE, a_city, a_draft, a_merchant, a_store, beside, published, yuan

pytestmark = pytest.mark.anyio

SHOPS = [
    # merchant, branch, category, offer, price
    (
        ("海底捞火锅", "Haidilao Hot Pot"),
        ("望京店", "Wangjing"),
        "hotpot",
        ("四人火锅套餐", "Hot pot for four"),
        29_800,
    ),
    (("渝是乎酸菜鱼", "Yushihu"), ("三里屯店", "Sanlitun"), "food", ("酸菜鱼双人餐", "Fish for two"), 8_800),
    (("老张牛肉面", "Zhang's Noodles"), ("三里屯店", "Sanlitun"), "noodles", ("招牌牛肉面", "Beef noodles"), 1_900),
    (("Café Bleu", "Café Bleu"), ("外滩店", "The Bund"), "food", ("拿铁咖啡", "Caffè latte"), 1_500),
    (("唱吧麦颂KTV", "Changba KTV"), ("总店", "Main"), "ktv", ("3小时欢唱", "Sing for 3 hours"), 9_900),
    (("重庆小面", "Chongqing Noodles"), ("望京店", "Wangjing"), "noodles", ("小面单人餐", "Noodles for one"), 1_200),
]


@pytest.fixture
async def shops(db: Database, now):
    await a_city(db)
    found = {}
    for i, (merchant, branch, category, title, price) in enumerate(SHOPS):
        merchant_id = await a_merchant(db, *merchant, now=now)
        zh, en = branch
        store = await a_store(db, merchant_id, beside(200 * i), zh=zh, en=en, category=category, now=now)
        words = Text(zh=title[0], en=title[1])
        listed = yuan(price * 2)
        draft = a_draft(
            merchant_id, store, now=now, title=words, category=category, price=yuan(price), list_price=listed,
            summary=Text(zh="周末通用，免预约", en="Weekends too"),
        )  # fmt: skip
        await published(db, draft, now=now)
        found[store] = merchant[0]
    return found


@pytest.fixture
def find(db: Database, shops, now):
    async def search(words, **options):
        async with db.reading(1) as tx:
            page = await catalog.search(tx, city_id=1, words=words, now=now, **options)
        return [shops[card.store_id] for card in page.items]

    return search


TYPED = [
    ("海底捞", "海底捞火锅"),
    ("火锅", "海底捞火锅"),
    ("锅", "海底捞火锅"),
    ("底捞", "海底捞火锅"),
    ("海底捞 望京", "海底捞火锅"),
    ("望京火锅", "海底捞火锅"),
    ("渝是乎", "渝是乎酸菜鱼"),
    ("是乎", "渝是乎酸菜鱼"),
    ("酸菜鱼", "渝是乎酸菜鱼"),
    ("三里屯牛肉面", "老张牛肉面"),
    ("haidilao", "海底捞火锅"),
    ("HaiDiLao", "海底捞火锅"),
    ("hai di lao", "海底捞火锅"),
    ("hdl", "海底捞火锅"),
    ("hd", "海底捞火锅"),
    ("suancaiyu", "渝是乎酸菜鱼"),
    ("ysh", "渝是乎酸菜鱼"),
    ("chongqing", "重庆小面"),
    ("cqxm", "重庆小面"),
    ("cafe", "Café Bleu"),
    ("Café", "Café Bleu"),
    ("bleu", "Café Bleu"),
    ("latte", "Café Bleu"),
    ("naTie", "Café Bleu"),
    ("拿铁", "Café Bleu"),
    ("ktv", "唱吧麦颂KTV"),
    ("ＫＴＶ", "唱吧麦颂KTV"),
    ("唱吧ktv", "唱吧麦颂KTV"),
    ("zhang's", "老张牛肉面"),
    ("beef", "老张牛肉面"),
    ("海底劳", "海底捞火锅"),
    ("haidilap", "海底捞火锅"),
    ("海底捞烤肉", "海底捞火锅"),
    ("bund", "Café Bleu"),
    ("外滩", "Café Bleu"),
]


async def test_what_people_type(find):
    """One town for all of them: making it takes longer than asking."""
    assert {words: (await find(words))[:1] for words, _ in TYPED} == {words: [first] for words, first in TYPED}


NONSENSE = ["", " ", "!!", "。", "zzzzqqqq", "龘", "'", "\\", "& | !", "a' or 'b", "x" * 5_000]


async def test_nonsense_finds_nothing_and_breaks_nothing(find):
    assert {words: await find(words) for words in NONSENSE} == {words: [] for words in NONSENSE}


async def test_all_of_it_before_some_of_it(find):
    assert await find("三里屯 牛肉面") == ["老张牛肉面"]
    assert set(await find("面馆")) == {"老张牛肉面", "重庆小面"}, "the category counts"
    assert set(await find("noodles")) == {"老张牛肉面", "重庆小面"}
    assert set(await find("周末")) == set(await find("通用"))
    assert len(await find("周末")) == 6


async def test_near_ones_before_far_ones_of_equal_worth(find):
    assert await find("望京", point=beside(0)) == ["海底捞火锅", "重庆小面"]
    assert await find("望京", point=beside(50_000)) == ["重庆小面", "海底捞火锅"]


async def test_within_a_category(find):
    assert await find("望京", category="noodles") == ["重庆小面"]
    assert set(await find("望京", category="food")) == {"海底捞火锅", "重庆小面"}


async def test_pages_of_a_search_follow_each_other(db, shops, find, now):
    for words in ("周末", "bund weekends zzz"):
        await _turn_the_pages(db, shops, find, now, words)


async def _turn_the_pages(db, shops, find, now, words):
    whole = await find(words)
    assert len(whole) > 3
    seen, after = [], None
    async with db.reading(1) as tx:
        while True:
            page = await catalog.search(tx, city_id=1, words=words, now=now, limit=2, after=after, point=None)
            seen += [shops[card.store_id] for card in page.items]
            after = page.after
            if after is None:
                break
    assert seen == whole


async def test_a_matching_offer_stands_before_a_cheaper_one(db, shops, now):
    store = next(iter(shops))
    async with db.reading(1) as tx:
        page = await catalog.store_page(tx, store, city_id=1, now=now)
    assert page is not None
    cheap = a_draft(page.card.merchant_id, store, now=now, title=Text(zh="酸梅汤", en="Plum juice"), price=yuan(100))
    await published(db, cheap, now=now)
    async with db.reading(1) as tx:
        found = await catalog.search(tx, city_id=1, words="四人火锅", now=now)
    assert [offer.title.zh for offer in found.items[0].offers] == ["四人火锅套餐", "酸梅汤"]


async def test_an_ended_offer_is_not_found_but_its_store_is(db, shops, find, now):
    later = now + timedelta(days=60)
    async with db.reading(1) as tx:
        assert (await catalog.search(tx, city_id=1, words="拿铁", now=later)).items == ()
        (card,) = (await catalog.search(tx, city_id=1, words="Bleu", now=later, point=CENTRE)).items
    assert (card.offer_count, card.offers) == (0, ())


COMPLETED = [
    ("hd", [("merchant", "海底捞火锅")]),
    ("海", [("merchant", "海底捞火锅")]),
    ("hu", [("category", "火锅"), ("merchant", "海底捞火锅"), ("offer", "四人火锅套餐")]),
    ("ch", [("merchant", "重庆小面"), ("merchant", "唱吧麦颂KTV")]),
    ("酸", [("merchant", "渝是乎酸菜鱼"), ("offer", "酸菜鱼双人餐")]),
    ("beef", [("offer", "招牌牛肉面")]),
    ("f", [("category", "美食")]),
    ("ktv", [("category", "KTV"), ("merchant", "唱吧麦颂KTV")]),
    ("", []),
    ("%", []),
]


async def test_completions(db, shops, now):
    for prefix, expected in COMPLETED:
        async with db.reading(1) as tx:
            found = await catalog.suggest(tx, city_id=1, prefix=prefix, now=now)
        shown = [(s.kind, s.title.zh) for s in found]
        assert set(expected) <= set(shown), prefix
        assert len(shown) <= 8
        assert shown[: len(expected)] == expected or prefix in ("ch", "hu", "酸")
