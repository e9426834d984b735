"""The short way: plain ASGI in front of the framework, for the few routes that a sale lives from.

What a purchase cost a serving process was half framework: routing, layers, guards, dependencies, responses. Handlers
that are marked `short=True` are called here by themselves. Path, body, status, sign-in and key are read off the very
same handler, so nothing stands here that could say something else. The short way knows only the ordinary: a living
token, a key where one is needed, one piece of JSON that fits. Whatever else comes (and every other route) goes to the
framework as if nobody had looked at it, and is answered there.
"""

from collections.abc import Sequence
from inspect import signature
from time import perf_counter
from typing import Any, get_type_hints

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.serialization import encode_json

from hutong.api.glue import Said, actor_of, bearer, fault_said, key_of, language_in, refused, with_token
from hutong.desk.house import House
from hutong.desk.watching import HEADER, Asgi, Message, Receive, Send, request_id_of
from hutong.infra import metrics
from hutong.infra.logs import request_scope
from hutong.kit.refusals import Refusal

MARK = "short"
LARGEST = 65_536  # bytes of a body; a larger one is not ordinary
_KNOWN = {"data", "key", "actor", "house"}


class Route:
    """A marked handler: what it takes, and with which status it answers. `path`: the template, which is the path."""

    def __init__(self, path: str, handler: HTTPRouteHandler) -> None:
        self.path, self.call, self.status = path, handler.fn, handler.status_code
        takes = signature(self.call).parameters.keys()
        if "{" in path or handler.http_methods != {"POST"} or with_token not in handler.resolve_guards():
            raise TypeError(f"{path} is no POST with a token and a path of its own: it cannot go the short way")
        if not {"data", "actor", "house"} <= takes <= _KNOWN:
            raise TypeError(f"{path} takes {sorted(takes)}: the short way knows {sorted(_KNOWN)}")
        self.keyed = "key" in takes
        self.read = msgspec.json.Decoder(get_type_hints(self.call)["data"]).decode


class ShortWay:
    """ASGI in front of the whole application; `around`: the headers that every answer carries."""

    def __init__(self, app: Litestar, around: Sequence[tuple[bytes, bytes]]) -> None:
        self.app: Asgi = app  # type: ignore[assignment]
        self._around = around
        self._house: House = app.state.house
        self._routes = {
            route.path: Route(route.path, handler)
            for route in app.routes
            for handler in getattr(route, "route_handlers", ())
            if handler.opt.get(MARK)
        }

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"]) if scope.get("method") == "POST" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        began, status = perf_counter(), 500
        given: dict[bytes, bytes] = dict(scope["headers"])
        request_id = request_id_of(given.get(HEADER, b""))
        read: list[Message] = []
        try:
            with request_scope(request_id):
                said = await self._answer(route, given, receive, read) if len(given) == len(scope["headers"]) else None
                status = said.status if said is not None else 0
                if said is not None:
                    await send(self._head(said, request_id))
                    await send({"type": "http.response.body", "body": said.body})
        finally:
            if status:
                metrics.request_done(
                    route=route.path, method="POST", status=status, seconds=perf_counter() - began
                )  # fmt: skip
        if said is None:
            await self.app(scope, _again(read, receive), send)

    async def _answer(
        self, route: Route, given: dict[bytes, bytes], receive: Receive, read: list[Message]
    ) -> Said | None:
        """What the handler says; None before it was called: go the long way. What was received is put into `read`."""
        token = bearer(given.get(b"authorization", b"").decode("latin-1"))
        key = key_of(given.get(b"idempotency-key", b"").decode("latin-1"))
        if not token or (route.keyed and not key):
            return None
        body, more = b"", True
        while more and len(body) <= LARGEST:
            message = await receive()
            read.append(message)
            if message["type"] != "http.request":
                return None
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if more:
            return None
        try:
            asked = {"data": route.read(body)}
        except msgspec.MsgspecError:
            return None
        language = language_in(given.get(b"accept-language", b"").decode("latin-1"))
        try:
            actor = await actor_of(self._house, token)
            if actor is None:
                return None
            if route.keyed:
                asked["key"] = key
            done = await route.call(**asked, actor=actor, house=self._house)
            return Said(route.status, encode_json(done))
        except Refusal as refusal:
            return refused(refusal, language)
        except Exception as error:
            return fault_said(error, route.path, language)

    def _head(self, said: Said, request_id: str) -> Message:
        headers = [
            (b"content-type", said.media_type.encode()), (b"content-length", b"%d" % len(said.body)),
            *[(name.encode(), value.encode()) for name, value in said.headers.items()], *self._around,
            (HEADER, request_id.encode()),
        ]  # fmt: skip
        return {"type": "http.response.start", "status": said.status, "headers": headers}


def _again(read: list[Message], receive: Receive) -> Receive:
    """What was received already, then the rest."""

    async def told() -> Message:
        return read.pop(0) if read else await receive()

    return told
