"""Drives the client: starts it beside the server, reads the meters before and after, and takes down what it says."""

import asyncio
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from hutong.cli.bench.ground import Ground, Used, used
from hutong.cli.bench.scene import Options

GRACE = 120.0  # seconds beyond its time after which the client is given up


class Driven(Struct, frozen=True, kw_only=True):
    """What the client said, what it kept, and what was used meanwhile."""

    said: dict[str, Any]
    kept: tuple[str, ...]
    used: dict[str, float | None]
    batch: float | None


def drive(
    place: Ground, folder: Path, plan: Mapping[str, Any], options: Options, *, server: int, seconds: float,
    warm_s: float, most: int = 0, operation: str | None = None,
) -> Driven:  # fmt: skip
    """One load by the client. Between the two looks at the meters there is nothing but the load."""
    settings = place.settings
    whole = {
        "host": "127.0.0.1", "port": settings.port, "connections": options.connections, "seconds": seconds,
        "warm_s": warm_s, "most": most, **plan,
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(whole), encoding="utf-8")
    kept = folder / "kept"
    kept.unlink(missing_ok=True)
    command = [sys.executable, "-m", "hutong.cli.bench.client", str(folder / "plan.json"), str(kept)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:  # noqa: S603
        alarm = threading.Timer(warm_s + seconds + GRACE, client.kill)
        alarm.start()
        try:
            warm = _line(client)
            before, batches = asyncio.run(used(place, server)), _batches(settings.address, operation)
            assert client.stdin is not None
            client.stdin.write("go\n")
            client.stdin.flush()
            said = _line(client)
            after, later = asyncio.run(used(place, server)), _batches(settings.address, operation)
        finally:
            alarm.cancel()
            client.kill()
    said["errors"] = {**warm["errors"], **said["errors"]}
    size = (later[0] - batches[0]) / (later[1] - batches[1]) if later[1] > batches[1] else None
    names = tuple(kept.read_text().split()) if kept.exists() else ()
    return Driven(said=said, kept=names, used=_difference(before, after, said), batch=size)


def _line(client: subprocess.Popen[str]) -> dict[str, Any]:
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        raise click.ClickException("the client gave up; its reason stands above")
    return json.loads(line)


def _difference(before: Used, after: Used, said: Mapping[str, Any]) -> dict[str, float | None]:
    """Per request where it says so; processor seconds per 1000 requests."""
    requests = max(1, said["requests"])
    statements = commits = postgres = None
    if before.statements is not None and after.statements is not None:
        statements = (after.statements - before.statements) / requests
    if before.commits is not None and after.commits is not None:
        commits = (after.commits - before.commits) / requests
    if before.postgres_s is not None and after.postgres_s is not None:
        postgres = (after.postgres_s - before.postgres_s) * 1000 / requests
    return {
        "server": (after.server_s - before.server_s) * 1000 / requests, "postgresql": postgres,
        "client": said["cpu_s"] * 1000 / requests, "statements": statements, "transactions": commits,
        "wal_bytes": (after.wal_bytes - before.wal_bytes) / requests,
    }  # fmt: skip


def _batches(address: str, operation: str | None) -> tuple[float, float]:
    """(commands, batches) of an operation so far, by the server's own metrics."""
    if operation is None:
        return 0.0, 0.0
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:  # noqa: S310 (our own server)
        lines = answer.read().decode().splitlines()
    label = f'{{operation="{operation}"}}'
    found = [
        sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"hutong_batch_size_{part}{label}"))
        for part in ("sum", "count")
    ]
    return found[0], found[1]
