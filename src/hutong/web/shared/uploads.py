"""Forms with files: read field by field, bounded before anything is read.

    @post("/x", request_max_body_size=most_bytes(6))
    async def take(visit: Visiting, request: AnyRequest) -> Response:
        sent = await read_form(request, fields={"key", "words"}, files="photo", most=6)

The bound stands on the route, so a body that says or shows more is refused (413) while it arrives; the CSRF check
reads the same form.
"""

import re
from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile
from msgspec import Struct

from hutong.infra.files import MOST_BYTES
from hutong.infra.pictures import TooManyPictures
from hutong.kit.refusals import BadInput

AnyRequest = Request[Any, Any, Any]
_REST = 256 * 1024  # what the other fields and the borders between the parts may take
_KEY = re.compile("[0-9a-z]{16,64}")


def most_bytes(files: int) -> int:
    """The bound of a body with so many files."""
    return files * MOST_BYTES + _REST


class Sent(Struct):
    """A form as it came: the texts of each field, and the bytes of the files that were chosen."""

    fields: dict[str, list[str]]
    files: list[bytes]

    def text(self, name: str, default: str = "") -> str:
        """The first value of a field."""
        return (self.fields.get(name) or [default])[0]

    def texts(self, name: str) -> list[str]:
        """All values of a field, without empty ones."""
        return [text for text in self.fields.get(name, []) if text]

    def number(self, name: str) -> int:
        """A whole number of at most three digits; 0 for anything else."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0

    @property
    def key(self) -> str:
        """The idempotency key of the form. Raises bad_input without one."""
        key = self.text("key")
        if not _KEY.fullmatch(key):
            raise BadInput(field="key", why="16-64 letters or digits")
        return key


async def read_form(request: AnyRequest, *, fields: set[str], files: str, most: int) -> Sent:
    """The form of a request. Raises bad_input for a field that nobody knows, too_many_pictures for too many files."""
    sent = Sent({}, [])
    for name, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            if name != files:
                raise BadInput(field=name[:40], why="no file goes here")
            if data or value.filename:  # an empty choice is sent as an empty file without a name
                sent.files.append(data)
        elif name in fields or name == "_csrf_token":
            sent.fields.setdefault(name, []).append(str(value))
        elif name != files or value:
            raise BadInput(field=name[:40], why="no such field")
    if len(sent.files) > most:
        raise TooManyPictures(most=most)
    return sent
