"""Squares of the map as words of the search index: what is near is asked before what is far.

A document carries the square of each of its stores in every grid. A search asks ring by ring (the four squares of a
grid that are nearest to the reader, then those of the next wider grid, at last the whole city) and stops when it has
enough: what a common word costs does not grow with the city. The finest squares are 110 m high: ten times the city in
the same place fills them as ten times fewer filled those of 340 m. A ring holds the rings within it: leaving them out
would cost more than finding them twice.

The index of what is near (`catalog.near_marks` of a document's marks) has each word together with the square of 1.7 km
in which it stands: a near ring reads what matches there, not what the whole city has of a common word. Pure.
"""

from collections.abc import Sequence
from math import floor

from msgspec import Struct

from hutong.catalog.words import lexeme
from hutong.kit.geo import Point

# The number of a grid and its squares in one degree, finest first: from 110 m to 28 km high. A number never changes,
# because documents carry it.
GRIDS = {8: 1024.0, 7: 512.0, 0: 256.0, 1: 128.0, 2: 64.0, 3: 32.0, 4: 16.0, 5: 8.0, 6: 4.0}
# The grid whose squares stand before words in the index of what is near, and the coarsest that is asked there. The
# function `catalog.near_marks` is written with both numbers.
_WITH_WORDS, _WIDEST = 2, 3
_MOST_STORES = 60  # of a chain's offer: lexemes of one document are bounded


def squares_of(city_id: int, points: Sequence[Point]) -> list[str]:
    """The lexemes of the squares in which these points lie, in every grid."""
    return list(
        dict.fromkeys(
            _square(city_id, n, floor(point.lat * grid), floor(point.lon * grid))
            for n, grid in GRIDS.items()
            for point in points[:_MOST_STORES]
        )
    )


def named(city_id: int, plain: str) -> str:
    """The lexeme of a document one of whose names is exactly this."""
    return lexeme(city_id, f"={plain[:80]}")


class Ring(Struct, frozen=True):
    """What is asked of one ring, and of which index: that of what is near, or that of the whole city."""

    query: str
    near: bool = False


def rings(city_id: int, query: str, *, plain: str, point: Point | None) -> list[Ring]:
    """The query as a list of queries, in the order in which they are asked: exact names, ring after ring around the
    point, everything. Together they match what `query` matches and what has exactly this name."""
    every = 2 if ":*" in query else 1  # each look for a long beginning walks all that begins so
    grids = list(GRIDS)[every - 1 :: every]
    around = [] if point is None else [_ring(city_id, query, n, point) for n in grids]
    return [Ring(f"'{named(city_id, plain)}'"), *around, Ring(query)]


def _ring(city_id: int, query: str, n: int, point: Point) -> Ring:
    """What matches in the square of the point and in the three others at its nearest corner."""
    row, column = round(point.lat * GRIDS[n]), round(point.lon * GRIDS[n])
    squares = [(row - i, column - j) for i in (1, 0) for j in (1, 0)]
    around = " | ".join(f"'{_square(city_id, n, *square)}'" for square in squares)
    if GRIDS[n] < GRIDS[_WIDEST]:
        return Ring(f"({query}) & ({around})")
    there = " | ".join(_within(city_id, query, cell) for cell in _cells(n, squares))
    far_flung = _within(city_id, query, "")  # documents of long chains: their words stand before no square
    if GRIDS[n] > GRIDS[_WITH_WORDS]:
        return Ring(f"({there} | {far_flung}) & ({around})", near=True)
    return Ring(f"{there} | {far_flung} & ({around})", near=True)


def _cells(n: int, squares: Sequence[tuple[int, int]]) -> list[str]:
    """The squares that stand before words, of those that hold or fill these squares of the grid `n`."""
    if GRIDS[n] >= GRIDS[_WITH_WORDS]:
        many = round(GRIDS[n] / GRIDS[_WITH_WORDS])
        return list(dict.fromkeys(f"{row // many}:{column // many}" for row, column in squares))
    many = round(GRIDS[_WITH_WORDS] / GRIDS[n])
    return [
        f"{row * many + i}:{column * many + j}" for row, column in squares for i in range(many) for j in range(many)
    ]


def _within(city_id: int, query: str, cell: str) -> str:
    """The query for words that stand before this square."""
    return "(" + query.replace(f"'{lexeme(city_id, '')}", f"'{lexeme(city_id, '', cell=cell)}") + ")"


def _square(city_id: int, n: int, row: int, column: int) -> str:
    return lexeme(city_id, f"@{n}:{row}:{column}")
