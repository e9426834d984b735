"""Reading offers themselves: by id, by who may see them, and their histories."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.catalog.model import Category, Change, Mark, Offer, OfferDeed, Page, PricePeriod, Status, Waiting
from hutong.catalog.queries.cursor import from_cursor, to_cursor
from hutong.catalog.queries.rows import OFFER, category_of_row, change_of_row, offer_of_row, period_of_row
from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.text import Text


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


async def marks(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> list[Mark | None]:
    """What changes when an offer does, in the order asked; None for an unknown one. Everybody may see this."""
    rows = await tx.rows(
        """select o.offer_id, o.version, o.status, o.sale_from, o.sale_to, o.quota_id, o.min_units,
                  o.form ->> 'form' = 'plain' and o.terms ->> 'per_day' is null
                  and o.terms ->> 'per_hour' is null as plain
           from catalog.offers o where o.city_id = %(city)s and o.offer_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=sorted(set(offer_ids)),
    )  # fmt: skip
    found = {row["offer_id"]: Mark(**row) for row in rows}
    return [found.get(offer_id) for offer_id in offer_ids]


async def offers_in_scope(
    tx: Tx, scope: Scope, *, city_id: int, status: Status | Sequence[Status] | None = None,
    merchant_id: UUID | None = None, scheme: str | None = None, after: str | None = None, limit: int = 50,
) -> Page[Offer]:  # fmt: skip
    """The offers of a city that lie in the scope (of one merchant), newest first: what its staff may see. Coupons are
    seen with their campaigns (pricing.campaigns)."""
    allowed, params = _seen_by(scope)
    _, after_id = from_cursor(after)
    rows = await tx.rows(
        f"""{OFFER} and {allowed} and o.scheme <> 'coupons'
            and (%(statuses)s::text[] is null or o.status = any(%(statuses)s::text[]))
            and (%(merchant)s::uuid is null or o.merchant_id = %(merchant)s::uuid)
            and (%(scheme)s::text is null or o.scheme = %(scheme)s::text)
            and (%(after)s::uuid is null or o.offer_id < %(after)s::uuid)
            order by o.offer_id desc limit %(limit)s""",
        city=city_id,
        statuses=_list(status),
        merchant=merchant_id,
        scheme=scheme,
        after=after_id,
        limit=limit + 1,
        **params,
    )
    found = tuple(offer_of_row(row) for row in rows[:limit])
    return Page(items=found, after=to_cursor("", found[-1].offer_id) if len(rows) > limit else None)


def _list(status: Status | Sequence[Status] | None) -> list[str] | None:
    return None if status is None else [status] if isinstance(status, str) else list(status)


def _seen_by(scope: Scope) -> tuple[str, dict[str, Any]]:
    """The scope as a condition on offers `o`; whoever has a store sees the offers that can be used there."""
    allowed, params = scope.sql(city="o.city_id", merchant="o.merchant_id")
    if scope.everything or not scope.stores:
        return allowed, params
    inner, more = Scope(stores=scope.stores).sql(store="v.store_id", prefix="seen")
    there = f"""exists (select 1 from catalog.offer_stores v
                        where v.city_id = %(city)s and v.offer_id = o.offer_id and {inner})"""
    return f"({allowed} or {there})", params | more


async def counts_by_status(tx: Tx, scope: Scope, *, city_id: int, merchant_id: UUID) -> dict[str, int]:
    """How many offers of a merchant that lie in the scope are in which state; states without any are left out."""
    allowed, params = _seen_by(scope)
    rows = await tx.rows(
        f"""select o.status, count(*)::int as n from catalog.offers o
            where o.city_id = %(city)s and o.merchant_id = %(merchant)s::uuid and {allowed}
              and o.scheme <> 'coupons' group by o.status""",
        city=city_id,
        merchant=merchant_id,
        **params,
    )
    return {row["status"]: row["n"] for row in rows}


