"""Answers of HTTP/1.1, read as little as a load needs: the status, where the body ends, and words in it. Pure."""

from typing import NamedTuple

HEAD_END = b"\r\n\r\n"
HEAD_MAX = 64 * 1024


class Broken(Exception):
    """What came is no answer of HTTP/1.1."""


class Answer(NamedTuple):
    """One whole answer: its status, its head (lower case when it was looked into), its body, and where it ends."""

    status: int
    head: bytes
    body: bytes
    end: int


def parse(data: bytes | bytearray) -> Answer | None:
    """The first answer in `data`; None while it is not whole. Raises Broken."""
    stop = data.find(HEAD_END)
    if stop < 0:
        if len(data) > HEAD_MAX or not b"HTTP/1.1 ".startswith(data[:9]):
            raise Broken("no head of HTTP/1.1")
        return None
    head = bytes(data[:stop])
    if not head.startswith(b"HTTP/1.1 "):
        raise Broken("no head of HTTP/1.1")
    start = stop + 4
    try:
        status = int(head[9:12])
        if status in (204, 304) or status < 200:
            return Answer(status, head, b"", start)
        size = _length(head)
    except ValueError as error:
        raise Broken(str(error)) from None
    if size is None:
        return _chunked(data, status, head, start)
    end = start + size
    return Answer(status, head, bytes(data[start:end]), end) if len(data) >= end else None


def _length(head: bytes) -> int | None:
    at = head.find(b"content-length: ")
    if at < 0:
        head = head.lower()
        at = head.find(b"\r\ncontent-length:") + 1
        if at == 0:
            if b"\r\ntransfer-encoding: chunked" in head:
                return None
            raise ValueError("neither a length nor chunks")
    stop = head.find(b"\r\n", at)
    return int(head[at + 15 : stop if stop >= 0 else None])


def _chunked(data: bytes | bytearray, status: int, head: bytes, start: int) -> Answer | None:
    parts: list[bytes] = []
    while True:
        stop = data.find(b"\r\n", start)
        if stop < 0:
            return None
        try:
            size = int(bytes(data[start:stop]).split(b";")[0], 16)
        except ValueError:
            raise Broken("a chunk without a size") from None
        end = stop + 2 + size
        if len(data) < end + 2:
            return None
        if size == 0:
            return Answer(status, head, b"".join(parts), end + 2)
        parts.append(bytes(data[stop + 2 : end]))
        start = end + 2


def word(body: bytes, marker: bytes) -> bytes:
    """What stands between `marker` and the next double quote; nothing when the marker is not there."""
    at = body.find(marker)
    if at < 0:
        return b""
    at += len(marker)
    return body[at : body.find(b'"', at)]


def header(head: bytes, name: bytes) -> bytes:
    """The value of a header by its name in lower case; nothing when it is absent."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return b""


def closes(head: bytes) -> bool:
    """Whether the server hangs up after this answer."""
    return header(head, b"connection").lower() == b"close"


def wait_of(head: bytes, longest: float) -> float:
    """How many seconds the server asks to wait (Retry-After), at most `longest`."""
    try:
        return min(longest, max(0.0, float(header(head, b"retry-after"))))
    except ValueError:
        return min(longest, 1.0)
