"""What consumers browse: stores near a point, by price, newest; a store with its offers."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from hutong import catalog
from hutong.catalog import Category, Revise, Step, StoreDoc
from hutong.catalog.refusals import CategoryTaken, UnknownCategory
from hutong.infra.db import Database
from hutong.kit.geo import distance_m
from hutong.kit.refusals import BadInput
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from tests.catalog_town import CATEGORIES, CENTRE, a_city, a_draft, a_merchant, a_store, beside, published, yuan
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


@pytest.fixture
async def street(db: Database, now):
    """Five shops along a street, 100 m apart; shop i sells noodles for 1000 + 100 x (4 - i) and more."""
    await a_city(db)
    shops = []
    for i in range(5):
        merchant = await a_merchant(db, f"面馆{i}", f"Noodles {i}", now=now)
        shops.append(await a_store(db, merchant, beside(100 * i), district=1 + i % 2, now=now))
        price = 1_000 + 100 * (4 - i)
        drafts = [
            a_draft(merchant, shops[-1], now=now, price=yuan(price + extra), category=category)
            for extra, category in ((0, "noodles"), (50, "noodles"), (500, "hotpot"))
        ]
        await published(db, *drafts, now=now + timedelta(minutes=i))
    return shops


@pytest.fixture
def look(db: Database, now):
    async def nearby(**options):
        async with db.reading(1) as tx:
            asked = {"city_id": 1, "point": CENTRE, "now": now + timedelta(hours=1)} | options
            return await catalog.nearby(tx, **asked)

    return nearby


def ids(page):
    return [card.store_id for card in page.items]


async def test_nearest_first_with_exact_metres_and_two_cheapest_offers(db, street, look):
    page = await look()
    assert ids(page) == street
    for i, card in enumerate(page.items):
        assert card.distance_m == pytest.approx(distance_m(CENTRE, beside(100 * i)), abs=1e-3)
        assert card.distance_m == pytest.approx(100 * i, abs=0.5)
        assert [offer.price.units for offer in card.offers] == [1_400 - 100 * i, 1_450 - 100 * i]
        assert card.offer_count == 3
    assert page.items[0].merchant_name == Text(zh="面馆0", en="Noodles 0")
    assert page.items[0].offers[0].refund_anytime
    assert page.items[0].point == CENTRE
    assert await audit_clean(db)


async def test_by_price_and_newest_and_without_a_point(street, look):
    assert ids(await look(sort="price")) == street[::-1]
    assert ids(await look(sort="new")) == street[::-1]
    page = await look(point=None)
    assert ids(page) == street[::-1]
    assert page.items[0].distance_m is None


async def test_a_category_includes_what_is_below_it(street, look):
    assert ids(await look(category="food")) == street
    hot = await look(category="hotpot")
    assert ids(hot) == street
    assert [(card.offer_count, card.offers[0].category) for card in hot.items] == [(1, "hotpot")] * 5
    assert ids(await look(category="ktv")) == ids(await look(category="nothing")) == []


async def test_a_district(street, look):
    assert ids(await look(district_id=2)) == [street[1], street[3]]


@pytest.mark.parametrize("sort", ["distance", "price", "new"])
async def test_pages_follow_each_other_without_gap_or_repeat(db, street, look, now, sort):
    for i in range(4):  # four shops at the very same place and price: ties are broken by the store
        merchant = await a_merchant(db, f"同价{i}", f"Same {i}", now=now)
        store = await a_store(db, merchant, beside(100), now=now)
        await published(db, a_draft(merchant, store, now=now, price=yuan(1_000)), now=now)
    whole = ids(await look(sort=sort))
    assert len(whole) == 9
    seen, after = [], None
    while True:
        page = await look(sort=sort, limit=2, after=after)
        seen += ids(page)
        after = page.after
        if after is None:
            break
    assert seen == whole
    with pytest.raises(BadInput):
        await look(after="nonsense!")


async def test_only_what_is_published_and_within_its_sale_is_seen(db, street, look, now):
    merchant = await a_merchant(db, "夜店", "Night Shop", now=now)
    store = await a_store(db, merchant, beside(-10), now=now)
    opening, closing = now + timedelta(hours=5), now + timedelta(hours=6)
    draft = a_draft(merchant, store, now=now, sale_from=opening, sale_to=closing)
    (offer,) = await published(db, draft, now=now)

    async def is_seen(at):
        async with db.reading(1) as tx:
            page = await catalog.store_page(tx, store, city_id=1, now=at)
            found = await catalog.search(tx, city_id=1, words="Night", now=at)
        assert page is not None
        assert len(page.offers) == page.card.offer_count == len(found.items[0].offers)
        return (store in ids(await look(now=at)), len(page.offers))

    assert await is_seen(now) == (False, 0)
    assert await is_seen(opening) == (True, 1)
    assert await is_seen(closing) == (False, 0)
    async with db.city(1) as tx:
        await catalog.end(tx, [Step(offer_id=offer.offer_id, by=None)], city_id=1, now=now)
    assert await is_seen(opening) == (False, 0)
    assert await audit_clean(db)


async def test_a_new_price_moves_the_store_in_the_list(db, street, look, now):
    async with db.reading(1) as tx:
        page = await catalog.store_page(tx, street[0], city_id=1, now=now, point=beside(50))
    assert page is not None
    assert [offer.price.units for offer in page.offers] == [1_400, 1_450, 1_900]
    assert page.card.distance_m == pytest.approx(50, abs=0.5)
    async with db.city(1) as tx:
        cheap = Revise(offer_id=page.offers[0].offer_id, by=None, price=yuan(1))
        await catalog.revise(tx, [cheap], city_id=1, now=now + timedelta(minutes=30))
    assert ids(await look(sort="price"))[0] == street[0]


async def test_a_store_that_closes_or_moves_or_is_renamed(db, street, look, now):
    async with db.city(1) as tx:
        await tx.run(
            """update merchants.stores set status = 'closed', closed_at = %(now)s, closed_by = store_id,
                      close_reason = 'x' where city_id = 1 and store_id = %(id)s""",
            id=street[0], now=now,
        )  # fmt: skip
        await tx.run(
            "update merchants.stores set name = %(name)s where city_id = 1 and store_id = %(id)s",
            id=street[1], name='{"zh": "外滩店", "en": "Bund"}',
        )  # fmt: skip
        assert await catalog.refresh_stores(tx, street[:2], city_id=1, now=now) == 2
    page = await look()
    assert ids(page) == street[1:]
    async with db.reading(1) as tx:
        assert await catalog.store_page(tx, street[0], city_id=1, now=now) is None
        closed, unknown = await catalog.storefronts(tx, [street[0], uuid4()], city_id=1, now=now)
        assert closed is not None
        assert not closed.visible
        assert unknown is None
        found = await catalog.search(tx, city_id=1, words="外滩 牛肉面", now=now)
        assert ids(found) == [street[1]], "the words of its offers follow its name"
    assert await audit_clean(db)


async def test_badges_come_from_the_terms(db, street, look, now):
    merchant = await a_merchant(db, "一", "One", now=now)
    store = await a_store(db, merchant, beside(-5), now=now)
    terms = Terms(refund="none", refund_on_expiry=False, booking_needed=True)
    await published(db, a_draft(merchant, store, now=now, terms=terms, min_units=10, category="ktv"), now=now)
    (brief,) = (await look(category="ktv")).items[0].offers
    assert (brief.refund_anytime, brief.refund_on_expiry, brief.booking_needed) == (False, False, True)
    assert brief.min_units == 10


async def test_two_offers_of_one_store_published_at_once_are_both_listed(db, street, look, now):
    merchant = await a_merchant(db, "双", "Twin", now=now)
    store = await a_store(db, merchant, beside(-5), now=now)
    drafts = [a_draft(merchant, store, now=now, price=yuan(10 + i), category="ktv") for i in range(6)]
    await asyncio.gather(*(published(db, draft, now=now) for draft in drafts))
    (card,) = (await look(category="ktv", sort="price")).items
    assert card.offer_count == 6
    async with db.reading(1) as tx:
        row = await tx.row("select price_units from catalog.listings where city_id = 1 and category = 'ktv'")
        counts = await catalog.category_counts(tx, city_id=1)
    assert row == {"price_units": 10}
    assert counts == {"": 6, "food": 5, "noodles": 5, "hotpot": 5, "ktv": 1}
    assert await audit_clean(db)


async def test_a_chain_is_one_card_for_each_store(db, street, look, now):
    merchant = await a_merchant(db, "连锁", "Chain", now=now)
    stores = [await a_store(db, merchant, beside(1_000 + i), now=now) for i in range(3)]
    await published(db, a_draft(merchant, *stores, now=now, category="ktv"), now=now)
    assert ids(await look(category="ktv")) == stores


async def test_another_city_is_another_world(db, street, look, now):
    await a_city(db, 2, "erlang")
    merchant = await a_merchant(db, "面馆0", "Noodles 0", now=now)
    store = await a_store(db, merchant, CENTRE, city=2, now=now)
    await published(db, a_draft(merchant, store, now=now), now=now, city=2)
    assert ids(await look()) == street
    assert ids(await look(city_id=2)) == [store]
    async with db.reading(2) as tx:
        assert ids(await catalog.search(tx, city_id=2, words="面馆0", now=now)) == [store]
        assert await catalog.store_page(tx, street[0], city_id=2, now=now) is None
    assert await audit_clean(db)


async def test_categories_are_safe_to_repeat(db, street):
    other = Category(slug="food", name=Text.both("x"))
    orphan = Category(slug="orphan", name=Text.both("x"), parent="nobody")
    async with db.central() as tx:
        results = await catalog.add_categories(tx, [*CATEGORIES, other, orphan])
        assert await catalog.categories(tx) == sorted(CATEGORIES, key=lambda c: (c.position, c.slug))
    assert results == [*CATEGORIES, CategoryTaken(category="food"), UnknownCategory(category="nobody")]


async def test_a_doc_from_elsewhere_can_be_indexed_directly(db, street, look, now):
    (card,) = (await look(limit=1)).items
    doc = StoreDoc(
        store_id=card.store_id, merchant_id=card.merchant_id, merchant_name=card.merchant_name, name=card.name,
        point=card.point, cover="photos/1.jpg", hours={"mon": [[600, 1320]]},
    )  # fmt: skip
    async with db.city(1) as tx:
        await catalog.index_stores(tx, [doc], city_id=1, now=now)
    (again,) = (await look(limit=1)).items
    assert (again.cover, again.hours) == ("photos/1.jpg", {"mon": [[600, 1320]]})
