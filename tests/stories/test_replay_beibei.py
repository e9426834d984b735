"""Recorded group buys lived through again: teams that clinch, teams that nobody joins, lines that nobody can read."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hutong import groups
from hutong.cli.replay.beibei import Ended, Life
from hutong.cli.replay.beibei_rows import read
from hutong.infra.db import Database
from hutong.schemes.deals import Deals
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio

GOOD = "1\t10\t2\n3\t10\t4\t5\n1\t10\t2\n2\t10\t1\n6\t11\t7\t8\t9\nhalf\n1\t10\t1\n"
BAD = "1\t10\n1\t10\n9\t99\r\n7\t10\t8\n"


async def lived(db: Database, good: str, bad: str) -> Ended:
    life = Life(db, schemes={"deals": Deals()}, hold_for=timedelta(minutes=15), moved=lambda what, n: None)
    return await life.live(read(good.split("\n"), clinched=True)[0], read(bad.split("\n"), clinched=False)[0])


async def test_every_team_comes_to_its_recorded_end(db: Database):
    assert await lived(db, GOOD, BAD) == Ended(clinched=5, failed=3, refunded=3)
    async with db.reading() as tx:
        units = await tx.rows("select state, count(*)::int as n from vouchers.vouchers group by state order by state")
        city = await tx.value("select min(city_id) from groups.teams where city_id > 0")
        seats = await tx.rows(
            "select state, count(*)::int as n from groups.seats where city_id > 0 group by state order by 1"
        )
        assert await groups.counts(tx, city_id=city) == {"clinched": 5, "failed": 3}
    assert {row["state"]: row["n"] for row in units} == {"refunded": 3, "valid": 13}
    assert {row["state"]: row["n"] for row in seats} == {"kept": 13, "sent_back": 3}
    assert await audit_clean(db)


async def test_a_second_replay_has_a_city_of_its_own(db: Database):
    assert await lived(db, "1\t10\t2", "") == Ended(clinched=1, failed=0, refunded=0)
    assert await lived(db, "", "1\t10") == Ended(clinched=0, failed=1, refunded=1)
    assert await lived(db, "", "") == Ended(clinched=0, failed=0, refunded=0)
    assert await audit_clean(db)


async def run(url: str, folder: Path, good: str, bad: str | None) -> tuple[int, str, str]:
    """`hutong replay beibei`, as a person runs it."""
    (folder / "good.txt").write_text(good, encoding="utf-8")
    if bad is not None:
        (folder / "bad.txt").write_text(bad, encoding="utf-8")
    env = os.environ | {"HUTONG_DATABASE_URL": url, "HUTONG_DATA": str(folder / "data")}
    args = ["-m", "hutong.app", "replay", "beibei", str(folder / "good.txt"), str(folder / "bad.txt"), "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *args, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_command_prints_one_object_and_names_what_it_left_out(database_url: str, tmp_path: Path):
    code, out, err = await run(database_url, tmp_path, GOOD, BAD)
    assert code == 0, err
    shown = json.loads(out)
    assert list(shown) == [
        "clinched", "failed", "refunded", "malformed", "seconds", "groups_per_second", "audit_violations",
    ]  # fmt: skip
    assert (shown["clinched"], shown["failed"], shown["refunded"], shown["malformed"]) == (5, 3, 3, 3)
    assert shown["audit_violations"] == 0
    assert "good.txt, line 6: left out" in err
    assert "bad.txt, line 4: left out" in err


async def test_a_missing_file_is_refused_by_its_name(database_url: str, tmp_path: Path):
    code, out, err = await run(database_url, tmp_path, GOOD, None)
    assert (code, out) == (2, "")
    assert "bad.txt" in err
