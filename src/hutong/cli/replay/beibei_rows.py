"""The recorded groups: a line of a file becomes a value, or a reason why it cannot be one. Pure.

The columns are those of the BeiBei data: initiator, item, and in the file of those that clinched the participants,
separated by tabs (within one cell also by commas). No time, price or quantity was recorded.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

MOST = 100  # people of one team: as many as a team of the house may have
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


class Unreadable(ValueError):
    """Why one line cannot be replayed."""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """A group as it was: who opened it for what, and who joined (nobody: it failed)."""

    line: int
    initiator: int
    item: int
    joined: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many people the team needs: those who were in it; of a team that failed, one more than there were."""
        return max(2, 1 + len(self.joined))


class Malformed(Struct, frozen=True):
    """A line that is left out, and why."""

    line: int
    why: str


def read(lines: Iterable[str], *, clinched: bool) -> tuple[list[Row], list[Malformed]]:
    """The rows in the order of the file, and the lines that are none. Blank lines are neither."""
    rows: list[Row] = []
    wrong: list[Malformed] = []
    for number, line in enumerate(lines, 1):
        text = line.removeprefix("\ufeff") if number == 1 else line
        if not text.strip():
            continue
        try:
            rows.append(_row(number, text.rstrip("\r\n"), clinched=clinched))
        except Unreadable as why:
            wrong.append(Malformed(number, str(why)))
    return rows, wrong


def _row(number: int, text: str, *, clinched: bool) -> Row:
    cells = text.rstrip("\t ").split("\t")
    if len(cells) < 2:
        raise Unreadable("an initiator and an item were expected, separated by a tab")
    people = [name for cell in cells[2:] for name in cell.split(",")]
    initiator, item, *joined = (_number(cell) for cell in (cells[0], cells[1], *people))
    if clinched and not joined:
        raise Unreadable("a group that clinched has no participant")
    if not clinched and joined:
        raise Unreadable("a group that failed has a participant")
    if len({initiator, *joined}) < 1 + len(joined):
        raise Unreadable("somebody is in it twice")
    if 1 + len(joined) > MOST:
        raise Unreadable(f"more than {MOST} people")
    return Row(line=number, initiator=initiator, item=item, joined=tuple(joined))


def _number(cell: str) -> int:
    if not _NUMBER.fullmatch(cell.strip()):
        raise Unreadable(f"{cell[:40]!r} is no number")
    return int(cell)
