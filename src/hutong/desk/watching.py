"""Every request has an id in its log lines and in its answer, and is counted: plain ASGI, so every face has it."""

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from hutong.infra import metrics
from hutong.infra.ids import new_id
from hutong.infra.logs import clean_request_id, request_scope

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Any, Receive, Send], Awaitable[None]]
HEADER = b"x-request-id"


def request_id_of(given: bytes) -> str:
    """The caller's own request id when it is fit for a log line, else a new one."""
    return clean_request_id(given.decode("latin-1")) or new_id().hex


class Watched:
    """ASGI middleware. A caller's own request id is kept when it is fit for a log line."""

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = request_id_of(next((value for name, value in scope["headers"] if name == HEADER), b""))
        status, began = 500, perf_counter()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (HEADER, request_id.encode())]
            await send(message)

        try:
            with request_scope(request_id):
                await self.app(scope, receive, told)
        finally:
            route = scope.get("path_template") or "-"
            metrics.request_done(route=route, method=scope["method"], status=status, seconds=perf_counter() - began)
