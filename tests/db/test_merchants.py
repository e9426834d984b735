"""Merchants and stores: added once, found by nearness, changed by who may, closed for good."""

import asyncio
from datetime import timedelta

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING, NOTHING, Permission
from hutong.kit.clock import local
from hutong.kit.geo import Point
from hutong.kit.refusals import BadInput, NotFound
from hutong.kit.text import Text
from hutong.merchants import (
    AddPhoto,
    BadHours,
    CloseStore,
    DayException,
    Hours,
    Merchant,
    MerchantNotActive,
    MerchantTaken,
    Photo,
    RemovePhoto,
    SetException,
    SetHours,
    Span,
    Store,
    StoreOutsideCity,
    StoreTaken,
    add_merchants,
    add_photos,
    add_stores,
    cities_of_staff,
    close_stores,
    counters_of,
    exceptions,
    merchant,
    open_states,
    parse_spans,
    photos,
    presence,
    remove_photos,
    set_exceptions,
    set_hours,
    stores,
    stores_in,
    stores_of,
)
from hutong.places import UnknownCity
from tests.conftest import audit_clean, fires
from tests.merchants_town import (
    ABROAD,
    BO,
    BRANCH,
    CENTRE,
    COUNTER,
    LIN,
    LUNCH,
    MAN,
    MEI,
    NEXT_DOOR,
    NOODLE_BAR,
    OTHER_BAR,
    PAT,
    TAO,
    a_merchant,
    a_store,
    a_town,
)

pytestmark = pytest.mark.anyio

EDIT = Permission.EDIT_STORE


@pytest.fixture
async def town(db: Database, now) -> Database:
    await a_town(db, now)
    return db


async def test_a_merchant_is_added_once(town: Database, now):
    async with town.central() as tx:
        results = await add_merchants(
            tx,
            [
                a_merchant(),
                a_merchant(name=Text(zh="别的", en="Other")),
                a_merchant(new_id(), city_id=9),
                a_merchant(new_id(), trade="No Slug"),
                a_merchant(new_id(), name=Text(zh=" ", en="x")),
            ],
            now=now,
        )
        assert results[0] == await merchant(tx, NOODLE_BAR)
        assert await presence(tx, [NOODLE_BAR, OTHER_BAR]) == {NOODLE_BAR: {1, 2}, OTHER_BAR: {1}}
    assert [type(r) for r in results] == [Merchant, MerchantTaken, UnknownCity, BadInput, BadInput]
    assert await audit_clean(town)


async def test_a_store_is_opened_once_and_every_mistake_is_named(town: Database, now):
    async with town.central() as tx:
        await add_merchants(tx, [a_merchant(gone := new_id())], now=now)
        await tx.run("update merchants.merchants set status = 'closed' where merchant_id = %(id)s", id=gone)
    requests = [
        (a_store(COUNTER, district_id=1), Store),
        (a_store(COUNTER), StoreTaken),
        (a_store(merchant_id=new_id()), NotFound),
        (a_store(merchant_id=gone), MerchantNotActive),
        (a_store(place=Point(45.764, 4.8357)), StoreOutsideCity),
        (a_store(category="A B"), BadInput),
        (a_store(district_id=77), BadInput),
        (a_store(name=Text(zh="", en="")), BadInput),
        (a_store(name=Text(zh="", en="x" * 121)), BadInput),
        (a_store(), Store),
    ]
    async with town.city(1) as tx:
        results = await add_stores(tx, [r for r, _ in requests], city_id=1, scope=EVERYTHING, now=now)
        facts = await tx.value("select count(*) from infra.facts where city_id = 1 and topic = 'merchants.store_added'")
        found = await stores(tx, 1, [COUNTER, new_id()])
        nowhere = await add_stores(tx, [a_store()], city_id=9, scope=EVERYTHING, now=now)
    assert [type(r) for r in results] == [expected for _, expected in requests]
    assert found == {COUNTER: results[0]}
    assert found[COUNTER].pinyin == "lanzhoulamian lzlm"
    assert facts == 4, "one for each store that was new"
    assert [type(r) for r in nowhere] == [UnknownCity]
    assert await audit_clean(town)


async def test_stores_are_opened_within_the_scope_only(town: Database, now):
    tries = [(MEI, NOODLE_BAR, Store), (MEI, OTHER_BAR, NotFound), (LIN, OTHER_BAR, Store), (TAO, NOODLE_BAR, NotFound),
             (MAN, NOODLE_BAR, NotFound), (PAT, NOODLE_BAR, Store)]  # fmt: skip
    async with town.city(1) as tx:
        for who, merchant_id, expected in tries:
            (result,) = await add_stores(
                tx, [a_store(merchant_id=merchant_id)], city_id=1, scope=who.scope(EDIT), now=now
            )
            assert type(result) is expected, who.name
    async with town.city(2) as tx:
        (result,) = await add_stores(tx, [a_store(place=Point(45.7, 4.8))], city_id=2, scope=LIN.scope(EDIT), now=now)
    assert result == NotFound(), "Lin operates the other city"


