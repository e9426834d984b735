"""Reading merchants and their stores. What the staff sees begins with its scope; the rest everybody may see."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.access import Actor, Permission, Scope
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.merchants.hours import AHEAD_DAYS, Hours, OpenState, Span, open_at
from hutong.merchants.model import DayException, Merchant, NearCursor, NearStore, Photo, Sign, Store, StoreChange
from hutong.places import near

STORE_COLUMNS = """s.city_id, s.store_id, s.merchant_id, s.district_id, s.name, s.pinyin, s.category, s.address,
                   s.phone, s.lat, s.lon, s.hours, s.status, s.created_at, s.closed_at, s.version"""
_STORE = f"select {STORE_COLUMNS} from merchants.stores as s"
_DIRECT = {"city_id", "store_id", "merchant_id", "district_id", "pinyin", "category", "phone", "status",
           "created_at", "closed_at", "version"}  # fmt: skip


def store_of(row: dict[str, Any]) -> Store:
    """A row of `merchants.stores` as a value."""
    return Store(
        **{name: row[name] for name in _DIRECT}, name=Text(**row["name"]), address=Text(**row["address"]),
        place=Point(row["lat"], row["lon"]), hours=Hours.of(row["hours"]),
    )  # fmt: skip


async def merchants(tx: Tx, merchant_ids: Sequence[UUID]) -> dict[UUID, Merchant]:
    """The merchants with these ids; unknown ids are left out."""
    rows = await tx.rows(
        """select merchant_id, name, trade, status, operator_id, payout_account, created_at
           from merchants.merchants where merchant_id = any(%(ids)s::uuid[])""",
        ids=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: Merchant(**{**row, "name": Text(**row["name"])}) for row in rows}


async def at_home_in(tx: Tx, city_ids: Sequence[int], *, limit: int = 2_000) -> dict[int, list[Merchant]]:
    """The merchants at home in each of these cities, by name; at most `limit` in all."""
    rows = await tx.rows(
        """select p.city_id, m.merchant_id, m.name, m.trade, m.status, m.operator_id, m.payout_account, m.created_at
           from merchants.presence p join merchants.merchants m on m.merchant_id = p.merchant_id
           where p.city_id = any(%(cities)s::int[])
           order by p.city_id, m.name ->> 'zh', m.merchant_id limit %(limit)s""",
        cities=sorted(set(city_ids)), limit=limit,
    )  # fmt: skip
    found: dict[int, list[Merchant]] = {city_id: [] for city_id in city_ids}
    for row in rows:
        found[row.pop("city_id")].append(Merchant(**{**row, "name": Text(**row["name"])}))
    return found


async def merchant(tx: Tx, merchant_id: UUID) -> Merchant | None:
    """The merchant with this id."""
    return (await merchants(tx, [merchant_id])).get(merchant_id)


async def presence(tx: Tx, merchant_ids: Sequence[UUID]) -> dict[UUID, frozenset[int]]:
    """In which cities each merchant is at home."""
    rows = await tx.rows(
        """select merchant_id, array_agg(city_id order by city_id) as cities from merchants.presence
           where merchant_id = any(%(ids)s::uuid[]) group by merchant_id""",
        ids=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: frozenset(row["cities"]) for row in rows}


async def stores(tx: Tx, city_id: int, store_ids: Sequence[UUID]) -> dict[UUID, Store]:
    """The stores with these ids, closed ones too (old orders name them); unknown ids are left out."""
    rows = await tx.rows(
        f"{_STORE} where s.city_id = %(city)s and s.store_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=sorted(set(store_ids)),
    )
    return {row["store_id"]: store_of(row) for row in rows}


async def places_of(tx: Tx, city_id: int) -> dict[UUID, Point]:
    """Where each store of a city stands, closed ones too. Everybody may see this."""
    rows = await tx.rows("select store_id, lat, lon from merchants.stores where city_id = %(city)s", city=city_id)
    return {row["store_id"]: Point(row["lat"], row["lon"]) for row in rows}


async def signs(tx: Tx, city_id: int, store_ids: Sequence[UUID]) -> dict[UUID, Sign]:
    """Whose these stores are and what they are called, closed ones too; unknown ids are left out. For counters."""
    rows = await tx.rows(
        """select store_id, merchant_id, name from merchants.stores
           where city_id = %(city)s and store_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(store_ids)),
    )  # fmt: skip
    return {row["store_id"]: Sign(merchant_id=row["merchant_id"], name=Text(**row["name"])) for row in rows}


