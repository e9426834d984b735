"""Styles, scripts and pictures: read once, named by their content, kept by browsers for a year.

The css files of a face are joined in the order of their names into one `<face>.css`; other files keep their names
under the face: `shared/icons.svg`, `consumer/pay.js`.
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
}
_SMALL = 600  # bytes below which packing does not pay


class Asset:
    """A file as it is sent."""

    def __init__(self, name: str, body: bytes) -> None:
        stem, _, ending = name.rpartition(".")
        self.kind = TYPES[f".{ending}"]
        self.path = f"{stem}.{hashlib.sha256(body).hexdigest()[:10]}.{ending}"
        self.body = body
        packed = gzip.compress(body, 9, mtime=0) if len(body) > _SMALL and ending != "png" else None
        self.packed = packed


@cache
def assets(web: Path = WEB) -> dict[str, Asset]:
    """Every asset by the name that templates use."""
    found: dict[str, Asset] = {}
    for folder in sorted(web.glob("*/static")):
        face = folder.parent.name
        styles = sorted((folder / "css").glob("*.css"))
        if styles:
            joined = "\n".join(path.read_text(encoding="utf-8") for path in styles)
            found[f"{face}.css"] = Asset(f"{face}.css", joined.encode())
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in TYPES and path.suffix != ".css":
                name = f"{face}/{path.name}"
                if name in found:
                    raise ValueError(f"two assets are called {name}")
                found[name] = Asset(name, path.read_bytes())
    return found


@cache
def by_path() -> dict[str, Asset]:
    return {asset.path: asset for asset in assets().values()}


def asset_url(name: str) -> str:
    """The address of an asset: it changes when its content does. KeyError for one that is not there."""
    return f"/static/{assets()[name].path}"
