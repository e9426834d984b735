"""What `hutong replay complete-journey` does around the replay: reading, both readings of the days, the result."""

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from rich.table import Table

from hutong.cli.base import Context, words
from hutong.cli.keep import audited, show_audit
from hutong.cli.replay.groupon import ReplayBroken
from hutong.cli.replay.journey import CLASSES, Reading, Replay, share
from hutong.cli.replay.journey_life import Life, Lived
from hutong.cli.replay.journey_rows import Journey, NotTheData, read
from hutong.desk.house import House
from hutong.infra.memory import settle

EXPECTED = {"basket_that_day": 88.9, "eligible_product": 75.8}  # percent, of the whole file as its source counts them
SHOWN = 20


class Travelled(Struct, frozen=True, kw_only=True):
    """The result: the days as written (UTC), and by the clock of the shops."""

    journey: Journey
    written: Reading
    clock: Reading
    lived: Lived | None
    audit_violations: int
    seconds: float

    @property
    def held(self) -> bool:
        wrong = self.written.differences or self.clock.differences or (self.lived is not None and self.lived.wrong)
        return not wrong and not self.audit_violations

    def shown(self) -> dict[str, Any]:
        """The object on standard output. Money in cents, shares in percent of the redemptions."""
        counts, malformed = self.journey.counts, self.journey.malformed
        baskets = self.written.baskets_priced + self.clock.baskets_priced
        return {
            **counts, "redemptions": len(self.journey.redeemed), **_reading(self.written),
            "expected_shares": EXPECTED, "explained": self._explained(), "by_the_shops_clock": _reading(self.clock),
            "malformed": sum(malformed.values()), "malformed_by_table": {k: n for k, n in malformed.items() if n},
            "differences": len(self.written.differences) + len(self.clock.differences),
            "books": None if self.lived is None else _books(self.lived), "audit_violations": self.audit_violations,
            "seconds": round(self.seconds, 1), "baskets_per_second": round(baskets / max(self.seconds, 0.001)),
        }  # fmt: skip

    def _explained(self) -> dict[str, Any]:
        """Each class of the rest: what it means, and how many of it the shops' clock puts into another class."""
        told = {}
        for name, sentence in CLASSES.items():
            members = [number for number, found in self.written.classes.items() if found == name]
            if name == "eligible" or not members:
                continue
            there: dict[str, int] = {}
            for number in members:
                there[self.clock.classes[number]] = there.get(self.clock.classes[number], 0) + 1
            told[name] = {"count": len(members), "means": sentence, "by_the_shops_clock": there}
        return told


def _reading(reading: Reading) -> dict[str, Any]:
    counted, whole = reading.counted(), len(reading.classes)
    return {
        "zone": reading.zone, "eligible": counted["eligible"], "classes": counted,
        "basket_that_day": reading.basket_that_day, "eligible_product": reading.eligible_product,
        "shares": {
            "basket_that_day": share(reading.basket_that_day, whole),
            "eligible_product": share(reading.eligible_product, whole),
            "eligible": share(counted["eligible"], whole),
        },
        "baskets_priced": reading.baskets_priced, "lines_priced": reading.lines_priced, "applied": reading.applied,
        "better_coupon": reading.better_coupon, "nothing_left": reading.nothing_left,
        "discount_minor": reading.discount, "recorded_minor": reading.recorded, "borne_minor": reading.borne,
    }  # fmt: skip


def _books(lived: Lived) -> dict[str, Any]:
    return {
        "merchants": lived.merchants, "offers": lived.offers, "promotions": lived.promotions, "coupons": lived.coupons,
        "orders": lived.orders, "paid_minor": lived.paid, "saved_minor": lived.saved, "redeemed": lived.redeemed,
        "wrong": len(lived.wrong),
    }  # fmt: skip


def replay_complete_journey(ctx: Context, folder: Path, zone: str, *, books: bool) -> Travelled:
    """Read the tables, price the baskets of every redemption in both readings of the days; with `books` live through
    the second one on a fresh database (or the named one), and audit it."""
    began = time.monotonic()
    try:
        journey = read(folder)
    except NotTheData as error:
        raise click.BadParameter(str(error), param_hint="DIRECTORY") from None
    tell(journey.told)
    settle()
    written, replay = Replay(journey, "UTC").run(), Replay(journey, zone)
    clock = replay.run()
    lived, violations = _in_the_books(ctx, replay, clock) if books else (None, 0)
    result = Travelled(
        journey=journey, written=written, clock=clock, lived=lived, audit_violations=violations,
        seconds=time.monotonic() - began,
    )  # fmt: skip
    _show(result)
    return result


def tell(sentences: Sequence[str]) -> None:
    """What was left out."""
    for sentence in sentences:
        words.print(sentence, style="yellow", markup=False)


def _in_the_books(ctx: Context, replay: Replay, reading: Reading) -> tuple[Lived, int]:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the temporary database is removed
    with ctx.own_or_temporary() as settings:
        assert settings.database_url is not None
        lived = asyncio.run(_live(ctx.house(settings), replay, reading))
        audit = asyncio.run(audited(settings.database_url))
    if audit["violations"]:
        show_audit(audit)
    return lived, len(audit["violations"])


async def _live(house: House, replay: Replay, reading: Reading) -> Lived:
    await house.open()
    try:
        return await Life(house.db, schemes=house.schemes, hold_for=house.hold_for).live(replay, reading)
    except ReplayBroken as refusal:
        raise click.ClickException(f"the house refused what had really happened: {refusal}") from None
    finally:
        await house.close()


def _show(result: Travelled) -> None:
    table = Table("class of redemptions", "days as written", f"days in {result.clock.zone}")
    written, clock = result.written.counted(), result.clock.counted()
    for name in CLASSES:
        table.add_row(name, f"{written[name]:,}", f"{clock[name]:,}")
    words.print(table)
    wrong = (*result.written.differences, *result.clock.differences, *(result.lived.wrong if result.lived else ()))
    for sentence in wrong[:SHOWN]:
        words.print(sentence, style="red", markup=False)
