"""Locks of vouchers: set aside for an order or a gift, spent by the order, given back; and the refusals between."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hutong import vouchers
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.terms import Expired, NotYetValid
from hutong.vouchers import Hold, Lock, Spend, Voucher
from tests.conftest import fires
from tests.db.own_audit import sound
from tests.db.vouchers_help import ANN, BO, CITY, TEA_HOUSE, ZONE, a_redeem, look, one, prepared, read, use, used

pytestmark = pytest.mark.anyio

ORDER, OTHER = UUID(int=0x0D1), UUID(int=0x0D2)


def a_lock(voucher: Voucher, now: datetime, **changes: Any) -> Lock:
    values: dict[str, Any] = {
        "voucher_id": voucher.voucher_id, "member_id": ANN, "held_for": "order", "ref": ORDER,
        "until": now + timedelta(minutes=15),
    }  # fmt: skip
    return Lock(**values | changes)


async def lock(db: Database, asks: list[Lock], now: datetime) -> list[Any]:
    return await db.run_city(CITY, lambda tx: vouchers.lock(tx, asks, city_id=CITY, now=now, zone=ZONE))


async def spend(db: Database, voucher: Voucher, now: datetime, ref: UUID = ORDER, count: int = 1) -> Any:
    ask = Spend(voucher_id=voucher.voucher_id, ref=ref, count=count)
    [answer] = await db.run_city(CITY, lambda tx: vouchers.spend(tx, [ask], city_id=CITY, now=now))
    return answer


async def unlock(db: Database, voucher: Voucher, now: datetime, ref: UUID = ORDER) -> bool:
    [was] = await db.run_city(
        CITY, lambda tx: vouchers.unlock(tx, [Hold(voucher.voucher_id, ref)], city_id=CITY, now=now)
    )
    return was


async def restore(db: Database, voucher: Voucher, now: datetime, ref: UUID = ORDER) -> Any:
    [back] = await db.run_city(
        CITY, lambda tx: vouchers.restore(tx, [Hold(voucher.voucher_id, ref)], city_id=CITY, now=now)
    )
    return back


def a_coupon(**changes: Any) -> dict[str, Any]:
    return {"kind": "coupon", "paid_units": 0, "due_units": 0} | changes


async def test_what_an_order_has_taken_nobody_else_can_use_lock_give_away_or_refund(db: Database, now):
    coupon = await one(db, now, **a_coupon())
    [mine] = await lock(db, [a_lock(coupon, now)], now)
    assert (mine.held_for, mine.held_ref) == ("order", ORDER)
    assert (await look(db, coupon.code, now)).code == "voucher_in_checkout"
    assert (await use(db, a_redeem(presented=coupon.code), now)).code == "voucher_in_checkout"
    again = [
        a_lock(coupon, now, ref=OTHER),
        a_lock(coupon, now, held_for="gift", ref=OTHER),
        a_lock(coupon, now, member_id=BO),
    ]
    assert [r.code for r in await lock(db, again, now)] == ["voucher_in_checkout"] * 2 + ["voucher_not_found"]
    [refused] = await db.run_city(
        CITY, lambda tx: vouchers.start_refund(tx, [coupon.voucher_id], city_id=CITY, now=now, gifts=True)
    )
    assert refused.code == "voucher_in_checkout"
    [same] = await lock(db, [a_lock(coupon, now, until=now + timedelta(hours=1))], now)
    assert same.held_until == now + timedelta(hours=1)
    assert not await unlock(db, coupon, now, ref=OTHER)
    assert await unlock(db, coupon, now)
    assert (await used(db, coupon, now)).uses_left == 0
    assert await sound(db, "vouchers")


async def test_a_lock_of_an_order_outlasts_its_time_and_its_validity_but_that_of_a_gift_does_not(db: Database, now):
    coupon = await one(db, now, **a_coupon(valid_to=now + timedelta(minutes=10)))
    gift = await one(db, now)
    await lock(db, [a_lock(coupon, now), a_lock(gift, now, held_for="gift")], now)
    assert (await look(db, gift.code, now)).code == "voucher_on_its_way"
    late = now + timedelta(minutes=20)
    ended = await db.run_city(CITY, lambda tx: vouchers.expire(tx, city_id=CITY, now=late))
    assert ended == [], "what was taken in time waits for the end of its order"
    assert (await look(db, coupon.code, late)).code == "voucher_in_checkout"
    assert await prepared(db, gift.code, late)
    spent = await spend(db, coupon, late)
    assert (spent.uses_left, spent.replayed) == (0, False)
    assert (await spend(db, coupon, late)).replayed
    assert (await restore(db, coupon, late)).state == "expired", "over is over"
    await used(db, gift, late)
    free = await read(db, gift)
    assert (free.state, free.held_for, free.held_ref, free.held_until) == ("used", None, None, None)
    assert await sound(db, "vouchers")


async def test_a_lapsed_gift_expires_and_leaves_no_lock(db: Database, now):
    gift = await one(db, now, valid_to=now + timedelta(minutes=10))
    await lock(db, [a_lock(gift, now, held_for="gift")], now)
    late = now + timedelta(minutes=16)
    async with db.city(CITY) as tx:
        assert await vouchers.orders_to_expire(tx, city_id=CITY, now=now + timedelta(minutes=12)) == []
        assert await vouchers.orders_to_expire(tx, city_id=CITY, now=late) == [gift.order_id]
        [ended] = await vouchers.expire(tx, city_id=CITY, now=late)
    assert (ended.state, ended.held_for) == ("expired", None)
    assert await sound(db, "vouchers")


async def test_spent_and_given_back_is_good_again_once(db: Database, now):
    coupon = await one(db, now, **a_coupon())
    assert (await spend(db, coupon, now)).code == "voucher_not_held"
    assert (await restore(db, coupon, now)).code == "voucher_not_held"
    await lock(db, [a_lock(coupon, now)], now)
    assert (await spend(db, coupon, now, ref=OTHER)).code == "voucher_not_held"
    assert (await spend(db, coupon, now, count=2)).code == "count_too_high"
    await spend(db, coupon, now)
    assert (await look(db, coupon.code, now)).code == "voucher_used"
    assert await sound(db, "vouchers")
    back = await restore(db, coupon, now)
    assert (back.state, back.uses_left) == ("valid", 1)
    assert (await restore(db, coupon, now)).uses_left == 1, "a second time changes nothing"
    await lock(db, [a_lock(coupon, now, ref=OTHER)], now)
    await spend(db, coupon, now, ref=OTHER)
    assert await sound(db, "vouchers")
    async with db.reading() as tx:
        history = [(s.was, s.state, s.reason) for s in await vouchers.steps(tx, coupon.voucher_id, city_id=CITY)]
    assert history == [("valid", "used", "spent"), ("used", "valid", "restored"), ("valid", "used", "spent")]


async def test_a_part_of_a_card_can_be_spent_and_comes_back_to_the_unit(db: Database, now):
    card = await one(db, now, kind="card", uses=3, paid_units=1000, due_units=1100)
    await lock(db, [a_lock(card, now)], now)
    spent = await spend(db, card, now, count=2)
    assert (spent.paid_units, spent.due_units, spent.uses_left) == (667, 733, 1)
    assert await sound(db, "vouchers")
    back = await restore(db, card, now)
    assert (back.uses_left, back.paid_left, back.due_left) == (3, 1000, 1100)
    assert await sound(db, "vouchers")


async def test_only_what_is_good_now_can_be_taken_for_an_order_and_what_waits_can_be_a_gift(db: Database, now):
    tomorrow = now + timedelta(days=1)
    early = await one(db, now, **a_coupon(valid_from=tomorrow))
    late = await one(db, now, **a_coupon(valid_from=now - timedelta(days=2), valid_to=now - timedelta(days=1)))
    waiting = await one(db, now, waiting=True)
    answers = await lock(db, [a_lock(v, now) for v in (early, late, waiting)], now)
    assert [type(a) for a in answers[:2]] == [NotYetValid, Expired]
    assert answers[2].code == "waiting_for_buyers"
    gifts = await lock(db, [a_lock(v, now, held_for="gift") for v in (early, waiting)], now)
    assert all(isinstance(v, Voucher) for v in gifts)
    [refund] = await db.run_city(
        CITY, lambda tx: vouchers.start_refund(tx, [waiting.voucher_id], city_id=CITY, now=now)
    )
    assert refund.code == "voucher_on_its_way"
    [refund] = await db.run_city(
        CITY, lambda tx: vouchers.start_refund(tx, [waiting.voucher_id], city_id=CITY, now=now, gifts=True)
    )
    assert (refund.state, refund.held_for) == ("refunding", None)
    assert await unlock(db, early, now)
    assert await sound(db, "vouchers")


async def test_one_voucher_wanted_by_five_orders_at_once_is_taken_by_one(db: Database, now):
    coupon = await one(db, now, **a_coupon())
    refs = [new_id() for _ in range(5)]
    answers = await asyncio.gather(*(lock(db, [a_lock(coupon, now, ref=ref)], now) for ref in refs))
    won = [ref for ref, [answer] in zip(refs, answers, strict=True) if isinstance(answer, Voucher)]
    assert len(won) == 1
    assert (await read(db, coupon)).held_ref == won[0]
    assert {a[0].code for a in answers if not isinstance(a[0], Voucher)} == {"voucher_in_checkout"}


async def test_a_wide_right_is_honoured_by_another_merchant_and_a_narrow_one_stays_unknown(db: Database, now):
    wide, narrow = await one(db, now, wide=True), await one(db, now)
    there = {"merchant_id": TEA_HOUSE, "store_id": UUID(int=0x71)}
    assert (await look(db, narrow.code, now, **there)).code == "unknown_code"
    assert (await prepared(db, wide.code, now, **there)).voucher_id == wide.voucher_id
    done = await used(db, wide, now, **there)
    assert (done.merchant_id, done.issuer_id) == (TEA_HOUSE, wide.merchant_id)
    assert await sound(db, "vouchers")
    async with db.central() as tx:
        await tx.run("update vouchers.vouchers set wide = false where city_id = 1")
    assert await fires(db, "V03")


async def test_a_spend_without_its_voucher_used_fires(db: Database, now):
    coupon = await one(db, now, **a_coupon())
    await lock(db, [a_lock(coupon, now)], now)
    await spend(db, coupon, now)
    async with db.central() as tx:
        await tx.run("update vouchers.spends set restored_at = at, back_count = count where city_id = 1")
    assert await fires(db, "V02")


BREAK = {"V61": "update vouchers.spends set restored_at = at where city_id = 1"}


async def test_a_spend_that_says_it_is_back_and_is_not_fires(db: Database, now):
    coupon = await one(db, now, **a_coupon())
    await lock(db, [a_lock(coupon, now)], now)
    await spend(db, coupon, now)
    async with db.central() as tx:
        await tx.run(BREAK["V61"])
    assert await fires(db, "V61")
