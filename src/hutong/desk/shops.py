"""A merchant's stores, changed by who leads them: words and place, hours, holidays, pictures.

Whatever consumers read of a store is made anew in the same transaction, and the history of the store knows who did it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import structs, to_builtins

from hutong import catalog, merchants
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.infra.pictures import Pictures, TooManyPictures
from hutong.kit.access import Actor, Permission, Scope
from hutong.kit.refusals import NotFound, Refusal
from hutong.kit.text import Text
from hutong.merchants import (
    AddPhoto,
    ArrangePhoto,
    DayException,
    EditStore,
    Photo,
    RemovePhoto,
    SetException,
    SetHours,
    Store,
    StoreChange,
)

MOST_PHOTOS = 12
R = TypeVar("R")


def _scope(actor: Actor) -> Scope:
    return actor.scope(Permission.EDIT_STORE)


async def _shown_anew(
    house: House, city_id: int, store_id: UUID, do: Callable[[Tx, datetime], Awaitable[R]]
) -> R:  # fmt: skip
    """Do it, and show the store as it then is, in one transaction."""

    async def work(tx: Tx) -> R:
        now = house.clock.now()
        done = await do(tx, now)
        await catalog.refresh_stores(tx, [store_id], city_id=city_id, now=now)
        return done

    return await house.db.run_city(city_id, work)


async def edit_store(house: House, city_id: int, actor: Actor, ask: EditStore) -> Store:
    """New words or another place. Raises the refusals of merchants.edit_stores."""
    taken = structs.replace(ask, by=actor.member_id)

    async def do(tx: Tx, now: datetime) -> Store:
        return sure((await merchants.edit_stores(tx, [taken], city_id=city_id, scope=_scope(actor), now=now))[0])

    return await _shown_anew(house, city_id, ask.store_id, do)


async def set_hours(house: House, city_id: int, actor: Actor, ask: SetHours) -> Store:
    """New weekly hours. Raises the refusals of merchants.set_hours."""
    taken = structs.replace(ask, by=actor.member_id)

    async def do(tx: Tx, now: datetime) -> Store:
        return sure((await merchants.set_hours(tx, [taken], city_id=city_id, scope=_scope(actor), now=now))[0])

    return await _shown_anew(house, city_id, ask.store_id, do)


async def set_exceptions(
    house: House, city_id: int, actor: Actor, store: Store, asks: Sequence[SetException]
) -> list[DayException | None]:
    """Other hours on single days; None takes one away. Raises the refusals of merchants.set_exceptions."""

    async def do(tx: Tx, now: datetime) -> list[DayException | None]:
        days = [ask.day for ask in asks]
        found = await merchants.exceptions(tx, city_id, [store.store_id], first=min(days), last=max(days))
        was = found.get(store.store_id, {})
        results = await merchants.set_exceptions(tx, asks, city_id=city_id, scope=_scope(actor))
        done = [one if one is None else sure(one) for one in results]
        kept = [
            _noted(store, actor, "holiday", now, {"day": str(ask.day), "hours": _plain(was.get(ask.day))},
                   {"day": str(ask.day), "hours": _plain(one)})
            for ask, one in zip(asks, done, strict=True)
            if _plain(was.get(ask.day)) != _plain(one)
        ]  # fmt: skip
        await merchants.note_changes(tx, kept, city_id=city_id)
        return done

    return await _shown_anew(house, city_id, store.store_id, do)


def _plain(exception: DayException | None) -> Any:
    return None if exception is None else to_builtins((exception.spans, exception.note))


def _noted(
    store: Store, actor: Actor, what: str, now: datetime, before: dict[str, Any], after: dict[str, Any]
) -> StoreChange:
    return StoreChange(
        change_id=new_id(), store_id=store.store_id, merchant_id=store.merchant_id, what=what, by=actor.member_id,
        at=now, before=before, after=after,
    )  # fmt: skip


async def add_photos(
    house: House, city_id: int, actor: Actor, store: Store, sent: Sequence[bytes], *, alt: Text
) -> list[Photo]:
    """Take pictures in, written anew, at the end of the row. Raises not_found, too_many_pictures, bad_picture."""
    if not actor.can(
        Permission.EDIT_STORE, city=city_id, merchant=store.merchant_id, store=store.store_id
    ):  # fmt: skip
        raise NotFound()
    async with house.db.reading(city_id) as tx:
        there = (await merchants.photos(tx, city_id, [store.store_id])).get(store.store_id, [])
    if len(there) + len(sent) > MOST_PHOTOS:
        raise TooManyPictures(most=MOST_PHOTOS)
    pictures = [sure(one) for one in await Pictures(house.files).take(sent)]
    begin = max((photo.position for photo in there), default=-1) + 1
    asks = [
        AddPhoto(photo_id=new_id(), store_id=store.store_id, file=picture.name, alt=alt, position=begin + n)
        for n, picture in enumerate(pictures)
    ]

    async def do(tx: Tx, now: datetime) -> list[Photo]:
        results = await merchants.add_photos(tx, asks, city_id=city_id, scope=_scope(actor), now=now)
        kept = _noted(store, actor, "photos", now, {}, {"added": [ask.file for ask in asks]})
        await merchants.note_changes(tx, [kept], city_id=city_id)
        return [sure(one) for one in results]

    return await _shown_anew(house, city_id, store.store_id, do)


async def arrange_photos(
    house: House, city_id: int, actor: Actor, store: Store, asks: Sequence[ArrangePhoto], gone: Sequence[UUID] = ()
) -> list[Photo | Refusal]:
    """Put the pictures into an order with their words, and take away those that shall go. Raises not_found."""

    async def do(tx: Tx, now: datetime) -> list[Photo | Refusal]:
        scope = _scope(actor)
        there = (await merchants.photos(tx, city_id, [store.store_id])).get(store.store_id, [])
        known = {photo.photo_id for photo in there}
        if not known.issuperset([*(ask.photo_id for ask in asks), *gone]):
            raise NotFound()
        for result in await merchants.remove_photos(
            tx, [RemovePhoto(photo_id=one) for one in gone], city_id=city_id, scope=scope
        ):
            sure(result)
        results = [sure(one) for one in await merchants.arrange_photos(tx, asks, city_id=city_id, scope=scope)]
        removed = [photo.file for photo in there if photo.photo_id in set(gone)]
        kept = _noted(store, actor, "photos", now, {"removed": removed}, {"order": [one.file for one in results]})
        await merchants.note_changes(tx, [kept], city_id=city_id)
        return list(results)

    return await _shown_anew(house, city_id, store.store_id, do)
