"""Repeat business on recorded purchases: every basket becomes a coming, every store a merchant of one alliance.

What the statements say is held against what can be counted in the file without them, and one figure against luck:
half of the stores, drawn by a seed, are said to have joined on a day in the middle. As nothing happened on that day, an
honest comparison must not find that it changed anything.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
from msgspec import Struct
from rich.table import Table

from hutong import insight, places
from hutong.cli.base import Context, words
from hutong.cli.keep import audited, show_audit
from hutong.cli.replay.alliance_journey import untouched
from hutong.cli.replay.groupon import ReplayBroken, sure
from hutong.cli.replay.journey_baskets import Basket, baskets
from hutong.cli.replay.journey_command import tell
from hutong.cli.replay.journey_rows import NotTheData
from hutong.infra.db import Database, Tx
from hutong.infra.memory import settle
from hutong.insight import Around, Coming, Flow
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.text import Text

T = TypeVar("T")
HERE = UUID(int=0)
CITY, ASSET, AT_ONCE = 9_601, "USD", 5_000
CENTRE = Point(40.7128, -74.0060)
TOP = 5


class Found(Struct, frozen=True, kw_only=True):
    """Everything the statements said of the whole time, and how long each took, in milliseconds."""

    comings: list[Coming]
    whole: insight.Alliance
    merchants: dict[UUID, insight.Business]
    flows: list[Flow]
    biggest: insight.Business
    placebo: dict[UUID, Around]
    change: int | None
    sure: insight.Interval | None
    ms: dict[str, int]
    loaded_s: float


class Repeated(Struct, frozen=True, kw_only=True):
    """The result of the command."""

    shown: dict[str, Any]
    held: bool


def _store(number: int) -> UUID:
    return derive(HERE, f"store/{number}")


def comings_of(found: Sequence[Basket], zone: str) -> list[Coming]:
    """Baskets as comings, on the days of the shops' clock."""
    return [
        Coming(
            coming_id=derive(HERE, f"basket/{one.household_id}/{one.store_id}/{one.basket_id}"), kind="purchase",
            merchant_id=_store(one.store_id), store_id=_store(one.store_id),
            member_id=derive(HERE, f"household/{one.household_id}"), day=local_day(one.at, zone), at=one.at,
            asset=ASSET, units=one.units,
        )
        for one in found
    ]  # fmt: skip


def replay_repeat(ctx: Context, folder: Path, zone: str) -> Repeated:
    """Read, load into a fresh database (or the named one), ask, compare, audit."""
    told: list[str] = []
    try:
        found, malformed = baskets(folder, told)
    except NotTheData as error:
        raise click.BadParameter(str(error), param_hint="DIRECTORY") from None
    tell(told)
    settle()
    with ctx.own_or_temporary() as settings:
        assert settings.database_url is not None
        said = asyncio.run(_live(settings.database_url, comings_of(found, zone), zone))
        audit = asyncio.run(audited(settings.database_url))
    if audit["violations"]:
        show_audit(audit)
    return _result(found, said, malformed, len(audit["violations"]))


async def _live(url: str, comings: list[Coming], zone: str) -> Found:
    db = await Database(url).open()
    try:
        began = time.monotonic()
        city = places.AddCity(
            city_id=CITY, slug="replay-repeat", name=Text(zh="重放之城", en="City of the replay"), zone=zone,
            currency=ASSET, centre=CENTRE,
        )  # fmt: skip
        async with db.central() as tx:
            await untouched(tx, {CITY})
            sure(await places.add_cities(tx, [city]))
        for start in range(0, len(comings), AT_ONCE):
            async with db.city(CITY) as tx:
                await insight.come(tx, comings[start : start + AT_ONCE], city_id=CITY)
        loaded = time.monotonic() - began
        async with db.reading(CITY) as tx:
            return await _ask(tx, comings, loaded)
    except ReplayBroken as refusal:
        raise click.ClickException(str(refusal)) from None
    finally:
        await db.close()


