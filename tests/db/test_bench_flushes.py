"""`--flush-ms`: every commit waits so much longer for the log, and afterwards none does."""

import time
from pathlib import Path

import click
import psycopg
import pytest

from hutong.cli.bench.ground import Ground, slow_flushes
from hutong.infra import settings
from hutong.infra.embedded import temporary

COMMITS = 20


def seconds_of_commits(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create table if not exists written (n int)")
        began = time.monotonic()
        for n in range(COMMITS):
            conn.execute("insert into written values (%s)", (n,))
        return time.monotonic() - began


def test_each_commit_waits_and_afterwards_none_does():
    with temporary(fsync=True, memory_mb=16) as server:
        ours = settings.load(database_url=server.url)
        place = Ground(settings=ours, watch_url=server.admin_url, binaries=server.binaries, kept=False)
        with slow_flushes(place, 10):
            assert seconds_of_commits(server.url) >= COMMITS * 0.010
        with psycopg.connect(server.url) as conn:
            assert conn.execute("show commit_delay").fetchone() == ("0",)


def test_a_server_that_is_not_ours_is_left_alone():
    theirs = "postgresql://somebody@127.0.0.1/theirs"
    place = Ground(settings=settings.load(database_url=theirs), watch_url=theirs, binaries=Path(), kept=True)
    with pytest.raises(click.ClickException, match="flush-ms"), slow_flushes(place, 1):
        raise AssertionError("it must not begin")
