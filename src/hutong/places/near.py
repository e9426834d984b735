"""Nearness in SQL: places are cubes of metres, so `<->` is a straight line through the earth and GiST orders by it.

A statement binds `here=cube_of(point)` and uses the fragments; the order of chords is the order of distances, so
the index gives the nearest rows first, and `metres` turns the chord into metres along the surface.
"""

from collections.abc import Sequence
from math import cos, radians, sin

from hutong.kit.geo import EARTH_RADIUS_M, Box, Point, earth_vector


def cube_of(point: Point) -> str:
    """The text of a cube for a parameter: what a column `at` stores and what `here` binds."""
    x, y, z = earth_vector(point)
    return f"({x!r}, {y!r}, {z!r})"


def cube_of_box(box: Box) -> str:
    """The text of a cube around every place of a box of degrees: the index finds what may lie in it, degrees decide.

    Corners, edges and middle span it; the surface bulges between them by less than a quarter of the box's own arc.
    """
    marks = [
        earth_vector(Point(lat, lon))
        for lat in (box.south, (box.south + box.north) / 2, box.north)
        for lon in (box.west, (box.west + box.east) / 2, box.east)
    ]
    arc = radians(max(box.north - box.south, box.east - box.west))
    bulge = EARTH_RADIUS_M * (1 - cos(min(arc, 3.0) / 2)) + 1
    low = ", ".join(repr(min(mark[axis] for mark in marks) - bulge) for axis in range(3))
    high = ", ".join(repr(max(mark[axis] for mark in marks) + bulge) for axis in range(3))
    return f"({low}), ({high})"


def middle_of(ring: Sequence[Point]) -> Point:
    """The middle of the box around a ring: where a map begins. It may lie outside of a bent city."""
    lats, lons = [p.lat for p in ring], [p.lon for p in ring]
    return Point((min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2)


def order(column: str, here: str = "here") -> str:
    """For `order by`: nearest first, answered by a GiST index that has the column."""
    return f"{column} <-> %({here})s::cube"


def metres(column: str, here: str = "here") -> str:
    """An expression for the metres along the surface between the column and the point."""
    return metres_of(f"({column} <-> %({here})s::cube)")


def metres_of(chord: str) -> str:
    """An expression for metres along the surface from an expression for a chord."""
    return f"({2 * EARTH_RADIUS_M!r} * asin(least(1.0, {chord} / {2 * EARTH_RADIUS_M!r})))"


def chord_of(radius_m: float) -> float:
    """The chord that belongs to a distance along the surface: bind it to compare with `<->`."""
    return 2 * EARTH_RADIUS_M * sin(min(radius_m / EARTH_RADIUS_M, 3.141592653589793) / 2)


def within(column: str, here: str = "here", chord: str = "chord") -> str:
    """A condition: not farther than the bound chord. The box uses the index, the distance decides."""
    return (
        f"({column} <@ cube_enlarge(%({here})s::cube, %({chord})s::float8, 3)"
        f" and {column} <-> %({here})s::cube <= %({chord})s::float8)"
    )
