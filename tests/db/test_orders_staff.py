"""The merchant's side of orders: his list and nobody else's, notes, and money that he gives back himself."""

from datetime import timedelta

import pytest

from hutong import orders
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.terms import Terms
from hutong.ledger import chart
from hutong.orders import Cancel, Noted, RefundAsked, RefundByMerchant, WriteNote
from tests.conftest import audit_clean, fires
from tests.lane import (
    CITY,
    PLAIN,
    Lane,
    a_lane,
    a_place,
    a_redeem,
    account,
    bought,
    hear,
    place,
    redeem,
    refund,
    refund_is,
    state_of,
    units,
)

pytestmark = pytest.mark.anyio
BOUND = Terms(valid_days=30, refund="none")


def a_gift(lane: Lane, unit, **changes) -> RefundByMerchant:
    """Wen gives the money of a unit back."""
    fields = {
        "refund_id": new_id(), "order_id": unit.order_id, "merchant_id": lane.merchant, "by": new_id(),
        "author": "文姐", "why": "kindness", "words": " 客人生病了 ", "voucher_ids": (unit.voucher_id,),
    } | changes  # fmt: skip
    return RefundByMerchant(**fields)


async def give(db: Database, asks, now):
    return await db.run_city(CITY, lambda tx: orders.refund_by_merchant(tx, asks, city_id=CITY, now=now))


async def listed(db: Database, merchant, **asked):
    async with db.reading(CITY) as tx:
        return [one.order_id for one in await orders.for_staff(tx, merchant, city_id=CITY, **asked)]


async def notes_of(db: Database, order_id):
    async with db.reading(CITY) as tx:
        return await orders.notes(tx, order_id, city_id=CITY)


async def test_the_merchant_gives_back_what_the_terms_keep(db: Database, now):
    lane = await a_lane(db, now, terms=BOUND)
    first, second = await bought(db, lane, now, 2)
    assert (await refund(db, first.order_id, now)).code == "refund_forbidden"
    (done,) = await give(db, [a_gift(lane, first)], now)
    assert isinstance(done, RefundAsked)
    assert (done.amount.units, done.voucher_ids) == (6_800, (first.voucher_id,))
    (note,) = await notes_of(db, first.order_id)
    assert (note.author, note.words, note.why, note.refund_id) == ("文姐", "客人生病了", "kindness", done.refund_id)
    await hear(db, [refund_is(done.refund_id, "done", done.amount)], now)
    assert await state_of(db, first.order_id) == "part_refunded"
    assert [u.state for u in await units(db, first.order_id)] == ["refunded", "valid"]
    assert await account(db, chart.escrow(lane.merchant).path) == 6_800
    assert second.state == "valid"
    assert await audit_clean(db)


async def test_a_list_of_gifts_is_decided_one_by_one(db: Database, now):
    lane = await a_lane(db, now, terms=BOUND)
    first, second, used = await bought(db, lane, now, 3)
    await redeem(db, [a_redeem(lane, used, now)], now)
    asks = [
        a_gift(lane, first),
        a_gift(lane, first),  # the same unit twice at once
        a_gift(lane, used),
        a_gift(lane, second, voucher_ids=()),
        a_gift(lane, second, words="x" * 501),
        a_gift(lane, second, merchant_id=new_id()),  # somebody else's order
        a_gift(lane, second, order_id=new_id()),
        a_gift(lane, second),
    ]
    results = await give(db, asks, now)
    assert [getattr(one, "code", "given") for one in results] == [
        "given", "nothing_to_refund", "nothing_to_refund", "nothing_chosen", "note_words", "order_not_found",
        "order_not_found", "given",
    ]  # fmt: skip
    assert len(await notes_of(db, first.order_id)) == 2
    assert await audit_clean(db)


async def test_a_buyer_does_not_speak_for_the_merchant(db: Database, now):
    """The word alone opens nothing: the terms hold, and what is written down is not that word."""
    lane = await a_lane(db, now, terms=BOUND)
    (unit,) = await bought(db, lane, now)
    ann = unit.member_id
    assert (await refund(db, unit.order_id, now, by=ann, reason="merchant")).code == "refund_forbidden"
    assert (await refund(db, unit.order_id, now, by=ann, reason="expired")).code == "refund_forbidden"
    open_lane = await a_lane(db, now - timedelta(seconds=1))
    (free,) = await bought(db, open_lane, now)
    await refund(db, free.order_id, now, by=free.member_id, reason="merchant")
    async with db.reading(CITY) as tx:
        (row,) = await orders.refunds(tx, free.member_id, free.order_id, city_id=CITY)
    assert row["reason"] == "other"
    assert await audit_clean(db)


async def test_what_became_breakage_is_nobodys_to_give_back(db: Database, now):
    """Its money has left the escrow: a refund would take that of somebody else's voucher."""
    lane = await a_lane(db, now, terms=Terms(valid_days=5, refund="anytime", refund_on_expiry=False))
    (gone,) = await bought(db, lane, now)
    late = now + timedelta(days=10)
    await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=late))
    await bought(db, lane, late)  # somebody else's money lies there
    before = await account(db, chart.escrow(lane.merchant).path)
    assert (await refund(db, gone.order_id, late, by=gone.member_id)).code == "nothing_to_refund"
    assert (await refund(db, gone.order_id, late, voucher_ids=(gone.voucher_id,))).code == "nothing_to_refund"
    (given,) = await give(db, [a_gift(lane, gone)], late)
    assert given.code == "nothing_to_refund"
    assert await account(db, chart.escrow(lane.merchant).path) == before
    assert await audit_clean(db)


