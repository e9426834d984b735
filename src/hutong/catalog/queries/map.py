"""Stores on a map: pins where they stand alone, one sign for many."""

from datetime import datetime
from math import cos, radians

from hutong.catalog.model import MapCell
from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.geo import EARTH_RADIUS_M, Box
from hutong.kit.text import Text
from hutong.places.near import cube_of_box

MOST_CELLS = 300
_CELL_PIXELS = 72  # of a map whose world is 256 pixels wide at zoom 0: a sign with its number needs so much room


def grid_of(zoom: int, lat: float) -> tuple[float, float]:
    """The height and width in degrees of a cell at a zoom (0 to 20), about square on the screen at this latitude."""
    wide = 360.0 / 2 ** max(0, min(20, zoom)) * _CELL_PIXELS / 256
    return wide * cos(radians(max(-80.0, min(80.0, lat)))), wide


async def map_cells(
    tx: Tx, *, city_id: int, box: Box, zoom: int, now: datetime, category: str | None = None
) -> list[MapCell]:
    """What to draw of the stores inside a WGS-84 box, fullest cells first, at most 300 of them.

    Prices are in units of the city's currency, each the lowest of its cell within the category (and what hangs below
    it). A store alone has an offer on sale at `now`; in a cell of many those count that are listed, also one whose
    sale begins in an hour. Cells lie on a grid of the world, so they stand still when the map is moved. Everybody may
    see this.
    """
    # The height is that of one latitude for the whole city: cells must not shift while somebody scrolls north.
    high, wide = grid_of(zoom, round((box.south + box.north) / 2))
    rows = await tx.rows(
        load(__package__ or "", "map"), city=city_id, category=category or "", box=cube_of_box(box),
        south=box.south, north=box.north, west=box.west, east=box.east, high=high, wide=wide,
        radius=EARTH_RADIUS_M, limit=MOST_CELLS, now=now,
    )  # fmt: skip
    return [
        MapCell(
            lat=row["lat"], lon=row["lon"], count=row["count"], price_units=row["price_units"],
            store_id=row["store_id"], name=Text(**row["name"]) if row["name"] else None,
            box=Box(south=row["south"], west=row["west"], north=row["north"], east=row["east"]),
        )
        for row in rows
    ]  # fmt: skip
