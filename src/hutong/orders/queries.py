"""Reads of orders. Each begins with who may see: the member who owns it, or the merchant who sold it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.orders.model import Change, Line, Order, Sales, Saving


async def of_member(
    tx: Tx, member_id: UUID, *, city_id: int, after: UUID | None = None, limit: int = 20
) -> list[Order]:
    """The member's orders of a city, newest first; `after` is the last order_id of the page before. Claimed coupons
    are found in the wallet, not here."""
    rows = await tx.rows(
        """select * from orders.orders where city_id = %(city)s and member_id = %(member)s and scheme <> 'coupons'
           and (%(after)s::uuid is null or order_id < %(after)s::uuid) order by order_id desc limit %(limit)s""",
        city=city_id, member=member_id, after=after, limit=limit,
    )  # fmt: skip
    return await with_lines(tx, rows, city_id)


async def of_merchant(
    tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int, after: UUID | None = None, limit: int = 20
) -> list[Order]:
    """Orders of the merchants whom the asker may see, newest first."""
    rows = await tx.rows(
        """select o.* from unnest(%(merchants)s::uuid[]) m (merchant_id)
           cross join lateral (  -- the newest of each; one walk for all of them would pass everybody else's orders
               select * from orders.orders o
               where o.city_id = %(city)s and o.merchant_id = m.merchant_id and o.scheme <> 'coupons'
                 and (%(after)s::uuid is null or o.order_id < %(after)s::uuid)
               order by o.order_id desc limit %(limit)s) o
           order by o.order_id desc limit %(limit)s""",
        city=city_id, merchants=list(merchant_ids), after=after, limit=limit,
    )  # fmt: skip
    return await with_lines(tx, rows, city_id)


async def sales(
    tx: Tx, merchant_id: UUID, *, city_id: int, asset: str, since: datetime, until: datetime
) -> Sales:  # fmt: skip
    """What was paid for and what was asked back at this merchant in [since, until). Who may see is the caller's."""
    row = await tx.row(
        """select s.orders, s.units, s.paid, r.refunds, r.refunded from
             (select count(distinct o.order_id)::int as orders, coalesce(sum(l.quantity), 0)::int as units,
                     coalesce(sum(l.total_units), 0)::bigint as paid
              from orders.orders o
              join orders.lines l on l.city_id = %(city)s and l.order_id = o.order_id
              where o.city_id = %(city)s and o.merchant_id = %(merchant)s and o.asset = %(asset)s
                and o.paid_at >= %(since)s and o.paid_at < %(until)s) s,
             (select count(*)::int as refunds, coalesce(sum(units), 0)::bigint as refunded
              from orders.refunds
              where city_id = %(city)s and merchant_id = %(merchant)s and asset = %(asset)s and state <> 'failed'
                and asked_at >= %(since)s and asked_at < %(until)s) r""",
        city=city_id, merchant=merchant_id, asset=asset, since=since, until=until,
    )  # fmt: skip
    assert row is not None
    return Sales(
        orders=row["orders"], units=row["units"], paid=Amount(row["paid"], asset), refunds=row["refunds"],
        refunded=Amount(row["refunded"], asset),
    )  # fmt: skip


async def turnover(
    tx: Tx, scope: Scope, *, city_id: int, asset: str, since: datetime, until: datetime
) -> Sales:  # fmt: skip
    """What was paid for and asked back in a city in [since, until), within the scope of VIEW_ORDERS."""
    seen, params = scope.sql(city="o.city_id", merchant="o.merchant_id")
    back, _ = scope.sql(city="r.city_id", merchant="r.merchant_id")
    row = await tx.row(
        f"""select s.orders, s.units, s.paid, b.refunds, b.refunded from
              (select count(distinct o.order_id)::int as orders, coalesce(sum(l.quantity), 0)::int as units,
                      coalesce(sum(l.total_units), 0)::bigint as paid
               from orders.orders o
               join orders.lines l on l.city_id = %(city)s and l.order_id = o.order_id
               where o.city_id = %(city)s and {seen} and o.asset = %(asset)s
                 and o.paid_at >= %(since)s and o.paid_at < %(until)s) s,
              (select count(*)::int as refunds, coalesce(sum(r.units), 0)::bigint as refunded
               from orders.refunds r
               where r.city_id = %(city)s and {back} and r.asset = %(asset)s and r.state <> 'failed'
                 and r.asked_at >= %(since)s and r.asked_at < %(until)s) b""",
        city=city_id, asset=asset, since=since, until=until, **params,
    )  # fmt: skip
    assert row is not None
    return Sales(
        orders=row["orders"], units=row["units"], paid=Amount(row["paid"], asset), refunds=row["refunds"],
        refunded=Amount(row["refunded"], asset),
    )  # fmt: skip


