"""Making a violation on purpose, against everything that stands in its way."""

from collections.abc import Sequence

import psycopg


def break_it(url: str, statements: Sequence[str]) -> None:
    """As the superuser of the test's database, with foreign keys asleep: the violation must reach the audit."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("set session_replication_role = replica")
        for statement in statements:
            done = conn.execute(statement.encode())
            assert statement.startswith(("alter", "drop")) or done.rowcount != 0, f"nothing to break: {statement}"
