"""Coupons that may be claimed: the claim centre and a store's page."""

from datetime import datetime
from uuid import UUID

from hutong.catalog.model import Offer
from hutong.catalog.queries.rows import OFFER, offer_of_row
from hutong.infra.db import Tx


async def coupons_on_offer(
    tx: Tx, *, city_id: int, now: datetime, merchant_id: UUID | None = None, store_id: UUID | None = None,
    limit: int = 50,
) -> list[Offer]:  # fmt: skip
    """Coupons of the city that everybody may claim now (or will be able to), the newest first: of one merchant, or
    those of one store. What is claimed with a code or issued to somebody is not shown."""
    rows = await tx.rows(
        f"""{OFFER} and o.scheme = 'coupons' and o.status = 'published' and o.sale_to > %(now)s
            and coalesce(o.form ->> 'claim', 'open') in ('open', 'pool')
            and (%(merchant)s::uuid is null or o.merchant_id = %(merchant)s::uuid)
            and (%(store)s::uuid is null or exists (
                 select 1 from catalog.offer_stores here
                 where here.city_id = %(city)s and here.offer_id = o.offer_id and here.store_id = %(store)s))
            order by o.offer_id desc limit %(limit)s""",
        city=city_id, now=now, merchant=merchant_id, store=store_id, limit=limit,
    )  # fmt: skip
    return [offer_of_row(row) for row in rows]


async def cards_for_many(tx: Tx, *, city_id: int, now: datetime, limit: int = 50) -> list[Offer]:
    """Cards of the city that are on sale and that other merchants may join, the oldest first."""
    rows = await tx.rows(
        f"""{OFFER} and o.scheme = 'cards' and o.status = 'published' and o.sale_to > %(now)s
            and o.form ->> 'form' = 'q_card' order by o.offer_id limit %(limit)s""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
    return [offer_of_row(row) for row in rows]


async def rewards_of(tx: Tx, merchant_id: UUID, *, city_id: int, limit: int = 50) -> list[Offer]:
    """Coupons of a merchant that are only issued: what a full stamp card may become."""
    rows = await tx.rows(
        f"""{OFFER} and o.scheme = 'coupons' and o.status = 'published' and o.merchant_id = %(merchant)s
            and o.form ->> 'claim' = 'issued' order by o.offer_id desc limit %(limit)s""",
        city=city_id, merchant=merchant_id, limit=limit,
    )  # fmt: skip
    return [offer_of_row(row) for row in rows]
