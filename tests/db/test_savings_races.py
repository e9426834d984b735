"""Savings when two things happen in one moment. Each race has a control without the guard that shows it."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from hutong import orders, settlement, vouchers
from hutong.infra.db import Database, OutcomeUnknown
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import AskQuote, Placed, Wanted
from hutong.pricing import AmountOff, Budget, Condition, Expression, FirstOrder
from hutong.vouchers import Redeemed, Voucher
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.lane import (
    CITY,
    HOLD,
    SCHEMES,
    Lane,
    a_lane,
    a_place,
    a_redeem,
    captured,
    hear,
    place,
    refund,
    refund_is,
    state_of,
    units,
)
from tests.savings_help import PLENTY, a_coupon, a_rule, budget, coupon_now

pytestmark = pytest.mark.anyio
ROUNDS = 6


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


def outcomes(answers: list[Any]) -> Counter[str]:
    return Counter("placed" if isinstance(one, Placed) else getattr(one, "code", "?") for one in answers)


async def at_once(db: Database, asks: list[orders.Place], now: datetime) -> list[Any]:
    """Each order in a transaction of its own, all in one moment."""
    return [one for found in await asyncio.gather(*(place(db, [ask], now) for ask in asks)) for one in found]


async def a_world(db: Database, now: datetime, **rule: Any) -> tuple[Lane, UUID, Any, Voucher]:
    lane, ann = await a_lane(db, now), new_id()
    made = await a_rule(db, now, lane=lane, **rule)
    return lane, ann, made, await a_coupon(db, now, lane, made, ann)


async def test_one_coupon_in_five_orders_at_once_serves_one(db: Database, now):
    lane, ann, rule, coupon = await a_world(db, now)
    for _ in range(ROUNDS):
        asks = [a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,)) for _ in range(5)]
        answers = await at_once(db, asks, now)
        assert outcomes(answers) == {"placed": 1, "voucher_in_checkout": 4}
        assert await budget(db, rule) == (1_000, 1, 0, 0)
        [won] = [one.order_id for one in answers if isinstance(one, Placed)]
        undo = [orders.Cancel(order_id=won, by=ann, reason="member")]
        await db.run_city(CITY, lambda tx, undo=undo: orders.cancel(tx, undo, city_id=CITY, now=now))
    assert await audit_clean(db)


async def test_one_coupon_in_five_orders_of_one_set_serves_the_first(db: Database, now):
    lane, ann, _, coupon = await a_world(db, now)
    asks = [a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,)) for _ in range(5)]
    answers = await place(db, asks, now)
    assert [isinstance(one, Placed) for one in answers] == [True, False, False, False, False]
    assert await audit_clean(db)


@pytest.mark.parametrize("condition", [FirstOrder(), Expression(source="member.orders == 0", says=Text.both("new"))])
async def test_of_five_orders_at_once_one_is_the_first(db: Database, now, condition: Condition):
    """By any of two promotions for a first order, from five phones or in one set: one order gets one of them."""
    lane = await a_lane(db, now)
    for off in (1_000, 900):
        await a_rule(db, now, lane=lane, trigger="auto", conditions=(condition,), benefit=AmountOff(units=off))
    for in_one_set in (False, True):
        ann = new_id()
        asks = [a_place(lane, 1, member_id=ann) for _ in range(5)]
        answers = await (place(db, asks, now) if in_one_set else at_once(db, asks, now))
        totals = sorted(one.total.units for one in answers if isinstance(one, Placed))
        assert totals == [5_800, 6_800, 6_800, 6_800, 6_800], (in_one_set, answers)
    assert await audit_clean(db)


async def test_control_without_the_lock_several_orders_are_the_first(db: Database, now):
    """Counting first and ordering after: all of them see a member who has not ordered yet."""
    lane, ann = await a_lane(db, now), new_id()
    await a_rule(db, now, lane=lane, trigger="auto", conditions=(FirstOrder(),))

    async def naive() -> int:
        ask = AskQuote(wants=(Wanted(lane.offer.offer_id, 1),), member_id=ann)
        async with db.city(CITY) as tx:
            [seen] = await orders.quotes(tx, [ask], city_id=CITY, now=now, schemes=SCHEMES)
            await asyncio.sleep(0.02)
        assert not isinstance(seen, Refusal)
        return seen.quote.total.units

    assert (await asyncio.gather(*(naive() for _ in range(5)))).count(5_800) > 1


async def test_control_without_the_lock_the_coupon_serves_several_orders(db: Database, now):
    """Looking first and writing after: all of them see a coupon that is free."""
    _, _, _, coupon = await a_world(db, now)

    async def naive() -> bool:
        async with db.city(CITY) as tx:
            [seen] = await vouchers.by_ids(tx, [coupon.voucher_id], city_id=CITY)
            await asyncio.sleep(0.02)
            if seen.held_for is not None:
                return False
            await tx.run(
                """update vouchers.vouchers set held_for = 'order', held_ref = %(ref)s, held_until = %(until)s
                   where city_id = %(city)s and voucher_id = %(id)s""",
                city=CITY, ref=new_id(), until=now + HOLD, id=coupon.voucher_id,
            )  # fmt: skip
            return True

    assert sum(await asyncio.gather(*(naive() for _ in range(5)))) > 1


async def test_behind_the_lock_stands_a_key_of_the_database(db: Database, now):
    lane, ann, _, coupon = await a_world(db, now)
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,))
    other = a_place(lane, 1, member_id=ann)
    await place(db, [ask, other], now)
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with db.city(CITY) as tx:
            await tx.run(
                """insert into orders.uses select city_id, %(other)s, promotion_id, voucher_id, member_id, title, units,
                          given_units, shares, given, state, held_at, used_at, ended_at from orders.uses
                   where city_id = %(city)s and order_id = %(order)s""",
                city=CITY, other=other.order_id, order=ask.order_id,
            )  # fmt: skip


async def test_paid_and_cancelled_in_the_same_second_the_coupon_goes_with_the_winner(db: Database, now):
    lane, ann, rule, _ = await a_world(db, now)
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        coupon = await a_coupon(db, now, lane, rule, ann)
        ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,))
        [placed] = await place(db, [ask], now)
        undo = [orders.Cancel(order_id=ask.order_id, by=ann, reason="member")]
        await asyncio.gather(
            hear(db, [captured(placed)], now),
            db.run_city(CITY, lambda tx, undo=undo: orders.cancel(tx, undo, city_id=CITY, now=now)),
        )
        state = await state_of(db, ask.order_id)
        seen[state] += 1
        after = await coupon_now(db, coupon)
        assert (state, after.state, after.held_for) in {("paid", "used", None), ("cancelled", "valid", None)}
        assert await audit_clean(db)
    assert sum(seen.values()) == ROUNDS


async def test_two_refunds_of_the_last_units_give_the_coupon_back_once(db: Database, now):
    lane, ann, rule, _ = await a_world(db, now)
    for _ in range(ROUNDS):
        coupon = await a_coupon(db, now, lane, rule, ann)
        ask = a_place(lane, 2, member_id=ann, coupons=(coupon.voucher_id,))
        [placed] = await place(db, [ask], now)
        await hear(db, [captured(placed)], now)
        asked = [
            await refund(db, ask.order_id, now, voucher_ids=(u.voucher_id,)) for u in await units(db, ask.order_id)
        ]
        await asyncio.gather(*(hear(db, [refund_is(a.refund_id, "done", a.amount)], now) for a in asked))
        after = await coupon_now(db, coupon)
        assert (after.state, after.uses_left) == ("valid", 1)
        assert await budget(db, rule) == (0, 0, 0, 0)
    assert await audit_clean(db)


async def test_a_coupon_used_at_the_counter_and_on_an_order_in_one_moment_is_used_once(db: Database, now):
    """Casebook K1: two channels, one right."""
    lane, ann, rule, _ = await a_world(db, now)
    seen: Counter[tuple[bool, bool]] = Counter()
    for _ in range(ROUNDS):
        coupon = await a_coupon(db, now, lane, rule, ann)
        scan = a_redeem(lane, coupon, now)
        ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,))
        [used], [placed] = await asyncio.gather(
            db.run_city(CITY, lambda tx, scan=scan: settlement.redeem(tx, [scan], city_id=CITY, now=now)),
            place(db, [ask], now),
        )
        seen[isinstance(used, Redeemed), isinstance(placed, Placed)] += 1
    assert set(seen) <= {(True, False), (False, True)}, seen
    assert await audit_clean(db)


async def test_eight_orders_after_the_last_of_a_budget_pay_what_they_were_told_or_nothing(db: Database, now):
    lane = await a_lane(db, now)
    rule = await a_rule(
        db, now, lane=lane, trigger="auto", budgets=(Budget(most_units=3_000),), payers=(("platform", 1),)
    )
    told = Amount(5_800, "CNY")
    answers = await at_once(db, [a_place(lane, 1, expect=told) for _ in range(8)], now)
    assert outcomes(answers) == {"placed": 3, "price_changed": 5}
    assert {one.total for one in answers if isinstance(one, Placed)} == {told}
    assert {one.facts["total"] for one in answers if not isinstance(one, Placed)} == {"¥68"}
    assert await budget(db, rule) == (3_000, 3, 0, 0)
    assert await audit_clean(db)


async def test_control_without_holding_the_budget_it_is_spent_twice(db: Database, now):
    """Reading what is left and writing after: several see the last of it."""
    lane = await a_lane(db, now)
    rule = await a_rule(db, now, lane=lane, trigger="auto", budgets=(Budget(most_units=1_000),))
    await place(db, [a_place(lane, 1)], now)
    async with db.central() as tx:
        await tx.run("alter table pricing.counters drop constraint counters_money_check")
        await tx.run("update pricing.counters set held_units = 0 where attribute = 'all'")

    async def naive() -> bool:
        async with db.city(CITY) as tx:
            left = 1_000 - await tx.value(
                "select held_units from pricing.counters where city_id = 1 and attribute = 'all'"
            )
            await asyncio.sleep(0.02)
            if left < 1_000:
                return False
            await tx.run(
                "update pricing.counters set held_units = held_units + 1000 where city_id = 1 and attribute = 'all'"
            )
            return True

    assert sum(await asyncio.gather(*(naive() for _ in range(5)))) > 1
    assert (await budget(db, rule))[0] > 1_000


async def test_a_connection_lost_while_placing_leaves_the_coupon_free(db: Database, now):
    lane, ann, rule, coupon = await a_world(db, now)
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,))
    with pytest.raises((psycopg.OperationalError, OutcomeUnknown)):
        async with db.city(CITY) as tx:
            [placed] = await orders.place(tx, [ask], city_id=CITY, now=now, schemes=SCHEMES, hold_for=HOLD)
            assert isinstance(placed, Placed)
            await tx.run("select pg_terminate_backend(pg_backend_pid())")
    assert (await coupon_now(db, coupon)).held_for is None
    assert await budget(db, rule) == (0, 0, 0, 0)
    assert isinstance((await place(db, [ask], now))[0], Placed)
    assert await audit_clean(db)


async def test_a_house_that_dies_before_the_payment_frees_the_coupon_in_time(db: Database, now):
    """Nobody is left to cancel: the sweep of unpaid orders ends it, and only after its time."""
    lane, ann, rule, coupon = await a_world(db, now)
    ask = a_place(lane, 1, member_id=ann, coupons=(coupon.voucher_id,))
    await place(db, [ask], now)
    await db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=now + HOLD / 2))
    assert (await coupon_now(db, coupon)).held_for == "order"
    await db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=now + HOLD))
    assert (await coupon_now(db, coupon)).held_for is None
    assert await budget(db, rule) == (0, 0, 0, 0)
    assert await audit_clean(db)


@pytest.mark.parametrize("attribute", ["member", "device", "all"])
async def test_who_has_used_his_budget_orders_at_the_price_that_the_quote_tells(db: Database, now, attribute: Any):
    """His budget is spent: the quote says the full price, and the order stands at it. (It was refused for ever: once
    because the promotion would apply, once because its budget is gone.)"""
    lane, ann = await a_lane(db, now), new_id()
    budgets = (Budget(attribute=attribute, most_uses=1), *(() if attribute == "all" else (PLENTY,)))
    await a_rule(db, now, lane=lane, trigger="auto", budgets=budgets)
    told = {"member_id": ann, "device": "d1"}
    seen = []
    for _ in range(2):
        async with db.reading(CITY) as tx:
            [quoted] = await orders.quotes(
                tx, [AskQuote(wants=(Wanted(lane.offer.offer_id, 1),), **told)], city_id=CITY, now=now, schemes=SCHEMES
            )
        [placed] = await place(db, [a_place(lane, 1, expect=quoted.quote.total, **told)], now)
        assert isinstance(placed, Placed), placed
        seen.append(placed.total.units)
    assert seen == [5_800, 6_800]
    [other] = await place(db, [a_place(lane, 1, expect=Amount(5_800, "CNY"), **told)], now)
    assert (other.code, other.facts["total"]) == ("price_changed", "¥68")  # type: ignore[union-attr]
    assert await audit_clean(db)
