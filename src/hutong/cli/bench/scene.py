"""What a bench of its own kind consists of: what is loaded, what is sent, what must be true afterwards."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import click
from msgspec import Struct

from hutong.cli.bench.crowd import Guest
from hutong.cli.bench.ground import Ground
from hutong.cli.bench.limit import Limit
from hutong.infra.db import Database

CHECKS = Path(__file__).parent / "checks"


class Options(Struct, frozen=True, kw_only=True):
    """What the command line chose. quota None: more than can be sold. most 0: as many as the time allows. flush_ms: by
    how much each flush of PostgreSQL's log is made slower."""

    seconds: float = 10
    connections: int = 64
    workers: int = 1
    members: int = 5_000
    quota: int | None = None
    repeat: int = 1
    limit_seconds: int = 4
    noop_seconds: float = 2
    warm_s: float = 1.5
    most: int = 0
    worker: bool = False
    flush_ms: float = 0


class Hands(Struct, frozen=True, kw_only=True):
    """What a scene loads with."""

    place: Ground
    db: Database
    now: datetime
    options: Options

    def settle(self) -> None:
        """Let PostgreSQL count what there is by now."""
        self.place.psql(command="analyze")


class Goals(Struct, frozen=True, kw_only=True):
    """What a scene is to reach; None: nothing is asked of it."""

    to_limit: float | None = None
    to_noop: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


class Scene(Protocol):
    """One bench. `operation` is the batch whose mean size is told."""

    name: str
    limit: Limit | None
    goals: Goals
    operation: str | None

    async def load(self, hands: Hands) -> None:
        """Bring what the load needs into the database."""
        ...

    def load_plan(self, turn: int = 0) -> dict[str, Any]:
        """`sources` and `flows` for the client in round `turn` (from 0): what can be used once is dealt among them."""
        ...

    def check(self, place: Ground, kept: Sequence[str], errors: int) -> tuple[dict[str, Any], list[str]]:
        """After everything: figures of what is in the database, and what is wrong with it."""
        ...


def request(method: str, path: str, *headers: str) -> str:
    """The head of a request as a plan writes it, open for its length."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "accept: application/json", *headers]
    return "".join(f"{line}\r\n" for line in lines)


def post(path: str, *headers: str) -> str:
    """The head of a keyed write of the API; the bearer token comes from the source `members`."""
    given = ["content-type: application/json", "idempotency-key: <<key>>", *headers]
    if not any(line.startswith("authorization:") for line in headers):
        given.append("authorization: Bearer <<members.0>>")
    return request("POST", f"/api/v1{path}", *given)


def members(guests: Sequence[Guest], order: str = "cycle") -> dict[str, Any]:
    """The tokens as a source."""
    return {"order": order, "rows": [[guest.token] for guest in guests]}


def answer_of(place: Ground, name: str, variables: Mapping[str, object], rows: Sequence[UUID]) -> dict[str, Any]:
    """What a file of `checks` finds; `rows` go in by its standard input."""
    given = "".join(f"{row}\n" for row in rows)
    said = place.psql(file=CHECKS / f"{name}.sql", variables=variables, stdin=given)
    try:
        return json.loads(said)
    except ValueError:
        raise click.ClickException(f"the check {name} said: {said[-300:]}") from None
