"""The map: signs for stores, a list of what is in sight, streets of a tile server or of the drawn city."""

from typing import Annotated, Any

from litestar import Response, get
from litestar.params import QueryParameter

from hutong import catalog, places
from hutong.catalog import Narrow
from hutong.kit.geo import Box, Point
from hutong.kit.ids import STORE
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput
from hutong.web.consumer.here import Here, InCity, Short
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.shops import shops_of
from hutong.web.shared.guards import public
from hutong.web.shared.maps import allow_tiles
from hutong.web.shared.visit import Visit, Visiting

IN_DRAWER = 20
WIDEST = 3.0  # degrees: farther than a city reaches, and all that a box may ask for
Zoom = Annotated[int, QueryParameter(ge=3, le=20)]
Edges = Annotated[str, QueryParameter(max_length=80)]
AnyEdges = Annotated[str | None, QueryParameter(max_length=80)]


@get("/c/{city:str}/map", guards=[public])
async def map_page(
    visit: Visiting, here: InCity, category: Short = None, store: Short = None
) -> Response[str]:  # fmt: skip
    """The map around the reader (or a store); without scripts the list below it."""
    now, middle = visit.house.clock.now(), here.point
    async with visit.house.db.reading(here.city_id) as tx:
        shelves = Shelves(await catalog.categories(tx))
        shelf = shelves.known(category)
        if store:
            (card,) = await catalog.storefronts(tx, [here.read(STORE, store)], city_id=here.city_id, now=now)
            middle = card.point if card is not None and card.visible else middle
        page = await catalog.nearby(tx, city_id=here.city_id, point=middle, now=now, category=shelf, limit=IN_DRAWER)
        shops = await shops_of(tx, page.items, here=here, now=now)
    visit.frame["tab"] = "nearby"
    tiles = visit.house.settings.tiles
    answer = visit.page(
        "consumer/map.html", shelves=shelves, shops=shops, category=shelf or "", middle=middle, tiles=tiles,
        credit=visit.house.settings.tiles_credit, store=store or "",
    )  # fmt: skip
    return allow_tiles(answer, tiles)


@get("/c/{city:str}/map/places", guards=[public])
async def map_places(
    visit: Visiting, here: InCity, box: Edges, zoom: Zoom = 14, category: Short = None
) -> Response[dict[str, Any]]:
    """What to draw inside `box` ("south,west,north,east", WGS-84 degrees) at a zoom.

    `{"cells": [...]}`: each has `lat`, `lon`, `n` (how many stores), `price` (the lowest, as words); where `n` is 1 the
    store's `name` and `url` and `card`, else the `box` in which they stand. Raises bad_input for what is no box.
    """
    inside = box_of(box)
    async with visit.house.db.reading(here.city_id) as tx:
        shelf = Shelves(await catalog.categories(tx)).known(category)
        found = await catalog.map_cells(
            tx, city_id=here.city_id, box=inside, zoom=zoom, category=shelf, now=visit.house.clock.now()
        )
    return Response(
        {"cells": [_cell(visit, here, cell) for cell in found]}, headers={"cache-control": "private, max-age=30"}
    )


def _cell(visit: Visit, here: Here, cell: catalog.MapCell) -> dict[str, Any]:
    f = visit.formats()
    shown: dict[str, Any] = {
        "lat": round(cell.lat, 6), "lon": round(cell.lon, 6), "n": cell.count,
        "price": f.money(Amount(cell.price_units, here.city.currency)),
    }  # fmt: skip
    if cell.store_id is None:
        return shown | {"box": [cell.box.south, cell.box.west, cell.box.north, cell.box.east]}
    store = STORE.show(cell.store_id, here.city_id)
    return shown | {"name": f.say(cell.name), "store": store, "url": here.to(f"/stores/{store}")}


@get("/c/{city:str}/map/list", guards=[public])
async def map_list(
    visit: Visiting, here: InCity, box: AnyEdges = None, store: Short = None, category: Short = None
) -> Response[str]:
    """The stores inside a box, from its middle on, or one store: the drawer of the map, a piece of a page."""
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        shelves = Shelves(await catalog.categories(tx))
        if store:
            ids = [here.read(STORE, store)]
            cards = await catalog.storefronts(tx, ids, city_id=here.city_id, now=now, point=here.point)
            found = [card for card in cards if card is not None and card.visible]
        else:
            inside = box_of(box or "")
            page = await catalog.nearby(
                tx, city_id=here.city_id, point=inside.middle, now=now, category=shelves.known(category),
                limit=IN_DRAWER, narrow=Narrow(box=inside),
            )  # fmt: skip
            found = list(page.items)
        shops = await shops_of(tx, found, here=here, now=now)
    return visit.page("consumer/map_list.html", shelves=shelves, shops=shops, from_middle=not store)


@get("/c/{city:str}/map/lanes", guards=[public])
async def map_lanes(visit: Visiting, here: InCity) -> Response[dict[str, Any]]:
    """GeoJSON of the city: boundary, districts, landmarks; in a demo also drawn streets, which follow from those."""
    async with visit.house.db.reading(here.city_id) as tx:
        districts = await places.districts(tx, here.city_id)
        landmarks = await places.landmarks_of(tx, [here.city_id])
    drawn = places.sketch(here.city, districts, landmarks, invented=visit.house.settings.demo)
    return Response(drawn, media_type="application/geo+json", headers={"cache-control": "public, max-age=3600"})


def box_of(text: str) -> Box:
    """The box of an address, cut to what a city may reach. Raises bad_input."""
    try:
        south, west, north, east = (float(part) for part in text.split(","))
        middle = Point((south + north) / 2, (west + east) / 2)
        return Box(
            south=max(south, middle.lat - WIDEST / 2), west=max(west, middle.lon - WIDEST / 2),
            north=min(north, middle.lat + WIDEST / 2), east=min(east, middle.lon + WIDEST / 2),
        )  # fmt: skip
    except ValueError as error:
        raise BadInput(field="box", why="south,west,north,east") from error


ROUTES = (map_page, map_places, map_list, map_lanes)
