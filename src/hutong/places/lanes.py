"""A drawn map for an invented city: river, avenues, rings and lanes that follow from its boundary and districts. Pure.

The demo needs no tile server: this is what its map shows. The same city always has the same streets. A real city gets
only what is true of it (its boundary and the names of its districts), and streets from a tile server.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from math import atan2, cos, hypot, pi, radians, sin
from typing import Any

from hutong.kit.geo import Point, inside
from hutong.places.model import City, District, Landmark

_DEGREE_M = 111_195.0
_LANE_GAP_M = 260.0
_REACH_M = 1_500.0  # how far lanes run around the middle of a district


class _Flat:
    """A city on a table: metres east and north of its centre."""

    def __init__(self, centre: Point) -> None:
        self._centre, self._wide = centre, _DEGREE_M * cos(radians(centre.lat))

    def flat(self, point: Point) -> tuple[float, float]:
        return (point.lon - self._centre.lon) * self._wide, (point.lat - self._centre.lat) * _DEGREE_M

    def point(self, x: float, y: float) -> Point:
        return Point(self._centre.lat + y / _DEGREE_M, self._centre.lon + x / self._wide)


def sketch(
    city: City, districts: Sequence[District], landmarks: Sequence[Landmark] = (), *, invented: bool
) -> dict[str, Any]:
    """GeoJSON of a city: its boundary, the names of its districts, its landmarks; with `invented`, also streets, water
    and parks.

    Each feature has `kind`: city, water, park, lane, ring, avenue, or district and landmark (with `zh` and `en`).
    """
    features = []
    if city.boundary:
        ring = [_lonlat(point) for point in city.boundary]
        features.append(_feature("city", {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}))
    if invented and city.boundary:
        features += _invented(city, districts)
    for district in districts:
        where = {"type": "Point", "coordinates": _lonlat(district.centre)}
        features.append(_feature("district", where, zh=district.name.zh, en=district.name.en, slug=district.slug))
    for one in landmarks:
        where = {"type": "Point", "coordinates": _lonlat(one.place)}
        features.append(_feature("landmark", where, zh=one.name.zh, en=one.name.en, slug=one.slug))
    return {"type": "FeatureCollection", "features": features}


def _feature(kind: str, geometry: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"kind": kind, **more}, "geometry": geometry}


def _lonlat(point: Point) -> list[float]:
    return [round(point.lon, 5), round(point.lat, 5)]


def _line(points: Sequence[Point]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [_lonlat(point) for point in points]}


def _invented(city: City, districts: Sequence[District]) -> Iterator[dict[str, Any]]:
    digest = hashlib.sha256(city.slug.encode()).digest()
    dice = random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 (streets, no secrets)
    table = _Flat(city.centre)
    edge = [table.flat(point) for point in city.boundary]
    yield _feature("water", _line(_river(city, table, edge, dice)))
    for district in districts:
        x, y = table.flat(district.centre)
        yield from _parks(table, x, y, dice)
        yield from _lanes(city, table, (x, y), dice)
    for share in (0.32, 0.66):
        ring = [table.point(x * share, y * share) for x, y in edge]
        yield _feature("ring", _line([*ring, ring[0]]))
    for district in districts:
        x, y = table.flat(district.centre)
        if hypot(x, y) > 300:
            yield _feature("avenue", _line([city.centre, *_to_edge(city, table, x, y)]))


def _river(city: City, table: _Flat, edge: list[tuple[float, float]], dice: random.Random) -> list[Point]:
    """From one side to the other, bending, a little beside the centre."""
    reach = max(hypot(x, y) for x, y in edge)
    turn, aside = dice.uniform(0, pi), reach * dice.uniform(0.12, 0.22)
    waves = [dice.uniform(0, 2 * pi) for _ in range(2)]
    found = []
    for n in range(61):
        along = (n / 30 - 1) * reach
        bend = aside + reach * (0.07 * sin(3 * n / 30 * pi / 2 + waves[0]) + 0.03 * sin(n / 4 + waves[1]))
        point = table.point(along * cos(turn) - bend * sin(turn), along * sin(turn) + bend * cos(turn))
        if inside(point, list(city.boundary)):
            found.append(point)
    return found


def _to_edge(city: City, table: _Flat, x: float, y: float) -> list[Point]:
    """Through the middle of a district and on until the city ends, with a slight bend."""
    away, turn = hypot(x, y), atan2(y, x)
    found = [table.point(x, y)]
    for step in range(1, 60):
        far, bent = away + step * 250, turn + step * 0.004
        point = table.point(far * cos(bent), far * sin(bent))
        if not inside(point, list(city.boundary)):
            break
        found.append(point)
    return found


def _parks(table: _Flat, x: float, y: float, dice: random.Random) -> Iterator[dict[str, Any]]:
    for _ in range(2):
        turn, away, size = dice.uniform(0, 2 * pi), dice.uniform(350, 1_100), dice.uniform(90, 210)
        cx, cy = x + away * cos(turn), y + away * sin(turn)
        ring = [
            _lonlat(table.point(cx + size * dice.uniform(0.8, 1.15) * cos(a), cy + size * 0.8 * sin(a)))
            for a in (2 * pi * n / 9 for n in range(9))
        ]
        yield _feature("park", {"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


def _lanes(city: City, table: _Flat, middle: tuple[float, float], dice: random.Random) -> Iterator[dict[str, Any]]:
    """Two families of nearly parallel lanes around the middle of a district, each as one feature."""
    turn = dice.uniform(0, pi / 2)
    for family in range(2):
        lines = []
        for n in range(-int(_REACH_M // _LANE_GAP_M), int(_REACH_M // _LANE_GAP_M) + 1):
            aside = n * _LANE_GAP_M + dice.uniform(-50, 50)
            half = max(200.0, _REACH_M * dice.uniform(0.55, 1.0) * cos(aside / _REACH_M * 1.3))
            way = turn + family * pi / 2
            ends = [
                table.point(
                    middle[0] + along * cos(way) - aside * sin(way), middle[1] + along * sin(way) + aside * cos(way)
                )
                for along in (-half, dice.uniform(-80, 80), half)
            ]
            if all(inside(end, list(city.boundary)) for end in ends):
                lines.append([_lonlat(end) for end in ends])
        if lines:
            yield _feature("lane", {"type": "MultiLineString", "coordinates": lines})
