"""What `hutong replay` does around a replay: the database, the progress, the checks, the audit."""

import asyncio
import gc
import signal
import time
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hutong.cli.base import Context, words
from hutong.cli.keep import audited, show_audit
from hutong.cli.replay.check import Outcome, check
from hutong.cli.replay.groupon import Replay, ReplayBroken
from hutong.cli.replay.rows import Malformed, NotTheFile, Row, read
from hutong.desk.house import House

# A crowd is many objects that stay; to look at all of them as often as usual costs a quarter of the time.
PATIENT = (200_000, 50, 1_000)
SHOWN = 20  # of what is wrong, so many lines


class Replayed(Struct, frozen=True, kw_only=True):
    """The result of a replay."""

    deals: int
    malformed: int
    outcome: Outcome
    seconds: float
    audit_violations: int

    @property
    def held(self) -> bool:
        return not self.outcome.wrong and not self.audit_violations

    def shown(self) -> dict[str, Any]:
        """The object on standard output."""
        o = self.outcome
        return {
            "deals": self.deals, "units_sold": o.units_sold, "tipped": o.tipped, "not_tipped": self.deals - o.tipped,
            "revenue_minor": o.revenue_minor, "redeemed": o.redeemed, "refunded": o.refunded,
            "malformed": self.malformed, "seconds": round(self.seconds, 1),
            "units_per_second": round(o.units_sold / max(self.seconds, 0.001)),
            "audit_violations": self.audit_violations,
        }  # fmt: skip


def read_file(file: Path) -> tuple[list[Row], list[Malformed]]:
    """The rows, and the lines that are none, which are also named to the user."""
    try:
        rows, wrong = read(file.read_text(encoding="utf-8", errors="replace").split("\n"))
    except NotTheFile as error:
        raise click.ClickException(f"{file}: {error}") from None
    for line in wrong:
        words.print(f"{file.name}, line {line.line}: left out, {line.why}", style="yellow", markup=False)
    return rows, wrong


def replay_groupon(ctx: Context, file: Path) -> Replayed:
    """Read the file, live through it on a fresh database (or the named one), check it, audit it."""
    rows, wrong = read_file(file)
    gc.set_threshold(*PATIENT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the temporary database is removed
    with ctx.own_or_temporary() as settings:
        assert settings.database_url is not None
        began = time.monotonic()
        outcome = asyncio.run(_live(ctx.house(settings), rows))
        seconds = time.monotonic() - began
        audit = asyncio.run(audited(settings.database_url))
    for sentence in outcome.wrong[:SHOWN]:
        words.print(sentence, style="red", markup=False)
    if audit["violations"]:
        show_audit(audit)
    return Replayed(
        deals=len(rows), malformed=len(wrong), outcome=outcome, seconds=seconds,
        audit_violations=len(audit["violations"]),
    )  # fmt: skip


async def _live(house: House, rows: list[Row]) -> Outcome:
    if not rows:  # a town without a deal has no first day
        return Outcome(units_sold=0, tipped=0, revenue_minor=0, redeemed=0, refunded=0, wrong=())
    await house.open()
    try:
        with Meter(sum(row.quantity for row in rows)) as meter:
            life = Replay(house.db, schemes=house.schemes, hold_for=house.hold_for, moved=meter.moved)
            place, tallies = await life.live(rows)
        return await check(house.db, place, tallies)
    except ReplayBroken as refusal:
        raise click.ClickException(f"the house refused what had really happened: {refusal}") from None
    finally:
        await house.close()


class Meter:
    """Two bars: what was sold, and what has come to its end (used or refunded)."""

    def __init__(self, units: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=words)
        self._sold = self._bars.add_task("units sold", total=units)
        self._ended = self._bars.add_task("used or refunded", total=units)

    def __enter__(self) -> "Meter":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def moved(self, what: str, units: int) -> None:
        """So many units were sold, redeemed or refunded."""
        self._bars.advance(self._sold if what == "sold" else self._ended, units)