async def stores_of(tx: Tx, city_id: int, merchant_id: UUID) -> list[Store]:
    """The open stores of a merchant in a city, in the order of their pinyin."""
    rows = await tx.rows(
        f"""{_STORE} where s.city_id = %(city)s and s.merchant_id = %(merchant)s and s.status = 'open'
            order by s.pinyin, s.store_id""",
        city=city_id,
        merchant=merchant_id,
    )
    return [store_of(row) for row in rows]


async def store_ids_of(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[UUID]]:
    """The open stores of these merchants in a city; absent for one without any. For the packages above: no scope."""
    rows = await tx.rows(
        """select merchant_id, array_agg(store_id order by store_id) as stores from merchants.stores
           where city_id = %(city)s and merchant_id = any(%(merchants)s::uuid[]) and status = 'open'
           group by merchant_id""",
        city=city_id,
        merchants=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: row["stores"] for row in rows}


async def stores_in(
    tx: Tx, city_id: int, scope: Scope, *, after: UUID | None = None, limit: int = 100
) -> list[Store]:  # fmt: skip
    """The stores of a city that lie within a staff's scope, closed ones too; the next page begins after an id."""
    seen, params = scope.sql(city="s.city_id", merchant="s.merchant_id", store="s.store_id")
    rows = await tx.rows(
        f"""{_STORE} where s.city_id = %(city)s and {seen}
              and (%(after)s::uuid is null or s.store_id > %(after)s::uuid)
            order by s.store_id limit %(limit)s""",
        city=city_id,
        after=after,
        limit=limit,
        **params,
    )
    return [store_of(row) for row in rows]


async def counters_of(tx: Tx, city_id: int, actor: Actor) -> list[Store]:
    """The open stores of a city at whose counter the actor may check vouchers."""
    found = await stores_in(tx, city_id, actor.scope(Permission.PREPARE_VOUCHER), limit=500)
    return [store for store in found if store.status == "open"]


async def cities_of_staff(tx: Tx, actor: Actor) -> list[int]:
    """The cities in which the actor may stand at a counter: ask `counters_of` in each."""
    scope = actor.scope(Permission.PREPARE_VOUCHER)
    homes = await presence(tx, sorted(scope.merchants))
    direct = {g.city_id for g in actor.grants if g.store_id in scope.stores and g.city_id is not None}
    return sorted(direct.union(*homes.values(), scope.cities))


async def nearby(
    tx: Tx, city_id: int, point: Point, *, limit: int = 20, after: NearCursor | None = None,
    within_m: float | None = None, category: str | None = None,
) -> list[NearStore]:  # fmt: skip
    """The open stores of a city by nearness to a WGS-84 point, exact in metres; pages go on after a cursor.

    The city is cast: a small number travels as smallint, which the index on (int, cube) would not compare. The
    inner list has one key only, ties included: PostgreSQL 15 cannot walk the index for (distance, id).
    """
    chord = near.order("s.at")
    parts = [
        near.within("s.at") if within_m is not None else "",
        "s.category = %(category)s" if category is not None else "",
        f"({chord}, s.store_id) > (%(after_chord)s::float8, %(after_id)s::uuid)" if after else "",
    ]
    conditions = "".join(f" and {part}" for part in parts if part)
    rows = await tx.rows(
        f"""select * from (
                select {STORE_COLUMNS}, {chord} as chord, {near.metres("s.at")} as distance_m
                from merchants.stores as s
                where s.city_id = %(city)s::int and s.status = 'open'{conditions}
                order by {chord} fetch first %(limit)s rows with ties) as nearest
            order by chord, store_id limit %(limit)s""",
        city=city_id,
        here=near.cube_of(point),
        limit=limit,
        chord=near.chord_of(within_m or 0),
        category=category,
        after_chord=after.chord if after else None,
        after_id=after.store_id if after else None,
    )
    return [NearStore(store=store_of(row), distance_m=row["distance_m"], chord=row["chord"]) for row in rows]


