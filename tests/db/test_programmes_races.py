"""Many at once: a wallet is spent once (K4), a purchase earns once, and time and use never take the same points.

Controls run the same work with its guard off, and show the race."""

import asyncio
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from hutong import programmes
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.programmes import Burned, ClawBack, Earned, EarnedAlready, PointsShort
from tests.conftest import audit_clean, fires
from tests.db.guard_off import bare
from tests.programmes_help import CITY, Alliance, an_alliance

pytestmark = pytest.mark.anyio
RUNNERS = 50


@pytest.fixture
async def crowd(database_url: str):
    """Doors wide enough for all runners at once."""
    database = await Database(database_url, writers=RUNNERS, lock_timeout_ms=60_000, statement_timeout_ms=60_000).open()
    yield database
    await database.close()


async def test_fifty_parallel_burns_of_one_wallet_spend_it_once(crowd: Database, now):
    alliance = await an_alliance(crowd, pending_days=0)
    await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(100, now)
    results = await asyncio.gather(*(alliance.burns(ann, "noodles", 100, now=now) for _ in range(RUNNERS)))
    assert sum(isinstance(one, Burned) for one in results) == 1
    assert sum(isinstance(one, PointsShort) for one in results) == RUNNERS - 1
    assert await alliance.due("noodles") == 100
    assert await audit_clean(crowd)


async def spend_unguarded(db: Database, alliance: Alliance, member: UUID, gate: asyncio.Barrier) -> bool:
    """The same burn as a program without a lock would do it: look, then leap."""
    async with db.city(CITY) as tx:
        left = await tx.value("select available from programmes.members where member_id = %(member)s", member=member)
        await gate.wait()
        if left < 100:
            return False
        await tx.run(
            "update programmes.members set available = available - 100 where member_id = %(member)s", member=member
        )
        return True


async def test_control_without_lock_and_constraint_all_fifty_spend_it(crowd: Database, now):
    alliance = await an_alliance(crowd, pending_days=0)
    await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(100, now)
    async with crowd.central() as tx:
        await tx.run("alter table programmes.members drop constraint members_counts_check")
    gate = asyncio.Barrier(RUNNERS)
    spent = await asyncio.gather(*(spend_unguarded(crowd, alliance, ann, gate) for _ in range(RUNNERS)))
    assert sum(spent) == RUNNERS


async def test_control_without_lock_the_database_still_says_no(crowd: Database, now):
    alliance = await an_alliance(crowd, pending_days=0)
    await alliance.join("noodles", blocks=10_000)
    ann = await alliance.rich(100, now)
    gate = asyncio.Barrier(RUNNERS)
    tries = (spend_unguarded(crowd, alliance, ann, gate) for _ in range(RUNNERS))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(one is True for one in results) == 1
    assert sum(isinstance(one, psycopg.errors.CheckViolation) for one in results) == RUNNERS - 1


async def test_one_purchase_by_fifty_tills_at_once_earns_once(crowd: Database, now):
    alliance = await an_alliance(crowd)
    await alliance.join("noodles", blocks=10_000)
    ann = new_id()
    first = alliance.buy(ann, "noodles", 5_000, now)
    asks = [first, *(alliance.buy(ann, "noodles", 5_000, now, source=first.source) for _ in range(RUNNERS - 1))]
    results = [one for (one,) in await asyncio.gather(*(alliance.earns(ask) for ask in asks))]
    assert sum(isinstance(one, Earned) for one in results) == 1
    assert sum(isinstance(one, EarnedAlready) for one in results) == RUNNERS - 1
    assert (await alliance.wallet(ann, now)).pending == 50
    assert await audit_clean(crowd)


async def test_control_without_its_key_a_purchase_would_earn_twice(crowd: Database, now):
    """Two members' wallets are two locks: what stands between them is the key of the source, and nothing else."""
    alliance = await an_alliance(crowd)
    await alliance.join("noodles", blocks=10_000)
    first = alliance.buy(new_id(), "noodles", 5_000, now)
    async with crowd.central() as tx:
        await tx.run("drop index programmes.movements_earn_key")
        await tx.run(
            """insert into programmes.members
                 (member_id, programme_id, pending, available, held, debt, growth, opened_at)
               select %(member)s, programme_id, 0, 0, 0, 0, 0, %(now)s from programmes.programmes""",
            member=first.member_id, now=now,
        )  # fmt: skip
    gate = asyncio.Barrier(2)

    async def earn_unguarded() -> None:
        async with crowd.city(CITY) as tx:
            there = await tx.value(
                "select count(*) from programmes.movements where source_ref = %(ref)s", ref=first.source.ref
            )
            await gate.wait()
            if not there:
                await tx.run(
                    """insert into programmes.movements
                         (programme_id, movement_id, kind, state, member_id, source_kind, source_ref, points, base,
                          bonus, campaign, units, worth_units, funded_units, pending_part, available_part, debt_part,
                          undone, worth_back, base_back, bonus_back, campaign_back, rule, at)
                       values (%(programme)s, %(id)s, 'earn', 'done', %(member)s, 'receipt', %(ref)s, 50, 50, 0, 0, 50,
                               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', %(now)s)""",
                    programme=alliance.programme_id, id=new_id(), member=first.member_id, ref=first.source.ref,
                    now=now,
                )  # fmt: skip

    await asyncio.gather(earn_unguarded(), earn_unguarded())
    async with crowd.reading() as tx:
        assert await tx.value("select count(*) from programmes.movements") == 2


