"""Sets: however long the list, the same number of statements; in a list the order counts, also for one wallet."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from hutong import programmes
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.programmes import Burned, Caps, ClawBack, GiveBack, PointsShort, Resolve, Send, Source
from tests.conftest import audit_clean
from tests.db.two_databases import two
from tests.programmes_help import Alliance, an_alliance

pytestmark = pytest.mark.anyio


class Counted:
    """A database that counts what is sent to it."""

    def __init__(self) -> None:
        self.statements = 0

    def __call__(self, sql: str, params: dict[str, Any]) -> None:
        del sql, params
        self.statements += 1


async def lived(database_url: str, now, size: int) -> dict[str, int]:
    """Every verb once with a set of `size`; how many statements each took."""
    counted, took = Counted(), {}
    db = await Database(database_url, observer=counted).open()
    alliance = await an_alliance(db, pending_days=0, caps=Caps(member_points_a_day=10**6, sends_a_day=1_000))
    await alliance.join("noodles", blocks=10**9)
    members = [new_id() for _ in range(max(1, size // 2))]
    asks = [alliance.buy(members[i % len(members)], "noodles", 10_000, now) for i in range(size)]
    await programme_of_other_use(alliance, now)

    async def count(name: str, work: Any) -> list[Any]:
        counted.statements = 0
        results = await alliance.run(work)
        took[name] = counted.statements
        return results

    who = {"programme_id": alliance.programme_id}
    await count("earn", lambda tx: programmes.earn(tx, asks, now=now))
    await count("mature", lambda tx: programmes.mature(tx, now=now, limit=size, **who))
    burns = [alliance.hold(ask.member_id, "noodles", 30) for ask in asks]
    holds = [alliance.hold(ask.member_id, "noodles", 20, until=now) for ask in asks]
    other = [alliance.hold(ask.member_id, "noodles", 10, until=now) for ask in asks]
    assert all(isinstance(one, Burned) for one in await count("burn", lambda tx: programmes.burn(tx, burns, now=now)))
    await count("hold", lambda tx: programmes.hold(tx, [*holds, *other], now=now))
    resolves = [Resolve(member_id=h.member_id, movement_id=h.movement_id, **who) for h in holds]
    await count("confirm", lambda tx: programmes.confirm(tx, resolves, now=now))
    await count("release_due", lambda tx: programmes.release_due(tx, now=now, limit=size, **who))
    backs = [GiveBack(back_id=new_id(), member_id=b.member_id, burn_id=b.movement_id, points=10, **who) for b in burns]
    await count("give_back", lambda tx: programmes.give_back(tx, backs, now=now))
    sends = [Send(movement_id=new_id(), member_id=a.member_id, to=new_id(), points=5, **who) for a in asks]
    await count("send", lambda tx: programmes.send(tx, sends, now=now))
    claws = [ClawBack(back_id=new_id(), member_id=a.member_id, source=a.source, **who) for a in asks]
    await count("claw_back", lambda tx: programmes.claw_back(tx, claws, now=now))
    await count("expire", lambda tx: programmes.expire(tx, now=now + timedelta(days=900), limit=size, **who))
    assert await audit_clean(db)
    await db.close()
    return took


async def programme_of_other_use(alliance: Alliance, now) -> None:
    """Wallets and accounts that are new cost a statement more; here all kinds of accounts have been used before."""
    await alliance.rich(1_000, now)


async def test_the_number_of_statements_does_not_grow_with_the_list(server_url: str, template: str, now):
    with two(server_url, template) as (small, large):
        one, many = await lived(small, now, 1), await lived(large, now, 200)
    assert set(one) == set(many)
    assert {name: many[name] - one[name] for name in one if many[name] > one[name] + 1} == {}
    assert max(many.values()) <= 26, many


async def test_one_wallet_many_times_in_one_set_is_served_in_order(db: Database, now):
    alliance = await an_alliance(db, pending_days=0)
    await alliance.join("noodles", blocks=10**6)
    ann = await alliance.rich(100, now)
    asks = [alliance.hold(ann, "noodles", points) for points in (60, 50, 40, 1)]
    results = await alliance.run(lambda tx: programmes.burn(tx, asks, now=now))
    assert [one.points if isinstance(one, Burned) else one for one in results] == [
        60, PointsShort(available=40, wanted=50), 40, PointsShort(available=0, wanted=1),
    ]  # fmt: skip
    one = alliance.buy(ann, "noodles", 5_000, now)
    other = alliance.buy(ann, "noodles", 5_000, now, source=one.source)
    first, twin, same = await alliance.earns(one, other, one)
    assert (first.points, twin.code, same.replayed) == (50, "earned_already", True)
    back = ClawBack(back_id=new_id(), programme_id=alliance.programme_id, member_id=ann, source=one.source)
    results = await alliance.run(lambda tx: programmes.claw_back(tx, [back, back], now=now))
    assert [(r.points, r.replayed) for r in results] == [(50, False), (50, True)]
    assert await audit_clean(db)


async def test_unknown_programmes_and_strangers_are_refused_one_by_one(db: Database, now):
    alliance = await an_alliance(db)
    await alliance.join("noodles", blocks=10**6)
    ask = alliance.buy(new_id(), "noodles", 1_000, now)
    others = [
        replace(ask, movement_id=new_id(), programme_id=new_id()),
        replace(ask, movement_id=new_id(), source=Source("receipt", new_id()), partner_id=new_id()),
        replace(ask, movement_id=new_id(), source=Source("receipt", new_id()), amount=Amount(1, "USD")),
        replace(ask, movement_id=new_id(), source=Source("receipt", new_id()), at=now - timedelta(days=900)),
    ]
    results = await alliance.earns(ask, *others)
    assert [getattr(one, "code", "earned") for one in results] == [
        "earned", "programme_not_found", "not_a_partner", "amount_currency", "programme_closed",
    ]  # fmt: skip
    assert await audit_clean(db)
