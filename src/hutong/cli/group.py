"""The command line: all commands in one group."""

from typing import Any

import click

from hutong import __version__
from hutong.cli.base import Context
from hutong.cli.bench.command import bench
from hutong.cli.closing import close_merchant
from hutong.cli.founding import admin, city
from hutong.cli.keep import audit, doctor, migrate
from hutong.cli.run import serve, up, worker
from hutong.cli.sandboxpay.command import main as sandboxpay
from hutong.cli.stage import demo, replay
from hutong.cli.visits import rebuild_visits


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hutong")
@click.option("--data", type=click.Path(file_okay=False), default=None, help="Folder of the embedded database.")
@click.pass_context
def group(ctx: click.Context, data: str | None) -> None:
    """Hutong: the open platform for online-to-offline local commerce."""
    ctx.obj = Context(wiring=ctx.obj, data=data)


COMMANDS = (
    demo, up, serve, worker, migrate, doctor, audit, replay, bench, sandboxpay, close_merchant, rebuild_visits,
    admin, city,
)  # fmt: skip
for command in COMMANDS:
    group.add_command(command)


def main(wiring: Any) -> None:
    """The entry of the console script; `wiring` is what only app.py knows."""
    group(obj=wiring)
