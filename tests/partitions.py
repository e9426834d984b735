"""The schema a second time, with city tables hash-partitioned: what a cluster would ask of every key and statement."""

from collections.abc import Iterator
from typing import Any

import psycopg
from alembic.script import ScriptDirectory
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import MetaData, create_engine

from hutong.infra import migrate, tasks
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
        conn.execute(near_marks().encode())
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


def near_marks() -> str:
    """The function that an index is made of, as the migration creates it."""
    return ScriptDirectory(str(migrate.FOLDER)).get_revision("0048_near").module.NEAR_MARKS


def partitions_touched(conn: psycopg.Connection[Any], sql: str, params: dict[str, Any]) -> dict[str, set[str]]:
    """For each city table of a statement, the numbers of the partitions that its plan touches with these values.

    The values go to the server as they do in the real run, so what is pruned here is pruned there. A partition that
    only a later look at the data could rule out counts as touched: on a cluster that look would go to every machine.
    """
    answer = conn.execute(f"explain (verbose, format json, costs off) {sql}".encode(), params).fetchone()
    assert answer is not None
    (plan,) = answer if not isinstance(answer, dict) else answer.values()
    touched: dict[str, set[str]] = {}
    for node in _nodes(plan):
        table, _, part = node.get("Relation Name", "").rpartition("_p")
        name = f"{node.get('Schema')}.{table}"
        if PLACEMENT.get(name) == "city" and part.isdecimal():
            touched.setdefault(name, set()).add(part)
    return touched


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """Every node of a plan, however deep: sub-plans, conditions' init plans, targets of a write."""
    if isinstance(plan, dict):
        yield plan
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from _nodes(part)
