"""Refunds: asked once, never above the capture, ended by the provider's word only."""

import asyncio
from datetime import timedelta

import pytest

from hutong import payments
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import REFUND
from hutong.kit.money import Amount
from hutong.payments import (
    NotSettled,
    PaymentNotCaptured,
    PaymentUnknown,
    ProviderRefund,
    RefundAsked,
    RefundChanged,
    RefundDone,
    RefundFailed,
    RefundTooHigh,
)
from tests.conftest import audit_clean, fires
from tests.db.payment_cast import (
    CITY,
    ask_refund,
    captured,
    one,
    one_refund,
    opened_payment,
    paid_payment,
    refund_event,
    settle,
)

pytestmark = pytest.mark.anyio


async def ask(db: Database, *asks: payments.AskRefund, now):
    async with db.city(CITY) as tx:
        return await payments.ask_refunds(tx, asks, city_id=CITY, now=now)


async def test_refused_in_the_order_that_is_written_down(db: Database, now):
    paid, unpaid = await paid_payment(db, now), await opened_payment(db, now)
    first = ask_refund(paid, 6000)
    (done,) = await ask(db, first, now=now)
    assert done == RefundAsked(refund_id=first.refund_id, payment_id=paid.payment_id)
    table = [
        (first, RefundAsked(refund_id=first.refund_id, payment_id=paid.payment_id)),
        (ask_refund(paid, 1, first.refund_id), RefundChanged()),
        (payments.AskRefund(refund_id=new_id(), payment_id=new_id(), amount=paid.amount, reason="x"), PaymentUnknown()),
        (ask_refund(unpaid, 1), PaymentNotCaptured()),
        (ask_refund(paid, 801), RefundTooHigh(left=800, asset="CNY")),
        (ask_refund(paid, 0), RefundTooHigh(left=800, asset="CNY")),
        (ask_refund(paid, -5), RefundTooHigh(left=800, asset="CNY")),
    ]
    assert await ask(db, *(a for a, _ in table), now=now) == [expected for _, expected in table]
    wrong_asset = payments.AskRefund(
        refund_id=new_id(), payment_id=paid.payment_id, amount=Amount(1, "USD"), reason="x"
    )
    assert await ask(db, wrong_asset, now=now) == [RefundTooHigh(left=800, asset="CNY")]
    assert await audit_clean(db)


async def test_a_list_is_decided_in_its_order(db: Database, now):
    paid = await paid_payment(db, now)
    results = await ask(db, ask_refund(paid, 4000), ask_refund(paid, 4000), ask_refund(paid, 2800), now=now)
    assert [type(r) for r in results] == [RefundAsked, RefundTooHigh, RefundAsked]
    assert (await one(db, paid.payment_id)).refunding == 6800
    assert await audit_clean(db)


async def test_twenty_parallel_refunds_stay_within_the_capture(db: Database, now):
    """K9, F1: twenty times 60 of 100."""
    paid = await paid_payment(db, now, units=100)
    results = await asyncio.gather(*(ask(db, ask_refund(paid, 60), now=now) for _ in range(20)))
    assert sum(isinstance(r, RefundAsked) for (r,) in results) == 1
    assert sum(isinstance(r, RefundTooHigh) for (r,) in results) == 19
    assert await audit_clean(db)


async def test_the_same_refund_asked_twenty_times_at_once_is_one(db: Database, now):
    paid = await paid_payment(db, now, units=100)
    same = ask_refund(paid, 60)
    results = await asyncio.gather(*(ask(db, same, now=now) for _ in range(20)))
    assert all(isinstance(r, RefundAsked) for (r,) in results)
    assert (await one(db, paid.payment_id)).refunding == 60
    assert await audit_clean(db)


async def test_without_the_lock_they_would_not(db: Database, now):
    """The control: check, then insert, without the lock on the payment. The audit sees it."""
    paid = await paid_payment(db, now, units=100)
    barrier = asyncio.Barrier(5)

    async def naive() -> None:
        async with db.city(CITY) as tx:
            left = await tx.value(
                """select p.units - coalesce(sum(r.units), 0) from payments.payments p
                   left join payments.refunds r on r.city_id = %(city)s and r.payment_id = p.payment_id
                   where p.city_id = %(city)s and p.payment_id = %(id)s group by p.units""",
                city=CITY,
                id=paid.payment_id,
            )
            await barrier.wait()
            assert left >= 60
            await tx.run(
                """insert into payments.refunds (city_id, refund_id, payment_id, provider, units, asset, reason, state,
                                                 seq, asked_at, next_at, tries)
                   values (%(city)s, %(refund)s, %(id)s, 'sandbox', 60, 'CNY', 'buyer',
                           'asked', 1, %(now)s, %(now)s, 0)""",
                city=CITY,
                refund=new_id(),
                id=paid.payment_id,
                now=now,
            )

    await asyncio.gather(*(naive() for _ in range(5)))
    assert await fires(db, "R01")
    assert await fires(db, "R05")