async def test_a_burn_and_the_end_of_its_points_at_the_same_instant(crowd: Database, now):
    alliance = await an_alliance(crowd, pending_days=0)
    await alliance.join("noodles", blocks=100_000)
    ends = None
    members = [await alliance.rich(100, now) for _ in range(10)]
    ends = (await alliance.lots(members[0], now))[0].expires_at
    before = ends - timedelta(microseconds=1)
    sweeps = [alliance.expire(ends) for _ in range(5)]
    burns = [alliance.burns(member, "noodles", 60, now=at) for member in members for at in (before, ends)]
    results = await asyncio.gather(*sweeps, *burns)
    for member, early, late in zip(members, results[5::2], results[6::2], strict=True):
        assert isinstance(late, PointsShort), "nothing is spent at or after its end"
        wallet = await alliance.wallet(member, now)
        assert wallet.available in (0, 40)
        assert isinstance(early, Burned | PointsShort)
    await alliance.expire(ends)
    assert await audit_clean(crowd)


async def test_a_claw_back_and_burns_of_the_same_points(crowd: Database, now):
    alliance = await an_alliance(crowd, pending_days=0)
    await alliance.join("noodles", blocks=100_000)
    ann = await alliance.rich(100, now)
    source = alliance.last[ann].source
    burns = [alliance.burns(ann, "noodles", 10, now=now) for _ in range(20)]
    backs = [alliance.claws(ann, source, now=now) for _ in range(5)]
    results = await asyncio.gather(*burns, *backs)
    burnt = sum(one.points for one in results[:20] if isinstance(one, Burned))
    clawed = [one for one in results[20:] if one.points]
    assert [one.points for one in clawed] == [100], "it is taken back once, and wholly"
    assert clawed[0].available + burnt == 100
    assert clawed[0].debt == burnt
    wallet = await alliance.wallet(ann, now)
    assert (wallet.available, wallet.debt) == (0, burnt)
    assert await audit_clean(crowd)


async def a_return(db: Database, now) -> tuple[Alliance, ClawBack]:
    """Ann bought for a hundred points twice, and brings back what she bought first."""
    alliance = await an_alliance(db, pending_days=0)
    await alliance.join("noodles", blocks=100_000)
    ann = await alliance.rich(100, now - timedelta(days=1))
    undone = alliance.last[ann].source
    await alliance.rich(100, now, member=ann)
    return alliance, ClawBack(back_id=new_id(), programme_id=alliance.programme_id, member_id=ann, source=undone)


async def test_a_burn_waits_for_the_claw_back_of_its_points(db: Database, now):
    """The claw-back takes the hundred of its purchase; the burn of sixty gets those of the other one."""
    alliance, ask = await a_return(db, now)
    async with db.city(CITY) as tx:
        (back,) = await programmes.claw_back(tx, [ask], now=now)
        burn = asyncio.create_task(alliance.burns(ask.member_id, "noodles", 60, now=now))
        await asyncio.sleep(0)
    assert isinstance(await burn, Burned)
    assert (back.available, back.debt, (await alliance.wallet(ask.member_id, now)).available) == (100, 0, 40)
    assert await audit_clean(db)


async def test_control_without_the_lock_points_are_clawed_back_and_spent(db: Database, now):
    """The claw-back has looked at the lot of its purchase when the burn takes sixty of it: without the wallet's lock it
    empties the lot all the same. Two hundred less sixty less a hundred are forty, and the wallet says a hundred."""
    alliance, ask = await a_return(db, now)

    async def burn() -> None:
        assert isinstance(await alliance.burns(ask.member_id, "noodles", 60, now=now), Burned)

    async with bare(db, CITY, after="l.rest > 0", pause=burn) as tx:
        (back,) = await programmes.claw_back(tx, [ask], now=now)
    assert (back.available, back.debt, (await alliance.wallet(ask.member_id, now)).available) == (100, 0, 100)
    for code in ("PG01", "PG04", "PG05"):
        assert await fires(db, code), code


async def test_partners_last_money_goes_to_one(crowd: Database, now):
    for terms in ({"blocks": 100}, {"mode": "postpaid", "limit_units": 100}):
        alliance = await an_alliance(crowd)
        await alliance.join("noodles", **terms)
        asks = [alliance.buy(new_id(), "noodles", 10_000, now) for _ in range(20)]
        results = [one for (one,) in await asyncio.gather(*(alliance.earns(ask) for ask in asks))]
        assert sum(isinstance(one, Earned) for one in results) == 1
    assert await audit_clean(crowd)


async def test_friends_who_send_each_other_points_do_not_lock_each_other_out(crowd: Database, now):
    alliance = await an_alliance(crowd, pending_days=0)
    await alliance.join("noodles", blocks=100_000)
    circle = [await alliance.rich(100, now) for _ in range(5)]

    async def once(i: int):
        ask = alliance.send(circle[i % 5], circle[(i * 3 + 1) % 5], 1)
        async with crowd.city(CITY) as tx:  # not run_city: a deadlock would show
            return await programmes.send(tx, [ask], now=now)

    await asyncio.gather(*(once(i) for i in range(40)))
    wallets = [await alliance.wallet(one, now) for one in circle]
    assert sum(one.available for one in wallets) == 500
    assert await audit_clean(crowd)
