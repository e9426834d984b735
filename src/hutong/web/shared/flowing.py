"""Who sends whom customers, as a picture: ribbons between two columns of names, drawn in numbers for an SVG."""

from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct

from hutong.insight import Flow

WIDE = 360  # the picture's own grid: a phone's width
LEFT, RIGHT = 118, 242  # where the names end and the ribbons begin
GAP, LEAST, ROOM = 7, 15, 150  # between names, for a name, for all ribbons together
NAME = 9  # full-width signs of a name that fit beside the ribbons
MOST = 6


class Node(Struct, frozen=True):
    """A name at the side: where its bar stands, and how thick it is."""

    name: str
    note: str
    x: float
    y: float
    high: float
    look: str

    @property
    def middle(self) -> float:
        return round(self.y + self.high / 2, 1)


class Ribbon(Struct, frozen=True):
    """A flow as a filled path; `words` say it."""

    path: str
    look: str
    words: str


class Picture(Struct, frozen=True):
    """All of it, `high` in the picture's own grid."""

    high: float
    nodes: list[Node]
    ribbons: list[Ribbon]


class Band(Struct, frozen=True):
    """A flow to draw: from one name to another, so many members. `look`: of the ribbon."""

    source: str
    target: str
    members: int
    words: str
    look: str = ""


def short(name: str) -> str:
    """As much of a name as fits: a sign of Chinese is as wide as two of Latin."""
    room, kept = NAME * 2, ""
    for sign in name:
        room -= 2 if ord(sign) > 0x2E7F else 1
        if room < 0:
            return kept[:-1].rstrip() + "…"
        kept += sign
    return kept


def draw(bands: Sequence[Band], notes: Callable[[str, str], str]) -> Picture | None:
    """Names at the left send to names at the right; as thick as they are many. `notes`: what stands below a name on a
    side. None when there is nothing to draw."""
    total = sum(band.members for band in bands)
    if not total:
        return None
    sides: dict[str, list[str]] = {"source": [], "target": []}
    for band in bands:
        for side, names in sides.items():
            if getattr(band, side) not in names:
                names.append(getattr(band, side))
    scale = ROOM / total
    tops: dict[tuple[str, str], float] = {}
    nodes, deepest = [], 0.0
    for side, names in sides.items():
        sums = {name: sum(b.members for b in bands if getattr(b, side) == name) for name in names}
        y = 4.0
        for name in names:
            high = max(sums[name] * scale, 2.0)
            row = max(high, LEAST * 1.9)
            top = y + (row - high) / 2
            tops[side, name] = top
            x = LEFT if side == "source" else RIGHT - 4
            nodes.append(Node(short(name), notes(side, name), x, round(top, 1), round(high, 1), side))
            y += row + GAP
        deepest = max(deepest, y)
    return Picture(round(deepest, 1), nodes, [_ribbon(band, tops, scale) for band in bands])


def _ribbon(band: Band, tops: dict[tuple[str, str], float], scale: float) -> Ribbon:
    """From the right edge of one bar to the left edge of another; it takes its room off both."""
    thick = max(band.members * scale, 1.0)
    here, there = tops["source", band.source], tops["target", band.target]
    tops["source", band.source], tops["target", band.target] = here + thick, there + thick
    x0, x1, half = LEFT + 4, RIGHT - 4, (LEFT + RIGHT) / 2
    path = (
        f"M{x0} {here:.1f}C{half:.0f} {here:.1f} {half:.0f} {there:.1f} {x1} {there:.1f}"
        f"V{there + thick:.1f}C{half:.0f} {there + thick:.1f} {half:.0f} {here + thick:.1f} {x0} {here + thick:.1f}Z"
    )
    return Ribbon(path, band.look, band.words)


class End(Struct, frozen=True, kw_only=True):
    """One line beside the picture: another merchant and how many members came from him or went to him. `few`: it is
    less than may be told."""

    merchant_id: UUID | None
    name: str
    members: int
    comings: int
    introduced: int
    money: str = ""
    few: bool = False


def ends(
    flows: Sequence[Flow], hidden: frozenset[tuple[UUID | None, UUID]], *, to: UUID | None = None,
    of: UUID | None = None, name: Callable[[UUID], str],
) -> tuple[list[End], int]:  # fmt: skip
    """Where the members of one merchant came from (`to` him) or went (`of` him), most first, and how many shops are
    left out because too few came."""
    found, left = [], 0
    for flow in flows:
        if flow.source is None or flow.source == flow.target:
            continue
        if (to is not None and flow.target != to) or (of is not None and flow.source != of):
            continue
        if (flow.source, flow.target) in hidden:
            left += 1
            continue
        other = flow.source if to is not None else flow.target
        found.append(
            End(merchant_id=other, name=name(other), members=flow.members, comings=flow.comings,
                introduced=flow.introduced)
        )  # fmt: skip
    return sorted(found, key=lambda one: (-one.members, one.name)), left
