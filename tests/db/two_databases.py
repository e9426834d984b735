"""Two fresh databases side by side."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg

from tests.schema import create_copy, with_database


@contextmanager
def two(server_url: str, template: str) -> Iterator[tuple[str, str]]:
    """Their addresses; they are gone afterwards."""
    names = [f"hutong_{uuid4().hex[:12]}" for _ in range(2)]
    with psycopg.connect(server_url, autocommit=True) as conn:
        for name in names:
            create_copy(conn, name, template)
    try:
        yield with_database(server_url, names[0]), with_database(server_url, names[1])
    finally:
        with psycopg.connect(server_url, autocommit=True) as conn:
            for name in names:
                conn.execute(f'drop database if exists "{name}" with (force)'.encode())
