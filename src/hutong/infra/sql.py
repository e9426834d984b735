"""Long statements live in `.sql` files beside the module that runs them. What a statement writes stands in its text."""

import re
from functools import cache, lru_cache
from importlib.resources import files

_WRITES = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?)\s+(?:only\s+)?([a-z_]+\.[a-z_]+)",
    re.IGNORECASE,
)


@cache
def load(package: str, name: str) -> str:
    """The text of `<name>.sql` in `package` (pass __package__). Read once per process."""
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")


@lru_cache(maxsize=4_000)
def written(sql: str) -> frozenset[str]:
    """The tables ("package.name") that a statement inserts into, updates or deletes from, also within its WITH."""
    return frozenset(_WRITES.findall(sql))
