"""The schema for tests."""

import importlib
import pkgutil
from urllib.parse import urlsplit

import psycopg

import hutong
from hutong.infra.migrate import migrate


def load_tables() -> None:
    """Import every `_tables.py` so that the metadata is whole."""
    for module in pkgutil.iter_modules(hutong.__path__):
        if module.ispkg:
            for inner in pkgutil.iter_modules([f"{hutong.__path__[0]}/{module.name}"]):
                if inner.name == "_tables":
                    importlib.import_module(f"hutong.{module.name}._tables")


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def build_schema(url: str) -> None:
    """The newest schema in an empty database, by the migrations that everybody runs."""
    migrate(url)


def create_copy(conn: psycopg.Connection, name: str, template: str) -> None:
    """A new database, like the template. Its files are copied: page by page through the log, which is what PostgreSQL
    does unasked, a copy costs twice as much."""
    conn.execute(f'create database "{name}" template "{template}" strategy file_copy'.encode())
