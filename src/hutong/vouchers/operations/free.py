"""How full the stores are now, for those who buy and those who hold: no lock, no promise for later."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.terms import Terms
from hutong.vouchers.capacity import Room, limited, rooms, spans
from hutong.vouchers.operations import _capacity


async def rooms_now(
    tx: Tx, store_ids: Sequence[UUID], *, terms: Terms, offer_id: UUID, city_id: int, now: datetime, zone: str
) -> dict[UUID, tuple[Room, ...]]:
    """The day and the hour of each store with what is used and left of them. Empty, and no statement, where the terms
    set no limit. `zone` is the city's."""
    if not limited(terms):
        return {}
    asked = {
        key
        for store_id in store_ids
        for key, _, _ in spans(terms, offer_id=offer_id, store_id=store_id, at=now, zone=zone)
    }
    used = await _capacity.read(tx, sorted(asked), city_id=city_id)
    return {
        store_id: rooms(terms, used, offer_id=offer_id, store_id=store_id, at=now, zone=zone) for store_id in store_ids
    }
