"""The command that runs SandboxPay: in this process, in one event loop, until SIGTERM."""

import asyncio
import contextlib
import signal
import socket
from pathlib import Path
from typing import Any

import click
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from hutong.cli.sandboxpay.app import Options, create_app

STOP_SECONDS = 3.0
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("sandboxpay")
@click.option("--port", type=click.IntRange(1, 65535), required=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--keys", type=FOLDER, required=True, help="Folder of the RSA keys; filled on the first start.")
@click.option("--state", type=FILE, required=True, help="The state file (SQLite).")
@click.option("--base-url", default=None, help="Address that payers' browsers see; default: host and port.")
@click.option("--merchant", default="M1000001", show_default=True, help="Our merchant number at this provider.")
@click.option("--payee", default="胡同 Hutong", show_default=True, help="Name shown on the pay page.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Time zone of the daily bill.")
@click.option("--retry-scale", type=float, default=1.0, show_default=True, help="Stretches the callback schedule.")
@click.option("--past", type=FILE, default=None, help="Payments that were taken before the state file begins (JSON).")
@click.option("--scriptable", is_flag=True, help="Open the misbehaviour script, the clock and the effect log.")
def main(**given: Any) -> None:
    """Run SandboxPay, the payment provider of the sandbox, until it is told to stop."""
    options = Options(**given)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as error:
            taken = f"{options.host}:{options.port} cannot be used ({error.strerror}). Choose another --port."
            raise click.ClickException(taken) from None
    click.echo(f"SandboxPay listens on http://{options.host}:{options.port}")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options))


async def serve(options: Options) -> None:
    """Serves in this process and this loop. SIGTERM stops it, with a bound on hanging requests."""
    server = Server(
        create_app(options),
        address=options.host,
        port=options.port,
        interface=Interfaces.ASGI,
        log_level=LogLevels.error,
        websockets=False,
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        server.stop()
        await asyncio.wait([serving], timeout=STOP_SECONDS)
    stopping.cancel()
