"""`hutong bench growth`: rates, pages and bytes of a business at three sizes, in one table."""

import asyncio
import json
import sys
import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from rich.table import Table

from hutong import people
from hutong.cli.base import Context, json_option, say, words
from hutong.cli.bench import crowd, town
from hutong.cli.bench.ground import Ground, Used, ground, used
from hutong.cli.bench.growth.business import A_DAY, MEASURED, MEASURED_SET, Business, Rates
from hutong.cli.bench.growth.looking import look
from hutong.cli.bench.scene import CHECKS, answer_of
from hutong.cli.bench.town import Town
from hutong.cli.keep import audited
from hutong.cli.processes import Family, environment, free_port, server_command
from hutong.cli.sandboxpay.keys import Keys
from hutong.infra.db import Database
from hutong.kit.access import Role
from hutong.kit.clock import SystemClock
from hutong.kit.ids import derive
from hutong.kit.terms import Terms
from hutong.people import GiveRole

SHOPS, OFFERS, QUOTA, PRICE = 200, 10, 100_000_000, 3_000
STEPS = (100, 10, 1)  # the sizes are parts of the largest
BENDS, DROPS = 1.5, 0.67  # a page that takes so much longer, a rate that falls to so much, from one size to the next
NOISE_MS = 3.0  # what is faster than this has no bend
TERMS = Terms(valid_days=730)
TITLES = ("growth: orders", "growth: orders; the last size by copies of the city, not by the operations")
UPDATED = ("inventory.quotas", "ledger.city_accounts", "orders.orders", "vouchers.vouchers", "payments.payments")


class Stage(Struct, frozen=True, kw_only=True):
    """One size: how it was reached, and what was seen there."""

    seconds: float
    made: int
    rates: Rates
    cpu: dict[str, float | None]
    pages: dict[str, float]
    found: dict[str, Any]


