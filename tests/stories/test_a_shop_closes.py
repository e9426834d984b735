"""A shop closes: who paid for something that nobody can use any more gets exactly that back, without asking (N3)."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from hutong import cards, catalog, merchants, settlement
from hutong.catalog import GiftCard, Plain, Stored, Times
from hutong.desk import closing, rounds
from hutong.infra import delivery
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Grant, Role
from hutong.kit.clock import ManualClock
from hutong.kit.refusals import NotAllowed
from hutong.ledger import chart
from hutong.orders import Placed
from hutong.vouchers import Redeemed, Reverse, Reversed
from tests.api.house import make_house
from tests.catalog_town import a_store
from tests.conftest import audit_clean, fires
from tests.lane import (
    CITY,
    Lane,
    a_lane,
    a_place,
    a_redeem,
    account,
    bought,
    captured,
    hear,
    place,
    redeem,
    refund_is,
    state_of,
    units,
)
from tests.tender_help import pay, stored
from tests.till_help import a_bill, a_holder, an_offer, settled, shown

pytestmark = pytest.mark.anyio


async def refunds(db: Database) -> list[dict]:
    async with db.reading(CITY) as tx:
        return await tx.rows(
            "select * from orders.refunds where city_id = %(city)s and reason = 'shop_closed' order by refund_id",
            city=CITY,
        )


def mei(lane: Lane) -> Actor:
    return Actor(
        member_id=new_id(),
        name="Mei",
        grants=(Grant(grant_id=new_id(), role=Role.MERCHANT_OWNER, merchant_id=lane.merchant),),
    )


async def test_everything_unused_goes_back_to_the_unit(db: Database, clock: ManualClock, tmp_path):
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    [deal, used] = await bought(db, lane, now, 2)
    await redeem(db, [a_redeem(lane, used, now)], now)
    times = await a_holder(db, lane, await an_offer(db, lane, now, Times(uses=3), 10_000), now)
    [visit] = await redeem(db, [a_redeem(lane, times, now)], now)
    assert isinstance(visit, Redeemed)
    card = await a_holder(db, lane, await an_offer(db, lane, now, Stored(bonus_units=2_000), 10_000), now)
    await settled(db, a_bill(lane, 4_000, await shown(db, lane, now, card)), now)
    spent = await a_holder(db, lane, await an_offer(db, lane, now, Stored(bonus_units=500), 1_000), now)
    await settled(db, a_bill(lane, 1_200, await shown(db, lane, now, spent), shown=(
        (await shown(db, lane, now, spent, typed=True))[:1])), now)  # fmt: skip
    unpaid = a_place(lane)
    [placed] = await place(db, [unpaid], now)

    with pytest.raises(NotAllowed):
        await closing.close_merchant(house, Actor(member_id=new_id(), name="Bo"), lane.merchant, reason="no")
    found = await closing.close_merchant(house, mei(lane), lane.merchant, reason="the lease has ended")
    again = await closing.close_merchant(house, mei(lane), lane.merchant, reason="the lease has ended")
    assert [one.closing_id for one in again] == [one.closing_id for one in found]
    assert await rounds.give_back(db, CITY, now) > 0
    assert await rounds.give_back(db, CITY, now) == 0

    owed = {row["voucher_ids"][0]: row["units"] for row in await refunds(db)}
    assert owed[deal.voucher_id] == 6_800
    assert owed[times.voucher_id] == 10_000 - visit.paid_units
    assert owed[card.voucher_id] == 6_000  # principal; the bonus of 20 is nobody's money
    assert len(owed) == 3
    assert await state_of(db, unpaid.order_id) == "cancelled"
    assert isinstance(placed, Placed)
    await hear(db, [captured(placed)], now)  # paid at the same moment: it goes back, too
    for row in await refunds(db):
        await hear(db, [refund_is(row["refund_id"], "done", replace(placed.total, units=row["units"]))], now)
    left = [v for order in (deal, times, card) for v in await units(db, order.order_id)]
    assert {v.state for v in left if v.voucher_id in owed} == {"refunded"}
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    async with db.reading(CITY) as tx:
        shop = await merchants.merchant(tx, lane.merchant)
        [done] = await cards.closings(tx, [lane.merchant], city_id=CITY)
    assert shop is not None
    assert shop.status == "closed"
    assert done.ended_at == now
    assert done.refunds == 3
    assert await audit_clean(db)
    await house.batches.close()


async def test_of_a_store_only_what_nobody_else_honours_goes_back(db: Database, clock: ManualClock, tmp_path):
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    here = await a_holder(db, lane, await an_offer(db, lane, now, GiftCard(), 5_000), now)
    both = await an_offer(db, lane, now, Plain(), 3_000, scheme="deals", store_ids=(lane.store, lane.other_store))
    there = await a_holder(db, lane, both, now)
    actor = Actor(
        member_id=new_id(), name="Wen",
        grants=(
            Grant(
                grant_id=new_id(), role=Role.STORE_MANAGER, city_id=CITY, merchant_id=lane.merchant, store_id=lane.store
            ),
        ),
    )  # fmt: skip
    mine, theirs = a_place(lane, 1), a_place(replace(lane, offer=both), 1)
    paying, waiting = await place(db, [mine, theirs], now)
    assert isinstance(paying, Placed)
    assert isinstance(waiting, Placed)
    await closing.close_store(house, CITY, actor, lane.store, reason="moved")
    await rounds.give_back(db, CITY, now)
    await hear(db, [captured(paying), captured(waiting)], now)
    assert [await state_of(db, ask.order_id) for ask in (mine, theirs)] == ["cancelled", "paid"], "no right for nowhere"
    assert [tuple(row["voucher_ids"]) for row in await refunds(db)] == [(here.voucher_id,)]
    assert (await units(db, there.order_id))[0].state == "valid"
    assert await audit_clean(db)
    await house.batches.close()


async def test_what_two_stores_honoured_ends_with_the_second(db: Database, clock: ManualClock, tmp_path):
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    await a_store(db, lane.merchant, zh="三店", en="Third", now=now)
    both = await an_offer(db, lane, now, Plain(), 3_000, scheme="deals", store_ids=(lane.store, lane.other_store))
    kept = await a_holder(db, lane, both, now)

    async def states() -> list[str]:
        async with db.reading(CITY) as tx:
            found = await catalog.offers(tx, [lane.offer.offer_id, both.offer_id], city_id=CITY)
        return [one.status for one in found if one]

    await closing.close_store(house, CITY, mei(lane), lane.store, reason="moved")
    await rounds.give_back(db, CITY, now)
    assert await states() == ["ended", "published"]
    await closing.close_store(house, CITY, mei(lane), lane.other_store, reason="moved")
    while await rounds.give_back(db, CITY, now):
        pass
    assert await states() == ["ended", "ended"]
    assert [tuple(row["voucher_ids"]) for row in await refunds(db)] == [(kept.voucher_id,)]
    assert await audit_clean(db)
    await house.batches.close()


@pytest.mark.parametrize("guarded", [True, False])
async def test_two_who_close_the_last_two_stores(
    db: Database, clock: ManualClock, tmp_path, monkeypatch, guarded: bool  # the control takes the guard away
):  # fmt: skip
    """One of them is told that his is the last. The control: both look before either has closed, and none is left."""
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, clock.now())
    both, look = asyncio.Barrier(2), closing._open

    async def nobody_waits(*_: object) -> None:
        return

    async def both_look(tx: Tx, store: merchants.Store) -> frozenset[UUID]:
        seen = await look(tx, store)
        await both.wait()
        return seen

    if not guarded:  # no real pair of hands is that even
        monkeypatch.setattr(closing, "in_turn", nobody_waits)
        monkeypatch.setattr(closing, "_open", both_look)
    answers = await asyncio.gather(
        *[
            closing.close_store(house, CITY, mei(lane), store, reason="moved")
            for store in (lane.store, lane.other_store)
        ],
        return_exceptions=True,
    )
    async with db.reading(CITY) as tx:
        left = await merchants.stores_of(tx, CITY, lane.merchant)
    if guarded:
        assert [type(one) for one in answers].count(merchants.LastStore) == 1
        assert len(left) == 1
    else:
        assert [one for one in answers if isinstance(one, BaseException)] == []
        assert left == []
    assert await audit_clean(db)
    await house.batches.close()


async def test_what_is_undone_after_the_shop_has_closed_goes_back_too(db: Database, clock: ManualClock, tmp_path):
    """A visit was scanned by mistake, the shop closes, and the manager undoes it: nobody could ever use it."""
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane = await a_lane(db, now)
    [deal] = await bought(db, lane, now)
    [visit] = await redeem(db, [a_redeem(lane, deal, now)], now)
    assert isinstance(visit, Redeemed)
    await closing.close_merchant(house, mei(lane), lane.merchant, reason="the lease has ended")
    while await rounds.give_back(db, CITY, now):
        pass
    assert await refunds(db) == []
    ask = Reverse(
        redemption_id=visit.redemption_id, merchant_id=lane.merchant, by=new_id(), reason="mistake", manager=True
    )
    [undone] = await db.run_city(CITY, lambda tx: settlement.reverse(tx, [ask], city_id=CITY, now=now))
    assert isinstance(undone, Reversed)
    assert await fires(db, "K01"), "control: without a second look its buyer would wait for the last day"
    await delivery.catch_up(db, registry=rounds.registry(house), now=now)
    while await rounds.give_back(db, CITY, now):
        pass
    [back] = await refunds(db)
    assert (back["voucher_ids"], back["units"]) == ([deal.voucher_id], 6_800)
    await hear(db, [refund_is(back["refund_id"], "done", deal.paid)], now)
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await audit_clean(db)
    await house.batches.close()


async def test_what_a_card_of_the_shop_paid_goes_back_as_money(db: Database, clock: ManualClock, tmp_path):
    """Stored value of the shop has paid for a deal of the shop. The deal goes back to the card, and the card to nobody,
    unless it goes on to who bought it; another card is held by an order that is cancelled only by the next page."""
    now = clock.now()
    house = make_house(db, clock, tmp_path, {})
    lane, ann = await a_lane(db, now), new_id()
    card, idle = [await stored(db, lane, now, ann, units) for units in (6_800, 3_000)]
    [paid, waiting] = await place(db, [a_place(lane, 1, member_id=ann, tenders=pay(one)) for one in (card, idle)], now)
    assert isinstance(paid, Placed)
    assert isinstance(waiting, Placed)
    assert (paid.state, waiting.state) == ("paid", "placed")
    await closing.close_merchant(house, mei(lane), lane.merchant, reason="the lease has ended")
    while await db.run_city(CITY, lambda tx: cards.give_back(tx, city_id=CITY, now=now, limit=1)):
        pass
    assert await fires(db, "K01"), "control: the closing has ended, and both cards are full again"
    for _ in range(2):
        await delivery.catch_up(db, registry=rounds.registry(house), now=now)
    backs = {row["voucher_ids"][0]: row["units"] for row in await refunds(db)}
    assert (backs[card.voucher_id], backs[idle.voucher_id]) == (6_800, 3_000)
    for row in await refunds(db):
        if row["units"] > row["tendered_units"]:
            await hear(db, [refund_is(row["refund_id"], "done", replace(paid.total, units=row["units"]))], now)
    assert [(await units(db, one.order_id))[0].state for one in (card, idle)] == ["refunded", "refunded"]
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await audit_clean(db)
    await house.batches.close()


async def test_control_a_closing_that_gives_nothing_back_is_found(db: Database, clock: ManualClock):
    """What happens everywhere else (the shop is gone and so is the money): the audit says whose."""
    now = clock.now()
    lane = await a_lane(db, now)
    await bought(db, lane, now)
    async with db.city(CITY) as tx:
        await cards.open_closings(
            tx, [cards.Close(closing_id=new_id(), merchant_id=lane.merchant, reason="gone")], city_id=CITY, now=now
        )
        await tx.run(
            "update cards.closings set ended_at = %(at)s, refunds = 1 where city_id = %(city)s",
            city=CITY, at=now + timedelta(minutes=1),
        )  # fmt: skip
    for code in ("K01", "K02", "K03"):
        assert await fires(db, code), code
