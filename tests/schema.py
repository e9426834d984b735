"""The schema for tests: every package's tables, made from the metadata."""

import importlib
import pkgutil

import psycopg
from sqlalchemy import create_engine

import hutong
from hutong.infra.tables import EXTENSIONS, metadata, schemas
from hutong.infra.tasks import install


def load_tables() -> None:
    """Import every `_tables.py` so that the metadata is whole."""
    for module in pkgutil.iter_modules(hutong.__path__):
        if module.ispkg:
            for inner in pkgutil.iter_modules([f"{hutong.__path__[0]}/{module.name}"]):
                if inner.name == "_tables":
                    importlib.import_module(f"hutong.{module.name}._tables")


def build_schema(url: str) -> None:
    """Extensions, PostgreSQL schemas, tables and the task queue in an empty database."""
    load_tables()
    with psycopg.connect(url, autocommit=True) as conn:
        for name in EXTENSIONS:
            conn.execute(f"create extension if not exists {name}".encode())
        for name in schemas():
            conn.execute(f"create schema if not exists {name}".encode())
    parts = psycopg.conninfo.conninfo_to_dict(url)
    engine = create_engine("postgresql+psycopg://", connect_args=parts)
    metadata.create_all(engine)
    engine.dispose()
    install(url)
