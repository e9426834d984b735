"""The list of stores with deals, and the landing pages of a category and of a district."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from hutong import catalog, places
from hutong.catalog import Category, Narrow, Sort
from hutong.infra.db import Tx
from hutong.kit.clock import local
from hutong.kit.money import SCALES, Amount
from hutong.places import District
from hutong.web.consumer.here import Cursor, Here, InCity, Short, sure_found
from hutong.web.consumer.shelves import Shelves, shelves_of
from hutong.web.consumer.shops import Shop, shops_of
from hutong.web.shared.common import common
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE, ON_LANDING = 20, 12
SORTS: tuple[Sort, ...] = ("distance", "price", "new")
# Edges of the price bands in whole units of the currency (yuan), each a price that people think in.
EDGES = (30, 60, 120, 300)


class Band(Struct, frozen=True):
    """A price band: `slug` stands in the address; None is without an edge on that side."""

    slug: str
    least: Amount | None
    most: Amount | None


class Asked(Struct, frozen=True):
    """What the list is narrowed to, as the address says it and as the page repeats it."""

    category: str = ""
    district: str = ""
    sort: Sort = "distance"
    price: str = ""
    open: str = ""

    def with_(self, **changes: str) -> dict[str, str]:
        """The query of the same list with something else chosen; the usual order is not spelt out."""
        query = {name: getattr(self, name) for name in Asked.__struct_fields__} | changes
        return {name: value for name, value in query.items() if value and (name, value) != ("sort", "distance")}


def bands_of(currency: str) -> list[Band]:
    """The price bands in a currency: below 30, 30-60, 60-120, 120-300, above."""
    scale = 10 ** SCALES.get(currency, 0)
    edges = [None, *EDGES, None]
    return [
        Band(
            f"{least or 0}-{most or ''}", None if least is None else Amount(least * scale, currency),
            None if most is None else Amount(most * scale, currency),
        )
        for least, most in pairwise(edges)
    ]  # fmt: skip


def narrow_of(band: Band | None, *, open_now: bool, wall: datetime) -> Narrow:
    """The band (its upper edge belongs to it) and the door at this hour, for the catalog."""
    return Narrow(
        price_from=band.least.units + 1 if band and band.least else None,
        price_to=band.most.units if band and band.most else None,
        open_at=wall if open_now else None,
    )


class Found(Struct, frozen=True):
    """A page of the list with all that its filters show."""

    shops: list[Shop]
    more: str | None
    shelves: Shelves
    districts: list[District]
    bands: list[Band]
    asked: Asked
    within: District | None
    band: Band | None


class Signs(Struct, frozen=True):
    """What every list of a city may be narrowed by."""

    shelves: Shelves
    districts: list[District]


async def signs_of(visit: Visit, here: Here) -> Signs:
    """As they are kept. Asked before a connection is taken."""

    async def read() -> list[District]:
        async with visit.house.db.reading(here.city_id) as tx:
            return await places.districts(tx, here.city_id)

    found = await visit.house.kept.get(
        "districts", None, read, city_id=here.city_id, weigh=lambda districts: 500 * len(districts)
    )
    return Signs(await shelves_of(visit.house), found)


async def found_for(
    tx: Tx, visit: Visit, here: Here, signs: Signs, asked: Asked, after: str | None, limit: int = ON_PAGE
) -> Found:
    """The list as it was asked for; what nobody knows (an old category) is as good as not asked for."""
    now = visit.house.clock.now()
    shelves, districts, bands = signs.shelves, signs.districts, bands_of(here.city.currency)
    within = next((district for district in districts if district.slug == asked.district), None)
    band = next((band for band in bands if band.slug == asked.price), None)
    sure = Asked(
        shelves.known(asked.category) or "", within.slug if within else "",
        asked.sort if asked.sort in SORTS else "distance", band.slug if band else "", "now" if asked.open else "",
    )  # fmt: skip
    wall = local(now, here.city.zone)
    page = await catalog.nearby(
        tx, city_id=here.city_id, point=here.point, now=now, category=sure.category or None, sort=sure.sort,
        district_id=within.district_id if within else None, after=after, limit=limit,
        narrow=narrow_of(band, open_now=bool(sure.open), wall=wall),
    )  # fmt: skip
    shops = await shops_of(tx, page.items, here=here, now=now)
    return Found(shops, page.after, shelves, districts, bands, sure, within, band)


@get("/c/{city:str}/nearby", guards=[public])
async def nearby(
    visit: Visiting, here: InCity, category: Short = None, district: Short = None, sort: Short = None,
    price: Short = None, open: Short = None, after: Cursor = None,
) -> Response[str]:  # fmt: skip
    """Stores with deals by distance, price or age; within a category, a district, a price band, open at this hour."""
    asked = Asked(category or "", district or "", sort or "distance", price or "", open or "")  # type: ignore[arg-type]
    return await common(visit, here.city_id, lambda: _nearby(visit, here, asked, after), name="nearby", seen=here.seen)


async def _nearby(visit: Visit, here: Here, asked: Asked, after: str | None) -> Response[str]:
    signs = await signs_of(visit, here)
    async with visit.house.db.reading(here.city_id) as tx:
        found = await found_for(tx, visit, here, signs, asked, after)
    visit.frame["tab"] = "nearby"
    template = "consumer/nearby_part.html" if visit.partial else "consumer/nearby.html"
    return visit.page(template, **_shown(found), after=after)


def _shown(found: Found) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Found.__struct_fields__} | {"sorts": SORTS}


@get("/c/{city:str}/categories/{slug:str}", guards=[public])
async def category_page(visit: Visiting, here: InCity, slug: FromPath[str]) -> Response[str]:
    """A category: what is below it, what is new, what is cheap, what is near."""
    return await common(visit, here.city_id, lambda: _category(visit, here, slug), name="category", seen=here.seen)


async def _category(visit: Visit, here: Here, slug: str) -> Response[str]:
    signs = await signs_of(visit, here)
    async with visit.house.db.reading(here.city_id) as tx:
        found = await found_for(tx, visit, here, signs, Asked(category=slug), None, ON_LANDING)
        sure_found(found.asked.category or None)
        counts = await catalog.category_counts(tx, city_id=here.city_id)
        cheap = await found_for(tx, visit, here, signs, Asked(category=slug, sort="price"), None, 3)
        fresh = await found_for(tx, visit, here, signs, Asked(category=slug, sort="new"), None, 3)
    shelf: Category = found.shelves.get(slug)
    return visit.page(
        "consumer/landing.html", **_shown(found), title=shelf.name, counts=counts, count=counts.get(slug, 0),
        below=[one for one in found.shelves.children(slug) if counts.get(one.slug)], shelf=shelf,
        ranks=[("price", cheap.shops), ("new", fresh.shops)],
    )  # fmt: skip


@get("/c/{city:str}/districts/{slug:str}", guards=[public])
async def district_page(visit: Visiting, here: InCity, slug: FromPath[str]) -> Response[str]:
    """A district: its categories, what is new, what is cheap, what is near."""
    return await common(visit, here.city_id, lambda: _district(visit, here, slug), name="district", seen=here.seen)


async def _district(visit: Visit, here: Here, slug: str) -> Response[str]:
    signs = await signs_of(visit, here)
    async with visit.house.db.reading(here.city_id) as tx:
        found = await found_for(tx, visit, here, signs, Asked(district=slug), None, ON_LANDING)
        district = sure_found(next((one for one in found.districts if one.slug == found.asked.district), None))
        cheap = await found_for(tx, visit, here, signs, Asked(district=slug, sort="price"), None, 3)
        fresh = await found_for(tx, visit, here, signs, Asked(district=slug, sort="new"), None, 3)
    return visit.page(
        "consumer/landing.html", **_shown(found), title=district.name, counts={}, count=0,
        below=found.shelves.branches, shelf=None, ranks=[("price", cheap.shops), ("new", fresh.shops)],
    )  # fmt: skip


ROUTES = (nearby, category_page, district_page)
