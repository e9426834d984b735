"""What clients were told, kept outside PostgreSQL: each line is on the disk before the client goes on."""

import os
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct

Outcome = Literal["ok", "fail", "unknown"]


class Entry(Struct, frozen=True, kw_only=True):
    """One answer, or the lack of one."""

    op: str
    key: str
    outcome: Outcome
    said: Any = None


class Journal:
    """Appended and synced, entry by entry."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def note(self, op: str, key: str, outcome: Outcome, said: Any = None) -> None:
        os.write(self._handle, msgspec.json.encode(Entry(op=op, key=key, outcome=outcome, said=said)) + b"\n")
        os.fdatasync(self._handle)

    def entries(self, op: str, outcome: Outcome) -> list[Entry]:
        found = [msgspec.json.decode(line, type=Entry) for line in self._path.read_bytes().splitlines()]
        return [entry for entry in found if entry.op == op and entry.outcome == outcome]
