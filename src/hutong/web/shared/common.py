"""Pages that are the same for everybody who is not signed in: made once, packed once, known by a tag.

What tells such pages apart is in their key: the address with its query, the language, the look, the piece that htmx
asks for, and what the page itself names (`seen`: the reader's point, the state of a deal). A page that looked at
anything that is one reader's own (a token of a form, a new key, his address) is given to him and not kept.
"""

from collections.abc import Awaitable, Callable, Hashable
from hashlib import sha256
from typing import Any

from litestar import Response
from litestar.enums import MediaType
from msgspec import Struct

from hutong.desk.packing import pack, unpack, unpacks
from hutong.web.shared.kept_way import MARK, Look, Told
from hutong.web.shared.visit import Visit

LONGEST = 600  # letters of an address; a longer one is made for whoever wrote it


class Sheet(Struct, frozen=True):
    """A page as it is kept. `own`: the answer itself, when nobody else may have it."""

    packed: bytes = b""
    tag: str = ""
    noted: Any = None
    own: Response[Any] | None = None


async def common(
    visit: Visit, city_id: int, make: Callable[[], Awaitable[Response[Any]]], *, name: str, seen: Hashable = None,
    times: int = 1, look: Look | None = None, saw: Hashable = None,
) -> Response[Any]:  # fmt: skip
    """The page that `make` makes, kept for `times` lives of the shelf; for a member it is always made anew.

    look: for a page that must never be behind of something, a look at it; `saw` is what it gave, and part of `seen`."""
    kept, here = visit.house.kept, visit.here
    if visit.actor is not None or visit.personal or len(here) > LONGEST or not kept.on:
        return await make()

    async def sheet() -> Sheet:
        return _sheet(visit, await make())

    key = (here, (visit.language, visit.theme, visit.text_size, visit.style(""), visit.partial), seen)
    found = await kept.get(name, key, sheet, city_id=city_id, weigh=_weigh, life_s=times * kept.life_s)
    visit.noted = found.noted
    if found.own is not None:
        return found.own
    if not found.noted:  # else something follows from its being asked for
        told = Told(name, city_id, key, times * kept.life_s, found.tag, look, saw)
        visit.connection.scope["state"][MARK] = told
    return _answer(visit, found)


def _sheet(visit: Visit, made: Response[Any]) -> Sheet:
    plain = made.status_code in (None, 200) and isinstance(made.content, str) and made.background is None
    if visit.own or visit.personal or not plain or len(made.cookies) > len(visit.kept()):
        return Sheet(own=made, noted=visit.noted)
    body = made.content.encode()
    return Sheet(packed=pack(body), tag=f'W/"{sha256(body).hexdigest()[:24]}"', noted=visit.noted)


def _weigh(sheet: Sheet) -> int | None:
    return None if sheet.own is not None else len(sheet.packed)


def _answer(visit: Visit, sheet: Sheet) -> Response[Any]:
    """As this reader wants it: nothing when he has it already, packed when he can read that."""
    headers = {**visit.headers(), "etag": sheet.tag}
    asked = visit.connection.headers.get("if-none-match", "")
    if sheet.tag in (part.strip() for part in asked.split(",")):
        return Response(None, status_code=304, headers=headers, cookies=visit.kept())
    body = sheet.packed
    headers["vary"] += ", Accept-Encoding"
    if unpacks(visit.connection.scope["headers"]):
        headers["content-encoding"] = "gzip"
    else:
        body = unpack(body)
    return Response(body, media_type=MediaType.HTML, headers=headers, cookies=visit.kept())
