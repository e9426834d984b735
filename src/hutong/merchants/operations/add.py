"""Adding merchants and stores."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.access import Scope
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.kit.text import Text
from hutong.merchants.model import SLUG, AddMerchant, AddStore, Merchant, Store, words_missing
from hutong.merchants.queries import merchants, stores
from hutong.merchants.refusals import MerchantNotActive, MerchantTaken, StoreOutsideCity, StoreTaken
from hutong.places import City, District, UnknownCity, cities_of, city, districts_by_number, spell
from hutong.places.near import cube_of


def as_json(text: Text) -> Jsonb:
    return Jsonb({"zh": text.zh, "en": text.en})


async def add_merchants(tx: Tx, requests: Sequence[AddMerchant], *, now: datetime) -> list[Merchant | Refusal]:
    """Admit merchants, each in its city; the same request again gives the same merchant.

    The edge checks ADMIT_MERCHANT in that city. Refusals in this order: UnknownCity, BadInput (name, trade),
    MerchantTaken when the id belongs to a merchant with other words. Reference tables: use `db.central()`.
    """
    homes = await cities_of(tx, [r.city_id for r in requests])
    refused = [_why_not_merchant(request, homes) for request in requests]
    good = [r for r, why in zip(requests, refused, strict=True) if why is None]
    await tx.run(
        """insert into merchants.merchants (merchant_id, name, trade, status, operator_id, payout_account, created_at)
           select merchant_id, name, trade, 'active', operator_id, payout_account, %(now)s
           from unnest(%(ids)s::uuid[], %(names)s::jsonb[], %(trades)s::text[], %(operators)s::uuid[],
                       %(payouts)s::text[]) as w (merchant_id, name, trade, operator_id, payout_account)
           order by merchant_id
           on conflict (merchant_id) do nothing""",
        ids=[r.merchant_id for r in good],
        names=[as_json(r.name) for r in good],
        trades=[r.trade for r in good],
        operators=[r.operator_id for r in good],
        payouts=[r.payout_account for r in good],
        now=now,
    )
    there = await merchants(tx, [r.merchant_id for r in good])
    results = [why or _same_merchant(r, there[r.merchant_id]) for r, why in zip(requests, refused, strict=True)]
    added = zip(requests, results, strict=True)
    await _present(tx, {(r.merchant_id, r.city_id) for r, result in added if isinstance(result, Merchant)})
    return results


def _why_not_merchant(request: AddMerchant, homes: dict[int, City]) -> Refusal | None:
    if request.city_id not in homes:
        return UnknownCity(city_id=request.city_id)
    if not SLUG.match(request.trade):
        return BadInput(field="trade", why="a-z 0-9 - _")
    return words_missing(request.name, "name")


def _same_merchant(request: AddMerchant, found: Merchant) -> Merchant | Refusal:
    wanted = (request.name, request.trade, request.operator_id, request.payout_account)
    same = wanted == (found.name, found.trade, found.operator_id, found.payout_account)
    return found if same else MerchantTaken()


async def _present(tx: Tx, homes: set[tuple[UUID, int]]) -> None:
    """Note in which cities merchants are at home: a write only for the first store in a city."""
    rows = sorted(homes)
    await tx.run(
        """insert into merchants.presence (merchant_id, city_id)
           select w.merchant_id, w.city_id from unnest(%(merchants)s::uuid[], %(cities)s::int[])
                as w (merchant_id, city_id)
           where not exists (select from merchants.presence as p
                             where p.merchant_id = w.merchant_id and p.city_id = w.city_id)
           order by w.merchant_id, w.city_id
           on conflict (merchant_id, city_id) do nothing""",
        merchants=[merchant_id for merchant_id, _ in rows],
        cities=[city_id for _, city_id in rows],
    )


async def add_stores(
    tx: Tx, requests: Sequence[AddStore], *, city_id: int, scope: Scope, now: datetime
) -> list[Store | Refusal]:
    """Open stores in a city; the same request again gives the same store. Records `merchants.store_added`.

    `scope` is the scope of EDIT_STORE (EVERYTHING where the house itself loads a city). Refusals in this order:
    NotFound (merchant unknown or outside the scope), UnknownCity, MerchantNotActive, StoreOutsideCity, BadInput
    (name, address, category, district_id), StoreTaken when the id belongs to a store with other words.
    """
    home = await city(tx, city_id)
    owners = await merchants(tx, [r.merchant_id for r in requests])
    parts = await districts_by_number(tx, [city_id], [r.district_id for r in requests if r.district_id])
    known = {part.district_id: part for part in parts}
    refused: list[Refusal | None] = []
    for r in requests:
        inside = scope.covers(city=city_id, merchant=r.merchant_id, store=r.store_id)
        refused.append(_why_not_store(r, home, owners.get(r.merchant_id) if inside else None, known))
    good = [r for r, why in zip(requests, refused, strict=True) if why is None]
    new = await _insert(tx, good, city_id=city_id, now=now)
    there = await stores(tx, city_id, [r.store_id for r in good])
    results = [why or _same_store(r, there[r.store_id]) for r, why in zip(requests, refused, strict=True)]
    await _present(tx, {(there[store_id].merchant_id, city_id) for store_id in new})
    await tx.record([_added(there[store_id], now) for store_id in sorted(new)])
    return results


def _why_not_store(
    r: AddStore, home: City | None, owner: Merchant | None, districts: dict[int, District]
) -> Refusal | None:
    if owner is None:
        return NotFound()
    if home is None:
        return UnknownCity()
    if owner.status != "active":
        return MerchantNotActive()
    if not home.contains(r.place):
        return StoreOutsideCity(city=home.name.zh if home.name.zh == home.name.en else f"{home.name.zh} {home.name.en}")
    if not SLUG.match(r.category):
        return BadInput(field="category", why="a-z 0-9 - _")
    if r.district_id is not None and r.district_id not in districts:
        return BadInput(field="district_id", why=str(r.district_id))
    return words_missing(r.name, "name") or words_missing(r.address, "address", 240)


def _pinyin(request: AddStore) -> str:
    return request.pinyin or spell(request.name.zh)


def _same_store(request: AddStore, found: Store) -> Store | Refusal:
    names = ("merchant_id", "district_id", "name", "category", "address", "phone", "place", "hours")
    same = all(getattr(request, name) == getattr(found, name) for name in names)
    return found if same else StoreTaken()


async def _insert(tx: Tx, good: Sequence[AddStore], *, city_id: int, now: datetime) -> set[UUID]:
    rows = await tx.rows(
        load(__package__ or "", "add_stores"),
        city=city_id,
        ids=[r.store_id for r in good],
        merchants=[r.merchant_id for r in good],
        districts=[r.district_id for r in good],
        names=[as_json(r.name) for r in good],
        pinyins=[_pinyin(r) for r in good],
        categories=[r.category for r in good],
        addresses=[as_json(r.address) for r in good],
        phones=[r.phone for r in good],
        lats=[r.place.lat for r in good],
        lons=[r.place.lon for r in good],
        places=[cube_of(r.place) for r in good],
        hours=[Jsonb(r.hours.numbers()) for r in good],
        now=now,
    )
    return {row["store_id"] for row in rows}


def _added(store: Store, now: datetime) -> Fact:
    payload = {"merchant_id": str(store.merchant_id), "name": {"zh": store.name.zh, "en": store.name.en}}
    return Fact(
        fact_id=derive(store.store_id, "added"), city_id=store.city_id, topic="merchants.store_added",
        subject=store.store_id, payload=payload, at=now,
    )  # fmt: skip
