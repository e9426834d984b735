"""One connection of HTTP/1.1 to a server that may die at any moment."""

import asyncio

from hutong.cli.bench.client.wire import Answer, Broken, parse


class Lost(Exception):
    """The connection ended before the answer: what was asked may be done or not."""


class NotSent(Lost):
    """No connection could be had, so nothing was asked."""


class Line(asyncio.Protocol):
    """One request at a time. Opened when it is first used, and anew after each loss."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._wire: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._buffer = bytearray()

    async def ask(self, request: bytes, *, patience_s: float = 60) -> Answer:
        """Send and wait. Raises Lost, or NotSent."""
        wire = await self._opened()
        self._answer = asyncio.get_running_loop().create_future()
        wire.write(request)
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._answer
        except TimeoutError:
            self.cut()
            raise Lost("no answer in time") from None
        finally:
            self._answer = None
        if b"connection: close" in answer.head.lower():
            self.cut()
        return answer

    async def abandon(self, request: bytes, *, after_s: float) -> None:
        """Send, and hang up without having read anything. Raises NotSent."""
        wire = await self._opened()
        wire.write(request)
        await asyncio.sleep(after_s)
        self.cut()

    def cut(self) -> None:
        """Hang up, hard."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort()

    async def _opened(self) -> asyncio.Transport:
        if self._wire is None or self._wire.is_closing():
            self._buffer.clear()
            try:
                async with asyncio.timeout(10):
                    self._wire, _ = await asyncio.get_running_loop().create_connection(
                        lambda: self, self._host, self._port
                    )
            except (OSError, TimeoutError) as error:
                raise NotSent(f"no connection: {error}") from error
        return self._wire

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            found = parse(self._buffer)
        except Broken as error:
            self._end(Lost(str(error)))
            self.cut()
            return
        if found is not None:
            self._buffer.clear()
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(found)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._wire is None or self._wire.is_closing():
            self._wire = None
            self._end(Lost(str(exc or "the server hung up")))

    def _end(self, error: Lost) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
