"""A bench runs from end to end: server, load, limits, proof. How fast it is, is not asked here."""

import json
from pathlib import Path

import pytest

from hutong.infra.db import Database
from tests.conftest import audit_clean
from tests.stories.test_demo_once import hutong

pytestmark = pytest.mark.anyio
SHORT = ("--seconds", "1", "--warm", "0.3", "--limit-seconds", "1", "--members", "50", "--connections", "8", "--json")
KEYS = {
    "name", "rate", "p50_ms", "p95_ms", "p99_ms", "refused", "errors", "cpu_s_per_1000", "statements_per_request",
    "wal_bytes_per_request", "limit_rate", "noop_rate", "ratio_to_limit", "ratio_to_noop", "audit_violations",
    "requests", "seconds", "connections", "workers", "batch_mean", "timeline", "histogram", "goals",
}  # fmt: skip


async def bench(database_url: str, data: Path, *arguments: str) -> dict[str, object]:
    code, out, err = await hutong("--data", str(data), "bench", *arguments, *SHORT, HUTONG_DATABASE_URL=database_url)
    assert code == 0, err
    return json.loads(out)


@pytest.mark.slow
async def test_a_flash_sale_is_measured_and_nothing_is_lost(db: Database, database_url: str, tmp_path: Path):
    result = await bench(database_url, tmp_path / "data", "flash", "--out", str(tmp_path / "kept.json"))
    assert set(result) >= KEYS
    assert (result["errors"], result["audit_violations"], result["wrong"]) == (0, 0, [])
    assert result["requests"] > 0 < result["limit_rate"]  # type: ignore[operator]
    assert json.loads((tmp_path / "kept.json").read_text()) == result
    async with db.reading() as tx:
        schemas = await tx.value("select count(*) from pg_namespace where nspname = 'bench_limit'")
    assert schemas == 0, "what the limit needed is gone"
    assert await audit_clean(db)


@pytest.mark.slow
async def test_a_free_offer_that_is_sold_out_gives_exactly_its_units(database_url: str, tmp_path: Path):
    result = await bench(database_url, tmp_path / "data", "claim", "--quota", "60")
    assert (result["errors"], result["audit_violations"], result["wrong"]) == (0, 0, [])
    checked = result["checked"]
    assert isinstance(checked, dict)
    assert (checked["units_sold"], checked["units_left"], checked["acknowledged"]) == (60, 0, 60)
    assert result["refused_kinds"] == {"sold_out": result["refused"]}


@pytest.mark.slow
async def test_bills_that_earn_are_measured_and_every_point_is_there(db: Database, database_url: str, tmp_path: Path):
    result = await bench(database_url, tmp_path / "data", "earn", "--set-size", "20")
    assert set(result) >= KEYS | {"set_rate", "set_size", "set_ratio_to_limit"}
    assert (result["errors"], result["refused"], result["audit_violations"], result["wrong"]) == (0, 0, 0, [])
    assert result["set_size"] == 20
    assert result["requests"] > 0 < result["set_rate"]  # type: ignore[operator]
    checked = result["checked"]
    assert isinstance(checked, dict)
    assert checked["bills"] == checked["bills_that_earned"] == checked["acknowledged"] > 0
    assert await audit_clean(db)
