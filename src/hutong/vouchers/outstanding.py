"""What is still out: usable vouchers by the end of their validity, their holders; and redemptions for a read model.

Reads for the packages above: who may see is the caller's.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from hutong.infra.db import Tx
from hutong.kit.text import Text


class Outstanding(Struct, frozen=True, kw_only=True):
    """Usable deal vouchers of one offer that end together and began on one local day: uses left, units, and the
    earliest beginning."""

    merchant_id: UUID
    offer_id: UUID
    title: Text
    valid_from: datetime
    valid_to: datetime
    units: int
    uses: int


class Holder(Struct, frozen=True, kw_only=True):
    """Somebody who holds usable vouchers of an offer: one of them, and how many."""

    member_id: UUID
    offer_id: UUID
    voucher_id: UUID
    title: Text
    valid_to: datetime
    units: int


async def outstanding(
    tx: Tx, *, city_id: int, zone: str, now: datetime, until: datetime, merchant_ids: Sequence[UUID] | None = None
) -> list[Outstanding]:
    """Deal vouchers that may be used now or later and end in (now, until]; of these merchants, or of all of the city.

    Only deals: cards and coupons are used all year round and fill no shop at their end. Soonest end first.
    """
    rows = await tx.rows(
        """select v.merchant_id, v.offer_id, (array_agg(v.title order by v.voucher_id))[1] as title,
                  min(v.valid_from) as valid_from, v.valid_to, count(*)::int as units, sum(v.uses_left)::int as uses
           from vouchers.vouchers v
           where v.city_id = %(city)s and v.state = 'valid' and v.kind = 'deal'
             and v.valid_to > %(now)s and v.valid_to <= %(until)s
             and (%(merchants)s::uuid[] is null or v.merchant_id = any(%(merchants)s::uuid[]))
           group by v.merchant_id, v.offer_id, v.valid_to, (v.valid_from at time zone %(zone)s)::date
           order by v.valid_to, v.offer_id, valid_from""",
        city=city_id,
        zone=zone,
        now=now,
        until=until,
        merchants=None if merchant_ids is None else list(merchant_ids),
    )
    return [convert(row, Outstanding) for row in rows]


async def holders(
    tx: Tx, offer_ids: Sequence[UUID], *, city_id: int, now: datetime, until: datetime, limit: int = 5000
) -> list[Holder]:
    """Who holds usable vouchers of these offers that end in (now, until], the soonest end first; one row each."""
    rows = await tx.rows(
        """select member_id, (array_agg(offer_id order by valid_to, voucher_id))[1] as offer_id,
                  (array_agg(voucher_id order by valid_to, voucher_id))[1] as voucher_id,
                  (array_agg(title order by valid_to, voucher_id))[1] as title, min(valid_to) as valid_to,
                  count(*)::int as units
           from vouchers.vouchers
           where city_id = %(city)s and state = 'valid' and valid_to > %(now)s and valid_to <= %(until)s
             and offer_id = any(%(offers)s::uuid[])
           group by member_id order by valid_to, member_id limit %(limit)s""",
        city=city_id,
        offers=sorted(set(offer_ids)),
        now=now,
        until=until,
        limit=limit,
    )
    return [convert(row, Holder) for row in rows]


async def redemption_ids(tx: Tx, *, city_id: int, after: UUID | None = None, limit: int = 1000) -> list[UUID]:
    """A page of the ids of all redemptions of a city, in the order of their ids; `after`: the last one before."""
    rows = await tx.rows(
        """select redemption_id from vouchers.redemptions
           where city_id = %(city)s and (%(after)s::uuid is null or redemption_id > %(after)s::uuid)
           order by redemption_id limit %(limit)s""",
        city=city_id,
        after=after,
        limit=limit,
    )
    return [row["redemption_id"] for row in rows]
