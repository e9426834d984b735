"""The signs over the doors of the demo: one drawing for each branch of trade, about 48 wide around its middle."""

from collections.abc import Callable
from typing import Any

Colour = tuple[int, int, int]
Sign = Callable[[Any, float, float, Colour], None]


def bowl(pen: Any, x: float, y: float, c: Colour) -> None:
    pen.shape([(x - 25, y - 1), (x + 25, y - 1), (x + 13, y + 19), (x - 13, y + 19)], c)
    pen.box(x - 28, y - 4, 56, 5, c, 2)
    for n in (-10, 0, 10):
        pen.line([(x + n, y - 9), (x + n + 3, y - 14), (x + n - 1, y - 20)], c, 3)


def cup(pen: Any, x: float, y: float, c: Colour) -> None:
    pen.box(x - 18, y - 8, 32, 26, c, 7)
    pen.arc(x + 15, y + 3, 9, -90, 90, c, 4)
    for n in (-8, 4):
        pen.line([(x + n, y - 12), (x + n + 3, y - 20)], c, 3)


def scissors(pen: Any, x: float, y: float, c: Colour) -> None:
    for side in (-1, 1):
        pen.arc(x - 14, y + side * 11, 8, 0, 360, c, 4)
        pen.line([(x - 7, y + side * 7), (x + 24, y - side * 14)], c, 4)


def lotus(pen: Any, x: float, y: float, c: Colour) -> None:
    for dx, dy in ((-24, -2), (-13, -14), (0, -20), (13, -14), (24, -2)):
        pen.shape(
            [
                (x - 6, y + 16),
                (x + dx - 5, y + dy * 0.4),
                (x + dx, y + dy),
                (x + dx + 5, y + dy * 0.4),
                (x + 6, y + 16),
            ],
            c,
        )


def note(pen: Any, x: float, y: float, c: Colour) -> None:
    pen.line([(x - 9, y + 13), (x - 9, y - 16), (x + 16, y - 21), (x + 16, y + 8)], c, 4.5)
    pen.disc(x - 15, y + 13, 8, c)
    pen.disc(x + 10, y + 8, 8, c)


def dumbbell(pen: Any, x: float, y: float, c: Colour) -> None:
    pen.box(x - 20, y - 3, 40, 6, c)
    for side in (-1, 1):
        pen.box(x + side * 19 - 5, y - 16, 10, 32, c, 4)
        pen.box(x + side * 28 - 4, y - 10, 8, 20, c, 3)


def home(pen: Any, x: float, y: float, c: Colour) -> None:
    pen.line([(x - 26, y), (x, y - 20), (x + 26, y)], c, 5)
    pen.box(x - 17, y - 2, 34, 21, c, 3)


def car(pen: Any, x: float, y: float, c: Colour) -> None:
    pen.shape([(x - 16, y - 3), (x - 9, y - 17), (x + 11, y - 17), (x + 19, y - 3)], c)
    pen.box(x - 27, y - 4, 54, 15, c, 6)
    for side in (-1, 1):
        pen.disc(x + side * 14, y + 12, 7, c)


def book(pen: Any, x: float, y: float, c: Colour) -> None:
    for side in (-1, 1):
        pen.shape([(x + side * 2, y - 12), (x + side * 26, y - 18), (x + side * 26, y + 12), (x + side * 2, y + 19)], c)


def mountain(pen: Any, x: float, y: float, c: Colour) -> None:
    pen.shape([(x - 29, y + 17), (x - 8, y - 17), (x + 5, y + 3), (x + 12, y - 7), (x + 29, y + 17)], c)
    pen.disc(x + 21, y - 15, 5, c)


SIGNS: dict[str, Sign] = {
    "food": bowl, "drinks": cup, "beauty": scissors, "wellness": lotus, "fun": note, "sports": dumbbell, "life": home,
    "car": car, "learning": book, "travel": mountain,
}  # fmt: skip


def sign_of(branch: str) -> str:
    """The branch when it has a sign; a house for the others."""
    return branch if branch in SIGNS else "life"
