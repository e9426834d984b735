"""The audit: every package states its invariants as SQL that must return no row."""

import re
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


def queries() -> list[AuditQuery]:
    """All invariants of all packages, in the order of packages and files. Codes are unique."""
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
    return found


async def audit(tx: Tx, *, only: str | None = None) -> list[Violation]:
    """Run all invariants (or the one called `only`) in the caller's snapshot; the violations found."""
    violations = []
    for query in queries():
        if only is not None and query.code != only:
            continue
        rows = await tx.rows(f"select * from ({query.sql}) as broken limit {SHOWN}")
        if rows:
            violations.append(Violation(query.package, query.code, query.sentence, rows))
    return violations