async def exceptions(
    tx: Tx, city_id: int, store_ids: Sequence[UUID], *, first: date, last: date
) -> dict[UUID, dict[date, DayException]]:
    """What is different at these stores from `first` to `last`, both included."""
    rows = await tx.rows(
        """select e.store_id, e.day, e.hours, e.note from merchants.store_exceptions as e
           where e.city_id = %(city)s and e.store_id = any(%(ids)s::uuid[])
             and e.day between %(first)s and %(last)s""",
        city=city_id,
        ids=sorted(set(store_ids)),
        first=first,
        last=last,
    )
    found: dict[UUID, dict[date, DayException]] = {}
    for row in rows:
        spans = tuple(Span(start, end) for start, end in row["hours"])
        note = Text(**row["note"]) if row["note"] else None
        found.setdefault(row["store_id"], {})[row["day"]] = DayException(
            store_id=row["store_id"], day=row["day"], spans=spans, note=note
        )
    return found


async def open_states(tx: Tx, city_id: int, shown: Sequence[Store], *, here: datetime) -> dict[UUID, OpenState]:
    """Whether these stores are open at the local time `here` (aware, in the city's zone); a closed one is not."""
    first, last = here.date() - timedelta(days=1), here.date() + timedelta(days=AHEAD_DAYS)
    different = await exceptions(tx, city_id, [store.store_id for store in shown], first=first, last=last)
    return {
        store.store_id: open_at(
            store.hours, {day: e.spans for day, e in different.get(store.store_id, {}).items()}, here
        )
        if store.status == "open"
        else OpenState(open=False)
        for store in shown
    }


async def photos(tx: Tx, city_id: int, store_ids: Sequence[UUID]) -> dict[UUID, list[Photo]]:
    """The pictures of these stores, in their order."""
    rows = await tx.rows(
        """select p.photo_id, p.store_id, p.file, p.alt, p.position from merchants.store_photos as p
           where p.city_id = %(city)s and p.store_id = any(%(ids)s::uuid[])
           order by p.store_id, p.position, p.photo_id""",
        city=city_id,
        ids=sorted(set(store_ids)),
    )
    found: dict[UUID, list[Photo]] = {}
    for row in rows:
        found.setdefault(row["store_id"], []).append(Photo(**{**row, "alt": Text(**row["alt"])}))
    return found


async def changes(
    tx: Tx, scope: Scope, *, city_id: int, merchant_id: UUID, since: datetime, limit: int = 200
) -> list[StoreChange]:
    """Who changed what at the merchant's stores within the scope of EDIT_STORE since then, newest first."""
    seen, params = scope.sql(city="c.city_id", merchant="c.merchant_id", store="c.store_id")
    rows = await tx.rows(
        f"""select c.change_id, c.store_id, c.merchant_id, c.what, c.by, c.at, c.before, c.after, c.version
            from merchants.changes as c
            where c.city_id = %(city)s and c.merchant_id = %(merchant)s::uuid and c.at >= %(since)s and {seen}
            order by c.at desc, c.change_id desc limit %(limit)s""",
        city=city_id,
        merchant=merchant_id,
        since=since,
        limit=limit,
        **params,
    )
    return [StoreChange(**row) for row in rows]


async def count_stores(tx: Tx, city_id: int) -> int:
    """How many stores of a city are open."""
    row = await tx.row(
        "select count(*) as n from merchants.stores where city_id = %(city)s and status = 'open'", city=city_id
    )
    return row["n"] if row else 0
