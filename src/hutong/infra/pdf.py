"""Pages of print, written by hand: filled shapes as vectors, words as one-bit stencils at the printer's own fineness.

Enough for posters and statements: sharp at any printer, a few kilobytes, no font to embed and nothing to install.
Lengths are points (1/72 inch) from the lower left corner; colours are (red, green, blue) from 0 to 1.
"""

import zlib
from collections.abc import Sequence

from msgspec import Struct

Colour = tuple[float, float, float]
A4, A6 = (595.28, 841.89), (297.64, 419.53)  # points


class Rect(Struct, frozen=True):
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour


class Squares(Struct, frozen=True):
    """Squares of one size and colour: the modules of a QR code. `at` are their lower left corners."""

    at: Sequence[tuple[float, float]]
    side: float
    colour: Colour


class Stencil(Struct, frozen=True):
    """A picture of one bit a pixel (1 paints) in rows from above, each row filled up to whole bytes."""

    x: float
    y: float
    width: float
    height: float
    columns: int
    rows: int
    bits: bytes
    colour: Colour


Shape = Rect | Squares | Stencil


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def _colour(colour: Colour) -> str:
    return " ".join(_number(part) for part in colour) + " rg"


def _paint(shape: Shape, number: int) -> str:
    if isinstance(shape, Rect):
        box = " ".join(_number(v) for v in (shape.x, shape.y, shape.width, shape.height))
        return f"{_colour(shape.colour)} {box} re f"
    if isinstance(shape, Squares):
        side = _number(shape.side)
        return (
            _colour(shape.colour)
            + " "
            + " ".join(f"{_number(x)} {_number(y)} {side} {side} re" for x, y in shape.at)
            + " f"
        )
    place = f"{_number(shape.width)} 0 0 {_number(shape.height)} {_number(shape.x)} {_number(shape.y)} cm"
    return f"q {_colour(shape.colour)} {place} /I{number} Do Q"


def _stream(head: str, body: bytes) -> bytes:
    packed = zlib.compress(body, 9)
    return f"<< {head} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode() + packed + b"\nendstream"


def _image(shape: Stencil) -> bytes:
    return _stream(
        f"/Type /XObject /Subtype /Image /Width {shape.columns} /Height {shape.rows} /ImageMask true "
        "/BitsPerComponent 1 /Decode [1 0]",
        shape.bits,
    )


def _hex(text: str) -> str:
    """A text of any language as a PDF string."""
    return "<FEFF" + text.encode("utf-16-be").hex().upper() + ">"


def write(shapes: Sequence[Shape], *, size: tuple[float, float], title: str, language: str) -> bytes:
    """One page of this size with the shapes in their order. The same shapes give the same bytes."""
    return write_pages([shapes], size=size, title=title, language=language)


def write_pages(
    pages: Sequence[Sequence[Shape]], *, size: tuple[float, float], title: str, language: str
) -> bytes:  # fmt: skip
    """Pages of one size, each with its shapes in their order. The same shapes give the same bytes."""
    box = f"[0 0 {_number(size[0])} {_number(size[1])}]"
    viewer = "/ViewerPreferences << /DisplayDocTitle true >>"
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R /Lang {_hex(language)} {viewer} >>".encode(), b"",
        f"<< /Title {_hex(title)} >>".encode(),
    ]  # fmt: skip
    kids: list[int] = []
    for shapes in pages:
        page = len(objects) + 1  # the page, its content, and the stencils that it holds
        stencils = [(number, shape) for number, shape in enumerate(shapes) if isinstance(shape, Stencil)]
        names = " ".join(f"/I{number} {page + 2 + place} 0 R" for place, (number, _) in enumerate(stencils))
        content = "\n".join(_paint(shape, number) for number, shape in enumerate(shapes)).encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents {page + 1} 0 R "
            f"/Resources << /XObject << {names} >> >> >>".encode()
        )
        objects.append(_stream("", content))
        objects += [_image(shape) for _, shape in stencils]
        kids.append(page)
    listed = " ".join(f"{page} 0 R" for page in kids)
    objects[1] = f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>".encode()
    out, places = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
