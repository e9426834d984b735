"""Months of an alliance: points that move, periods that are closed and booked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import clearing, ledger, programmes
from hutong.clearing import Close, Closed, Post, Statement
from hutong.desk import clearings
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.clock import day_start
from hutong.ledger import Book, chart
from hutong.programmes import Earned, Hold, Source
from tests.programmes_help import CITY, ZONE, Alliance, an_alliance

RULES: dict[str, Any] = {"pending_days": 1, "life_days": 30, "redemption_bps": 9_000}


def at(day: str, hour: int = 12) -> datetime:
    """That hour of the day on the clocks of the programme."""
    return day_start(datetime.fromisoformat(day).date(), ZONE) + timedelta(hours=hour)


JANUARY, FEBRUARY, MARCH = at("2026-01-01", 0), at("2026-02-01", 0), at("2026-03-01", 0)


async def sweep(it: Alliance, now: datetime) -> None:
    """Points mature and end, as the rounds of the house do it every night."""
    day = now - timedelta(days=31)
    while day < now:
        day = min(day + timedelta(days=1), now)
        for work in (programmes.mature, programmes.expire):
            await it.run(lambda tx, work=work, day=day: work(tx, programme_id=it.programme_id, now=day))


async def burnt(it: Alliance, member: UUID, name: str, points: int, now: datetime, **given: Any) -> UUID:
    """Points spent at a partner; the burn's id."""
    hold = Hold(
        movement_id=new_id(), programme_id=it.programme_id, member_id=member, partner_id=it.partners[name],
        city_id=CITY, store_id=None, source=Source("grant", new_id()), points=points, **given,
    )  # fmt: skip
    (result,) = await it.run(lambda tx: programmes.burn(tx, [hold], now=now))
    assert isinstance(result, programmes.Burned), result
    return hold.movement_id


async def bought(it: Alliance, member: UUID, name: str, units: int, now: datetime, **given: Any) -> Any:
    """A purchase that earned; what was asked."""
    ask = it.buy(member, name, units, given.pop("bought", now), **given)
    (result,) = await it.earns(ask, now=now)
    assert isinstance(result, Earned), result
    return ask


async def closed(
    it: Alliance, since: datetime, until: datetime, now: datetime | None = None, run_id: UUID | None = None
) -> Any:
    """The answer to closing one period."""
    ask = Close(run_id=run_id or new_id(), programme_id=it.programme_id, since=since, until=until)
    async with it.db.member(it.programme_id) as tx:
        return (await clearing.close(tx, [ask], now=now or until))[0]


async def cleared(it: Alliance, since: datetime, until: datetime, now: datetime | None = None) -> Closed:
    """A period closed and booked."""
    result = await closed(it, since, until, now)
    assert isinstance(result, Closed), result
    await clearings.book(it.db, now or until)
    return result


async def statement(it: Alliance, run_id: UUID, name: str) -> Statement:
    party = it.programme_id if name == "programme" else it.partners[name]
    async with it.db.reading() as tx:
        found = await clearing.statement(tx, it.programme_id, run_id=run_id, party_id=party)
    assert found is not None, name
    return found


async def posts(it: Alliance, run_id: UUID) -> list[Post]:
    async with it.db.reading() as tx:
        found = await clearing.statements_of_run(tx, it.programme_id, run_id=run_id)
    return [Post(programme_id=it.programme_id, run_id=run_id, party_id=s.party_id) for s in found if s.home_city]


async def payable(it: Alliance, name: str, city_id: int = CITY) -> int:
    """What the books of the city owe the partner."""
    path = chart.payable_merchant(it.partners[name]).path
    async with it.db.reading(city_id) as tx:
        found = await ledger.balances(tx, Book.city(city_id), paths=[path])
    return found[0].posted.units if found else 0


async def in_programme(it: Alliance, paths: Sequence[str]) -> list[int]:
    """Balances in the programme's book, in money."""
    async with it.db.reading() as tx:
        found = await ledger.balances(tx, Book.programme(it.programme_id), paths=list(paths), asset="CNY")
    stands = {one.path: one.posted.units for one in found}
    return [stands.get(path, 0) for path in paths]


async def a_month(db: Database) -> tuple[Alliance, UUID, UUID]:
    """January of a small alliance: prepaid noodles, postpaid tea, Ann who buys and spends; (it, Ann, the burn)."""
    it = await an_alliance(db, **RULES)
    await it.join("noodles", blocks=5_000)
    await it.join("tea", mode="postpaid", limit_units=2_000)
    ann = new_id()
    await bought(it, ann, "noodles", 100_000, at("2026-01-03"))
    await bought(it, ann, "tea", 60_000, at("2026-01-05"))
    await sweep(it, at("2026-01-20"))
    burn = await burnt(it, ann, "tea", 200, at("2026-01-20"))
    return it, ann, burn