async def test_a_refund_from_asked_to_done(db: Database, now):
    paid = await paid_payment(db, now)
    back = ask_refund(paid, 6800)
    await ask(db, back, now=now)
    async with db.city(CITY) as tx:
        (call,) = (await payments.claim_calls(tx, city_id=CITY, now=now)).refunds
    assert call.state == "unknown"
    processing = ProviderRefund(refund_no=call.refund_no, state="processing", provider_no="SR1", amount=back.amount)
    (still,) = await settle(db, processing, now=now)
    assert isinstance(still, NotSettled)
    (done,) = await settle(db, refund_event(back.refund_id, "done", now, 6800), now=now)
    assert done == RefundDone(
        refund_id=back.refund_id, payment_id=paid.payment_id, order_id=paid.order_id, amount=back.amount, reason="buyer"
    )
    async with db.reading() as tx:
        steps = await payments.history(tx, back.refund_id, city_id=CITY)
    assert [(s.state, s.cause) for s in steps] == [
        ("asked", "buyer"),
        ("unknown", "call"),
        ("processing", "asked"),
        ("done", "callback"),
    ]
    assert await audit_clean(db)


async def test_our_refunds_callback_before_the_answer_to_our_call(db: Database, now):
    """K7, K8, F6: the row was there before the call, so the callback finds it; the late answer changes nothing."""
    paid = await paid_payment(db, now)
    back = ask_refund(paid, 6800)
    await ask(db, back, now=now)
    async with db.city(CITY) as tx:
        (call,) = (await payments.claim_calls(tx, city_id=CITY, now=now)).refunds
    (first,) = await settle(db, refund_event(back.refund_id, "done", now, 6800), now=now)
    (late,) = await settle(
        db, ProviderRefund(refund_no=call.refund_no, state="done", amount=back.amount, at=now), now=now
    )
    assert (type(first), type(late)) == (RefundDone, NotSettled)
    assert await audit_clean(db)


async def test_a_refund_without_an_answer_is_asked_about_never_sent_again_unasked(db: Database, now):
    """F5, K12: for two days nobody sends it a second time; only "unknown number" makes it go out again."""
    paid = await paid_payment(db, now)
    back = ask_refund(paid, 100)
    await ask(db, back, now=now)
    async with db.city(CITY) as tx:
        await payments.claim_calls(tx, city_id=CITY, now=now)
    two_days = now + timedelta(days=2)
    async with db.city(CITY) as tx:
        assert (await payments.claim_calls(tx, city_id=CITY, now=two_days)).refunds == []
        (asked,) = (await payments.claim_polls(tx, city_id=CITY, now=two_days)).refunds
    assert await fires(db, "R06") is False  # the city has seen no later change yet
    number = REFUND.show(back.refund_id, CITY)
    await settle(db, ProviderRefund(refund_no=number, state="unknown_number"), now=now + timedelta(minutes=1))
    async with db.city(CITY) as tx:
        (again,) = (await payments.claim_calls(tx, city_id=CITY, now=now + timedelta(minutes=1))).refunds
    assert again.refund_no == asked.refund_no == number


async def test_a_failed_refund_can_be_asked_for_anew(db: Database, now):
    """F7: the failure has a name, the amount is free again, and the old number stays dead."""
    paid = await paid_payment(db, now)
    back = ask_refund(paid, 6800)
    await ask(db, back, now=now)
    (failed,) = await settle(db, refund_event(back.refund_id, "failed", now, 6800, failure="account_closed"), now=now)
    assert isinstance(failed, RefundFailed)
    assert failed.failure == "account_closed"
    assert (await one(db, paid.payment_id)).refunding == 0
    again, anew = await ask(db, back, ask_refund(paid, 6800), now=now)
    assert isinstance(again, RefundAsked)
    assert again.state == "failed"
    assert isinstance(anew, RefundAsked)
    assert await audit_clean(db)


async def test_captures_and_refunds_settle_in_one_list(db: Database, now):
    paid, opened = await paid_payment(db, now), await opened_payment(db, now)
    one_back, two_back = ask_refund(paid, 100), ask_refund(paid, 200)
    await ask(db, one_back, two_back, now=now)
    outcomes = await settle(
        db,
        refund_event(two_back.refund_id, "failed", now, 200, failure="no"),
        captured(opened.payment_id, now),
        refund_event(one_back.refund_id, "done", now, 100),
        now=now,
    )
    assert [type(o).__name__ for o in outcomes] == ["RefundFailed", "Captured", "RefundDone"]
    assert (await one(db, paid.payment_id)).refunding == 100
    assert (await one_refund(db, one_back.refund_id)).state == "done"
    async with db.reading() as tx:
        assert len((await payments.refunds_of(tx, [paid.payment_id], city_id=CITY))[paid.payment_id]) == 2
        assert len((await payments.of_orders(tx, [paid.order_id], city_id=CITY))[paid.order_id]) == 1
        events = [refund_event(one_back.refund_id, "done", now, 100), captured(opened.payment_id, now)]
        orders = await payments.orders_of(tx, events, city_id=CITY)
    assert orders == sorted([paid.order_id, opened.order_id])
    assert await audit_clean(db)
