"""Databases and the role that owns them, in a running embedded server."""

import re

import psycopg
from psycopg import sql

from hutong.infra.embedded.cluster import OWNER

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
KEPT = ("postgres", "template0", "template1")


def _named(name: str) -> sql.Identifier:
    if not NAME.fullmatch(name) or name in KEPT:
        raise ValueError(f"not a database name for us: {name!r}")
    return sql.Identifier(name)


def _connect(admin_url: str) -> psycopg.Connection:
    return psycopg.connect(admin_url, autocommit=True, connect_timeout=10)


def ensure(admin_url: str, *, name: str, password: str) -> None:
    """The owner (not a superuser, may create databases) with this password, and a database of his."""
    with _connect(admin_url) as conn:
        role = sql.Identifier(OWNER)
        if not conn.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
            conn.execute(sql.SQL("create role {} login createdb").format(role))
        conn.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))
    create(admin_url, name=name, if_absent=True)


def create(admin_url: str, *, name: str, template: str | None = None, if_absent: bool = False) -> None:
    """A new database of the owner, empty or a copy of `template` (to which nobody may be connected)."""
    with _connect(admin_url) as conn:
        if if_absent and conn.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return
        source = sql.Identifier("template1") if template is None else _named(template)
        statement = sql.SQL("create database {} owner {} template {}")
        conn.execute(statement.format(_named(name), sql.Identifier(OWNER), source))


def drop(admin_url: str, *, name: str) -> None:
    """Remove a database and whoever is connected to it; nothing happens when it is not there."""
    with _connect(admin_url) as conn:
        conn.execute(sql.SQL("drop database if exists {} with (force)").format(_named(name)))
