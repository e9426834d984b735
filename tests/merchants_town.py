"""A small town for tests: a city, two merchants and their stores."""

from uuid import UUID

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.access import EVERYTHING, Actor, Grant, Role
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.merchants import AddMerchant, AddStore, Hours, Merchant, Store, add_merchants, add_stores
from hutong.places import AddCity, AddDistrict, add_cities, add_districts

CENTRE = Point(31.2304, 121.4737)
RING = (Point(30.7, 120.8), Point(30.7, 122.2), Point(31.9, 122.2), Point(31.9, 120.8))
SHANGHAI = AddCity(city_id=1, slug="shanghai", name=Text(zh="上海", en="Shanghai"), centre=CENTRE, boundary=RING)
LYON = AddCity(
    city_id=2, slug="lyon", name=Text(zh="里昂", en="Lyon"), zone="Europe/Paris", currency="EUR",
    centre=Point(45.764, 4.8357),
)  # fmt: skip
NOODLE_BAR, OTHER_BAR = UUID(int=0x10), UUID(int=0x11)
COUNTER, BRANCH, ABROAD, NEXT_DOOR = UUID(int=0x20), UUID(int=0x21), UUID(int=0x22), UUID(int=0x23)
LUNCH = Hours.parse("10:30-14:00, 17:00-22:00")


def a_merchant(merchant_id: UUID = NOODLE_BAR, **more) -> AddMerchant:
    given = {"merchant_id": merchant_id, "city_id": 1, "name": Text(zh="面馆", en="Noodle Bar"), "trade": "noodles"}
    return AddMerchant(**{**given, **more})


def a_store(store_id: UUID | None = None, merchant_id: UUID = NOODLE_BAR, **more) -> AddStore:
    given = {
        "store_id": store_id or new_id(), "merchant_id": merchant_id, "name": Text(zh="兰州拉面", en="Lanzhou Noodles"),
        "place": CENTRE, "address": Text(zh="南京东路1号", en="1 East Nanjing Road"), "category": "noodles",
        "hours": LUNCH,
    }  # fmt: skip
    return AddStore(**{**given, **more})


async def a_town(db: Database, now) -> None:
    """Two cities, Noodle Bar with a counter and a branch here and a store abroad, and the bar next door."""
    async with db.central() as tx:
        await add_cities(tx, [SHANGHAI, LYON])
        await add_districts(
            tx,
            [AddDistrict(city_id=1, district_id=1, slug="huangpu", name=Text(zh="黄浦", en="Huangpu"), centre=CENTRE)],
        )
        added = await add_merchants(
            tx, [a_merchant(), a_merchant(OTHER_BAR, name=Text(zh="酒馆", en="Bar Next Door"), trade="bar")], now=now
        )
        assert all(isinstance(m, Merchant) for m in added), added
    here = [
        a_store(COUNTER, district_id=1),
        a_store(BRANCH, place=Point(31.24, 121.50)),
        a_store(NEXT_DOOR, OTHER_BAR, place=Point(31.2305, 121.4738), category="bar"),
    ]
    async with db.city(1) as tx:
        assert all(isinstance(s, Store) for s in await add_stores(tx, here, city_id=1, scope=EVERYTHING, now=now))
    async with db.city(2) as tx:
        abroad = [a_store(ABROAD, place=LYON.centre)]
        assert all(isinstance(s, Store) for s in await add_stores(tx, abroad, city_id=2, scope=EVERYTHING, now=now))


def actor(role: Role, **where) -> Actor:
    """Somebody with one role."""
    return Actor(member_id=new_id(), name=role.value, grants=(Grant(grant_id=new_id(), role=role, **where),))


MEI = actor(Role.MERCHANT_OWNER, merchant_id=NOODLE_BAR)
BO = actor(Role.MERCHANT_OWNER, merchant_id=OTHER_BAR)
MAN = actor(Role.STORE_MANAGER, city_id=1, merchant_id=NOODLE_BAR, store_id=COUNTER)
TAO = actor(Role.STORE_CASHIER, city_id=1, merchant_id=NOODLE_BAR, store_id=COUNTER)
LIN = actor(Role.CITY_OPERATOR, city_id=1)
PAT = actor(Role.PLATFORM_ADMIN)
