"""Cards when several things happen in one moment. Each race has a control without the guard that shows it."""

import asyncio
from collections import Counter
from typing import Any

import psycopg
import pytest

from hutong import orders
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.orders import Cancel, Placed
from tests.conftest import audit_clean
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.lane import (
    CITY,
    HOLD,
    SCHEMES,
    a_lane,
    a_place,
    account,
    captured,
    hear,
    place,
    refund,
    refund_is,
    state_of,
    units,
)
from tests.tender_help import card_now, has, paid_with, pay, stored, wide_card

pytestmark = pytest.mark.anyio
ROUNDS = 5


@pytest.fixture(autouse=True)
async def eight_connections(db: Database) -> None:
    await crowd(db)


def outcomes(answers: list[Any]) -> Counter[str]:
    return Counter("placed" if isinstance(one, Placed) else getattr(one, "code", "?") for one in answers)


async def at_once(db: Database, asks: list[orders.Place], now: Any) -> list[Any]:
    return [one for found in await asyncio.gather(*(place(db, [ask], now) for ask in asks)) for one in found]


async def test_one_card_in_five_orders_at_once_serves_one(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await wide_card(db, lane, now, ann, 50_000)
    for _ in range(ROUNDS):
        asks = [a_place(lane, 1, member_id=ann, tenders=pay(card)) for _ in range(5)]
        answers = await at_once(db, asks, now)
        assert answers
        assert set(outcomes(answers)) <= {"placed", "voucher_in_checkout", "busy", "price_changed"}
    # Those that the card pays whole are paid one after the other; nothing of it is spent twice.
    left, principal, _ = await has(db, card)
    assert left == principal == 50_000 - await account(db, f"escrow/{lane.merchant}")
    assert await audit_clean(db)


async def test_one_card_in_five_checkouts_at_once_is_held_by_one(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await stored(db, lane, now, ann, 5_000)
    for _ in range(ROUNDS):
        asks = [a_place(lane, 1, member_id=ann, tenders=pay(card)) for _ in range(5)]
        answers = await at_once(db, asks, now)
        assert outcomes(answers) == {"placed": 1, "voucher_in_checkout": 4}
        [won] = [one.order_id for one in answers if isinstance(one, Placed)]
        undo = [Cancel(order_id=won, by=ann, reason="member")]
        await db.run_city(CITY, lambda tx, undo=undo: orders.cancel(tx, undo, city_id=CITY, now=now))
    assert await audit_clean(db)


async def test_control_without_locks_the_card_pays_two_orders(db: Database, now):
    """The real operation with its guard off: both see the whole card, and only the version of its row stops the second
    from spending what the first has spent."""
    lane, ann = await a_lane(db, now), new_id()
    card = await wide_card(db, lane, now, ann, 6_800)
    looked = asyncio.Barrier(2)

    async def one() -> Any:
        ask = a_place(lane, 1, member_id=ann, tenders=pay(card))
        async with bare(db, CITY, after="order by voucher_id for no key update", pause=looked.wait) as tx:
            return await orders.place(tx, [ask], city_id=CITY, now=now, schemes=SCHEMES, hold_for=HOLD)

    both = await asyncio.gather(one(), one(), return_exceptions=True)
    # Both were told yes by the rules; the second is thrown out by the database alone.
    assert any(isinstance(found, AssertionError | psycopg.Error) for found in both)


async def test_behind_the_lock_stands_a_key_of_the_database(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    card = await stored(db, lane, now, ann, 5_000)
    ask, other = a_place(lane, 1, member_id=ann, tenders=pay(card)), a_place(lane, 1, member_id=ann)
    await place(db, [ask, other], now)
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with db.city(CITY) as tx:
            await tx.run(
                """insert into orders.tenders
                   select city_id, %(other)s, ref, kind, member_id, title, issuer_id, units, due_units, points,
                          back_units, back_due_units, back_points, state, held_at, used_at, ended_at
                   from orders.tenders where city_id = %(city)s and order_id = %(order)s""",
                city=CITY, other=other.order_id, order=ask.order_id,
            )  # fmt: skip


async def test_paid_and_cancelled_in_the_same_second_the_card_goes_with_the_winner(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        card = await stored(db, lane, now, ann, 5_000)
        ask = a_place(lane, 1, member_id=ann, tenders=pay(card))
        [placed] = await place(db, [ask], now)
        assert isinstance(placed, Placed), placed
        undo = [Cancel(order_id=ask.order_id, by=ann, reason="member")]
        await asyncio.gather(
            hear(db, [captured(placed)], now),
            db.run_city(CITY, lambda tx, undo=undo: orders.cancel(tx, undo, city_id=CITY, now=now)),
        )
        state, after = await state_of(db, ask.order_id), await card_now(db, card)
        seen[state] += 1
        assert (state, after.state, after.held_for) in {("paid", "used", None), ("cancelled", "valid", None)}
        assert await audit_clean(db)
    assert sum(seen.values()) == ROUNDS


async def test_two_refunds_of_one_order_at_once_put_each_part_on_the_card_once(db: Database, now):
    lane, ann = await a_lane(db, now), new_id()
    for _ in range(ROUNDS):
        card = await wide_card(db, lane, now, ann, 7_777)
        placed = await paid_with(db, lane, now, ann, card, quantity=3)
        asked = [
            await refund(db, placed.order_id, now, voucher_ids=(u.voucher_id,))
            for u in await units(db, placed.order_id)
        ]
        await asyncio.gather(
            *(hear(db, [refund_is(a.refund_id, "done", a.amount - a.tendered)], now) for a in asked * 2)
        )
        assert await has(db, card) == (7_777, 7_777, "valid")
        assert sum(a.tendered.units for a in asked) == 7_777
    assert await audit_clean(db)