async def waiting(
    tx: Tx, scope: Scope, *, city_id: int, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> list[Waiting]:
    """What waits for review within the scope of REVIEW_OFFERS, the longest first; `after`: (since, offer_id) of the
    last of the page before."""
    at, last = after or (None, None)
    allowed, params = _seen_by(scope)
    rows = await tx.rows(
        f"""select q.*, c.at as since
            from ({OFFER} and o.status = 'in_review' and {allowed}) q
            join catalog.offer_changes c
              on c.city_id = %(city)s and c.offer_id = q.offer_id and c.version = q.version
            where %(at)s::timestamptz is null or (c.at, q.offer_id) > (%(at)s::timestamptz, %(last)s::uuid)
            order by c.at, q.offer_id limit %(limit)s""",
        city=city_id,
        limit=limit,
        at=at,
        last=last,
        **params,
    )
    return [Waiting(offer=offer_of_row(row), since=row["since"]) for row in rows]


async def history(tx: Tx, offer_id: UUID, *, city_id: int) -> list[Change]:
    """Every change of an offer, oldest first. Who may see it: whoever found the offer in his scope."""
    rows = await tx.rows(
        "select * from catalog.offer_changes where city_id = %(city)s and offer_id = %(id)s order by version",
        city=city_id,
        id=offer_id,
    )
    return [change_of_row(row) for row in rows]


async def count_waiting(tx: Tx, scope: Scope, *, city_id: int) -> int:
    """How many offers wait for review within the scope of REVIEW_OFFERS."""
    allowed, params = _seen_by(scope)
    return await tx.value(
        f"""select count(*)::int from catalog.offers o
            where o.city_id = %(city)s and o.status = 'in_review' and {allowed}""",
        city=city_id,
        **params,
    )


async def deeds(
    tx: Tx, scope: Scope, *, city_id: int, merchant_id: UUID, since: datetime, limit: int = 100
) -> list[OfferDeed]:
    """Who did what to the offers of a merchant that lie in the scope since then, newest first."""
    allowed, params = _seen_by(scope)
    rows = await tx.rows(
        f"""select c.offer_id, o.title, c.what, c.by, c.at, c.reason
            from catalog.offers o
            join catalog.offer_changes c on c.city_id = %(city)s and c.offer_id = o.offer_id and c.at >= %(since)s
            where o.city_id = %(city)s and o.merchant_id = %(merchant)s::uuid and {allowed}
            order by c.at desc, c.offer_id limit %(limit)s""",
        city=city_id,
        merchant=merchant_id,
        since=since,
        limit=limit,
        **params,
    )
    return [OfferDeed(**{**row, "title": Text(**row["title"])}) for row in rows]


async def price_history(tx: Tx, offer_id: UUID, *, city_id: int) -> list[PricePeriod]:
    """The prices at which an offer stood on the shelf, oldest first."""
    rows = await tx.rows(
        "select * from catalog.offer_prices where city_id = %(city)s and offer_id = %(id)s order by valid_from",
        city=city_id,
        id=offer_id,
    )
    return [period_of_row(row) for row in rows]


async def price_histories(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, list[PricePeriod]]:
    """The same of several offers."""
    rows = await tx.rows(
        """select p.* from unnest(%(ids)s::uuid[]) as asked (offer_id)
           join catalog.offer_prices p on p.city_id = %(city)s and p.offer_id = asked.offer_id
           order by p.offer_id, p.valid_from""",
        city=city_id, ids=sorted(set(offer_ids)),
    )  # fmt: skip
    found: dict[UUID, list[PricePeriod]] = {}
    for row in rows:
        found.setdefault(row["offer_id"], []).append(period_of_row(row))
    return found


async def due_to_end(tx: Tx, *, city_id: int, now: datetime, limit: int = 500) -> list[UUID]:
    """Published and paused offers whose sale is over: for the task that ends them."""
    rows = await tx.rows(
        """select offer_id from catalog.offers
           where city_id = %(city)s and status in ('published', 'paused') and sale_to <= %(now)s
           order by sale_to, offer_id limit %(limit)s""",
        city=city_id,
        now=now,
        limit=limit,
    )
    return [row["offer_id"] for row in rows]
