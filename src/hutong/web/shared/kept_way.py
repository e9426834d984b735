"""The kept way: a page that is kept goes out before the framework, to whoever asks just as another did before him.

Half of what a kept page cost was the framework: routing, layers, dependencies, cookies. `common` marks the answer of a
page that it took from the shelf; this remembers its headers under all that the page may depend on (its `Vary`, raw: the
address and query, cookies, language, browser, what htmx asks for), and gives it again as long as the shelf would: the
very page, of the same moment. Whatever it does not know (a member, a tag that is asked for, a header that comes twice,
a reader of nothing packed) goes on to the framework as if nobody had looked at it.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import perf_counter
from typing import Any

from msgspec import Struct

from hutong.desk.house import House
from hutong.desk.watching import HEADER, Asgi, Message, Receive, Send, request_id_of
from hutong.infra import metrics
from hutong.web.shared.visit import SESSION

MARK = "hutong.kept"
MOST = 4_000  # ways of asking that are remembered; an entry is some hundred bytes, its page lies on the shelf
_TOLD = (b"cookie", b"accept-language", b"user-agent", b"hx-request", b"hx-history-restore-request")
_PLAIN = (b"if-none-match", b"range", b"authorization")  # what the framework answers itself
_SESSION = SESSION.encode()

Look = Callable[[], Awaitable[Hashable]]


class Told(Struct, frozen=True):
    """What a handler says of an answer that it took from the shelf: where it lies, for how long, and, for a page that
    must never be behind of something, how to look at that again and what it was."""

    name: str
    city_id: int
    key: Hashable
    life_s: float
    tag: str
    look: Look | None = None
    saw: Hashable = None


class _Known(Struct, frozen=True):
    told: Told
    route: str
    head: list[tuple[bytes, bytes]]


class KeptWay:
    """ASGI in front of everything else of one process."""

    def __init__(self, app: Asgi, house: House) -> None:
        self.app, self._house = app, house
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        asked = _asked(scope)
        if asked is None:
            await self.app(scope, receive, send)
            return
        known = self._known.get(asked)
        if known is not None:
            began = perf_counter()
            sheet = await self._sheet(known.told)
            if sheet is not None:
                if asked in self._known:  # it may have been given up while it was looked at
                    self._known.move_to_end(asked)
                given = next((value for name, value in scope["headers"] if name == HEADER), b"")
                head = [*known.head, (HEADER, request_id_of(given).encode())]
                await send({"type": "http.response.start", "status": 200, "headers": head})
                await send({"type": "http.response.body", "body": sheet.packed})
                seconds = perf_counter() - began
                metrics.request_done(route=known.route, method="GET", status=200, seconds=seconds)
                return
            self._known.pop(asked, None)
        await self._ask(asked, scope, receive, send)

    async def _sheet(self, told: Told) -> Any | None:
        """What lies on the shelf at this moment, when it is the page whose headers these are."""
        try:
            if told.look is not None and await told.look() != told.saw:
                return None
        except Exception:  # the handler meets it again, and what it says about it becomes an answer
            return None
        found = self._house.kept.peek(told.name, told.key, city_id=told.city_id, life_s=told.life_s)
        return found if found is not None and found.tag == told.tag else None

    async def _ask(self, asked: Hashable, scope: Any, receive: Receive, send: Send) -> None:
        """The framework's answer, remembered when it is marked."""

        async def told(message: Message) -> None:
            mark: Told | None = scope.get("state", {}).get(MARK)
            if mark is not None and message["type"] == "http.response.start" and message["status"] == 200:
                head = [pair for pair in message["headers"] if pair[0].lower() != HEADER]
                self._known[asked] = _Known(mark, scope.get("path_template") or "-", head)
                while len(self._known) > MOST:
                    self._known.popitem(last=False)
            await send(message)

        await self.app(scope, receive, told)


def _asked(scope: Any) -> Hashable | None:
    """All that a common page may depend on, as it came; None for whoever is not told a page from here."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/c/"):
        return None
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if len(headers) != len(scope["headers"]) or any(name in headers for name in _PLAIN):
        return None
    if _SESSION in headers.get(b"cookie", b"") or b"gzip" not in headers.get(b"accept-encoding", b""):
        return None
    return (scope["path"], scope["query_string"], *(headers.get(name) for name in _TOLD))
