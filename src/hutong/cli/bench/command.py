"""`hutong bench NAME`: one command for each bench."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hutong.cli.base import Context, json_option, say
from hutong.cli.bench.frame import run
from hutong.cli.bench.growth.command import growth
from hutong.cli.bench.pages import pages
from hutong.cli.bench.quoting import quoting
from hutong.cli.bench.replay import replay
from hutong.cli.bench.ring import ring
from hutong.cli.bench.scene import Options, Scene
from hutong.cli.bench.scenes.earn import SET_SIZE, Earning
from hutong.cli.bench.scenes.finding import Finding
from hutong.cli.bench.scenes.flash import claim, flash, spread
from hutong.cli.bench.scenes.mixed import Mixed
from hutong.cli.bench.scenes.redeem import Redeeming
from hutong.cli.bench.show import show
from hutong.cli.bench.storm.command import storm

BOUND = {  # a bench is bounded: it measures this machine over loopback, and nothing else
    "seconds": click.FloatRange(0.2, 600), "connections": click.IntRange(1, 1024), "workers": click.IntRange(1, 16),
}  # fmt: skip
_OPTIONS: list[Callable[[Any], Any]] = [
    click.option("--seconds", type=BOUND["seconds"], default=10, show_default=True, help="Length of the load."),
    click.option("--workers", type=BOUND["workers"], default=1, show_default=True, help="Server processes."),
    click.option("--repeat", type=click.IntRange(1, 9), default=1, show_default=True, help="Tell medians of so many."),
    click.option("--most", type=click.IntRange(0), default=0, help="End after so many; 0: when the time is over."),
    click.option("--warm", "warm_s", type=click.FloatRange(0, 60), default=1.5, help="Seconds before measuring."),
    click.option("--limit-seconds", type=click.IntRange(1, 60), default=4, help="Length of each run of pgbench."),
    click.option(
        "--flush-ms", type=click.FloatRange(0, 50), default=0.0, help="As on a disk that flushes so much slower."
    ),
    click.option("--worker/--no-worker", default=False, help="Also run the worker beside it."),
    click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Keep the JSON here."),
    json_option,
]


STORES = click.option(  # what is loaded and measured within a minute
    "--stores",
    type=click.IntRange(100, 1_000_000),
    default=4_000,
    show_default=True,
    help="At least; five offers for each. The goal is for 20,000, which take longer to load.",
)


def options(connections: int = 64, members: int = 5_000) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that every load has."""
    crowd = click.option(
        "--members", type=click.IntRange(1, 100_000), default=members, show_default=True, help="Signed in."
    )
    lines = click.option(
        "--connections", type=BOUND["connections"], default=connections, show_default=True, help="At one time."
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([lines, crowd, *_OPTIONS]):
            command = option(command)
        return command

    return add


@click.group()
def bench() -> None:
    """Measure the house on this machine.

    Without --data and HUTONG_DATABASE_URL a bench makes a PostgreSQL of its own on disk (fsync on) and removes it
    afterwards. Each run also measures its limits: pgbench on the same PostgreSQL, and the same server doing nothing.
    Exit 1 when a request failed, an invariant broke or a unit was lost; a goal that is missed is only told.
    """


def perform(
    ctx: Context, scene: Scene, given: dict[str, Any], more: Callable[[float | None], dict[str, Any]] | None = None
) -> None:
    """Run a scene by the options of the command line, tell the result, and end with its exit code.

    `more`: what the scene measured besides the load, given the limit's rate.
    """
    out, as_json = given.pop("out"), given.pop("as_json")
    result = run(ctx, scene, Options(**given))
    if more is not None:
        result |= more(result["limit_rate"])
    show(result)
    if out is not None:
        out.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")
    say(result, as_json)
    sys.exit(1 if result["errors"] or result["wrong"] or result["audit_violations"] else 0)


QUOTA = click.option("--quota", type=click.IntRange(1), default=None, help="Units of each offer; default: plenty.")


@bench.command("flash")
@QUOTA
@options()
@click.pass_obj
def flash_command(ctx: Context, **given: Any) -> None:
    """Many members order the one hot offer."""
    perform(ctx, flash(), given)


@bench.command("claim")
@QUOTA
@options()
@click.pass_obj
def claim_command(ctx: Context, **given: Any) -> None:
    """Many members take the one hot offer that costs nothing: voucher at once."""
    perform(ctx, claim(), given)


@bench.command("spread")
@options()
@click.pass_obj
def spread_command(ctx: Context, **given: Any) -> None:
    """Members order 10,000 offers in 200 stores."""
    perform(ctx, spread(), given)


@bench.command("redeem")
@click.option("--vouchers", type=click.IntRange(1), default=None, help="How many are made; default: enough.")
@options()
@click.pass_obj
def redeem_command(ctx: Context, vouchers: int | None, **given: Any) -> None:
    """A hundred counters look at codes and use them."""
    perform(ctx, Redeeming(vouchers), given)


@bench.command("earn")
@click.option(
    "--set-size", type=click.IntRange(1, 5_000), default=SET_SIZE, show_default=True, help="Earns in one transaction."
)
@options(members=1_000)
@click.pass_obj
def earn_command(ctx: Context, set_size: int, **given: Any) -> None:
    """Tills of twenty partners send bills that earn points.

    Before that the same members and partners earn in sets, without HTTP (`set_rate`). A member's code counts for one
    bill: with very few members the load ends when all codes of the moment are used up.
    """
    scene = Earning(set_size)
    perform(ctx, scene, given, scene.set_figures)


@bench.command("mixed")
@options()
@click.pass_obj
def mixed_command(ctx: Context, **given: Any) -> None:
    """80 of 100 look around, 15 buy, 5 use a voucher."""
    perform(ctx, Mixed(), given)


@bench.command("nearby")
@STORES
@options(connections=1)
@click.pass_obj
def nearby_command(ctx: Context, stores: int, **given: Any) -> None:
    """Shops nearest first in a large city, page and query.

    One at a time, so the time is the server's. A large city takes minutes to load: keep it with --data.
    """
    perform(ctx, Finding("nearby", stores=stores), given)


@bench.command("search")
@STORES
@options(connections=1)
@click.pass_obj
def search_command(ctx: Context, stores: int, **given: Any) -> None:
    """Shops by words in a large city, page and query."""
    perform(ctx, Finding("search", stores=stores), given)


bench.add_command(growth)
bench.add_command(pages)
bench.add_command(quoting)
bench.add_command(replay)
bench.add_command(ring)
bench.add_command(storm)
