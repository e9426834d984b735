"""SandboxPay as a test meets it: a process of its own, a payer with a browser, and a mailbox for callbacks."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import httpx2

from hutong.kit.clock import Clock, SystemClock
from hutong.payments.sandbox import SandboxKeys, SandboxPay


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SandboxProcess:
    """The provider as a process: started, killed, started again on the same state file."""

    def __init__(self, folder: Path, *, retry_scale: float = 0.2, past: Path | None = None) -> None:
        self._past = ["--past", str(past)] if past else []
        self.folder, self.port, self._scale = folder, free_port(), retry_scale
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.web = httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=10)

    async def start(self) -> Self:
        self._spawn()
        for _ in range(400):
            try:
                await self.web.get("/healthz")
                return self
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
        raise TimeoutError("SandboxPay did not start")

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "hutong.cli.sandboxpay", "--scriptable", f"--port={self.port}"]
        command += [f"--keys={self.folder / 'keys'}", f"--state={self.folder / 'state.sqlite'}"]
        self._process = subprocess.Popen(
            [*command, *self._past, f"--retry-scale={self._scale}"], stdout=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """SIGKILL: what was not written is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        code = await asyncio.to_thread(self._process.wait, 20)
        await self.web.aclose()
        return code

    def adapter(
        self,
        clock: Clock | None = None,
        *,
        url: str | None = None,
        merchant: str = "M1000001",
        answer_seconds: float = 5.0,
    ) -> SandboxPay:
        """Our side of the wire; `url` leads it to somebody who only claims to be the provider."""
        return SandboxPay(
            base_url=url or self.url,
            keys=SandboxKeys(self.folder / "keys"),
            clock=clock or SystemClock(),
            merchant=merchant,
            answer_seconds=answer_seconds,
        )

    async def script(self, number: str | None, *rules: dict[str, Any]) -> None:
        """Misbehave for one number (None: for all)."""
        answer = await self.web.post("/script", json={"number": number, "rules": list(rules)})
        assert answer.is_success, answer.text

    async def end_script(self) -> None:
        await self.web.post("/script/end")

    async def effects(self, number: str) -> dict[str, int]:
        """What really happened for a number, e.g. {"capture": 1}."""
        said = (await self.web.get("/effects")).json()["effects"]
        return {name.partition(":")[0]: times for name, times in said.items() if name.partition(":")[2] == number}

    async def calls(self, number: str) -> dict[str, int]:
        """How often we asked about a number, e.g. {"refund": 1, "refund_query": 2}."""
        said = (await self.web.get("/effects")).json()["calls"]
        return {name.partition(":")[0]: times for name, times in said.items() if name.partition(":")[2] == number}

    async def pay(self, pay_url: str, choice: str = "pay") -> httpx2.Response:
        """The payer presses a button of the pay page."""
        return await self.web.post(pay_url, data={"choice": choice}, follow_redirects=False)


class Mailbox:
    """A small HTTP server that keeps every callback and answers what it is told to (`statuses`, then 200)."""

    def __init__(self) -> None:
        self.letters: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.origin = self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self.url = f"{self.origin}/callback"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.letters.append((headers, body))
            status = self.statuses.pop(0) if self.statuses else 200
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def about(self, number: str) -> list[tuple[dict[str, str], bytes]]:
        return [letter for letter in self.letters if f'"{number}"'.encode() in letter[1]]

    async def wait(self, number: str, count: int = 1, seconds: float = 10) -> list[tuple[dict[str, str], bytes]]:
        """The callbacks about a number, once there are `count` of them."""
        for _ in range(int(seconds / 0.02)):
            if len(self.about(number)) >= count:
                return self.about(number)
            await asyncio.sleep(0.02)
        raise TimeoutError(f"{len(self.about(number))} of {count} callbacks about {number} came")


class Parrot:
    """Somebody on the line who asks the provider once and then repeats that answer to every question."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answer = b""
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readuntil(b"\r\n\r\n")
        if not self._answer:
            there, here = await asyncio.open_connection("127.0.0.1", self._port)
            here.write(question.replace(b"keep-alive", b"close"))
            self._answer = await there.read()
            here.close()
        writer.write(self._answer)
        await writer.drain()
        writer.close()
