"""Orders: placed, paid, cancelled, expired, refunded - and what money does that comes late, twice or wrong."""

import asyncio
from datetime import date, timedelta

import pytest
from msgspec import structs

from hutong import orders
from hutong.infra.db import Database
from hutong.kit.clock import day_start
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.ledger import chart
from hutong.orders import Cancel, Placed, Wanted
from tests.catalog_town import a_draft, published
from tests.conftest import audit_clean
from tests.lane import (
    CITY,
    a_lane,
    a_place,
    account,
    bought,
    captured,
    hear,
    place,
    refund,
    refund_is,
    state_of,
    stock,
    units,
)

pytestmark = pytest.mark.anyio


async def test_an_order_holds_its_stock_and_names_its_total(db: Database, now):
    lane = await a_lane(db, now, quota=10)
    placed = (await place(db, [a_place(lane, 3)], now))[0]
    assert isinstance(placed, Placed)
    assert placed.total == Amount(20_400, "CNY")
    assert placed.expires_at == now + timedelta(minutes=15)
    assert await stock(db, lane) == (0, 3, 7)
    assert await audit_clean(db)


async def test_a_paid_order_has_one_voucher_for_each_unit(db: Database, now):
    lane = await a_lane(db, now, quota=10)
    found = await bought(db, lane, now, 3)
    assert [u.unit_no for u in found] == [0, 1, 2]
    assert {u.state for u in found} == {"valid"}
    assert len({u.code for u in found}) == 3
    assert await stock(db, lane) == (3, 0, 7)
    assert await account(db, chart.escrow(lane.merchant).path) == 20_400
    assert await audit_clean(db)


async def test_a_list_is_decided_item_by_item_in_its_order(db: Database, now):
    lane = await a_lane(db, now, quota=4, terms=Terms(valid_days=30, per_member=2))
    ann = a_place(lane, 2)
    asks = [
        ann,
        a_place(lane, 1, member_id=ann.member_id),  # over Ann's cap
        a_place(lane, 1, expect=Amount(1, "CNY")),  # another price than she saw
        a_place(lane, 0),
        a_place(lane, 2),
        a_place(lane, 1),  # sold out
    ]
    results = await place(db, asks, now)
    codes = ["placed" if isinstance(r, Placed) else r.code for r in results]
    assert codes == ["placed", "over_member_cap", "price_changed", "nothing_ordered", "placed", "sold_out"]
    assert await stock(db, lane) == (0, 4, 0)
    assert await audit_clean(db)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sale_from": timedelta(days=1), "sale_to": timedelta(days=2)}, "sale_not_started"),
        ({"sale_from": timedelta(days=-3), "sale_to": timedelta(seconds=1)}, "sale_over"),
    ],
)
async def test_outside_the_sale_nothing_is_sold(db: Database, now, changes, code):
    lane = await a_lane(db, now, **{name: now + by for name, by in changes.items()})
    at = now + timedelta(seconds=2)
    result = (await place(db, [a_place(lane)], at))[0]
    assert getattr(result, "code", None) == code


async def test_two_merchants_do_not_share_an_order(db: Database, now):
    lane = await a_lane(db, now)
    from tests.catalog_town import a_draft, a_merchant, a_store, published

    other = await a_merchant(db, "别家", "Other", now=now)
    store = await a_store(db, other, now=now)
    second = (await published(db, a_draft(other, store, now=now), now=now))[0]
    both = a_place(lane, wants=(Wanted(lane.offer.offer_id, 1), Wanted(second.offer_id, 1)))
    assert (await place(db, [both], now))[0].code == "mixed_order"  # type: ignore[union-attr]


async def test_cancelling_frees_what_was_held_and_a_paid_order_is_not_cancelled(db: Database, now):
    lane = await a_lane(db, now, quota=5, terms=Terms(valid_days=30, per_member=5))
    ask, paid_ask = a_place(lane, 2), a_place(lane, 1)
    placed = await place(db, [ask, paid_ask], now)
    await hear(db, [captured(placed[1])], now)
    asks = [Cancel(order_id=a.order_id, by=a.member_id, reason="member") for a in (ask, ask, paid_ask)]
    results = await db.run_city(CITY, lambda tx: orders.cancel(tx, asks, city_id=CITY, now=now))
    assert [getattr(r, "code", "done") for r in results] == ["done", "order_closed", "order_paid"]
    assert await stock(db, lane) == (1, 0, 4)
    assert await audit_clean(db)


