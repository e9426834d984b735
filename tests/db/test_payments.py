"""Payments: intents, captures in any order and any number, closing, and callbacks that come too early."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from msgspec import structs

from hutong import payments
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import PAYMENT
from hutong.kit.money import Amount
from hutong.payments import (
    AlreadyCaptured,
    Captured,
    Closed,
    NotSettled,
    OpenAnswer,
    OrderPaidAlready,
    PaymentChanged,
    ProviderPayment,
    Quarantined,
    UnknownNumber,
)
from tests.conftest import audit_clean
from tests.db.payment_cast import CITY, PRICE, captured, event, intent, one, opened_payment, paid_payment, settle

pytestmark = pytest.mark.anyio


async def test_the_same_intent_is_the_same_payment(db: Database, now):
    ask = intent(now)
    async with db.city(CITY) as tx:
        first, second = await payments.open(tx, [ask, ask], city_id=CITY, now=now)
    async with db.city(CITY) as tx:
        (third,) = await payments.open(tx, [ask], city_id=CITY, now=now + timedelta(hours=1))
        (other,) = await payments.open(tx, [structs.replace(ask, amount=Amount(1, "CNY"))], city_id=CITY, now=now)
    assert first == second == third
    assert isinstance(other, PaymentChanged)
    assert await audit_clean(db)


async def test_a_paid_order_takes_no_second_payment(db: Database, now):
    """K16: the second tab is told before it pays; a replay of the first intent still gets its payment."""
    paid = await paid_payment(db, now)
    again = intent(now, order_id=paid.order_id)
    async with db.city(CITY) as tx:
        (refused,) = await payments.open(tx, [again], city_id=CITY, now=now)
        (replayed,) = await payments.open(
            tx, [intent(now, order_id=paid.order_id, payment_id=paid.payment_id)], city_id=CITY, now=now
        )
    assert isinstance(refused, OrderPaidAlready)
    assert replayed == paid
    assert await audit_clean(db)


async def test_a_call_is_taken_by_one_courier_and_then_asked_about(db: Database, now):
    """K10 to K12: the taker dies without an answer; after the lease there is a question, not a second call."""
    ask = intent(now)
    async with db.city(CITY) as tx:
        await payments.open(tx, [ask], city_id=CITY, now=now)
    async with db.city(CITY) as tx:
        calls = await payments.claim_calls(tx, city_id=CITY, now=now)
    assert [p.payment_id for p in calls.opens] == [ask.payment_id]
    for later in (now, now + timedelta(days=2)):
        async with db.city(CITY) as tx:
            assert (await payments.claim_calls(tx, city_id=CITY, now=later)).opens == []
    async with db.city(CITY) as tx:
        assert (await payments.claim_polls(tx, city_id=CITY, now=now)).payments == []
        polls = await payments.claim_polls(tx, city_id=CITY, now=now + timedelta(seconds=15))
    assert [p.payment_id for p in polls.payments] == [ask.payment_id]


async def test_a_call_that_never_arrived_is_made_again_with_its_number(db: Database, now):
    ask = intent(now)
    number = PAYMENT.show(ask.payment_id, CITY)
    async with db.city(CITY) as tx:
        await payments.open(tx, [ask], city_id=CITY, now=now, calling=True)
    await settle(db, ProviderPayment(out_no=number, state="unknown_number"), now=now)
    async with db.city(CITY) as tx:
        (again,) = (await payments.claim_calls(tx, city_id=CITY, now=now)).opens
    assert again.out_no == number
    async with db.reading() as tx:
        steps = await payments.history(tx, ask.payment_id, city_id=CITY)
    assert [s.state for s in steps] == ["unknown", "created", "unknown"]
    assert await audit_clean(db)


async def test_a_callback_may_be_faster_than_the_answer(db: Database, now):
    """K7 for payments: captured first, then the answer to the opening: it stays captured."""
    ask = intent(now)
    async with db.city(CITY) as tx:
        await payments.open(tx, [ask], city_id=CITY, now=now, calling=True)
    (first,) = await settle(db, captured(ask.payment_id, now), now=now)
    async with db.city(CITY) as tx:
        answer = OpenAnswer(payment_id=ask.payment_id, provider_no="SP1", pay_url="http://pay/1")
        (payment,) = await payments.opened(tx, [answer], city_id=CITY, now=now)
    assert isinstance(first, Captured)
    assert payment is not None
    assert payment.state == "captured"
    assert await audit_clean(db)


async def test_a_refused_opening_ends_the_payment(db: Database, now):
    ask = intent(now)
    async with db.city(CITY) as tx:
        await payments.open(tx, [ask], city_id=CITY, now=now, calling=True)
        answer = OpenAnswer(payment_id=ask.payment_id, refused="unknown_asset")
        (payment,) = await payments.opened(tx, [answer], city_id=CITY, now=now)
    assert payment is not None
    assert (payment.state, payment.failure) == ("refused", "unknown_asset")
    assert await audit_clean(db)


async def test_a_hundred_callbacks_at_once_have_one_effect(db: Database, now):
    """E4, K15: twenty connections, the same event and new events about the same capture."""
    payment = await opened_payment(db, now)
    same = captured(payment.payment_id, now)

    async def come(i: int) -> list[payments.Settled]:
        one_event = same if i % 2 else captured(payment.payment_id, now)
        async with db.city(CITY) as tx:
            await payments.receive(tx, [one_event], city_id=CITY, now=now)
            return await payments.settle(tx, [one_event], city_id=CITY, now=now)

    outcomes = [o for batch in await asyncio.gather(*(come(i) for i in range(100))) for o in batch]
    assert sum(isinstance(o, Captured) for o in outcomes) == 1
    assert sum(isinstance(o, AlreadyCaptured) for o in outcomes) == 99
    assert await audit_clean(db)


async def test_an_event_is_stored_once(db: Database, now):
    payment = await opened_payment(db, now)
    news = captured(payment.payment_id, now)
    async with db.city(CITY) as tx:
        first = await payments.receive(tx, [news, news], city_id=CITY, now=now)
        second = await payments.receive(tx, [news], city_id=CITY, now=now)
    assert [r.new for r in [*first, *second]] == [True, False, False]


async def test_two_payments_of_one_order_at_the_same_moment(db: Database, now):
    """E13: two tabs. One captured, the other surplus; never two captured, never none."""
    for _ in range(10):
        first = await opened_payment(db, now)
        second = await opened_payment(db, now, order_id=first.order_id)
        outcomes = await asyncio.gather(*(settle(db, captured(p.payment_id, now), now=now) for p in (first, second)))
        assert sorted(o.surplus for (o,) in outcomes if isinstance(o, Captured)) == [False, True]
        surplus = next(o for (o,) in outcomes if isinstance(o, Captured) and o.surplus)
        async with db.city(CITY) as tx:
            back = payments.AskRefund(
                refund_id=new_id(), payment_id=surplus.payment_id, amount=PRICE, reason="paid_twice"
            )
            await payments.ask_refunds(tx, [back], city_id=CITY, now=now)
    assert await audit_clean(db)


async def test_without_the_lock_on_the_order_the_index_still_says_no(db: Database, now):
    """The control: two captures that do not see each other; the unique index stops the second."""
    first = await opened_payment(db, now)
    second = await opened_payment(db, now, order_id=first.order_id)
    naive = """update payments.payments set state = 'captured', captured_units = units, captured_asset = asset,
                      captured_at = %(now)s, next_at = null
               where city_id = %(city)s and payment_id = %(id)s
                 and not exists (select from payments.payments o where o.city_id = %(city)s and o.state = 'captured'
                                 and o.order_id = %(order)s)"""

    async def capture(payment: payments.Payment, barrier: asyncio.Barrier) -> int:
        async with db.city(CITY) as tx:
            await tx.row("select 1")
            await barrier.wait()
            changed = await tx.run(naive, city=CITY, now=now, id=payment.payment_id, order=payment.order_id)
            await asyncio.sleep(0.2)  # both have decided before either commits
            return changed

    barrier = asyncio.Barrier(2)
    results = await asyncio.gather(capture(first, barrier), capture(second, barrier), return_exceptions=True)
    assert sum(isinstance(r, psycopg.errors.UniqueViolation) for r in results) == 1


@pytest.mark.parametrize("got", [Amount(6799, "CNY"), Amount(6801, "CNY"), Amount(6800, "USD")])
async def test_another_amount_is_quarantined_and_its_refund_is_asked_for(db: Database, now, got: Amount):
    """E6: one fen less, one more, another currency. Not paid; the money goes back; an alarm is recorded."""
    payment = await opened_payment(db, now)
    (outcome,) = await settle(db, captured(payment.payment_id, now, amount=got), now=now)
    assert isinstance(outcome, Quarantined)
    (again,) = await settle(db, captured(payment.payment_id, now, amount=got), now=now)
    assert isinstance(again, AlreadyCaptured)
    async with db.city(CITY) as tx:
        (back,) = (await payments.claim_calls(tx, city_id=CITY, now=now)).refunds
        (fact,) = await tx.rows("select topic, payload from infra.facts where city_id = %(city)s", city=CITY)
        known = await payments.ask_refunds(
            tx,
            [payments.AskRefund(refund_id=outcome.refund_id, payment_id=payment.payment_id, amount=got, reason="x")],
            city_id=CITY,
            now=now,
        )
    assert (back.refund_id, back.amount, back.reason) == (outcome.refund_id, got, "wrong_amount")
    assert fact["topic"] == "payments.quarantined"
    assert isinstance(known[0], payments.RefundAsked)  # the caller may ask for the same refund: it is the same one
    assert await audit_clean(db)


async def test_a_callback_before_its_order_is_committed_comes_again(db: Database, now):
    """K13, K14, E9: stored and answered; not dead; applied as soon as the payment is there."""
    ask = intent(now)
    news = captured(ask.payment_id, now)
    async with db.city(CITY) as tx:
        await payments.receive(tx, [news], city_id=CITY, now=now)
        (early,) = await payments.settle(tx, [news], city_id=CITY, now=now)
    assert isinstance(early, UnknownNumber)
    async with db.city(CITY) as tx:
        await payments.open(tx, [ask], city_id=CITY, now=now)
        assert await payments.claim_events(tx, city_id=CITY, now=now) == []
    later = now + timedelta(seconds=5)
    async with db.city(CITY) as tx:
        (waiting,) = await payments.claim_events(tx, city_id=CITY, now=later)
        (outcome,) = await payments.settle(tx, [waiting], city_id=CITY, now=later)
    assert waiting == news
    assert isinstance(outcome, Captured)
    async with db.city(CITY) as tx:
        assert await payments.claim_events(tx, city_id=CITY, now=later + timedelta(days=1)) == []
    assert await audit_clean(db)


async def test_an_event_that_stays_strange_comes_ever_more_seldom(db: Database, now):
    async with db.city(CITY) as tx:
        await payments.receive(tx, [captured(intent(now).payment_id, now)], city_id=CITY, now=now)
    came = []
    for second in range(0, 600, 5):
        async with db.city(CITY) as tx:
            if await payments.claim_events(tx, city_id=CITY, now=now + timedelta(seconds=second)):
                came.append(second)
    assert came == [5, 20, 40, 80, 140, 260, 560]


async def test_nobody_speaks_for_another_city_provider_or_kind(db: Database, now):
    """E7, E8."""
    payment = await opened_payment(db, now)
    foreign = PAYMENT.show(payment.payment_id, 2)
    outcomes = await settle(
        db,
        event(foreign, "payment.captured", now),
        captured(payment.payment_id, now, provider="other"),
        event(payment.out_no, "refund.done", now),
        event("anything", "payment.captured", now),
        now=now,
    )
    assert all(isinstance(o, UnknownNumber) for o in outcomes)
    assert (await one(db, payment.payment_id)).state == "opened"


async def test_what_the_provider_never_heard_of_is_closed_at_once(db: Database, now):
    ask = intent(now)
    async with db.city(CITY) as tx:
        await payments.open(tx, [ask], city_id=CITY, now=now)
        states = await payments.ask_close(tx, [ask.payment_id, ask.order_id], city_id=CITY, now=now)
    assert states == ["closed", None]
    assert await audit_clean(db)


async def test_closing_is_the_providers_word(db: Database, now):
    """E12: we ask; closed or captured, whoever was faster."""
    slow, quick = await opened_payment(db, now), await opened_payment(db, now)
    ids = [slow.payment_id, quick.payment_id]
    async with db.city(CITY) as tx:
        assert await payments.ask_close(tx, ids, city_id=CITY, now=now) == ["opened", "opened"]
        calls = await payments.claim_calls(tx, city_id=CITY, now=now)
    assert sorted(p.payment_id for p in calls.closes) == sorted(ids)
    outcomes = await settle(
        db,
        ProviderPayment(out_no=slow.out_no, state="closed"),
        ProviderPayment(out_no=quick.out_no, state="captured", amount=PRICE, at=now),
        now=now,
    )
    assert [type(o) for o in outcomes] == [Closed, Captured]
    assert await audit_clean(db)


async def test_a_close_that_got_no_answer_is_asked_again(db: Database, now):
    payment = await opened_payment(db, now)
    async with db.city(CITY) as tx:
        await payments.ask_close(tx, [payment.payment_id], city_id=CITY, now=now)
        await payments.claim_calls(tx, city_id=CITY, now=now)
    async with db.city(CITY) as tx:
        assert (await payments.claim_calls(tx, city_id=CITY, now=now + timedelta(seconds=14))).closes == []
        again = await payments.claim_calls(tx, city_id=CITY, now=now + timedelta(seconds=15))
    assert [p.payment_id for p in again.closes] == [payment.payment_id]


async def test_a_payment_is_asked_about_until_it_ends(db: Database, now):
    """E10, E11: unpaid for a day; asked often at first, then hourly, and never given up."""
    payment = await opened_payment(db, now, expires_at=now + timedelta(hours=30))
    asked, at = 0, now
    for _ in range(27 * 60):
        at += timedelta(minutes=1)
        async with db.city(CITY) as tx:
            polls = await payments.claim_polls(tx, city_id=CITY, now=at)
            if polls.payments:
                asked += 1
                unpaid = ProviderPayment(out_no=payment.out_no, state="unpaid")
                (outcome,) = await payments.settle(tx, [unpaid], city_id=CITY, now=at)
                assert isinstance(outcome, NotSettled)
    assert 30 < asked < 45
    async with db.city(CITY) as tx:
        assert [p.payment_id for p in (await payments.in_doubt(tx, city_id=CITY, now=at, longer_than=timedelta(1)))]


async def test_a_payer_who_comes_back_is_asked_about_at_once(db: Database, now):
    payment = await opened_payment(db, now)
    async with db.city(CITY) as tx:
        polls = await payments.claim_polls(tx, city_id=CITY, now=now, payments=[payment.payment_id], at_once=True)
        nothing = await payments.claim_polls(tx, city_id=CITY, now=now, payments=[], at_once=True)
    assert [p.payment_id for p in polls.payments] == [payment.payment_id]
    assert (nothing.payments, nothing.refunds) == ([], [])


async def test_a_set_costs_as_many_statements_as_one(db: Database, database_url: str, now):
    """Law 2: fifty captures are settled with the statements of one."""
    counts: list[int] = []
    for size in (1, 50):
        asked = [await opened_payment(db, now) for _ in range(size)]
        seen: list[str] = []
        counted = await Database(database_url, observer=lambda sql, _, seen=seen: seen.append(sql)).open()
        try:
            outcomes = await settle(counted, *(captured(p.payment_id, now) for p in asked), now=now)
        finally:
            await counted.close()
        assert all(isinstance(o, Captured) for o in outcomes)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 6
