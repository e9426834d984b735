"""What members have bought so far, as conditions of promotions ask it: which order is this, how much was spent here."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx


class Past(Struct, frozen=True):
    """How often somebody has bought, how often of this merchant, and what was paid there (in the city's currency)."""

    orders: int = 0
    here: int = 0
    spent: int = 0

    def and_(self, other: "Past") -> "Past":
        """Both together."""
        return Past(self.orders + other.orders, self.here + other.here, self.spent + other.spent)


async def past(tx: Tx, pairs: Iterable[tuple[UUID, UUID]], *, city_id: int) -> dict[tuple[UUID, UUID], Past]:
    """For each member and merchant: the orders of the member in this city that stand and were worth something (claiming
    a coupon is none), how many of them were here, and what was paid here and not given back. For the house."""
    wanted = sorted(set(pairs))
    if not wanted:
        return {}
    rows = await tx.rows(
        """select k.member_id, k.merchant_id, count(o.order_id)::int as orders,
                  count(o.order_id) filter (where o.merchant_id = k.merchant_id)::int as here,
                  coalesce(sum(o.total_units - o.refunded_units)
                           filter (where o.merchant_id = k.merchant_id and o.paid_at is not null), 0)::bigint as spent
           from unnest(%(members)s::uuid[], %(merchants)s::uuid[]) as k(member_id, merchant_id)
           left join orders.orders o on o.city_id = %(city)s and o.member_id = k.member_id
             and o.state in ('placed', 'paid', 'part_refunded') and o.total_units + o.saved_units > 0
           group by k.member_id, k.merchant_id""",
        city=city_id, members=[member for member, _ in wanted], merchants=[merchant for _, merchant in wanted],
    )  # fmt: skip
    return {(row["member_id"], row["merchant_id"]): Past(row["orders"], row["here"], row["spent"]) for row in rows}