async def test_an_unpaid_order_runs_out_of_time_and_late_money_goes_back(db: Database, now):
    lane = await a_lane(db, now, quota=5)
    ask = a_place(lane, 2)
    placed = (await place(db, [ask], now))[0]
    late = now + timedelta(minutes=16)
    ended = await db.run_city(CITY, lambda tx: orders.expire_unpaid(tx, city_id=CITY, now=late))
    assert [e.order_id for e in ended] == [ask.order_id]
    assert await stock(db, lane) == (0, 0, 5)
    await hear(db, [captured(placed)], late)
    assert await state_of(db, ask.order_id) == "expired"
    assert await units(db, ask.order_id) == []
    async with db.reading(CITY) as tx:
        back = await orders.refunds(tx, ask.member_id, ask.order_id, city_id=CITY)
    assert [(r["reason"], r["units"], r["state"]) for r in back] == [("paid_late", 13_600, "asked")]
    assert await audit_clean(db)
    await hear(db, [refund_is(back[0]["refund_id"], "done", Amount(13_600, "CNY"))], late)
    assert await account(db, chart.provider("sandbox").path) == 0
    assert await audit_clean(db)


async def test_who_pays_after_the_last_day_of_use_gets_his_money_back_and_the_others_their_vouchers(db: Database, now):
    """Begun five minutes before midnight, paid five minutes after: the right would end before it begins. Another order
    in the same set of callbacks, for a deal that goes on, is fulfilled."""
    last = date(2026, 11, 23)
    end = day_start(last + timedelta(days=1), "Asia/Shanghai")
    lane = await a_lane(db, now, quota=5, terms=Terms(valid_until=last, per_member=3), sale_to=end)
    other = (await published(db, a_draft(lane.merchant, lane.store, now=now, quota_id=None), now=now))[0]
    asks = [a_place(lane, 2), a_place(structs.replace(lane, offer=other), 1), a_place(lane, 1)]
    placed = await place(db, asks, end - timedelta(minutes=5))
    late, fine, timely = [one for one in placed if isinstance(one, Placed)]
    await hear(db, [captured(timely)], end - timedelta(seconds=1))
    await hear(db, [captured(late), captured(fine)], end + timedelta(minutes=5))
    assert [await state_of(db, ask.order_id) for ask in asks] == ["expired", "paid", "paid"]
    assert [len(await units(db, ask.order_id)) for ask in asks] == [0, 1, 1]
    assert await stock(db, lane) == (1, 0, 4)
    async with db.reading(CITY) as tx:
        [back] = await orders.refunds(tx, asks[0].member_id, asks[0].order_id, city_id=CITY)
    assert (back["reason"], back["units"], back["state"]) == ("paid_late", 13_600, "asked")
    assert await audit_clean(db)


async def test_another_amount_is_no_payment_and_goes_back(db: Database, now):
    lane = await a_lane(db, now)
    ask = a_place(lane)
    placed = (await place(db, [ask], now))[0]
    await hear(db, [captured(placed, Amount(6_799, "CNY"))], now)
    assert await state_of(db, ask.order_id) == "placed"
    async with db.reading(CITY) as tx:
        back = await orders.refunds(tx, ask.member_id, ask.order_id, city_id=CITY)
    assert [(r["reason"], r["units"]) for r in back] == [("wrong_amount", 6_799)]
    assert await audit_clean(db)


async def test_the_same_word_twenty_times_at_once_is_one_payment(db: Database, now):
    lane = await a_lane(db, now)
    ask = a_place(lane, 2)
    placed = (await place(db, [ask], now))[0]
    await asyncio.gather(*(hear(db, [captured(placed)], now) for _ in range(20)))
    assert len(await units(db, ask.order_id)) == 2
    assert await account(db, chart.escrow(lane.merchant).path) == 13_600
    assert await audit_clean(db)


