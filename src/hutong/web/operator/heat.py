"""The heat map of a city (O1): where what was bought is used, in six-sided cells over the city's outline.

The cells are our own: a grid of hexagons on the city laid flat, which stands still because it begins at the city's
centre. The server draws it, so the page needs no script and no tiles; the same is said in words beside it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import cos, pi, radians, sin, sqrt
from uuid import UUID

from msgspec import Struct

from hutong.insight import Heat
from hutong.kit.geo import Point
from hutong.places import City, District

HEATS = 5
WIDE, HIGHEST = 360.0, 300.0  # of the picture, in its own grid
ABOVE = 14  # a name stands over the middle of its district, where most happens
ACROSS = 12  # cells from one end of the city to the other
LEAST_M, OPEN_M = 250.0, 1_000.0  # sides of a cell: the smallest, and where no boundary says how wide a city is
_DEGREE_M = 111_195.0
Hex = tuple[int, int]


class Cell(Struct, frozen=True, kw_only=True):
    """A cell as it is drawn. `heat`: 1 to HEATS, against the hottest."""

    points: str
    heat: int
    uses: int
    district: District | None


class Label(Struct, frozen=True):
    """The name of a district in the picture."""

    district: District
    x: float
    y: float


class HeatMap(Struct, frozen=True, kw_only=True):
    """What the page draws and says. `districts`: the uses of the cells nearest to each, most first; `hidden`: cells in
    which fewer members were than may be told."""

    high: float
    outline: str
    cells: list[Cell]
    labels: list[Label]
    districts: list[tuple[District, int]]
    uses: int
    hidden: int


class Grid:
    """The city on a table: metres east and north of its centre, and the hexagon in which a point lies."""

    def __init__(self, city: City) -> None:
        self._centre, self._wide = city.centre, _DEGREE_M * cos(radians(city.centre.lat))
        flat = [self.flat(point) for point in city.boundary]
        spans = [max(axis) - min(axis) for axis in zip(*flat, strict=True)]
        self.side = max(LEAST_M, max(spans) / (ACROSS * sqrt(3))) if spans else OPEN_M

    def flat(self, point: Point) -> tuple[float, float]:
        """Metres east and north of the centre."""
        return (point.lon - self._centre.lon) * self._wide, (point.lat - self._centre.lat) * _DEGREE_M

    def cell_of(self, point: Point) -> Hex:
        """The hexagon (axial coordinates, a corner up) in which a point lies: rounded as a cube's three axes, the one
        that was rounded farthest following from the others."""
        x, y = self.flat(point)
        q, r = (x * sqrt(3) / 3 - y / 3) / self.side, y * 2 / 3 / self.side
        near = [round(q), round(r), round(-q - r)]
        off = [abs(near[0] - q), abs(near[1] - r), abs(near[2] + q + r)]
        worst = off.index(max(off))
        if worst == 0:
            near[0] = -near[1] - near[2]
        elif worst == 1:
            near[1] = -near[0] - near[2]
        return near[0], near[1]

    def middle(self, cell: Hex) -> tuple[float, float]:
        """Where the middle of a hexagon lies, metres east and north."""
        return self.side * sqrt(3) * (cell[0] + cell[1] / 2), self.side * 1.5 * cell[1]

    def corners(self, cell: Hex) -> list[tuple[float, float]]:
        """Its six corners, metres east and north."""
        x, y = self.middle(cell)
        turns = [pi / 6 + pi / 3 * i for i in range(6)]
        return [(x + self.side * cos(turn), y + self.side * sin(turn)) for turn in turns]


def numbered(grid: Grid, stores: Mapping[UUID, Point]) -> tuple[dict[UUID, int], list[Hex]]:
    """Each store's cell by a number, and the cells in the order of the numbers."""
    where = {store_id: grid.cell_of(point) for store_id, point in stores.items()}
    cells = sorted(set(where.values()))
    number = {cell: i for i, cell in enumerate(cells)}
    return {store_id: number[cell] for store_id, cell in where.items()}, cells


def draw(city: City, districts: Sequence[District], grid: Grid, cells: Sequence[Hex], found: Sequence[Heat]) -> HeatMap:
    """The picture of what may be told. Cells of few members are not drawn and count in no district."""
    told = [one for one in found if not one.few]
    ring = [grid.flat(point) for point in city.boundary]
    corners = {one.cell: grid.corners(cells[one.cell]) for one in told}
    reach = ring + [corner for six in corners.values() for corner in six] or [(-1.0, -1.0), (1.0, 1.0)]
    west, east = min(x for x, _ in reach), max(x for x, _ in reach)
    south, north = min(y for _, y in reach), max(y for _, y in reach)
    scale = min((WIDE - 16) / (east - west), (HIGHEST - 16) / (north - south))
    left = (WIDE - (east - west) * scale) / 2

    def at(x: float, y: float) -> tuple[float, float]:
        return round(left + (x - west) * scale, 1), round(8 + (north - y) * scale, 1)

    def path(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x},{y}" for x, y in (at(*point) for point in points))

    most = max((one.uses for one in told), default=1)
    nearest = {one.cell: _nearest(grid, districts, cells[one.cell]) for one in told}
    sums: Counter[int] = Counter()
    for one in told:
        if (district := nearest[one.cell]) is not None:
            sums[district.district_id] += one.uses
    named = {district.district_id: district for district in districts}
    drawn = [
        Cell(points=path(corners[one.cell]), heat=max(1, -(-one.uses * HEATS // most)), uses=one.uses,
             district=nearest[one.cell])
        for one in told
    ]  # fmt: skip
    spots = [(district, at(*grid.flat(district.centre))) for district in districts]
    labels = [Label(district, x, round(y - ABOVE, 1)) for district, (x, y) in spots]
    return HeatMap(
        high=round((north - south) * scale + 16, 1), outline=path(ring), cells=drawn, labels=labels,
        districts=[(named[key], n) for key, n in sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))],
        uses=sum(one.uses for one in told), hidden=len(found) - len(told),
    )  # fmt: skip


def _nearest(grid: Grid, districts: Sequence[District], cell: Hex) -> District | None:
    x, y = grid.middle(cell)

    def far(district: District) -> float:
        east, north = grid.flat(district.centre)
        return (east - x) ** 2 + (north - y) ** 2

    return min(districts, key=far, default=None)
