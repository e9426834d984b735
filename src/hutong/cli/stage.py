"""Commands that put the house on a stage: the demo, and replays of recorded business."""

import sys
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import click

from hutong.cli.base import Context, json_option, say
from hutong.cli.demo.command import once, serve
from hutong.cli.replay.alliance_command import replay_programme
from hutong.cli.replay.beibei_command import replay_beibei
from hutong.cli.replay.command import replay_groupon
from hutong.cli.replay.journey_command import replay_complete_journey
from hutong.cli.replay.repeat_journey import replay_repeat
from hutong.cli.run import HOST, PORT, PROVIDER

SHOPS_CLOCK = click.option(
    "--zone", type=click.Choice(sorted(available_timezones())), default="America/New_York", show_default=True,
    metavar="ZONE", help="The clock of the shops.",
)  # fmt: skip


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


@replay.command()
@click.argument("successful", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("failed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def beibei(ctx: Context, successful: Path, failed: Path, as_json: bool) -> None:
    """Replay recorded group buys (lines as in the BeiBei data: initiator, item, participants, separated by tabs).

    Each item becomes a deal for each size of its teams. Every line is a team: its initiator opens it and pays, its
    participants join and pay, and it clinches; a line of FAILED is a team that nobody joined: its time runs out and
    the money goes back. Time is simulated.

    `refunded` counts the orders that got their money back. Lines that cannot be read are named on standard error,
    counted in `malformed` and left out. Exit 1 when the numbers of teams are not those of the files, a member of a
    failed team was not refunded, or the audit finds anything.
    """
    result = replay_beibei(ctx, successful, failed)
    say(result.shown(), as_json)
    sys.exit(0 if result.held else 1)


@replay.command("complete-journey")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@SHOPS_CLOCK
@click.option("--books/--no-books", default=True, help="Also live through it on a database.", show_default=True)
@click.option("--repeat", is_flag=True, help="Instead: all baskets as visits, and who came back to which store.")
@click.option("--programme", is_flag=True, help="Instead: all baskets as purchases in a points alliance.")
@json_option
@click.pass_obj
def complete_journey(
    ctx: Context, directory: Path, zone: str, books: bool, repeat: bool, programme: bool, as_json: bool
) -> None:
    """Replay recorded coupon use (parquet tables as in the Complete Journey data) through the pricing engine.

    Each coupon becomes a rule from the data: for the products of its campaign, in the campaign's days, for the
    households it was sent to. Every basket of a redemption is priced with the coupons of that day. Each redemption
    falls into one class, by the data's own rules and by the engine's answer alike; `explained` says what each class of
    the rest means. The data's days come from timestamps in UTC: the same is told once more by the clock of the shops,
    where a basket of the late evening is not tomorrow's.

    With --books what the coupons took off by the shops' clock is lived through on a fresh database (or the named one):
    shops, offers, promotions, coupons in wallets, orders, payments, redemptions. Each order must come to what the
    engine said, what brands bore stands in the books, and `audit_violations` must be 0.

    In the result, money is in cents and shares are percent; `expected_shares` are those of the whole file. Rows that
    cannot be read are counted in `malformed`. Exit 1 when the engine, the data's rules and the books differ anywhere
    or the audit finds anything; exit 2 when a table is missing or is not what its name says.

    With --repeat every basket becomes a visit to its store, all stores one alliance: how many households shop at two
    stores or more, how many come to a store a second time, how they flow between stores, which part of the money comes
    from households first met at another store, and what a joining that never happened would seem to have changed.
    Exit 1 when visits, money or households are not those counted in the file.

    With --programme every store becomes a partner of one alliance (every second one pays before, the others after),
    every household a member, every basket a purchase: one point for each whole dollar, worth a cent, pending for 14
    days, gone after 90 more. Every third basket of who has 300 points pays with them in hundreds; one basket of 250 is
    brought back. Every month is cleared and audited. `points_debt` is still owed at the end; `clearing_net_minor` is
    the sum over all parties. Exit 1 when a basket gave other points than its dollars, the audit found anything, the sum
    is not zero, the reserve is not the liability, or a closed month is not the same when it is computed again.
    """
    if programme:
        allied = replay_programme(ctx, directory, zone)
        say(allied.shown, as_json)
        sys.exit(0 if allied.held else 1)
    if repeat:
        told = replay_repeat(ctx, directory, zone)
        say(told.shown, as_json)
        sys.exit(0 if told.held else 1)
    result = replay_complete_journey(ctx, directory, zone, books=books)
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
