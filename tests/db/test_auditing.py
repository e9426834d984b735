"""What the audit after a test leaves out (tests/auditing.py) could find nothing."""

import pytest

from hutong.infra.audit import audit, queries
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from tests.auditing import reads, tables, worth_asking
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def test_in_an_empty_database_no_invariant_finds_anything(db: Database):
    """All of them are asked here, so that those that read empty tables need not be asked again."""
    async with db.snapshot() as tx:
        assert await audit(tx) == []


DEPENDS = """select distinct v.relname as view, n.nspname || '.' || t.relname as name
             from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
             join pg_class t on t.oid = d.refobjid join pg_namespace n on n.oid = t.relnamespace
             where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and t.oid <> v.oid
               and v.relnamespace = pg_my_temp_schema()"""
# Functions of extensions compute; one of ours could read a table that no text of a query names.
CALLS = """select distinct v.relname as view, p.proname as name
           from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
           join pg_proc p on p.oid = d.refobjid
           where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_proc'::regclass
             and v.relnamespace = pg_my_temp_schema()
             and not exists (select 1 from pg_depend e where e.classid = d.refclassid and e.objid = p.oid
                               and e.deptype = 'e')"""


async def test_what_a_query_reads_is_known(db: Database):
    """By PostgreSQL's own account: it notes what a view depends on."""
    async with db.central() as tx:
        for query in queries():
            await tx.run(f"create temp view {query.code} as with broken as ({query.sql}) select 1 as one from broken")
        known = (await tables(tx)).keys()
        depends, calls = await tx.rows(DEPENDS), await tx.rows(CALLS)
    found: dict[str, set[str]] = {query.code: set() for query in queries()}
    for row in depends:
        found[row["view"].upper()].add(row["name"])
    assert {query.code: set(reads(query) & known) for query in queries()} == found
    assert calls == []


async def test_a_table_with_a_row_brings_its_queries_back(db: Database):
    """Also when the row is gone again: a page stays, and what is not known to be empty is asked about."""
    async with db.snapshot() as tx:
        before = {query.code for query in worth_asking(await tables(tx))}
    assert "F02" not in before
    handled = "insert into infra.handled values (1, %(id)s, 'keep', '2026-11-20')"
    async with db.central() as tx:
        await tx.run(handled, id=new_id())
    async with db.snapshot() as tx:
        after = {query.code for query in worth_asking(await tables(tx))}
    assert after - before == {query.code for query in queries() if "infra.handled" in reads(query)} - before
    with pytest.raises(AssertionError, match="F02"):
        await audit_clean(db)


async def test_a_partitioned_table_is_never_taken_for_empty(db: Database):
    async with db.central() as tx:
        await tx.run("create table infra.parted (city_id int) partition by hash (city_id)")
        await tx.run("create table infra.part partition of infra.parted for values with (modulus 1, remainder 0)")
        known = await tables(tx)
    assert known["infra.part"]
    assert not known["infra.parted"]
