"""Fixtures that every test may use: a real PostgreSQL, a fresh database for each test, the clock."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from hutong.infra.audit import audit
from hutong.infra.db import Database
from hutong.infra.embedded import temporary
from hutong.kit.clock import ManualClock
from tests.auditing import audit_touched
from tests.scheduling import Scheduling, everything_stays, longest_first, mark_those_on_the_server
from tests.schema import build_schema, create_copy, with_database

if TYPE_CHECKING:
    from tests.towns import Towns

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # Friday 12:00 in Asia/Shanghai


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The address of a server on which this run may create databases: external by setting, else embedded."""
    external = os.environ.get("HUTONG_TEST_DATABASE_URL")
    if external:
        yield external
        return
    with temporary(in_memory=True) as server:
        yield server.admin_url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """A database with the whole schema, from which each test gets a copy."""
    name = f"hutong_template_{uuid4().hex[:10]}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"create database \"{name}\" template template0 encoding 'UTF8'".encode())
    build_schema(with_database(server_url, name))
    yield name
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'drop database if exists "{name}" with (force)'.encode())


@pytest.fixture(scope="session")
def towns(server_url: str, template: str) -> Iterator["Towns"]:
    """Databases with the small town in them, to copy."""
    from tests.towns import Towns  # the whole application: only for tests that want it

    made = Towns(server_url, template)
    yield made
    made.close()


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh database for one test."""
    name = f"hutong_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        create_copy(conn, name, template)
    yield with_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'drop database if exists "{name}" with (force)'.encode())


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database without any table."""
    name = f"hutong_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"create database \"{name}\" template template0 encoding 'UTF8'".encode())
    yield with_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'drop database if exists "{name}" with (force)'.encode())


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """The doors to a fresh database."""
    database = await Database(database_url).open()
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at noon of a Friday in Asia/Shanghai."""
    return ManualClock(NOON)


@pytest.fixture
def now(clock: ManualClock) -> datetime:
    return clock.now()


async def audit_clean(db: Database) -> bool:
    """True when no invariant of any package is broken; shows the broken ones otherwise."""
    async with db.snapshot() as tx:
        broken = await audit_touched(tx)
    assert not broken, broken
    return True


async def fires(db: Database, code: str) -> bool:
    """Whether the invariant `code` finds something: used by the test that seeds its violation."""
    async with db.snapshot() as tx:
        return bool(await audit(tx, only=code))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Find the tests."""
    with everything_stays():
        return (yield)


class Marks:
    """Before pytest looks which tests were asked for by their marks."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        mark_those_on_the_server(items)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Marks())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    return Scheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one xdist_group go to one worker. xdist 3.8 writes the group to where pytest 9.2 no longer looks for
    the name of a test, so groups were torn apart (tests/unit/test_groups.py)."""
    if not config.getoption("loadgroup", False):
        return
    longest_first(items)
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark and "@" not in item.nodeid.rpartition("]")[2].rpartition("::")[2]:
            item._id = type(item.id).parse(f"{item.nodeid}@{mark.args[0]}")
