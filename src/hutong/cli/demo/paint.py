"""Pictures of the demo's shops, drawn here: a house in a lane, its light, its sign. The same seed is the same picture.

Nothing is photographed and nothing is taken from elsewhere. Everything is drawn at twice its size and made smaller.
"""

import io
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageDraw

from hutong.cli.demo.signs import SIGNS, sign_of

SIZE = (640, 480)
_SCALE = 2
Colour = tuple[int, int, int]

# Sky above, sky below, far roofs, wall, ground: morning, noon, evening, night.
LIGHTS: tuple[tuple[Colour, Colour, Colour, Colour, Colour], ...] = (
    ((247, 226, 205), (252, 240, 224), (206, 190, 176), (190, 182, 172), (214, 202, 187)),
    ((196, 222, 230), (236, 241, 235), (182, 186, 182), (184, 179, 172), (210, 203, 191)),
    ((240, 176, 130), (250, 221, 178), (168, 138, 130), (164, 149, 140), (190, 166, 148)),
    ((38, 48, 74), (88, 92, 116), (58, 62, 80), (96, 94, 102), (84, 84, 94)),
)
TONES: dict[str, Colour] = {
    "food": (176, 83, 43), "drinks": (138, 98, 49), "beauty": (164, 74, 106), "wellness": (47, 125, 105),
    "fun": (96, 88, 173), "sports": (42, 115, 145), "life": (93, 122, 53), "car": (76, 102, 132),
    "learning": (148, 112, 26), "travel": (46, 109, 150),
}  # fmt: skip
DOORS: tuple[Colour, ...] = ((28, 107, 87), (140, 48, 36), (58, 76, 92), (92, 64, 44))


def shop(seed: str, branch: str) -> bytes:
    """A WebP of 640x480: the shop of that seed, with the sign of its branch of trade."""
    chance = random.Random(seed)  # noqa: S311 - a picture needs no secret
    light = LIGHTS[chance.choices(range(4), weights=(4, 5, 3, 2))[0]]
    image = Image.new("RGB", (SIZE[0] * _SCALE, SIZE[1] * _SCALE))
    pen = Pen(ImageDraw.Draw(image), chance, light, TONES.get(branch, (111, 101, 88)))
    pen.sky()
    pen.far_roofs()
    side = chance.choice((-1, 1))
    pen.tree(320 + side * chance.randint(215, 265))
    pen.house(branch)
    pen.lane()
    out = io.BytesIO()
    image.resize(SIZE, Image.Resampling.BOX).save(out, "WEBP", quality=82, method=3)
    return out.getvalue()


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour in the one."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


