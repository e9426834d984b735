"""Making what consumers read: storefronts, listings and search documents, from stores and offers.

Storefronts are locked first, in the order of their ids: two offers of one store that are published at the same
moment then list the store one after the other, and the second sees the first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import to_builtins
from psycopg.types.json import Jsonb

from hutong import places
from hutong.catalog.docs import SearchDoc, doc_of_offer, doc_of_store
from hutong.catalog.model import Offer, StoreDoc
from hutong.catalog.operations.stores import docs_of_stores
from hutong.catalog.queries.offers import categories, offers
from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.places.near import cube_of

# What is claimed and what costs points have places of their own: no list, no map, no search shows them. Nor what
# costs nothing (a stamp card).
UNLISTED = ("coupons", "alliance")


class _Names:
    """Names of categories (with those above them) and of districts."""

    def __init__(self, shelves: dict[str, tuple[str | None, Text]], districts: dict[int, Text]) -> None:
        self._shelves, self._districts = shelves, districts

    def category(self, slug: str) -> list[Text]:
        found: list[Text] = []
        here: str | None = slug
        while here in self._shelves:
            here, name = self._shelves[here]
            found.append(name)
        return found

    def district(self, district_id: int | None) -> Text | None:
        return None if district_id is None else self._districts.get(district_id)


async def _names(tx: Tx, city_id: int) -> _Names:
    shelves = {category.slug: (category.parent, category.name) for category in await categories(tx)}
    districts = {district.district_id: district.name for district in await places.districts(tx, city_id)}
    return _Names(shelves, districts)


async def refresh_stores(tx: Tx, store_ids: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """Read these stores from `merchants` and show them as they are now; how many there were.

    Call it in the transaction that adds, edits or closes a store (or renames a merchant).
    """
    found = await docs_of_stores(tx, sorted(set(store_ids)), city_id=city_id)
    await index_stores(tx, found, city_id=city_id, now=now)
    return len(found)


async def index_stores(tx: Tx, docs: Sequence[StoreDoc], *, city_id: int, now: datetime) -> None:
    """Show these stores so from now on; their listings and, where a name, the place or whether they are shown changed,
    their offers follow."""
    await _show(tx, docs, city_id=city_id, now=now)
    await _refresh_listings(tx, sorted({doc.store_id for doc in docs}), city_id=city_id, now=now)


async def _show(tx: Tx, docs: Sequence[StoreDoc], *, city_id: int, now: datetime) -> None:
    """Storefronts and documents; the listings are the caller's: their counts are locked once, as the last."""
    wanted = {doc.store_id: doc for doc in docs}
    ids = sorted(wanted)
    before = await _shown(tx, ids, city_id=city_id)
    await _write_storefronts(tx, [wanted[key] for key in ids], city_id=city_id, now=now)
    names = await _names(tx, city_id)
    visible = [
        doc_of_store(city_id, doc, category=names.category(doc.category), district=names.district(doc.district_id))
        for key in ids
        if (doc := wanted[key]).visible
    ]
    await _write_docs(tx, "store", ids, visible, city_id=city_id)
    renamed = [key for key in ids if key in before and _named(before[key]) != _named(wanted[key])]
    if renamed:
        await _write_offer_docs(tx, await _offers_of(tx, renamed, city_id=city_id), names, city_id=city_id)


def _named(doc: StoreDoc) -> tuple[Text, Text, int | None, Point, bool]:
    """What the documents of its offers say of a store."""
    return doc.merchant_name, doc.name, doc.district_id, doc.point, doc.visible


