"""Ann pays Noodle Bar: the short words that the tests of payments are written in."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import payments
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.ids import PAYMENT, REFUND
from hutong.kit.money import Amount
from hutong.payments import OpenAnswer, OpenIntent, Payment, ProviderEvent

CITY = 1
PRICE = Amount(6800, "CNY")


def intent(now: datetime, *, order_id: UUID | None = None, units: int = 6800, **more: Any) -> OpenIntent:
    given: dict[str, Any] = {
        "payment_id": new_id(), "order_id": order_id or new_id(), "provider": "sandbox",
        "amount": Amount(units, "CNY"), "description": "Noodle Bar", "expires_at": now + timedelta(minutes=15),
    }  # fmt: skip
    return OpenIntent(**(given | more))


def event(number: str, kind: str, now: datetime, *, amount: Amount = PRICE, **more: Any) -> ProviderEvent:
    """A callback. One event id for each call, unless given."""
    given: dict[str, Any] = {
        "provider": "sandbox", "event_id": f"ev_{new_id()}", "kind": kind, "number": number,
        "provider_no": f"SP{number[-26:]}", "amount": amount, "at": now, "body": b"{}", "failure": None,
    }  # fmt: skip
    return ProviderEvent(**(given | more))


def captured(payment_id: UUID, now: datetime, **more: Any) -> ProviderEvent:
    return event(PAYMENT.show(payment_id, CITY), "payment.captured", now, **more)


def refund_event(refund_id: UUID, kind: str, now: datetime, units: int, **more: Any) -> ProviderEvent:
    number = REFUND.show(refund_id, CITY)
    return event(number, f"refund.{kind}", now, amount=Amount(units, "CNY"), provider_no=f"SR{number[-26:]}", **more)


async def opened_payment(db: Database, now: datetime, **more: Any) -> Payment:
    """A payment whose pay page is open."""
    ask = intent(now, **more)
    async with db.city(CITY) as tx:
        await payments.open(tx, [ask], city_id=CITY, now=now, calling=True)
    answer = OpenAnswer(payment_id=ask.payment_id, provider_no=f"SP{ask.payment_id.hex}", pay_url="http://pay/1")
    async with db.city(CITY) as tx:
        (payment,) = await payments.opened(tx, [answer], city_id=CITY, now=now)
    assert payment is not None
    return payment


async def settle(db: Database, *findings: payments.Finding, now: datetime) -> list[payments.Settled]:
    async with db.city(CITY) as tx:
        return await payments.settle(tx, findings, city_id=CITY, now=now)


async def paid_payment(db: Database, now: datetime, **more: Any) -> Payment:
    """A payment that Ann has paid."""
    payment = await opened_payment(db, now, **more)
    await settle(db, captured(payment.payment_id, now, amount=payment.amount), now=now)
    return await one(db, payment.payment_id)


async def one(db: Database, payment_id: UUID) -> Payment:
    async with db.reading(CITY) as tx:
        (payment,) = await payments.by_ids(tx, [payment_id], city_id=CITY)
    assert payment is not None
    return payment


async def one_refund(db: Database, refund_id: UUID) -> payments.Refund:
    async with db.reading(CITY) as tx:
        (refund,) = await payments.refunds_by_ids(tx, [refund_id], city_id=CITY)
    assert refund is not None
    return refund


def ask_refund(payment: Payment, units: int, refund_id: UUID | None = None) -> payments.AskRefund:
    return payments.AskRefund(
        refund_id=refund_id or new_id(), payment_id=payment.payment_id, amount=Amount(units, "CNY"), reason="buyer"
    )
