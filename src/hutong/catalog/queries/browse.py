"""What consumers browse: stores near a point, by price or newest, and one store with its offers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.catalog.model import Page, Sort, StoreCard, StorePage
from hutong.catalog.queries.cursor import from_cursor, to_cursor
from hutong.catalog.queries.rows import OFFER, card_of_row, offer_of_row
from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.geo import EARTH_RADIUS_M, Box, Point
from hutong.merchants import OPEN_NOW, open_params
from hutong.places.near import cube_of, cube_of_box


class _Order(Struct, frozen=True):
    key: str
    type: str
    way: str
    past: str
    cut: str = "order by {key} {way}, st.store_id {way} limit %(limit)s"


# Before PostgreSQL 18 an index walked by nearness cannot be followed by a tie-break; whole ties are taken instead,
# which nearness makes short, and the outer order cuts them.
_WITH_TIES = "order by {key} {way} fetch first (%(limit)s) rows with ties"
_ORDERS: dict[str, _Order] = {
    "distance": _Order("st.at <-> %(here)s::cube", "float8", "asc", ">", _WITH_TIES),
    "price": _Order("st.price_units", "bigint", "asc", ">"),
    "new": _Order("st.newest_at", "timestamptz", "desc", "<"),
}


def live_offers(*, family: str = "null::text[]", first: str = "") -> str:
    """The fragment that looks up the offers on sale of one store `st`."""
    return load(__package__ or "", "live_offers").format(family=family, first=first)


class Narrow(Struct, frozen=True, kw_only=True):
    """What a list may be narrowed to besides category and district.

    `price_from` and `price_to` (inclusive, units of the city's currency) bound the lowest price of a store in the
    category; `open_at` is a moment on the city's wall clock (naive or aware, read as it stands) at which the door must
    be open; `box` is a piece of a map.
    """

    price_from: int | None = None
    price_to: int | None = None
    open_at: datetime | None = None
    box: Box | None = None


ANYTHING = Narrow()


def _narrowed(narrow: Narrow) -> tuple[str, dict[str, Any]]:
    """Conditions on a listing `st`, each followed by its line's end, and what they bind."""
    parts: list[str] = []
    params: dict[str, Any] = {}
    if narrow.price_from is not None:
        parts.append("st.price_units >= %(price_from)s")
        params["price_from"] = narrow.price_from
    if narrow.price_to is not None:
        parts.append("st.price_units <= %(price_to)s")
        params["price_to"] = narrow.price_to
    if narrow.box is not None:
        box = narrow.box
        parts.append(load(__package__ or "", "inside"))
        params |= {"box": cube_of_box(box), "radius": EARTH_RADIUS_M}
        params |= {"south": box.south, "west": box.west, "north": box.north, "east": box.east}
    if narrow.open_at is not None:
        parts.append(f"""exists (select 1 from catalog.storefronts d
            where d.city_id = %(city)s and d.store_id = st.store_id and {OPEN_NOW})""")
        params |= open_params(narrow.open_at)
    return "".join(f"and {part}\n      " for part in parts), params


def _nearby(order: _Order, more: str) -> str:
    return load(__package__ or "", "nearby").format(
        key=order.key, type=order.type, way=order.way, past=order.past, more=more,
        cut=order.cut.format(key=order.key, way=order.way),
        live=live_offers(family="(select slugs from chosen)::text[]"),
    )  # fmt: skip


async def nearby(
    tx: Tx, *, city_id: int, point: Point | None, now: datetime, category: str | None = None,
    district_id: int | None = None, sort: Sort = "distance", after: str | None = None, limit: int = 20,
    narrow: Narrow = ANYTHING,
) -> Page[StoreCard]:  # fmt: skip
    """Stores with offers on sale (in a category and everything below it, in a district), one card a store.

    Sorted by distance from the WGS-84 point, by the store's lowest price, or by its newest offer; without a point
    "distance" means "new". `after` comes from the page before. Each card has at most two offers, cheapest first.
    The order by price is that of the last indexing; the offers shown are those of `now`. Raises BadInput for a bad
    cursor. Everybody may see this.
    """
    order = _ORDERS["new" if sort == "distance" and point is None else sort]
    after_key, after_store = from_cursor(after)
    more, params = _narrowed(narrow)
    rows = await tx.rows(
        _nearby(order, more), city=city_id, category=category or "", district=district_id, now=now, limit=limit + 1,
        here=None if point is None else cube_of(point), after_key=after_key, after_store=after_store, **params,
    )  # fmt: skip
    return page_of(rows, limit)


def page_of(rows: Sequence[dict[str, Any]], limit: int) -> Page[StoreCard]:
    """A page of cards from rows that were asked with one more than the limit."""
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(
        items=tuple(card_of_row(row) for row in shown),
        after=None if last is None else to_cursor(last["key"], last["store_id"]),
    )


_NO_OFFERS = "select null::jsonb as briefs, 0 as offer_count"


async def storefronts(
    tx: Tx, store_ids: Sequence[UUID], *, city_id: int, now: datetime, point: Point | None = None, offers: bool = True
) -> list[StoreCard | None]:
    """The cards of these stores in the order asked (also of one that is not visible now); None for an unknown one.

    offers: whether their offers are wanted, which is most of the work.
    """
    rows = await tx.rows(
        load(__package__ or "", "cards").format(live=live_offers() if offers else _NO_OFFERS),
        city=city_id,
        stores=list(dict.fromkeys(store_ids)),
        now=now,
        here=None if point is None else cube_of(point),
    )
    found = {row["store_id"]: card_of_row(row) for row in rows}
    return [found.get(store_id) for store_id in store_ids]


async def store_page(
    tx: Tx, store_id: UUID, *, city_id: int, now: datetime, point: Point | None = None
) -> StorePage | None:
    """A store with all its offers on sale, cheapest first; None when there is no such store or it is not visible."""
    (card,) = await storefronts(tx, [store_id], city_id=city_id, now=now, point=point)
    if card is None or not card.visible:
        return None
    rows = await tx.rows(
        f"""{OFFER} and o.status = 'published' and o.scheme not in ('coupons', 'alliance') and o.sale_from <= %(now)s
            and o.sale_to > %(now)s
            and exists (select 1 from catalog.offer_stores here
                        where here.city_id = %(city)s and here.offer_id = o.offer_id and here.store_id = %(store)s)
            order by o.price_units, o.offer_id""",
        city=city_id,
        store=store_id,
        now=now,
    )
    return StorePage(card=card, offers=tuple(offer_of_row(row) for row in rows))


async def category_counts(tx: Tx, *, city_id: int) -> dict[str, int]:
    """How many stores have something in each category (its children included); "" counts all of them."""
    rows = await tx.rows(
        "select category, stores from catalog.shelf_counts where city_id = %(city)s and stores > 0", city=city_id
    )
    return {row["category"]: row["stores"] for row in rows}
