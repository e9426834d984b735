"""The heat map of a city: hexagons that hold their points, and a picture that tells nothing of few."""

import random
from datetime import UTC, datetime

import pytest

from hutong.infra.ids import new_id
from hutong.insight import Heat
from hutong.kit.geo import Point
from hutong.kit.text import Text
from hutong.places import City, District
from hutong.web.operator.heat import HEATS, Grid, draw, numbered

CENTRE = Point(30.0, 110.0)
RING = (Point(29.9, 109.9), Point(29.9, 110.1), Point(30.1, 110.1), Point(30.1, 109.9))


def a_city(boundary: tuple[Point, ...] = RING) -> City:
    return City(
        city_id=1, slug="qinghe", name=Text("清河", "Qinghe"), pinyin="qinghe", zone="Asia/Shanghai", currency="CNY",
        languages=("zh",), centre=CENTRE, boundary=boundary, opened_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def a_district(number: int, slug: str, at: Point) -> District:
    return District(city_id=1, district_id=number, slug=slug, name=Text(slug, slug), pinyin=slug, centre=at)


WEST, EAST = a_district(1, "west", Point(30.0, 109.95)), a_district(2, "east", Point(30.0, 110.05))


@pytest.mark.parametrize("boundary", [RING, ()])
def test_a_point_lies_in_the_hexagon_whose_middle_is_nearest(boundary: tuple[Point, ...]):
    grid, chance = Grid(a_city(boundary)), random.Random(7)
    for _ in range(300):
        point = Point(30 + chance.uniform(-0.1, 0.1), 110 + chance.uniform(-0.1, 0.1))
        (x, y), cell = grid.flat(point), grid.cell_of(point)
        around = [(cell[0] + q, cell[1] + r) for q in (-1, 0, 1) for r in (-1, 0, 1)]

        def far(one: tuple[int, int], x: float = x, y: float = y) -> float:
            return (grid.middle(one)[0] - x) ** 2 + (grid.middle(one)[1] - y) ** 2

        assert min(around, key=far) == cell
        assert far(cell) <= grid.side**2 + 1e-6


def test_few_are_neither_drawn_nor_counted_in_a_district():
    grid = Grid(a_city())
    west, beside, east = new_id(), new_id(), new_id()
    numbers, cells = numbered(grid, {west: WEST.centre, beside: WEST.centre, east: EAST.centre})
    assert numbers[west] == numbers[beside] != numbers[east]
    found = [Heat(cell=numbers[west], uses=40, members=5), Heat(cell=numbers[east], uses=90, members=4)]
    drawn = draw(a_city(), [WEST, EAST], grid, cells, found)
    assert [(cell.uses, cell.heat, cell.district) for cell in drawn.cells] == [(40, HEATS, WEST)]
    assert (drawn.districts, drawn.uses, drawn.hidden) == ([(WEST, 40)], 40, 1)
    assert len(drawn.outline.split()) == len(RING)


def test_everything_drawn_lies_in_the_picture():
    grid = Grid(a_city())
    stores = {new_id(): Point(29.9 + i * 0.02, 109.9 + i * 0.02) for i in range(11)}
    numbers, cells = numbered(grid, stores)
    found = [Heat(cell=one, uses=1 + one, members=9) for one in sorted(set(numbers.values()))]
    drawn = draw(a_city(), [WEST, EAST], grid, cells, found)
    corners = [tuple(map(float, pair.split(","))) for cell in drawn.cells for pair in cell.points.split()]
    assert all(0 <= x <= 360 and 0 <= y <= drawn.high for x, y in corners)
    assert {cell.heat for cell in drawn.cells} == set(range(1, HEATS + 1))


def test_a_city_without_boundary_or_uses_is_an_empty_picture():
    drawn = draw(a_city(()), [], Grid(a_city(())), [], [])
    assert (drawn.cells, drawn.districts, drawn.outline, drawn.hidden) == ([], [], "", 0)
