"""Squares of the map as words: a ring holds what is near, and rings grow until they hold everything."""

import random
import re

import pytest

from hutong.catalog.cells import GRIDS, Ring, named, rings, squares_of
from hutong.catalog.words import lexeme
from hutong.kit.geo import Point

HERE = Point(31.2, 118.6)
CORNERS = [HERE, Point(-33.9, 18.4), Point(0.0, 0.0), Point(64.1, -21.9)]


def test_a_document_is_marked_once_in_every_grid_for_each_square():
    assert len(squares_of(7, [HERE])) == len(GRIDS)
    assert squares_of(7, [HERE, HERE]) == squares_of(7, [HERE])
    chain = [Point(HERE.lat + n / 10, HERE.lon) for n in range(500)]
    assert len(squares_of(7, chain)) <= 60 * len(GRIDS), "the longest chain is bounded"
    assert squares_of(7, []) == []


def near_marks(points: list[Point], words: set[str], *, chain: bool = False) -> set[str]:
    """What the index of what is near has of a document, as `catalog.near_marks` makes it; a chain's without squares."""
    squares = squares_of(7, points)
    cells = {square.removeprefix("7.@2:") for square in squares if square.startswith("7.@2:")}
    spread = {lexeme(7, word, cell="" if chain else cell) for cell in cells for word in words}
    return spread | {square for square in squares if square[3] in "870123"}


def matches(query: str, lexemes: set[str]) -> bool:
    """A tsquery of whole words, &, | and parentheses."""
    asked = re.sub("'([^']*)'", lambda word: str(word[1] in lexemes), query)
    return eval(asked.replace("&", " and ").replace("|", " or "))


def found(ring: Ring, points: list[Point], words: set[str], *, chain: bool = False) -> bool:
    if ring.near:
        return matches(ring.query, near_marks(points, words, chain=chain))
    return matches(ring.query, {lexeme(7, word) for word in words} | set(squares_of(7, points)))


@pytest.mark.parametrize("point", CORNERS)
def test_what_is_within_half_a_square_lies_in_the_ring(point: Point):
    dice = random.Random(5)
    asked = rings(7, "'7.x'", plain="x", point=point)[1:-1]
    for grid, ring in zip(GRIDS.values(), asked, strict=True):
        half = 0.5 / grid
        for _ in range(50):
            near = Point(point.lat + dice.uniform(-half, half), point.lon + dice.uniform(-half, half))
            assert found(ring, [near], {"x"})


@pytest.mark.parametrize("point", CORNERS)
def test_words_with_squares_find_what_words_and_squares_find(point: Point):
    """A document is in a ring when it has the words and one of its stores lies in one of the four squares, whichever
    index is asked; a document of a long chain alike."""
    dice, inside = random.Random(11), 0
    asked = rings(7, "'7.a' & ('7.b' | '7.c')", plain="abc", point=point)[1:-1]
    for (n, grid), ring in zip(GRIDS.items(), asked, strict=True):
        squares = {(round(point.lat * grid) - i, round(point.lon * grid) - j) for i in (0, 1) for j in (0, 1)}
        marks = {f"7.@{n}:{row}:{column}" for row, column in squares}
        for _ in range(150):
            stores = [
                Point(point.lat + dice.uniform(-2, 2) / grid, point.lon + dice.uniform(-2, 2) / grid)
                for _ in range(dice.choice([1, 1, 2, 3]))
            ]
            words = {word for word in "abc" if dice.random() < 0.7}
            plainly = "a" in words and bool(words & {"b", "c"}) and bool(marks & set(squares_of(7, stores)))
            for chain in (False, True):
                assert found(ring, stores, words, chain=chain) == plainly, (n, stores, words)
            inside += plainly
    assert 100 < inside < 900, "some are in, some are not"


def test_exact_names_come_first_and_everything_last():
    asked = rings(7, "'7.hot' & '7.pot'", plain="hotpot", point=HERE)
    assert asked[0] == Ring(f"'{named(7, 'hotpot')}'")
    assert asked[-1] == Ring("'7.hot' & '7.pot'")
    assert [one.near for one in asked[1:-1]] == [True] * 6 + [False] * 3, "far rings hold too many squares"
    assert all(one.query.startswith("('7.hot' & '7.pot') & (") for one in asked[7:-1])
    assert all("'7.hot'" not in one.query for one in asked[1:7]), "a near ring asks for no word of the whole city"
    assert rings(7, "'7.hot'", plain="hot", point=None) == [Ring(f"'{named(7, 'hot')}'"), Ring("'7.hot'")]
    assert len(rings(7, "'7.hot':*", plain="hot", point=HERE)) < len(asked), "beginnings are dear: fewer rings"
