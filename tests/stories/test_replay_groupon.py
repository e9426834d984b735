"""A recorded season lived through again: deals that tip, deals that do not, and lines that nobody can read."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hutong import catalog, orders
from hutong.cli.replay.check import Outcome, check
from hutong.cli.replay.groupon import Replay
from hutong.cli.replay.rows import COLUMNS, Row, read
from hutong.infra.db import Database
from hutong.schemes.deals import Deals
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio

# deal_id, start, min_req, treatment, days, price, discount, duration, featured, limited, likes, sold, revenue
SEASON = f"""{",".join(COLUMNS)}
newport-gourmet,9/23/2011,15,1,3,50,50,369,0,1,16,90,4500
harbor-cruise,9/24/2011,25,1,4,19,50,36,1,0,342,25,475
lonely-yoga,9/25/2011,20,1,2,30,60,90,0,1,3,12,360
clay-room,11/4/2011,1,0,5,12.50,52,0,0,1,85,43,537.50
puppet-show,12/30/2011,1,0,3,25,0,20,0,0,0,1,25
empty-hall,12/31/2011,10,1,3,25,40,20,0,0,0,0,0
half-a-line,9/23/2011,15
no-such-day,13/45/2011,15,1,3,50,50,369,0,1,16,90,4500
wrong-sum,9/23/2011,15,1,3,50,50,369,0,1,16,90,4501
newport-gourmet,9/23/2011,15,1,3,50,50,369,0,1,16,90,4500
"""
SOLD = 90 + 25 + 12 + 43 + 1


async def lived(db: Database, rows: Sequence[Row]) -> Outcome:
    life = Replay(db, schemes={"deals": Deals()}, hold_for=timedelta(minutes=15), moved=lambda what, units: None)
    place, tallies = await life.live(rows)
    return await check(db, place, tallies)


async def test_every_unit_is_sold_and_comes_to_its_end(db: Database):
    rows, wrong = read(SEASON.split("\n"))
    assert [found.line for found in wrong] == [8, 9, 10, 11]
    outcome = await lived(db, rows)
    assert outcome.wrong == ()
    assert outcome.units_sold == SOLD
    assert outcome.tipped == 4
    assert outcome.revenue_minor == 450_000 + 47_500 + 36_000 + 53_750 + 2_500
    assert outcome.redeemed == 54 + 15 + 0 + 26 + 1  # three of five, but none of a deal that did not tip
    assert outcome.redeemed + outcome.refunded == SOLD
    assert await audit_clean(db)


async def test_nothing_is_left_over_in_the_town(db: Database):
    """Every order is used, refunded or both; every sale has ended; each deal was judged once."""
    rows, _ = read(SEASON.split("\n"))
    life = Replay(db, schemes={"deals": Deals()}, hold_for=timedelta(minutes=15), moved=lambda what, units: None)
    place, _ = await life.live(rows)
    names = {deal.row.deal_id: deal for deal in place.deals}
    async with db.reading() as tx:
        states = await tx.rows(
            "select state, count(*) as n from vouchers.vouchers where city_id = %(city)s group by 1",
            city=place.city_id,
        )
        offers = await catalog.offers(tx, [deal.offer_id for deal in place.deals], city_id=place.city_id)
        lonely = await orders.of_merchant(tx, [names["lonely-yoga"].merchant_id], city_id=place.city_id)
        waiting = await tx.value("select count(*) from infra.facts where relayed_at is null")
        outcomes = await tx.rows("select outcome from orders.tippings order by outcome")
    assert {row["state"] for row in states} == {"used", "refunded"}
    assert {offer.status for offer in offers if offer is not None} == {"ended"}
    assert {order.state for order in lonely} == {"refunded"}
    assert sum(order.total.units for order in lonely) == 36_000
    assert [row["outcome"] for row in outcomes] == ["failed", "tipped", "tipped"]
    assert waiting == 0
    assert await audit_clean(db)


async def test_two_replays_in_one_database_do_not_meet(db: Database):
    rows, _ = read(SEASON.split("\n")[:3])
    first, second = await lived(db, rows), await lived(db, rows)
    assert first == second
    assert first.wrong == ()
    assert await audit_clean(db)


async def test_what_does_not_come_out_as_recorded_is_named(db: Database):
    """The control: the same life, checked against rows that say something else."""
    rows, _ = read(SEASON.split("\n")[:3])
    life = Replay(db, schemes={"deals": Deals()}, hold_for=timedelta(minutes=15), moved=lambda what, units: None)
    place, tallies = await life.live(rows)
    deal = place.deals[0]
    for field, value, why in (
        ("quantity", 91, "450000 cents were captured, 455000 were recorded"),
        ("min_units", 91, "it tipped with 90 of 91"),
    ):
        other = structs.replace(deal, row=structs.replace(deal.row, **{field: value}))
        outcome = await check(db, structs.replace(place, deals=(other,)), tallies)
        assert any(why in sentence for sentence in outcome.wrong), outcome.wrong
    tallies[deal.offer_id].redeemed -= 1
    outcome = await check(db, place, tallies)
    assert outcome.wrong == ("line 2, newport-gourmet: 53 used and 36 refunded of 90, 54 should be used",)


async def replayed(file: Path, database_url: str, data: Path) -> tuple[int, str, str]:
    """The command as a process: (exit code, standard output, standard error)."""
    env = {**os.environ, "HUTONG_DATABASE_URL": database_url, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hutong.app", "--data", str(data), "replay", "groupon", str(file), "--json",
        env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_prints_one_object_and_names_the_lines(tmp_path: Path, database_url: str):
    file = tmp_path / "season.csv"
    file.write_text(SEASON)
    code, out, err = await replayed(file, database_url, tmp_path / "data")
    assert code == 0, err
    result = json.loads(out)
    assert result.pop("seconds") > 0
    assert result.pop("units_per_second") > 0
    assert result == {
        "deals": 6, "units_sold": SOLD, "tipped": 4, "not_tipped": 2, "revenue_minor": 589_750, "redeemed": 96,
        "refunded": 75, "malformed": 4, "audit_violations": 0,
    }  # fmt: skip
    for line, why in (
        (8, "3 columns instead of 13"),
        (9, "no date"),
        (10, "revenue is 4501"),
        (11, "was there before"),
    ):
        assert f"line {line}: left out" in err
        assert why in err


async def test_a_season_without_a_deal_is_a_town_without_a_day(tmp_path: Path, database_url: str):
    file = tmp_path / "empty.csv"
    file.write_text(SEASON.splitlines()[0] + "\nhalf-a-line,9/23/2011,15\n")
    code, out, err = await replayed(file, database_url, tmp_path / "data")
    assert code == 0, err
    assert {name for name, value in json.loads(out).items() if value} <= {"malformed", "seconds"}


async def test_the_command_says_when_it_is_another_file(tmp_path: Path, database_url: str):
    file = tmp_path / "other.csv"
    file.write_text("name,price\nnoodles,3\n")
    code, out, err = await replayed(file, database_url, tmp_path / "data")
    assert code == 1
    assert out == ""
    assert "the first line must be: deal_id" in err
