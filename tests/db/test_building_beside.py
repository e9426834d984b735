"""Migrations beside a living city: others go on while an index is built, and rows are filled in portions."""

from threading import Thread

import psycopg
import pytest
from alembic.script import ScriptDirectory

from hutong.infra import migrate
from hutong.infra.db import Database
from tests.catalog_town import a_city, a_draft, a_merchant, a_store, beside, published
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio

_BEFORE = "0047_bill_differences"


def _phase(conn: psycopg.Connection) -> str:
    row = conn.execute("select phase from pg_stat_progress_create_index").fetchone()
    return "" if row is None else row[0]


def test_a_city_lives_on_while_an_index_is_built(database_url: str):
    """Somebody reads for long, so the building stands still before its end: others write, a server of an earlier
    version starts, and a second one of this version waits for its turn. What an attempt left is made anew."""
    with psycopg.connect(database_url, autocommit=True) as conn, psycopg.connect(database_url) as reader:
        for name in ("catalog.search_docs_near_idx", "orders.orders_through_idx"):
            conn.execute(f"drop index {name}".encode())
        conn.execute("create index search_docs_near_idx on catalog.search_docs (boost)")
        conn.execute("update infra.migrations set version_num = %s", [_BEFORE])
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from places.cities")
        building = Thread(target=migrate.migrate, args=[database_url], daemon=True)
        building.start()
        while _phase(conn) != "waiting for old snapshots":
            assert building.is_alive()
            conn.execute("select pg_sleep(0.01)")
        conn.execute("set lock_timeout = '5s'")
        conn.execute("update catalog.search_docs set boost = boost")
        conn.execute("select pg_advisory_lock(%s)", [migrate.LOCK])
        conn.execute("select pg_advisory_unlock(%s)", [migrate.LOCK])
        assert conn.execute("select pg_try_advisory_lock(%s)", [migrate.TURN]).fetchone() == (False,)
        reader.rollback()
        building.join()
        made = conn.execute(
            """select c.relname, i.indisvalid, am.amname from pg_index i join pg_class c on c.oid = i.indexrelid
               join pg_am am on am.oid = c.relam
               where c.relname in ('search_docs_near_idx', 'orders_through_idx') order by 1"""
        ).fetchall()
        assert made == [("orders_through_idx", True, "btree"), ("search_docs_near_idx", True, "gin")]
    assert migrate.current(database_url) == migrate.head()


async def test_documents_are_given_their_marks_some_at_a_time(db: Database, database_url: str, now):
    """As many as there were, in portions of seven: each says and holds what the house itself writes."""
    await a_city(db)
    for n in range(6):
        merchant = await a_merchant(db, f"老张面馆{n}", f"Zhang's {n}", now=now)
        stores = [await a_store(db, merchant, beside(900 * n * k), zh=f"店{k}", en="Branch", now=now) for k in (1, 2)]
        await published(db, a_draft(merchant, *stores, now=now), a_draft(merchant, stores[0], now=now), now=now)
    said = "select kind, doc_id, words, marks, sale, store_ids, places::text from catalog.search_docs order by 1, 2"
    made = ScriptDirectory(str(migrate.FOLDER)).get_revision("0045_marks").module
    with psycopg.connect(database_url, autocommit=True) as conn:
        written = conn.execute(said).fetchall()
        conn.execute(
            """update catalog.search_docs set marks = '', sale = '(,)', store_ids = '{}', places = '{}',
                   words = words || array_to_tsvector(array(
                       select one from unnest(tsvector_to_array(marks)) one where one ~ '^1[.][@=]'))"""
        )
        with migrate.engine(database_url).connect() as filling:
            made.fill(filling.execution_options(isolation_level="AUTOCOMMIT"), portion=7)
        assert conn.execute(said).fetchall() == written
    assert len(written) == 24
    assert await audit_clean(db)
