"""The embedded PostgreSQL: starts in seconds, keeps to itself, and leaves nothing behind when it was temporary."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from hutong.infra.embedded import EmbeddedPostgres, cluster, temporary
from tests.db.embedded_help import a_place, first_line, only_linux, python, run, small


@pytest.fixture
def place():
    with a_place() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared():
    """One server for the tests that only look."""
    with temporary(in_memory=True) as server:
        yield server


def test_starts_and_stops_within_seconds_and_keeps_its_data(place):
    began = time.monotonic()
    with EmbeddedPostgres(place / "pg") as server:
        assert server.alive()
        run(server.url, "create table kept (n int)")
        run(server.url, "insert into kept values (7)")
    assert time.monotonic() - began < 10
    assert not server.alive()
    with small(place / "pg") as server:
        assert run(server.url, "select n from kept") == [(7,)]
        assert server.restarts == 0
    server.stop()  # twice is fine


def test_our_role_owns_the_database_and_is_no_superuser(shared):
    assert run(shared.url, "select current_user, usesuper from pg_user where usename = current_user") == [
        ("hutong", False)
    ]
    run(shared.url, "create extension pg_trgm")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(shared.url, "copy (select 1) to program 'true'")


def test_text_is_utf8_and_sorts_the_same_everywhere(shared):
    kind = "select pg_encoding_to_char(encoding), datlocprovider::text, datlocale from pg_database where datname = %s"
    assert run(shared.url, kind, "hutong") == [("UTF8", "b", "C.UTF-8")]
    run(shared.url, "create extension if not exists pg_trgm")
    assert run(shared.url, "select lower('ÄÖ'), similarity('胡同面馆', '胡同面') > 0.3") == [("äö", True)]


def test_databases_are_made_copied_and_dropped(shared):
    url = shared.create_database("first")
    run(url, "create table t (n int)")
    assert run(shared.create_database("second", template="first"), "select count(*) from t") == [(0,)]
    held = psycopg.connect(shared.url_of("second"))
    shared.drop_database("second")  # also when somebody is connected
    held.close()
    shared.drop_database("first")
    shared.drop_database("first")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        run(url, "select 1")


@pytest.mark.parametrize("name", ["postgres", "template1", 'x"; drop', "", "Upper", "x" * 64])
def test_a_strange_database_name_is_refused(shared, name):
    with pytest.raises(ValueError, match="database name"):
        shared.create_database(name)


def test_the_tools_are_there(shared):
    shown = subprocess.run([shared.psql, shared.url, "-Atc", "select 41 + 1"], capture_output=True, text=True)
    assert shown.stdout == "42\n"
    assert shared.pgbench.exists()


def test_ctrl_c_in_the_terminal_does_not_reach_it(shared):
    assert os.getsid(shared.pid) != os.getsid(0)


def test_nobody_else_can_enter(shared):
    for folder in (shared.home / "cluster", shared.home / "socket"):
        assert folder.stat().st_mode & 0o077 == 0
    assert (shared.folder / "password").stat().st_mode & 0o077 == 0


def test_its_log_tells_nothing_of_the_data(shared):
    run(shared.url, "create table member (phone text primary key)")
    run(shared.url, "insert into member values ('13812345678')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(shared.url, "insert into member values ('13812345678')")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        run(shared.url, "select '13812345678x'::uuid")
    assert "13812345678" not in shared.log_file.read_text()


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_temporary_server_is_gone_afterwards(in_memory):
    with temporary(in_memory=in_memory) as server:
        folder, pid = server.folder.parent, server.pid
        run(server.url, "create table t (n int)")
        assert folder.exists()
    assert not folder.exists()
    assert not os.path.exists(f"/proc/{pid}")


def test_it_is_gone_after_a_failure_too():
    with pytest.raises(RuntimeError), temporary(in_memory=True) as server:
        raise RuntimeError
    assert not server.folder.parent.exists()


KILLED_IN_USE = """
import sys, time
from hutong.infra.embedded import temporary
with temporary() as server:
    print(server.folder.parent, flush=True)
    time.sleep(60)
"""


@only_linux
def test_what_a_killed_process_left_is_swept(place):
    process = python(KILLED_IN_USE, env={**os.environ, "TMPDIR": str(place)})
    left = Path(first_line(process))
    process.kill()
    process.wait()
    assert left.parent == place
    assert left.exists()
    done = subprocess.run(
        [sys.executable, "-c", "from hutong.infra.embedded import temporary\nwith temporary(): pass"],
        env={**os.environ, "TMPDIR": str(place)}, check=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert not left.exists()
    assert list(place.iterdir()) == []


def test_durability_is_as_asked(shared, place):
    assert run(shared.url, "show fsync") == [("off",)]
    with EmbeddedPostgres(place / "pg") as server:
        assert run(server.url, "show fsync") == [("on",)]
        assert run(server.url, "show synchronous_commit") == [("on",)]
        assert "fsync = on" in (server.home / "cluster" / "hutong.conf").read_text()


def test_the_configuration_is_not_written_through_a_link(place):
    """The server's account could leave a link in its folder; root must not follow it."""
    target = place / "precious"
    target.write_text("precious")
    (place / "hutong.conf.new").symlink_to(target)
    cluster._write(place / "hutong.conf", "text", None)
    assert target.read_text() == "precious"
    assert (place / "hutong.conf").read_text() == "text"
