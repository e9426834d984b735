"""Every invariant of payments can fire: each test seeds its violation, with the guard that forbids it taken away."""

from datetime import timedelta

import pytest

from hutong import payments
from hutong.infra.db import Database
from tests.conftest import audit_clean, fires
from tests.db.payment_cast import (
    CITY,
    ask_refund,
    captured,
    intent,
    opened_payment,
    paid_payment,
    refund_event,
    settle,
)

pytestmark = pytest.mark.anyio


async def sql(db: Database, *statements: str, **params: object) -> None:
    async with db.central() as tx:
        for statement in statements:
            await tx.run(statement, **params)


async def refunded(db: Database, now, units: int = 100) -> payments.AskRefund:
    payment = await paid_payment(db, now)
    back = ask_refund(payment, units)
    async with db.city(CITY) as tx:
        await payments.ask_refunds(tx, [back], city_id=CITY, now=now)
    return back


async def test_p01_one_provider_transaction_for_two_payments(db: Database, now):
    await opened_payment(db, now)
    await opened_payment(db, now)
    await sql(db, "drop index payments.payments_provider_no_key", "update payments.payments set provider_no = 'SP1'")
    assert await fires(db, "P01")


async def test_p02_two_captured_payments_of_one_order(db: Database, now):
    first = await paid_payment(db, now)
    await paid_payment(db, now)
    await sql(db, "drop index payments.payments_captured_key")
    await sql(db, "update payments.payments set order_id = %(order)s", order=first.order_id)
    assert await fires(db, "P02")


async def test_p04_a_captured_payment_of_another_amount(db: Database, now):
    await paid_payment(db, now)
    await sql(
        db,
        "alter table payments.payments drop constraint payments_amount_check",
        "update payments.payments set captured_units = captured_units - 1",
    )
    assert await fires(db, "P04")


async def test_p06_a_callback_that_nobody_understood(db: Database, now):
    async with db.city(CITY) as tx:
        await payments.receive(tx, [captured(intent(now).payment_id, now)], city_id=CITY, now=now)
    assert await audit_clean(db)
    await opened_payment(db, now + timedelta(minutes=11))
    assert await fires(db, "P06")


async def test_p07_one_callback_with_two_effects(db: Database, now):
    payment = await opened_payment(db, now)
    await settle(db, captured(payment.payment_id, now, event_id="ev_1"), now=now)
    assert await audit_clean(db)
    await sql(
        db,
        """insert into payments.changes (city_id, subject, seq, state, at, cause, provider, event_id)
           select city_id, subject, seq + 1, state, at, cause, provider, event_id from payments.changes
           where event_id = 'ev_1'""",
    )
    assert await fires(db, "P07")


async def test_p08_a_payment_in_doubt_for_over_a_day(db: Database, now):
    await opened_payment(db, now)
    await opened_payment(db, now + timedelta(hours=26))
    assert await audit_clean(db)
    await opened_payment(db, now + timedelta(hours=26, minutes=16))
    assert await fires(db, "P08")


@pytest.mark.parametrize(
    "damage",
    [
        "update payments.changes set state = 'closed' where seq = 2",
        "delete from payments.changes where seq = 1",
        "update payments.payments set seq = seq + 1",
    ],
)
async def test_p09_a_payment_whose_history_does_not_fit(db: Database, now, damage: str):
    await opened_payment(db, now)
    await sql(db, damage)
    assert await fires(db, "P09")


async def test_p10_money_of_no_order_that_stays(db: Database, now):
    first = await paid_payment(db, now)
    second = await opened_payment(db, now)
    await sql(db, "update payments.payments set order_id = %(order)s", order=first.order_id)
    await settle(db, captured(second.payment_id, now), now=now)  # surplus, and nobody gives it back
    assert await fires(db, "P10")


async def test_r01_more_refunded_than_captured(db: Database, now):
    await refunded(db, now)
    await sql(db, "update payments.refunds set units = 6801")
    assert await fires(db, "R01")


async def test_r02_one_provider_refund_for_two_refunds(db: Database, now):
    await refunded(db, now)
    await refunded(db, now)
    await sql(db, "drop index payments.refunds_provider_no_key", "update payments.refunds set provider_no = 'SR1'")
    assert await fires(db, "R02")


@pytest.mark.parametrize(
    "damage",
    ["update payments.payments set refunding_units = 99", "update payments.refunds set asset = 'USD'"],
)
async def test_r05_a_payment_that_does_not_know_its_refunds(db: Database, now, damage: str):
    await refunded(db, now)
    await sql(db, damage)
    assert await fires(db, "R05")


async def test_r06_a_refund_that_never_ends(db: Database, now):
    await refunded(db, now)
    await paid_payment(db, now + timedelta(hours=26))
    assert await audit_clean(db)
    await paid_payment(db, now + timedelta(hours=27))
    assert await fires(db, "R06")
    await sql(db, "update payments.refunds set state = 'processing'")
    assert not await fires(db, "R06")
    await paid_payment(db, now + timedelta(days=8, hours=1))
    assert await fires(db, "R06")


async def test_r07_a_refund_whose_history_does_not_fit(db: Database, now):
    back = await refunded(db, now)
    await settle(db, refund_event(back.refund_id, "done", now, 100), now=now)
    assert await audit_clean(db)
    await sql(db, "delete from payments.changes where subject = %(id)s and seq = 1", id=back.refund_id)
    assert await fires(db, "R07")
