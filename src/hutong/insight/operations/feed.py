"""Feeding the read model: redemptions as their owners know them now become visits.

What is written follows from the id of the redemption alone, so facts may come twice, late or in another order.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import to_builtins
from psycopg.types.json import Jsonb

from hutong import catalog, orders, people, places, settlement, vouchers
from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.insight.model import Visit
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import local_day
from hutong.vouchers import Use, Voucher

PAGE = 1000


async def feed(tx: Tx, redemption_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[bool]:
    """Read these redemptions from their owners, and keep them as visits. For each whether it is there.

    A bounded number of statements, whatever the length. An id that vouchers do not know gives False, as does the end of
    a pass, at which nobody came.
    """
    del now
    found_uses = await vouchers.uses_by_ids(tx, EVERYTHING, redemption_ids, city_id=city_id)
    uses = [use for use in found_uses if not use.request_no.startswith(vouchers.TERM)]  # nobody came
    if not uses:
        return [False] * len(redemption_ids)
    city = await places.city(tx, city_id)
    zone = city.zone if city else "UTC"
    found = await vouchers.by_ids(tx, sorted({u.voucher_id for u in uses}), city_id=city_id)
    held = {voucher.voucher_id: voucher for voucher in found}
    prices = await orders.line_prices(tx, [voucher.line_id for voucher in found], city_id=city_id)
    earned = await settlement.earned(tx, [u.redemption_id for u in uses], city_id=city_id)
    offers = await catalog.offers(tx, sorted({voucher.offer_id for voucher in found}), city_id=city_id)
    trades = {offer.offer_id: offer.trade or offer.category for offer in offers if offer is not None}
    roles = await people.grants_of(tx, sorted({voucher.member_id for voucher in found}))
    staff = {(member, grant.merchant_id) for member, grants in roles.items() for grant in grants}
    visits = [
        _visit(use, held[use.voucher_id], prices.get(held[use.voucher_id].line_id), earned.get(use.redemption_id), zone,
               trades.get(held[use.voucher_id].offer_id), staff)
        for use in uses
    ]  # fmt: skip
    await record(tx, visits, city_id=city_id)
    there = {visit.redemption_id for visit in visits}
    return [one in there for one in redemption_ids]


def _visit(
    use: Use, voucher: Voucher, price: orders.LinePrice | None, earning: settlement.Earning | None, zone: str,
    trade: str | None, staff: Collection[tuple[UUID, UUID | None]],
) -> Visit:  # fmt: skip
    """A redemption as a visit. A right of several uses is asked for and listed use by use, rounded down."""
    unit, listed = (price.unit_price, price.list_price) if price else (voucher.paid_units, voucher.paid_units)
    return Visit(
        redemption_id=use.redemption_id, voucher_id=use.voucher_id, merchant_id=use.merchant_id, store_id=use.store_id,
        member_id=voucher.member_id, offer_id=voucher.offer_id, trade=trade, day=local_day(use.at, zone), at=use.at,
        bought_at=voucher.issued_at, valid_from=voucher.valid_from, valid_to=voucher.valid_to, count=use.count,
        full_price=voucher.paid_units >= listed > 0, asset=use.asset,
        list_units=listed * use.count // voucher.uses_total, price_units=unit * use.count // voucher.uses_total,
        paid_units=use.paid_units, due_units=earning.due.units if earning else 0,
        commission_units=earning.commission.units if earning else 0,
        merchant_units=earning.merchant.units if earning else 0, undone_at=use.reversed_at,
        own=use.own or (voucher.member_id, use.merchant_id) in staff,
    )  # fmt: skip


async def record(tx: Tx, visits: Sequence[Visit], *, city_id: int) -> list[bool]:
    """Keep visits as given: for each whether it is new or had changed. An undone visit never stands up again.

    Two statements for all, as each visit is a coming, too (`repeating`). For `feed`, and for replays of purchases from
    elsewhere, which have no voucher here.
    """
    rows = await tx.rows(
        load(__package__, "record"), city=city_id, visits=Jsonb([to_builtins(visit) for visit in visits])
    )
    await tx.run(load(__package__, "arrive"), city=city_id, ids=sorted({visit.redemption_id for visit in visits}))
    changed = {row["redemption_id"] for row in rows}
    return [visit.redemption_id in changed for visit in visits]


async def rebuild(tx: Tx, *, city_id: int, now: datetime, after: UUID | None = None) -> UUID | None:
    """Read the next PAGE redemptions of the city again; the last id, to go on after it, or None when it was the end.

    The whole model comes back by it after a loss; what is right already is left as it is.
    """
    ids = await vouchers.redemption_ids(tx, city_id=city_id, after=after, limit=PAGE)
    await feed(tx, ids, city_id=city_id, now=now)
    return ids[-1] if len(ids) == PAGE else None


async def forget(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> list[int]:
    """Members who left: their nudges go; visits keep only the number, which leads to nobody. How many, for each."""
    rows = await tx.rows(
        """delete from insight.nudges where city_id = %(city)s and member_id = any(%(members)s::uuid[])
           returning member_id""",
        city=city_id,
        members=sorted(set(member_ids)),
    )
    gone = [row["member_id"] for row in rows]
    return [gone.count(one) for one in member_ids]
