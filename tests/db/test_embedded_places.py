"""The embedded PostgreSQL as root and as an ordinary user, in folders short and long, on ports free and taken."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

import hutong
from hutong.infra.embedded import PostgresUnusable, host
from tests.db.embedded_help import a_place, only_root, pid_of, run, small


@pytest.fixture
def place():
    with a_place() as folder:
        yield folder


AS_ORDINARY_USER = """
import json, os, psutil, psycopg
from hutong.infra.embedded import EmbeddedPostgres
from hutong.infra.settings import Settings
settings = Settings(_env_file=None)
with EmbeddedPostgres(settings.postgres_folder, memory_mb=16) as server:
    with psycopg.connect(server.url) as conn:
        conn.execute("create table t (n int)")
    print(json.dumps({
        "uid": os.geteuid(), "server_uid": psutil.Process(server.pid).uids().effective,
        "home": str(server.home), "notice": server.notice, "key": len(settings.master_key()),
    }))
"""


def python_for(account: host.Account) -> list[str] | None:
    """A Python that the account can run and that can load our packages."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        real = Path(candidate).resolve()
        if real.exists() and host.reachable(real, account):
            asked = [candidate, "-c", "import sys; print(sys.version_info[:2])"]
            if subprocess.run(asked, capture_output=True, text=True).stdout.strip() == str(sys.version_info[:2]):
                return [candidate, "-c", AS_ORDINARY_USER]
    return None


@only_root
def test_as_an_ordinary_user(place):
    account = host._find("nobody")
    if account is None or not shutil.which("setpriv"):
        pytest.skip("needs the account nobody and setpriv")
    command = python_for(account)
    if command is None:
        pytest.skip(f"no Python {sys.version_info[:2]} that the account nobody can reach")
    home = place / "home"
    home.mkdir()
    os.chown(home, account.uid, account.gid)
    packages = [str(Path(hutong.__file__).parents[1]), str(Path(psycopg.__file__).parents[1])]
    done = subprocess.run(
        ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", *command],
        env={"HOME": str(home), "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(packages)},
        cwd=home, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["uid"] == told["server_uid"] == account.uid
    assert told["home"].startswith(str(home))
    assert told["notice"] is None
    assert told["key"] >= 32
    # Root may use the same folder afterwards, and leaves it usable for the ordinary user.
    folder = Path(told["home"])
    with small(folder) as server:
        assert run(server.url, "select count(*) from t") == [(0,)]
    assert {path.lstat().st_uid for path in folder.iterdir()} == {account.uid}


@only_root
def test_under_root_it_runs_as_another_account(place):
    with small(place / "pg") as server:
        account = host.account_for(server.home / "cluster")
        assert account is not None
        assert account.uid != 0
        assert Path(f"/proc/{pid_of(server)}").stat().st_uid == account.uid


@only_root
def test_a_folder_that_account_cannot_reach_is_replaced_and_told(place):
    place.chmod(0o700)
    server = small(place / "pg").start()
    assert server.notice is not None
    assert str(place) in server.notice
    assert str(server.home) in server.notice
    assert (place / "pg" / "elsewhere").resolve() == server.home
    run(server.url, "create table t (n int)")
    server.stop()
    with small(place / "pg") as server:
        assert run(server.url, "select count(*) from t") == [(0,)]
        home = server.home
    server.remove()
    assert not home.exists()
    assert place.stat().st_mode & 0o777 == 0o700


@only_root
def test_binaries_that_account_cannot_reach_are_copied(place):
    account = host.Account("nobody", 65534, 65534)
    hidden = place / "hidden"
    (hidden / "bin").mkdir(parents=True)
    (hidden / "bin" / "postgres").write_text("#!/bin/sh\n")
    (hidden / "bin" / "postgres").chmod(0o700)
    (hidden / "bin" / "pg").symlink_to("postgres")
    (hidden / "include").mkdir()
    hidden.chmod(0o700)
    assert not host.reachable(hidden / "bin" / "postgres", account)
    for _ in range(2):
        copy = host.copied(hidden, place / "store" / "postgresql-1")
        assert host.reachable(copy / "bin" / "postgres", account)
        assert (copy / "bin" / "postgres").stat().st_mode & 0o777 == 0o755
        assert not (copy / "include").exists()
    assert [path.name for path in (place / "store").iterdir()] == ["postgresql-1"]


def test_over_tcp_it_asks_for_the_password(place):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with small(place / "pg", port=port) as server:
        assert server.tcp_url
        assert run(server.tcp_url, "select current_user") == [("hutong",)]
        assert run(server.url, "select 1") == [(1,)]
        with pytest.raises(psycopg.OperationalError, match="password"):
            run(f"postgresql://hutong:wrong@127.0.0.1:{port}/hutong", "select 1")
        with pytest.raises(psycopg.OperationalError):
            run(f"postgresql://postgres@127.0.0.1:{port}/postgres", "select 1")
        guest = small(place / "pg").start()
        assert guest.url == server.url
        guest.stop()


def test_a_taken_port_is_told(place):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PostgresUnusable, match="is taken"):
            small(place / "pg", port=other.getsockname()[1]).start()


def test_a_long_path_is_no_obstacle(place):
    folder = place / ("long" * 30)
    folder.mkdir(mode=0o711)
    with small(folder / "pg") as server:
        assert run(server.url, "select 1") == [(1,)]
        assert str(folder) not in server.url
        socket_folder = server._planned.socket
    assert not socket_folder.exists()


def test_a_socket_folder_that_others_can_enter_is_refused(place):
    (place / "open").mkdir(mode=0o755)
    (place / "target").mkdir(mode=0o700)
    (place / "link").symlink_to(place / "target")
    for name in ("open", "link"):
        with pytest.raises(PostgresUnusable, match="private folder"):
            host.private_folder(place / name, None)


def test_a_folder_that_cannot_be_used_is_told(place):
    (place / "file").write_text("")
    with pytest.raises(PostgresUnusable, match="choose other --data"):
        small(place / "file" / "pg").start()
