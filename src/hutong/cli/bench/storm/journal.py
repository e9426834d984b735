"""What clients were told, kept outside PostgreSQL: written down before the client goes on."""

import os
from collections import Counter
from pathlib import Path
from typing import Literal, Self

import msgspec
from msgspec import Struct

Outcome = Literal["ok", "refused", "busy", "unknown"]


class Entry(Struct, frozen=True, kw_only=True):
    """One answer, or the lack of one. said: the id of what was made, or the code of the refusal, or what went wrong."""

    op: str
    key: str
    outcome: Outcome
    said: str = ""


class Told(Struct):
    """All that was said about one key."""

    made: set[str] = msgspec.field(default_factory=set)
    refused: set[str] = msgspec.field(default_factory=set)
    asked: int = 0

    @property
    def known(self) -> bool:
        return bool(self.made or self.refused)

    @property
    def agrees(self) -> bool:
        """Whether nobody was told two things: two effects, two refusals, or an effect and a refusal."""
        return len(self.made) + len(self.refused) <= 1


class Journal:
    """Appended entry by entry. The machine is not what dies here, so an entry need not be synced to its disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.told: dict[tuple[str, str], Told] = {}
        self.outcomes: Counter[str] = Counter()
        self.strange: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def note(self, op: str, key: str, outcome: Outcome, said: str = "") -> None:
        """Write down one answer."""
        entry = Entry(op=op, key=key, outcome=outcome, said=said)
        os.write(self._handle, msgspec.json.encode(entry) + b"\n")
        self.outcomes[outcome] += 1
        told = self.told.setdefault((op, key), Told())
        told.asked += 1
        if outcome == "ok":
            told.made.add(said)
        elif outcome == "refused":
            told.refused.add(said)

    def defect(self, op: str, said: str) -> None:
        """An answer that no honest server gives: a fault, or what cannot be understood."""
        self.strange[f"{op}: {said}"] += 1

    def made(self, op: str) -> list[str]:
        """The ids that were acknowledged, each once for each key."""
        return [one for (name, _), told in self.told.items() if name == op for one in told.made]

    def refused(self, op: str) -> Counter[str]:
        """How many keys were refused, by code."""
        return Counter(code for (name, _), told in self.told.items() if name == op for code in told.refused)

    def unknown(self, op: str) -> list[str]:
        """The keys of which nobody knows what came of them."""
        return [key for (name, key), told in self.told.items() if name == op and not told.known]

    def torn(self, op: str) -> list[str]:
        """The keys that were told two different things."""
        return [key for (name, key), told in self.told.items() if name == op and not told.agrees]
