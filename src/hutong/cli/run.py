"""Commands that run: the server, the worker, and everything together."""

import asyncio
import signal
from typing import Any

import click

from hutong.cli.base import Context, words
from hutong.cli.processes import (
    Family,
    environment,
    need_ports,
    provider_command,
    server_command,
    worker_command,
)
from hutong.infra.logs import configure as configure_logs
from hutong.infra.settings import Settings

HOST = click.option("--host", default=None, help="Address to listen on.")
PORT = click.option("--port", type=int, default=None, help="Port to listen on.")
PROVIDER = click.option("--provider-port", type=int, default=None, help="Port of SandboxPay.")
WORKERS = click.option("--workers", type=click.IntRange(1), default=None, help="Server processes.")


@click.command()
@HOST
@PORT
@WORKERS
@click.pass_obj
def serve(ctx: Context, **given: Any) -> None:
    """Run the server alone (a worker runs beside it or elsewhere: `hutong worker`)."""
    settings = ctx.settings(**given)
    need_ports(settings, provider=False)
    with ctx.database(settings) as ready, Family(environment(ready)) as family:
        family.start("the server", server_command(ready, ctx.wiring.target))
        family.wait_for(f"{ready.address}/healthz")
        words.print(f"Hutong listens on {ready.address}")
        family.watch()


@click.command()
@HOST
@PORT
@PROVIDER
@WORKERS
@click.pass_obj
def up(ctx: Context, **given: Any) -> None:
    """Run everything on one machine: database, SandboxPay, server and worker; empty, without a demo city."""
    settings = ctx.settings(**given)
    need_ports(settings, provider=True)
    with ctx.database(settings) as ready, Family(environment(ready)) as family:
        start_all(family, ready, ctx.wiring.target)
        words.print(f"Hutong listens on {ready.address}, SandboxPay on http://127.0.0.1:{ready.provider_port}")
        family.watch()


def start_all(family: Family, settings: Settings, target: str) -> None:
    """Provider, server and worker, each ready before the next."""
    family.start("SandboxPay", provider_command(settings))
    family.wait_for(f"http://127.0.0.1:{settings.provider_port}/healthz")
    family.start("the server", server_command(settings, target))
    family.start("the worker", worker_command(settings))
    family.wait_for(f"{settings.address}/readyz")


@click.command()
@click.pass_obj
def worker(ctx: Context) -> None:
    """Run the worker: what follows from facts, and what is done from time to time."""
    settings = ctx.settings()
    configure_logs(settings)
    with ctx.database(settings) as ready:
        asyncio.run(_work(ctx, ready))


async def _work(ctx: Context, settings: Settings) -> None:
    house = ctx.wiring.build(settings)
    await house.open()
    try:
        found = ctx.wiring.worker(house)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, found.stop)
        await found.run()
    finally:
        await house.close()
