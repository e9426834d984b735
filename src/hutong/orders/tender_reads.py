"""What cards and points paid of orders: reads for those who may see the orders."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.orders.leftover import left_of
from hutong.orders.model import Order, Tender, UnitShare
from hutong.vouchers import Voucher


async def tenders(tx: Tx, found: Sequence[Order], *, city_id: int) -> dict[UUID, list[Tender]]:
    """What cards and points paid of these orders (which the caller may see); without any: absent, and no statement."""
    asset = {order.order_id: order.total.asset for order in found if order.tender_count}
    if not asset:
        return {}
    rows = await tx.rows(
        """select order_id, kind, ref, title, units, due_units, points, back_units, back_points, state
           from orders.tenders where city_id = %(city)s and order_id = any(%(ids)s::uuid[])
           order by order_id, kind, units desc, ref""",
        city=city_id,
        ids=sorted(asset),
    )
    by_order: dict[UUID, list[Tender]] = {}
    for row in rows:
        money = asset[row["order_id"]]
        by_order.setdefault(row["order_id"], []).append(
            Tender(
                order_id=row["order_id"], kind=row["kind"], ref=row["ref"], title=msgspec.convert(row["title"], Text),
                amount=Amount(row["units"], money), due=Amount(row["due_units"], money), points=row["points"],
                back=Amount(row["back_units"], money), back_points=row["back_points"], state=row["state"],
            )
        )  # fmt: skip
    return by_order


class GoesBack(Struct, frozen=True, kw_only=True):
    """What the buyer would get back for a unit now: money by the payment, units to cards and from points, points."""

    money: Amount
    tendered: Amount
    points: int


async def goes_back(
    tx: Tx, order: Order, units: Sequence[Voucher], *, city_id: int
) -> dict[UUID, GoesBack]:  # fmt: skip
    """For each of these units of an order (which the caller may see), what a refund would give back and where."""
    asset = order.total.asset
    if not order.tender_count:
        return {
            u.voucher_id: GoesBack(money=u.back, tendered=Amount.zero(asset), points=0) for u in units
        }  # fmt: skip
    rows = await tx.rows(
        "select line_id, breakdown from orders.lines where city_id = %(city)s and order_id = %(id)s",
        city=city_id,
        id=order.order_id,
    )
    shares = {row["line_id"]: msgspec.convert(row["breakdown"], list[UnitShare]) for row in rows}
    found: dict[UUID, GoesBack] = {}
    for unit in units:
        left = left_of(unit, shares[unit.line_id][unit.unit_no])
        found[unit.voucher_id] = GoesBack(
            money=Amount(left.money, asset), tendered=Amount(left.tendered, asset),
            points=sum(one.points for one in left.tenders),
        )  # fmt: skip
    return found


async def cards_behind(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> list[UUID]:
    """The cards that pay a part of these orders, or did. For the house."""
    if not order_ids:
        return []
    rows = await tx.rows(
        """select distinct ref from orders.tenders
           where city_id = %(city)s and order_id = any(%(ids)s::uuid[]) and kind = 'card' order by ref""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    return [row["ref"] for row in rows]


async def paid_without_money(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, int]:
    """What of the price of each of these units points and bonuses of cards paid, in units of money; units without any
    are missing. For whoever gives points for purchases: what no money paid earns none. No scope."""
    rows = await tx.rows(
        """select v.voucher_id,
                  sum((p ->> 'units')::bigint - case when t.kind = 'card' then (p ->> 'due')::bigint else 0 end)::bigint
                    as units
           from vouchers.vouchers v
           join orders.orders o on o.city_id = %(city)s and o.order_id = v.order_id and o.tender_count > 0
           join orders.lines l on l.city_id = %(city)s and l.line_id = v.line_id
           cross join lateral jsonb_array_elements(coalesce(l.breakdown -> v.unit_no -> 'tenders', '[]')) p
           join orders.tenders t on t.city_id = %(city)s and t.order_id = v.order_id and t.ref = (p ->> 'ref')::uuid
           where v.city_id = %(city)s and v.voucher_id = any(%(ids)s::uuid[])
           group by v.voucher_id
           having sum((p ->> 'units')::bigint - case when t.kind = 'card' then (p ->> 'due')::bigint else 0 end) > 0""",
        city=city_id,
        ids=sorted(set(voucher_ids)),
    )
    return {row["voucher_id"]: row["units"] for row in rows}
