"""What is found with squares, beginnings and what documents say is what a plain, slow look at everything finds.

Each search and each completion of a small city is compared with a statement that knows no ring, no limit and no
column made for speed: every document is matched, every offer and store is looked up where it is kept.
"""

from datetime import timedelta

import pytest

from hutong import catalog, merchants
from hutong.catalog.cells import GRIDS, rings, squares_of
from hutong.catalog.words import all_of, in_index, plain
from hutong.infra.db import Database
from hutong.kit.access import EVERYTHING
from hutong.kit.text import Text
from hutong.merchants import CloseStore
from hutong.places.near import cube_of
from tests.catalog_town import CENTRE, a_city, a_draft, a_merchant, a_store, beside, published, yuan
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio

_MATCHED = """
    select d.kind, d.doc_id, d.merchant_id, d.title, d.boost,
           exists (select 1 from unnest(d.names) n where starts_with(n, %(plain)s)) as begins,
           ts_rank('{0.05, 0.2, 0.5, 1.0}', d.words, %(query)s::tsquery) + d.boost
           + case when %(plain)s = any(d.names) then 1.0
                  when exists (select 1 from unnest(d.names) n where starts_with(n, %(plain)s)) then 0.3
                  else 0.0 end as score
    from catalog.search_docs d
    where d.city_id = %(city)s and d.words @@ %(query)s::tsquery
      and (d.kind = 'store' or exists (
          select 1 from catalog.offers o where o.city_id = %(city)s and o.offer_id = d.doc_id
            and o.status = 'published' and o.sale_from <= %(now)s and o.sale_to > %(now)s))"""
SEARCHED = f"""
    with matched as ({_MATCHED}),
    shops as (
        select m.doc_id as store_id, m.score from matched m where m.kind = 'store'
        union all
        select os.store_id, m.score from matched m
        join catalog.offer_stores os on os.city_id = %(city)s and os.offer_id = m.doc_id where m.kind = 'offer')
    select f.store_id from shops s
    join catalog.storefronts f on f.city_id = %(city)s and f.store_id = s.store_id and f.visible
    group by f.store_id, f.at
    order by (1000000 * (max(s.score) - least((f.at <-> %(here)s::cube) / 50000.0, 1.0) * 0.5))::bigint desc, f.store_id
"""
SUGGESTED = f"""
    with matched as ({_MATCHED})
    select 'merchant' as kind, merchant_id as id from matched where kind = 'store'
    union select 'offer', (array_agg(doc_id order by begins desc, boost desc))[1] from matched where kind = 'offer'
    group by title"""
FIRST = (
    ("老张", "Old Zhang"),
    ("重庆小面", "Chongqing Noodles"),
    ("海底捞火锅", "Haidilao Hot Pot"),
    ("小面吧", "Noodle Bar"),
)
TITLES = (
    ("牛肉面双人餐", "Beef noodles for two"),
    ("四人火锅套餐", "Hot pot for four"),
    ("50元代金券", "50 yuan voucher"),
)
SAID = (
    "面", "牛肉面", "火锅", "huoguo", "hu", "hot", "hotp", "hotpot", "noodles", "chongqing", "chongqingxiaom", "cqxm",
    "for", "beef for", "老张 noodles", "hai di lao", "haidilaohuoguo", "renmin", "人民路", "50", "小面吧", "noodlebar",
    "vo", "店3",
)  # fmt: skip


async def _a_town(db: Database, now) -> None:
    """Shops up to thirty kilometres away, two chains, one branch of which closes; offers of yesterday and tomorrow."""
    await a_city(db)
    for n in range(12):
        merchant = await a_merchant(db, *FIRST[n % 4], now=now)
        there = [beside(90 * 2**n, 40 * n * (-1) ** n), beside(-300 * n, 700 * n)][: 1 + (n % 5 == 0)]
        stores = [
            await a_store(db, merchant, place, zh=f"店{n}", en=f"Branch {n}", category="hotpot", now=now)
            for place in there
        ]
        shifts = (timedelta(0), timedelta(days=2) if n % 3 == 0 else timedelta(0), timedelta(0))
        drafts = [
            a_draft(
                merchant, *stores, now=now, title=Text(zh=zh, en=en), price=yuan(1_000 * (n + k + 1)),
                list_price=yuan(90_000), sale_from=now - timedelta(days=1) + shift,
                sale_to=now + timedelta(days=(n + k) % 4 + shift.days, hours=1),
            )
            for k, ((zh, en), shift) in enumerate(zip(TITLES, shifts, strict=True))
        ]  # fmt: skip
        await published(db, *drafts, now=now)
        if n == 10:
            async with db.city(1) as tx:
                closing = [CloseStore(store_id=stores[0], by=merchant, reason="moved")]
                await merchants.close_stores(tx, closing, city_id=1, scope=EVERYTHING, now=now)
                await catalog.refresh_stores(tx, stores, city_id=1, now=now)


