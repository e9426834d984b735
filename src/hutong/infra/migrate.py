"""Bringing a database to the newest schema: extensions, PostgreSQL schemas, Alembic migrations, the task queue."""

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
LOCK = 4_874_000  # two processes that start together migrate one after the other


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
    """Whether the database stands at the newest revision: for /readyz."""
    return await tx.value("select version_num from infra.migrations") == head()


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
    """Bring the database to `to`; the revision it stands at afterwards. Safe to run twice and at once."""
    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", [LOCK])
        prepare(url)
        made = engine(url)
        with made.connect() as connection:
            command.upgrade(config(connection), to)
            connection.commit()
        tasks.install(url)
    return current(url)


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