async def test_a_refund_returns_exactly_what_was_paid_and_frees_the_stock(db: Database, now):
    lane = await a_lane(db, now, quota=5, terms=Terms(valid_days=30, per_member=5))
    found = await bought(db, lane, now, 3)
    order = found[0].order_id
    asked = await refund(db, order, now, voucher_ids=(found[1].voucher_id,))
    assert asked.amount == Amount(6_800, "CNY")
    assert await audit_clean(db)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)] * 2, now)
    assert await state_of(db, order) == "part_refunded"
    assert await stock(db, lane) == (2, 0, 3)
    rest = await refund(db, order, now)
    assert rest.amount == Amount(13_600, "CNY")
    await hear(db, [refund_is(rest.refund_id, "done", rest.amount)], now)
    assert await state_of(db, order) == "refunded"
    assert (await refund(db, order, now)).code == "nothing_to_refund"
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await audit_clean(db)


async def test_a_refund_that_fails_leaves_the_right_as_it_was(db: Database, now):
    lane = await a_lane(db, now)
    found = await bought(db, lane, now)
    asked = await refund(db, found[0].order_id, now)
    await hear(db, [refund_is(asked.refund_id, "failed", asked.amount)], now)
    assert [u.state for u in await units(db, found[0].order_id)] == ["valid"]
    assert await audit_clean(db)
    again = await refund(db, found[0].order_id, now)
    assert again.amount == asked.amount


async def test_terms_may_forbid_the_wish_but_not_the_expiry(db: Database, now):
    lane = await a_lane(db, now, terms=Terms(valid_days=3, refund="none"))
    found = await bought(db, lane, now)
    assert (await refund(db, found[0].order_id, now)).code == "refund_forbidden"
    late = now + timedelta(days=5)
    asked = await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=late))
    assert [a.amount.units for a in asked] == [6_800]
    assert await audit_clean(db)


async def test_what_is_not_refunded_at_expiry_becomes_breakage(db: Database, now):
    lane = await a_lane(db, now, terms=Terms(valid_days=3, refund_on_expiry=False))
    await bought(db, lane, now)
    late = now + timedelta(days=5)
    asked = await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=late))
    assert asked == []
    assert await account(db, chart.revenue_breakage().path) == 6_800
    assert await account(db, chart.escrow(lane.merchant).path) == 0
    assert await audit_clean(db)


async def test_the_last_unit_goes_to_one_of_many_buyers(db: Database, now):
    """Twenty buyers at once for seven units: seven are sold, not one more and not one less."""
    lane = await a_lane(db, now, quota=7)
    results = await asyncio.gather(*(place(db, [a_place(lane)], now) for _ in range(20)))
    sold = [r[0] for r in results if isinstance(r[0], Placed)]
    assert len(sold) == 7
    assert {r[0].code for r in results if not isinstance(r[0], Placed)} == {"sold_out"}  # type: ignore[union-attr]
    assert await stock(db, lane) == (0, 7, 0)
    assert await audit_clean(db)


async def test_a_member_with_two_phones_does_not_pass_the_cap(db: Database, now):
    lane = await a_lane(db, now, terms=Terms(valid_days=30, per_member=1))
    ann = a_place(lane).member_id
    results = await asyncio.gather(*(place(db, [a_place(lane, member_id=ann)], now) for _ in range(10)))
    assert sum(isinstance(r[0], Placed) for r in results) == 1
    assert await audit_clean(db)


async def test_what_costs_nothing_is_paid_at_once_and_goes_back_at_once(db: Database, now):
    lane = await a_lane(db, now, quota=5, price=Amount(0, "CNY"), terms=Terms(valid_days=30, per_member=3))
    ask = a_place(lane, 2)
    placed = (await place(db, [ask], now))[0]
    assert isinstance(placed, Placed)
    assert placed.state == "paid"
    found = await units(db, ask.order_id)
    assert {u.state for u in found} == {"valid"}
    assert await audit_clean(db)
    await refund(db, ask.order_id, now, voucher_ids=(found[0].voucher_id,))
    assert await state_of(db, ask.order_id) == "part_refunded"
    assert await stock(db, lane) == (1, 0, 4)
    await refund(db, ask.order_id, now)
    assert await state_of(db, ask.order_id) == "refunded"
    assert await audit_clean(db)
