"""Recorded baskets as purchases in a points alliance: what the command prints is what can be counted by hand."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hutong.cli.replay.alliance_command import Audits, _live
from hutong.cli.replay.alliance_journey import digest
from hutong.cli.replay.journey_baskets import Basket, baskets
from hutong.cli.replay.journey_rows import NotTheData
from hutong.infra.db import Database
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio
ZONE = "America/New_York"
# household, store, basket, when (UTC), cents: ids beyond 32 bits, less than a dollar on a year's last evening, silence
BOUGHT = [
    (10**15, 9 * 10**17, 1, datetime(2023, 12, 31, 17, tzinfo=UTC), 1_999),
    (10**15, 20, 2, datetime(2024, 1, 1, 4, 59, tzinfo=UTC), 99),
    (2, 20, 3, datetime(2024, 1, 2, 3, tzinfo=UTC), 100_000),
    (2, 20, 4, datetime(2026, 3, 9, 3, tzinfo=UTC), 550),
]


async def test_each_whole_dollar_is_a_point_however_far_apart_the_days_are(db: Database):
    """Two years of silence are not lived through day by day, as nothing is open in them; their months are closed."""
    found = [Basket(*one) for one in BOUGHT]
    told = await _live(db.url, found, 0, ZONE)
    assert told.held, told.shown
    shown = told.shown
    assert (shown["baskets"], shown["points_earned"]) == (4, 19 + 0 + 1_000 + 5)
    assert shown["points_expired"] + shown["points_burnt"] + shown["liability_minor"] == 1_024
    assert shown["liability_minor"] == 5, "only the last purchase is young enough"
    assert shown["months_audited"] < 12
    async with db.reading() as tx:
        assert await tx.value("select count(*) from clearing.runs") == 1 + 12 + 12 + 4
    assert await audit_clean(db)
    with pytest.raises(click.ClickException, match="already: take a fresh one"):
        await _live(db.url, found, 0, ZONE)


async def test_an_audit_says_what_was_wrong_when_it_began(db: Database):
    """What is broken before it begins is found; what is broken later is the next one's."""
    audits, broken = Audits(db.url), "update programmes.members set growth = growth + 1"
    await _live(db.url, [Basket(*one) for one in BOUGHT[:1]], 0, ZONE)
    await audits.begin()
    async with db.central() as tx:
        await tx.run(broken)
    assert await audits.end() == 0
    await audits.begin()
    await audits.begin()
    assert await audits.end() == 2, "two look at the same time, and each is heard"
    await audits.stop()


async def test_nobody_earned_anything(db: Database):
    assert await digest(db, uuid4()) == (hashlib.sha256(b"").hexdigest(), True, 0, 0)


def test_a_table_without_a_basket_is_refused(tmp_path: Path):
    row = {"household_id": 1, "store_id": 1, "basket_id": 1, "sales_value": -0.5}
    rows = [row | {"transaction_timestamp": datetime(2017, 5, 2)}]  # noqa: DTZ001 (as written)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "transactions.parquet")
    with pytest.raises(
        NotTheData, match=r"no basket that can be read; transactions.parquet, row 1: .*sales_value is -0.5"
    ):
        baskets(tmp_path)
