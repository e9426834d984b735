"""Commands that begin a platform: its first administrator, and its cities."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hutong.cli.base import Context, json_option, say, words
from hutong.desk import founding, opening
from hutong.infra.db import Database
from hutong.kit.clock import SystemClock
from hutong.kit.ids import MEMBER
from hutong.kit.refusals import Refusal

R = TypeVar("R")
EXAMPLE = Path(__file__).with_name("city.toml")


def _on(ctx: Context, do: Callable[[Database], Awaitable[R]]) -> R:
    """Do it on the database of the settings; a refusal ends the command with its code, sentence and next step."""

    async def run(url: str) -> R:
        db = await Database(url).open()
        try:
            return await do(db)
        finally:
            await db.close()

    with ctx.database(ctx.settings()) as ready:
        assert ready.database_url is not None
        try:
            return asyncio.run(run(ready.database_url))
        except Refusal as refusal:
            said = refusal.sentence().en.rstrip(".")
            raise click.ClickException(f"{refusal.code}: {said}. {refusal.next_step().en}") from None


@click.group()
def admin() -> None:
    """Who runs the platform: the first one is named here, later ones on the platform's page."""


@admin.command("add")
@click.argument("phone")
@click.option("--name", default="", help="What colleagues read; may be changed later.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--again", is_flag=True, help="Also when there is one already, because nobody can sign in any more.")
@json_option
@click.pass_obj
def add_admin(ctx: Context, phone: str, name: str, language: str, again: bool, as_json: bool) -> None:
    """Name the first administrator of the platform by PHONE (+8613812345678; without + a number of China).

    He signs in with a code, as everybody does. Exit 1 with a code and a sentence when it is refused.
    """
    now = SystemClock().now()
    given = _on(
        ctx, lambda db: founding.name_admin(db, phone=phone, name=name, language=language, again=again, now=now)
    )
    shown = MEMBER.show(given.member_id)
    words.print(f"{shown} runs the platform: sign in, then open /platform")
    say({"member": shown, "role": given.role.value}, as_json)


@admin.command("list")
@json_option
@click.pass_obj
def list_admins(ctx: Context, as_json: bool) -> None:
    """Who runs the platform, since when."""
    found = _on(ctx, founding.admins)
    rows = [
        {"member": MEMBER.show(one.member_id), "name": one.name, "phone_tail": one.phone_tail,
         "since": one.granted_at.isoformat(timespec="seconds")}
        for one in found
    ]  # fmt: skip
    for row in rows:
        words.print(f"{row['member']}  {row['name']}  …{row['phone_tail']}  since {row['since']}")
    if not rows:
        words.print("nobody yet: hutong admin add PHONE")
    say({"admins": rows}, as_json)


@click.group()
def city() -> None:
    """The cities of the platform."""


@city.command("example")
def example() -> None:
    """Print a file that describes a city, with every field explained: hutong city example > city.toml"""
    click.echo(EXAMPLE.read_text(encoding="utf-8"), nl=False)


@city.command("open")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def open_city(ctx: Context, file: Path, as_json: bool) -> None:
    """Open the city that FILE describes (`hutong city example` prints one).

    The same file again changes nothing; districts and landmarks that were added to it are added to the city. What holds
    for ever (number, short name, names, zone, currency, edge) is refused when it differs. Exit 1 with code and sentence
    when it is refused.
    """
    now, data = SystemClock().now(), file.read_bytes()

    async def do(db: Database) -> opening.Opened:
        return await opening.open_city(db, opening.read_file(data), by=None, now=now)

    done = _on(ctx, do)
    how = "is open" if done.fresh else f"was open already; {done.added} parts are new" if done.added else "is as it was"
    words.print(
        f"{done.city.name.en} {how}: {done.districts} districts, {done.landmarks} landmarks, /c/{done.city.slug}"
    )
    result: dict[str, Any] = {
        "city": done.city.slug, "number": done.city.city_id, "fresh": done.fresh, "districts": done.districts,
        "landmarks": done.landmarks, "added": done.added,
    }  # fmt: skip
    say(result, as_json)


@city.command("list")
@json_option
@click.pass_obj
def list_cities(ctx: Context, as_json: bool) -> None:
    """The cities, with how much is in each."""
    found = _on(ctx, opening.standing)
    rows = [
        {"city": one.city.slug, "number": one.city.city_id, "name": one.city.name.en, "zone": one.city.zone,
         "currency": one.city.currency, "districts": one.districts, "landmarks": one.landmarks, "stores": one.stores,
         "opened": one.city.opened_at.isoformat(timespec="seconds") if one.city.opened_at else None}
        for one in found
    ]  # fmt: skip
    for row in rows:
        words.print(
            f"{row['number']:>6}  {row['city']:<20} {row['name']:<20} {row['currency']}  {row['stores']} stores"
        )
    if not rows:
        words.print("none yet: hutong city example > city.toml; hutong city open city.toml")
    say({"cities": rows}, as_json)
