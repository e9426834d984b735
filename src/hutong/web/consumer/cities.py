"""Choosing the city: where the reader is, where he was, all of them from A to Z."""

from itertools import groupby
from typing import Annotated, Any

from litestar import Response, get
from litestar.params import QueryParameter
from litestar.response import Redirect
from msgspec import Struct

from hutong import places
from hutong.kit.geo import Point, distance_m
from hutong.places import City
from hutong.web.consumer.here import AT, CITY, Short
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

FARTHEST_M = 150_000  # a city farther away is not the one somebody is in

Degrees = Annotated[float, QueryParameter()]


class Named(Struct, frozen=True):
    """A city with all that may be typed for it, as one lower-case line."""

    city: City
    find: str


async def opened(visit: Visit) -> list[City]:
    """The cities that are open, by pinyin."""
    async with visit.house.db.reading() as tx:
        return [city for city in await places.cities(tx) if city.opened_at is not None]


@get("/", guards=[public])
async def root(visit: Visiting) -> Response:
    """To the city the reader was in, or to the only one; else the cities to choose from."""
    slugs = [city.slug for city in await opened(visit)]
    kept = visit.connection.cookies.get(CITY)
    if kept in slugs or len(slugs) == 1:
        return Redirect(f"/c/{kept if kept in slugs else slugs[0]}/", status_code=302)
    return Redirect("/cities", status_code=302)


@get("/cities", guards=[public])
async def cities(visit: Visiting, q: Short = None) -> Response[str]:
    """All cities by the first letter of their pinyin; `q` is the beginning of a name: Chinese, pinyin, initials."""
    found, asked = await opened(visit), (q or "").strip().lower()
    named = [Named(city, " ".join(_names(city))) for city in found]
    if asked:
        named = [one for one in named if any(name.startswith(asked) for name in _names(one.city))]
    letters = [(letter, list(group)) for letter, group in groupby(named, key=lambda one: one.city.pinyin[0].upper())]
    kept = visit.connection.cookies.get(CITY)
    return visit.page(
        "consumer/cities.html", letters=letters, asked=asked, count=len(found),
        kept=next((city for city in found if city.slug == kept), None),
        near=nearest(found, point_in(visit.connection.cookies.get(AT))),
    )  # fmt: skip


def _names(city: City) -> list[str]:
    """Whatever somebody may type for a city, in lower case."""
    return list(dict.fromkeys([city.name.zh, city.name.en.lower(), city.slug, *places.spell(city.name.zh).split()]))


@get("/cities/nearest", guards=[public])
async def nearest_city(visit: Visiting, lat: Degrees, lon: Degrees) -> dict[str, Any]:
    """The city in which (or next to which) a WGS-84 point lies, for the script that asks about a mismatch.

    `{"slug", "name", "url"}`, or `{}` when there is none within reach. The point is not kept.
    """
    try:
        found = nearest(await opened(visit), Point(lat, lon))
    except ValueError:
        return {}
    if found is None:
        return {}
    return {"slug": found.slug, "name": visit.formats().say(found.name), "url": f"/c/{found.slug}/"}


def point_in(text: str | None) -> Point | None:
    """The point of the cookie, wherever it lies."""
    try:
        lat, lon = (float(part) for part in (text or "").split(","))
        return Point(lat, lon)
    except ValueError:
        return None


def nearest(found: list[City], point: Point | None) -> City | None:
    """The city that contains the point, else the one with the nearest centre within reach."""
    if point is None:
        return None
    by_distance = sorted(found, key=lambda city: distance_m(city.centre, point))
    inner = next((city for city in by_distance if city.boundary and city.contains(point)), None)
    if inner is not None or not by_distance:
        return inner
    return by_distance[0] if distance_m(by_distance[0].centre, point) <= FARTHEST_M else None


ROUTES = (root, cities, nearest_city)
