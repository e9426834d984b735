"""A store's QR as a poster (A4) and a card for the table (A6): scanned, it leads to the store's page."""

import segno

from hutong.infra import pdf
from hutong.infra.pdf import Colour, Rect, Shape, Squares
from hutong.merchants import Store
from hutong.web.shared.printing import Fonts, fonts, words
from hutong.web.shared.words import Words

__all__ = ["SIZES", "Fonts", "address_of", "draw", "drawing", "fonts"]

SIZES = {"a4": pdf.A4, "a6": pdf.A6}
GREEN, INK, QUIET, PAPER = (0.11, 0.42, 0.34), (0.13, 0.12, 0.11), (0.38, 0.35, 0.32), (1.0, 1.0, 1.0)


def address_of(base: str, city: str, shown: str) -> str:
    """Where the code leads; `from` tells visits by poster from others."""
    return f"{base}/c/{city}/stores/{shown}?from=poster"


def _words(text: str, path: str, size: float, middle: float, base: float, most: float, colour: Colour) -> list[Shape]:
    """A line of words, centred at `middle`, its baseline at `base`, made smaller until it is at most `most` wide."""
    return words(text, path, size, middle, base, most, colour, align="middle")


def _code(text: str, x: float, y: float, side: float) -> list[Shape]:
    """The QR of a text as squares, its quiet zone included."""
    matrix = [list(row) for row in segno.make_qr(text, error="q").matrix]
    unit = side / (len(matrix) + 8)
    at = [
        (x + (column + 4) * unit, y + side - (row + 5) * unit)
        for row, line in enumerate(matrix)
        for column, dark in enumerate(line)
        if dark
    ]
    return [Rect(x, y, side, side, PAPER), Squares(at, unit * 1.01, INK)]


def draw(store: Store, merchant: str, link: str, *, size: str, t: Words, language: str, with_fonts: Fonts) -> bytes:
    """The poster as PDF, in one language."""
    width, height = SIZES[size]
    scale, middle = width / 595.28, width / 2
    most = width - 80 * scale
    side = 340 * scale
    top = height - 150 * scale
    shapes: list[Shape] = [Rect(0, 0, width, height, PAPER), Rect(0, top, width, 150 * scale, GREEN)]
    shapes += _words(store.name.in_(language), with_fonts.bold, 40 * scale, middle, top + 68 * scale, most, PAPER)
    if merchant != store.name.in_(language):
        shapes += _words(merchant, with_fonts.regular, 18 * scale, middle, top + 30 * scale, most, PAPER)
    shapes += _words(t("poster.call"), with_fonts.bold, 34 * scale, middle, top - 76 * scale, most, INK)
    shapes += _words(t("poster.words"), with_fonts.regular, 18 * scale, middle, top - 112 * scale, most, QUIET)
    bottom = top - 140 * scale - side
    shapes += _code(link, middle - side / 2, bottom, side)
    shapes += _words(t("poster.how"), with_fonts.regular, 16 * scale, middle, bottom - 24 * scale, most, QUIET)
    shapes += _words(store.address.in_(language), with_fonts.regular, 15 * scale, middle, 74 * scale, most, QUIET)
    shapes += _words(t("site.name"), with_fonts.bold, 17 * scale, middle, 42 * scale, most, GREEN)
    return pdf.write(shapes, size=(width, height), title=f"{store.name.in_(language)} QR", language=language)


def drawing(link: str) -> str:
    """The QR as SVG for the page that is printed where there is no font."""
    return segno.make_qr(link, error="q").svg_inline(
        scale=1, border=4, omitsize=True, svgclass="qr", lineclass="qr-dark"
    )
