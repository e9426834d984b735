"""City first (scale-out.md section 8): the catalog of a migrated database is looked at, and PostgreSQL itself
refuses keys without the city when the city tables are hash-partitioned."""

import psycopg
import pytest
from psycopg.rows import dict_row

from hutong.infra import migrate
from hutong.infra.placement import PLACEMENT
from hutong.infra.tables import metadata
from tests.partitions import build_partitioned
from tests.schema import load_tables

CITY = sorted(name for name, kind in PLACEMENT.items() if kind == "city")
REFERENCE = {name for name, kind in PLACEMENT.items() if kind == "reference"}

CONSTRAINTS = """
select n.nspname || '.' || c.relname as name, k.contype, k.conname, k.condeferrable, k.confdeltype,
       (select array_agg(a.attname order by p.i)::text[] from unnest(k.conkey) with ordinality as p(num, i)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = p.num) as columns,
       (select array_agg(a.attname order by p.i)::text[] from unnest(k.confkey) with ordinality as p(num, i)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = p.num) as there,
       (select fn.nspname || '.' || fc.relname from pg_class fc join pg_namespace fn on fn.oid = fc.relnamespace
        where fc.oid = k.confrelid) as target
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
"""


@pytest.fixture
def conn(database_url: str):
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as found:
        yield found


def of_ours(rows):
    return [row for row in rows if row["name"] in PLACEMENT]


def test_every_key_of_a_city_table_begins_with_the_city(conn):
    broken = [
        f"{row['name']}.{row['conname']}"
        for row in of_ours(conn.execute(CONSTRAINTS))
        if row["name"] in CITY and row["contype"] in ("p", "u", "x") and row["columns"][0] != "city_id"
    ]
    assert broken == []
    indexes = conn.execute(
        """select schemaname || '.' || tablename as name, indexname, indexdef from pg_indexes
           where indexdef like 'CREATE UNIQUE%'"""
    )
    loose = [r["indexname"] for r in of_ours(indexes) if r["name"] in CITY and "(city_id" not in r["indexdef"]]
    assert loose == []


def test_foreign_keys_stay_in_the_group_or_point_to_reference_tables(conn):
    broken = []
    for row in of_ours(conn.execute(CONSTRAINTS)):
        if row["contype"] != "f":
            continue
        inside = row["name"] in CITY and row["target"] in CITY
        good = (inside and row["columns"][0] == row["there"][0] == "city_id") or row["target"] in REFERENCE
        same = PLACEMENT[row["name"]] == PLACEMENT[row["target"]] and PLACEMENT[row["name"]] != "reference"
        key = PLACEMENT[row["name"]].removeprefix("key:")
        keyed = same and row["columns"][0] == {"member": "member_id"}.get(key, key)
        if not (good or keyed or (PLACEMENT[row["name"]] == "reference" and row["target"] in REFERENCE)):
            broken.append(f"{row['name']}.{row['conname']} -> {row['target']}")
        if row["name"] not in REFERENCE | set(CITY) and row["target"] in CITY:
            broken.append(f"{row['name']} leaves its group for {row['target']}")
    assert broken == []


def test_nothing_that_a_cluster_cannot_do(conn):
    """Rules 2, 5 and 10: no triggers, nothing deferred, no serial ids, no ON DELETE SET NULL."""
    rows = of_ours(conn.execute(CONSTRAINTS))
    assert [r["conname"] for r in rows if r["condeferrable"] or r["confdeltype"] in ("n", "d")] == []
    triggers = conn.execute(
        """select n.nspname || '.' || c.relname as name, t.tgname from pg_trigger t
           join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
           where not t.tgisinternal"""
    )
    assert [r["tgname"] for r in of_ours(triggers)] == []
    columns = conn.execute(
        """select table_schema || '.' || table_name as name, column_name, data_type, column_default, is_identity
           from information_schema.columns"""
    ).fetchall()
    serial = [
        f"{r['name']}.{r['column_name']}"
        for r in of_ours(columns)
        if r["is_identity"] == "YES" or "nextval" in (r["column_default"] or "") or "()" in (r["column_default"] or "")
    ]
    assert serial == []
    cities = {r["name"] for r in of_ours(columns) if r["column_name"] == "city_id" and r["data_type"] == "integer"}
    assert set(CITY) <= cities


def test_the_migrated_schema_is_the_schema_of_the_models(database_url: str):
    load_tables()
    assert migrate.current(database_url) == migrate.head()
    assert migrate.differences(database_url) == []


def test_migrating_twice_changes_nothing(database_url: str):
    assert migrate.migrate(database_url) == migrate.head()


def test_postgresql_accepts_the_city_tables_hash_partitioned(empty_database_url: str):
    """The proof without a cluster: it refuses any primary key, unique or exclusion constraint without the city."""
    with psycopg.connect(empty_database_url) as conn:
        if conn.info.server_version < 170_000:
            pytest.skip("exclusion constraints on partitioned tables came with PostgreSQL 17")
    build_partitioned(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        found = conn.execute("select count(*) from pg_class where relkind = 'p'").fetchone()
    assert found == (len(CITY),)


def test_the_proof_can_fail(empty_database_url: str):
    """A control: a city table whose key forgets the city is refused by PostgreSQL."""
    with psycopg.connect(empty_database_url) as conn, pytest.raises(psycopg.errors.FeatureNotSupported):
        conn.execute("create table bad (city_id int, id uuid primary key) partition by hash (city_id)")


def test_every_table_is_placed():
    load_tables()
    assert {t.fullname for t in metadata.sorted_tables} == set(PLACEMENT)
