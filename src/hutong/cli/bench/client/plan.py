"""What to send: a plan as JSON, and the bytes of its requests.

    {"host": "127.0.0.1", "port": 8000, "connections": 64, "seconds": 10, "most": 0, "warm_s": 1, "seed": 1,
     "sources": {"members": {"order": "cycle", "rows": [["token"], ...]}},
     "flows": [{"name": "buy", "weight": 1, "steps": [{"kind": "order", "head": "POST /x HTTP/1.1\\r\\n...",
                "body": "...", "refusals": ["sold_out"], "take": {"proof": "\\"proof\\":\\""},
                "keep": "\\"id\\":\\""}]}]}

In heads and bodies <<members.0>> is the first column of the row of `members` that this flow drew, <<key>> a key that
was never used before, <<got.proof>> what an earlier step took out of its answer. The orders of a source: `cycle`,
`random`, or `once`: when it is used up, its flows are over. `codes`: rows of a member and the secret of his code; the
first column is then the code that he shows, and he comes again when the flow has ended well.
"""

import json
import random
import re
import secrets
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

from hutong.cli.bench.client.guests import Guests

PLACE = re.compile(r"<<([a-z_]+)(?:\.([a-z0-9_]+))?>>")
Fill = Callable[["Flow"], bytes]


class Over(Exception):
    """A source that gives each row once has no more."""


class Source:
    """Rows that flows draw from."""

    def __init__(self, order: str, rows: list[tuple[bytes, ...]], dice: random.Random) -> None:
        self._order, self._rows, self._dice, self._next = order, rows, dice, 0
        self._guests = Guests(rows) if order == "codes" else None

    def draw(self) -> tuple[bytes, ...]:
        """The next row. Raises Over."""
        if self._guests is not None:
            shown = self._guests.draw()
            if shown is None:
                raise Over
            return shown
        if self._order == "random":
            return self._rows[int(self._dice.random() * len(self._rows))]
        number = self._next
        if number >= len(self._rows):
            if self._order == "once":
                raise Over
            number = 0
        self._next = number + 1
        return self._rows[number]

    def give_back(self, row: tuple[bytes, ...]) -> None:
        """The flow that drew the row has ended well."""
        if self._guests is not None:
            self._guests.give_back(row)


class Step:
    """One request of a flow, ready to be filled in."""

    __slots__ = ("body", "head", "keep", "kind", "name", "refusals", "take")

    def __init__(self, given: dict[str, Any], kind: int) -> None:
        self.name, self.kind = given["kind"], kind
        self.head, self.body = _parts(given["head"]), _parts(given.get("body", ""))
        self.refusals = frozenset(code.encode() for code in given.get("refusals", ()))
        self.take = [(name, marker.encode()) for name, marker in given.get("take", {}).items()]
        keep = given.get("keep")
        self.keep = keep.encode() if keep else None


class Recipe:
    """A flow as the plan describes it: the steps, and the sources of which it draws a row each."""

    def __init__(self, steps: list[Step], sources: dict[str, Source]) -> None:
        self.steps = steps
        parts = [part for step in steps for part in (*step.head, *step.body) if isinstance(part, tuple)]
        self.sources = {name: sources[name] for name, _ in parts if name in sources}


class Flow:
    """One run through the steps of a recipe."""

    __slots__ = ("began", "got", "number", "recipe", "rows", "step", "tries")

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.number, self.got, self.tries, self.began = recipe, 0, {}, 0, 0.0
        self.rows = {name: source.draw() for name, source in recipe.sources.items()}
        self.step = recipe.steps[0]

    def end(self) -> None:
        """All steps went well."""
        for name, source in self.recipe.sources.items():
            source.give_back(self.rows[name])


class Keys:
    """Keys that nobody used before: this process's own number and a count."""

    def __init__(self) -> None:
        self._own, self._count = secrets.token_hex(8), 0

    def __call__(self) -> bytes:
        self._count += 1
        return f"{self._own}-{self._count:x}".encode()


class Plan:
    """A plan that was read, with the dice to choose flows by their weight."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.host, self.port, self.connections = given["host"], int(given["port"]), int(given["connections"])
        self.seconds, self.warm_s, self.most = float(given["seconds"]), float(given["warm_s"]), int(given["most"])
        self._dice = random.Random(given.get("seed", 1))  # noqa: S311 (a load that can be sent again)
        self._key = Keys()
        sources = {
            name: Source(one["order"], [tuple(str(v).encode() for v in row) for row in one["rows"]], self._dice)
            for name, one in given["sources"].items()
        }
        self.kinds: list[str] = []
        self._recipes = [Recipe([self._step(s) for s in flow["steps"]], sources) for flow in given["flows"]]
        self._until = list(accumulate(float(flow.get("weight", 1)) for flow in given["flows"]))

    @classmethod
    def read(cls, path: Path) -> "Plan":
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def _step(self, given: dict[str, Any]) -> Step:
        if given["kind"] not in self.kinds:
            self.kinds.append(given["kind"])
        return Step(given, self.kinds.index(given["kind"]))

    def flow(self) -> Flow:
        """A new flow, chosen by weight. Raises Over when a source of it is used up."""
        if len(self._recipes) == 1:
            return Flow(self._recipes[0])
        at = self._dice.random() * self._until[-1]
        return Flow(next(r for r, until in zip(self._recipes, self._until, strict=True) if at < until))

    def request(self, flow: Flow) -> bytes:
        """The bytes of the flow's next request, with a key of its own: sent again as they are, they are the same."""
        step = flow.step
        body = self._fill(step.body, flow) if step.body else b""
        head = self._fill(step.head, flow)
        return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body) if body else head + b"\r\n"

    def _fill(self, parts: list[bytes | tuple[str, str]], flow: Flow) -> bytes:
        filled: list[bytes] = []
        for part in parts:
            if isinstance(part, bytes):
                filled.append(part)
            elif part[0] == "key":
                filled.append(self._key())
            elif part[0] == "got":
                filled.append(flow.got[part[1]])
            else:
                filled.append(flow.rows[part[0]][int(part[1])])
        return b"".join(filled)


def _parts(text: str) -> list[bytes | tuple[str, str]]:
    parts: list[bytes | tuple[str, str]] = []
    at = 0
    for found in PLACE.finditer(text):
        if found.start() > at:
            parts.append(text[at : found.start()].encode())
        parts.append((found[1], found[2] or ""))
        at = found.end()
    if at < len(text):
        parts.append(text[at:].encode())
    return parts
