"""Maps: the policy of a page that shows streets of a tile server."""

import re
from typing import TypeVar
from urllib.parse import urlsplit

from litestar import Response

from hutong.web.shared.security import POLICY

R = TypeVar("R", bound=Response[str])


def policy_for(tiles: str) -> str:
    """The policy of the house, with pictures also from the tile server: from this host and no other."""
    parts = urlsplit(re.sub(r"\{s\}", "*", tiles))
    return POLICY.replace("img-src 'self'", f"img-src 'self' {parts.scheme}://{parts.netloc}")


def allow_tiles(answer: R, tiles: str | None) -> R:
    """The page with that policy, where the house has a tile server; else as it is."""
    if tiles:
        answer.headers["content-security-policy"] = policy_for(tiles)
    return answer
