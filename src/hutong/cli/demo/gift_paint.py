"""Pictures of the demo's gifts, drawn here: a thing on a table before a quiet wall. One name, one picture."""

import io
import math
from collections.abc import Callable

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
SIZE, SCALE = (640, 480), 2
WALLS: tuple[tuple[Colour, Colour], ...] = (
    ((246, 233, 216), (205, 170, 128)), ((226, 238, 231), (150, 176, 156)), ((247, 226, 220), (206, 152, 136)),
    ((231, 233, 243), (164, 170, 196)),
)  # fmt: skip
RED, CREAM, DARK, GREEN, GOLD = (190, 62, 44), (252, 244, 230), (74, 52, 40), (52, 118, 96), (222, 176, 92)


class Brush:
    """Draws in units of the finished picture."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw

    def box(self, x: float, y: float, w: float, h: float, fill: Colour, radius: float = 0) -> None:
        self._draw.rounded_rectangle(_big(x, y, x + w, y + h), radius * SCALE, fill=fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """Around its middle."""
        self._draw.ellipse(_big(x - rx, y - ry, x + rx, y + ry), fill=fill)

    def shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=fill)

    def line(self, points: list[tuple[float, float]], fill: Colour, width: float) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=fill, width=round(width * SCALE), joint="curve")

    def arc(self, x: float, y: float, r: float, start: float, end: float, fill: Colour, width: float) -> None:
        self._draw.arc(_big(x - r, y - r, x + r, y + r), start, end, fill=fill, width=round(width * SCALE))

    def steam(self, x: float, y: float) -> None:
        for n in (-34, 0, 34):
            wave = [(x + n + 7 * math.sin(t / 2), y - 9 * t) for t in range(9)]
            self.line(wave, (255, 255, 255), 5)


def _big(*numbers: float) -> tuple[float, ...]:
    return tuple(number * SCALE for number in numbers)


def _bowl(b: Brush, outside: Colour, inside: Colour) -> None:
    b.oval(320, 372, 150, 18, (0, 0, 0))
    b.shape([(170, 258), (470, 258), (432, 352), (384, 376), (256, 376), (208, 352)], outside)
    b.box(262, 366, 116, 16, outside, 6)
    b.oval(320, 258, 150, 40, CREAM)
    b.oval(320, 258, 136, 33, inside)


def egg(b: Brush) -> None:
    _bowl(b, RED, (150, 96, 56))
    for x in (276, 364):
        b.oval(x, 250, 46, 26, (196, 138, 84))
        b.oval(x, 248, 38, 20, (248, 236, 210))
        b.oval(x, 248, 17, 11, (240, 166, 60))


def bowl(b: Brush) -> None:
    _bowl(b, (248, 246, 240), (232, 226, 214))
    for x in range(196, 446, 42):
        b.arc(x + 10, 306, 16, 20, 200, (52, 88, 150), 5)
    b.line([(184, 286), (456, 286)], (52, 88, 150), 5)


def noodles(b: Brush) -> None:
    _bowl(b, GREEN, (186, 118, 62))
    for n in range(9):
        y = 238 + n * 5
        half = 120 * math.sqrt(max(0.0, 1 - ((y - 258) / 30) ** 2))
        wave = [(320 - half + half * t / 5, y + 2.5 * math.sin(t * 1.3 + n)) for t in range(11)]
        b.line(wave, (250, 222, 160), 3)
    for x, y in ((270, 250), (346, 264), (384, 246)):
        b.oval(x, y, 24, 11, (122, 62, 44))
    for x, y in ((300, 240), (340, 238), (360, 262)):
        b.oval(x, y, 7, 4, (96, 160, 78))
    b.line([(380, 232), (470, 128)], DARK, 7)
    b.line([(394, 240), (492, 146)], DARK, 7)
    b.steam(300, 208)


def coffee(b: Brush) -> None:
    b.oval(320, 384, 150, 20, (0, 0, 0))
    b.oval(320, 376, 146, 24, CREAM)
    b.arc(424, 288, 38, -90, 90, CREAM, 18)
    b.shape([(226, 226), (414, 226), (392, 366), (248, 366)], CREAM)
    b.oval(320, 226, 94, 24, (255, 252, 244))
    b.oval(320, 228, 82, 18, (92, 56, 36))
    b.oval(312, 226, 34, 8, (176, 122, 82))
    b.steam(320, 196)


def drip(b: Brush) -> None:
    b.oval(330, 384, 160, 18, (0, 0, 0))
    b.box(214, 176, 188, 206, DARK, 8)
    b.box(214, 216, 188, 116, CREAM)
    b.oval(308, 270, 30, 38, (120, 78, 48))
    b.arc(298, 270, 40, -50, 50, CREAM, 4)
    b.box(424, 262, 84, 120, CREAM, 6)
    b.box(424, 262, 84, 24, RED, 6)
    b.oval(466, 328, 14, 18, (120, 78, 48))


def tote(b: Brush) -> None:
    b.oval(320, 400, 150, 16, (0, 0, 0))
    for x in (262, 330):
        b.arc(x + 24, 190, 58, 180, 360, (214, 196, 162), 11)
    b.shape([(202, 188), (438, 188), (456, 396), (184, 396)], (238, 224, 194))
    b.shape([(252, 300), (320, 252), (388, 300)], GREEN)
    b.box(268, 300, 104, 54, GREEN)
    b.box(304, 314, 32, 40, (238, 224, 194), 3)
    b.oval(396, 250, 15, 15, RED)


def box(b: Brush) -> None:
    b.oval(320, 396, 170, 18, (0, 0, 0))
    b.box(170, 226, 300, 168, RED, 10)
    b.box(156, 194, 328, 56, (210, 80, 58), 10)
    b.box(300, 194, 40, 200, GOLD)
    for side in (-1, 1):
        b.shape([(320, 192), (320 + side * 74, 140), (320 + side * 92, 188)], GOLD)
        b.oval(320 + side * 56, 168, 12, 8, RED)
    b.oval(320, 188, 20, 16, (236, 196, 112))


def paper(b: Brush) -> None:
    b.box(196, 84, 248, 300, (255, 250, 240), 6)
    for n in range(8):
        angle = n * math.tau / 8
        b.oval(320 + math.cos(angle) * 66, 232 + math.sin(angle) * 66, 34, 34, RED)
    b.oval(320, 232, 66, 66, RED)
    for n in range(8):
        angle = n * math.tau / 8 + 0.39
        b.oval(320 + math.cos(angle) * 46, 232 + math.sin(angle) * 46, 11, 11, (255, 250, 240))
        b.oval(320 + math.cos(angle - 0.39) * 82, 232 + math.sin(angle - 0.39) * 82, 9, 9, (255, 250, 240))
    b.oval(320, 232, 20, 20, (255, 250, 240))
    b.oval(320, 232, 10, 10, RED)


THINGS: dict[str, Callable[[Brush], None]] = {
    "egg": egg, "bowl": bowl, "noodles": noodles, "coffee": coffee, "drip": drip, "tote": tote, "box": box,
    "paper": paper,
}  # fmt: skip


def gift_picture(name: str) -> bytes:
    """A WebP of 640x480: the thing of that name."""
    wall, table = WALLS[list(THINGS).index(name) % len(WALLS)]
    image = Image.new("RGB", (SIZE[0] * SCALE, SIZE[1] * SCALE), wall)
    brush = Brush(ImageDraw.Draw(image))
    brush.box(0, 352, 640, 128, table)
    brush.box(0, 352, 640, 5, tuple(max(0, c - 22) for c in table))  # type: ignore[arg-type]
    shade = Image.new("RGB", image.size, wall)
    THINGS[name](Brush(ImageDraw.Draw(shade)))
    drawn = Image.new("L", image.size, 0)
    THINGS[name](_Mask(ImageDraw.Draw(drawn)))
    image.paste(shade, mask=drawn)
    out = io.BytesIO()
    image.resize(SIZE, Image.Resampling.BOX).save(out, "WEBP", quality=84, method=3)
    return out.getvalue()


class _Mask(Brush):
    """Where a thing is: whole, but for its shadow (black), which is a breath of it."""

    def _tone(self, fill: Colour) -> int:
        return 34 if fill == (0, 0, 0) else 255

    def box(self, x: float, y: float, w: float, h: float, fill: Colour, radius: float = 0) -> None:
        self._draw.rounded_rectangle(_big(x, y, x + w, y + h), radius * SCALE, fill=self._tone(fill))

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        self._draw.ellipse(_big(x - rx, y - ry, x + rx, y + ry), fill=self._tone(fill))

    def shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=self._tone(fill))

    def line(self, points: list[tuple[float, float]], fill: Colour, width: float) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=self._tone(fill), width=round(width * SCALE), joint="curve")

    def arc(self, x: float, y: float, r: float, start: float, end: float, fill: Colour, width: float) -> None:
        self._draw.arc(_big(x - r, y - r, x + r, y + r), start, end, fill=self._tone(fill), width=round(width * SCALE))
