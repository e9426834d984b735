"""The manager's desk below the pages: paused offers, copies, faults by field, stores with versions and history."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from msgspec import structs

from hutong import catalog, merchants
from hutong.catalog import LIVE_FIELDS, NotOnSale, Offer, Revise, SaleOver, Step, WrongStatus, faults, why_not_on_sale
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Permission, Scope
from hutong.kit.geo import Point
from hutong.kit.refusals import BadInput, NotFound
from hutong.kit.terms import Blackout, Terms, Window
from hutong.kit.text import Text
from hutong.merchants import ArrangePhoto, EditStore, Hours, SetHours, Store, StoreChanged, StoreOutsideCity
from tests.catalog_town import a_city, a_draft, a_merchant, a_store, published, yuan
from tests.conftest import audit_clean, fires
from tests.merchants_town import BO, BRANCH, COUNTER, MAN, MEI, a_town

pytestmark = pytest.mark.anyio
EDIT = MEI.scope(Permission.EDIT_STORE)


@pytest.fixture
async def noodle_bar(db: Database, now):
    await a_city(db)
    merchant = await a_merchant(db, "面吧", "Noodle Bar", now=now)
    return merchant, await a_store(db, merchant, now=now)


async def step(db: Database, verb, offer: Offer, at, **more):
    async with db.city(1) as tx:
        return (await verb(tx, [Step(offer_id=offer.offer_id, by=None, **more)], city_id=1, now=at))[0]


async def test_a_pause_takes_an_offer_off_the_shelf_and_back(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    later = now + timedelta(hours=1)
    paused = await step(db, catalog.pause, offer, later)
    assert paused.status == "paused"
    assert why_not_on_sale(paused, later) == NotOnSale(status="paused")
    assert await step(db, catalog.pause, offer, later) == WrongStatus(status="paused")
    async with db.reading(1) as tx:
        (period,) = await catalog.price_history(tx, offer.offer_id, city_id=1)
        page = await catalog.store_page(tx, offer.store_ids[0], city_id=1, now=later)
    assert period.valid_to == later
    assert page is None or page.offers == ()
    assert await audit_clean(db)
    async with db.city(1) as tx:  # what may change on the shelf may change beside it, and nothing more
        cheaper, title = await catalog.revise(
            tx,
            [
                Revise(offer_id=offer.offer_id, by=None, price=yuan(5_000)),
                Revise(offer_id=offer.offer_id, by=None, title=Text.both("x")),
            ],
            city_id=1,
            now=later,
        )
    assert cheaper.status == "paused"
    assert title == catalog.NeedsReview(fields=["title"])
    assert LIVE_FIELDS.isdisjoint({"title", "terms", "store_ids"})
    back = await step(db, catalog.resume, offer, later + timedelta(hours=1))
    assert (back.status, back.published_at) == ("published", now)
    async with db.reading(1) as tx:
        periods = await catalog.price_history(tx, offer.offer_id, city_id=1)
    assert [p.price.units for p in periods] == [6_800, 5_000]
    assert await audit_clean(db)


async def test_a_paused_offer_ends_with_its_sale_and_does_not_come_back(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    await step(db, catalog.pause, offer, now)
    assert isinstance(await step(db, catalog.resume, offer, offer.sale_to), SaleOver)
    async with db.reading(1) as tx:
        assert await catalog.due_to_end(tx, city_id=1, now=offer.sale_to) == [offer.offer_id]
    ended = await step(db, catalog.end, offer, offer.sale_to)
    assert ended.status == "ended"
    assert await audit_clean(db)


async def test_a_pause_and_a_change_of_price_at_one_moment_leave_one_truth(db: Database, noodle_bar, now):
    offers = await published(db, *(a_draft(*noodle_bar, now=now) for _ in range(6)), now=now)

    async def revise(offer: Offer):
        async with db.city(1) as tx:
            asks = [Revise(offer_id=offer.offer_id, by=None, version=3, price=yuan(100))]
            return (await catalog.revise(tx, asks, city_id=1, now=now))[0]

    for offer in offers:
        results = await asyncio.gather(step(db, catalog.pause, offer, now, version=3), revise(offer))
        assert sum(isinstance(result, Offer) for result in results) == 1, "the second read an older version"
    assert await audit_clean(db)


async def test_control_without_versions_both_are_done(db: Database, noodle_bar, now):
    """The race above is one: without the version that was read, nobody is told."""
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)

    async def revise():
        async with db.city(1) as tx:
            asks = [Revise(offer_id=offer.offer_id, by=None, price=yuan(100))]
            return (await catalog.revise(tx, asks, city_id=1, now=now))[0]

    results = await asyncio.gather(step(db, catalog.pause, offer, now), revise())
    assert all(isinstance(result, Offer) for result in results)


async def test_a_copy_knows_what_it_was_copied_from(db: Database, noodle_bar, now):
    (offer,) = await published(db, a_draft(*noodle_bar, now=now), now=now)
    other = await a_merchant(db, "别家", "Elsewhere", now=now)
    async with db.city(1) as tx:
        ask = a_draft(*noodle_bar, now=now, copied_from=offer.offer_id)
        (copy,) = await catalog.draft(tx, [ask], city_id=1, now=now)
        assert isinstance(copy, Offer)
        assert copy.copied_from == offer.offer_id
        (changed,) = await catalog.revise(
            tx, [Revise(offer_id=copy.offer_id, by=None, price=yuan(1))], city_id=1, now=now
        )
        assert changed.copied_from == offer.offer_id
        assert await catalog.counts_by_status(
            tx, Scope(merchants=frozenset({noodle_bar[0]})), city_id=1, merchant_id=noodle_bar[0]
        ) == {"published": 1, "draft": 1}
    store = await a_store(db, other, now=now)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with db.city(1) as tx:
            ask = a_draft(other, store, now=now, copied_from=offer.offer_id)
            await catalog.draft(tx, [ask], city_id=1, now=now)
    assert await audit_clean(db)


async def test_what_waits_longest_is_reviewed_first(db: Database, noodle_bar, now):
    lin = Scope(cities=frozenset({1}))
    async with db.city(1) as tx:
        drafts = await catalog.draft(tx, [a_draft(*noodle_bar, now=now) for _ in range(3)], city_id=1, now=now)
        for minutes, offer in zip((30, 10, 20), drafts, strict=True):
            assert isinstance(offer, Offer)
            asks = [Step(offer_id=offer.offer_id, by=None)]
            await catalog.submit(tx, asks, city_id=1, now=now + timedelta(minutes=minutes))
        found = await catalog.waiting(tx, lin, city_id=1)
        assert await catalog.waiting(tx, Scope(cities=frozenset({2})), city_id=1) == []
    assert [(one.since - now).seconds // 60 for one in found] == [10, 20, 30]


def test_every_fault_is_named_with_its_field(now):
    store = new_id()
    sound = a_draft(new_id(), store, now=now)
    assert list(faults(sound, "UTC")) == []
    broken = structs.replace(
        sound, title=Text(zh="", en=""), store_ids=(), price=yuan(10_000), sale_to=sound.sale_from, per_order_max=0,
        min_units=0,
        terms=Terms(
            valid_days=9_999, windows=(Window((), 0, 1),), party_min=3, party_max=2, per_member=0,
            blackouts=(Blackout(now.date(), now.date() - timedelta(days=1)),),
        ),
    )  # fmt: skip
    assert [field for field, _ in faults(broken, "UTC")] == [
        "title", "store_ids", "price", "sale_to", "per_order_max", "min_units", "valid_days", "windows", "blackouts",
        "per_member", "party_max",
    ]  # fmt: skip


def edit(store: Store, **changes) -> EditStore:
    fields = {"name": store.name, "address": store.address, "phone": store.phone, "place": store.place,
              "district_id": store.district_id}  # fmt: skip
    return EditStore(store_id=store.store_id, by=MEI.member_id, version=store.version, **(fields | changes))


async def the_store(db: Database, store_id=COUNTER) -> Store:
    async with db.reading(1) as tx:
        return (await merchants.stores(tx, 1, [store_id]))[store_id]


async def test_a_store_is_edited_with_its_version_and_remembers_who(db: Database, now):
    await a_town(db, now)
    store = await the_store(db)
    new = edit(store, name=Text(zh="新拉面", en="New Noodles"), place=Point(31.2310, 121.4740))
    async with db.city(1) as tx:
        asks = [new, edit(store, phone="1"), edit(store, place=Point(0, 0)), edit(store, district_id=9)]
        first, second, far, nowhere = await merchants.edit_stores(tx, asks, city_id=1, scope=EDIT, now=now)
        assert isinstance(first, Store)
        assert (first.version, first.pinyin.split()[0]) == (2, "xinlamian")
        assert second == StoreChanged(version=2)
        assert far == nowhere == StoreChanged(version=2)
        again = structs.replace(new, version=2)
        assert await merchants.edit_stores(tx, [again], city_id=1, scope=EDIT, now=now) == [first], "nothing is new"
        wrong = [
            edit(first, place=Point(0, 0)),
            edit(first, district_id=9),
            edit(first, name=Text(zh="", en="x")),
            edit(first, phone=""),
        ]
        refused = await merchants.edit_stores(tx, wrong, city_id=1, scope=EDIT, now=now)
        assert [type(one) for one in refused] == [StoreOutsideCity, BadInput, BadInput, BadInput]
        bo = BO.scope(Permission.EDIT_STORE)
        assert await merchants.edit_stores(tx, [edit(first, phone="2")], city_id=1, scope=bo, now=now) == [NotFound()]
        man = MAN.scope(Permission.EDIT_STORE)
        (mine, other) = await merchants.edit_stores(
            tx, [edit(first, phone="2"), edit(await the_store(db, BRANCH), phone="2")], city_id=1, scope=man, now=now
        )
        assert isinstance(mine, Store)
        assert other == NotFound(), "a manager leads one store"
        (hours,) = await merchants.set_hours(
            tx,
            [SetHours(store_id=COUNTER, hours=Hours.parse("24h"), by=MEI.member_id, version=1)],
            city_id=1, scope=EDIT, now=now,
        )  # fmt: skip
        assert hours == StoreChanged(version=3)
        found = await merchants.changes(tx, EDIT, city_id=1, merchant_id=store.merchant_id, since=now)
    assert [(c.what, c.version) for c in found] in ([("edited", 3), ("edited", 2)], [("edited", 2), ("edited", 3)])
    entry = next(c for c in found if c.version == 2)
    assert entry.by == MEI.member_id
    assert entry.before["name"] == {"zh": "兰州拉面", "en": "Lanzhou Noodles"}
    assert set(entry.after) == {"name", "place"}
    assert await audit_clean(db)
    async with db.city(1) as tx:
        await tx.run("delete from merchants.changes where city_id = 1 and version = 2")
    assert await fires(db, "MER07")


async def test_twenty_edits_at_one_moment_are_one(db: Database, now):
    await a_town(db, now)
    store = await the_store(db)

    async def one(number: int):
        async with db.city(1) as tx:
            asks = [edit(store, phone=str(number))]
            return (await merchants.edit_stores(tx, asks, city_id=1, scope=EDIT, now=now))[0]

    results = await asyncio.gather(*(one(n) for n in range(20)))
    assert sum(isinstance(result, Store) for result in results) == 1
    assert (await the_store(db)).version == 2
    assert await audit_clean(db)


async def test_control_without_a_version_the_last_one_wins_silently(db: Database, now):
    await a_town(db, now)
    store = await the_store(db)

    async def one(number: int):
        async with db.city(1) as tx:
            asks = [structs.replace(edit(store, phone=str(number)), version=None)]
            return (await merchants.edit_stores(tx, asks, city_id=1, scope=EDIT, now=now))[0]

    results = await asyncio.gather(*(one(n) for n in range(5)))
    assert all(isinstance(result, Store) for result in results)
    assert (await the_store(db)).version == 6, "each a version of its own, four of them written over"
    assert await audit_clean(db)


async def test_pictures_are_put_in_order_by_who_may(db: Database, now):
    await a_town(db, now)
    alt = Text(zh="门面", en="The front")
    asks = [
        merchants.AddPhoto(photo_id=new_id(), store_id=COUNTER, file=f"{n}.jpg", alt=alt, position=n) for n in range(3)
    ]
    async with db.city(1) as tx:
        await merchants.add_photos(tx, asks, city_id=1, scope=EDIT, now=now)
        first = ArrangePhoto(photo_id=asks[2].photo_id, position=0, alt=Text(zh="招牌", en="The sign"))
        last = ArrangePhoto(photo_id=asks[0].photo_id, position=2, alt=alt)
        bad = ArrangePhoto(photo_id=asks[1].photo_id, position=1, alt=Text(zh="", en=""))
        done = await merchants.arrange_photos(tx, [first, last, bad], city_id=1, scope=EDIT)
        assert [type(one) for one in done] == [merchants.Photo, merchants.Photo, BadInput]
        bo = BO.scope(Permission.EDIT_STORE)
        assert await merchants.arrange_photos(tx, [first], city_id=1, scope=bo) == [NotFound()]
        shown = (await merchants.photos(tx, 1, [COUNTER]))[COUNTER]
    assert [photo.file for photo in shown] == ["2.jpg", "1.jpg", "0.jpg"]
    assert shown[0].alt.en == "The sign"
