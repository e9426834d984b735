"""Asking an API as an honest but rough client: with keys, and every answer written down."""

import asyncio
import json
from typing import Any

from hutong.cli.bench.client.wire import Answer, wait_of
from hutong.cli.bench.storm.journal import Journal, Outcome
from hutong.cli.bench.storm.line import Line, Lost, NotSent

LONGEST_WAIT = 2.0  # seconds; of what Retry-After asks
UNKNOWN = "outcome_unknown"  # the code of a 503 after which the effect may be there


def request(method: str, path: str, *, token: str, key: str = "", body: Any = None) -> bytes:
    """The bytes of one request of the API."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} /api/v1{path} HTTP/1.1", "host: 127.0.0.1", "accept: application/json",
        f"authorization: Bearer {token}", f"content-length: {len(content)}",
    ]  # fmt: skip
    if content:
        lines.append("content-type: application/json")
    if key:
        lines.append(f"idempotency-key: {key}")
    return "\r\n".join([*lines, "", ""]).encode() + content


class Said:
    """An answer, understood."""

    __slots__ = ("body", "code", "outcome", "wait_s")
    outcome: Outcome

    def __init__(self, outcome: Outcome, body: dict[str, Any], code: str, wait_s: float = 0.0) -> None:
        self.outcome, self.body, self.code, self.wait_s = outcome, body, code, wait_s


def understand(answer: Answer) -> Said:
    """2xx is done; 503 is busy (nothing was done), or unknown when it says so; 4xx is refused; all else is a fault."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {"items": body}
    code = str(body.get("code", ""))
    if 200 <= answer.status < 300:
        return Said("ok", body, "")
    if answer.status == 503:
        return Said("unknown" if code == UNKNOWN else "busy", body, code, wait_of(answer.head, LONGEST_WAIT))
    if 400 <= answer.status < 500 and code:
        return Said("refused", body, code)
    return Said("unknown", body, f"fault {answer.status}")


class Client:
    """Asks on lines of a pool. losses: requests without an answer; cut_off: those of them that had been sent."""

    def __init__(self, host: str, port: int, journal: Journal) -> None:
        self._host, self._port, self.journal = host, port, journal
        self._idle: list[Line] = []
        self.requests = self.losses = self.cut_off = self.busy = 0

    async def once(self, op: str, key: str, wire: bytes) -> Said:
        """One request and its entry; a lost connection is an unknown outcome."""
        line = self._idle.pop() if self._idle else Line(self._host, self._port)
        self.requests += 1
        try:
            said = understand(await line.ask(wire))
        except Lost as error:
            self.losses += 1
            self.cut_off += not isinstance(error, NotSent)
            said = Said("unknown", {}, str(error), 0.1)
        finally:
            self._idle.append(line)
        if said.code.startswith("fault"):
            self.journal.defect(op, said.code)
        if said.outcome == "busy":
            self.busy += 1
        if key:
            made = said.body.get("id", "")
            self.journal.note(op, key, said.outcome, str(made) if said.outcome == "ok" else said.code)
        return said

    async def until_known(self, op: str, key: str, wire: bytes, *, patience_s: float = 180) -> Said:
        """The same request, again and again until it is done or refused; a server may need a while to come back."""
        until = asyncio.get_running_loop().time() + patience_s
        said = await self.once(op, key, wire)
        while said.outcome in ("busy", "unknown") and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(max(said.wait_s, 0.05))
            said = await self.once(op, key, wire)
        return said

    async def cut(self, op: str, key: str, wire: bytes, *, after_s: float) -> None:
        """Send it and hang up."""
        line = Line(self._host, self._port)
        self.requests += 1
        self.journal.note(op, key, "unknown", "cut")
        try:
            await line.abandon(wire, after_s=after_s)
        except Lost:
            self.losses += 1

    def close(self) -> None:
        for line in self._idle:
            line.cut()
        self._idle.clear()
