"""A merchant who is in asks for a further store: waits, comes back, is let in by somebody else, with its hours."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from hutong import merchants, recruiting
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import Scope
from hutong.kit.clock import ManualClock
from hutong.kit.geo import Point
from hutong.kit.refusals import BadInput, NotFound
from hutong.kit.text import Text
from hutong.merchants import Hours
from hutong.recruiting import (
    AskStore,
    MoveStore,
    NewStore,
    NewStoreChanged,
    NewStoreUnknown,
    OwnStore,
    Reach,
    StoreSaid,
    TooManyNewStores,
)
from tests.conftest import audit_clean, fires
from tests.lane import CITY, a_lane

pytestmark = pytest.mark.anyio
ALL, ELSEWHERE = Reach(everything=True), Reach(districts=frozenset({999}))
MEI, LIN = new_id(), new_id()


async def town(db: Database, clock: ManualClock) -> tuple[UUID, StoreSaid]:
    """A merchant, and a store that he wants."""
    lane = await a_lane(db, clock.now())
    async with db.reading(CITY) as tx:
        there = (await merchants.stores(tx, CITY, [lane.store]))[lane.store]
        row = await tx.row("select district_id from places.districts where city_id = %(city)s limit 1", city=CITY)
    if row is None:
        async with db.central() as tx:
            await tx.run(
                """insert into places.districts (city_id, district_id, slug, name, pinyin, centre_lat, centre_lon)
                   values (%(city)s, 1, 'old', '{"zh": "老城", "en": "Old"}', 'lao cheng', %(lat)s, %(lon)s)""",
                city=CITY, lat=there.place.lat, lon=there.place.lon,
            )  # fmt: skip
    said = StoreSaid(
        name=Text.both("二店"), address=Text.both("河街 2 号"), category=there.category,
        district_id=row["district_id"] if row else 1, place=Point(there.place.lat, there.place.lon), pinned=True,
        phone=None, hours=Hours.parse(["10:00-22:00"] * 7).numbers(), photo="ab/cd.webp",
    )  # fmt: skip
    return lane.merchant, said


async def do(db: Database, clock: ManualClock, verb: Any, *asks: Any, **who: Any) -> list[Any]:
    async with db.city(CITY) as tx:
        return await verb(tx, list(asks), city_id=CITY, now=clock.now(), **who)


async def test_a_further_store_waits_comes_back_and_is_let_in(db: Database, clock: ManualClock):
    merchant, said = await town(db, clock)
    mine, reach = {"scope": Scope(merchants=frozenset({merchant}))}, {"reach": ALL}
    ask = AskStore(new_store_id=new_id(), merchant_id=merchant, by=MEI, said=said)
    [one] = await do(db, clock, recruiting.ask_stores, ask, **mine)
    assert (await do(db, clock, recruiting.ask_stores, ask, **mine)) == [one], "sent twice is one"
    assert await do(db, clock, recruiting.ask_stores, ask, scope=Scope(merchants=frozenset({new_id()}))) == [NotFound()]

    step = MoveStore(new_store_id=one.new_store_id, by=LIN, version=one.version, reason="which door?")
    assert await do(db, clock, recruiting.open_stores, step, reach=ELSEWHERE) == [NewStoreUnknown()]
    own = await do(db, clock, recruiting.open_stores, structs.replace(step, by=MEI), **reach)
    assert own == [OwnStore()]
    bare = await do(db, clock, recruiting.return_stores, structs.replace(step, reason=" "), **reach)
    assert isinstance(bare[0], BadInput)
    clock.move(timedelta(minutes=1))
    [back] = await do(db, clock, recruiting.return_stores, step, **reach)
    assert (back.state, back.reason, back.version) == ("returned", "which door?", 2)
    assert await do(db, clock, recruiting.open_stores, step, **reach) == [NewStoreChanged()]

    better = structs.replace(said, address=Text.both("河街 2 号 甲"))
    stale = structs.replace(ask, said=better, version=1)
    assert await do(db, clock, recruiting.ask_stores, stale, **mine) == [NewStoreChanged()]
    [again] = await do(db, clock, recruiting.ask_stores, structs.replace(stale, version=2), **mine)
    assert again.before is not None
    assert recruiting.changed(again.before, again.said) == ["address"]
    async with db.reading(CITY) as tx:
        assert [w.new_store_id for w in await recruiting.new_stores_waiting(tx, ALL, city_id=CITY)] == [
            one.new_store_id
        ]
        assert await recruiting.count_new_stores(tx, ELSEWHERE, city_id=CITY) == 0

    yes = structs.replace(step, version=3, reason="")
    race = await asyncio.gather(*(do(db, clock, recruiting.open_stores, yes, **reach) for _ in range(5)))
    opened = [found for [found] in race if isinstance(found, NewStore)]
    assert len(opened) == 1, "five taps at once let it in once"
    async with db.reading(CITY) as tx:
        store = (await merchants.stores(tx, CITY, [again.store_id]))[again.store_id]
        [photo] = (await merchants.photos(tx, CITY, [again.store_id]))[again.store_id]
        assert await recruiting.new_stores_of(tx, merchant, city_id=CITY) == []
    assert (store.address, store.place, store.hours.numbers()) == (better.address, said.place, said.hours)
    assert photo.file == said.photo
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run("update recruiting.new_stores set state = 'waiting' where city_id = %(city)s", city=CITY)
    assert await fires(db, "RC13")


async def test_what_nobody_could_find_is_refused(db: Database, clock: ManualClock):
    merchant, said = await town(db, clock)
    mine = {"scope": Scope(merchants=frozenset({merchant}))}
    for field, value in (
        ("name", Text.both("")), ("category", "no such!"), ("district_id", 999), ("hours", [[[1500, 60]]] * 7),
        ("hours", [[[600, 700]]]),
    ):  # fmt: skip
        ask = AskStore(
            new_store_id=new_id(), merchant_id=merchant, by=MEI, said=structs.replace(said, **{field: value})
        )
        [wrong] = await do(db, clock, recruiting.ask_stores, ask, **mine)
        assert isinstance(wrong, BadInput), field
        assert wrong.facts["field"] == field
    asks = [AskStore(new_store_id=new_id(), merchant_id=merchant, by=MEI, said=said) for _ in range(21)]
    many = await do(db, clock, recruiting.ask_stores, *asks, **mine)
    assert [type(one) for one in many] == [NewStore] * 20 + [TooManyNewStores]
    gone = MoveStore(new_store_id=many[0].new_store_id, by=MEI, version=1)
    [taken] = await do(db, clock, recruiting.withdraw_stores, gone, **mine)
    assert taken.state == "withdrawn"
    assert await audit_clean(db)