async def order(tx: Tx, member_id: UUID, order_id: UUID, *, city_id: int) -> Order | None:
    """The member's own order; None when it is another's or does not exist."""
    rows = await tx.rows(
        """select * from orders.orders where city_id = %(city)s and member_id = %(member)s and order_id = %(id)s""",
        city=city_id, member=member_id, id=order_id,
    )  # fmt: skip
    found = await with_lines(tx, rows, city_id)
    return found[0] if found else None


async def history(tx: Tx, member_id: UUID, order_id: UUID, *, city_id: int) -> list[Change]:
    """The steps of the member's own order, first one first."""
    rows = await tx.rows(
        """select c.seq, c.state, c.at, c.by, c.reason from orders.changes c
           join orders.orders o on o.city_id = %(city)s and o.order_id = c.order_id and o.member_id = %(member)s
           where c.city_id = %(city)s and c.order_id = %(id)s order by c.seq""",
        city=city_id, member=member_id, id=order_id,
    )  # fmt: skip
    return [Change(**row) for row in rows]


async def refunds(tx: Tx, member_id: UUID, order_id: UUID, *, city_id: int) -> list[dict[str, Any]]:
    """The refunds of the member's own order: id, units, those of them that go to cards and points, asset, state,
    reason, times, vouchers."""
    return await tx.rows(
        """select r.refund_id, r.units, r.tendered_units, r.asset, r.state, r.reason, r.asked_at, r.ended_at,
                  r.voucher_ids
           from orders.refunds r
           join orders.orders o on o.city_id = %(city)s and o.order_id = r.order_id and o.member_id = %(member)s
           where r.city_id = %(city)s and r.order_id = %(id)s order by r.asked_at, r.refund_id""",
        city=city_id, member=member_id, id=order_id,
    )  # fmt: skip


async def savings(tx: Tx, found: Sequence[Order], *, city_id: int) -> dict[UUID, list[Saving]]:
    """What promotions took off these orders (which the caller may see), the greatest first; without any: absent."""
    ids = [order.order_id for order in found if order.saved]
    if not ids:
        return {}
    rows = await tx.rows(
        """select order_id, promotion_id, voucher_id, title, units, given_units, state from orders.uses
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) order by units desc, promotion_id""",
        city=city_id,
        ids=ids,
    )
    asset = {order.order_id: order.total.asset for order in found}
    by_order: dict[UUID, list[Saving]] = {}
    for row in rows:
        money = asset[row["order_id"]]
        by_order.setdefault(row["order_id"], []).append(
            Saving(
                order_id=row["order_id"], promotion_id=row["promotion_id"], voucher_id=row["voucher_id"],
                title=msgspec.convert(row["title"], Text), amount=Amount(row["units"], money),
                given=Amount(row["given_units"], money), state=row["state"],
            )
        )  # fmt: skip
    return by_order


class KeptSaving(Struct, frozen=True, kw_only=True):
    """What a promotion that asked for no coupon took off a paid order and is still off it, in the smallest unit."""

    member_id: UUID
    order_id: UUID
    merchant_id: UUID
    promotion_id: UUID
    asset: str
    units: int
    at: datetime


async def kept_savings(tx: Tx, member_ids: Sequence[UUID], *, city_id: int) -> list[KeptSaving]:
    """What automatic promotions saved these members on their orders, oldest first; what refunds gave back to the payers
    is not saved. For the packages above: no scope."""
    rows = await tx.rows(
        """select o.member_id, o.order_id, o.merchant_id, u.promotion_id, o.asset, u.units - u.given_units as units,
                  u.used_at as at
           from orders.orders o
           join orders.uses u on u.city_id = %(city)s and u.order_id = o.order_id
             and u.voucher_id is null and u.state = 'used' and u.units > u.given_units
           where o.city_id = %(city)s and o.member_id = any(%(members)s::uuid[]) and o.saved_units > 0
           order by u.used_at, o.order_id, u.promotion_id""",
        city=city_id, members=sorted(set(member_ids)),
    )  # fmt: skip
    return [msgspec.convert(row, KeptSaving) for row in rows]


