"""Installations for tests that break them."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.faults.installation import Installation, an_installation
from tests.schema import create_copy, with_database


@pytest.fixture
async def installation(database_url: str, tmp_path: Path) -> AsyncIterator[Installation]:
    """Everything but servers and workers, which the test starts."""
    async with an_installation(database_url, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
async def shared(
    server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The same, for all tests of a module: starting processes is what such tests spend their time on."""
    name = f"hutong_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        create_copy(conn, name, template)
        async with an_installation(with_database(server_url, name), tmp_path_factory.mktemp("installation")) as found:
            yield found
        conn.execute(f'drop database if exists "{name}" with (force)'.encode())
