"""Recorded baskets as visits of one alliance: what the command prints is what can be counted by hand."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hutong.cli.replay import repeat_journey
from hutong.cli.replay.journey_baskets import baskets
from hutong.cli.replay.repeat_journey import Found, _live, _result, comings_of
from hutong.infra.db import Database
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio
ZONE = "America/New_York"
# household, store, basket, day of May, hour (UTC), dollars of each line
BOUGHT = [
    (1, 10, 100, 2, 16, (1.10, 2.05)), (1, 20, 101, 12, 16, (5.00,)), (1, 20, 102, 20, 16, (5.00,)),
    (2, 10, 103, 3, 16, (4.00,)), (2, 10, 104, 3, 20, (1.00,)), (2, 10, 105, 31, 16, (2.00,)),
    (3, 20, 106, 4, 3, (9.99,)), (3, 10, 107, 5, 16, (0.01,)),
]  # fmt: skip


def written(folder: Path) -> Path:
    """The one table that is read, and a line that cannot be."""
    rows = [
        {"household_id": household, "store_id": store, "basket_id": basket, "product_id": number,
         "sales_value": dollars, "transaction_timestamp": datetime(2017, 5, day, hour)}  # noqa: DTZ001 (as written)
        for household, store, basket, day, hour, lines in BOUGHT
        for number, dollars in enumerate(lines)
    ]  # fmt: skip
    rows.append(rows[0] | {"sales_value": -1.0})
    pq.write_table(pa.Table.from_pylist(rows), folder / "transactions.parquet")
    return folder


def test_baskets_are_sums_of_their_lines_in_the_order_of_time(tmp_path: Path):
    found, malformed = baskets(written(tmp_path))
    assert malformed == 1
    assert [one.basket_id for one in found] == [100, 103, 104, 106, 107, 101, 102, 105]
    assert found[0].units == 315
    assert found[0].at == datetime(2017, 5, 2, 16, tzinfo=UTC)


async def said(db: Database, folder: Path) -> tuple[Found, list[repeat_journey.Basket]]:
    found, _ = baskets(written(folder))
    return await _live(db.url, comings_of(found, ZONE), ZONE), found


async def test_the_figures_are_those_counted_by_hand(db: Database, tmp_path: Path):
    """Household 1 goes from store 10 to 20 and stays; 2 comes twice on one day and again; 3 from 20 (the evening of
    the 3rd by the shops' clock) to 10."""
    answer, found = await said(db, tmp_path)
    told = _result(found, answer, 1, 0)
    assert told.held
    shown = told.shown
    assert (shown["baskets"], shown["stores"], shown["households"], shown["visits"]) == (8, 2, 3, 7)
    assert (shown["households_at_two_or_more"], shown["crossings"]) == (2, 2)
    # household 1 was met at 10 and left 10.00 at 20; household 3 was met at 20 and left 0.01 at 10
    assert (shown["money_minor"], shown["money_from_met_elsewhere_minor"]) == (3_015, 1_001)
    assert shown["placebo"]["change_bps"] is None, "three households are not enough to compare anything"
    assert await audit_clean(db)


async def test_a_basket_that_is_lost_on_the_way_is_seen(db: Database, tmp_path: Path):
    """The control: money and visits that do not come out make the command fail."""
    answer, found = await said(db, tmp_path)
    assert not _result(found[:-1], answer, 1, 0).held
    assert not _result(found, answer, 1, 1).held