async def _ask(tx: Tx, comings: list[Coming], loaded: float) -> Found:
    ms: dict[str, int] = {}

    async def timed(name: str, ask: Callable[[], Awaitable[T]]) -> T:
        began = time.monotonic()
        answer = await ask()
        ms[name] = round((time.monotonic() - began) * 1000)
        return answer

    stores = sorted({one.merchant_id for one in comings})
    since, last = comings[0].day, max(one.day for one in comings)
    until = last + timedelta(days=1)
    span: dict[str, Any] = {"city_id": CITY, "asset": ASSET, "since": since, "until": until}
    where: dict[str, Any] = span | {"alliance": stores}
    await insight.flows(tx, **where)  # what is read for the first time is not what a page waits for
    flows = await timed("flows", lambda: insight.flows(tx, **where))
    merchants = await timed("merchants", lambda: insight.business(tx, stores, today=last, **where))
    whole = await timed("alliance", lambda: insight.as_one(tx, stores, flows, **span))
    await timed("trend", lambda: insight.trend(tx, stores, stretch="month", **where))
    biggest = max(merchants.values(), key=lambda one: (one.comings, one.merchant_id)).merchant_id
    one = await timed("one_merchant", lambda: insight.business(tx, [biggest], today=last, sure=True, **where))
    await timed("one_merchant_flows", lambda: insight.flows(tx, merchants=[biggest], **where))
    joined = _placebo(stores, since, last)
    arounds = await timed(
        "before_and_after",
        lambda: insight.around(tx, sorted(joined), city_id=CITY, asset=ASSET, joined=joined, today=last),
    )
    change, interval = insight.together([arounds[one] for one in sorted(arounds)], insight.seeded("placebo"))
    return Found(
        comings=comings, whole=whole, merchants=merchants, flows=flows, biggest=one[biggest], placebo=arounds,
        change=change, sure=interval, ms=ms, loaded_s=loaded,
    )  # fmt: skip


def _placebo(stores: Sequence[UUID], since: date, last: date) -> dict[UUID, date]:
    """Half of the stores, by a seed, on the day in the middle."""
    middle = since + (last - since) // 2
    return dict.fromkeys(insight.seeded("placebo", len(stores)).sample(list(stores), len(stores) // 2), middle)


def _counted(comings: Sequence[Coming]) -> tuple[int, int]:
    """(households that shopped at two stores or more, days of households at stores), counted without a statement."""
    stores: dict[UUID, set[UUID]] = defaultdict(set)
    for one in comings:
        stores[one.member_id].add(one.merchant_id)
    days = {(one.member_id, one.merchant_id, one.day) for one in comings}
    return sum(len(one) >= 2 for one in stores.values()), len(days)


def _result(found: Sequence[Basket], said: Found, malformed: int, violations: int) -> Repeated:
    several, days = _counted(said.comings)
    whole, made = said.whole, list(said.merchants.values())
    money = sum(one.money.units for one in made)
    elsewhere = sum(one.elsewhere_money.units for one in made)
    arrived = sum(flow.comings for flow in said.flows)
    held = (
        whole.several.hits == several and whole.comings == days == arrived and money == whole.money.units
        and money == sum(one.units for one in found) and not violations
    )  # fmt: skip
    low, high = whole.several.interval
    shown = {
        "baskets": len(found), "stores": len(made), "households": whole.members, "visits": whole.comings,
        "households_at_two_or_more": whole.several.hits, "households_at_two_or_more_counted": several,
        "two_or_more_bps": whole.several.bps, "two_or_more_sure_bps": [low, high], "crossings": whole.crossings,
        "crossing_bps": insight.Rate(whole.crossings, whole.comings).bps, "flows": len(said.flows),
        "flows_told": len(said.flows) - len(insight.hidden(said.flows)), "money_minor": money,
        "money_from_met_elsewhere_minor": elsewhere,
        "met_elsewhere_bps": elsewhere * 10_000 // money if money else 0, "second_visits": _second(made),
        "biggest_store": _biggest(said.biggest), "placebo": _luck(said), "malformed": malformed,
        "loaded_seconds": round(said.loaded_s, 1), "milliseconds": said.ms, "audit_violations": violations,
    }  # fmt: skip
    _show(shown)
    return Repeated(shown=shown, held=held)


def _second(made: Sequence[insight.Business]) -> dict[str, Any]:
    """Second visits to the same store: of households new there whose days are over, how many came again."""
    found = {}
    for i, days in enumerate((30, 60, 90)):
        rate = insight.Rate(sum(one.backs[i].rate.hits for one in made), sum(one.backs[i].rate.of for one in made))
        found[str(days)] = {"back": rate.hits, "known": rate.of, "bps": rate.bps, "sure_bps": list(rate.interval)}
    return found


def _biggest(one: insight.Business) -> dict[str, Any]:
    return {
        "households": one.members, "visits": one.comings, "met_elsewhere": one.elsewhere,
        "money_share_of_met_elsewhere_bps": one.share,
        "sure_bps": [one.sure.low, one.sure.high] if one.sure else None,
    }  # fmt: skip


def _luck(said: Found) -> dict[str, Any]:
    return {
        "joined": len(said.placebo), "compared": sum(one.enough for one in said.placebo.values()),
        "change_bps": said.change, "sure_bps": [said.sure.low, said.sure.high] if said.sure else None,
        "answer": insight.answer(said.sure, enough=said.sure is not None),
    }  # fmt: skip


def _show(shown: dict[str, Any]) -> None:
    table = Table("repeat business", "")
    for name, value in shown.items():
        table.add_row(name, str(value))
    words.print(table)
