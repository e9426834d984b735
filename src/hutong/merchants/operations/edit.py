"""Editing stores: each change of words, place or hours is a version with who, when, what before and after."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs, to_builtins
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.access import Scope
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.merchants.model import ArrangePhoto, EditStore, Photo, Store, StoreChange, words_missing
from hutong.merchants.operations.add import as_json
from hutong.merchants.queries import stores
from hutong.merchants.refusals import StoreChanged, StoreOutsideCity
from hutong.places import City, city, districts, spell
from hutong.places.near import cube_of

WORDS = ("name", "address", "phone", "place", "district_id")
_MOST_PHOTOS = 1000


async def locked(tx: Tx, store_ids: Sequence[UUID], *, city_id: int, scope: Scope) -> dict[UUID, Store]:
    """The open stores among these that lie within the scope, locked in the order of their ids."""
    seen, params = scope.sql(city="s.city_id", merchant="s.merchant_id", store="s.store_id")
    rows = await tx.rows(
        f"""select s.store_id from merchants.stores as s
            where s.city_id = %(city)s and s.store_id = any(%(ids)s::uuid[]) and s.status = 'open' and {seen}
            order by s.store_id for no key update""",
        city=city_id,
        ids=sorted(set(store_ids)),
        **params,
    )
    return await stores(tx, city_id, [row["store_id"] for row in rows])


async def edit_stores(
    tx: Tx, requests: Sequence[EditStore], *, city_id: int, scope: Scope, now: datetime
) -> list[Store | Refusal]:
    """New words and places; the same again changes nothing. Records `merchants.store_edited`.

    `scope` is the scope of EDIT_STORE. The caller shows the stores anew (catalog.refresh_stores) in the same
    transaction. Refusals in this order: NotFound (unknown, closed, or outside the scope), StoreChanged (another
    version than was read), StoreOutsideCity, BadInput (district_id, name, address, phone).
    """
    home = await city(tx, city_id)
    parts = {part.district_id for part in await districts(tx, city_id)}
    held = await locked(tx, [r.store_id for r in requests], city_id=city_id, scope=scope)
    state, kept = dict(held), list[StoreChange]()
    results: list[Store | Refusal] = []
    for r in requests:
        before = state.get(r.store_id)
        if before is None or home is None:
            results.append(NotFound())
            continue
        after = structs.replace(before, **{name: getattr(r, name) for name in WORDS}, pinyin=spell(r.name.zh))
        wrong = None if _same(before, after) else _why_not(r, before, home, parts)
        if wrong is None and not _same(before, after):
            after = state[r.store_id] = structs.replace(after, version=before.version + 1)
            kept.append(version_of("edited", r.by, before, after, WORDS, now))
        results.append(wrong or state[r.store_id])
    changed = [state[i] for i in sorted(held) if state[i] is not held[i]]
    await _write(tx, changed, city_id=city_id)
    await note_changes(tx, kept, city_id=city_id)
    await tx.record([_fact(change, city_id) for change in kept])
    return results


def _same(before: Store, after: Store) -> bool:
    return all(getattr(before, name) == getattr(after, name) for name in WORDS)


def _why_not(r: EditStore, before: Store, home: City, parts: set[int]) -> Refusal | None:
    if r.version not in (None, before.version):
        return StoreChanged(version=before.version)
    if not home.contains(r.place):
        return StoreOutsideCity(city=home.name.zh if home.name.zh == home.name.en else f"{home.name.zh} {home.name.en}")
    if r.district_id is not None and r.district_id not in parts:
        return BadInput(field="district_id", why=str(r.district_id))
    if r.phone is not None and not 0 < len(r.phone) <= 40:
        return BadInput(field="phone", why="1-40")
    return words_missing(r.name, "name") or words_missing(r.address, "address", 240)


async def _write(tx: Tx, changed: Sequence[Store], *, city_id: int) -> None:
    await tx.run(
        """update merchants.stores as s
           set name = w.name, pinyin = w.pinyin, address = w.address, phone = w.phone, lat = w.lat, lon = w.lon,
               at = w.at, district_id = w.district, version = w.version
           from unnest(%(ids)s::uuid[], %(names)s::jsonb[], %(pinyins)s::text[], %(addresses)s::jsonb[],
                       %(phones)s::text[], %(lats)s::float8[], %(lons)s::float8[], %(places)s::cube[],
                       %(districts)s::int[], %(versions)s::int[])
                as w (store_id, name, pinyin, address, phone, lat, lon, at, district, version)
           where s.city_id = %(city)s and s.store_id = w.store_id""",
        city=city_id,
        ids=[s.store_id for s in changed],
        names=[as_json(s.name) for s in changed],
        pinyins=[s.pinyin for s in changed],
        addresses=[as_json(s.address) for s in changed],
        phones=[s.phone for s in changed],
        lats=[s.place.lat for s in changed],
        lons=[s.place.lon for s in changed],
        places=[cube_of(s.place) for s in changed],
        districts=[s.district_id for s in changed],
        versions=[s.version for s in changed],
    )


def version_of(
    what: str, by: UUID | None, before: Store, after: Store, fields: Sequence[str], now: datetime
) -> StoreChange:
    """The entry of the history for a store that became another version."""
    different = [name for name in fields if getattr(before, name) != getattr(after, name)]
    return StoreChange(
        change_id=derive(after.store_id, f"version {after.version}"), store_id=after.store_id,
        merchant_id=after.merchant_id, what=what, by=by, at=now, version=after.version,
        before=_plain(before, different), after=_plain(after, different),
    )  # fmt: skip


def _plain(store: Store, fields: Sequence[str]) -> dict[str, Any]:
    return {name: to_builtins(getattr(store, name)) for name in fields}


def _fact(change: StoreChange, city_id: int) -> Fact:
    return Fact(
        fact_id=derive(change.change_id, "fact"), city_id=city_id, topic=f"merchants.store_{change.what}",
        subject=change.store_id, payload={"version": change.version or 0}, at=change.at,
    )  # fmt: skip


async def note_changes(tx: Tx, requests: Sequence[StoreChange], *, city_id: int) -> list[UUID]:
    """Keep who changed what at stores; a change that is kept already stays as it is. Gives back their ids.

    Words, places and hours note themselves; whoever changes holidays or pictures notes it in the same transaction.
    """
    await tx.run(
        """insert into merchants.changes (city_id, change_id, merchant_id, store_id, version, what, by, at, before,
                                          after)
           select %(city)s, * from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[],
                                          %(versions)s::int[], %(whats)s::text[], %(bys)s::uuid[],
                                          %(ats)s::timestamptz[], %(befores)s::jsonb[], %(afters)s::jsonb[])
           on conflict (city_id, change_id) do nothing""",
        city=city_id,
        ids=[r.change_id for r in requests],
        merchants=[r.merchant_id for r in requests],
        stores=[r.store_id for r in requests],
        versions=[r.version for r in requests],
        whats=[r.what for r in requests],
        bys=[r.by for r in requests],
        ats=[r.at for r in requests],
        befores=[Jsonb(r.before) for r in requests],
        afters=[Jsonb(r.after) for r in requests],
    )
    return [r.change_id for r in requests]


async def arrange_photos(
    tx: Tx, requests: Sequence[ArrangePhoto], *, city_id: int, scope: Scope
) -> list[Photo | Refusal]:
    """Put pictures into another order or give them other words; each as it then stands.

    `scope` is the scope of EDIT_STORE. Refusals: BadInput (alt, position), NotFound (unknown or outside the scope).
    """
    good = {r.photo_id: r for r in requests if _why_not_arranged(r) is None}
    seen, params = scope.sql(city="s.city_id", merchant="s.merchant_id", store="s.store_id")
    rows = await tx.rows(
        f"""update merchants.store_photos as p set position = w.position, alt = w.alt
            from unnest(%(ids)s::uuid[], %(positions)s::int[], %(alts)s::jsonb[]) as w (photo_id, position, alt),
                 merchants.stores as s
            where p.city_id = %(city)s and p.photo_id = w.photo_id and s.city_id = %(city)s
              and s.store_id = p.store_id and {seen}
            returning p.photo_id, p.store_id, p.file, p.position""",
        city=city_id,
        ids=list(good),
        positions=[r.position for r in good.values()],
        alts=[as_json(r.alt) for r in good.values()],
        **params,
    )
    found: Mapping[UUID, Photo] = {row["photo_id"]: Photo(**row, alt=good[row["photo_id"]].alt) for row in rows}
    return [_why_not_arranged(r) or found.get(r.photo_id) or NotFound() for r in requests]


def _why_not_arranged(r: ArrangePhoto) -> Refusal | None:
    if not 0 <= r.position < _MOST_PHOTOS:
        return BadInput(field="position", why=f"0-{_MOST_PHOTOS - 1}")
    return words_missing(r.alt, "alt")