async def index_offers(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int, now: datetime) -> None:
    """Make these offers findable if they are published, else not; list their stores accordingly.

    The steps of an offer's life call it; call it yourself only to repair. Stores that were never shown are read
    from `merchants` first.
    """
    if not offer_ids:
        return
    ids = sorted(set(offer_ids))
    found = [offer for offer in await offers(tx, ids, city_id=city_id) if offer is not None]
    store_ids = sorted({store_id for offer in found for store_id in offer.store_ids})
    missing = set(store_ids) - (await _shown(tx, store_ids, city_id=city_id)).keys()
    if missing:
        await _show(tx, await docs_of_stores(tx, sorted(missing), city_id=city_id), city_id=city_id, now=now)
    await tx.rows(
        """select 1 from catalog.storefronts where city_id = %(city)s and store_id = any(%(ids)s::uuid[])
           order by store_id for no key update""",
        city=city_id,
        ids=store_ids,
    )
    await _write_offer_docs(tx, found, await _names(tx, city_id), city_id=city_id)
    await _refresh_listings(tx, store_ids, city_id=city_id, now=now)


async def _refresh_listings(tx: Tx, store_ids: Sequence[UUID], *, city_id: int, now: datetime) -> None:
    await tx.run(load(__package__ or "", "refresh_listings"), city=city_id, stores=list(store_ids), now=now)


async def _shown(tx: Tx, store_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, StoreDoc]:
    rows = await tx.rows(
        "select * from catalog.storefronts where city_id = %(city)s and store_id = any(%(ids)s::uuid[])",
        city=city_id,
        ids=list(store_ids),
    )
    return {row["store_id"]: _doc_of_row(row) for row in rows}


def _doc_of_row(row: dict[str, Any]) -> StoreDoc:
    return StoreDoc(
        store_id=row["store_id"], merchant_id=row["merchant_id"], merchant_name=Text(**row["merchant_name"]),
        name=Text(**row["name"]), address=Text(**row["address"]), category=row["category"],
        district_id=row["district_id"], point=Point(row["lat"], row["lon"]), hours=row["hours"], cover=row["cover"],
        visible=row["visible"],
    )  # fmt: skip


async def _offers_of(tx: Tx, store_ids: Sequence[UUID], *, city_id: int) -> list[Offer]:
    rows = await tx.rows(
        """select distinct o.offer_id
           from catalog.offer_stores os join catalog.offers o on o.city_id = %(city)s and o.offer_id = os.offer_id
           where os.city_id = %(city)s and os.store_id = any(%(ids)s::uuid[]) and o.status = 'published'
             and o.scheme not in ('coupons', 'alliance') and o.price_units > 0""",
        city=city_id,
        ids=list(store_ids),
    )
    found = await offers(tx, [row["offer_id"] for row in rows], city_id=city_id)
    return [offer for offer in found if offer is not None]


async def _write_offer_docs(tx: Tx, found: Sequence[Offer], names: _Names, *, city_id: int) -> None:
    fronts = await _shown(tx, sorted({s for offer in found for s in offer.store_ids}), city_id=city_id)
    docs = []
    for offer in sorted(found, key=lambda offer: offer.offer_id):
        if offer.status == "published" and offer.scheme not in UNLISTED and offer.price:
            stores = [fronts[store_id] for store_id in offer.store_ids if store_id in fronts]
            districts = [name for s in stores if (name := names.district(s.district_id)) is not None]
            shelf = names.category(offer.category)
            docs.append(doc_of_offer(city_id, offer, category=shelf, stores=stores, districts=districts))
    await _write_docs(tx, "offer", [offer.offer_id for offer in found], docs, city_id=city_id)