class Pen:
    """Draws in units of the finished picture, 640 wide and 480 high, from the upper left."""

    def __init__(
        self, draw: ImageDraw.ImageDraw, chance: random.Random,
        light: tuple[Colour, Colour, Colour, Colour, Colour], tone: Colour,
    ) -> None:  # fmt: skip
        self._draw, self.chance, self.tone = draw, chance, tone
        self.above, self.below, self.far, self.wall, self.ground = light
        self.night = sum(self.above) < 300

    def box(self, x: float, y: float, w: float, h: float, fill: Colour, radius: float = 0) -> None:
        self._draw.rounded_rectangle(_scaled((x, y, x + w, y + h)), radius * _SCALE, fill=fill)

    def disc(self, x: float, y: float, r: float, fill: Colour) -> None:
        self._draw.ellipse(_scaled((x - r, y - r, x + r, y + r)), fill=fill)

    def shape(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        self._draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=fill)

    def line(self, points: Sequence[tuple[float, float]], fill: Colour, width: float) -> None:
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._draw.line(scaled, fill=fill, width=round(width * _SCALE), joint="curve")

    def arc(self, x: float, y: float, r: float, start: float, end: float, fill: Colour, width: float) -> None:
        self._draw.arc(_scaled((x - r, y - r, x + r, y + r)), start, end, fill=fill, width=round(width * _SCALE))

    def sky(self) -> None:
        for y in range(0, 300, 4):
            self.box(0, y, 640, 4, mixed(self.above, self.below, y / 300))
        self.box(0, 296, 640, 184, mixed(self.far, self.below, 0.5))
        x, y = self.chance.randint(60, 580), self.chance.randint(50, 110)
        if self.night:
            for _ in range(30):
                self.disc(self.chance.randint(0, 640), self.chance.randint(0, 200), 1, (220, 220, 214))
            self.disc(x, y, 22, (240, 232, 206))
            self.disc(x + 9, y - 6, 20, mixed(self.above, self.below, y / 300))
        else:
            self.disc(x, y, 30, mixed(self.below, (255, 244, 214), 0.75))

    def far_roofs(self) -> None:
        """Two rows of roofs behind, paler the farther they are; their eaves turn up."""
        for row, (base, share) in enumerate(((236, 0.55), (270, 0.15))):
            colour = mixed(self.far, self.below, share)
            x = -self.chance.randint(0, 120)
            while x < 680:
                width, height = self.chance.randint(120, 210), self.chance.randint(34, 62)
                self.roof(x, base - height, width, height, colour)
                self.box(x + 14, base - 4, width - 28, 200, mixed(colour, self.wall, 0.4))
                x += width + self.chance.randint(-12, 30) + row * 10

    def roof(self, x: float, y: float, w: float, h: float, fill: Colour) -> None:
        """A ridge with two eaves that swing down and turn up at their ends."""
        points = [(x + w * 0.24, y), (x + w * 0.76, y)]
        right = [(x + w * (0.76 + 0.25 * t), y + h * (1 - (1 - t) ** 1.7) - h * 0.2 * t**5) for t in _steps(12)]
        left = [(2 * x + w - px, py) for px, py in reversed(right)]
        self.shape([*points, *right, (x + w * 0.94, y + h), (x + w * 0.06, y + h), *left], fill)

    def tree(self, x: float) -> None:
        bark = mixed((92, 72, 56), self.above, 0.35 if self.night else 0.1)
        self.line([(x, 420), (x - 6, 330), (x + 8, 240)], bark, 13)
        self.line([(x, 300), (x + 34, 240)], bark, 7)
        self.line([(x - 4, 320), (x - 38, 262)], bark, 6)
        leaf = self.chance.choice(((122, 142, 84), (150, 152, 78), (196, 148, 66), (104, 134, 96)))
        for _ in range(44):
            angle, far = self.chance.random() * math.tau, self.chance.random() ** 0.6
            at = (x + math.cos(angle) * 92 * far, 208 + math.sin(angle) * 66 * far)
            shade = mixed(leaf, (255, 255, 230), self.chance.random() * 0.22)
            self.disc(*at, self.chance.randint(13, 25), mixed(shade, self.above, 0.5 if self.night else 0.05))

    def house(self, branch: str) -> None:
        """Bricks, a tiled roof, a sign on the beam, a door between two windows, two lanterns."""
        left, width, top = 120, 400, 214
        glow = (255, 214, 138) if self.night or self.chance.random() < 0.5 else (238, 224, 196)
        self.box(left, top, width, 216, self.wall)
        for row in range(18):
            y = top + row * 12
            self.line([(left, y), (left + width, y)], mixed(self.wall, (255, 255, 255), 0.16), 1)
            for column in range(14):
                x = left + column * 30 + (row % 2) * 15
                if x < left + width:
                    self.line([(x, y), (x, y + 12)], mixed(self.wall, (255, 255, 255), 0.12), 1)
        self._front(left, width, top, glow)
        self._roof_tiles(left - 42, top - 84, width + 84, 92)
        self._signboard(branch, top)
        for x in (left + 34, left + width - 34):
            self.lantern(x, top + 22)

    def _front(self, left: float, width: float, top: float, glow: Colour) -> None:
        door, wood = self.chance.choice(DOORS), mixed((96, 66, 46), self.wall, 0.1)
        middle = left + width / 2
        for x in (left + 44, left + width - 152):
            self.box(x - 5, top + 78, 118, 86, wood, 3)
            self.box(x, top + 83, 108, 76, glow)
            for n in range(1, 6):
                self.line([(x + n * 18, top + 83), (x + n * 18, top + 159)], wood, 2.4)
            for n in (1, 3):
                self.line([(x, top + 83 + n * 19), (x + 108, top + 83 + n * 19)], wood, 2.4)
        self.box(middle - 48, top + 66, 96, 150, wood, 3)
        self.box(middle - 41, top + 73, 82, 143, door)
        self.line([(middle, top + 73), (middle, top + 216)], mixed(door, (0, 0, 0), 0.35), 2.5)
        for side in (-1, 1):
            self.box(middle + side * 20.5 - 13, top + 86, 26, 44, mixed(door, glow, 0.55), 2)
            self.box(middle + side * 20.5 - 13, top + 142, 26, 56, mixed(door, (0, 0, 0), 0.14), 2)
            self.disc(middle + side * 8, top + 148, 3.4, (226, 190, 104))
        for n in range(9):  # an awning in the colour of the trade
            x = left + 32 + n * (width - 64) / 9
            colour = self.tone if n % 2 == 0 else mixed(self.tone, (255, 255, 255), 0.82)
            step = (width - 64) / 9
            self.shape([(x, top + 44), (x + step, top + 44), (x + step, top + 64), (x, top + 64)], colour)
            self.disc(x + step / 2, top + 64, step / 2, colour)
        self.box(left + 32, top + 40, width - 64, 6, mixed(self.tone, (0, 0, 0), 0.25))

    def _roof_tiles(self, x: float, y: float, w: float, h: float) -> None:
        slate = mixed((92, 92, 94), self.above, 0.18)
        self.roof(x, y, w, h, slate)
        for n in range(1, 22):
            t = n / 22
            bottom = (x + 14 + (w - 28) * t, y + h - 7)
            ridge = (x + w * 0.24 + w * 0.52 * t, y + 2)
            self.line([ridge, bottom], mixed(slate, (255, 255, 255), 0.12), 2)
            self.arc(bottom[0], bottom[1], 8.4, 0, 180, mixed(slate, (0, 0, 0), 0.3), 3)
        self.box(x + w * 0.22, y - 9, w * 0.56, 11, mixed(slate, (0, 0, 0), 0.25), 4)
        for side in (0.22, 0.78):
            self.disc(x + w * side, y - 8, 8, mixed(slate, (0, 0, 0), 0.25))

    def _signboard(self, branch: str, top: float) -> None:
        self.box(320 - 62, top - 42, 124, 74, mixed((70, 48, 34), self.above, 0.1), 8)
        self.box(320 - 56, top - 36, 112, 62, mixed(self.tone, (0, 0, 0), 0.18), 5)
        SIGNS[sign_of(branch)](self, 320, top - 5, (252, 238, 208))

    def lantern(self, x: float, y: float) -> None:
        red = (206, 62, 44)
        self.line([(x, y - 16), (x, y)], (80, 60, 44), 2)
        if self.night:
            for r, share in ((36, 0.86), (27, 0.7)):
                self.disc(x, y + 17, r, mixed((255, 150, 90), self.wall, share))
        self._draw.ellipse(_scaled((x - 17, y, x + 17, y + 34)), fill=red)
        self._draw.ellipse(_scaled((x - 8, y, x + 8, y + 34)), fill=mixed(red, (255, 196, 120), 0.45))
        self.box(x - 9, y - 3, 18, 5, (226, 190, 104), 2)
        self.box(x - 9, y + 32, 18, 5, (226, 190, 104), 2)
        self.line([(x, y + 37), (x, y + 50)], (226, 190, 104), 2)

    def lane(self) -> None:
        self.box(0, 428, 640, 60, self.ground)
        self.box(232, 422, 176, 12, mixed(self.ground, (255, 255, 255), 0.3), 3)
        for row, y in enumerate((446, 464)):
            for n in range(12):
                x = n * 58 - row * 27 + self.chance.randint(-4, 4)
                self.line([(x, y), (x + 38, y)], mixed(self.ground, (0, 0, 0), 0.08), 2)
        for x in (150, 470):
            if self.chance.random() < 0.75:
                self.plant(x + self.chance.randint(-10, 10))

    def plant(self, x: float) -> None:
        leaf = mixed((74, 124, 84), self.above, 0.4 if self.night else 0.05)
        for n in range(7):
            angle = math.pi * (0.15 + 0.7 * n / 6)
            self.line([(x, 414), (x + math.cos(angle) * 26, 412 - math.sin(angle) * 34)], leaf, 6)
        self.shape([(x - 17, 412), (x + 17, 412), (x + 12, 438), (x - 12, 438)], mixed((166, 88, 58), self.wall, 0.15))


def _scaled(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    return (box[0] * _SCALE, box[1] * _SCALE, box[2] * _SCALE, box[3] * _SCALE)


def _steps(count: int) -> list[float]:
    return [n / count for n in range(count + 1)]