async def test_an_expired_unit_whose_refund_failed_can_still_be_given(db: Database, now):
    lane = await a_lane(db, now, terms=Terms(valid_days=5, refund="none", refund_on_expiry=True))
    (unit,) = await bought(db, lane, now)
    late = now + timedelta(days=10)
    (asked,) = await db.run_city(CITY, lambda tx: orders.expire_vouchers(tx, city_id=CITY, now=late))
    await hear(db, [refund_is(asked.refund_id, "failed", asked.amount)], late)
    assert [u.state for u in await units(db, unit.order_id)] == ["expired"]
    (given,) = await give(db, [a_gift(lane, unit)], late)
    assert isinstance(given, RefundAsked)
    assert await audit_clean(db)


async def test_a_note_is_written_once_and_only_to_an_order_of_the_merchant(db: Database, now):
    lane = await a_lane(db, now)
    (unit,) = await bought(db, lane, now)

    def ask(**changes):
        fields = {
            "note_id": new_id(), "order_id": unit.order_id, "merchant_id": lane.merchant, "by": new_id(),
            "author": "梅姐", "words": " 生日，给一个长寿面 ",
        } | changes  # fmt: skip
        return WriteNote(**fields)

    once = ask()
    asks = [once, once, ask(words="  "), ask(words="x" * 501), ask(merchant_id=new_id()), ask(order_id=new_id())]
    results = await db.run_city(CITY, lambda tx: orders.write_notes(tx, asks, city_id=CITY, now=now))
    assert [r.note_id if isinstance(r, Noted) else r.code for r in results] == [
        once.note_id, once.note_id, "note_words", "note_words", "order_not_found", "order_not_found",
    ]  # fmt: skip
    assert [(n.author, n.words, n.why) for n in await notes_of(db, unit.order_id)] == [
        ("梅姐", "生日，给一个长寿面", None)
    ]
    async with db.city(CITY) as tx:
        await orders.forget_members(tx, [once.by], city_id=CITY)
    assert [(n.author, n.words) for n in await notes_of(db, unit.order_id)] == [("", "生日，给一个长寿面")]
    async with db.city(CITY) as tx:
        await orders.forget_members(tx, [unit.member_id], city_id=CITY)
    assert [n.words for n in await notes_of(db, unit.order_id)] == [""]
    assert await audit_clean(db)


async def test_the_list_is_the_merchants_own_by_group_and_store(db: Database, now):
    lane, other = await a_lane(db, now), await a_lane(db, now - timedelta(seconds=1))
    (paid,) = await bought(db, lane, now, phone_tail="1234")
    (back,) = await bought(db, lane, now)
    await bought(db, other, now, phone_tail="1234")
    asked = await refund(db, back.order_id, now)
    await hear(db, [refund_is(asked.refund_id, "done", asked.amount)], now)
    unpaid, called_off = a_place(lane), a_place(lane)
    await place(db, [unpaid, called_off], now)
    cancel = [Cancel(order_id=called_off.order_id, by=None, reason="x")]
    await db.run_city(CITY, lambda tx: orders.cancel(tx, cancel, city_id=CITY, now=now))
    newest_first = [called_off.order_id, unpaid.order_id, back.order_id, paid.order_id]
    assert sorted(await listed(db, lane.merchant)) == sorted(newest_first)
    assert await listed(db, lane.merchant, group="paid") == [paid.order_id]
    assert await listed(db, lane.merchant, group="unpaid") == [unpaid.order_id]
    assert await listed(db, lane.merchant, group="refunded") == [back.order_id]
    assert await listed(db, lane.merchant, group="closed") == [called_off.order_id]
    assert await listed(db, lane.merchant, phone_tail="1234") == [paid.order_id]
    everything = await listed(db, lane.merchant)
    assert await listed(db, lane.merchant, limit=3) == everything[:3]
    assert await listed(db, lane.merchant, after=everything[2], limit=3) == everything[3:]
    assert await listed(db, lane.merchant, order_ids=[paid.order_id]) == [paid.order_id]
    assert await listed(db, other.merchant, order_ids=[paid.order_id]) == []
    assert await listed(db, lane.merchant, store_id=lane.store) == everything
    assert await listed(db, lane.merchant, store_id=lane.other_store) == []
    async with db.reading(CITY) as tx:
        counts = await orders.counts_for_staff(tx, lane.merchant, city_id=CITY)
        elsewhere = await orders.counts_for_staff(tx, lane.merchant, city_id=CITY, store_id=lane.other_store)
    assert counts == {"unpaid": 1, "paid": 1, "refunded": 1, "closed": 1}
    assert set(elsewhere.values()) == {0}


async def test_rare_orders_are_found_by_their_own_index(db: Database, now):
    lane = await a_lane(db, now)
    async with db.city(CITY) as tx:
        await tx.run("set local enable_seqscan = off")
        await tx.run("set local plan_cache_mode = force_generic_plan")
        for states in ("'part_refunded', 'refunded'", "'cancelled', 'expired'"):
            plan = await tx.rows(
                f"""explain select * from orders.orders o where o.city_id = %(city)s and o.merchant_id = %(merchant)s
                    and o.state in ({states}) order by o.order_id desc limit 20""",
                city=CITY, merchant=lane.merchant,
            )  # fmt: skip
            assert "orders_turned_idx" in str(plan), plan


async def test_a_gift_without_its_note_is_noticed(db: Database, now):
    lane = await a_lane(db, now, terms=PLAIN)
    (unit,) = await bought(db, lane, now)
    await give(db, [a_gift(lane, unit)], now)
    assert await audit_clean(db)
    async with db.city(CITY) as tx:
        await tx.run("delete from orders.notes where city_id = %(city)s", city=CITY)
    assert await fires(db, "O13")
