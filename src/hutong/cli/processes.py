"""Processes of the house: started together, watched, stopped together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import FrameType, TracebackType
from typing import Self

import click
import httpx2

from hutong.cli.base import words
from hutong.infra import metrics
from hutong.infra.settings import PREFIX, Settings

STOP_SECONDS = 15.0


def port_taken(host: str, port: int) -> bool:
    """Whether somebody listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need_ports(settings: Settings, *, provider: bool) -> None:
    """A clear word before anything is started when a port is taken."""
    wanted = [("port", settings.host, settings.port)]
    if provider:
        wanted.append(("provider-port", "127.0.0.1", settings.provider_port))
    for name, host, port in wanted:
        if port_taken(host, port):
            raise click.ClickException(f"Port {port} is taken by another program. Choose another: --{name} NUMBER")


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a child: ours, with the settings as they were decided here."""
    given = {
        "DATABASE_URL": settings.database_url or "", "DATA": str(settings.data), "HOST": settings.host,
        "PORT": str(settings.port), "PROVIDER_PORT": str(settings.provider_port),
        "PUBLIC_URL": settings.public_url or "", "DEMO": str(settings.demo).lower(),
    }  # fmt: skip
    numbers = metrics.shared(settings.data_folder() / "metrics")
    return {**os.environ, **numbers, **{PREFIX + name: value for name, value in given.items()}}


def python(*arguments: str) -> list[str]:
    """A command that runs one of our modules with this interpreter."""
    return [sys.executable, "-m", *arguments]


def server_command(settings: Settings, target: str) -> list[str]:
    """Granian with our application. The kill timeout is always set: without it a worker that is still importing
    makes the parent wait for ever at SIGTERM (libraries.md 2.4). A worker that dies is replaced; without the flag all
    others would end with it."""
    return python(
        "granian", "--interface", "asgi", "--factory", "--host", settings.host, "--port", str(settings.port),
        "--workers", str(settings.workers), "--workers-kill-timeout", "10",
        "--respawn-failed-workers", "--no-ws", "--log-level", "warning",
        "--backpressure", "2048", "--backlog", "2048", target,
    )  # fmt: skip


def provider_command(settings: Settings) -> list[str]:
    """SandboxPay at its port, with its state beside our data; with what the demo's past left there, if there is any."""
    folder = settings.data_folder() / "sandboxpay"
    folder.mkdir(exist_ok=True)
    past = folder / "past.json"
    return python(
        "hutong.cli.sandboxpay", "--port", str(settings.provider_port), "--keys", str(folder / "keys"),
        "--state", str(folder / "state.sqlite"), *(["--past", str(past)] if past.exists() else []),
    )  # fmt: skip


def worker_command(settings: Settings) -> list[str]:
    """The worker as a process of its own."""
    return python("hutong.app", "--data", str(settings.data), "worker")


class Family:
    """Children that live and die together. A context manager: leaving it stops them, the youngest first."""

    def __init__(self, env: Mapping[str, str], *, quiet: bool = False) -> None:
        self._env, self._quiet = dict(env), quiet
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._stopping = False

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)
        return self

    def _asked(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True

    def start(self, name: str, command: Sequence[str]) -> int:
        """Start a child in a session of its own, so that Ctrl-C reaches only us and the order of stopping is ours.

        Its number as a process comes back.
        """
        out = subprocess.DEVNULL if self._quiet else None
        child = subprocess.Popen(command, env=self._env, stdout=out, start_new_session=True)  # noqa: S603
        self._children.append((name, child))
        return child.pid

    def wait_for(self, url: str, *, seconds: float = 60) -> None:
        """Until the address answers well; says who died when one of the children did."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping:
            self._check()
            try:
                if httpx2.get(url, timeout=2, trust_env=False).is_success:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
        raise click.ClickException(f"{url} did not answer within {seconds:.0f} s.")

    def _check(self) -> None:
        for name, child in self._children:
            if child.poll() is not None:
                raise click.ClickException(f"{name} ended with code {child.returncode}; its reason stands above.")

    def watch(self) -> None:
        """Until we are asked to stop, or one of the children ends."""
        while not self._stopping:
            self._check()
            time.sleep(0.2)
        words.print("stopping ...")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
        until = time.monotonic() + STOP_SECONDS
        for _, child in reversed(self._children):
            try:
                child.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
