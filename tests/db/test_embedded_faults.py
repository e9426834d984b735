"""The embedded PostgreSQL dies in every way it can, comes back with what it acknowledged, and may be shared."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from hutong.infra.embedded import PostgresUnusable, StartFailed, host, postmaster
from hutong.infra.embedded.postmaster import running
from tests.db.embedded_help import (
    ROOT,
    a_place,
    first_line,
    gone,
    only_linux,
    pid_of,
    python,
    run,
    small,
    started,
)


@pytest.fixture
def place():
    with a_place() as folder:
        yield folder


def test_a_committed_row_survives_sigkill(place):
    with small(place / "pg") as server:
        run(server.url, "create table acknowledged (n int primary key)")
        acknowledged, stop = [], threading.Event()

        def write() -> None:
            n = 0
            while not stop.is_set():
                n += 1
                try:
                    run(server.url, "insert into acknowledged values (%s)", n)
                    acknowledged.append(n)
                except psycopg.OperationalError:
                    time.sleep(0.02)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for lives in (1, 2, 3):
                time.sleep(0.2)
                os.kill(pid_of(server), signal.SIGKILL)
                assert server.wait_ready(10, restarts=lives)
        finally:
            stop.set()
            writer.join()
        kept = {n for (n,) in run(server.url, "select n from acknowledged")}
        assert set(acknowledged) <= kept
        assert acknowledged


ENDLESS = "select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b"


def kill_during_a_long_query(pid: int, url: str) -> None:
    """Its backend goes on for a while: it looks at nothing but its numbers."""
    subprocess.Popen(
        [sys.executable, "-c", "import psycopg, sys; psycopg.connect(sys.argv[1]).execute(sys.argv[2])", url, ENDLESS],
        stderr=subprocess.DEVNULL,
    )
    deep = "select 1 from pg_stat_activity where query = %s and state = 'active' and backend_type = 'client backend'"
    while not run(url, deep, ENDLESS):
        time.sleep(0.05)
    time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    gone(pid, 2)


def test_a_backend_deep_in_a_query_does_not_keep_it_down(place):
    with small(place / "pg") as server:
        began = time.monotonic()
        kill_during_a_long_query(pid_of(server), server.url)
        assert server.wait_ready(10, restarts=1)
        assert time.monotonic() - began < 8


def test_without_clearing_up_it_would(place):
    """The control of the test above: PostgreSQL refuses to start beside a backend of the one before."""
    with small(place / "pg") as server:
        plan, url, log = server._plan, server.url, server.log_file
    assert plan is not None
    first = started(plan, log)
    kill_during_a_long_query(first.pid, url)
    first.wait(5)
    assert postmaster.launch(plan, log).wait(10)
    assert "pre-existing shared memory block" in log.read_text()
    postmaster.clear_up(plan.cluster, plan.socket)
    again = started(plan, log)
    assert again.end(10)


def test_a_stop_by_somebody_else_is_answered_with_a_start(place):
    with small(place / "pg") as server:
        os.kill(pid_of(server), signal.SIGTERM)
        assert server.wait_ready(10, restarts=1)


def test_stop_while_it_is_dead(place):
    server = small(place / "pg").start()
    os.kill(pid_of(server), signal.SIGKILL)
    server.stop()
    assert running(place / "pg" / "cluster") is None


@pytest.mark.parametrize("whose", ["nobody's", "another program's"])
def test_a_stale_pid_file_is_no_obstacle(place, whose):
    with small(place / "pg") as server:
        pid_file = server.home / "cluster" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        account = host.account_for(server.home / "cluster")
    sleeper = subprocess.Popen(["sleep", "60"], user=account.uid if account else None)
    if whose == "nobody's":
        sleeper.kill()
        sleeper.wait()
    pid_file.write_text("\n".join([str(sleeper.pid), *lines[1:]]))
    with small(place / "pg") as server:
        assert run(server.url, "select 1") == [(1,)]
    sleeper.kill()
    sleeper.wait()


def test_a_broken_configuration_is_told_with_the_servers_words(place):
    with small(place / "pg") as server:
        local = server.home / "cluster" / "local.conf"
    local.write_text("no_such_setting = 1\n")
    local.chmod(0o644)
    with pytest.raises(StartFailed, match="no_such_setting"):
        small(place / "pg").start()
    local.write_text("work_mem = '9MB'\n")
    with small(place / "pg") as server:
        assert run(server.url, "show work_mem") == [("9MB",)]


def test_data_that_vanished_is_not_replaced_by_an_empty_cluster(place):
    server = small(place / "pg").start()
    (server.home / "cluster").rename(place / "unmounted")
    os.kill(pid_of(server), signal.SIGKILL)
    assert not server.wait_ready(1.5, restarts=1)
    assert not (server.home / "cluster").exists()
    (place / "unmounted").rename(server.home / "cluster")
    assert server.wait_ready(10, restarts=1)
    server.stop()


def test_another_major_version_is_told(place):
    with small(place / "pg") as server:
        version = server.home / "cluster" / "PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(PostgresUnusable, match="made by PostgreSQL 14"):
        small(place / "pg").start()


def test_an_interrupted_first_start_is_begun_anew(place):
    (place / "pg" / "cluster.new" / "base").mkdir(parents=True)
    if ROOT:
        (place / "pg").chmod(0o711)
    with small(place / "pg") as server:
        assert server.alive()


def test_a_running_server_is_adopted(place):
    with small(place / "pg") as server:
        plan = server._plan
    assert plan is not None
    left = postmaster.launch(plan, place / "pg" / "postgres.log")  # still starting
    until = time.monotonic() + 30
    while running(plan.cluster) is None and time.monotonic() < until:
        time.sleep(0.01)  # on a busy machine it takes a while until it has written who it is
    with small(place / "pg") as server:
        assert server.pid == left.pid
        assert server.is_owner
        assert run(server.url, "select 1") == [(1,)]
    assert not left.alive()


def test_a_second_one_is_a_guest_and_takes_over(place):
    owner = small(place / "pg").start()
    guest = small(place / "pg").start()
    assert owner.is_owner
    assert not guest.is_owner
    assert guest.pid == owner.pid
    passing = small(place / "pg").start()
    passing.stop()
    assert owner.alive()
    owner.stop()
    assert guest.wait_ready(10)
    assert guest.is_owner
    assert run(guest.url, "select 1") == [(1,)]
    guest.stop()
    assert running(place / "pg" / "cluster") is None


# A folder that exists before it is open to the server's account looks, for that long, like one to avoid: chmod is slow.
@pytest.mark.parametrize("slow", [0.0, 0.1])
def test_three_that_start_at_once_share_one_server(place, monkeypatch, slow):
    at_once = Path.chmod

    def chmod(path: Path, mode: int, **more: bool) -> None:
        time.sleep(slow)
        at_once(path, mode, **more)

    monkeypatch.setattr(Path, "chmod", chmod)  # no real disk is slow at will
    servers = [small(place / "pg") for _ in range(3)]
    with ThreadPoolExecutor(3) as starters:
        list(starters.map(lambda server: server.start(30), servers))
    assert len({server.pid for server in servers}) == 1
    assert sum(server.is_owner for server in servers) == 1
    for server in sorted(servers, key=lambda s: s.is_owner):
        server.stop()


OWNER_TO_BE_KILLED = """
import sys, time
from pathlib import Path
from hutong.infra.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), memory_mb=16).start()
print(server.pid, flush=True)
time.sleep(60)
"""


@only_linux
def test_it_ends_with_a_process_that_was_killed(place):
    process = python(OWNER_TO_BE_KILLED, str(place / "pg"))
    pid = int(first_line(process))
    process.kill()
    process.wait()
    assert gone(pid)
    control = subprocess.run(
        [host.binaries_for(None) / "pg_controldata", place / "pg" / "cluster"], capture_output=True, text=True
    )
    assert "shut down" in control.stdout.split("cluster state:")[1].splitlines()[0]


def test_the_next_start_may_follow_the_kill_at_once(place):
    process = python(OWNER_TO_BE_KILLED, str(place / "pg"))
    first_line(process)
    process.kill()
    process.wait()
    with small(place / "pg") as server:
        assert run(server.url, "select 1") == [(1,)]


def test_a_forked_child_does_not_stop_it(place):
    with small(place / "pg") as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)
        time.sleep(0.1)
        assert server.alive()
        assert server.is_owner
