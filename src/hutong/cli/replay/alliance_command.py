"""What `hutong replay complete-journey --programme` does around the replay: reading, the database, the result."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hutong import programmes
from hutong.cli.base import Context, words
from hutong.cli.keep import audited, show_audit
from hutong.cli.replay.alliance_journey import Alliance, Counts, digest
from hutong.cli.replay.groupon import ReplayBroken
from hutong.cli.replay.journey_baskets import Basket, baskets
from hutong.cli.replay.journey_command import tell
from hutong.cli.replay.journey_rows import NotTheData
from hutong.infra.db import Database
from hutong.infra.memory import settle
from hutong.programmes import Month


class Allied(Struct, frozen=True, kw_only=True):
    """The result of the command."""

    shown: dict[str, Any]
    held: bool


def replay_programme(ctx: Context, folder: Path, zone: str) -> Allied:
    """Read the baskets, live through them on a fresh database (or the named one), clear and audit every month."""
    told: list[str] = []
    try:
        found, malformed = baskets(folder, told)
    except NotTheData as error:
        raise click.BadParameter(str(error), param_hint="DIRECTORY") from None
    tell(told)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the temporary database is removed
    settle()
    with ctx.own_or_temporary() as settings:
        assert settings.database_url is not None
        return asyncio.run(_live(settings.database_url, found, malformed, zone))


class Audits:
    """Audits of everything, each as it was when it began: life goes on meanwhile, and two look at a time, as when
    months follow each other in which nobody buys."""

    AT_ONCE = 2

    def __init__(self, url: str) -> None:
        self._url = url
        self._running: list[asyncio.Task[dict[str, Any]]] = []
        self._violations = 0

    async def begin(self) -> None:
        """Begin the next, as soon as there is room: when this returns, it has its view of everything."""
        await self._wait(self.AT_ONCE - 1)
        seen = asyncio.Event()
        running = asyncio.create_task(audited(self._url, seen=seen))
        self._running.append(running)
        waits = asyncio.create_task(seen.wait())
        await asyncio.wait({running, waits}, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()

    async def end(self) -> int:
        """Wait for all of them; how many violations they have found. Raises what an audit raised."""
        await self._wait(0)
        return self._violations

    async def stop(self) -> None:
        """Nobody waits any more."""
        running, self._running = self._running, []
        for one in running:
            one.cancel()
        if running:
            await asyncio.wait(running)

    async def _wait(self, room: int) -> None:
        """Until not more than so many are running; the oldest first."""
        while len(self._running) > room:
            result = await self._running[0]
            self._running.pop(0)
            if result["violations"]:
                show_audit(result)
            self._violations += len(result["violations"])


async def _live(url: str, found: list[Basket], malformed: int, zone: str) -> Allied:
    db = await Database(url, statement_timeout_ms=600_000).open()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=words) as bars:
            task = bars.add_task("baskets", total=len(found))

            began = time.monotonic()
            audits = Audits(url)
            alliance = Alliance(db, zone, audits.begin, lambda count: bars.advance(task, count))
            try:
                counts = await alliance.live(found)
                counts.violations = await audits.end()
            finally:
                await audits.stop()
            seconds = time.monotonic() - began
        said = await digest(db, alliance.programme_id)
        async with db.reading() as tx:
            months = await programmes.report(tx, alliance.programme_id, until=max(counts.months).replace(day=2))
        return _result(counts, months, said, seconds, malformed)
    except ReplayBroken as refusal:
        raise click.ClickException(str(refusal)) from None
    finally:
        await db.close()


def _result(
    counts: Counts, months: list[Month], said: tuple[str, bool, int, int], seconds: float, malformed: int
) -> Allied:
    whole, same, net, partners = said
    reserve, liability = (months[-1].reserve.units, months[-1].liability.units) if months else (0, 0)
    shown = {
        "baskets": counts.baskets, "points_earned": counts.earned,
        "points_expired": sum(month.expired for month in months), "points_burnt": sum(m.burnt for m in months),
        "points_debt": sum(month.debt_made - month.debt_paid for month in months), "clearing_net_minor": net,
        "reserve_minor": reserve, "liability_minor": liability, "seconds": round(seconds, 1),
        "baskets_per_second": round(counts.baskets / max(seconds, 0.001)), "audit_violations": counts.violations,
        "points_clawed_back": sum(month.clawed_back for month in months),
        "debt_made": sum(month.debt_made for month in months), "partners_net_minor": partners,
        "months_audited": counts.audits, "clearing_digest": whole, "recomputed_identical": same, "malformed": malformed,
        "months": [
            {
                "month": month.month.isoformat()[:7], "earned": month.earned, "burnt": month.burnt,
                "expired": month.expired, "clawed_back": month.clawed_back, "liability_minor": month.liability.units,
                "reserve_minor": month.reserve.units, "breakage_minor": month.breakage.units,
                "margin_minor": month.margin.units,
            }
            for month in months
        ],
    }  # fmt: skip
    held = (
        counts.earned == counts.expected and not counts.violations and same and net == 0
        and all(month.reserve == month.liability for month in months)
    )  # fmt: skip
    return Allied(shown=shown, held=held)
