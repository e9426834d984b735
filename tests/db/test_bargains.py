"""Bargains: friends cut a price down to its floor, within a budget; its owner buys once at what it has come to."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from hutong import groups, orders
from hutong.catalog import Bargain
from hutong.catalog.form_rules import LEAST_CUT
from hutong.groups.model import cut_of
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders import Cancel, Choice, Placed, Wanted
from tests.conftest import audit_clean, fires
from tests.db.crowd import crowd
from tests.db.guard_off import bare
from tests.db.own_audit import codes
from tests.db.teams_help import placed, refused
from tests.lane import CITY, Lane, a_lane, a_place, captured, hear, place, units

pytestmark = pytest.mark.anyio
PRICE, FLOOR = 6_800, 4_000


async def a_bargain_lane(db: Database, now, *, helpers: int = 4, budget: int = 5_000) -> Lane:
    return await a_lane(db, now, form=Bargain(floor_units=FLOOR, helpers=helpers, hours=24, budget_units=budget))


async def begin(db: Database, lane: Lane, now, member: UUID) -> UUID | Refusal:
    form = lane.offer.form
    assert isinstance(form, Bargain)
    ask = groups.OpenBargain(
        bargain_id=new_id(), offer_id=lane.offer.offer_id, merchant_id=lane.merchant, member_id=member, face="A**",
        price_units=lane.offer.price.units, floor_units=form.floor_units, helpers=form.helpers, hours=form.hours,
        budget_units=form.budget_units,
    )  # fmt: skip
    return (await db.run_city(CITY, lambda tx: groups.open_bargains(tx, [ask], city_id=CITY, now=now)))[0]


async def cut(db: Database, bargain: UUID, now, member: UUID | None = None) -> groups.Cut | Refusal:
    ask = groups.HelpCut(bargain_id=bargain, member_id=member or new_id(), face="B**")
    return (await db.run_city(CITY, lambda tx: groups.help_cut(tx, [ask], city_id=CITY, now=now)))[0]


async def state(db: Database, bargain: UUID) -> groups.BargainState:
    async with db.reading(CITY) as tx:
        return (await groups.bargains(tx, [bargain], city_id=CITY))[bargain]


def wish(lane: Lane, bargain: UUID, member: UUID, quantity: int = 1, **changes):
    wants = (Wanted(lane.offer.offer_id, quantity, Choice("bargain", bargain)),)
    return a_place(lane, wants=wants, member_id=member, **changes)


def codes_of(found) -> list[str]:
    return [getattr(one, "code", "done") for one in found]


@pytest.mark.parametrize("helpers", [1, 2, 7, 100])
def test_the_cuts_together_are_the_way_to_the_floor(helpers: int):
    bargain = new_id()
    pieces = [cut_of(bargain, n, price_units=PRICE, floor_units=FLOOR, helpers=helpers) for n in range(1, helpers + 1)]
    assert sum(pieces) == PRICE - FLOOR
    assert min(pieces) > 0
    assert pieces == [
        cut_of(bargain, n, price_units=PRICE, floor_units=FLOOR, helpers=helpers) for n in range(1, helpers + 1)
    ]
    short = PRICE - LEAST_CUT * helpers  # the shortest way that a bargain may have: still nobody cuts nothing
    assert all(cut_of(bargain, n, price_units=PRICE, floor_units=short, helpers=helpers) for n in range(1, helpers + 1))


async def test_friends_cut_and_the_owner_buys_once(db: Database, now):
    lane = await a_bargain_lane(db, now)
    ann = new_id()
    one = await begin(db, lane, now, ann)
    assert isinstance(one, UUID)
    assert codes_of([await begin(db, lane, now, ann)]) == ["bargain_once"]
    bo = new_id()
    first = await cut(db, one, now, bo)
    assert isinstance(first, groups.Cut)
    assert codes_of([await cut(db, one, now, bo), await cut(db, one, now, ann)]) == ["already_helped", "own_bargain"]
    assert await refused(db, wish(lane, one, bo), now) == "bargain_not_yours"
    assert await refused(db, wish(lane, one, ann, 2), now) == "too_many_per_order"
    to_pay = await placed(db, wish(lane, one, ann), now)
    assert to_pay.total == Amount(PRICE - first.units, "CNY")
    assert codes_of([await cut(db, one, now)]) == ["bargain_over"]  # it is being paid for
    await hear(db, [captured(to_pay)], now)
    assert (await state(db, one)).state == "bought"
    assert [u.state for u in await units(db, to_pay.order_id)] == ["valid"]
    assert await refused(db, wish(lane, one, ann), now) == "bargain_over"
    assert await audit_clean(db)


async def test_it_never_falls_below_its_floor(db: Database, now):
    lane = await a_bargain_lane(db, now, helpers=4)
    one = await begin(db, lane, now, new_id())
    assert isinstance(one, UUID)
    assert codes_of([await cut(db, one, now) for _ in range(5)]) == ["done"] * 4 + ["nothing_to_cut"]
    assert (await state(db, one)).now_units == FLOOR
    assert await audit_clean(db)


async def test_all_bargains_together_cut_the_budget_and_what_runs_out_gives_it_back(db: Database, now):
    lane = await a_bargain_lane(db, now, helpers=1, budget=PRICE - FLOOR)
    one, two = await begin(db, lane, now, new_id()), await begin(db, lane, now, new_id())
    assert isinstance(one, UUID)
    assert isinstance(two, UUID)
    assert codes_of([await cut(db, one, now), await cut(db, two, now)]) == ["done", "bargain_budget"]
    late = now + timedelta(hours=24)
    assert codes_of([await cut(db, two, late)]) == ["bargain_over"]
    assert await db.run_city(CITY, lambda tx: groups.end_bargains(tx, city_id=CITY, now=late)) == 2
    three = await begin(db, lane, late, new_id())
    assert isinstance(three, UUID)
    assert codes_of([await cut(db, three, late)]) == ["done"]
    assert await audit_clean(db)


async def test_an_order_that_is_not_paid_leaves_it_open(db: Database, now):
    lane = await a_bargain_lane(db, now)
    ann = new_id()
    one = await begin(db, lane, now, ann)
    assert isinstance(one, UUID)
    order = await placed(db, wish(lane, one, ann), now)
    asks = [Cancel(order_id=order.order_id, by=ann, reason="member")]
    await db.run_city(CITY, lambda tx: orders.cancel(tx, asks, city_id=CITY, now=now))
    assert (await state(db, one)).state == "open"
    assert codes_of([await cut(db, one, now)]) == ["done"]
    assert await audit_clean(db)


async def test_a_friend_helps_once_with_each_offer_whoever_asks(db: Database, now):
    await crowd(db)
    lane = await a_bargain_lane(db, now)
    bo = new_id()
    asked = [await begin(db, lane, now, new_id()) for _ in range(6)]
    found = await asyncio.gather(*(cut(db, one, now, bo) for one in asked if isinstance(one, UUID)))
    assert sorted(codes_of(found)) == ["already_helped"] * 5 + ["done"]
    assert await audit_clean(db)


async def test_the_last_cut_and_the_order_meet(db: Database, now):
    """Either the order is first and nobody cuts any more, or the cut is and the owner is told the new price."""
    await crowd(db)
    lane = await a_bargain_lane(db, now)
    for _ in range(5):
        ann = new_id()
        one = await begin(db, lane, now, ann)
        assert isinstance(one, UUID)
        ask = wish(lane, one, ann, expect=Amount(PRICE, "CNY"))
        [order], friend = await asyncio.gather(place(db, [ask], now), cut(db, one, now))
        if isinstance(order, Placed):
            assert codes_of([friend]) == ["bargain_over"]
            assert order.total.units == PRICE
        else:
            assert codes_of([order, friend]) == ["price_changed", "done"]
    assert await audit_clean(db)


@pytest.mark.parametrize("checked", [True, False], ids=["the CHECK stands", "no guard"])
async def test_control_without_the_lock_the_budget_is_overspent(db: Database, now, checked: bool):
    """The real cut, which looks at the budget without locking it: friends of two bargains spend the same money. The
    CHECK stops one of them; without it, too, the budget is overspent."""
    await crowd(db)
    lane = await a_bargain_lane(db, now, helpers=1, budget=PRICE - FLOOR)
    begun = [await begin(db, lane, now, new_id()) for _ in range(2)]
    if not checked:
        async with db.central() as tx:
            await tx.run("alter table groups.budgets drop constraint budgets_spent_check")
    looked = asyncio.Barrier(2)

    async def help_him(bargain: Any) -> Any:
        ask = groups.HelpCut(bargain_id=bargain, member_id=new_id(), face="B**")
        async with bare(db, CITY, after="budget_units - spent_units as units", pause=looked.wait) as tx:
            return (await groups.help_cut(tx, [ask], city_id=CITY, now=now))[0]

    done = await asyncio.gather(*(help_him(one) for one in begun), return_exceptions=True)
    assert sum(isinstance(one, groups.Cut) for one in done) == (1 if checked else 2)
    assert all(isinstance(one, groups.Cut | psycopg.errors.CheckViolation) for one in done), done
    async with db.reading(CITY) as tx:
        row = await tx.row("select budget_units, spent_units from groups.budgets where city_id = %(c)s", c=CITY)
    assert row is not None
    assert (row["spent_units"] > row["budget_units"]) is not checked


BREAK = {
    "GR11": ["update groups.bargains set cut_units = cut_units + 1 where cuts = 1"],
    "GR12": [
        "update groups.cuts c set member_id = b.member_id from groups.bargains b where b.bargain_id = c.bargain_id"
    ],
    "GR13": ["update groups.budgets set spent_units = spent_units + 1"],
}


@pytest.mark.parametrize("code", BREAK)
async def test_it_fires(db: Database, now, code: str):
    lane = await a_bargain_lane(db, now)
    one = await begin(db, lane, now, new_id())
    assert isinstance(one, UUID)
    await cut(db, one, now)
    assert not await fires(db, code)
    async with db.city(CITY) as tx:
        for step in BREAK[code]:
            await tx.run(step)
    assert await fires(db, code)


def test_every_invariant_of_groups_has_its_test():
    from tests.db import test_groups_audit, test_ladders

    assert codes("groups") == {c for m in (test_groups_audit, test_ladders) for c in m.BREAK if c[:2] == "GR"} | set(
        BREAK
    )
