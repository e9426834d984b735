"""Cities, stores, offers and quotes: open to all."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import json

from hutong import catalog, inventory, merchants, orders, places
from hutong.api.forms import form_out
from hutong.api.glue import Home, local_id, local_ids, one_city, open_to_all, pays_of, who
from hutong.api.shapes import (
    Money,
    PageOut,
    QuoteIn,
    card_out,
    city_out,
    considered_out,
    offer_out,
    payable_out,
    ref_of,
)
from hutong.desk import buying
from hutong.desk.choosing import choice_of
from hutong.desk.house import House
from hutong.desk.packing import Packing, pack, unpack, unpacks
from hutong.kit.geo import Point
from hutong.kit.ids import OFFER, PROMOTION, STORE, VOUCHER
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


async def once(
    house: House, request: Request[Any, Any, Any], name: str, key: Hashable, make: Callable[[], Awaitable[Any]], *,
    city_id: int,
) -> Any:  # fmt: skip
    """What `make` answers, made once in the life of what is kept, for everybody alike: as a packed answer."""
    if not house.kept.on:
        return await make()

    async def packed() -> bytes:
        return pack(json.encode(await make()))

    body = await house.kept.get(name, key, packed, city_id=city_id, weigh=len)
    headers = {"vary": "Accept-Encoding"}
    if unpacks(request.scope["headers"]):
        headers["content-encoding"] = "gzip"
    else:
        body = unpack(body)
    return Response(body, media_type=MediaType.JSON, headers=headers)


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
    request: Request[Any, Any, Any],
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

    async def found() -> PageOut:
        async with house.db.reading(city_id) as tx:
            page = await catalog.nearby(
                tx, city_id=city_id, point=point_of(lat, lon), category=category, district_id=district, sort=sort,
                after=after, limit=limit, now=house.clock.now(),
            )  # fmt: skip
        return PageOut([card_out(card, city_id) for card in page.items], page.after)

    key = (lat, lon, category, district, sort, after, limit)
    return await once(house, request, "api_stores", key, found, city_id=city_id)


@get("/stores/{store:str}", guards=[open_to_all], summary="A store with its offers")
async def store(request: Request[Any, Any, Any], store: FromPath[str], house: Home) -> dict[str, Any]:
    city_id, store_id = local_id(STORE, store)

    async def found() -> dict[str, Any]:
        async with house.db.reading(city_id) as tx:
            page = await catalog.store_page(tx, store_id, city_id=city_id, now=house.clock.now())
            row = (await merchants.stores(tx, city_id, [store_id])).get(store_id)
        if page is None or row is None:
            raise NotFound()
        offers = [offer_out(offer, None, None) for offer in page.offers]
        return {**card_out(page.card, city_id), "phone": row.phone, "offers": offers}

    return await once(house, request, "api_store", store_id, found, city_id=city_id)


@get("/offers", guards=[open_to_all], summary="Search: Chinese, pinyin, Latin")
async def search(
    request: Request[Any, Any, Any],
    house: Home,
    city_id: City,
    q: Annotated[str, QueryParameter(min_length=1, max_length=60)],
    lat: FromQuery[float | None] = None,
    lon: FromQuery[float | None] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = 20,
) -> PageOut:
    """Stores and their offers that match, best first."""

    async def found() -> PageOut:
        async with house.db.reading(city_id) as tx:
            page = await catalog.search(
                tx, city_id=city_id, words=q, point=point_of(lat, lon), after=after, limit=limit, now=house.clock.now()
            )
        return PageOut([card_out(card, city_id) for card in page.items], page.after)

    return await once(house, request, "api_search", (q, lat, lon, after, limit), found, city_id=city_id)


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
    return {**offer_out(found, progress, left), "form": form_out(found)}


@post("/quotes", guards=[open_to_all], status_code=200, summary="What these would cost now")
async def quote(data: JSONBody[QuoteIn], request: Request[Any, Any, Any], house: Home) -> dict[str, Any]:
    """Nothing is held; send `to_pay` as `expect`, `coupons` and `tenders` with the order to be sure of the price.

    With a token: the best of the member's coupons, or just those sent. `considered` tells of every promotion what it
    takes off, or why nothing and what would make it a yes. With `tenders` (an empty list, too) `payable` tells of every
    card and wallet of points of the member's what it pays, or could.
    """
    city_id, ids = one_city([local_id(OFFER, line.offer) for line in data.lines], "lines")
    wants = [Wanted(i, line.quantity, choice_of(line.way, city_id)) for i, line in zip(ids, data.lines, strict=True)]
    coupons = None if data.coupons is None else local_ids(VOUCHER, data.coupons, city_id)
    found = await buying.quote(
        house, city_id, wants, actor=await who(request), coupons=coupons, channel="api",
        tenders=None if data.tenders is None else pays_of(data.tenders, city_id),
    )  # fmt: skip
    lines = [
        {
            "offer": line.offer,
            "quantity": line.quantity,
            "title": quoted.line.title,
            "unit_price": Money.of(quoted.line.unit_price),
            "total": Money.of(quoted.total),
            "savings": [
                {"promotion": PROMOTION.show(UUID(a.promotion), city_id), "amount": Money.of(a.amount)}
                for a in quoted.adjustments
            ],
        }
        for line, quoted in zip(data.lines, found.quote.lines, strict=True)
    ]
    return {
        "lines": lines, "list_total": Money.of(found.quote.list_total), "total": Money.of(found.quote.total),
        "saved": Money.of(found.saved), "coupons": [VOUCHER.show(c, city_id) for c in found.coupons],
        "best": found.best, "considered": [considered_out(one, city_id) for one in found.considered],
        "to_pay": Money.of(found.to_pay), "tendered": Money.of(found.tendered), "points": found.points,
        "tenders": [
            {"kind": pay.kind, "id": ref_of(pay.kind, pay.id, city_id), "most": pay.most} for pay in found.tenders
        ],
        "payable": [payable_out(one, city_id) for one in found.pays],
    }  # fmt: skip


router = Router(
    "/", route_handlers=[cities, city, stores, store, search, offer, quote], tags=["browse"], middleware=[Packing]
)
