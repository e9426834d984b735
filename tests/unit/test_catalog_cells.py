"""Squares of the map as words: a ring holds what is near, and rings grow until they hold everything."""

import random

import pytest

from hutong.catalog.cells import GRIDS, named, rings, squares_of
from hutong.kit.geo import Point

HERE = Point(31.2, 118.6)


def test_a_document_is_marked_once_in_every_grid_for_each_square():
    assert len(squares_of(7, [HERE])) == len(GRIDS)
    assert squares_of(7, [HERE, HERE]) == squares_of(7, [HERE])
    chain = [Point(HERE.lat + n / 10, HERE.lon) for n in range(500)]
    assert len(squares_of(7, chain)) <= 60 * len(GRIDS), "the longest chain is bounded"
    assert squares_of(7, []) == []


@pytest.mark.parametrize("point", [HERE, Point(-33.9, 18.4), Point(0.0, 0.0), Point(64.1, -21.9)])
def test_what_is_within_half_a_square_lies_in_the_ring(point: Point):
    dice = random.Random(5)
    asked = rings(7, "'7.x'", plain="x", point=point)[1:-1]
    for grid, ring in zip(GRIDS, asked, strict=True):
        half = 0.5 / grid
        for _ in range(50):
            near = Point(point.lat + dice.uniform(-half, half), point.lon + dice.uniform(-half, half))
            assert any(f"'{square}'" in ring for square in squares_of(7, [near]))


def test_exact_names_come_first_and_everything_last():
    asked = rings(7, "'7.hot' & '7.pot'", plain="hotpot", point=HERE)
    assert asked[0] == f"'{named(7, 'hotpot')}'"
    assert asked[-1] == "'7.hot' & '7.pot'"
    assert all(one.startswith("('7.hot' & '7.pot') & (") for one in asked[1:-1])
    assert rings(7, "'7.hot'", plain="hot", point=None) == [f"'{named(7, 'hot')}'", "'7.hot'"]
    assert len(rings(7, "'7.hot':*", plain="hot", point=HERE)) < len(asked), "beginnings are dear: fewer rings"
