"""Orders of the past as a promotion would have met them: what was bought, and what was known of the buyer then."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.orders.model import Order
from hutong.orders.queries import with_lines


class Bygone(Struct, frozen=True, kw_only=True):
    """A paid order, with the paid orders of its member before it (in the city, and with the same merchant with what was
    paid there), and the promotions that were used on it."""

    order: Order
    orders_before: int
    here_before: int
    spent_before: int
    promotion_ids: tuple[UUID, ...]


_OF = {True: "o.merchant_id = %(merchant)s", False: "true"}  # written out, so that each finds its own index


async def bygone(tx: Tx, merchant_id: UUID | None, *, city_id: int, since: datetime, limit: int = 1000) -> list[Bygone]:
    """The newest paid orders since then, of one merchant or (None) of the whole city; who may see is the caller's.

    Without claims of coupons and without stored value: promotions take nothing off money.
    """
    rows = await tx.rows(
        f"""select n.*, b.orders_before, b.here_before, b.spent_before, coalesce(u.ids, '{{}}'::uuid[]) as promotion_ids
            from (select * from orders.orders o
                  where o.city_id = %(city)s and {_OF[merchant_id is not None]} and o.paid_at is not null
                    and o.placed_at >= %(since)s and o.scheme <> 'coupons'
                    and not exists (select 1 from orders.lines l where l.city_id = %(city)s
                                    and l.order_id = o.order_id and l.promise ->> 'value' = 'true')
                  order by o.order_id desc limit %(limit)s) n
            cross join lateral (
                select count(*)::int as orders_before,
                       count(*) filter (where e.merchant_id = n.merchant_id)::int as here_before,
                       coalesce(sum(e.total_units) filter (where e.merchant_id = n.merchant_id), 0)::bigint
                         as spent_before
                from orders.orders e
                where e.city_id = %(city)s and e.member_id = n.member_id
                  and (e.placed_at, e.order_id) < (n.placed_at, n.order_id)
                  and e.paid_at is not null and e.total_units + e.saved_units > 0) b
            left join lateral (
                select array_agg(x.promotion_id order by x.promotion_id) as ids from orders.uses x
                where x.city_id = %(city)s and x.order_id = n.order_id and x.state in ('used', 'returned')) u on true
            order by n.order_id desc""",
        city=city_id, merchant=merchant_id, since=since, limit=limit,
    )  # fmt: skip
    found = await with_lines(tx, rows, city_id)
    return [
        Bygone(
            order=order, orders_before=row["orders_before"], here_before=row["here_before"],
            spent_before=row["spent_before"], promotion_ids=tuple(row["promotion_ids"]),
        )
        for order, row in zip(found, rows, strict=True)
    ]  # fmt: skip
