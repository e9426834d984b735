"""Words for print: drawn with a font of this machine as one-bit stencils (infra/pdf.py)."""

from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct
from PIL import Image, ImageDraw, ImageFont

from hutong.infra.pdf import Colour, Shape, Stencil

FINE = 600  # dots an inch, at which the words are drawn
# Where fonts with Chinese letters usually lie: Debian and Fedora, macOS, Windows. (bold, regular)
PLACES = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc", "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc",
     "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc"),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc", "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    ("/System/Library/Fonts/PingFang.ttc", "/System/Library/Fonts/PingFang.ttc"),
    ("C:/Windows/Fonts/msyhbd.ttc", "C:/Windows/Fonts/msyh.ttc"),
)  # fmt: skip


class Fonts(Struct, frozen=True):
    """The files that the words are drawn with."""

    bold: str
    regular: str


def fonts(chosen: Path | None) -> Fonts | None:
    """The font that was set, or the first of the well-known ones that is there; None: posters are pages to print."""
    if chosen is not None:
        return Fonts(str(chosen), str(chosen)) if chosen.is_file() else None
    return next((Fonts(bold, plain) for bold, plain in PLACES if Path(bold).is_file() and Path(plain).is_file()), None)


@cache
def face(path: str, size: int) -> ImageFont.FreeTypeFont:
    """The face for simplified Chinese when the file holds several."""
    for index in range(8):
        try:
            found = ImageFont.truetype(path, size, index=index)
        except OSError:
            break
        if "SC" in (found.getname()[0] or ""):
            return found
    return ImageFont.truetype(path, size)


def words(
    text: str, path: str, size: float, x: float, base: float, most: float, colour: Colour,
    *, align: Literal["left", "middle", "right"] = "left",
) -> list[Shape]:  # fmt: skip
    """A line of words that begins, is centred or ends at `x`, its baseline at `base`, made smaller until it is at most
    `most` wide."""
    if not text.strip():
        return []
    font = face(path, round(size * FINE / 72))
    wide = font.getlength(text) * 72 / FINE
    if wide > most:
        size *= most / wide
        font = face(path, max(8, int(size * FINE / 72)))
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    columns, rows = max(1, int(right - left)), max(1, int(bottom - top))
    drawn = Image.new("1", (columns, rows), 0)
    ImageDraw.Draw(drawn).text((-left, -top), text, fill=1, font=font, anchor="ls")
    unit = 72 / FINE
    width = columns * unit
    at = x - {"left": 0.0, "middle": width / 2, "right": width}[align]
    return [Stencil(at, base - bottom * unit, width, rows * unit, columns, rows, drawn.tobytes(), colour)]
