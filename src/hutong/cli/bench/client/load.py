"""The loop: so many connections, each with one request on its way, kept alive and never ahead of its answer.

It behaves as a good client does. A server that says 503 with Retry-After is asked again after that time, and a
connection that died without an answer is made anew, both with the same request and so with the same key: what became
of the first try is then known. A request that got no answer in three tries, or another answer than the plan expects,
is an error.
"""

import selectors
import socket
from heapq import heappop, heappush
from time import perf_counter, process_time
from typing import Any

from hutong.cli.bench.client.plan import Flow, Over, Plan
from hutong.cli.bench.client.tally import FAILED, OK, REFUSED, Tally
from hutong.cli.bench.client.wire import Answer, Broken, closes, parse, wait_of, word

CODE = b'"code":"'
TRIES = 3
LONGEST_WAIT = 2.0  # seconds; of what Retry-After asks
PATIENCE = 30.0  # seconds for what is on its way when the time is over
PIECE = 256 * 1024


class Line:
    """One connection, and the flow on it."""

    __slots__ = ("began", "buffer", "flow", "number", "request", "sock", "tries")

    def __init__(self, number: int) -> None:
        self.number, self.tries, self.began = number, 0, 0.0
        self.sock: socket.socket | None = None
        self.flow: Flow | None = None
        self.request = b""
        self.buffer = bytearray()


class Load:
    """A load by a plan. `run` may be called again: connections are kept."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tally = Tally(plan.kinds)
        self._lines = [Line(n) for n in range(plan.connections)]
        self._selector = selectors.DefaultSelector()
        self._later: list[tuple[float, int]] = []
        self._open = 0
        self._until, self._most = 0.0, 0

    def run(self, seconds: float, most: int = 0) -> tuple[Tally, dict[str, Any]]:
        """Load for so long (or until so many flows have begun), then wait for what is on its way."""
        self._tally = tally = Tally(self._plan.kinds)
        began, cpu = perf_counter(), process_time()
        self._until, self._most = began + seconds, most
        for line in self._lines:
            if line.sock is None:
                self._connect(line)
            self._next(line)
        self._turn()
        for line in self._lines:
            if line.flow is not None:
                self._fail(line, "no answer in time", go_on=False)
                self._hang_up(line)
        return tally, tally.shown(began, process_time() - cpu)

    def close(self) -> None:
        for line in self._lines:
            self._hang_up(line)
        self._selector.close()

    def _turn(self) -> None:
        last = self._until + PATIENCE
        while self._open:
            now = perf_counter()
            if now > last:
                return
            wait = last - now
            if self._later:
                wait = max(0.0, min(wait, self._later[0][0] - now))
            for key, _ in self._selector.select(wait):
                self._read(key.data)
            while self._later and self._later[0][0] <= perf_counter():
                line = self._lines[heappop(self._later)[1]]
                if line.flow is not None:
                    self._send(line)

    # One connection

    def _connect(self, line: Line) -> bool:
        self._hang_up(line)
        try:
            sock = socket.create_connection((self._plan.host, self._plan.port), timeout=10)
        except OSError:
            return False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        line.sock = sock
        line.buffer.clear()
        self._selector.register(sock, selectors.EVENT_READ, line)
        return True

    def _hang_up(self, line: Line) -> None:
        if line.sock is not None:
            self._selector.unregister(line.sock)
            line.sock.close()
            line.sock = None

    def _next(self, line: Line) -> None:
        """A new flow on this connection, unless the time is over."""
        line.flow = None
        tally = self._tally
        if perf_counter() >= self._until or (self._most and tally.begun >= self._most):
            return
        try:
            line.flow = self._plan.flow()
        except Over:
            return
        tally.begun += 1
        self._open += 1
        self._begin(line)

    def _begin(self, line: Line) -> None:
        assert line.flow is not None
        line.request, line.tries, line.began = self._plan.request(line.flow), 0, perf_counter()
        self._send(line)

    def _send(self, line: Line) -> None:
        if line.sock is None and not self._connect(line):
            self._lost(line)
            return
        assert line.sock is not None
        try:
            sent = line.sock.send(line.request)
            if sent < len(line.request):  # the buffer of a socket holds many requests: this is a server that hangs
                line.sock.setblocking(True)
                line.sock.sendall(line.request[sent:])
                line.sock.setblocking(False)
        except OSError:
            self._lost(line)

    def _lost(self, line: Line) -> None:
        """The connection died before an answer: the same request again, after a breath."""
        self._hang_up(line)
        line.tries += 1
        if line.tries >= TRIES:
            self._fail(line, "the connection was lost")
            return
        self._tally.again += 1
        heappush(self._later, (perf_counter() + 0.05 * line.tries, line.number))

    def _read(self, line: Line) -> None:
        assert line.sock is not None
        try:
            data = line.sock.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            if line.flow is None:
                self._hang_up(line)
            else:
                self._lost(line)
            return
        try:
            if line.buffer:
                line.buffer += data
                answer = parse(line.buffer)
            else:
                answer = parse(data)
        except Broken as error:
            self._hang_up(line)
            self._fail(line, str(error))
            return
        if answer is None:
            if not line.buffer:
                line.buffer += data
            return
        line.buffer.clear()
        if line.flow is not None:
            self._answered(line, line.flow, answer)

    def _answered(self, line: Line, flow: Flow, answer: Answer) -> None:
        status, body, step = answer.status, answer.body, flow.step
        if b"lose" in answer.head and closes(answer.head):  # a cheap look before the real one
            self._hang_up(line)
        if 200 <= status < 300:
            now = perf_counter()
            self._tally.add(step.kind, OK, now, now - line.began)
            if step.keep is not None:
                self._tally.kept.append(word(body, step.keep))
            for name, marker in step.take:
                flow.got[name] = word(body, marker)
            self._forward(line, flow)
        elif status == 503:
            self._tally.busy += 1
            heappush(self._later, (perf_counter() + wait_of(answer.head, LONGEST_WAIT), line.number))
        else:
            self._refused(line, step.refusals, status, word(body, CODE))

    def _refused(self, line: Line, expected: frozenset[bytes], status: int, code: bytes) -> None:
        if code not in expected:
            self._fail(line, f"{status} {code.decode() or 'without a code'}")
            return
        assert line.flow is not None
        now = perf_counter()
        self._tally.add(line.flow.step.kind, REFUSED, now, now - line.began)
        self._tally.refused[code.decode()] += 1
        self._over(line)

    def _forward(self, line: Line, flow: Flow) -> None:
        flow.number += 1
        if flow.number < len(flow.recipe.steps):
            flow.step = flow.recipe.steps[flow.number]
            self._begin(line)
        else:
            self._tally.flows += 1
            flow.end()
            self._over(line)

    def _fail(self, line: Line, why: str, *, go_on: bool = True) -> None:
        assert line.flow is not None
        now = perf_counter()
        self._tally.add(line.flow.step.kind, FAILED, now, now - line.began)
        self._tally.errors[f"{line.flow.step.name}: {why}"] += 1
        self._over(line, go_on=go_on)

    def _over(self, line: Line, *, go_on: bool = True) -> None:
        self._open -= 1
        line.flow = None
        if go_on:
            self._next(line)
