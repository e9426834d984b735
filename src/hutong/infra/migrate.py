"""Bringing a database to the newest schema: extensions, PostgreSQL schemas, Alembic migrations, the task queue."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from hutong.infra import tasks
from hutong.infra.db import Tx
from hutong.infra.tables import EXTENSIONS, metadata

FOLDER = Path(__file__).parent / "migrations"
# Two processes that start together migrate one after the other. Whoever waits asks for the turn again and again: a
# statement that waits keeps a snapshot, and an index that is built beside a living city waits for older snapshots. The
# lock is what earlier versions wait for with a statement; they may pass while such an index is built.
TURN, LOCK = 4_874_001, 4_874_000
_PAUSE_S = 0.1


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made here so that no ini file is needed."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s")
    made.attributes["connection"] = connection
    made.attributes["metadata"] = metadata
    return made


def engine(url: str) -> Engine:
    """A SQLAlchemy engine for schema work; the house itself never uses one."""
    return create_engine("postgresql+psycopg://", connect_args=conninfo_to_dict(url), poolclass=NullPool)


@cache
def head() -> str:
    """The newest revision that this version of the house knows."""
    found = ScriptDirectory(str(FOLDER)).get_current_head()
    assert found is not None
    return found


def current(url: str) -> str | None:
    """The revision at which a database stands; None for an empty one."""
    made = engine(url)
    with made.connect() as connection:
        return MigrationContext.configure(
            connection, opts={"version_table": "migrations", "version_table_schema": "infra"}
        ).get_current_revision()


async def at_head(tx: Tx) -> bool:
    """Whether the database stands at the newest revision that we know, or beyond it: for /readyz. Migrations run with
    yesterday's code, so yesterday's servers stay ready while the new ones come up."""
    found = await tx.value("select version_num from infra.migrations")
    return found is not None and (found == head() or beyond(found))


def beyond(revision: str) -> bool:
    """Whether a later version of the house has migrated to this revision; revisions are numbered in their order."""
    return int(revision.partition("_")[0]) > int(head().partition("_")[0])


class Examined(Struct, frozen=True):
    """What `hutong doctor` wants to know of a database: None for `trouble` when it answered."""

    trouble: str | None
    version: int = 0
    revision: str | None = None
    reads_chinese: bool = False


def examine(url: str) -> Examined:
    """Ask a database for its version, its schema, and whether trigrams see Chinese letters (LC_CTYPE C does not)."""
    try:
        with psycopg.connect(url, connect_timeout=5) as conn:
            row = conn.execute("select similarity('胡同面馆', '胡同面馆') = 1").fetchone()
            version = conn.info.server_version // 10_000
    except psycopg.Error as error:
        return Examined(trouble=str(error))
    return Examined(None, version, current(url), bool(row and row[0]))


def prepare(url: str) -> None:
    """Extensions and the schema in which the migrations note how far they are."""
    with psycopg.connect(url, autocommit=True) as conn:
        for name in EXTENSIONS:
            conn.execute(f"create extension if not exists {name}".encode())
        conn.execute(b"create schema if not exists infra")


def migrate(url: str, *, to: str = "head") -> str | None:
    """Bring the database to `to`; the revision it stands at afterwards. Safe to run twice and at once. A database that
    a later version has migrated stays as it is, so that a server of yesterday can start again during an upgrade."""
    with psycopg.connect(url, autocommit=True) as guard:
        while not _taken(guard, TURN):
            time.sleep(_PAUSE_S)
        guard.execute("select pg_advisory_lock(%s)", [LOCK])
        prepare(url)
        held = current(url)
        if to == "head" and held is not None and beyond(held):
            return held
        made = engine(url)
        with made.connect() as connection:
            plan = config(connection)
            plan.attributes["guard"] = guard
            command.upgrade(plan, to)
            connection.commit()
        tasks.install(url)
    return current(url)


def _taken(guard: psycopg.Connection[Any], key: int) -> bool:
    row = guard.execute("select pg_try_advisory_lock(%s)", [key]).fetchone()
    return bool(row and row[0])


@contextmanager
def let_pass(plan: Config) -> Iterator[None]:
    """Servers of earlier versions that start meanwhile do not wait: nothing is left for them to migrate, and what is
    done here would wait for their waiting."""
    guard: psycopg.Connection[Any] | None = plan.attributes.get("guard")
    if guard is None:
        yield
        return
    guard.execute("select pg_advisory_unlock(%s)", [LOCK])
    try:
        yield
    finally:
        guard.execute("select pg_advisory_lock(%s)", [LOCK])


def differences(url: str) -> list[Any]:
    """What the migrated schema and the metadata disagree about: nothing, when all is well."""
    from alembic.autogenerate import compare_metadata

    made = engine(url)
    with made.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_schemas": True, "include_name": _ours})
        return list(compare_metadata(context, metadata))


def _ours(name: str | None, kind: str, parents: Any) -> bool:
    if kind == "schema":
        return name in {table.schema for table in metadata.tables.values()}
    return not (kind == "table" and (name or "").startswith(("migrations", "procrastinate")))
