"""The route of pictures that people gave us: photos of stores and of reviews.

Whoever knows the name of a picture may see it, and a name is the SHA-256 of the content: 256 bits that nobody can
guess and no page lists. A picture that is uploaded but belongs to nothing yet, or whose review was hidden, is on no
page; its address is known only to whom it was shown. Nothing but pictures is served here: documents (statements,
tables) have handlers of their own that ask who is asking.
"""

from litestar import Response, get
from litestar.params import FromPath

from hutong.infra.files import content_type_of
from hutong.kit.refusals import NotFound
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visiting

PICTURES = ("image/webp", "image/jpeg", "image/png")
HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",  # a name is its content: it never changes
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


@get("/files/{name:str}", guards=[public])
async def picture(visit: Visiting, name: FromPath[str]) -> Response[bytes]:
    """A picture by its name. Raises not_found for anything else, also for other kinds of files."""
    if content_type_of(name) not in PICTURES:
        raise NotFound
    found = await visit.house.files.open(name)
    return Response(found.data, media_type=found.content_type, headers=dict(HEADERS))


def attachment(data: bytes, content_type: str, filename: str) -> Response[bytes]:
    """A document as a download, for handlers that have asked who is asking. `filename` is ours: letters, digits, -._"""
    assert all(c.isascii() and (c.isalnum() or c in "-._") for c in filename), filename
    headers = {
        "content-disposition": f'attachment; filename="{filename}"', "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }  # fmt: skip
    return Response(data, media_type=content_type, headers=headers)


ROUTES = (picture,)
