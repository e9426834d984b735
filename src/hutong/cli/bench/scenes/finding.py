"""Finding shops in a large city: nearest first, and by words. One request at a time: the time is the server's.

The city is the demo's generated one, a part of it loaded as always and then copied until it is as large as wanted.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from hutong.cli.base import words
from hutong.cli.bench.ground import Ground
from hutong.cli.bench.limit import Limit
from hutong.cli.bench.scene import CHECKS, Goals, Hands, answer_of, request
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.scale import CENTRE, CITY_ID, SLUG, load_scale
from hutong.infra.db import Database

MODELS = 400  # stores that are loaded through the operations
SPREAD = 0.09  # degrees around the centre from which people ask
PLACES = 500
CATEGORIES = ("", "food", "hotpot", "beauty", "leisure")
SAID = (
    "火锅",
    "烤肉",
    "面馆",
    "咖啡",
    "美甲",
    "洗车",
    "酒店",
    "hotpot",
    "coffee",
    "huoguo",
    "kafei",
    "双人餐",
    "老张",
    "摄影",
)


class Finding:
    """A page and its query in a city of so many stores."""

    operation: str | None = None
    limit: Limit | None = None
    goals = Goals(p50_ms=10)

    def __init__(self, name: str, *, stores: int) -> None:
        self.name, self._stores = name, stores
        self._size: dict[str, Any] = {}

    async def load(self, hands: Hands) -> None:
        self._size = await large_city(hands.place, hands.db, self._stores, now=hands.now)

    def load_plan(self, turn: int = 0) -> dict[str, Any]:
        dice = random.Random(7)  # noqa: S311 (places on a map, no secret)
        rows = [
            [f"{CENTRE.lat + dice.uniform(-SPREAD, SPREAD):.4f}", f"{CENTRE.lon + dice.uniform(-SPREAD, SPREAD):.4f}",
             _percent(SAID[n % len(SAID)])]
            for n in range(PLACES)
        ]  # fmt: skip
        make = _nearby if self.name == "nearby" else _search
        return {"sources": {"places": {"order": "cycle", "rows": rows}}, "flows": list(make())}

    def check(self, place: Ground, kept: Sequence[str], errors: int) -> tuple[dict[str, Any], list[str]]:
        return self._size, []


def _nearby() -> Iterator[dict[str, Any]]:
    """Half of them the page (C3), half the query of the API; all, and in a category."""
    at = "cookie: hutong_at=<<places.0>>,<<places.1>>"
    for category in CATEGORIES:
        asked = f"?category={category}" if category else ""
        page = request("GET", f"/c/{SLUG}/nearby{asked}", at, "accept-encoding: gzip")
        yield {"name": "page", "weight": 1, "steps": [{"kind": "page", "head": page}]}
        more = f"&category={category}" if category else ""
        path = f"/api/v1/stores?city={CITY_ID}&lat=<<places.0>>&lon=<<places.1>>{more}"
        yield {"name": "query", "weight": 1, "steps": [{"kind": "query", "head": request("GET", path)}]}


def _search() -> Iterator[dict[str, Any]]:
    at = "cookie: hutong_at=<<places.0>>,<<places.1>>"
    page = request("GET", f"/c/{SLUG}/search?q=<<places.2>>", at, "accept-encoding: gzip")
    yield {"name": "page", "steps": [{"kind": "page", "head": page}]}
    path = f"/api/v1/offers?city={CITY_ID}&q=<<places.2>>&lat=<<places.0>>&lon=<<places.1>>"
    yield {"name": "query", "steps": [{"kind": "query", "head": request("GET", path)}]}


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


async def large_city(
    place: Ground, db: Database, stores: int, *, now: datetime, models: int = MODELS
) -> dict[str, Any]:
    """The generated city with at least so many stores, and five offers for each; what there is, is kept."""
    size = _size(place)
    if size["stores"] == 0:
        words.print(f"{SLUG}: loading {min(models, stores)} stores")
        await load_scale(db, read_city(), stores=min(models, stores), now=now)
        place.psql(command="analyze")
        size = _size(place)
    if size["stores"] < stores:
        copies = -(-stores // size["stores"])
        words.print(f"{SLUG}: {copies} times {size['stores']} stores")
        given = {"city": CITY_ID, "copies": copies, "salt": size["stores"]}
        place.psql(file=CHECKS / "grow.sql", variables=given, admin=True)
        size = _size(place)
    return size


def _size(place: Ground) -> dict[str, Any]:
    return answer_of(place, "counted", {"city": CITY_ID}, [])
