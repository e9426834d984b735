"""What `hutong replay beibei` does around the replay: the files, the database, the progress, the checks, the audit."""

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
from hutong.cli.replay.beibei import Ended, Life
from hutong.cli.replay.beibei_rows import Row, read
from hutong.cli.replay.command import PATIENT, SHOWN
from hutong.cli.replay.groupon import ReplayBroken
from hutong.desk.house import House


class Replayed(Struct, frozen=True, kw_only=True):
    """The result of a replay."""

    expected: tuple[int, int]  # groups that clinched and that failed, by the files
    ended: Ended
    malformed: int
    seconds: float
    audit_violations: int

    @property
    def held(self) -> bool:
        """Whether the books agree with the files: whoever was in a team that failed has his money back."""
        clinched, failed = self.expected
        return self.ended == Ended(clinched=clinched, failed=failed, refunded=failed) and not self.audit_violations

    def shown(self) -> dict[str, Any]:
        """The object on standard output."""
        e = self.ended
        return {
            "clinched": e.clinched, "failed": e.failed, "refunded": e.refunded, "malformed": self.malformed,
            "seconds": round(self.seconds, 1),
            "groups_per_second": round((e.clinched + e.failed) / self.seconds) if e.clinched + e.failed else 0,
            "audit_violations": self.audit_violations,
        }  # fmt: skip


def read_file(file: Path, *, clinched: bool) -> tuple[list[Row], int]:
    """The rows of a file and how many of its lines are none; the first of these are named to the user."""
    text = file.read_text(encoding="utf-8", errors="replace")
    rows, wrong = read(text.split("\n"), clinched=clinched)
    for line in wrong[:SHOWN]:
        words.print(f"{file.name}, line {line.line}: left out, {line.why}", style="yellow", markup=False)
    if len(wrong) > SHOWN:
        words.print(f"{file.name}: {len(wrong) - SHOWN} more lines left out", style="yellow", markup=False)
    return rows, len(wrong)


def replay_beibei(ctx: Context, successful: Path, failed: Path) -> Replayed:
    """Read the files, live through them on a fresh database (or the named one), check, audit."""
    good, wrong_good = read_file(successful, clinched=True)
    bad, wrong_bad = read_file(failed, clinched=False)
    gc.set_threshold(*PATIENT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the temporary database is removed
    with ctx.own_or_temporary() as settings:
        assert settings.database_url is not None
        began = time.monotonic()
        ended = asyncio.run(_live(ctx.house(settings), good, bad))
        seconds = time.monotonic() - began
        audit = asyncio.run(audited(settings.database_url))
    if audit["violations"]:
        show_audit(audit)
    return Replayed(
        expected=(len(good), len(bad)), ended=ended, malformed=wrong_good + wrong_bad, seconds=seconds,
        audit_violations=len(audit["violations"]),
    )  # fmt: skip


async def _live(house: House, good: list[Row], bad: list[Row]) -> Ended:
    await house.open()
    try:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=words) as bars:
            kinds = {
                "clinched": bars.add_task("teams clinched", total=len(good)),
                "failed": bars.add_task("teams that will fail", total=len(bad)),
            }
            life = Life(
                house.db, schemes=house.schemes, hold_for=house.hold_for,
                moved=lambda what, n: bars.advance(kinds[what], n),
            )  # fmt: skip
            return await life.live(good, bad)
    except ReplayBroken as refusal:
        raise click.ClickException(f"the house refused what had really happened: {refusal}") from None
    finally:
        await house.close()
