"""The audit: every package states its invariants as SQL that must return no row."""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from msgspec import Struct

from hutong.infra.db import Tx

_NAME = re.compile(r"^-- name: (?P<code>[A-Z]+\d+) (?P<sentence>.+)$", re.MULTILINE)
SHOWN = 20  # rows of a violation that are kept: enough to start looking


class AuditQuery(Struct, frozen=True):
    """One invariant: its package, its code (L01), its sentence and the query that finds what breaks it."""

    package: str
    code: str
    sentence: str
    sql: str


class Violation(Struct, frozen=True):
    """An invariant that does not hold, with the first rows that show it."""

    package: str
    code: str
    sentence: str
    rows: list[dict[str, Any]]


@cache
def _written() -> tuple[AuditQuery, ...]:
    found: list[AuditQuery] = []
    root = Path(str(files("hutong")))
    for path in sorted(root.glob("*/audit.sql")):
        text = path.read_text(encoding="utf-8")
        heads = list(_NAME.finditer(text))
        for head, following in zip(heads, [*heads[1:], None], strict=True):
            sql = text[head.end() : following.start() if following else None].strip().rstrip(";")
            found.append(AuditQuery(path.parent.name, head["code"], head["sentence"].strip(), sql))
    codes = [query.code for query in found]
    if len(codes) != len(set(codes)):
        raise ValueError("two audit queries share a code")
    return tuple(found)


def queries() -> list[AuditQuery]:
    """All invariants of all packages, in the order of packages and files. Codes are unique."""
    return list(_written())


async def audit(tx: Tx, *, only: str | None = None) -> list[Violation]:
    """Run all invariants (or the one called `only`) in the caller's snapshot; the violations found."""
    return await ask(tx, [query for query in queries() if only is None or query.code == only])


async def ask(tx: Tx, asked: Iterable[AuditQuery]) -> list[Violation]:
    """Run these invariants in the caller's snapshot; the violations found."""
    violations = []
    for query in asked:
        # Materialized, so that it is planned for all of its rows: for the first few the planner would walk an index
        # of the whole table again and again, and as a rule there is none to be found.
        rows = await tx.rows(f"with broken as materialized ({query.sql}) select * from broken limit {SHOWN}")
        if rows:
            violations.append(Violation(query.package, query.code, query.sentence, rows))
    return violations
