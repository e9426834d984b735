"""A server that was told to stop goes between requests, not in the middle of one.

The server's own way is to close every line at once that has nothing under way. A request that is just travelling on
such a line is cut off, and its sender cannot know whether it was done; when answers leave in sets, all lines stand in
that moment together. So a process that gets SIGTERM first takes its leave: what is under way is finished; what comes
and would change something is refused before it began, with a word when to come again; what only looks is answered;
every answer closes its line. When the lines have had time to come by and nothing old is under way any more, the server
is let stop as it does.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hutong.desk.watching import Asgi, Message, Receive, Send
from hutong.infra.logs import get_logger
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

log = get_logger("hutong.stopping")
AGAIN_S = 2  # by then another process answers, or this machine's next one
LONGEST_S = 4.0  # for what is under way; the parent kills a process that has not gone in ten
_LOOKS = ("GET", "HEAD", "OPTIONS")
_READY = "/readyz"  # a load balancer that asks sends nobody here any more


class Restarting(Refusal):
    """This process is about to stop; nothing of the request was done."""

    code = "restarting"
    status = 503
    say = Text(zh="系统正在重启。", en="We are just being restarted.")
    step = Text(
        zh="请在 {retry_after} 秒后重试，不会重复扣款。",
        en="Try again in {retry_after} seconds; nothing was charged.",
    )


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Stopping:
    """ASGI in front of all of one process: counts what is under way, and takes the leave. `least_s`: so long it takes
    at least; lines that are in use come by in it once more and are closed. `stop`: what ends it, else SIGINT to
    ourselves, which the server takes as the word to stop."""

    def __init__(self, *, least_s: float, stop: Callable[[], None] = _interrupt) -> None:
        self._least_s, self._stop = least_s, stop
        self._front: Asgi | None = None
        self._framework: Asgi | None = None
        self._ends: asyncio.Task[None] | None = None
        self.under_way = 0  # what came before the leave
        self._nothing = asyncio.Event()
        self._nothing.set()

    def before(self, front: Asgi, *, framework: Asgi) -> "Stopping":
        """Stand before `front`. During the leave only the framework is asked: no way around it needs to know of it."""
        self._front, self._framework = front, framework
        return self

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        assert self._front is not None
        assert self._framework is not None
        if scope["type"] != "http":
            await self._front(scope, receive, send)
        elif self._ends is None:
            self.under_way += 1
            self._nothing.clear()
            try:
                await self._front(scope, receive, send)
            finally:
                self.under_way -= 1
                if self.under_way == 0:
                    self._nothing.set()
        else:
            await self._framework(scope, receive, _last_on_its_line(send))

    async def turn_away(self, request: Any) -> None:
        """Before each handler of the framework, with its request. Raises Restarting during the leave, for all but what
        only looks."""
        scope = request.scope
        if self._ends is not None and (scope["method"] not in _LOOKS or scope["path"] == _READY):
            raise Restarting(retry_after=AGAIN_S)

    def listen(self) -> None:
        """From now on SIGTERM begins the leave. Where signals are not ours (no main thread) all stays as it was."""
        with suppress(ValueError, RuntimeError, NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.begin)

    def begin(self) -> None:
        """Told to stop: once is enough."""
        if self._ends is None:
            self._ends = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(self._least_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._nothing.wait(), LONGEST_S)
        log.info("leaving", seconds=round(loop.time() - began, 2), under_way=self.under_way)
        self._stop()


def _last_on_its_line(send: Send) -> Send:
    """Answers that tell the other side to send no more on this line."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
        await send(message)

    return told
