"""Who was somewhere a while ago: what a round that asks how it was reads."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx


class Guest(Struct, frozen=True, kw_only=True):
    """A visit by a guest (never by the merchant's own people) that was not undone."""

    redemption_id: UUID
    voucher_id: UUID
    member_id: UUID
    store_id: UUID
    at: datetime


async def guests(
    tx: Tx, *, city_id: int, since: datetime, until: datetime, after: Guest | None = None, limit: int = 500
) -> list[Guest]:
    """The guests of (since, until], the first first; `after`: the last one before. Everybody's: for rounds only."""
    rows = await tx.rows(
        """select redemption_id, voucher_id, member_id, store_id, at from insight.visits
           where city_id = %(city)s and at > %(since)s and at <= %(until)s and undone_at is null and not own
             and (%(at)s::timestamptz is null or (at, redemption_id) > (%(at)s::timestamptz, %(last)s::uuid))
           order by at, redemption_id limit %(limit)s""",
        city=city_id, since=since, until=until, limit=limit, at=after.at if after else None,
        last=after.redemption_id if after else None,
    )  # fmt: skip
    return [Guest(**row) for row in rows]
