"""The schema a second time, with city tables hash-partitioned: what a cluster would ask of every key and statement."""

import re
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import MetaData, create_engine

from hutong.infra import tasks
from hutong.infra.placement import PLACEMENT
from hutong.infra.tables import EXTENSIONS, metadata, schemas
from tests.schema import load_tables

PARTS = 4


def build_partitioned(url: str) -> None:
    """All tables in an empty database, the city tables in PARTS partitions each."""
    load_tables()
    second = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        copy = table.to_metadata(second)
        if PLACEMENT[table.fullname] == "city":
            copy.dialect_options["postgresql"]["partition_by"] = "HASH (city_id)"
    with psycopg.connect(url, autocommit=True) as conn:
        for name in EXTENSIONS:
            conn.execute(f"create extension if not exists {name}".encode())
        for name in schemas():
            conn.execute(f"create schema if not exists {name}".encode())
    engine = create_engine("postgresql+psycopg://", connect_args=conninfo_to_dict(url))
    second.create_all(engine)
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as conn:
        for name, kind in PLACEMENT.items():
            for part in range(PARTS if kind == "city" else 0):
                conn.execute(
                    f"create table {name}_p{part} partition of {name} "
                    f"for values with (modulus {PARTS}, remainder {part})".encode()
                )
    tasks.install(url)


def partitions_touched(conn: psycopg.Connection[Any], sql: str, params: dict[str, Any]) -> dict[str, set[str]]:
    """For each city table of a statement, which of its partitions the plan would touch with these values."""
    plan = conn.execute(f"explain (format json, costs off) {sql}".encode(), params).fetchone()
    assert plan is not None
    touched: dict[str, set[str]] = {}
    text = str(plan[0])
    for schema, name, part in re.findall(r"'Relation Name': '()(\w+?)_p(\d)'", text):
        touched.setdefault(schema + name, set()).add(part)
    return touched
