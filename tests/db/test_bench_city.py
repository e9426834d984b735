"""A city that was made large by copying is as sound as one that grew: every invariant holds, everything is found."""

from datetime import datetime
from pathlib import Path

import pytest

from hutong import catalog
from hutong.catalog.cells import squares_of
from hutong.cli.bench.ground import Ground
from hutong.cli.bench.scenes.finding import large_city
from hutong.cli.demo.scale import CENTRE, CITY_ID
from hutong.infra.db import Database
from hutong.infra.embedded.host import binaries_for
from hutong.infra.settings import Settings
from hutong.kit.geo import Point
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio
INDEXES = """select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as made,
                    array(select a.attstattarget from pg_attribute a
                          where a.attrelid = i.indexrelid order by a.attnum) as told
             from pg_index i where i.indrelid = 'catalog.search_docs'::regclass order by 1"""


async def test_a_copied_city_holds_every_invariant(db: Database, database_url: str, tmp_path: Path, now: datetime):
    settings = Settings(database_url=database_url, data=tmp_path)
    place = Ground(settings=settings, watch_url=database_url, binaries=binaries_for(None), kept=True)
    async with db.reading() as tx:
        indexes = await tx.rows(INDEXES)
    first = await large_city(place, db, 30, now=now, models=10)
    assert first["stores"] >= 30
    assert first["offers"] == 5 * first["stores"]
    assert await large_city(place, db, 30, now=now, models=10) == first, "what is large enough is left as it is"
    second = await large_city(place, db, first["stores"] + 1, now=now, models=10)
    assert second["stores"] == 2 * first["stores"], "copies of copies have ids of their own"
    async with db.reading(CITY_ID) as tx:
        near = await catalog.nearby(tx, city_id=CITY_ID, point=CENTRE, now=now, limit=50)
        said = near.items[0].merchant_name.zh
        found = await catalog.search(tx, city_id=CITY_ID, words=said, now=now)
        rows = await tx.rows(
            """select f.lat, f.lon, tsvector_to_array(d.marks) as marks
               from catalog.search_docs d
               join catalog.storefronts f on f.city_id = %(city)s and f.store_id = d.doc_id
               where d.city_id = %(city)s and d.kind = 'store'""",
            city=CITY_ID,
        )
        counts = await catalog.category_counts(tx, city_id=CITY_ID)
    for row in rows:
        squares = {mark for mark in row["marks"] if mark.startswith(f"{CITY_ID}.@")}
        assert squares == set(squares_of(CITY_ID, [Point(row["lat"], row["lon"])])), "a copy lies in squares of its own"
        assert await tx.rows(INDEXES) == indexes, "what was put off is built as it was"
    assert counts[""] == len(rows) == second["stores"]
    distances = [card.distance_m or 0 for card in near.items]
    assert len(near.items) == 50
    assert distances == sorted(distances)
    assert len(found.items) >= 6, "the model and its copies"
    assert await audit_clean(db)
