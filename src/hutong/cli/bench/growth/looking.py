"""The pages that are opened at each size: by anybody, by a member, by the owner of a shop."""

import http.client
import statistics
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import click

from hutong.cli.bench.town import Town
from hutong.kit.ids import OFFER, STORE

COUNT, WARM = 40, 12
PAGES = (  # what it is called, who opens it, its path
    ("C1 home", "", "/c/{slug}/"),
    ("C3 nearby", "", "/c/{slug}/nearby"),
    ("C8 deal", "", "/c/{slug}/deals/{offer}"),
    ("wallet", "member", "/c/{slug}/vouchers"),
    ("orders", "member", "/c/{slug}/orders"),
    ("today", "owner", "/m/{store}/today"),
    ("history", "owner", "/m/{store}/history"),
    ("merchant's orders", "owner", "/m/{store}/orders"),
    ("statement", "owner", "/m/{store}/statement"),
)


def look(address: str, town: Town, tokens: Mapping[str, str]) -> dict[str, float]:
    """p50 of each page in ms, from request to whole answer, one request at a time."""
    shop = town.shops[0]
    names = {
        "slug": town.slug, "offer": OFFER.show(shop.offers[0], town.city_id),
        "store": STORE.show(shop.store_id, town.city_id),
    }  # fmt: skip
    wire = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    found = {
        name: _median(_times(wire, path.format(**names), tokens.get(who, ""))) for name, who, path in PAGES
    }  # fmt: skip
    wire.close()
    return found


def _times(wire: http.client.HTTPConnection, path: str, token: str) -> Iterator[float]:
    headers = {"accept-encoding": "gzip"} | ({"cookie": f"hutong_session={token}"} if token else {})
    for n in range(WARM + COUNT):  # templates are compiled and plans are made by the first ones
        began = time.perf_counter()
        wire.request("GET", path, headers=headers)
        answer = wire.getresponse()
        answer.read()
        if answer.status != 200:
            raise click.ClickException(f"{path} answered {answer.status}")
        if n >= WARM:
            yield (time.perf_counter() - began) * 1000


def _median(times: Iterator[float]) -> float:
    return round(statistics.median(times), 2)
