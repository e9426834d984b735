"""Cities, stores, offers and quotes: open to all."""

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.config.compression import CompressionConfig
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from hutong import catalog, inventory, merchants, orders, places
from hutong.api.glue import Home, local_id, one_city, open_to_all
from hutong.api.shapes import Money, PageOut, QuoteIn, card_out, city_out, offer_out
from hutong.desk import buying
from hutong.kit.geo import Point
from hutong.kit.ids import OFFER, STORE
from hutong.kit.refusals import BadInput, NotFound
from hutong.orders import Wanted

City = Annotated[int, QueryParameter(name="city", description="Id of the city")]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=50)]


def point_of(lat: float | None, lon: float | None) -> Point | None:
    """WGS-84 degrees, both or none."""
    if lat is None and lon is None:
        return None
    if lat is None or lon is None:
        raise BadInput(field="lat, lon", why="give both or none")
    try:
        return Point(lat, lon)
    except ValueError as error:
        raise BadInput(field="lat, lon", why=str(error)) from None


@get("/cities", guards=[open_to_all], summary="All cities")
async def cities(house: Home) -> PageOut:
    async with house.db.reading() as tx:
        found = await places.cities(tx)
    return PageOut([city_out(city) for city in found], None)


@get("/cities/{slug:str}", guards=[open_to_all], summary="A city by its slug")
async def city(slug: FromPath[str], house: Home) -> dict[str, Any]:
    async with house.db.reading() as tx:
        found = await places.city_by_slug(tx, slug)
    if found is None:
        raise NotFound()
    return city_out(found)


@get("/stores", guards=[open_to_all], summary="Stores nearby, with at most two deals each")
async def stores(
    house: Home,
    city_id: City,
    lat: FromQuery[float | None] = None,
    lon: FromQuery[float | None] = None,
    category: FromQuery[str | None] = None,
    district: FromQuery[int | None] = None,
    sort: FromQuery[catalog.Sort] = "distance",
    after: FromQuery[str | None] = None,
    limit: Limit = 20,
) -> PageOut:
    """Distances are metres from lat/lon (WGS-84) along the surface. Without a point they are sorted by what is new."""
    async with house.db.reading(city_id) as tx:
        page = await catalog.nearby(
            tx, city_id=city_id, point=point_of(lat, lon), category=category, district_id=district, sort=sort,
            after=after, limit=limit, now=house.clock.now(),
        )  # fmt: skip
    return PageOut([card_out(card, city_id) for card in page.items], page.after)


@get("/stores/{store:str}", guards=[open_to_all], summary="A store with its offers")
async def store(store: FromPath[str], house: Home) -> dict[str, Any]:
    city_id, store_id = local_id(STORE, store)
    async with house.db.reading(city_id) as tx:
        page = await catalog.store_page(tx, store_id, city_id=city_id, now=house.clock.now())
        row = (await merchants.stores(tx, city_id, [store_id])).get(store_id)
    if page is None or row is None:
        raise NotFound()
    return {
        **card_out(page.card, city_id),
        "phone": row.phone,
        "offers": [offer_out(o, None, None) for o in page.offers],
    }


@get("/offers", guards=[open_to_all], summary="Search: Chinese, pinyin, Latin")
async def search(
    house: Home,
    city_id: City,
    q: Annotated[str, QueryParameter(min_length=1, max_length=60)],
    lat: FromQuery[float | None] = None,
    lon: FromQuery[float | None] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = 20,
) -> PageOut:
    """Stores and their offers that match, best first."""
    async with house.db.reading(city_id) as tx:
        page = await catalog.search(
            tx, city_id=city_id, words=q, point=point_of(lat, lon), after=after, limit=limit, now=house.clock.now()
        )
    return PageOut([card_out(card, city_id) for card in page.items], page.after)


@get("/offers/{offer:str}", guards=[open_to_all], summary="An offer that is on sale or was")
async def offer(offer: FromPath[str], house: Home) -> dict[str, Any]:
    city_id, offer_id = local_id(OFFER, offer)
    async with house.db.reading(city_id) as tx:
        found = (await catalog.offers(tx, [offer_id], city_id=city_id))[0]
        if found is None or found.status not in ("published", "ended"):
            raise NotFound()
        progress = (await orders.progress(tx, [offer_id], city_id=city_id)).get(offer_id)
        left = None
        if found.quota_id is not None:
            quota = (await inventory.quotas(tx, [found.quota_id], city_id=city_id))[0]
            left = quota.remaining if quota else None
    return offer_out(found, progress, left)


@post("/quotes", guards=[open_to_all], status_code=200, summary="What these would cost now")
async def quote(data: JSONBody[QuoteIn], house: Home) -> dict[str, Any]:
    """Nothing is held; send `total` as `expect` with the order to be sure of the price."""
    city_id, ids = one_city([local_id(OFFER, line.offer) for line in data.lines], "lines")
    wants = [Wanted(i, line.quantity) for i, line in zip(ids, data.lines, strict=True)]
    found = await buying.quote(house, city_id, wants)
    lines = [
        {
            "offer": line.offer,
            "quantity": line.quantity,
            "title": quoted.line.title,
            "unit_price": Money.of(quoted.line.unit_price),
            "total": Money.of(quoted.total),
        }
        for line, quoted in zip(data.lines, found.lines, strict=True)
    ]
    return {
        "lines": lines, "list_total": Money.of(found.list_total), "total": Money.of(found.total),
        "adjustments": found.adjustments, "reasons": found.reasons,
    }  # fmt: skip


PACKED = DefineMiddleware(CompressionMiddleware, config=CompressionConfig(backend="gzip", minimum_size=1000))

router = Router(
    "/", route_handlers=[cities, city, stores, store, search, offer, quote], tags=["browse"], middleware=[PACKED]
)
