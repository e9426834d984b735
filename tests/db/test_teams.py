"""Team-buy: opened, joined, clinched when it is full; or everybody gets the money back."""

from datetime import timedelta

import pytest

from hutong import groups, orders
from hutong.infra.db import Database
from hutong.kit.money import Amount
from hutong.ledger import chart
from hutong.orders import Cancel, Choice, Wanted
from tests.conftest import audit_clean
from tests.db.teams_help import (
    a_team_lane,
    close,
    joined,
    opened,
    placed,
    refused,
    sent,
    somebody,
    team,
    wish,
)
from tests.lane import (
    CITY,
    a_lane,
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


async def states(db: Database, *order_ids) -> set[str]:
    return {unit.state for order_id in order_ids for unit in await units(db, order_id)}


async def test_vouchers_wait_until_the_team_is_full(db: Database, now):
    lane = await a_team_lane(db, now, size=3)
    team_id, first = await opened(db, lane, now, quantity=2)
    second = await joined(db, lane, team_id, now)
    assert await states(db, first, second) == {"waiting"}
    waiting = (await units(db, first))[0]
    no = (await redeem(db, [a_redeem(lane, waiting, now)], now))[0]
    assert no.code == "waiting_for_buyers"  # type: ignore[union-attr]
    seen = await team(db, team_id)
    assert (seen.state, seen.missing, seen.free, [s.first for s in seen.seats]) == ("open", 1, 1, [True, False])
    assert seen.seats[0].face == "A**"
    third = await joined(db, lane, team_id, now + timedelta(hours=23))
    assert await states(db, first, second, third) == {"valid"}
    assert (await team(db, team_id)).state == "clinched"
    assert await refused(db, wish(lane, team_id), now) == "team_over"
    assert await audit_clean(db)


async def test_a_team_that_stays_too_small_is_refunded_whole(db: Database, now):
    lane = await a_team_lane(db, now, size=3)
    team_id, first = await opened(db, lane, now)
    second = await joined(db, lane, team_id, now)
    late = now + timedelta(hours=24)
    assert await refused(db, wish(lane, team_id), late) == "team_over"
    assert (await close(db, late - timedelta(seconds=1))).failed == 0
    done = await close(db, late)
    assert (done.failed, done.refunds) == (1, 2)
    assert await audit_clean(db)
    assert await sent(db, late) == 2
    assert {await state_of(db, o) for o in (first, second)} == {"refunded"}
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    async with db.reading(CITY) as tx:
        reasons = await tx.rows("select distinct reason from orders.refunds where city_id = %(city)s", city=CITY)
    assert [r["reason"] for r in reasons] == ["team_failed"]
    assert (await close(db, late)).failed == 0
    assert await audit_clean(db)


async def test_who_cancels_before_clinching_frees_his_place(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    team_id, first = await opened(db, lane, now)
    asked = await refund(db, first, now, by=somebody())
    assert (await team(db, team_id)).state == "dropped"  # nobody was left
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    lane_team, mine = await opened(db, lane, now)
    other = wish(lane, lane_team)
    await placed(db, other, now)
    await db.run_city(
        CITY,
        lambda tx: orders.cancel(tx, [Cancel(order_id=other.order_id, by=None, reason="x")], city_id=CITY, now=now),
    )
    assert (await team(db, lane_team)).free == 1
    third = await joined(db, lane, lane_team, now)
    assert await states(db, mine, third) == {"valid"}
    assert await audit_clean(db)


async def test_a_replacement_takes_the_place_of_who_left(db: Database, now):
    lane = await a_team_lane(db, now, size=3)
    team_id, first = await opened(db, lane, now)
    second = await joined(db, lane, team_id, now)
    asked = await refund(db, second, now, by=somebody())
    assert len((await team(db, team_id)).seats) == 1
    third, fourth = await joined(db, lane, team_id, now), await joined(db, lane, team_id, now)
    assert await states(db, first, third, fourth) == {"valid"}
    await hear(db, [refund_is(asked.refund_id, "failed", asked.amount)], now)
    assert await states(db, second) == {"waiting"}  # his place is gone, and so is his team
    assert await audit_clean(db)


async def test_a_refund_after_clinching_leaves_the_team_and_is_not_shown_in_it(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    team_id, first = await opened(db, lane, now)
    second = await joined(db, lane, team_id, now)
    asked = await refund(db, second, now, by=somebody())
    seen = await team(db, team_id)
    assert (seen.state, [seat.order_id for seat in seen.seats]) == ("clinched", [first])
    assert await states(db, first) == {"valid"}
    await hear(db, [refund_is(asked.refund_id, "failed", asked.amount)], now)
    assert len((await team(db, team_id)).seats) == 2  # he is what he was
    assert await audit_clean(db)


async def test_one_of_two_units_given_back_keeps_the_place(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    team_id, first = await opened(db, lane, now, quantity=2)
    one = (await units(db, first))[0]
    await refund(db, first, now, voucher_ids=(one.voucher_id,))
    assert (await team(db, team_id)).taken == 1
    await joined(db, lane, team_id, now)
    assert await states(db, first) == {"refunding", "valid"}
    assert await audit_clean(db)


async def test_one_running_team_for_each_member_and_deal(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    ann = somebody()
    team_id, _ = await opened(db, lane, now, member_id=ann)
    assert await refused(db, wish(lane, member_id=ann), now) == "already_in_team"
    assert await refused(db, wish(lane, team_id, member_id=ann), now) == "already_in_team"
    other, _ = await opened(db, lane, now)
    assert await refused(db, wish(lane, other, member_id=ann), now) == "already_in_team"
    await joined(db, lane, team_id, now)
    again, _ = await opened(db, lane, now, member_id=ann)  # it is over: the next one may begin
    async with db.reading(CITY) as tx:
        assert await groups.running_team(tx, ann, lane.offer.offer_id, city_id=CITY) == again
        assert [
            t.team_id for t in await groups.open_teams(tx, lane.offer.offer_id, city_id=CITY, now=now, without=ann)
        ] == [other]
    assert await audit_clean(db)


async def test_a_team_is_joined_only_when_it_is_there_and_of_this_deal(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    unpaid = wish(lane)
    await placed(db, unpaid, now)
    assert await refused(db, wish(lane, groups.team_of(unpaid.order_id)), now) == "team_not_found"
    assert await refused(db, wish(lane, somebody()), now) == "team_not_found"
    await db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=now + timedelta(hours=1)))
    assert (await team(db, groups.team_of(unpaid.order_id))).state == "dropped"
    assert await audit_clean(db)


async def test_a_deal_for_teams_asks_how_and_may_be_sold_alone(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    assert await refused(db, a_place(lane), now) == "choose_team"
    offer = lane.offer.offer_id
    alone = a_place(lane, wants=(Wanted(offer, 1, Choice("alone")),))
    assert (await placed(db, alone, now)).total == Amount(8_800, "CNY")
    assert await refused(db, a_place(lane, wants=(Wanted(offer, 1, Choice("bargain")),)), now) == "choose_team"
    two = a_place(lane, wants=(Wanted(offer, 1, Choice("open_team")), Wanted(offer, 1, Choice("alone"))))
    assert await refused(db, two, now) == "group_alone"
    assert await audit_clean(db)


async def test_a_plain_deal_knows_no_team(db: Database, now):
    lane = await a_lane(db, now)
    assert await refused(db, wish(lane), now) == "no_such_way"
    assert {u.state for u in await bought(db, lane, now)} == {"valid"}


async def test_a_place_without_stock_is_free_again(db: Database, now):
    lane = await a_team_lane(db, now, size=2, quota=1)
    team_id, _ = await opened(db, lane, now)
    assert await refused(db, wish(lane, team_id), now) == "sold_out"
    assert (await team(db, team_id)).free == 1
    assert await refused(db, wish(lane), now) == "sold_out"
    assert await audit_clean(db)


async def test_a_team_waits_for_who_is_paying_when_its_time_ends(db: Database, now):
    lane = await a_team_lane(db, now, size=2)
    team_id, first = await opened(db, lane, now)
    late = now + timedelta(hours=24)
    last = wish(lane, team_id)
    to_pay = await placed(db, last, late - timedelta(seconds=1))
    assert (await close(db, late)).failed == 0
    await hear(db, [captured(to_pay)], late + timedelta(minutes=5))
    assert await states(db, first, last.order_id) == {"valid"}
    assert await audit_clean(db)


async def test_a_whole_set_of_teams_lives_in_sets(db: Database, now):
    lane = await a_team_lane(db, now, size=3, quota=1_000)
    from tests.lane import place

    openers = [wish(lane) for _ in range(40)]
    found = await place(db, openers, now)
    await hear(db, [captured(one) for one in found], now)  # type: ignore[arg-type]
    friends = [wish(lane, groups.team_of(one.order_id)) for one in openers for _ in range(2)]
    late = [wish(lane, groups.team_of(one.order_id)) for one in openers]
    found = await place(db, friends + late, now)
    assert [getattr(one, "code", None) for one in found[80:]] == ["team_full"] * 40
    await hear(db, [captured(one) for one in found[:80]], now)  # type: ignore[arg-type]
    async with db.reading(CITY) as tx:
        assert await groups.counts(tx, city_id=CITY) == {"clinched": 40}
    assert await audit_clean(db)