async def test_a_search_finds_what_a_plain_look_finds(db: Database, now):
    await _a_town(db, now)
    assert await audit_clean(db)
    compared = 0
    for day in (0, 2, 40):
        at = now + timedelta(days=day)
        for words in SAID:
            for place in (CENTRE, beside(20_000, 5_000)):
                asked = {"query": all_of(1, words), "plain": plain(words), "city": 1, "now": at}
                async with db.reading(1) as tx:
                    page = await catalog.search(tx, city_id=1, words=words, now=at, point=place, limit=50)
                    told = await catalog.suggest(tx, city_id=1, prefix=words, now=at, point=place, limit=500)
                    slow = [row["store_id"] for row in await tx.rows(SEARCHED, **asked, here=cube_of(place))]
                    meant = await tx.rows(SUGGESTED, **asked)
                if slow:  # else what was typed is taken as misspelt
                    assert [card.store_id for card in page.items] == slow, (words, day)
                assert sorted((s.kind, s.title.zh) for s in told if s.kind in ("merchant", "offer")) == sorted(
                    await _named(db, meant)
                ), (words, day)
                compared += len(slow)
    assert compared > 1_000, "the comparison looked at something"


async def _named(db: Database, meant) -> list[tuple[str, str]]:
    async with db.reading(1) as tx:
        rows = await tx.rows(
            """select d.kind, case d.kind when 'store' then d.merchant_id else d.doc_id end as id,
                      d.title ->> 'zh' as zh
               from catalog.search_docs d where d.city_id = 1"""
        )
    names = {row["id"]: row["zh"] for row in rows}
    return [(row["kind"], names[row["id"]]) for row in meant]


_TWICE = """select catalog.near_marks(marks) @@ %(near)s::tsquery as near, marks @@ %(plainly)s::tsquery as plainly,
                   doc_id = %(chain)s as far_flung
            from catalog.search_docs where city_id = %(city)s"""


async def test_the_index_of_what_is_near_finds_what_words_and_squares_find(db: Database, now):
    """Ring by ring, in both indexes, documents with one store, with several, and one with too many squares to stand
    before its words."""
    await _a_town(db, now)
    branches = [beside(1_900 * n, -1_700 * n) for n in range(-25, 25)]
    async with db.city(1) as tx:
        (chain,) = await tx.rows(
            """update catalog.search_docs set marks = marks || array_to_tsvector(%(squares)s::text[])
               where (kind, doc_id) = (select kind, doc_id from catalog.search_docs where city_id = 1 and kind = 'offer'
                                       order by length(marks) desc limit 1) and city_id = 1
               returning doc_id, (select count(*) from unnest(tsvector_to_array(catalog.near_marks(marks))) one
                                  where one like '1~.%%') as bare""",
            squares=squares_of(1, branches),
        )
    assert chain["bare"] > 80, "its words stand before no square"
    near = far_flung = 0
    async with db.reading(1) as tx:
        for words in SAID:
            query = in_index(all_of(1, words))
            for place in (CENTRE, branches[5]):
                asked = [ring.query for ring in rings(1, query, plain=plain(words), point=place) if ring.near]
                for ring, n in zip(asked, list(GRIDS)[1::2] if ":*" in query else GRIDS, strict=False):
                    row, column = round(place.lat * GRIDS[n]), round(place.lon * GRIDS[n])
                    around = " | ".join(f"'1.@{n}:{row - i}:{column - j}'" for i in (0, 1) for j in (0, 1))
                    found = await tx.rows(
                        _TWICE, city=1, chain=chain["doc_id"], near=ring, plainly=f"({query}) & ({around})"
                    )
                    assert [one["near"] for one in found] == [one["plainly"] for one in found], (words, n)
                    near += sum(one["near"] for one in found)
                    far_flung += sum(one["near"] and one["far_flung"] for one in found)
    assert near > 300
    assert far_flung > 5
