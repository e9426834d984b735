"""The counters of days and hours: read for looking, locked for using, given back by an undo."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.vouchers.capacity import Key, limited, spans
from hutong.vouchers.model import Voucher


class Place(Struct, frozen=True):
    """Where and when a voucher with limits is to be used."""

    voucher: Voucher
    store_id: UUID
    at: datetime


class Back(Struct, frozen=True, kw_only=True):
    """Uses that were undone: of which offer, where and when; `offline`: accepted by a counter without a network."""

    offer_id: UUID
    store_id: UUID
    at: datetime
    count: int
    offline: bool


def keys_of(places: Iterable[Place], *, zone: str) -> dict[Key, tuple[datetime, int]]:
    """The counters that these uses touch, each with its end and what it takes at most."""
    found: dict[Key, tuple[datetime, int]] = {}
    for place in places:
        voucher = place.voucher
        if limited(voucher.terms):
            for key, end, most in spans(
                voucher.terms, offer_id=voucher.offer_id, store_id=place.store_id, at=place.at, zone=zone
            ):
                found[key] = (end, max(most, found[key][1] if key in found else 0))
    return found


async def read(tx: Tx, keys: Sequence[Key], *, city_id: int) -> dict[Key, int]:
    """How many uses these counters have seen; those without a row are left out. No statement when none is asked."""
    if not keys:
        return {}
    rows = await tx.rows(
        """select c.offer_id, c.store_id, c.span, c.begins, c.used
           from unnest(%(offers)s::uuid[], %(stores)s::uuid[], %(spans)s::text[], %(begins)s::timestamptz[])
             as k(offer_id, store_id, span, begins)
           join vouchers.capacity c on c.city_id = %(city)s and c.offer_id = k.offer_id and c.store_id = k.store_id
             and c.span = k.span and c.begins = k.begins""",
        city=city_id, **_columns(keys),
    )  # fmt: skip
    return {_key(row): row["used"] for row in rows}


async def lock(tx: Tx, places: Iterable[Place], *, city_id: int, zone: str) -> dict[Key, int]:
    """As `read` for the counters of these uses, made where they were not there and locked in one order.

    No statement when no voucher has limits. Call it when the vouchers are locked and nothing below them is.
    """
    keys = keys_of(places, zone=zone)
    if not keys:
        return {}
    order = sorted(keys)
    rows = await tx.rows(
        load(__package__, "lock_capacity"), city=city_id, ends=[keys[key][0] for key in order],
        mosts=[keys[key][1] for key in order], **_columns(order),
    )  # fmt: skip
    return {_key(row): row["used"] for row in rows}


async def count(tx: Tx, taken: Counter[Key], *, offline: Counter[Key], city_id: int) -> None:
    """Add uses to locked counters; a CHECK refuses more than the store takes."""
    if not taken:
        return
    keys = sorted(taken)
    done = await tx.run(
        """update vouchers.capacity c set used = c.used + n.used, offline = c.offline + n.offline
           from unnest(%(offers)s::uuid[], %(stores)s::uuid[], %(spans)s::text[], %(begins)s::timestamptz[],
                       %(used)s::int[], %(offline)s::int[]) as n(offer_id, store_id, span, begins, used, offline)
           where c.city_id = %(city)s and c.offer_id = n.offer_id and c.store_id = n.store_id and c.span = n.span
             and c.begins = n.begins""",
        city=city_id, used=[taken[key] for key in keys], offline=[offline[key] for key in keys], **_columns(keys),
    )  # fmt: skip
    assert done == len(keys), "a counter vanished although it was locked"


async def give_back(tx: Tx, backs: Sequence[Back], *, city_id: int) -> None:
    """Take undone uses out of the day and the hour in which they were made. The vouchers are locked."""
    if backs:
        await tx.run(
            load(__package__, "give_back_capacity"), city=city_id, offers=[b.offer_id for b in backs],
            stores=[b.store_id for b in backs], ats=[b.at for b in backs], counts=[b.count for b in backs],
            offline=[b.count if b.offline else 0 for b in backs],
        )  # fmt: skip


def _columns(keys: Sequence[Key]) -> dict[str, list[object]]:
    return {
        "offers": [k.offer_id for k in keys], "stores": [k.store_id for k in keys], "spans": [k.span for k in keys],
        "begins": [k.begins for k in keys],
    }  # fmt: skip


def _key(row: dict) -> Key:
    return Key(row["offer_id"], row["store_id"], row["span"], row["begins"])
