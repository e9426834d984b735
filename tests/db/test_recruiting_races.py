"""Two at the same moment: who lets a shop in, who decides a case, who gets a district. Each race has a control
without its guard, which shows what the guard prevents."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from hutong import recruiting
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.turns import WAIT
from hutong.kit.clock import local_day
from hutong.recruiting import Application, Apply, Assign, Case, CaseDecided, Decide, TerritoryTaken, Transfer
from hutong.recruiting.operations.apply import MOST_OPEN
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.db.test_recruiting import a_conflict
from tests.recruiting_help import ALL, CITY, DEMANDS, ZONE, a_field, a_move, an_application, words

pytestmark = pytest.mark.anyio
ROUNDS = 5


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


async def alone(db: Database, verb: Any, ask: Any, **more: Any) -> Any:
    """In a transaction of its own."""

    async def work(tx: Any) -> Any:
        return (await verb(tx, [ask], city_id=CITY, **more))[0]

    return await db.run_city(CITY, work)


async def test_two_operators_let_one_shop_in_and_one_of_them_did(db: Database, now):
    town, today = await a_field(db, now), local_day(now, ZONE)
    for n in range(ROUNDS):
        one = await an_application(db, now, town, until="submitted", phone=f"+861990000400{n}")
        asks = [a_move(one, new_id()) for _ in range(4)]
        found = await asyncio.gather(
            *(alone(db, recruiting.approve, ask, reach=ALL, today=today, now=now) for ask in asks)
        )
        assert sorted(r.state if isinstance(r, Application) else r.code for r in found) == [
            "application_not_open", "application_not_open", "application_not_open", "approved",
        ]  # fmt: skip
    assert await audit_clean(db)


async def test_control_without_the_lock_both_let_it_in(db: Database, now):
    """Both look, both decide; only the number of the step, which is a key, keeps the second from being written."""
    town, today = await a_field(db, now), local_day(now, ZONE)
    one = await an_application(db, now, town, until="submitted")
    looked = asyncio.Barrier(2)

    async def unguarded() -> Any:
        async with bare(db, CITY, after="from recruiting.applications", pause=looked.wait) as tx:
            ask = a_move(one, new_id())
            return (await recruiting.approve(tx, [ask], city_id=CITY, reach=ALL, today=today, now=now))[0]

    found = await asyncio.gather(unguarded(), unguarded(), return_exceptions=True)
    assert sorted(type(r).__name__ for r in found) == ["Application", "UniqueViolation"]
    assert isinstance(next(r for r in found if not isinstance(r, Application)), psycopg.errors.UniqueViolation)
    assert await audit_clean(db)


async def test_a_case_is_decided_once(db: Database, now):
    town, _, case = await a_conflict(db, now)
    asks = [
        Decide(case_id=case.case_id, operator_id=winner, reason="seen", by=new_id())
        for winner in (town.left, town.right, None, town.left)
    ]
    found = await asyncio.gather(*(alone(db, recruiting.decide, ask, now=now) for ask in asks))
    assert [isinstance(one, Case) for one in found].count(True) == 1
    assert [isinstance(one, CaseDecided) for one in found].count(True) == 3
    assert await audit_clean(db)


async def test_control_without_the_lock_both_decisions_are_written(db: Database, now):
    """The second decision would take the merchant from whom the first gave it to, and both would be told yes."""
    town, one, case = await a_conflict(db, now)
    looked = asyncio.Barrier(2)

    async def unguarded(winner: Any) -> Any:
        async with bare(db, CITY, after="from recruiting.cases", pause=looked.wait) as tx:
            ask = Decide(case_id=case.case_id, operator_id=winner, reason="seen", by=new_id())
            return (await recruiting.decide(tx, [ask], city_id=CITY, now=now))[0]

    found = await asyncio.gather(unguarded(town.left), unguarded(town.right))
    assert [type(r) for r in found] == [Case, Case]
    assert found[0].operator_id != found[1].operator_id, "the race: two winners were told"
    del one


async def test_two_operators_get_one_district_and_one_of_them_has_it(db: Database, now):
    town = await a_field(db, now, split=False)
    free = [Assign(territory_id=new_id(), district_id=None, operator_id=None, by=None)]
    async with db.central() as tx:
        await recruiting.assign(tx, free, city_id=CITY, now=now)
    asks = [
        Assign(territory_id=new_id(), district_id=district, operator_id=operator, by=None)
        for operator, district in ((town.left, 1), (town.right, 1), (town.left, None), (town.right, None))
    ]
    found = await asyncio.gather(*(alone(db, recruiting.assign, ask, now=now) for ask in asks))
    assert [isinstance(one, TerritoryTaken) for one in found].count(True) >= 2
    assert await audit_clean(db)


async def test_of_two_transfers_at_once_each_is_told_what_it_did(db: Database, now):
    """The later one waits for the first and follows it: nobody is told of a transfer that is not in the books."""
    town = await a_field(db, now)
    for n in range(3):
        one = await an_application(db, now, town, by=town.left)
        asks = [
            Transfer(attribution_id=new_id(), merchant_id=one.merchant_id, operator_id=who, reason="asked", by=new_id())
            for who in (town.right, None, town.right)
        ]
        at = [now + timedelta(days=1 + n, seconds=k) for k in range(3)]
        told = await asyncio.gather(
            *(alone(db, recruiting.transfer, ask, now=then) for ask, then in zip(asks, at, strict=True))
        )
        async with db.reading() as tx:
            rows = {row.attribution_id: row for row in await recruiting.attributions_of(tx, one.merchant_id)}
        assert all(rows[row.attribution_id].operator_id == row.operator_id for row in told)
    assert await audit_clean(db)


async def test_control_without_the_turn_a_transfer_is_told_that_is_not_there(db: Database, now):
    """Looking who holds the merchant, and writing after: the slower one writes nothing, and would say that it did."""
    town = await a_field(db, now)
    one = await an_application(db, now, town, by=town.left)
    looked = asyncio.Barrier(2)

    async def naive(who: Any) -> bool:
        async with db.city(CITY) as tx:
            held = (await recruiting.holders(tx, [one.merchant_id]))[one.merchant_id]
            await looked.wait()
            ended = await tx.run(
                "update recruiting.attributions set until = %(now)s where attribution_id = %(id)s and until is null",
                id=held.attribution_id, now=now + timedelta(days=1),
            )  # fmt: skip
            return bool(ended) or held.operator_id != who

    assert (await asyncio.gather(naive(town.right), naive(None))) == [True, True], "both would say yes"


@pytest.mark.parametrize("guarded", [True, False], ids=["in turn", "no guard"])
async def test_nobody_has_more_applications_by_several_phones(db: Database, now, guarded: bool):
    town = await a_field(db, now)
    for _ in range(MOST_OPEN - 1):
        await an_application(db, now, town, until="draft")
    asks = [Apply(application_id=new_id(), member_id=town.owner, words=words(), demands=DEMANDS) for _ in range(3)]
    looked = asyncio.Barrier(len(asks))

    async def unguarded(ask: Apply) -> Any:
        how: Any = {"after": "from recruiting.applications", "pause": looked.wait, "swaps": {WAIT: "select 1"}}
        async with bare(db, CITY, **how) as tx:
            return (await recruiting.apply(tx, [ask], city_id=CITY, now=now))[0]

    found = await asyncio.gather(
        *(alone(db, recruiting.apply, ask, now=now) if guarded else unguarded(ask) for ask in asks)
    )
    codes = sorted(getattr(one, "code", "draft") for one in found)
    assert codes == (["draft"] + ["too_many_applications"] * 2 if guarded else ["draft"] * 3)
    assert await audit_clean(db)
