"""What `hutong demo` does: start the house, fill it, and leave it open; or play the main job once and close it."""

import asyncio
import time
from typing import Any

import click
from rich.table import Table

from hutong.cli.base import Context, say, words
from hutong.cli.demo.alliance import form_alliance
from hutong.cli.demo.bank import tell_provider
from hutong.cli.demo.campaigns import give_coupons
from hutong.cli.demo.city_data import CityData, read_city
from hutong.cli.demo.clearing import clear_last_month
from hutong.cli.demo.gifted import give_a_card
from hutong.cli.demo.gifts import hang_gifts
from hutong.cli.demo.hang import hang_pictures
from hutong.cli.demo.load import is_loaded, load_city
from hutong.cli.demo.once import Play, Played
from hutong.cli.demo.past import live_through
from hutong.cli.demo.phone import Stuck
from hutong.cli.demo.recruit import recruit
from hutong.cli.demo.said import tell
from hutong.cli.demo.scale import SLUG, load_scale
from hutong.cli.demo.strolls import stroll
from hutong.cli.keep import audited, show_audit
from hutong.cli.processes import Family, environment, free_port, need_ports
from hutong.cli.run import start_all
from hutong.infra.db import Database
from hutong.infra.files import LocalFiles
from hutong.infra.settings import Settings
from hutong.kit.clock import SystemClock
from hutong.schemes.alliance import Alliance
from hutong.schemes.cards import Cards
from hutong.schemes.deals import Deals


def serve(ctx: Context, *, load: bool, scale: int, as_json: bool, given: dict[str, Any]) -> None:
    """Everything on one machine, with the demo cities, until Ctrl-C."""
    settings = ctx.settings(**given, demo=True)
    need_ports(settings, provider=True)
    data = read_city()
    with ctx.database(settings) as ready, Family(environment(ready), quiet=as_json) as family:
        if load:
            fill(ready, data, scale)
        start_all(family, ready, ctx.wiring.target)
        welcome(ready, data)
        if as_json:
            say({"address": ready.address, "cast": {p.key: p.phone for p in data.cast.people}}, as_json)
        family.watch()


def fill(settings: Settings, data: CityData, scale: int = 0) -> None:
    """Load the demo cities unless they are there; with `scale`, also the big city with at least so many stores."""
    asyncio.run(_fill(settings, data, scale))


async def _fill(settings: Settings, data: CityData, scale: int) -> None:
    assert settings.database_url is not None
    db = await Database(settings.database_url).open()
    try:
        if await is_loaded(db, data):
            words.print("the demo cities are there already")
        else:
            loaded = await load_city(db, data, now=SystemClock().now())
            await live_through(db, data, {"deals": Deals()}, now=SystemClock().now())
            await give_coupons(db, data, now=SystemClock().now())
            await form_alliance(db, now=SystemClock().now())
            await hang_gifts(
                db, LocalFiles(settings.data_folder() / "files"), {"alliance": Alliance()},
                key=settings.key("addresses"), now=SystemClock().now(),
            )  # fmt: skip
            await give_a_card(db, {"deals": Deals(), "cards": Cards()}, now=SystemClock().now())
            await clear_last_month(db, now=SystemClock().now())
            await stroll(db, data, now=SystemClock().now())
            said = await tell(db, data, {"deals": Deals()}, now=SystemClock().now())
            words.print(
                f"loaded {loaded.cities} cities: {loaded.stores} stores, {loaded.offers} offers, {said} reviews"
            )
        files = LocalFiles(settings.data_folder() / "files")
        await recruit(db, files, data, now=SystemClock().now())
        await hang_pictures(db, files, data, now=SystemClock().now())
        await tell_provider(
            db, [city.city_id for city in data.cities], settings.data_folder() / "sandboxpay", address=settings.address
        )
        if scale:
            words.print(f"loading the big city of {scale} stores: about a minute for each 6000")
            stores = await load_scale(db, data, stores=scale, now=SystemClock().now())
            words.print(f"loaded {stores} stores: /c/{SLUG}/" if stores else "the big city is there already")
    finally:
        await db.close()


def welcome(settings: Settings, data: CityData) -> None:
    """Where to go and as whom."""
    table = Table("who", "part", "phone", title="Sign in with one of these numbers", title_justify="left")
    for person in data.cast.people:
        name, part = f"{person.name.zh} {person.name.en}", f"{person.part.zh}\n{person.part.en}"
        table.add_row(name, part, person.phone.removeprefix("+86"))
    words.print(table)
    inbox = settings.data_folder() / "sms.jsonl"
    words.print(
        f"Ask for a code there, and it is printed here (and kept in {inbox}).\n"
        f"Open [bold]{settings.address}[/bold]   Ctrl-C stops everything; what was done is kept.",
        soft_wrap=True,
    )


def once(ctx: Context, *, as_json: bool, given: dict[str, Any]) -> bool:
    """The main job over HTTP on a fresh database (or the named one), then the audit. Whether everything held."""
    began = time.monotonic()
    ports = {"port": given["port"] or free_port(), "provider_port": given["provider_port"] or free_port()}
    data = read_city()
    with ctx.own_or_temporary(**{**given, **ports}, demo=True) as ready:
        need_ports(ready, provider=True)
        fill(ready, data)
        with Family(environment(ready), quiet=True) as family:
            start_all(family, ready, ctx.wiring.target)
            played = _play(ready, data)
            assert ready.database_url is not None
            audit = asyncio.run(audited(ready.database_url))
    seconds = time.monotonic() - began
    if audit["violations"]:
        show_audit(audit)
    say(result_of(played, audit, seconds), as_json)
    return not audit["violations"]


def _play(settings: Settings, data: CityData) -> Played:
    try:
        return Play(settings.address, data.cast, settings.data_folder() / "sms.jsonl").perform()
    except Stuck as where:
        raise click.ClickException(f"the main job did not go through: {where}") from None


def result_of(played: Played, audit: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The object on standard output; the violations themselves only when there are any."""
    found = {"queries": audit["queries"], "violations": len(audit["violations"])}
    if audit["violations"]:
        found["details"] = audit["violations"]
    return {
        "orders": played.orders, "paid": played.paid, "redeemed": played.redeemed, "refunded": played.refunded,
        "settled_minor": played.settled_minor, "audit": found, "seconds": round(seconds, 1),
    }  # fmt: skip
