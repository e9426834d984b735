"""What this PostgreSQL can do at most: pgbench with the least durable transaction that any correct system needs.

    hot      a claim is written and one row, the same for all, gives a unit: one statement
    spread   the same over 10,000 rows
    redeem   a voucher becomes used and its redemption is written: two statements, over 200,000 rows
    earn     a movement of points is written, a member's balance (of 1,000) grows and a partner's funding (of 20, three
             of ten at the first) pays for it: one statement

What is new is written first and the hottest row last, so that it is locked shortly; a CHECK undoes the whole
statement when nothing is left, so that nothing leaks. They run in a schema of their own, which is dropped afterwards.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click

from hutong.cli.bench.ground import Ground

Limit = Literal["hot", "spread", "redeem", "earn"]
CLIENTS, THREADS = 16, 2
_HERE = Path(__file__).parent / "limits"
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


@contextmanager
def scratch(place: Ground) -> Iterator[None]:
    """The tables of the limits, for as long as the block runs."""
    place.psql(file=_HERE / "make.sql")
    try:
        yield
    finally:
        place.psql(command="drop schema if exists bench_limit cascade")


def limit_rate(place: Ground, name: Limit, *, seconds: int) -> float:
    """Transactions per second: 16 clients, prepared statements, without the time of connecting."""
    said = place.run(
        "pgbench", "--no-vacuum", "--protocol", "prepared", "--client", str(CLIENTS), "--jobs", str(THREADS),
        "--time", str(seconds), "--file", str(_HERE / f"{name}.sql"),
    )  # fmt: skip
    rate, failed = _RATE.search(said), _FAILED.search(said)
    if rate is None or (failed and int(failed[1])):
        raise click.ClickException(f"pgbench {name}: {said[-600:]}")
    return float(rate[1])
