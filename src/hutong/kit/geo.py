"""Places on the earth: WGS-84 points, distances, and the shifted coordinates of Chinese maps.

Stored points are WGS-84; GCJ-02 appears only at the edge, where a Chinese map is drawn or a phone reports it.
"""

from math import asin, cos, pi, radians, sin, sqrt

from msgspec import Struct

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG

_A = 6_378_245.0  # Krasovsky 1940 semi-major axis, as the GCJ-02 shift uses it
_EE = 0.006_693_421_622_965_943


class Point(Struct, frozen=True):
    """Degrees north and east, WGS-84."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError("a point lies within ±90 and ±180 degrees")


class Box(Struct, frozen=True, kw_only=True):
    """A piece of a map between two parallels and two meridians, WGS-84 degrees. It does not cross the date line."""

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        if not (-90 <= self.south <= self.north <= 90 and -180 <= self.west <= self.east <= 180):
            raise ValueError("a box has its south below its north and its west before its east")

    @property
    def middle(self) -> Point:
        return Point((self.south + self.north) / 2, (self.west + self.east) / 2)

    def contains(self, point: Point) -> bool:
        """Whether the point lies in the box, its edges included."""
        return self.south <= point.lat <= self.north and self.west <= point.lon <= self.east


def earth_vector(point: Point) -> tuple[float, float, float]:
    """The point as metres from the centre of a sphere: what the cube index stores."""
    lat, lon = radians(point.lat), radians(point.lon)
    return (
        EARTH_RADIUS_M * cos(lat) * cos(lon),
        EARTH_RADIUS_M * cos(lat) * sin(lon),
        EARTH_RADIUS_M * sin(lat),
    )


def chord_to_metres(chord: float) -> float:
    """Length along the surface for a straight line through the sphere (what `<->` on cubes gives)."""
    return 2 * EARTH_RADIUS_M * asin(min(1.0, chord / (2 * EARTH_RADIUS_M)))


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres on the mean sphere (error below 0.6 % of the ellipsoid's)."""
    ax, ay, az = earth_vector(a)
    bx, by, bz = earth_vector(b)
    return chord_to_metres(sqrt((ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2))


def inside(point: Point, ring: list[Point]) -> bool:
    """Whether the point lies in the polygon (even-odd rule; an edge counts as either side)."""
    crossings = False
    for i, here in enumerate(ring):
        there = ring[i - 1]
        if (here.lat > point.lat) != (there.lat > point.lat):
            slope = (there.lon - here.lon) / (there.lat - here.lat)
            if point.lon < here.lon + slope * (point.lat - here.lat):
                crossings = not crossings
    return crossings


def _shift(lat: float, lon: float) -> tuple[float, float]:
    x, y = lon - 105.0, lat - 35.0
    root = sqrt(abs(x))
    wave = 20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    d_lat += (wave + 20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    d_lat += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    d_lon += (wave + 20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    d_lon += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = radians(lat)
    magic = 1 - _EE * sin(phi) ** 2
    d_lat = d_lat * 180.0 / ((_A * (1 - _EE)) / (magic * sqrt(magic)) * pi)
    d_lon = d_lon * 180.0 / (_A / sqrt(magic) * cos(phi) * pi)
    return d_lat, d_lon


def in_china(point: Point) -> bool:
    """The rough box in which Chinese maps are shifted."""
    return 0.8293 <= point.lat <= 55.8271 and 72.004 <= point.lon <= 137.8347


def to_gcj02(point: Point) -> Point:
    """WGS-84 to the coordinates of AMap and Tencent maps; unchanged outside China."""
    if not in_china(point):
        return point
    d_lat, d_lon = _shift(point.lat, point.lon)
    return Point(point.lat + d_lat, point.lon + d_lon)
