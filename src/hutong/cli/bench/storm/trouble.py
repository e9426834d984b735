"""Trouble in the middle of a storm: processes that are killed, without a word."""

import os
import signal
from collections.abc import Callable

import click
import psutil

from hutong.cli.bench.ground import Ground
from hutong.infra.db import Database
from hutong.infra.gauges import gauges


def kill_hard(pid: int) -> None:
    """SIGKILL: it has no time to say anything."""
    os.kill(pid, signal.SIGKILL)


def a_worker_of(server: int) -> int | None:
    """The process under a server that serves for the longest time; the server itself only looks after them.

    The longest, because the server gives up when one that it has just brought back dies within 5 seconds.
    """
    try:
        children = psutil.Process(server).children()
    except psutil.NoSuchProcess:
        return None
    serving = [child for child in children if _serves(child)]
    return min(serving, key=lambda child: child.create_time()).pid if serving else None


def _serves(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


class Schedule:
    """Calls each deed once, when so many wishes are through."""

    def __init__(self, deeds: list[tuple[int, Callable[[], None]]]) -> None:
        self._deeds = sorted(deeds, key=lambda deed: deed[0])
        self.done = 0

    def passed(self, through: int) -> None:
        while self._deeds and through >= self._deeds[0][0]:
            _, do = self._deeds.pop(0)
            do()
            self.done += 1


def evenly(count: int, total: int) -> list[int]:
    """After how many of `total` each of `count` deeds happens: not at the start and not at the end."""
    return [total * (number + 1) // (count + 1) for number in range(count)]


async def postmaster_of(place: Ground) -> int:
    """The process of the PostgreSQL that is worked on. Raises ClickException when it is on another machine."""
    async with Database(place.watch_url).snapshot() as tx:
        backend = (await gauges(tx, database=place.database)).backend
        parent = psutil.Process(backend).parent() if psutil.pid_exists(backend) else None
    if parent is None or not parent.name().startswith("postgres"):
        raise click.ClickException("only a PostgreSQL on this machine can be killed")
    return parent.pid
