"""Draws the pictures of docs/performance.md from what the benches kept.

    hutong bench flash --repeat 3 --out FOLDER/flash.json        and so on for the others
    python tools/draw_performance.py FOLDER docs/pictures

    rate.svg      what was done in each second, of all results that have a timeline of some seconds
    latency.svg   which share of the requests was answered within which time
    growth.svg    the median time by the size of the city (nearby and search at several sizes), of pages by the orders
                  of `hutong bench growth`, or whatever
                  FOLDER/growth*.json says: {"series": [{"name": ..., "points": [[size, ms], ...]}]}

Plain SVG with the reader's own text colour, so that it fits light and dark pages.
"""

import json
import math
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

Points = list[tuple[float, float]]
Series = tuple[str, Points]

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 46, 46
COLOURS = ("#2f6fb2", "#c4572d", "#3c8a4e", "#8a55a8", "#a88420", "#277f86", "#b23a6a", "#6b6b6b", "#8a2f2f")
LEAST_SECONDS = 3
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: currentColor } .title { font-weight: 600; font-size: 14px }
.grid { stroke: currentColor; stroke-opacity: .15 } .axis { stroke: currentColor; stroke-opacity: .5 }
polyline { fill: none; stroke-width: 2 }
</style>"""


class Scale:
    """From values to places on the paper, even or by powers of ten."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, log: bool) -> None:
        low, high = min(values), max(values)
        self.log, self._start, self._end = log, start, end
        if log:
            self._low, self._high = math.floor(math.log10(max(low, 1e-3))), math.ceil(math.log10(max(high, 1e-2)))
            self._high = max(self._high, self._low + 1)
        else:
            step = _step(high)
            self._low, self._high = 0.0, max(step, math.ceil(high / step) * step)

    def __call__(self, value: float) -> float:
        at = math.log10(max(value, 1e-3)) if self.log else value
        return self._start + (at - self._low) / (self._high - self._low) * (self._end - self._start)

    def marks(self) -> list[float]:
        """The values that get a line of the grid."""
        if self.log:
            return [10.0**n for n in range(int(self._low), int(self._high) + 1)]
        step = _step(self._high)
        return [step * n for n in range(int(self._high / step) + 1)]


def _step(high: float) -> float:
    """A round number that goes into `high` three to eight times."""
    if high <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(high))
    return next(power * part for part in (2.0, 1.0, 0.5, 0.25, 0.2, 0.1) if high / (power * part) >= 3)


def chart(title: str, series: Sequence[Series], *, across: str, up: str, log_x: bool, log_y: bool) -> str:
    """One picture with a line for each series."""
    x = Scale([p[0] for _, points in series for p in points], LEFT, WIDTH - RIGHT, log=log_x)
    y = Scale([p[1] for _, points in series for p in points], HEIGHT - BOTTOM, TOP, log=log_y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" color="#555">',
        STYLE, f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>',
    ]  # fmt: skip
    for mark in x.marks():
        parts.append(f'<line class="grid" x1="{x(mark):.1f}" y1="{TOP}" x2="{x(mark):.1f}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x(mark):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{said(mark)}</text>')
    for mark in y.marks():
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y(mark):.1f}" x2="{WIDTH - RIGHT}" y2="{y(mark):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(mark) + 4:.1f}" text-anchor="end">{said(mark)}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" y2="{HEIGHT - BOTTOM}"/>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>'
    )
    parts.append(f'<text x="{LEFT}" y="{TOP - 13}" text-anchor="end">{escape(up)}</text>')
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x(px):.1f},{y(py):.1f}" for px, py in points)
        parts.append(f'<polyline points="{line}" stroke="{colour}"/>')
        row = TOP + 12 + 18 * number
        parts.append(f'<rect x="{WIDTH - RIGHT + 10}" y="{row - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 26}" y="{row}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def said(value: float) -> str:
    """A value as short as it can be read."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def rates(results: Sequence[dict[str, Any]]) -> list[Series]:
    """Done in each whole second."""
    found = []
    for result in results:
        whole = result.get("timeline", [])[:-1]  # the last second is a part of one
        if len(whole) >= LEAST_SECONDS:
            found.append((result["name"], [(float(n + 1), float(row[0])) for n, row in enumerate(whole)]))
    return found


def shares(results: Sequence[dict[str, Any]]) -> list[Series]:
    """Percent of the requests that were answered within so many milliseconds."""
    found = []
    for result in results:
        buckets = result.get("histogram", [])
        total = sum(count for _, count in buckets)
        if total:
            so_far, points = 0, []
            for bound, count in buckets:
                so_far += count
                points.append((float(bound), 100 * so_far / total))
            found.append((result["name"], points))
    return found


def growth(results: Sequence[dict[str, Any]], given: Sequence[dict[str, Any]]) -> list[Series]:
    """Median time by size; one line for each bench that ran at several sizes, and those that were given."""
    sizes: dict[str, Points] = {}
    for result in results:
        checked = result.get("checked", {})
        if result["name"] in ("nearby", "search") and "offers" in checked:
            sizes.setdefault(result["name"], []).append((float(checked["offers"]), float(result["p50_ms"])))
    found: list[Series] = [(name, sorted(points)) for name, points in sizes.items() if len(points) > 1]
    for one in given:
        if "sizes" in one:  # hutong bench growth: the pages by the orders that are there
            pages = one["sizes"][0]["pages_p50_ms"]
            found += [(page, [(float(s["orders"]), s["pages_p50_ms"][page]) for s in one["sizes"]]) for page in pages]
            continue
        found += [(line["name"], [(float(x), float(y)) for x, y in line["points"]]) for line in one["series"]]
    return found


def draw(folder: Path, out: Path) -> list[Path]:
    """The pictures for which there is something to show."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    results = [one for one in read if "name" in one and "sizes" not in one]
    given = [one for one in read if "series" in one or "sizes" in one]
    latest = list({one["name"]: one for one in results}.values())
    pictures = (
        ("rate.svg", rates(latest), "Done in each second", "second", "per s", False, False),
        ("latency.svg", shares(latest), "Answered within", "ms", "%", True, False),
        ("growth.svg", growth(results, given), "Median time by size", "size", "ms", True, False),
    )
    out.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, series, title, across, up, log_x, log_y in pictures:
        if series:
            (out / name).write_text(
                chart(title, series, across=across, up=up, log_x=log_x, log_y=log_y), encoding="utf-8"
            )
            drawn.append(out / name)
    return drawn


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for path in draw(Path(sys.argv[1]), Path(sys.argv[2])):
        sys.stdout.write(f"{path}\n")
