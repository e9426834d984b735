"""Fifty members after the last of a budget at once: exactly one gets it. The control shows the race without locks."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from hutong import pricing
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.pricing import AddBatch, Budget, Claim, ClaimCoupon, Held, Live, MayClaim, NewCode, PromotionStep
from tests.db.crowd import crowd
from tests.db.own_audit import sound
from tests.db.promotions_help import CITY, a_city, a_claim, published

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def city(db: Database):
    await a_city(db)
    await crowd(db)


async def held(db: Database, claims: list[Claim], now) -> list[Any]:
    """All at once: one transaction each."""

    async def one(claim: Claim) -> Any:
        async def work(tx) -> Any:
            return (await pricing.hold(tx, [claim], city_id=CITY, now=now, until=now + timedelta(minutes=15)))[0]

        return await db.run_city(CITY, work)

    return await asyncio.gather(*(one(claim) for claim in claims))


async def test_fifty_members_after_the_last_use(db: Database, now):
    promotion = await published(db, now, budgets=(Budget(most_uses=1),))
    answers = await held(db, [a_claim(promotion) for _ in range(50)], now)
    assert sum(isinstance(a, Held) for a in answers) == 1
    assert {a.code for a in answers if not isinstance(a, Held)} == {"budget_exhausted"}
    assert await sound(db, "pricing")


async def test_fifty_members_after_the_last_money(db: Database, now):
    promotion = await published(db, now, budgets=(Budget(most_units=5_300),))
    answers = await held(db, [a_claim(promotion, 500) for _ in range(50)], now)
    assert sum(isinstance(a, Held) for a in answers) == 10
    assert await sound(db, "pricing")


async def test_one_member_on_twenty_phones_uses_it_once(db: Database, now):
    promotion = await published(db, now, budgets=(Budget(most_uses=99), Budget(attribute="member", most_uses=1)))
    member = new_id()
    answers = await held(db, [a_claim(promotion, member_id=member) for _ in range(20)], now)
    assert sum(isinstance(a, Held) for a in answers) == 1
    assert await sound(db, "pricing")


async def test_control_without_the_lock_the_budget_is_overspent(db: Database, now):
    """The same race the naive way, on a table without the CHECK: more is spent than there was."""
    async with db.central() as tx:
        await tx.run("create table naive (most bigint, spent bigint)")
        await tx.run("insert into naive values (1, 0)")

    async def one() -> bool:
        async with db.city(CITY) as tx:
            row = await tx.row("select most - spent as left from naive")
            await asyncio.sleep(0.002)
            if row is None or row["left"] < 1:
                return False
            await tx.run("update naive set spent = spent + 1")
            return True

    assert sum(await asyncio.gather(*(one() for _ in range(50)))) > 1


async def test_control_the_check_stands_behind_the_sums(db: Database, now):
    """Whatever computed it: a counter beyond its limit cannot be written."""
    promotion = await published(db, now, budgets=(Budget(most_uses=1),))
    await held(db, [a_claim(promotion)], now)
    with pytest.raises(psycopg.errors.CheckViolation):
        async with db.city(CITY) as tx:
            await tx.run("update pricing.counters set spent_uses = spent_uses + 1 where city_id = 1")


async def test_after_the_kill_switch_nobody_gets_in(db: Database, now):
    """Uses and the stop at one moment: whatever was held was held before the stop; after its commit nothing is."""
    promotion = await published(db, now, budgets=(Budget(most_uses=999),))
    stopped = asyncio.Event()

    async def stop() -> None:
        await asyncio.sleep(0.01)

        async def work(tx) -> Any:
            step = PromotionStep(promotion_id=promotion, by=None)
            return (await pricing.pause(tx, [step], city_id=CITY, now=now))[0]

        assert isinstance(await db.run_city(CITY, work), Live)
        stopped.set()

    late: list[Any] = []

    async def use() -> None:
        after = stopped.is_set()
        [answer] = await held(db, [a_claim(promotion)], now)
        if after:
            late.append(answer)

    async def many() -> None:
        while len(late) < 12:
            await use()

    await asyncio.gather(stop(), *(many() for _ in range(4)))
    assert late
    assert {getattr(a, "code", "held") for a in late} == {"promotion_paused"}
    assert await sound(db, "pricing")


async def test_a_code_that_twenty_type_at_once_is_taken_once(db: Database, now):
    promotion = await published(db, now, rule={"trigger": "coupon"})
    code = NewCode(code_id=new_id(), tail="AAAA")
    batch = AddBatch(batch_id=new_id(), promotion_id=promotion, kind="generated", label="x", by=None, codes=(code,))
    async with db.city(CITY) as tx:
        await pricing.add_batches(tx, [batch], city_id=CITY, now=now)

    async def one() -> Any:
        ask = ClaimCoupon(promotion_id=promotion, ref=new_id(), member_id=new_id(), code_id=code.code_id)

        async def work(tx) -> Any:
            return (await pricing.claim_coupons(tx, [ask], city_id=CITY, now=now))[0]

        return await db.run_city(CITY, work)

    answers = await asyncio.gather(*(one() for _ in range(20)))
    assert sum(isinstance(a, MayClaim) for a in answers) == 1
    assert {a.code for a in answers if not isinstance(a, MayClaim)} == {"coupon_code_used"}
    assert await sound(db, "pricing")
