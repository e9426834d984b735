"""Invitations as pictures to be sent on: a card of 750 by 1,000 dots with a QR code. Pure."""

import unicodedata

import segno
from markupsafe import escape

WIDE, HIGH = 750, 1000
SIDE = 380
LINE = 22  # columns of a title; a Chinese character takes two
GREEN, INK, QUIET, PAPER, SOFT = "#1c6b57", "#221f1c", "#615a52", "#ffffff", "#eaf2ee"


def poster_svg(
    *, link: str, title: str, shop: str, price: str, was: str, call: str, until: str, how: str, site: str
) -> bytes:
    """The card as SVG; the words are drawn by whoever shows it, so any language can be read."""
    top = 150
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" '
        f'font-family="system-ui, PingFang SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDE}" height="{HIGH}" fill="{PAPER}"/><rect width="{WIDE}" height="104" fill="{GREEN}"/>',
        _text(44, 66, shop or site, 34, PAPER, bold=True),
    ]
    for line in _lines(title):
        parts.append(_text(44, top + 24, line, 42, INK, bold=True))
        top += 56
    parts.append(_text(44, top + 44, price, 60, GREEN, bold=True))
    if was:
        parts.append(_text(WIDE - 44, top + 44, was, 32, QUIET, anchor="end", struck=True))
    top += 84
    parts.append(f'<rect x="44" y="{top}" width="{WIDE - 88}" height="72" rx="16" fill="{SOFT}"/>')
    parts.append(_text(WIDE / 2, top + 47, call, 32, GREEN, anchor="middle", bold=True))
    top += 104
    parts.append(_code(link, (WIDE - SIDE) / 2, HIGH - SIDE - 128))
    parts.append(_text(WIDE / 2, HIGH - 84, how, 27, INK, anchor="middle"))
    foot = " · ".join(part for part in (until, site) if part)
    parts.append(_text(WIDE / 2, HIGH - 40, foot, 23, QUIET, anchor="middle"))
    return ("".join(parts) + "</svg>").encode()


def _text(
    x: float, y: float, words: str, size: int, fill: str, *, anchor: str = "start", bold: bool = False,
    struck: bool = False,
) -> str:  # fmt: skip
    more = (' font-weight="700"' if bold else "") + (' text-decoration="line-through"' if struck else "")
    at = f'x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{more}'
    return f"<text {at}>{escape(words)}</text>"


def _lines(title: str) -> list[str]:
    """The title in at most two lines."""
    lines, line, wide = [], "", 0
    for char in title:
        wide += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if wide > LINE * 1.5:
            lines.append(line.strip())
            line, wide = "", 2
        line += char
    lines.append(line.strip())
    return lines if len(lines) <= 2 else [lines[0], lines[1][:-1] + "…"]


def _code(link: str, x: float, y: float) -> str:
    matrix = [list(row) for row in segno.make_qr(link, error="m").matrix]
    unit = SIDE / (len(matrix) + 4)
    dots = "".join(
        f"M{column} {row}h1v1h-1z" for row, line in enumerate(matrix) for column, dark in enumerate(line) if dark
    )
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{SIDE}" height="{SIDE}" fill="{PAPER}"/>'
        f'<path transform="translate({x + 2 * unit:g} {y + 2 * unit:g}) scale({unit:g})" fill="{INK}" d="{dots}"/>'
    )
