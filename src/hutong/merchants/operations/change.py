"""Changing stores: hours, exceptions, pictures, and closing for good. What lies outside the scope is not found."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import structs
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.access import Scope
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.merchants.hours import BadHours, Span, sound, span_numbers
from hutong.merchants.model import (
    FILE,
    AddPhoto,
    CloseStore,
    DayException,
    Photo,
    RemovePhoto,
    SetException,
    SetHours,
    Store,
    words_missing,
)
from hutong.merchants.operations.add import as_json
from hutong.merchants.operations.edit import locked, note_changes, version_of
from hutong.merchants.queries import stores
from hutong.merchants.refusals import StoreChanged


async def _lock(tx: Tx, store_ids: Sequence[UUID], *, city_id: int, scope: Scope) -> set[UUID]:
    """The open stores among these that lie within the scope, locked in one order."""
    seen, params = scope.sql(city="s.city_id", merchant="s.merchant_id", store="s.store_id")
    rows = await tx.rows(
        f"""select s.store_id from merchants.stores as s
            where s.city_id = %(city)s and s.store_id = any(%(ids)s::uuid[]) and s.status = 'open' and {seen}
            order by s.store_id for no key update""",
        city=city_id,
        ids=sorted(set(store_ids)),
        **params,
    )
    return {row["store_id"] for row in rows}


def _fact(store_id: UUID, city_id: int, what: str, label: str, now: datetime, **payload: str) -> Fact:
    return Fact(
        fact_id=derive(store_id, label), city_id=city_id, topic=f"merchants.{what}", subject=store_id,
        payload=payload, at=now,
    )  # fmt: skip


async def set_hours(
    tx: Tx, requests: Sequence[SetHours], *, city_id: int, scope: Scope, now: datetime
) -> list[Store | Refusal]:
    """New weekly hours; of two for one store the last counts, the same again changes nothing.

    Records `merchants.hours_changed`. `scope` is the scope of EDIT_STORE. Refusals: BadHours, NotFound (unknown,
    closed, or outside the scope), StoreChanged (another version than was read).
    """
    good = {r.store_id: r for r in requests if len(r.hours.days) == 7 and all(sound(day) for day in r.hours.days)}
    mine = await locked(tx, list(good), city_id=city_id, scope=scope)
    stale = {i for i, store in mine.items() if good[i].version not in (None, store.version)}
    different = sorted(i for i, store in mine.items() if i not in stale and store.hours != good[i].hours)
    after = {i: structs.replace(mine[i], hours=good[i].hours, version=mine[i].version + 1) for i in different}
    await tx.run(
        """update merchants.stores as s set hours = w.hours, version = w.version
           from unnest(%(ids)s::uuid[], %(hours)s::jsonb[], %(versions)s::int[]) as w (store_id, hours, version)
           where s.city_id = %(city)s and s.store_id = w.store_id""",
        city=city_id,
        ids=different,
        hours=[Jsonb(after[i].hours.numbers()) for i in different],
        versions=[after[i].version for i in different],
    )
    kept = [version_of("hours", good[i].by, mine[i], after[i], ("hours",), now) for i in different]
    await note_changes(tx, kept, city_id=city_id)
    await tx.record([_fact(i, city_id, "hours_changed", f"hours {after[i].version}", now) for i in different])
    same = {i: store for i, store in mine.items() if store.hours == good[i].hours}
    results: list[Store | Refusal] = []
    for r in requests:
        if r.store_id not in good:
            results.append(BadHours(text=str(r.hours.numbers())[:120]))
        elif r.store_id in after or r.store_id in same:
            results.append(after.get(r.store_id) or same[r.store_id])
        else:
            stored = mine.get(r.store_id)
            results.append(StoreChanged(version=stored.version) if stored else NotFound())
    return results


async def set_exceptions(
    tx: Tx, requests: Sequence[SetException], *, city_id: int, scope: Scope
) -> list[DayException | Refusal | None]:
    """Other hours on single dates: spans, none for closed, or the exception taken away (the result is None then).

    Of two for one date the last counts. `scope` is the scope of EDIT_STORE. Refusals: BadHours, NotFound.
    """
    mine = await _lock(tx, [r.store_id for r in requests], city_id=city_id, scope=scope)
    results: list[DayException | Refusal | None] = []
    wanted: dict[tuple[UUID, date], DayException | None] = {}
    for r in requests:
        if r.store_id not in mine:
            results.append(NotFound())
        elif r.spans is not None and not sound(r.spans):
            results.append(BadHours(text=str(span_numbers(r.spans))[:120]))
        else:
            spans = r.spans
            result = None if spans is None else _exception(r, spans)
            wanted[(r.store_id, r.day)] = result
            results.append(result)
    await _write_exceptions(tx, wanted, city_id=city_id)
    return results


def _exception(request: SetException, spans: tuple[Span, ...]) -> DayException:
    return DayException(store_id=request.store_id, day=request.day, spans=spans, note=request.note)


async def _write_exceptions(
    tx: Tx, wanted: dict[tuple[UUID, date], DayException | None], *, city_id: int
) -> None:  # fmt: skip
    gone = [key for key, exception in wanted.items() if exception is None]
    kept = [exception for exception in wanted.values() if exception is not None]
    await tx.run(
        """delete from merchants.store_exceptions as e
           using unnest(%(ids)s::uuid[], %(days)s::date[]) as w (store_id, day)
           where e.city_id = %(city)s and e.store_id = w.store_id and e.day = w.day""",
        city=city_id,
        ids=[store_id for store_id, _ in gone],
        days=[day for _, day in gone],
    )
    await tx.run(
        """insert into merchants.store_exceptions (city_id, store_id, day, hours, note)
           select %(city)s, store_id, day, hours, note
           from unnest(%(ids)s::uuid[], %(days)s::date[], %(hours)s::jsonb[], %(notes)s::jsonb[])
                as w (store_id, day, hours, note)
           order by store_id, day
           on conflict (city_id, store_id, day) do update set hours = excluded.hours, note = excluded.note""",
        city=city_id,
        ids=[e.store_id for e in kept],
        days=[e.day for e in kept],
        hours=[Jsonb(span_numbers(e.spans)) for e in kept],
        notes=[as_json(e.note) if e.note else None for e in kept],
    )


async def add_photos(
    tx: Tx, requests: Sequence[AddPhoto], *, city_id: int, scope: Scope, now: datetime
) -> list[Photo | Refusal]:
    """Add pictures; the same id again stays the first picture.

    `scope` is the scope of EDIT_STORE. Refusals: NotFound, BadInput (file, alt, position).
    """
    mine = await _lock(tx, [r.store_id for r in requests], city_id=city_id, scope=scope)
    results: list[Photo | Refusal] = []
    for r in requests:
        if r.store_id not in mine:
            results.append(NotFound())
        elif not FILE.match(r.file) or ".." in r.file or len(r.file) > 200:
            results.append(BadInput(field="file", why=r.file[:60]))
        elif not 0 <= r.position < 1000:
            results.append(BadInput(field="position", why="0-999"))
        else:
            photo = Photo(photo_id=r.photo_id, store_id=r.store_id, file=r.file, alt=r.alt, position=r.position)
            results.append(words_missing(r.alt, "alt") or photo)
    good = [photo for photo in results if isinstance(photo, Photo)]
    await tx.run(
        """insert into merchants.store_photos (city_id, photo_id, store_id, file, position, alt, added_at)
           select %(city)s, photo_id, store_id, file, position, alt, %(now)s
           from unnest(%(ids)s::uuid[], %(stores)s::uuid[], %(files)s::text[], %(positions)s::int[], %(alts)s::jsonb[])
                as w (photo_id, store_id, file, position, alt)
           order by photo_id
           on conflict (city_id, photo_id) do nothing""",
        city=city_id,
        ids=[p.photo_id for p in good],
        stores=[p.store_id for p in good],
        files=[p.file for p in good],
        positions=[p.position for p in good],
        alts=[as_json(p.alt) for p in good],
        now=now,
    )
    return results


async def remove_photos(
    tx: Tx, requests: Sequence[RemovePhoto], *, city_id: int, scope: Scope
) -> list[UUID | Refusal]:  # fmt: skip
    """Take pictures away; the file itself is the file store's. Refusals: NotFound (unknown or outside the scope)."""
    seen, params = scope.sql(city="s.city_id", merchant="s.merchant_id", store="s.store_id")
    rows = await tx.rows(
        f"""delete from merchants.store_photos as p using merchants.stores as s
            where p.city_id = %(city)s and s.city_id = %(city)s and s.store_id = p.store_id and {seen}
              and p.photo_id = any(%(ids)s::uuid[])
            returning p.photo_id""",
        city=city_id,
        ids=sorted(r.photo_id for r in requests),
        **params,
    )
    gone = {row["photo_id"] for row in rows}
    return [r.photo_id if r.photo_id in gone else NotFound() for r in requests]


