"""Styles, scripts and pictures: read once, named by their content, kept by browsers for a year.

`<face>.css` and `<face>-legacy.css` are compiled from `styles/` (`make styles`); other files keep their names under
the face: `shared/icons.svg`, `consumer/pay.js`. A file that is kept packed (`reader.wasm.gz`) goes out under its own
name; whoever cannot unpack gets it unpacked.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from hutong.web.shared.words import WEB

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".webp": "image/webp",
}
_SMALL = 600  # bytes below which packing does not pay
_PACKED = ("png", "webp")  # packed by nature


class Asset:
    """A file as it is sent."""

    def __init__(self, name: str, body: bytes, packed: bytes | None = None) -> None:
        stem, _, ending = name.rpartition(".")
        self.kind = TYPES[f".{ending}"]
        self.path = f"{stem}.{hashlib.sha256(body).hexdigest()[:10]}.{ending}"
        self.body = body
        if packed is None and len(body) > _SMALL and ending not in _PACKED:
            packed = gzip.compress(body, 9, mtime=0)
        self.packed = packed


def _read(path: Path) -> tuple[str, bytes, bytes | None]:
    """Name, content, and the packed content when the file is kept packed."""
    raw = path.read_bytes()
    return (
        (path.name.removesuffix(".gz"), gzip.decompress(raw), raw) if path.suffix == ".gz" else (path.name, raw, None)
    )


@cache
def assets(web: Path = WEB) -> dict[str, Asset]:
    """Every asset by the name that templates use."""
    found: dict[str, Asset] = {}
    for folder in sorted(web.glob("*/static")):
        face = folder.parent.name
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or Path(path.name.removesuffix(".gz")).suffix not in TYPES:
                continue
            plain, body, packed = _read(path)
            name = plain if plain in (f"{face}.css", f"{face}-legacy.css") else f"{face}/{plain}"
            if name in found:
                raise ValueError(f"two assets are called {name}")
            found[name] = Asset(name, body, packed)
    return found


@cache
def by_path() -> dict[str, Asset]:
    return {asset.path: asset for asset in assets().values()}


def asset_url(name: str) -> str:
    """The address of an asset: it changes when its content does. KeyError for one that is not there."""
    return f"/static/{assets()[name].path}"