async def _write_storefronts(tx: Tx, docs: Sequence[StoreDoc], *, city_id: int, now: datetime) -> None:
    await tx.run(
        """insert into catalog.storefronts (city_id, store_id, merchant_id, merchant_name, name, address, category,
                                            district_id, lat, lon, at, hours, cover, visible, indexed_at)
           select %(city)s, store_id, merchant_id, merchant_name, name, address, category, district_id, lat, lon,
                  at::cube, hours, cover, visible, %(now)s
           from unnest(%(stores)s::uuid[], %(merchants)s::uuid[], %(merchant_names)s::jsonb[], %(names)s::jsonb[],
                       %(addresses)s::jsonb[], %(categories)s::text[], %(districts)s::int[], %(lats)s::float8[],
                       %(lons)s::float8[], %(ats)s::text[], %(hours)s::jsonb[], %(covers)s::text[], %(visible)s::bool[])
                as n (store_id, merchant_id, merchant_name, name, address, category, district_id, lat, lon, at, hours,
                      cover, visible)
           on conflict (city_id, store_id) do update
           set merchant_name = excluded.merchant_name, name = excluded.name, address = excluded.address,
               category = excluded.category, district_id = excluded.district_id, lat = excluded.lat,
               lon = excluded.lon, at = excluded.at, hours = excluded.hours, cover = excluded.cover,
               visible = excluded.visible, indexed_at = excluded.indexed_at""",
        city=city_id,
        now=now,
        stores=[doc.store_id for doc in docs],
        merchants=[doc.merchant_id for doc in docs],
        merchant_names=_json(doc.merchant_name for doc in docs),
        names=_json(doc.name for doc in docs),
        addresses=_json(doc.address for doc in docs),
        categories=[doc.category for doc in docs],
        districts=[doc.district_id for doc in docs],
        lats=[doc.point.lat for doc in docs],
        lons=[doc.point.lon for doc in docs],
        ats=[cube_of(doc.point) for doc in docs],
        hours=_json(doc.hours for doc in docs),
        covers=[doc.cover for doc in docs],
        visible=[doc.visible for doc in docs],
    )


async def _write_docs(tx: Tx, kind: str, ids: Sequence[UUID], docs: Sequence[SearchDoc], *, city_id: int) -> None:
    """These documents are all that is found of the things with these ids."""
    await tx.run(
        """delete from catalog.search_docs
           where city_id = %(city)s and kind = %(kind)s and doc_id = any(%(ids)s::uuid[])
             and doc_id <> all(%(kept)s::uuid[])""",
        city=city_id,
        kind=kind,
        ids=list(ids),
        kept=[doc.doc_id for doc in docs],
    )
    await tx.run(
        """insert into catalog.search_docs (city_id, kind, doc_id, merchant_id, title, names, words, marks, latin,
                                            boost, sale, store_ids, places)
           select %(city)s, %(kind)s, doc_id, merchant_id, title, string_to_array(names, '|'), words::tsvector,
                  marks::tsvector, latin, boost, tstzrange(sale_from, sale_to), string_to_array(stores, '|')::uuid[],
                  string_to_array(places, '|')::cube[]
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(titles)s::jsonb[], %(names)s::text[],
                       %(words)s::text[], %(marks)s::text[], %(latins)s::text[], %(boosts)s::real[],
                       %(froms)s::timestamptz[], %(tos)s::timestamptz[], %(stores)s::text[], %(places)s::text[])
                as n (doc_id, merchant_id, title, names, words, marks, latin, boost, sale_from, sale_to, stores, places)
           on conflict (city_id, kind, doc_id) do update
           set title = excluded.title, names = excluded.names, words = excluded.words, marks = excluded.marks,
               latin = excluded.latin, boost = excluded.boost, sale = excluded.sale, store_ids = excluded.store_ids,
               places = excluded.places""",
        city=city_id,
        kind=kind,
        ids=[doc.doc_id for doc in docs],
        merchants=[doc.merchant_id for doc in docs],
        titles=_json(doc.title for doc in docs),
        names=["|".join(doc.names) for doc in docs],
        words=[doc.words for doc in docs],
        marks=[doc.marks for doc in docs],
        latins=[doc.latin for doc in docs],
        boosts=[doc.boost for doc in docs],
        froms=[doc.sale[0] for doc in docs],
        tos=[doc.sale[1] for doc in docs],
        stores=["|".join(str(store_id) for store_id, _ in doc.stores) for doc in docs],
        places=["|".join(cube_of(point) for _, point in doc.stores) for doc in docs],
    )


def _json(values: Iterable[Any]) -> list[Jsonb]:
    return [Jsonb(to_builtins(value)) for value in values]
