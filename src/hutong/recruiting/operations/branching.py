"""Further stores of a merchant: asked for, sent back, asked for again, taken back, let in."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, to_builtins
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.turns import in_turn
from hutong.kit.access import EVERYTHING, Scope
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.merchants import AddPhoto, AddStore, Hours, MerchantNotActive, add_photos, add_stores, merchants
from hutong.merchants.hours import sound
from hutong.merchants.model import SLUG, words_missing
from hutong.places import City, UnknownCity, city, districts_by_number
from hutong.recruiting.branching import (
    AskStore,
    MoveStore,
    NewStore,
    NewStoreChanged,
    NewStoreUnknown,
    OwnStore,
    StoreSaid,
    StoreState,
    TooManyNewStores,
    new_store_of,
)
from hutong.recruiting.model import LONGEST_REASON, Reach
from hutong.recruiting.queries.branching import lock_new_stores, new_stores_named

MOST_WAITING = 20


class _Taken(Struct, frozen=True, kw_only=True):
    """A step to take: which version it makes, in what state, by whom, why, and what is said of the store then."""

    ask: AskStore | MoveStore
    merchant_id: UUID
    asked_by: UUID
    version: int
    state: StoreState
    said: StoreSaid
    reason: str = ""


async def ask_stores(
    tx: Tx, asks: Sequence[AskStore], *, city_id: int, scope: Scope, now: datetime
) -> list[NewStore | Refusal]:
    """Ask for stores, or ask again with better words after they were sent back. The same again is the same.

    `scope` is the scope of EDIT_MERCHANT: the owner's. Refusals in this order: not_found (merchant outside the scope),
    merchant_not_active, unknown_city, bad_input (name, address, category, district_id, hours, place),
    new_store_changed (decided or changed meanwhile), too_many_new_stores.
    """
    home = await city(tx, city_id)
    owners = await merchants(tx, [a.merchant_id for a in asks])
    parts = await districts_by_number(tx, [city_id], [a.said.district_id for a in asks])
    known = {one.district_id for one in parts}
    await in_turn(tx, f"new stores/{city_id}", [a.merchant_id for a in asks])  # nobody adds to what is counted below
    locked = await lock_new_stores(tx, [a.new_store_id for a in asks], city_id=city_id)
    waiting = await _waiting(tx, [a.merchant_id for a in asks], city_id=city_id)
    results: list[Refusal | None] = []
    taken: dict[UUID, _Taken] = {}
    for ask in asks:
        inside = scope.covers(merchant=ask.merchant_id)
        owner = owners.get(ask.merchant_id) if inside else None
        was = locked.get(ask.new_store_id)
        why: Refusal | None = NotFound() if owner is None or (was and was.merchant_id != ask.merchant_id) else None
        if why is None and owner is not None and owner.status != "active":
            why = MerchantNotActive()
        why = why or _why_not(ask.said, home, known)
        again = was is not None and was.said == ask.said and was.state == "waiting"
        if why is None and not again and ask.new_store_id not in taken:
            if was is not None and (was.state != "returned" or was.version != ask.version):
                why = NewStoreChanged()
            elif waiting[ask.merchant_id] >= MOST_WAITING:
                why = TooManyNewStores(most=MOST_WAITING)
            else:
                waiting[ask.merchant_id] += 1
                taken[ask.new_store_id] = _Taken(
                    ask=ask, merchant_id=ask.merchant_id, asked_by=ask.by, version=was.version + 1 if was else 1,
                    state="waiting", said=ask.said,
                )  # fmt: skip
        results.append(why)
    await _write(tx, list(taken.values()), city_id=city_id, now=now)
    after = await new_stores_named(tx, [a.new_store_id for a in asks], city_id=city_id)
    return [why or after[ask.new_store_id] for ask, why in zip(asks, results, strict=True)]


async def _waiting(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> Counter[UUID]:
    rows = await tx.rows(
        """select merchant_id, count(*) as n from recruiting.new_stores
           where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[]) and state = 'waiting'
           group by merchant_id""",
        city=city_id, ids=sorted(set(merchant_ids)),
    )  # fmt: skip
    return Counter({row["merchant_id"]: row["n"] for row in rows})


def _why_not(said: StoreSaid, home: City | None, districts: set[int]) -> Refusal | None:
    if home is None:
        return UnknownCity()
    wrong = words_missing(said.name, "name") or words_missing(said.address, "address", 240)
    if wrong is not None:
        return wrong
    if not SLUG.match(said.category):
        return BadInput(field="category", why="a-z 0-9 - _")
    if said.district_id not in districts:
        return BadInput(field="district_id", why=str(said.district_id))
    try:
        good = all(sound(day) for day in Hours.of(said.hours).days) and len(said.hours) == 7
    except (ValueError, Refusal):
        good = False
    if not good:
        return BadInput(field="hours", why="00:00-24:00")
    return None if home.contains(said.place) else BadInput(field="place", why=home.slug)


async def withdraw_stores(
    tx: Tx, asks: Sequence[MoveStore], *, city_id: int, scope: Scope, now: datetime
) -> list[NewStore | Refusal]:
    """Take them back, by the owner (`scope` of EDIT_MERCHANT). Refusals: new_store_not_found, new_store_changed."""

    def may(one: NewStore, ask: MoveStore) -> Refusal | None:
        if not scope.covers(merchant=one.merchant_id):
            return NewStoreUnknown()
        return None if one.state in ("waiting", "returned") else NewStoreChanged()

    return await _move(tx, asks, "withdrawn", may, city_id=city_id, now=now)


async def return_stores(
    tx: Tx, asks: Sequence[MoveStore], *, city_id: int, reach: Reach, now: datetime
) -> list[NewStore | Refusal]:
    """Send them back with a reason. Refusals in this order: new_store_not_found (outside the reach, too),
    new_store_changed, bad_input (reason)."""

    def may(one: NewStore, ask: MoveStore) -> Refusal | None:
        wrong = _decidable(one, reach)
        if wrong is None and not 1 <= len(ask.reason.strip()) <= LONGEST_REASON:
            return BadInput(field="reason", why=f"1-{LONGEST_REASON}")
        return wrong

    return await _move(tx, asks, "returned", may, city_id=city_id, now=now)


async def open_stores(
    tx: Tx, asks: Sequence[MoveStore], *, city_id: int, reach: Reach, now: datetime
) -> list[NewStore | Refusal]:
    """Let them in: store, hours and picture are there in this transaction. Refusals in this order: new_store_not_found,
    new_store_changed, own_new_store, and those of merchants.add_stores, which end the transaction."""

    def may(one: NewStore, ask: MoveStore) -> Refusal | None:
        return _decidable(one, reach) or (OwnStore() if one.asked_by == ask.by else None)

    results = await _move(tx, asks, "open", may, city_id=city_id, now=now)
    opened = {one.new_store_id: one for one in results if isinstance(one, NewStore)}.values()
    stores = [
        AddStore(
            store_id=one.store_id, merchant_id=one.merchant_id, name=one.said.name, place=one.said.place,
            address=one.said.address, category=one.said.category, hours=Hours.of(one.said.hours),
            district_id=one.said.district_id, phone=one.said.phone,
        )
        for one in opened
    ]  # fmt: skip
    for done in await add_stores(tx, stores, city_id=city_id, scope=EVERYTHING, now=now):
        _sure(done)
    photos = [
        AddPhoto(
            photo_id=derive(one.new_store_id, "photo"), store_id=one.store_id, file=one.said.photo, alt=one.said.name
        )
        for one in opened
        if one.said.photo is not None
    ]
    for done in await add_photos(tx, photos, city_id=city_id, scope=EVERYTHING, now=now):
        _sure(done)
    return results


def _decidable(one: NewStore, reach: Reach) -> Refusal | None:
    if not reach.admits(one.said.district_id):
        return NewStoreUnknown()
    return None if one.state == "waiting" else NewStoreChanged()


async def _move(
    tx: Tx, asks: Sequence[MoveStore], state: StoreState, may: Any, *, city_id: int, now: datetime
) -> list[NewStore | Refusal]:
    locked = await lock_new_stores(tx, [a.new_store_id for a in asks], city_id=city_id)
    results: list[Refusal | None] = []
    taken: dict[UUID, _Taken] = {}
    for ask in asks:
        one = locked.get(ask.new_store_id)
        why: Refusal | None = NewStoreUnknown() if one is None else may(one, ask)
        if why is None and one is not None:
            if one.version != ask.version or ask.new_store_id in taken:
                why = NewStoreChanged()
            else:
                taken[one.new_store_id] = _Taken(
                    ask=ask, merchant_id=one.merchant_id, asked_by=one.asked_by, version=one.version + 1, state=state,
                    said=one.said, reason=ask.reason.strip(),
                )  # fmt: skip
        results.append(why)
    await _write(tx, list(taken.values()), city_id=city_id, now=now)
    after = await new_stores_named(tx, list(taken), city_id=city_id)
    return [why or after[ask.new_store_id] for ask, why in zip(asks, results, strict=True)]


async def _write(tx: Tx, taken: Sequence[_Taken], *, city_id: int, now: datetime) -> None:
    """The state, its step and its fact; the version is the key of the step."""
    if not taken:
        return
    shared = {
        "city": city_id, "now": now, "ids": [t.ask.new_store_id for t in taken], "askers": [t.asked_by for t in taken],
        "said": [Jsonb(to_builtins(t.said)) for t in taken], "states": [t.state for t in taken],
        "versions": [t.version for t in taken],
    }  # fmt: skip
    await tx.run(
        """insert into recruiting.new_stores as n (city_id, new_store_id, merchant_id, store_id, district_id, asked_by,
                                                   said, state, version, made_at, changed_at)
           select %(city)s, w.id, w.merchant, w.store, w.district, w.asker, w.said, w.state, w.version, %(now)s, %(now)s
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[], %(districts)s::int[],
                       %(askers)s::uuid[], %(said)s::jsonb[], %(states)s::text[], %(versions)s::int[])
                as w(id, merchant, store, district, asker, said, state, version)
           order by w.id
           on conflict (city_id, new_store_id) do update
             set said = excluded.said, state = excluded.state, version = excluded.version,
                 district_id = excluded.district_id, asked_by = excluded.asked_by, changed_at = excluded.changed_at""",
        merchants=[t.merchant_id for t in taken], stores=[new_store_of(t.ask.new_store_id) for t in taken],
        districts=[t.said.district_id for t in taken], **shared,
    )  # fmt: skip
    await tx.run(
        """insert into recruiting.new_store_steps
             (city_id, new_store_id, version, state, by, asked_by, at, reason, said)
           select %(city)s, s.id, s.version, s.state, s.by, s.asker, %(now)s, s.reason, s.said
           from unnest(%(ids)s::uuid[], %(versions)s::int[], %(states)s::text[], %(bys)s::uuid[], %(askers)s::uuid[],
                       %(reasons)s::text[], %(said)s::jsonb[])
                as s(id, version, state, by, asker, reason, said)""",
        bys=[t.ask.by for t in taken], reasons=[t.reason for t in taken], **shared,
    )  # fmt: skip
    await tx.record([_fact(one, city_id, now) for one in taken])


def _fact(one: _Taken, city_id: int, now: datetime) -> Fact:
    payload = {
        "state": one.state, "member_id": str(one.asked_by), "name": to_builtins(one.said.name),
        "merchant_id": str(one.merchant_id),
    }  # fmt: skip
    return Fact(
        fact_id=derive(one.ask.new_store_id, f"step/{one.version}"), city_id=city_id, topic="recruiting.store_moved",
        subject=one.ask.new_store_id, payload=payload, at=now,
    )  # fmt: skip


def _sure(result: object) -> None:
    if isinstance(result, Refusal):
        raise result
