"""Further stores: the owner asks with a pin, hours and a picture; who runs the district lets them in."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import catalog, places, recruiting
from hutong.desk.admitting import made_by
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.kit.access import Actor, Permission
from hutong.kit.geo import Point
from hutong.kit.refusals import BadInput
from hutong.kit.text import Text
from hutong.merchants import Hours
from hutong.recruiting import AskStore, MoveStore, NewStore, NewStoreUnknown, StoreSaid


class Site(Struct, frozen=True, kw_only=True):
    """What an owner says of a further store. `point`: its pin; None while nobody has set one."""

    name: Text
    address: Text
    category: str
    district_id: int
    point: Point | None
    phone: str | None
    hours: Hours


async def placed(
    house: House, city_id: int, *, district_id: int, point: Point | None
) -> tuple[Point, bool]:  # fmt: skip
    """Where the store is: the pin, or the middle of its district while nobody has set one. Raises bad_input."""
    if point is not None:
        return point, True
    async with house.db.reading() as tx:
        found = await places.districts_by_number(tx, [city_id], [district_id])
    if not found:
        raise BadInput(field="district_id", why=str(district_id))
    return found[0].centre, False


async def ask_store(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, site: Site, *, key: str, picture: bytes | None,
    again: NewStore | None = None,
) -> NewStore:  # fmt: skip
    """Ask for a store, or `again` with better words after it was sent back; without a new picture the one before stays.

    Raises not_found, bad_picture, picture_too_large and the refusals of recruiting.ask_stores.
    """
    place, pinned = await placed(house, city_id, district_id=site.district_id, point=site.point)
    photo = again.said.photo if again else None
    if picture is not None:
        photo = sure((await house.pictures.take([picture]))[0]).name
    said = StoreSaid(
        name=site.name, address=site.address, category=site.category, district_id=site.district_id, place=place,
        pinned=pinned, phone=site.phone, hours=site.hours.numbers(), photo=photo,
    )  # fmt: skip
    ask = AskStore(
        new_store_id=again.new_store_id if again else made_by(actor, key, "new-store"), merchant_id=merchant_id,
        by=actor.member_id, said=said, version=again.version if again else 0,
    )  # fmt: skip

    async def work(tx: Tx) -> Any:
        scope = actor.scope(Permission.EDIT_MERCHANT)
        return await recruiting.ask_stores(tx, [ask], city_id=city_id, scope=scope, now=house.clock.now())

    done = sure((await house.db.run_city(city_id, work))[0])
    house.nudge()
    return done


async def own(house: House, city_id: int, merchant_id: UUID, new_store_id: UUID) -> NewStore:
    """One of the merchant's own. Raises new_store_not_found."""
    async with house.db.reading(city_id) as tx:
        one = (await recruiting.new_stores_named(tx, [new_store_id], city_id=city_id)).get(new_store_id)
    if one is None or one.merchant_id != merchant_id:
        raise NewStoreUnknown()
    return one


async def withdraw(house: House, city_id: int, actor: Actor, new_store_id: UUID, *, version: int) -> NewStore:
    """Take it back. Raises the refusals of recruiting.withdraw_stores."""
    ask = MoveStore(new_store_id=new_store_id, by=actor.member_id, version=version)

    async def work(tx: Tx) -> Any:
        scope = actor.scope(Permission.EDIT_MERCHANT)
        return await recruiting.withdraw_stores(tx, [ask], city_id=city_id, scope=scope, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def decide(
    house: House, city_id: int, actor: Actor, new_store_id: UUID, what: str, *, version: int, reason: str = ""
) -> NewStore:
    """Let it in (`open`) or send it back (`return`) with a reason. With the yes consumers find it at once.

    Raises bad_input and the refusals of recruiting.open_stores and return_stores.
    """
    ask = MoveStore(new_store_id=new_store_id, by=actor.member_id, version=version, reason=reason)
    verb = {"open": recruiting.open_stores, "return": recruiting.return_stores}.get(what)
    if verb is None:
        raise BadInput(field="decision", why=what[:40])

    async def work(tx: Tx) -> NewStore:
        now = house.clock.now()
        reach = await recruiting.reach(tx, actor, city_id=city_id, at=now)
        done = sure((await verb(tx, [ask], city_id=city_id, reach=reach, now=now))[0])
        if done.state == "open":
            await catalog.refresh_stores(tx, [done.store_id], city_id=city_id, now=now)
        return done

    done = await house.db.run_city(city_id, work)
    house.nudge()
    return done
