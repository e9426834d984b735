"""The life of an offer: draft, review, shelf, end; its history and its prices. Mei owns Noodle Bar."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest

from hutong import catalog
from hutong.catalog import Offer, Revise, Step, why_not_on_sale
from hutong.catalog.refusals import (
    BadPrice,
    BadTerms,
    NeedsReview,
    NoStores,
    NotOnSale,
    OfferChanged,
    OfferNotFound,
    OfferTaken,
    SaleNotStarted,
    SaleOver,
    SaleWindowInverted,
    StoreOfAnother,
    TooManyPerOrder,
    UnknownCategory,
    WrongStatus,
)
from hutong.infra.db import Database
from hutong.kit.access import Scope
from hutong.kit.clock import local
from hutong.kit.refusals import BadInput
from hutong.kit.terms import Blackout, Terms, Window
from hutong.kit.text import Text
from tests.catalog_town import a_city, a_draft, a_merchant, a_store, published, yuan
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


@pytest.fixture
async def noodle_bar(db: Database, now):
    await a_city(db)
    merchant = await a_merchant(db, "面吧", "Noodle Bar", now=now)
    return merchant, await a_store(db, merchant, now=now)


async def test_from_draft_to_the_shelf_and_off_it(db: Database, noodle_bar, now):
    mei, lin = uuid4(), uuid4()
    request = a_draft(*noodle_bar, now=now, by=mei)
    step = Step(offer_id=request.offer_id, by=lin)
    async with db.city(1) as tx:
        (offer,) = await catalog.draft(tx, [request], city_id=1, now=now)
        assert isinstance(offer, Offer)
        assert why_not_on_sale(offer, now) == NotOnSale(status="draft")
        (offer,) = await catalog.submit(tx, [step], city_id=1, now=now)
        (offer,) = await catalog.reject(
            tx, [Step(offer_id=request.offer_id, by=lin, reason="照片")], city_id=1, now=now
        )
        assert isinstance(offer, Offer)
        assert offer.status == "rejected"
        better = Revise(offer_id=request.offer_id, by=mei, title=Text(zh="牛肉面", en="Beef noodles"))
        (offer,) = await catalog.revise(tx, [better], city_id=1, now=now)
        assert isinstance(offer, Offer)
        assert (offer.status, offer.title.zh) == ("draft", "牛肉面")
        await catalog.submit(tx, [step], city_id=1, now=now)
        (offer,) = await catalog.approve(tx, [step], city_id=1, now=now)
        assert isinstance(offer, Offer)
        assert why_not_on_sale(offer, now) is None
        assert (await catalog.offers(tx, [offer.offer_id, uuid4()], city_id=1)) == [offer, None]
    assert await audit_clean(db)
    later = now + timedelta(days=2)
    async with db.city(1) as tx:
        (ended,) = await catalog.end(tx, [step], city_id=1, now=later)
        assert await catalog.end(tx, [step], city_id=1, now=later) == [ended]
        history = await catalog.history(tx, offer.offer_id, city_id=1)
        (period,) = await catalog.price_history(tx, offer.offer_id, city_id=1)
    assert [c.what for c in history] == [
        "drafted", "submitted", "rejected", "revised", "submitted", "approved", "ended",
    ]  # fmt: skip
    assert (history[2].by, history[2].reason, history[2].status) == (lin, "照片", "rejected")
    assert history[3].before == {"status": "rejected", "title": {"zh": "牛肉面双人餐", "en": "Beef noodles for two"}}
    assert history[3].after["title"]["zh"] == "牛肉面"
    assert (period.price, period.valid_from, period.valid_to) == (yuan(6_800), now, later)
    async with db.reading(1) as tx:
        topics = await tx.rows(
            "select topic from infra.facts where city_id = 1 and topic like 'catalog.%%' order by payload->'version'"
        )
    assert [row["topic"].rsplit(".")[-1] for row in topics] == [c.what for c in history]
    assert await audit_clean(db)


async def test_a_new_price_on_the_shelf_closes_the_old_period(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    days = [now + timedelta(days=i) for i in (1, 1, 2)]
    for day, price in zip(days, (6_000, 5_900, 5_000), strict=True):
        async with db.city(1) as tx:
            request = Revise(offer_id=offer.offer_id, by=None, price=yuan(price))
            await catalog.revise(tx, [request], city_id=1, now=day)
    async with db.city(1) as tx:
        periods = await catalog.price_history(tx, offer.offer_id, city_id=1)
        (page,) = [await catalog.store_page(tx, offer.store_ids[0], city_id=1, now=days[2])]
    assert [(p.price.units, p.valid_from, p.valid_to) for p in periods] == [
        (6_800, now, days[0]), (5_900, days[0], days[2]), (5_000, days[2], None),
    ]  # fmt: skip
    assert page is not None
    assert page.offers[0].price == yuan(5_000)
    assert await audit_clean(db)


async def test_clocks_of_two_servers_may_differ_a_little(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    for offset, price in ((60, 6_000), (59, 5_000), (58, 4_000)):
        async with db.city(1) as tx:
            at = now + timedelta(seconds=offset)
            await catalog.revise(tx, [Revise(offer_id=offer.offer_id, by=None, price=yuan(price))], city_id=1, now=at)
    assert await audit_clean(db)


async def test_on_the_shelf_only_some_things_may_change(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    shorter = now + timedelta(days=1)
    async with db.city(1) as tx:
        results = await catalog.revise(
            tx,
            [
                Revise(offer_id=offer.offer_id, by=None, title=Text.both("x"), terms=Terms(valid_days=1)),
                Revise(offer_id=offer.offer_id, by=None, sale_to=shorter, reason="sold well"),
                Revise(offer_id=offer.offer_id, by=None, sale_to=shorter),
                Revise(offer_id=offer.offer_id, by=None, price=yuan(100_000)),
            ],
            city_id=1,
            now=now,
        )
    assert results[0] == NeedsReview(fields=["terms", "title"])
    assert isinstance(results[1], Offer)
    assert results[1].sale_to == shorter
    assert results[2] == results[1], "nothing was different: no new version"
    assert results[3] == BadPrice(price="¥1,000", list_price="¥99")
    assert await audit_clean(db)


async def test_steps_out_of_order_wrong_versions_and_strangers_are_refused(db: Database, noodle_bar, now):
    request = a_draft(*noodle_bar, now=now)
    known = {"offer_id": request.offer_id, "by": None}
    bo = Scope(merchants=frozenset({uuid4()}))
    async with db.city(1) as tx:
        await catalog.draft(tx, [request], city_id=1, now=now)
        assert await catalog.approve(tx, [Step(**known)], city_id=1, now=now) == [WrongStatus(status="draft")]
        refused = await catalog.submit(
            tx,
            [Step(**known, within=bo), Step(**known, version=7), Step(offer_id=uuid4(), by=None)],
            city_id=1,
            now=now,
        )
        assert refused == [OfferNotFound(), OfferChanged(version=1), OfferNotFound()]
        (first, second) = await catalog.submit(tx, [Step(**known), Step(**known)], city_id=1, now=now)
        assert isinstance(first, Offer)
        assert second == WrongStatus(status="in_review"), "the second sees what the first did"
        assert await catalog.revise(tx, [Revise(**known, title=Text.both("x"))], city_id=1, now=now) == [
            WrongStatus(status="in_review")
        ]
        assert await catalog.reject(tx, [Step(**known)], city_id=1, now=now) == [BadInput(field="reason", why="1-")]
        (back,) = await catalog.withdraw(tx, [Step(**known)], city_id=1, now=now)
        assert isinstance(back, Offer)
        assert back.status == "draft"
        await catalog.submit(tx, [Step(**known)], city_id=1, now=now)
        (late,) = await catalog.approve(tx, [Step(**known)], city_id=1, now=now + timedelta(days=90))
        assert isinstance(late, SaleOver)
        said = local(back.sale_to, "Asia/Shanghai").strftime("%Y-%m-%d %H:%M")
        assert late == SaleOver(sale_to=said), "as the city's clock says it"
    assert await audit_clean(db)


async def test_unsound_drafts_are_refused_one_by_one(db: Database, noodle_bar, now):
    merchant, store = noodle_bar
    other = await a_merchant(db, "别家", "Elsewhere", now=now)
    foreign = await a_store(db, other, now=now)
    cases = [
        ({"price": yuan(10_000)}, BadPrice),
        ({"price": yuan(-1)}, BadPrice),
        ({"sale_to": now - timedelta(days=2)}, SaleWindowInverted),
        ({"store_ids": ()}, NoStores),
        ({"store_ids": (store, foreign)}, StoreOfAnother),
        ({"store_ids": (uuid4(),)}, StoreOfAnother),
        ({"category": "spaceships"}, UnknownCategory),
        ({"title": Text(zh=" ", en="x")}, BadInput),
        ({"min_units": 0}, BadInput),
        ({"per_order_max": 0}, BadInput),
        ({"terms": Terms(valid_from=date(2027, 1, 2), valid_until=date(2027, 1, 1))}, BadTerms),
        ({"terms": Terms(valid_until=date(2026, 12, 1))}, BadTerms),
        ({"terms": Terms(windows=(Window((), 0, 10),))}, BadTerms),
        ({"terms": Terms(windows=(Window((1,), 600, 600),))}, BadTerms),
        ({"terms": Terms(blackouts=(Blackout(date(2027, 1, 2), date(2027, 1, 1)),))}, BadTerms),
        ({"terms": Terms(per_member=0)}, BadTerms),
        ({"terms": Terms(party_min=4, party_max=2)}, BadTerms),
        ({}, Offer),
    ]
    requests = [a_draft(merchant, *changes.pop("store_ids", (store,)), now=now, **changes) for changes, _ in cases]
    async with db.city(1) as tx:
        results = await catalog.draft(tx, requests, city_id=1, now=now)
    assert [type(result) for result in results] == [kind for _, kind in cases]
    assert await audit_clean(db)


async def test_the_same_draft_twice_is_one_and_an_id_cannot_be_taken_over(db: Database, noodle_bar, now):
    request = a_draft(*noodle_bar, now=now)
    other = a_draft(*noodle_bar, now=now, offer_id=request.offer_id, title=Text.both("other"))
    for _ in range(2):
        async with db.city(1) as tx:
            one, two, three = await catalog.draft(tx, [request, request, other], city_id=1, now=now)
        assert one == two
        assert isinstance(one, Offer)
        assert three == OfferTaken()
    for _ in range(2):
        assert (await published(db, request, request, now=now))[0].version == 3
    assert await audit_clean(db)


async def test_why_not_on_sale_says_what_and_when(db: Database, noodle_bar, now):
    request = a_draft(*noodle_bar, now=now, sale_from=now + timedelta(hours=1), per_order_max=2)
    (offer,) = await published(db, request, now=now)
    assert why_not_on_sale(None, now) == OfferNotFound()
    early = why_not_on_sale(offer, now, zone="Asia/Shanghai")
    assert early == SaleNotStarted(sale_from="2026-11-20 13:00")
    assert why_not_on_sale(offer, offer.sale_from, quantity=2) is None
    assert why_not_on_sale(offer, offer.sale_from, quantity=3) == TooManyPerOrder(most=2)
    assert isinstance(why_not_on_sale(offer, offer.sale_to), SaleOver)


async def test_staff_see_the_offers_of_their_scope(db: Database, noodle_bar, now):
    mei, store = noodle_bar
    second = await a_store(db, mei, zh="分店", en="Second shop", now=now)
    bo = await a_merchant(db, "别家", "Elsewhere", now=now)
    foreign = await a_store(db, bo, now=now)
    mine = await published(db, a_draft(mei, store, now=now), a_draft(mei, second, now=now), now=now)
    await published(db, a_draft(bo, foreign, now=now), now=now)
    async with db.city(1) as tx:
        (waiting,) = await catalog.draft(tx, [a_draft(mei, store, second, now=now)], city_id=1, now=now)

        async def seen(status=None, **scope):
            page = await catalog.offers_in_scope(tx, Scope(**scope), city_id=1, status=status)
            return {offer.offer_id for offer in page.items}

        assert isinstance(waiting, Offer)
        assert len(await seen(cities=frozenset({1}))) == len(await seen(everything=True)) == 4
        assert await seen(merchants=frozenset({mei})) == {mine[0].offer_id, mine[1].offer_id, waiting.offer_id}
        assert await seen(stores=frozenset({second})) == {mine[1].offer_id, waiting.offer_id}
        assert await seen("draft", merchants=frozenset({mei})) == {waiting.offer_id}
        assert await seen() == await seen(cities=frozenset({2})) == set()
        first = await catalog.offers_in_scope(tx, Scope(everything=True), city_id=1, limit=3)
        rest = await catalog.offers_in_scope(tx, Scope(everything=True), city_id=1, limit=3, after=first.after)
        assert (len(first.items), len(rest.items), rest.after) == (3, 1, None)


async def test_what_is_due_to_end(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    async with db.city(1) as tx:
        assert await catalog.due_to_end(tx, city_id=1, now=now) == []
        assert await catalog.due_to_end(tx, city_id=1, now=offer.sale_to) == [offer.offer_id]


async def test_two_approvals_at_the_same_moment_are_one(db: Database, noodle_bar, now):
    request = a_draft(*noodle_bar, now=now)
    step = Step(offer_id=request.offer_id, by=None)
    async with db.city(1) as tx:
        await catalog.draft(tx, [request], city_id=1, now=now)
        await catalog.submit(tx, [step], city_id=1, now=now)

    async def approve():
        async with db.city(1) as tx:
            return (await catalog.approve(tx, [step], city_id=1, now=now))[0]

    results = await asyncio.gather(*(approve() for _ in range(6)))
    assert sum(isinstance(result, Offer) for result in results) == 1
    assert await audit_clean(db)


async def test_the_database_refuses_what_the_rules_refuse(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    bo = await a_merchant(db, "别家", "Elsewhere", now=now)
    foreign = await a_store(db, bo, now=now)
    for sql, error in (
        ("update catalog.offers set price_units = 10000 where city_id = 1", psycopg.errors.CheckViolation),
        ("update catalog.offers set sale_to = sale_from where city_id = 1", psycopg.errors.CheckViolation),
        (
            """insert into catalog.offer_prices (city_id, offer_id, valid_from, price_units, list_units, asset)
               values (1, %(offer)s, %(now)s::timestamptz + interval '1 day', 1, 1, 'CNY')""",
            psycopg.errors.ExclusionViolation,
        ),
        (
            """insert into catalog.offer_stores (city_id, offer_id, store_id, merchant_id)
               values (1, %(offer)s, %(foreign)s, %(mei)s)""",
            psycopg.errors.ForeignKeyViolation,
        ),
    ):
        with pytest.raises(error):
            async with db.city(1) as tx:
                await tx.run(sql, offer=offer.offer_id, now=now, foreign=foreign, mei=offer.merchant_id)
