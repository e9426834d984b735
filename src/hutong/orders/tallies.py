"""What became of the units of offers, and at which price a line was sold: set-oriented reads for those above."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx


class Tally(Struct, frozen=True, kw_only=True):
    """The units of one offer, each counted once: used at least in part; else open (waiting, valid, or its refund on the
    way while it was); else expired; else given back."""

    offer_id: UUID
    sold: int
    used: int
    open: int
    expired: int
    refunded: int


class LinePrice(Struct, frozen=True):
    """What one unit of a line was asked for, and its list price, in the smallest unit of the order's currency."""

    unit_price: int
    list_price: int


class Ended(Struct, frozen=True):
    """Of one offer: units whose validity lies behind us, and how many of them nobody ever used."""

    offer_id: UUID
    units: int
    never: int


async def tallies(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Tally]:
    """What became of the units of these offers; one that nobody bought is left out. Who may see is the caller's."""
    rows = await tx.rows(
        """select offer_id, count(*)::int as sold, count(*) filter (where what = 'used')::int as used,
                  count(*) filter (where what = 'open')::int as open,
                  count(*) filter (where what = 'expired')::int as expired,
                  count(*) filter (where what = 'refunded')::int as refunded
           from (
             select l.offer_id,
                    case when v.uses_left < v.uses_total then 'used'
                         when v.state in ('waiting', 'valid') then 'open'
                         when v.state = 'expired' or exists (
                           select 1 from vouchers.changes c
                           where c.city_id = %(city)s and c.voucher_id = v.voucher_id and c.state = 'expired')
                         then 'expired' else 'refunded' end as what
             from orders.lines l
             join vouchers.vouchers v on v.city_id = %(city)s and v.line_id = l.line_id
             where l.city_id = %(city)s and l.offer_id = any(%(ids)s::uuid[])) u
           group by offer_id""",
        city=city_id,
        ids=sorted(set(offer_ids)),
    )
    return {row["offer_id"]: Tally(**row) for row in rows}


async def ended(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int, now: datetime) -> dict[UUID, Ended]:
    """Of these offers: the units whose whole validity lies behind us, and how many of them nobody used."""
    rows = await tx.rows(
        """select l.offer_id, count(*)::int as units,
                  count(*) filter (where v.uses_left = v.uses_total)::int as never
           from orders.lines l
           join vouchers.vouchers v on v.city_id = %(city)s and v.line_id = l.line_id
           where l.city_id = %(city)s and l.offer_id = any(%(ids)s::uuid[]) and v.valid_to <= %(now)s
           group by l.offer_id""",
        city=city_id,
        ids=sorted(set(offer_ids)),
        now=now,
    )
    return {row["offer_id"]: Ended(row["offer_id"], row["units"], row["never"]) for row in rows}


async def line_prices(tx: Tx, line_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, LinePrice]:
    """The prices at which these lines were sold; unknown ones are left out. For the packages above: no scope."""
    rows = await tx.rows(
        """select line_id, unit_price, list_price from orders.lines
           where city_id = %(city)s and line_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=sorted(set(line_ids)),
    )
    return {row["line_id"]: LinePrice(row["unit_price"], row["list_price"]) for row in rows}