async def progress(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, tuple[int, int, bool]]:
    """For deals with a minimum: (paid units, minimum, tipped). Public: the page shows it. Without buyers: absent."""
    rows = await tx.rows(
        """select offer_id, paid_units, min_units, tipped_at is not null as tipped from orders.tippings
           where city_id = %(city)s and offer_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=list(offer_ids),
    )
    return {row["offer_id"]: (row["paid_units"], row["min_units"], row["tipped"]) for row in rows}


async def bought(tx: Tx, member_id: UUID, offer_id: UUID, *, city_id: int) -> int:
    """How many units of an offer with a cap the member has now."""
    found = await tx.value(
        """select units from orders.bought
           where city_id = %(city)s and offer_id = %(offer)s and member_id = %(member)s""",
        city=city_id, offer=offer_id, member=member_id,
    )  # fmt: skip
    return found or 0


async def bought_of(tx: Tx, member_id: UUID, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, int]:
    """How many units of each of these offers with a cap the member has now; none: absent."""
    rows = await tx.rows(
        """select offer_id, units from orders.bought
           where city_id = %(city)s and offer_id = any(%(offers)s::uuid[]) and member_id = %(member)s""",
        city=city_id, offers=list(offer_ids), member=member_id,
    )  # fmt: skip
    return {row["offer_id"]: row["units"] for row in rows}


async def customers_among(
    tx: Tx, merchant_id: UUID, member_ids: Sequence[UUID], *, city_id: int
) -> set[UUID]:  # fmt: skip
    """Those of the members who have bought something from the merchant: for its staff, who know them as buyers."""
    rows = await tx.rows(
        """select m.member_id from unnest(%(members)s::uuid[]) as m(member_id)
           where exists (select 1 from orders.orders o
                         where o.city_id = %(city)s and o.member_id = m.member_id and o.merchant_id = %(merchant)s
                           and o.paid_at is not null and o.scheme <> 'coupons')""",
        city=city_id, members=sorted(set(member_ids)), merchant=merchant_id,
    )  # fmt: skip
    return {row["member_id"] for row in rows}


async def cities_of_member(tx: Tx, member_id: UUID, city_ids: Sequence[int]) -> list[int]:
    """In which of these cities the member has orders; one statement over the cities given."""
    rows = await tx.rows(
        """select c.city_id from unnest(%(cities)s::int[]) as c(city_id)
           where exists (select 1 from orders.orders o where o.city_id = c.city_id and o.member_id = %(member)s)""",
        cities=list(city_ids),
        member=member_id,
    )
    return [row["city_id"] for row in rows]


async def with_lines(tx: Tx, rows: list[dict[str, Any]], city_id: int) -> list[Order]:
    """Rows of orders.orders as orders. For the reads of this package."""
    if not rows:
        return []
    found = await tx.rows(
        """select line_id, order_id, line_no, offer_id, title, quantity, unit_price, list_price, total_units
           from orders.lines where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) order by order_id, line_no""",
        city=city_id,
        ids=[row["order_id"] for row in rows],
    )
    lines: dict[UUID, list[dict[str, Any]]] = {}
    for line in found:
        lines.setdefault(line["order_id"], []).append(line)
    return [_order(row, lines.get(row["order_id"], [])) for row in rows]


def _order(row: dict[str, Any], lines: list[dict[str, Any]]) -> Order:
    asset = row["asset"]
    return Order(
        city_id=row["city_id"], order_id=row["order_id"], member_id=row["member_id"], member_name=row["member_name"],
        phone_tail=row["phone_tail"], merchant_id=row["merchant_id"], scheme=row["scheme"], channel=row["channel"],
        state=row["state"], total=Amount(row["total_units"], asset), refunded=Amount(row["refunded_units"], asset),
        saved=Amount(row["saved_units"], asset), tendered=Amount(row["tendered_units"], asset),
        tender_count=row["tender_count"], payment_id=row["payment_id"], placed_at=row["placed_at"],
        expires_at=row["expires_at"], paid_at=row["paid_at"], lines=tuple(_line(line, asset) for line in lines),
    )  # fmt: skip


def _line(row: dict[str, Any], asset: str) -> Line:
    return Line(
        line_id=row["line_id"], line_no=row["line_no"], offer_id=row["offer_id"],
        title=msgspec.convert(row["title"], Text), quantity=row["quantity"],
        unit_price=Amount(row["unit_price"], asset), list_price=Amount(row["list_price"], asset),
        total=Amount(row["total_units"], asset),
    )  # fmt: skip
