"""Cities and districts as values, and what makes them sound."""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from hutong.kit.geo import Point, inside
from hutong.kit.money import SCALES
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.text import Text

SLUG = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")


class City(Struct, frozen=True, kw_only=True):
    """The unit of locality. `boundary` is a ring of points, or empty where it is not drawn yet."""

    city_id: int
    slug: str
    name: Text
    pinyin: str
    zone: str
    currency: str
    languages: tuple[str, ...]
    centre: Point
    boundary: tuple[Point, ...]
    opened_at: datetime | None

    def contains(self, point: Point) -> bool:
        """Whether the point lies in the city; a city without a boundary takes every point."""
        return not self.boundary or inside(point, list(self.boundary))


class AddCity(Struct, frozen=True, kw_only=True):
    """A city to add. Pinyin follows from the name when it is not given."""

    city_id: int
    slug: str
    name: Text
    zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    languages: tuple[str, ...] = ("zh", "en")
    centre: Point
    boundary: tuple[Point, ...] = ()
    opened_at: datetime | None = None
    pinyin: str | None = None


class District(Struct, frozen=True, kw_only=True):
    """A part of a city. The number is the operator's own, e.g. the national code of the division."""

    city_id: int
    district_id: int
    slug: str
    name: Text
    pinyin: str
    centre: Point


class AddDistrict(Struct, frozen=True, kw_only=True):
    """A district to add. Pinyin follows from the name when it is not given."""

    city_id: int
    district_id: int
    slug: str
    name: Text
    centre: Point
    pinyin: str | None = None


class Landmark(Struct, frozen=True, kw_only=True):
    """A place that everybody in the city knows: the map names it, so that people find their way."""

    city_id: int
    slug: str
    name: Text
    place: Point


class UnknownCity(Refusal):
    """There is no such city."""

    code = "unknown_city"
    status = 404
    say = Text(zh="还没有这个城市。", en="This city is not here yet.")
    step = Text(zh="请从城市列表中选择。", en="Choose one from the list of cities.")


class CityTaken(Refusal):
    """The number or the short name belongs to a city with other words."""

    code = "city_taken"
    say = Text(
        zh="城市编号 {city_id} 或短名「{slug}」已被使用。",
        en="The city number {city_id} or the short name “{slug}” is taken.",
    )
    step = Text(zh="请换一个编号和短名。", en="Choose another number and short name.")


class DistrictTaken(Refusal):
    """The number or the short name belongs to a district with other words."""

    code = "district_taken"
    say = Text(
        zh="区域编号 {district_id} 或短名「{slug}」已被使用。",
        en="The district number {district_id} or the short name “{slug}” is taken.",
    )
    step = Text(zh="请换一个编号和短名。", en="Choose another number and short name.")


class LandmarkTaken(Refusal):
    """The short name belongs to a landmark with other words or at another place."""

    code = "landmark_taken"
    say = Text(zh="地标短名「{slug}」已被使用。", en="The landmark's short name “{slug}” is taken.")
    step = Text(zh="请换一个短名。", en="Choose another short name.")


def why_not_city(request: AddCity) -> BadInput | None:
    """The first thing that is wrong with a city to add; None when it is sound."""
    if not 0 < request.city_id < 1_000_000_000:
        return BadInput(field="city_id", why="1-999999999")
    if not SLUG.match(request.slug) or len(request.slug) > 40:
        return BadInput(field="slug", why="a-z 0-9 -")
    try:
        ZoneInfo(request.zone)
    except (ZoneInfoNotFoundError, ValueError):
        return BadInput(field="zone", why=request.zone)
    if request.currency not in SCALES or len(request.currency) != 3:
        return BadInput(field="currency", why=request.currency)
    if not request.languages:
        return BadInput(field="languages", why="[]")
    if request.boundary and (len(request.boundary) < 3 or not inside(request.centre, list(request.boundary))):
        return BadInput(field="boundary", why="≥ 3 points around the centre")
    return None


def why_not_district(request: AddDistrict, city: City | None) -> Refusal | None:
    """The first thing that is wrong with a district to add; None when it is sound."""
    if city is None:
        return UnknownCity(city_id=request.city_id)
    if request.district_id <= 0:
        return BadInput(field="district_id", why="> 0")
    if not SLUG.match(request.slug) or len(request.slug) > 40:
        return BadInput(field="slug", why="a-z 0-9 -")
    if not city.contains(request.centre):
        return BadInput(field="centre", why=f"outside {city.slug}")
    return None


def why_not_landmark(request: Landmark, city: City | None) -> Refusal | None:
    """The first thing that is wrong with a landmark to add; None when it is sound."""
    if city is None:
        return UnknownCity(city_id=request.city_id)
    if not SLUG.match(request.slug) or len(request.slug) > 40:
        return BadInput(field="slug", why="a-z 0-9 -")
    return None if city.contains(request.place) else BadInput(field="place", why=f"outside {city.slug}")


def crosses(ring: Sequence[Point]) -> bool:
    """Whether two edges of a ring cross: a boundary that is tied in a knot has no inside."""
    edges = [(here, ring[(n + 1) % len(ring)]) for n, here in enumerate(ring)]
    return any(
        _cut(*edges[one], *edges[other])
        for one in range(len(edges))
        for other in range(one + 2, len(edges))
        if (other + 1) % len(edges) != one
    )


def _cut(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether a-b and c-d cross in a point of both, on a plane of degrees."""

    def side(p: Point, q: Point, r: Point) -> float:
        return (q.lon - p.lon) * (r.lat - p.lat) - (q.lat - p.lat) * (r.lon - p.lon)

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def box(ring: tuple[Point, ...]) -> tuple[float, float, float, float] | None:
    """(south, west, north, east) of a ring; None for an empty one."""
    if not ring:
        return None
    lats, lons = [p.lat for p in ring], [p.lon for p in ring]
    return min(lats), min(lons), max(lats), max(lons)
