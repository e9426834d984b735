"""Which promotions an order has to ask: a list of ids that each process keeps for three seconds.

A city without promotions costs an order nothing, and a new promotion is seen everywhere within three seconds. What is
in the list is read anew for every order, so one that was paused or is spent is never applied.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.pricing import queries
from hutong.pricing.stored import Live

FRESH = timedelta(seconds=3)
Key = tuple[str, int, str, int]  # the database and the city


class _Entry(Struct):
    read_at: datetime
    by_merchant: dict[UUID | None, tuple[UUID, ...]]


_entries: dict[Key, _Entry] = {}
_changed: dict[Key, datetime] = {}  # when this process changed a promotion: what it reads just now is not kept


def _key(tx: Tx, city_id: int) -> Key:
    info = tx.conn.info
    return info.host, info.port, info.dbname, city_id


def forget(tx: Tx, *, city_id: int, now: datetime) -> None:
    """A promotion of the city is being changed here: read the list anew."""
    key = _key(tx, city_id)
    _entries.pop(key, None)
    _changed[key] = now


async def _ids(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[UUID]:
    key = _key(tx, city_id)
    entry = _entries.get(key)
    if entry is None or abs(now - entry.read_at) >= FRESH:
        rows = await tx.rows(
            """select merchant_id, promotion_id from pricing.promotions
               where city_id = %(city)s and state = 'live' and trigger = 'auto' order by merchant_id, promotion_id""",
            city=city_id,
        )
        by_merchant: dict[UUID | None, tuple[UUID, ...]] = {}
        for row in rows:
            owner = row["merchant_id"]
            by_merchant[owner] = (*by_merchant.get(owner, ()), row["promotion_id"])
        entry = _Entry(now, by_merchant)
        if key not in _changed or abs(now - _changed[key]) >= FRESH:
            _entries[key] = entry
    owners: list[UUID | None] = [None, *sorted(set(merchant_ids))]
    return [promotion_id for owner in owners for promotion_id in entry.by_merchant.get(owner, ())]


async def live(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[Live]:
    """The automatic promotions in force at `now` of these merchants and of their city.

    No statement when there is none and the list was read lately; else one, or two. Those whose budget in all is spent
    are among them, marked, so that a quote can say why they do not apply.
    """
    ids = await _ids(tx, merchant_ids, city_id=city_id, now=now)
    if not ids:
        return []
    return [
        found
        for found in await queries.promotions(tx, ids, city_id=city_id)
        if found is not None
        and found.state == "live"
        and found.starts_at <= now
        and (found.ends_at is None or now < found.ends_at)
    ]
