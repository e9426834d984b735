"""How long the server takes for the pages people open most, one request at a time."""

import http.client
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import click
from msgspec import Struct
from rich.table import Table

from hutong.cli.base import Context, json_option, say, words
from hutong.cli.demo.scale import SLUG
from hutong.cli.processes import Family, environment, free_port, server_command

TARGET_MS = 25.0
_DEAL = re.compile(rb'href="(/c/[^"/]+/deals/[^"?]+)"')


class Timed(Struct, frozen=True):
    """One page: how long its answers took, in milliseconds, and how many bytes it is packed."""

    page: str
    requests: int
    p50_ms: float
    p95_ms: float
    bytes: int


@click.command()
@click.option("--city", default=SLUG, show_default=True, help="Short name of the city whose pages are opened.")
@click.option("--requests", "count", default=200, show_default=True, type=click.IntRange(20), help="For each page.")
@click.option("--one-core/--all-cores", default=True, show_default=True, help="Server, database and client share one.")
@json_option
@click.pass_obj
def pages(ctx: Context, city: str, count: int, one_core: bool, as_json: bool) -> None:
    """Time from request to whole answer of the city home (C1), the nearby list (C3) and the deal page (C8).

    The database is the one of --data or HUTONG_DATABASE_URL; `hutong --data FOLDER demo --scale 20000` fills one with a
    city that is large enough. One request at a time, each with its own connection's wait included. Exit 1 when
    a median is above 25 ms.
    """
    if one_core:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    settings = ctx.settings(port=free_port())
    with ctx.database(settings) as ready, Family(environment(ready), quiet=True) as family:
        family.start("the server", server_command(ready, ctx.wiring.target))
        family.wait_for(f"{ready.address}/healthz")
        found = list(_measure(ready.address, city, count))
    table = Table("page", "requests", "p50 ms", "p95 ms", "bytes packed")
    for one in found:
        table.add_row(one.page, str(one.requests), f"{one.p50_ms:.1f}", f"{one.p95_ms:.1f}", str(one.bytes))
    words.print(table)
    held = all(one.p50_ms <= TARGET_MS for one in found)
    say({"city": city, "target_ms": TARGET_MS, "held": held, "pages": [_shown(one) for one in found]}, as_json)
    sys.exit(0 if held else 1)


def _shown(one: Timed) -> dict[str, object]:
    return {name: getattr(one, name) for name in Timed.__struct_fields__}


def _measure(address: str, city: str, count: int) -> Iterator[Timed]:
    wire = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    home, near = f"/c/{city}/", f"/c/{city}/nearby"
    deals = sorted({found.decode() for found in _DEAL.findall(_get(wire, near, plain=True))})
    if not deals:
        raise click.ClickException(f"{city} has no deals: load it with `demo --scale 20000`")
    lists = [near, f"{near}?category=food", f"{near}?category=hotpot&sort=price", f"{near}?sort=new"]
    for name, paths in (("C1 home", [home]), ("C3 nearby", lists), ("C8 deal", deals)):
        yield _time(wire, name, paths, count)
    wire.close()


def _time(wire: http.client.HTTPConnection, name: str, paths: list[str], count: int) -> Timed:
    for path in paths * 10:  # templates are compiled and plans are made
        _get(wire, path)
    took: list[float] = []
    size = 0
    for n in range(count):
        began = time.perf_counter()
        size = max(size, len(_get(wire, paths[n % len(paths)])))
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return Timed(name, count, round(statistics.median(took), 2), round(took[int(len(took) * 0.95)], 2), size)


def _get(wire: http.client.HTTPConnection, path: str, *, plain: bool = False) -> bytes:
    wire.request("GET", path, headers={} if plain else {"accept-encoding": "gzip"})
    answer = wire.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise click.ClickException(f"{path} answered {answer.status}")
    return body