async def test_twenty_at_once_open_one_store(town: Database, now):
    request = a_store(new_id())

    async def once():
        async with town.city(1) as tx:
            return (await add_stores(tx, [request], city_id=1, scope=EVERYTHING, now=now))[0]

    results = await asyncio.gather(*(once() for _ in range(20)))
    assert len(set(map(repr, results))) == 1
    assert isinstance(results[0], Store)
    assert await audit_clean(town)


async def test_hours_change_for_who_may_and_the_last_word_counts(town: Database, now):
    late, later = Hours.parse("18:00-26:00"), Hours.parse("19:00-27:00")
    bad = Hours((*LUNCH.days[:6], (Span(600, 500),)))
    requests = [SetHours(store_id=COUNTER, hours=late), SetHours(store_id=NEXT_DOOR, hours=late),
                SetHours(store_id=COUNTER, hours=later), SetHours(store_id=BRANCH, hours=bad)]  # fmt: skip
    async with town.city(1) as tx:
        results = await set_hours(tx, requests, city_id=1, scope=MEI.scope(EDIT), now=now)
        assert [type(r) for r in results] == [Store, NotFound, Store, BadHours]
        found = await stores(tx, 1, [COUNTER, NEXT_DOOR])
        assert (found[COUNTER].hours, found[NEXT_DOOR].hours) == (later, LUNCH)
        assert await set_hours(tx, requests[:1], city_id=1, scope=TAO.scope(EDIT), now=now) == [NotFound()]
        topics = await tx.rows("select topic from infra.facts where city_id = 1 and subject = %(id)s", id=COUNTER)
    assert sorted(row["topic"] for row in topics) == ["merchants.hours_changed", "merchants.store_added"]
    assert await audit_clean(town)


async def test_exceptions_decide_whether_a_store_is_open(town: Database, now):
    here = local(now, "Asia/Shanghai")  # Friday noon
    day = here.date()
    closed = SetException(store_id=COUNTER, day=day, spans=(), note=Text(zh="盘点", en="Stocktaking"))
    short = SetException(store_id=BRANCH, day=day, spans=parse_spans("11:00-12:30"))
    theirs = SetException(store_id=NEXT_DOOR, day=day, spans=())
    bad = SetException(store_id=BRANCH, day=day, spans=(Span(9, 5),))

    async def states(tx):
        shown = await stores(tx, 1, [COUNTER, BRANCH, NEXT_DOOR])
        found = await open_states(tx, 1, list(shown.values()), here=here)
        return [(found[i].open, found[i].until and f"{found[i].until:%H:%M}") for i in (COUNTER, BRANCH, NEXT_DOOR)]

    async with town.city(1) as tx:
        assert await states(tx) == [(True, "14:00")] * 3
        results = await set_exceptions(tx, [closed, short, theirs, bad], city_id=1, scope=MEI.scope(EDIT))
        assert [type(r) for r in results] == [DayException, DayException, NotFound, BadHours]
        assert await states(tx) == [(False, None), (True, "12:30"), (True, "14:00")]
        found = await exceptions(tx, 1, [COUNTER], first=day, last=day)
        assert found[COUNTER][day].note == Text(zh="盘点", en="Stocktaking")
        undo = SetException(store_id=COUNTER, day=day, spans=None)
        assert await set_exceptions(tx, [closed, undo], city_id=1, scope=MEI.scope(EDIT)) == [results[0], None]
        assert await states(tx) == [(True, "14:00"), (True, "12:30"), (True, "14:00")]
    assert await audit_clean(town)


async def test_pictures_come_in_their_order_and_go(town: Database, now):
    alt = Text(zh="门口", en="The door")
    door = AddPhoto(photo_id=new_id(), store_id=COUNTER, file="a/door.webp", alt=alt, position=2)
    bowl = AddPhoto(photo_id=new_id(), store_id=COUNTER, file="bowl.webp", alt=alt, position=1)
    wrong = [
        AddPhoto(photo_id=new_id(), store_id=COUNTER, file="../etc/passwd", alt=alt),
        AddPhoto(photo_id=new_id(), store_id=COUNTER, file="x.webp", alt=alt, position=-1),
        AddPhoto(photo_id=new_id(), store_id=COUNTER, file="x.webp", alt=Text(zh="", en="")),
        AddPhoto(photo_id=new_id(), store_id=NEXT_DOOR, file="x.webp", alt=alt),
    ]
    scope = MEI.scope(EDIT)
    async with town.city(1) as tx:
        results = await add_photos(tx, [door, bowl, *wrong, door], city_id=1, scope=scope, now=now)
        assert [type(r) for r in results] == [Photo, Photo, BadInput, BadInput, BadInput, NotFound, Photo]
        shown = await photos(tx, 1, [COUNTER, NEXT_DOOR])
        assert shown == {COUNTER: [results[1], results[0]]}
        gone = [RemovePhoto(photo_id=door.photo_id), RemovePhoto(photo_id=new_id())]
        assert await remove_photos(tx, gone[:1], city_id=1, scope=BO.scope(EDIT)) == [NotFound()]
        assert await remove_photos(tx, gone, city_id=1, scope=scope) == [door.photo_id, NotFound()]
        assert await photos(tx, 1, [COUNTER]) == {COUNTER: [results[1]]}