async def close_stores(
    tx: Tx, requests: Sequence[CloseStore], *, city_id: int, scope: Scope, now: datetime
) -> list[Store | Refusal]:
    """Close stores for good; what is closed stays closed as it was. Records `merchants.store_closed`.

    `scope` is the scope of EDIT_STORE. Refusals: BadInput (reason), NotFound (unknown, closed, outside the scope).
    """
    good = {r.store_id: r for r in reversed(requests) if 0 < len(r.reason.strip()) <= 200}
    mine = await locked(tx, list(good), city_id=city_id, scope=scope)
    changed = sorted(mine)
    await tx.run(
        """update merchants.stores as s
           set status = 'closed', closed_at = %(now)s, closed_by = w.closed_by, close_reason = w.reason,
               version = s.version + 1
           from unnest(%(ids)s::uuid[], %(closers)s::uuid[], %(reasons)s::text[]) as w (store_id, closed_by, reason)
           where s.city_id = %(city)s and s.store_id = w.store_id""",
        city=city_id,
        ids=changed,
        closers=[good[i].by for i in changed],
        reasons=[good[i].reason.strip() for i in changed],
        now=now,
    )
    closed = await stores(tx, city_id, changed)
    kept = [version_of("closed", good[i].by, mine[i], closed[i], ("status",), now) for i in changed]
    await note_changes(tx, kept, city_id=city_id)
    await tx.record([_fact(i, city_id, "store_closed", "closed", now, by=str(good[i].by)) for i in changed])
    return [
        closed.get(r.store_id) or NotFound() if r.store_id in good else BadInput(field="reason", why="1-200")
        for r in requests
    ]
