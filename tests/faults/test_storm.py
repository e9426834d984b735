"""A storm of claims on real servers: exactly the quota is granted, every loser is told the truth, also while serving
processes are killed; and without the guard the same storm shows an oversell."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from hutong.cli.bench.storm.claims import OP
from hutong.cli.bench.storm.trouble import Schedule, a_worker_of, kill_hard
from tests.conftest import audit_clean
from tests.faults import unguarded
from tests.faults.installation import Installation, Process
from tests.faults.storming import CLAIMS, QUOTA, storm
from tests.lane import CITY
from tests.provider import free_port

pytestmark = pytest.mark.anyio


def who_served(it: Installation, route: bytes) -> set[str]:
    """The processes that answered a request of this route, by the numbers they keep."""
    files = (it.settings.data_folder() / "metrics").glob("counter_*.db")
    return {file.stem.partition("_")[2] for file in files if b'"' + route + b'"' in file.read_bytes()}


async def all_serve(it: Installation, port: int, workers: int) -> None:
    """Wait until each process has answered: they start one after the other, and connections are dealt by chance."""
    async with asyncio.timeout(120), httpx2.AsyncClient() as client:
        while len(who_served(it, b"/healthz")) < workers:
            await client.get(f"http://127.0.0.1:{port}/healthz", headers={"connection": "close"})
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("workers", [2, 4])
async def test_several_processes_grant_exactly_the_quota(shared: Installation, tmp_path: Path, workers: int):
    port = free_port()
    server = await shared.server(port, workers=workers)
    await all_serve(shared, port, workers)
    wrong, client, journal = await storm(shared, port, tmp_path, seed=workers)
    assert not wrong
    assert journal.refused(OP) == {"sold_out": CLAIMS - QUOTA}
    assert client.requests > CLAIMS * 1.1  # many pressed twice
    assert len(who_served(shared, b"/api/v1/orders")) >= 2
    await server.stop()
    assert await audit_clean(shared.db)


async def test_serving_processes_that_are_killed_leave_nothing_half_done(shared: Installation, tmp_path: Path):
    port = free_port()
    server = await shared.server(port, workers=2)
    killed = []

    def kill() -> None:
        pid = a_worker_of(server.pid)
        assert pid is not None
        kill_hard(pid)
        killed.append(pid)

    schedule = Schedule([(CLAIMS // 4, kill), (CLAIMS * 3 // 4, kill)])
    wrong, client, _ = await storm(shared, port, tmp_path, seed=11, meanwhile=schedule.passed)
    assert not wrong
    assert len(set(killed)) == 2
    assert client.losses > 0  # it was felt
    await server.stop()
    assert await audit_clean(shared.db)


async def test_told_to_stop_under_load_every_request_is_answered_or_becomes_known(shared: Installation, tmp_path: Path):
    """SIGTERM: what was accepted is finished and answered. Who was cut off or came too late asks the next server."""
    port = free_port()
    running: list[Process] = [await shared.server(port, workers=2)]
    stopping: list[asyncio.Task[None]] = []

    async def another() -> None:
        assert await running[0].stop() < 20
        running.append(await shared.server(port, workers=2))

    def stop() -> None:
        stopping.append(asyncio.create_task(another()))

    schedule = Schedule([(CLAIMS // 3, stop)])
    wrong, client, _ = await storm(shared, port, tmp_path, seed=12, meanwhile=schedule.passed)
    await asyncio.gather(*stopping)
    assert not wrong
    assert client.losses > 0
    assert client.busy > 0  # it took its leave
    assert client.cut_off <= 8  # what came in just as a line closed; the other requests on their way were answered
    await running[-1].stop()
    assert await audit_clean(shared.db)


async def test_control_without_the_guard_the_storm_shows_the_oversell(shared: Installation, tmp_path: Path):
    async with shared.db.central() as tx:
        await tx.run(unguarded.TABLE)
    port = free_port()
    server = await shared.server(port, workers=2, target=unguarded.TARGET)
    wrong, _, journal = await storm(shared, port, tmp_path, seed=13, quota=20, claims=120)
    assert len(journal.made(OP)) > 20
    assert any(line.endswith("not 20") for line in wrong)
    await server.stop()
    async with shared.db.central() as tx:  # the claims were no orders: their keys must not outlive this test
        await tx.run("drop table unguarded_claims")
        await tx.run("delete from infra.answers where city_id = %(city)s and key like 'storm-13-%%'", city=CITY)
