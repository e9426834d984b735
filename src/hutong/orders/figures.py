"""What became of offers: units sold, used and given back, and the money that stayed. Who may see is the caller's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.text import Text


class Figures(Struct, frozen=True, kw_only=True):
    """Of one offer: units paid for, those used at least in part, those given back, and what was paid and not given
    back, in the smallest unit of its currency."""

    offer_id: UUID
    sold: int
    redeemed: int
    refunded: int
    revenue: Amount


class MerchantRefund(Struct, frozen=True, kw_only=True):
    """Money that went (or goes) back to a buyer of the merchant."""

    refund_id: UUID
    order_id: UUID
    amount: Amount
    state: str
    reason: str
    units: int
    titles: tuple[Text, ...]
    asked_at: datetime
    ended_at: datetime | None


async def figures(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Figures]:
    """The figures of these offers; one that nobody bought is left out."""
    rows = await tx.rows(
        """select l.offer_id, v.asset, count(*)::int as sold,
                  count(*) filter (where v.uses_left < v.uses_total)::int as redeemed,
                  count(*) filter (where v.state in ('refunding', 'refunded'))::int as refunded,
                  sum(case when v.state in ('refunding', 'refunded') then v.paid_units - v.paid_left
                           else v.paid_units end)::bigint as units
           from orders.lines l
           join vouchers.vouchers v on v.city_id = %(city)s and v.line_id = l.line_id
           where l.city_id = %(city)s and l.offer_id = any(%(ids)s::uuid[])
           group by l.offer_id, v.asset""",
        city=city_id,
        ids=sorted(set(offer_ids)),
    )
    return {
        row["offer_id"]: Figures(
            offer_id=row["offer_id"], sold=row["sold"], redeemed=row["redeemed"], refunded=row["refunded"],
            revenue=Amount(row["units"], row["asset"]),
        )
        for row in rows
    }  # fmt: skip


async def refunds_of_merchant(
    tx: Tx, merchant_id: UUID, *, city_id: int, asset: str, since: datetime, until: datetime,
    after: tuple[datetime, UUID] | None = None, limit: int = 100,
) -> list[MerchantRefund]:  # fmt: skip
    """What was asked back at this merchant in [since, until), newest first; `after` is the last of the page before."""
    at, last = after or (None, None)
    rows = await tx.rows(
        """select r.refund_id, r.order_id, r.units, r.asset, r.state, r.reason, r.asked_at, r.ended_at,
                  cardinality(r.voucher_ids) as pieces,
                  array(select l.title from orders.lines l
                        where l.city_id = %(city)s and l.order_id = r.order_id order by l.line_no) as titles
           from orders.refunds r
           where r.city_id = %(city)s and r.merchant_id = %(merchant)s and r.asset = %(asset)s
             and r.asked_at >= %(since)s and r.asked_at < %(until)s
             and (%(at)s::timestamptz is null
                  or (r.asked_at, r.refund_id) < (%(at)s::timestamptz, %(last)s::uuid))
           order by r.asked_at desc, r.refund_id desc limit %(limit)s""",
        city=city_id, merchant=merchant_id, asset=asset, since=since, until=until, at=at, last=last, limit=limit,
    )  # fmt: skip
    return [_refund(row) for row in rows]


def _refund(row: dict[str, Any]) -> MerchantRefund:
    return MerchantRefund(
        refund_id=row["refund_id"], order_id=row["order_id"], amount=Amount(row["units"], row["asset"]),
        state=row["state"], reason=row["reason"], units=row["pieces"], asked_at=row["asked_at"],
        ended_at=row["ended_at"], titles=tuple(msgspec.convert(title, Text) for title in row["titles"]),
    )  # fmt: skip
