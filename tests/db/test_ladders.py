"""Ladders: the more are bought, the less each pays; what was paid above the price goes back, exact to the unit."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import permutations
from typing import Any

import pytest
from msgspec import structs

from hutong import orders
from hutong.catalog import Ladder
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.ledger import chart
from tests.catalog_town import a_draft, published
from tests.conftest import audit_clean, fires
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.db.ladders_help import TIERS, a_ladder_lane, ladder, settle
from tests.db.teams_help import placed, sent
from tests.lane import (
    CITY,
    a_place,
    a_redeem,
    account,
    bought,
    captured,
    hear,
    redeem,
    refund,
    refund_is,
    state_of,
    units,
)

pytestmark = pytest.mark.anyio


async def worth(db: Database, *order_ids) -> list[tuple[str, int, int]]:
    return [(u.state, u.paid_units, u.due_units) for o in order_ids for u in await units(db, o)]


async def test_who_buys_pays_the_tier_in_force_and_gets_the_difference_at_the_end(db: Database, now):
    lane = await a_ladder_lane(db, now)
    one = (await bought(db, lane, now, 2))[0].order_id
    two = (await bought(db, lane, now, 1))[0].order_id
    assert (await ladder(db, lane)).price_units == 5_800
    three = (await bought(db, lane, now, 1))[0].order_id
    assert [paid for _, paid, _ in await worth(db, one, two, three)] == [6_800, 6_800, 6_800, 5_800]
    assert {state for state, _, _ in await worth(db, one, two, three)} == {"waiting"}
    assert (await settle(db, now)).settled == 0
    assert await audit_clean(db)
    done = await settle(db, lane.offer.sale_to)
    assert (done.settled, done.orders) == (1, 3)
    assert await worth(db, one, two, three) == [("valid", 5_800, 5_800)] * 4
    assert await audit_clean(db)
    assert await sent(db, lane.offer.sale_to) == 2
    assert [await state_of(db, o) for o in (one, two, three)] == ["part_refunded", "part_refunded", "paid"]
    assert await account(db, chart.escrow(lane.merchant).path) == 4 * 5_800
    async with db.reading(CITY) as tx:
        rows = await tx.rows(
            "select order_id, units, reason from orders.refunds where city_id = %(city)s order by units", city=CITY
        )
    assert [(r["order_id"], r["units"], r["reason"]) for r in rows] == [(two, 1_000, "ladder"), (one, 2_000, "ladder")]
    assert (await settle(db, lane.offer.sale_to)).orders == 0
    assert await audit_clean(db)


async def test_the_last_tier_ends_it_at_once_and_who_comes_later_pays_that_price(db: Database, now):
    lane = await a_ladder_lane(db, now)
    first = (await bought(db, lane, now, 5))[0].order_id
    last = (await bought(db, lane, now, 1))[0].order_id
    assert (await ladder(db, lane)).final_units == 4_800
    assert (await settle(db, now)).orders == 2
    later = await bought(db, lane, now, 1)
    assert [(u.state, u.paid_units) for u in later] == [("valid", 4_800)]
    assert await worth(db, first, last) == [("valid", 4_800, 4_800)] * 6
    await sent(db, now)
    used = await redeem(db, [a_redeem(lane, (await units(db, first))[0], now)], now)
    assert getattr(used[0], "code", None) is None
    assert await audit_clean(db)


async def test_a_later_refund_gives_what_is_left_and_the_sum_closes(db: Database, now):
    lane = await a_ladder_lane(db, now)
    order = (await bought(db, lane, now, 6))[0].order_id
    await settle(db, now)
    await sent(db, now)
    asked = await refund(db, order, now, by=new_id())
    assert asked.amount == Amount(6 * 4_800, "CNY")
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    assert await state_of(db, order) == "refunded"
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await account(db, chart.provider("sandbox").path) == 0
    assert await audit_clean(db)


async def test_a_refund_before_the_end_counts_less_but_keeps_what_was_reached(db: Database, now):
    lane = await a_ladder_lane(db, now)
    one = (await bought(db, lane, now, 2))[0].order_id
    two = (await bought(db, lane, now, 1))[0].order_id
    asked = await refund(db, two, now, by=new_id())
    assert asked.amount == Amount(6_800, "CNY")
    found = await ladder(db, lane)
    assert (found.paid_units, found.price_units) == (2, 5_800)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    await settle(db, lane.offer.sale_to)
    assert await worth(db, one) == [("valid", 5_800, 5_800)] * 2
    assert await audit_clean(db)


async def test_nobody_else_came_and_nothing_goes_back(db: Database, now):
    lane = await a_ladder_lane(db, now)
    order = (await bought(db, lane, now, 1))[0].order_id
    await settle(db, lane.offer.sale_to)
    assert await worth(db, order) == [("valid", 6_800, 6_800)]
    assert await sent(db, now) == 0
    assert await audit_clean(db)


async def test_a_difference_that_cannot_be_sent_stays_with_the_voucher(db: Database, now):
    lane = await a_ladder_lane(db, now)
    order = (await bought(db, lane, now, 6))[0].order_id
    await settle(db, now)
    async with db.reading(CITY) as tx:
        row = await tx.row("select refund_id, units from orders.refunds where city_id = %(city)s", city=CITY)
    assert row is not None
    await hear(db, [refund_is(row["refund_id"], "failed", Amount(row["units"], "CNY"))], now)
    assert await worth(db, order) == [("valid", 6_800, 6_800)] * 6
    assert await audit_clean(db)


async def one_refunds(db: Database, now, meet: Callable[..., Awaitable[Any]]) -> None:
    """Four pay 68, the fifth 58; then the sixth unit's money comes, the fifth is given back, and the round looks.
    `meet` says how these three meet. What the fifth gets is all that was paid, before the last tier or after it was
    reached, or what is left of it when its difference is on its way already."""
    await crowd(db)
    lane = await a_ladder_lane(db, now)
    one = (await bought(db, lane, now, 4))[0].order_id
    two = (await bought(db, lane, now, 1))[0].order_id
    to_pay = await placed(db, a_place(lane, 1), now)
    asked = await meet(
        lambda: refund(db, two, now, by=new_id()), lambda: hear(db, [captured(to_pay)], now), lambda: settle(db, now)
    )
    await settle(db, lane.offer.sale_to)
    final = (await ladder(db, lane)).final_units
    assert final in (4_800, 5_800)
    assert asked.amount.units in (5_800, final)
    await sent(db, now)
    assert await worth(db, one) == [("valid", final, final)] * 4
    assert [state for state, _, _ in await worth(db, two)] == ["refunded"]
    assert await account(db, chart.escrow(lane.merchant).path) == 5 * final
    assert await audit_clean(db)


@pytest.mark.parametrize("round_no", range(4))
async def test_the_tier_is_reached_while_one_refunds(db: Database, now, round_no: int):
    """Whoever is first: the money of each unit goes back once, as a whole or as a difference, and the books close."""

    async def at_once(*three: Callable[[], Awaitable[Any]]) -> Any:
        return (await asyncio.gather(*[one() for one in three]))[0]

    await one_refunds(db, now, at_once)


@pytest.mark.parametrize("turns", list(permutations(range(3))))
async def test_in_any_order_the_tier_is_reached_and_one_refunds(db: Database, now, turns: tuple[int, ...]):
    async def by_turns(*three: Callable[[], Awaitable[Any]]) -> Any:
        said = {turn: await three[turn]() for turn in turns}
        return said[0]

    await one_refunds(db, now, by_turns)


async def test_control_without_the_lock_a_unit_is_given_back_twice(db: Database, now):
    """The real round and the real refund, without locks: both look at a unit that waits. The round gives its difference
    back, then the refund gives back the whole price that it had seen."""
    await crowd(db)
    lane = await a_ladder_lane(db, now)
    order = (await bought(db, lane, now, 6))[0].order_id
    unit = (await units(db, order))[0]
    looked, written = asyncio.Barrier(2), asyncio.Event()
    seen = "select * from vouchers.vouchers where city_id = %(city)s and order_id = any"

    async def give_differences() -> int:
        async with bare(db, CITY, after=seen, pause=looked.wait) as tx:
            done = await orders.close_ladders(tx, city_id=CITY, now=now)
        written.set()
        return done.orders

    async def give_all() -> Any:
        async def pause() -> None:
            await looked.wait()
            await written.wait()

        ask = orders.AskRefund(
            refund_id=new_id(), order_id=order, by=new_id(), reason="merchant", voucher_ids=(unit.voucher_id,)
        )
        async with bare(db, CITY, after=seen, pause=pause) as tx:
            return (await orders.ask_refunds(tx, [ask], city_id=CITY, now=now))[0]

    paid, asked = await asyncio.gather(give_differences(), give_all())
    assert paid == 1
    assert asked.amount.units == 6_800, "its difference of 20.00 is on its way already"
    async with db.reading(CITY) as tx:
        back = await tx.value("select sum(units)::int from orders.refunds where city_id = %(c)s", c=CITY)
    assert back == 6 * 2_000 + 6_800
    assert await sent(db, now) == 2
    assert await fires(db, "T07"), "escrow is short of what the other units are due"


BREAK = {
    "GR08": ["update groups.ladders set paid_units = paid_units + 1 where settled_at is null"],
    "GR09": ["update groups.ladders set low_units = first_units - 1, final_units = null, settled_at = null"],
    "GR10": ["update groups.ladders set closes_at = closes_at - interval '60 days' where settled_at is null"],
    "O30": [
        "update vouchers.vouchers set paid_units = paid_units - 1, paid_left = paid_left - 1 where state = 'valid'"
    ],
    "O31": ["update groups.climbs set settled_at = paid_at where settled_at is null"],
    "O32": [
        "insert into groups.teams (city_id, team_id, offer_id, merchant_id, opened_by, size, hours, held, taken, state,"
        " placed_at, closes_at) select 1, g, g, g, g, 2, 24, 0, 1, 'open', now(), now() from gen_random_uuid() g",
        "insert into groups.seats (city_id, order_id, team_id, offer_id, member_id, face, state, held_at, taken_at)"
        " select 1, opened_by, team_id, offer_id, opened_by, '**', 'taken', placed_at, placed_at from groups.teams",
    ],
    "O33": ["update groups.climbs set units = units + 1 where settled_at is null"],
}


@pytest.mark.parametrize("code", BREAK)
async def test_it_fires(db: Database, now, code: str):
    lane = await a_ladder_lane(db, now)
    await bought(db, lane, now, 6)
    await settle(db, now)
    draft = a_draft(lane.merchant, lane.store, now=now, form=Ladder(tiers=TIERS), quota_id=lane.offer.quota_id)
    other = structs.replace(lane, offer=(await published(db, draft, now=now))[0])
    await bought(db, other, now, 1)
    assert await audit_clean(db)
    assert not await fires(db, code)
    async with db.city(CITY) as tx:
        for step in BREAK[code]:
            await tx.run(step)
    assert await fires(db, code)
