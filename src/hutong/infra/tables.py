"""The one metadata on which every package's `_tables.py` registers, and the column types they share."""

from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.types import UserDefinedType

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

# Trusted extensions only: a managed PostgreSQL lets the owner of the database create them.
EXTENSIONS = ("cube", "pg_trgm", "btree_gist")


class Cube(UserDefinedType[str]):
    """PostgreSQL's cube: a store's place as metres from the centre of the earth (kit.geo.earth_vector)."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "cube"


def city_table(name: str, *parts: Any) -> Table:
    """A table sharded by city. `name` is "package.table"; city_id comes first, also in the primary key."""
    schema, table = name.split(".")
    return Table(table, metadata, Column("city_id", Integer, primary_key=True), *parts, schema=schema)


def other_table(name: str, *parts: Any) -> Table:
    """A table that is placed by member, by another key, or on every node; see `placement`."""
    schema, table = name.split(".")
    return Table(table, metadata, *parts, schema=schema)


def schemas() -> list[str]:
    """The PostgreSQL schemas of all registered tables: one for each package."""
    return sorted({table.schema for table in metadata.tables.values() if table.schema})