@click.command()
@click.option("--to", type=click.IntRange(2_000, 5_000_000), default=100_000, show_default=True, help="Orders at last.")
@click.option("--copied", is_flag=True, help="The last size by copies of the city, which is faster; see below.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Keep the JSON here.")
@json_option
@click.pass_obj
def growth(ctx: Context, to: int, copied: bool, out: Path | None, as_json: bool) -> None:
    """The same business with a hundredth, a tenth and all of its history: rates, pages, bytes for each order.

    Every order goes through the operations, in sets: placed, paid, three of five used. A million is a year of one city
    and takes some ten to twenty minutes. With --copied the last size consists of nine further cities with the same
    business, copied inside PostgreSQL: the tables are as large, the city that is looked at is not. Exit 1 when an
    invariant does not hold; a curve that bends is told.
    """
    given = {"port": free_port(), "provider_port": free_port()}
    with ground(ctx, **given) as place:
        Keys(place.settings.data_folder() / "sandboxpay" / "keys")
        with Family(environment(place.settings), quiet=True) as family:
            family.start("the server", server_command(place.settings, ctx.wiring.target))
            family.wait_for(f"{place.settings.address}/readyz")
            stages = asyncio.run(_grow(place, [to // step for step in STEPS], copied=copied))
        audit = asyncio.run(audited(place.url))
    rows = [_row(stage) for stage in stages]
    result = {
        "name": "growth", "to": to, "copied": copied, "orders_a_day": A_DAY, "shops": SHOPS, "sizes": rows,
        "bends": _bends(rows), "audit_violations": len(audit["violations"]), "audit": audit["violations"],
    }  # fmt: skip
    show(result)
    if out is not None:
        out.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")
    say(result, as_json)
    sys.exit(1 if audit["violations"] else 0)


async def _grow(place: Ground, sizes: list[int], *, copied: bool) -> list[Stage]:
    """The youngest days first, so that what is of today stays as it is while the past grows."""
    now = SystemClock().now() - timedelta(minutes=10)
    db = await Database(place.url, statement_timeout_ms=600_000).open()
    try:
        there, tokens, business = await _open(db, place, now, sizes[-1])
        stages, done, until = [], 0, now
        for size in sizes:
            since, began = now - timedelta(days=size / A_DAY), time.perf_counter()
            if copied and size == sizes[-1]:
                cities = {"city": there.city_id, "copies": size // done - 1}
                await asyncio.to_thread(place.psql, file=CHECKS / "copy_city.sql", variables=cities, admin=True)
            else:
                await business.live(size - done, since, until, young=not stages)
                await business.relay(now)
            took = time.perf_counter() - began
            words.print(f"growth: {size:,} orders, {(size - done) / took:,.0f} a second")
            place.psql(command="vacuum analyze")
            before = await used(place, None)
            rates = await business.measure(SystemClock().now())
            cpu = _cpu(before, await used(place, None))
            pages = await asyncio.to_thread(look, place.settings.address, there, tokens)
            found = answer_of(place, "growth", {"city": there.city_id}, ())
            stages.append(Stage(seconds=took, made=size - done, rates=rates, cpu=cpu, pages=pages, found=found))
            done, until = size, since
    finally:
        await db.close()
    return stages


async def _open(db: Database, place: Ground, now: datetime, most: int) -> tuple[Town, dict[str, str], Business]:
    span = timedelta(days=most / A_DAY + 2)
    there = await town.build(
        db, shops=SHOPS, offers=OFFERS, quota=QUOTA, price=PRICE, now=now - span, sale=span * 2, terms=TERMS,
        settle=lambda: place.psql(command="analyze"),
    )  # fmt: skip
    member, owner = await crowd.gather(db, place.settings, 2, now=now)
    role = GiveRole(
        grant_id=derive(there.shops[0].merchant_id, "owner"), member_id=owner.member_id, role=Role.MERCHANT_OWNER,
        merchant_id=there.shops[0].merchant_id, by=None,
    )  # fmt: skip
    async with db.central() as tx:
        (given,) = await people.grant(tx, [role], now=now)
    assert isinstance(given, people.RoleGiven), given
    business = Business(db, there, member.member_id, price=PRICE, orders=most)
    return there, {"member": member.token, "owner": owner.token}, business


def _cpu(before: Used, after: Used) -> dict[str, float | None]:
    """What an order cost from the click to the counter, for a thousand of them: it does not ask who else is here."""
    thousands = MEASURED * MEASURED_SET / 1000
    postgres = None
    if before.postgres_s is not None and after.postgres_s is not None:
        postgres = round((after.postgres_s - before.postgres_s) / thousands, 3)
    return {"postgresql": postgres, "wal_bytes": round((after.wal_bytes - before.wal_bytes) / thousands / 1000)}


def _row(stage: Stage) -> dict[str, Any]:
    found = stage.found
    return {
        "orders": found["orders"], "orders_of_the_city": found["orders_of_the_city"],
        "vouchers": found["vouchers"], "redemptions": found["redemptions"],
        "grown_per_s": round(stage.made / stage.seconds, 1), "place_per_s": stage.rates.place,
        "pay_per_s": stage.rates.pay, "redeem_per_s": stage.rates.redeem, "pages_p50_ms": stage.pages,
        "postgresql_s_per_1000": stage.cpu["postgresql"], "wal_bytes_per_order": stage.cpu["wal_bytes"],
        "table_bytes_per_order": round(found["table_bytes"] / found["orders"]),
        "index_bytes_per_order": round(found["index_bytes"] / found["orders"]), "tables": found["tables"],
        "updates": found["updates"],
    }  # fmt: skip


def _bends(rows: list[dict[str, Any]]) -> list[str]:
    """What grew with the size where it should not."""
    told = []
    for small, large in pairwise(rows):
        sizes = f"from {small['orders']:,} to {large['orders']:,} orders"
        for page, before in small["pages_p50_ms"].items():
            after = large["pages_p50_ms"][page]
            if after > BENDS * before and after > NOISE_MS:
                told.append(f"{page}: {before} ms, then {after} ms {sizes}")
        told += [
            f"{name}: {small[name]}, then {large[name]} {sizes}"
            for name in ("place_per_s", "pay_per_s", "redeem_per_s") if large[name] < DROPS * small[name]
        ]  # fmt: skip
    return told


def show(result: dict[str, Any]) -> None:
    """One column for each size."""
    rows = result["sizes"]
    table = Table("what", *(f"{row['orders']:,}" for row in rows), title=TITLES[result["copied"]], title_justify="left")
    for name, said in (
        ("grown_per_s", "orders made, per second"), ("place_per_s", "placed, per second"),
        ("pay_per_s", "paid, per second"), ("redeem_per_s", "redeemed, per second"),
    ):  # fmt: skip
        table.add_row(said, *(f"{row[name]:,.0f}" for row in rows))
    table.add_row(
        "processor s of PostgreSQL for 1000 orders", *(_known(row["postgresql_s_per_1000"], "{:.2f}") for row in rows)
    )
    table.add_row("log bytes for each order", *(f"{row['wal_bytes_per_order']:,}" for row in rows))
    for page in rows[0]["pages_p50_ms"]:
        table.add_row(f"{page}, p50 ms", *(f"{row['pages_p50_ms'][page]:.1f}" for row in rows))
    for kind in ("table", "index"):
        table.add_row(f"{kind} bytes for each order", *(f"{row[f'{kind}_bytes_per_order']:,}" for row in rows))
    for name in UPDATED:
        table.add_row(f"updates on their page, {name}", *(_hot(row["updates"].get(name)) for row in rows))
    words.print(table)
    for line in result["bends"]:
        words.print(f"[yellow]bends: {line}[/yellow]")
    for violation in result["audit"]:
        words.print(f"[red]{violation['code']}[/red] {violation['sentence']}")


def _known(value: float | None, shape: str) -> str:
    return "-" if value is None else shape.format(value)


def _hot(found: dict[str, int] | None) -> str:
    return "-" if not found or not found["updates"] else f"{found['hot'] / found['updates']:.0%}"
