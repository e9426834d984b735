"""The route of assets."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from hutong.web.shared.assets import assets, by_path
from hutong.web.shared.guards import public

_FOREVER = "public, max-age=31536000, immutable"


@get("/static/{path:path}", guards=[public], include_in_schema=False, sync_to_thread=False)
def static(path: FromPath[Path], request: Request[Any, Any, Any]) -> Response[bytes]:
    """An asset by its hashed name."""
    asset = by_path().get(str(path).lstrip("/"))
    if asset is None:
        raise NotFoundException()
    headers = {"cache-control": _FOREVER, "vary": "accept-encoding"}
    body = asset.body
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = asset.packed, "gzip"
    return Response(body, media_type=asset.kind, headers=headers)


@cache
def icon_names() -> tuple[str, ...]:
    """Every drawing in the sprite."""
    return tuple(re.findall(r'<symbol id="([a-z0-9-]+)"', assets()["shared/icons.svg"].body.decode()))