async def test_a_store_closes_for_good(town: Database, now):
    close = CloseStore(store_id=COUNTER, by=MEI.member_id, reason="moved to a better lane")
    scope = MEI.scope(EDIT)
    async with town.city(1) as tx:
        empty = CloseStore(store_id=COUNTER, by=MEI.member_id, reason=" ")
        assert await close_stores(tx, [close], city_id=1, scope=BO.scope(EDIT), now=now) == [NotFound()]
        assert [type(r) for r in await close_stores(tx, [empty], city_id=1, scope=scope, now=now)] == [BadInput]
        (closed,) = await close_stores(tx, [close], city_id=1, scope=scope, now=now)
        assert isinstance(closed, Store)
        assert (closed.status, closed.closed_at) == ("closed", now)
        later = now + timedelta(days=1)
        assert await close_stores(tx, [close], city_id=1, scope=scope, now=later) == [NotFound()]
        hours = SetHours(store_id=COUNTER, hours=LUNCH)
        assert await set_hours(tx, [hours], city_id=1, scope=scope, now=later) == [NotFound()]
        assert (await stores(tx, 1, [COUNTER]))[COUNTER] == closed, "old orders still name it"
        assert COUNTER not in {s.store_id for s in await stores_of(tx, 1, NOODLE_BAR)}
        states = await open_states(tx, 1, [closed], here=local(now, "Asia/Shanghai"))
        assert not states[COUNTER].open
    assert await audit_clean(town)


async def test_the_staff_finds_its_own_counters(town: Database, now):
    async def counters(who, city_id=1):
        async with town.reading(city_id) as tx:
            return {s.store_id for s in await counters_of(tx, city_id, who)}

    async with town.reading() as tx:
        assert [await cities_of_staff(tx, who) for who in (MEI, TAO, BO, LIN, PAT)] == [[1, 2], [1], [1], [], []]
    assert await counters(MEI) == {COUNTER, BRANCH}
    assert await counters(MEI, 2) == {ABROAD}
    assert await counters(TAO) == {COUNTER}
    assert await counters(TAO, 2) == set()
    assert await counters(BO) == {NEXT_DOOR}
    assert await counters(LIN) == await counters(PAT) == set()


async def test_the_staff_pages_through_its_stores(town: Database, now):
    async with town.reading(1) as tx:
        first = await stores_in(tx, 1, LIN.scope(EDIT), limit=2)
        rest = await stores_in(tx, 1, LIN.scope(EDIT), after=first[-1].store_id)
        assert {s.store_id for s in first + rest} == {COUNTER, BRANCH, NEXT_DOOR}
        assert [s.store_id for s in await stores_in(tx, 1, BO.scope(EDIT))] == [NEXT_DOOR]
        assert await stores_in(tx, 2, LIN.scope(EDIT)) == []
        assert await stores_in(tx, 1, NOTHING) == []


async def test_the_number_of_statements_does_not_grow(town: Database, database_url, now):
    seen: list[str] = []
    watched = await Database(database_url, observer=lambda sql, _: seen.append(sql)).open()
    counts = []
    for size in (1, 300):
        seen.clear()
        async with watched.central() as tx:
            ids = [new_id() for _ in range(size)]
            await add_merchants(tx, [a_merchant(i) for i in ids], now=now)
        async with watched.city(1) as tx:
            requests = [a_store(merchant_id=i) for i in ids]
            added = await add_stores(tx, requests, city_id=1, scope=EVERYTHING, now=now)
            assert all(isinstance(s, Store) for s in added)
            hours = [SetHours(store_id=r.store_id, hours=LUNCH) for r in requests]
            await set_hours(tx, hours, city_id=1, scope=EVERYTHING, now=now)
            shut = [CloseStore(store_id=r.store_id, by=new_id(), reason="x") for r in requests]
            await close_stores(tx, shut, city_id=1, scope=EVERYTHING, now=now)
        counts.append(len(seen))
    await watched.close()
    assert counts[0] == counts[1]
    assert await audit_clean(town)


@pytest.mark.parametrize(
    ("code", "damage"),
    [
        ("MER01", "update merchants.stores set lat = lat + 0.001 where city_id = 1"),
        ("MER02", "delete from merchants.presence"),
        ("MER03", "update merchants.merchants set status = 'closed'"),
        ("MER04", "update places.cities set north = 31.0, south = 30.9 where city_id = 1"),
        ("MER05", "update merchants.stores set hours = jsonb_set(hours, '{2}', '[[600, 700], [650, 900]]')"),
        ("MER05", "update merchants.stores set hours = jsonb_set(hours, '{2}', '[[600, 500]]')"),
    ],
)
async def test_the_audit_sees(town: Database, code: str, damage: str):
    assert CENTRE
    async with town.central() as tx:
        await tx.run(damage)
    assert await fires(town, code)
