"""Commands that put the house on a stage: the demo, and replays of recorded business."""

import sys
from pathlib import Path
from typing import Any

import click

from hutong.cli.base import Context, json_option, say
from hutong.cli.demo.command import once, serve
from hutong.cli.replay.command import replay_groupon
from hutong.cli.run import HOST, PORT, PROVIDER


@click.group()
def replay() -> None:
    """Live through recorded business again, by the same operations as a phone."""


@replay.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def groupon(ctx: Context, file: Path, as_json: bool) -> None:
    """Replay recorded group deals (columns as in the Groupon data of 2011/2012).

    Each row becomes a merchant, a store and a deal with its tipping point, price, discount and dates. Its recorded
    quantity is bought by a crowd, in orders of one to five units; three of five units are used, the rest expires and
    is refunded; a deal below its minimum is refunded whole. Time is simulated.

    In the result, money is in cents. `tipped` counts the deals that sold their minimum (a deal without a tipping
    point has the minimum 1), `not_tipped` the others; `revenue_minor` is what was captured, whatever was refunded
    later; `redeemed` and `refunded` count units. Lines that cannot be read are named on standard error, counted in
    `malformed` and left out. Exit 1 when a row's revenue or anything else does not come out as recorded.
    """
    result = replay_groupon(ctx, file)
    say(result.shown(), as_json)
    sys.exit(0 if result.held else 1)


@click.command()
@HOST
@PORT
@PROVIDER
@click.option("--once", "only_once", is_flag=True, help="Play the main job once over HTTP, audit, and end.")
@click.option("--no-load", is_flag=True, help="Start without the demo cities.")
@click.option(
    "--scale", type=click.IntRange(0, 100_000), default=0, metavar="STORES",
    help="Also load a generated city of so many stores, with five offers for each.",
)  # fmt: skip
@json_option
@click.pass_obj
def demo(ctx: Context, only_once: bool, no_load: bool, scale: int, as_json: bool, **given: Any) -> None:
    """Start everything with two invented cities and ready sign-ins, until Ctrl-C.

    It is kept in the data folder (or the named database) and is there again the next time. With --once: a fresh
    temporary database unless one is named, server, provider and worker at free ports; a member buys three units of a
    deal and pays, two are used at the counter (one is undone and used again), one is refunded; then the audit.
    `settled_minor` is what two redemptions brought to merchant, operator and platform, in the currency's smallest unit.
    """
    if only_once:
        sys.exit(0 if once(ctx, as_json=as_json, given=given) else 1)
    serve(ctx, load=not no_load, scale=scale, as_json=as_json, given=given)
