"""How offers get into their tables: lock in one sorted go, write offers, stores, history, prices and facts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, to_builtins
from psycopg.types.json import Jsonb

from hutong import places
from hutong.catalog.model import Offer
from hutong.catalog.queries.rows import OFFER, offer_of_row
from hutong.catalog.rules import difference
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.ids import derive


class Entry(Struct, frozen=True):
    """One step of one offer: what was done by whom and why, and the offer before and after."""

    what: str
    by: UUID | None
    reason: str
    before: Offer | None
    after: Offer


async def zone_of(tx: Tx, city_id: int) -> str | None:
    """The time zone of the city; None when there is no such city."""
    city = await places.city(tx, city_id)
    return None if city is None else city.zone


async def locked(tx: Tx, offer_ids: Iterable[UUID], *, city_id: int) -> dict[UUID, Offer]:
    """The offers with these ids, locked in the order of their ids until the transaction ends."""
    rows = await tx.rows(
        f"{OFFER} and o.offer_id = any(%(ids)s::uuid[]) order by o.offer_id for no key update of o",
        city=city_id,
        ids=sorted(set(offer_ids)),
    )
    return {row["offer_id"]: offer_of_row(row) for row in rows}


def _columns(offers: Sequence[Offer]) -> dict[str, list[Any]]:
    plain = ("offer_id", "merchant_id", "scheme", "category", "trade", "quota_id", "min_units", "per_order_max",
             "sale_from", "sale_to", "status", "version", "created_at", "published_at", "ended_at",
             "copied_from")  # fmt: skip
    words = ("title", "summary", "included", "excluded", "terms", "form")
    return (
        {name: [getattr(offer, name) for offer in offers] for name in plain}
        | {name: [Jsonb(to_builtins(getattr(offer, name))) for offer in offers] for name in words}
        | {
            "price_units": [offer.price.units for offer in offers],
            "list_units": [offer.list_price.units for offer in offers],
            "asset": [offer.price.asset for offer in offers],
        }
    )


async def insert(tx: Tx, offers: Sequence[Offer], *, city_id: int) -> set[UUID]:
    """Write new offers with their stores; the ids that were new."""
    rows = await tx.rows(load(__package__ or "", "insert_offers"), city=city_id, **_columns(offers))
    new = {row["offer_id"] for row in rows}
    await _add_stores(tx, [offer for offer in offers if offer.offer_id in new], city_id=city_id)
    return new


async def update(tx: Tx, pairs: Sequence[tuple[Offer, Offer]], *, city_id: int) -> None:
    """Write locked offers (before, after) and, where they differ, their stores."""
    columns = _columns([after for _, after in pairs])
    for fixed in ("merchant_id", "scheme", "created_at", "copied_from"):
        del columns[fixed]
    await tx.run(load(__package__ or "", "update_offers"), city=city_id, **columns)
    moved = [after for before, after in pairs if before.store_ids != after.store_ids]
    if moved:
        await tx.run(
            "delete from catalog.offer_stores where city_id = %(city)s and offer_id = any(%(ids)s::uuid[])",
            city=city_id,
            ids=[offer.offer_id for offer in moved],
        )
        await _add_stores(tx, moved, city_id=city_id)


async def _add_stores(tx: Tx, offers: Sequence[Offer], *, city_id: int) -> None:
    rows = [(offer.offer_id, store_id, offer.merchant_id) for offer in offers for store_id in offer.store_ids]
    await tx.run(
        """insert into catalog.offer_stores (city_id, offer_id, store_id, merchant_id)
           select %(city)s, * from unnest(%(offers)s::uuid[], %(stores)s::uuid[], %(merchants)s::uuid[])""",
        city=city_id,
        offers=[offer_id for offer_id, _, _ in rows],
        stores=[store_id for _, store_id, _ in rows],
        merchants=[merchant_id for _, _, merchant_id in rows],
    )


async def keep_history(tx: Tx, entries: Sequence[Entry], *, city_id: int, now: datetime) -> None:
    """One row of history for each step, and a fact for each change of state."""
    different = [difference(entry.before, entry.after) for entry in entries]
    await tx.run(
        """insert into catalog.offer_changes (city_id, offer_id, version, what, by, at, status, before, after, reason)
           select %(city)s, offer_id, version, what, by, %(now)s, status, before, after, reason
           from unnest(%(offers)s::uuid[], %(versions)s::int[], %(whats)s::text[], %(bys)s::uuid[],
                       %(statuses)s::text[], %(befores)s::jsonb[], %(afters)s::jsonb[], %(reasons)s::text[])
                as e (offer_id, version, what, by, status, before, after, reason)""",
        city=city_id,
        now=now,
        offers=[entry.after.offer_id for entry in entries],
        versions=[entry.after.version for entry in entries],
        whats=[entry.what for entry in entries],
        bys=[entry.by for entry in entries],
        statuses=[entry.after.status for entry in entries],
        befores=[Jsonb(before) for before, _ in different],
        afters=[Jsonb(after) for _, after in different],
        reasons=[entry.reason[:500] for entry in entries],
    )
    await tx.record([_fact(entry, city_id, now) for entry in entries])


def _fact(entry: Entry, city_id: int, now: datetime) -> Fact:
    offer = entry.after
    return Fact(
        fact_id=derive(offer.offer_id, f"version {offer.version}"), city_id=city_id, at=now,
        topic=f"catalog.offer.{entry.what}", subject=offer.offer_id,
        payload={"merchant_id": str(offer.merchant_id), "status": offer.status, "version": offer.version},
    )  # fmt: skip


def _shelf_price(offer: Offer | None) -> tuple[int, int, str] | None:
    """The price at which the offer stands on the shelf; None when it does not."""
    if offer is None or offer.status != "published":
        return None
    return offer.price.units, offer.list_price.units, offer.price.asset


async def keep_prices(tx: Tx, pairs: Sequence[tuple[Offer, Offer]], *, city_id: int, now: datetime) -> None:
    """Where the price on the shelf changed (before, after): close the open period and begin the next one.

    A period that would be empty is forgotten; one never begins before another ended, even when the clocks of two
    servers differ by a little.
    """
    changed = sorted(
        ((b.offer_id, _shelf_price(a)) for b, a in pairs if _shelf_price(b) != _shelf_price(a)), key=lambda p: p[0]
    )
    if not changed:
        return
    ids = [offer_id for offer_id, _ in changed]
    await tx.run(
        """with gone as (
               delete from catalog.offer_prices
               where city_id = %(city)s and offer_id = any(%(ids)s::uuid[]) and valid_to is null
                 and valid_from >= %(now)s)
           update catalog.offer_prices set valid_to = %(now)s
           where city_id = %(city)s and offer_id = any(%(ids)s::uuid[]) and valid_to is null
             and valid_from < %(now)s""",
        city=city_id,
        ids=ids,
        now=now,
    )
    await tx.run(
        """insert into catalog.offer_prices (city_id, offer_id, valid_from, price_units, list_units, asset)
           select %(city)s, n.offer_id,
                  greatest(%(now)s, (select max(p.valid_to) from catalog.offer_prices p
                                     where p.city_id = %(city)s and p.offer_id = n.offer_id)),
                  n.price, n.list, n.asset
           from unnest(%(ids)s::uuid[], %(prices)s::bigint[], %(lists)s::bigint[], %(assets)s::text[])
                as n (offer_id, price, list, asset)
           where n.price is not null""",
        city=city_id,
        now=now,
        ids=ids,
        prices=[price and price[0] for _, price in changed],
        lists=[price and price[1] for _, price in changed],
        assets=[price and price[2] for _, price in changed],
    )
