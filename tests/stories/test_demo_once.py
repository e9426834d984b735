"""The main job over HTTP, against the real server, worker and payment provider: what `make demo` promises."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.once import Play
from hutong.cli.demo.phone import Stuck, until
from hutong.infra.db import Database
from tests.conftest import audit_clean

pytestmark = pytest.mark.anyio


async def hutong(*arguments: str, **env: str) -> tuple[int, str, str]:
    """A command of ours as a process: (exit code, standard output, standard error)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hutong.app", *arguments,
        env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.slow
async def test_the_main_job_goes_through_and_everything_is_settled(db: Database, database_url: str, tmp_path: Path):
    code, out, err = await hutong(
        "--data", str(tmp_path / "data"), "demo", "--once", "--json", HUTONG_DATABASE_URL=database_url
    )
    assert code == 0, err
    result = json.loads(out)
    assert result.pop("seconds") > 0
    audit = result.pop("audit")
    assert audit["queries"] >= 25
    assert audit["violations"] == 0
    assert result == {"orders": 1, "paid": 1, "redeemed": 2, "refunded": 1, "settled_minor": 13_600}
    async with db.reading() as tx:
        assert await tx.value("select count(*) from settlement.earnings where reversed_at is not null") == 1
    assert await audit_clean(db)


async def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, out, err = await hutong("--data", str(tmp_path / "data"), "demo", "--port", str(port))
    assert code == 1
    assert out == ""
    assert f"Port {port} is taken by another program. Choose another: --port NUMBER" in err
    assert not (tmp_path / "data" / "postgres").exists()


def test_the_play_says_where_it_got_stuck(tmp_path: Path):
    with pytest.raises(Stuck, match="did not happen within 0 s; last seen: 1"):
        until("more", lambda: 1, lambda seen: seen > 1, seconds=0)


def test_the_play_knows_its_cast(tmp_path: Path):
    """The names in the script are names in the data: a renamed shop would be found out here, not on the stage."""
    data = read_city()
    Play("http://127.0.0.1:1", data.cast, tmp_path)
    (shop,) = [m for m in data.merchants if m.name.en == "Noodle Bar"]
    assert "Two bowls set" in {offer.title.en for offer in shop.offers}
    assert {"ann", "tao", "mei"} <= {person.key for person in data.cast.people}
