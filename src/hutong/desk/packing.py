"""Answers worth it travel packed: HTML and JSON of a thousand bytes and more, unless they are packed already."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

LEAST = 1000  # bytes below which packing does not pay
QUICK, SMALL = 6, 9  # for one reader; for what many get
_TEXT = (b"text/", b"application/json", b"application/problem+json", b"application/manifest+json")
_KIND, _LENGTH, _VARY, _CODING = b"content-type", b"content-length", b"vary", b"content-encoding"

Message = MutableMapping[str, Any]
Asgi = Callable[[Any, Any, Callable[[Message], Awaitable[None]]], Awaitable[None]]


def pack(body: bytes, level: int = SMALL) -> bytes:
    """As gzip, the same bytes whenever it is done."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def unpack(packed: bytes) -> bytes:
    return zlib.decompress(packed, 31)


def unpacks(headers: Any) -> bool:
    """Whether whoever asks can read gzip: by the raw headers of a request."""
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in headers)


class Packing:
    """ASGI middleware. What comes in several pieces or brings its own encoding passes as it is."""

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not unpacks(scope["headers"]):
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def packed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                begun, start = start, None
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    _pack(begun, message)
                await send(begun)
            await send(message)

        await self.app(scope, receive, packed)


def _pack(start: Message, message: Message) -> None:
    """Packs the only piece of an answer, when it is text and long enough."""
    body, headers = message.get("body", b""), start.get("headers", ())
    kind = next((value for name, value in headers if name.lower() == _KIND), b"")
    if len(body) < LEAST or not kind.startswith(_TEXT) or any(name.lower() == _CODING for name, _ in headers):
        return
    message["body"] = small = pack(body, QUICK)
    vary = b", ".join([value for name, value in headers if name.lower() == _VARY] + [b"Accept-Encoding"])
    others = [pair for pair in headers if pair[0].lower() not in (_LENGTH, _VARY)]
    start["headers"] = [*others, (_LENGTH, str(len(small)).encode()), (_VARY, vary), (_CODING, b"gzip")]
