"""What the tests of the embedded PostgreSQL share."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutong.infra.embedded import EmbeddedPostgres, postmaster
from hutong.infra.embedded.cluster import Plan

ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="root's way of running PostgreSQL: this run is an ordinary user's")
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")


@contextmanager
def a_place() -> Iterator[Path]:
    """A folder that any account may pass through, as a data folder usually can; in memory where there is room."""
    memory = Path("/dev/shm")
    room = memory.is_dir() and shutil.disk_usage(memory).free > 1_000_000_000
    folder = Path(tempfile.mkdtemp(prefix="hutong-place-", dir=memory if room else None))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def small(folder: Path, **more: Any) -> EmbeddedPostgres:
    """A server with little memory that does not wait for disks."""
    return EmbeddedPostgres(folder, **{"memory_mb": 16, "fsync": False} | more)


def run(url: str, statement: str, *values: Any) -> list[Any]:
    """The rows of one statement, in a connection of its own."""
    with psycopg.connect(url, autocommit=True) as conn:
        cursor = conn.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def pid_of(server: EmbeddedPostgres) -> int:
    assert server.pid is not None
    return server.pid


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether the process was gone within that time."""
    until = time.monotonic() + seconds
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
        time.sleep(0.02)
    return not os.path.exists(f"/proc/{pid}")


def python(code: str, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Our code in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", code, *args], stdout=subprocess.PIPE, text=True, env=env)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def started(plan: Plan, log: Path) -> postmaster.Postmaster:
    """A server that nobody looks after, once it is ready."""
    server = postmaster.launch(plan, log)
    while server.alive() and not ((found := postmaster.read_pid_file(plan.cluster)) and found.ready):
        time.sleep(0.01)
    assert server.alive(), log.read_text()
    return server
