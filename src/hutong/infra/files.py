"""Files that people give us: pictures, tables, documents. Named by their content, never changed, never guessed.

`Files` is the port; `LocalFiles` keeps them in a folder, `MemoryFiles` is the twin for tests and the demo. Both
sit the same exam (tests/exams/test_files.py).
"""

import asyncio
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hutong.kit.refusals import BadInput, NotFound

MOST_BYTES = 10 * 1024 * 1024
# What may be kept, and the ending of its name. No type that a browser would run: no HTML, no SVG, no script.
ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
TYPES = {ending: content_type for content_type, ending in ENDINGS.items()}
_NAME = re.compile(r"[0-9a-f]{64}\.(?:" + "|".join(TYPES) + ")")


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file as it was given, with its content type."""

    name: str
    content_type: str
    data: bytes


class Files(Protocol):
    """A store of files. The same content has the same name, so putting it twice is putting it once."""

    async def put(self, data: bytes, content_type: str) -> str:
        """Keep the bytes; gives the name. Refuses BadInput: empty, over 10 MiB, or of a type not in ENDINGS."""
        ...

    async def open(self, name: str) -> StoredFile:
        """The file of that name. Refuses NotFound, also for anything that is no name of ours."""
        ...

    def url(self, name: str) -> str:
        """The path under which the faces serve it. Refuses NotFound for what is no name of ours."""
        ...


def name_of(data: bytes, content_type: str) -> str:
    """SHA-256 of the content and the ending of its type. Refuses BadInput."""
    ending = ENDINGS.get(content_type)
    if ending is None:
        raise BadInput(field="file", why=f"{content_type[:60]} is not one of {', '.join(sorted(TYPES))}")
    if not 0 < len(data) <= MOST_BYTES:
        raise BadInput(field="file", why=f"1-{MOST_BYTES} bytes")
    return f"{hashlib.sha256(data).hexdigest()}.{ending}"


def checked(name: str) -> str:
    """The name, if it is one that `name_of` can give: so no path can be smuggled in. Refuses NotFound."""
    if not _NAME.fullmatch(name):
        raise NotFound
    return name


def content_type_of(name: str) -> str:
    """The content type that the ending of a name says."""
    return TYPES[checked(name).rpartition(".")[2]]


class LocalFiles:
    """Files in a folder of this machine, spread over 256 subfolders."""

    def __init__(self, folder: Path, *, prefix: str = "/files/") -> None:
        self._folder = folder
        self._prefix = prefix

    async def put(self, data: bytes, content_type: str) -> str:
        name = name_of(data, content_type)
        await asyncio.to_thread(self._write, name, data)
        return name

    async def open(self, name: str) -> StoredFile:
        path = self._path(checked(name))
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            raise NotFound from None
        return StoredFile(name=name, content_type=content_type_of(name), data=data)

    def url(self, name: str) -> str:
        return self._prefix + checked(name)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _write(self, name: str, data: bytes) -> None:
        """Written aside, forced to the disk and moved into place: a crash leaves the whole file or none."""
        path = self._path(name)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise


class MemoryFiles:
    """The twin: files in this process's memory."""

    def __init__(self, *, prefix: str = "/files/") -> None:
        self._files: dict[str, bytes] = {}
        self._prefix = prefix

    async def put(self, data: bytes, content_type: str) -> str:
        name = name_of(data, content_type)
        self._files[name] = bytes(data)
        return name

    async def open(self, name: str) -> StoredFile:
        data = self._files.get(checked(name))
        if data is None:
            raise NotFound
        return StoredFile(name=name, content_type=content_type_of(name), data=data)

    def url(self, name: str) -> str:
        return self._prefix + checked(name)
