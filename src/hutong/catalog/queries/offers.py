"""Reading offers themselves: by id, by who may see them, and their histories."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.catalog.model import Category, Change, Offer, Page, PricePeriod, Status
from hutong.catalog.queries.cursor import from_cursor, to_cursor
from hutong.catalog.queries.rows import OFFER, category_of_row, change_of_row, offer_of_row, period_of_row
from hutong.infra.db import Tx
from hutong.kit.access import Scope


async def categories(tx: Tx) -> list[Category]:
    """All categories: parents and children alike, siblings by position."""
    rows = await tx.rows("select * from catalog.categories order by position, slug")
    return [category_of_row(row) for row in rows]


async def offers(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> list[Offer | None]:
    """The offers with these ids in whatever state, in the order asked; None for an unknown one.

    For selling (`why_not_on_sale` decides) and for showing what was sold. What consumers browse comes from
    `nearby`, `store_page` and `search`, which show only what is on sale.
    """
    rows = await tx.rows(f"{OFFER} and o.offer_id = any(%(ids)s::uuid[])", city=city_id, ids=sorted(set(offer_ids)))
    found = {row["offer_id"]: offer_of_row(row) for row in rows}
    return [found.get(offer_id) for offer_id in offer_ids]


async def offers_in_scope(
    tx: Tx, scope: Scope, *, city_id: int, status: Status | None = None, after: str | None = None, limit: int = 50
) -> Page[Offer]:
    """The offers of a city that lie in the scope, newest first: a merchant's list, an operator's review queue."""
    allowed, params = _seen_by(scope)
    _, after_id = from_cursor(after)
    rows = await tx.rows(
        f"""{OFFER} and {allowed} and (%(status)s::text is null or o.status = %(status)s)
            and (%(after)s::uuid is null or o.offer_id < %(after)s::uuid)
            order by o.offer_id desc limit %(limit)s""",
        city=city_id,
        status=status,
        after=after_id,
        limit=limit + 1,
        **params,
    )
    found = tuple(offer_of_row(row) for row in rows[:limit])
    return Page(items=found, after=to_cursor("", found[-1].offer_id) if len(rows) > limit else None)


def _seen_by(scope: Scope) -> tuple[str, dict[str, Any]]:
    """The scope as a condition on offers `o`; whoever has a store sees the offers that can be used there."""
    allowed, params = scope.sql(city="o.city_id", merchant="o.merchant_id")
    if scope.everything or not scope.stores:
        return allowed, params
    inner, more = Scope(stores=scope.stores).sql(store="v.store_id", prefix="seen")
    there = f"""exists (select 1 from catalog.offer_stores v
                        where v.city_id = %(city)s and v.offer_id = o.offer_id and {inner})"""
    return f"({allowed} or {there})", params | more


async def history(tx: Tx, offer_id: UUID, *, city_id: int) -> list[Change]:
    """Every change of an offer, oldest first. Who may see it: whoever found the offer in his scope."""
    rows = await tx.rows(
        "select * from catalog.offer_changes where city_id = %(city)s and offer_id = %(id)s order by version",
        city=city_id,
        id=offer_id,
    )
    return [change_of_row(row) for row in rows]


async def price_history(tx: Tx, offer_id: UUID, *, city_id: int) -> list[PricePeriod]:
    """The prices at which an offer stood on the shelf, oldest first."""
    rows = await tx.rows(
        "select * from catalog.offer_prices where city_id = %(city)s and offer_id = %(id)s order by valid_from",
        city=city_id,
        id=offer_id,
    )
    return [period_of_row(row) for row in rows]


async def due_to_end(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> list[UUID]:
    """Published offers whose sale is over: for the task that ends them."""
    rows = await tx.rows(
        """select offer_id from catalog.offers
           where city_id = %(city)s and status = 'published' and sale_to <= %(now)s
           order by sale_to, offer_id limit %(limit)s""",
        city=city_id,
        now=now,
        limit=limit,
    )
    return [row["offer_id"] for row in rows]
