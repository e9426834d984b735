"""Squares of the map as words of the search index: what is near is asked before what is far.

A document carries the square of each of its stores in every grid. A search asks ring by ring (the four squares of a
grid that are nearest to the reader, then those of the next wider grid, at last the whole city) and stops when it has
enough: what a common word costs does not grow with the city. A ring holds the rings within it: leaving them out would
cost more than finding them twice. Pure.
"""

from collections.abc import Sequence
from math import floor

from hutong.catalog.words import lexeme
from hutong.kit.geo import Point

GRIDS = (256.0, 128.0, 64.0, 32.0, 16.0, 8.0, 4.0)  # squares in one degree: from 430 m to 28 km high
_MOST_STORES = 60  # of a chain's offer: lexemes of one document are bounded


def squares_of(city_id: int, points: Sequence[Point]) -> list[str]:
    """The lexemes of the squares in which these points lie, in every grid."""
    return list(
        dict.fromkeys(
            _square(city_id, n, floor(point.lat * grid), floor(point.lon * grid))
            for n, grid in enumerate(GRIDS)
            for point in points[:_MOST_STORES]
        )
    )


def named(city_id: int, plain: str) -> str:
    """The lexeme of a document one of whose names is exactly this."""
    return lexeme(city_id, f"={plain[:80]}")


def rings(city_id: int, query: str, *, plain: str, point: Point | None) -> list[str]:
    """The query as a list of queries, in the order in which they are asked: exact names, ring after ring around the
    point, everything. Together they match what `query` matches and what has exactly this name."""
    grids = (
        range(1, len(GRIDS), 2) if ":*" in query else range(len(GRIDS))
    )  # each look for beginnings walks all of them
    near = [] if point is None else [f"({query}) & ({_around(city_id, n, point)})" for n in grids]
    return [f"'{named(city_id, plain)}'", *near, query]


def _around(city_id: int, n: int, point: Point) -> str:
    """The square of the point and the three others at its nearest corner."""
    row, column = round(point.lat * GRIDS[n]), round(point.lon * GRIDS[n])
    return " | ".join(f"'{_square(city_id, n, row - i, column - j)}'" for i in (1, 0) for j in (1, 0))


def _square(city_id: int, n: int, row: int, column: int) -> str:
    return lexeme(city_id, f"@{n}:{row}:{column}")
