"""The courier against the real SandboxPay on its worst days: whatever happens, nothing happens twice.

Q6 of the goals in small: every misbehaviour, from the opening to the refund, ends in the provider's truth with at
most one effect for each number, found by the courier's own rounds.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hutong import payments
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.clock import SystemClock
from hutong.kit.ids import REFUND
from hutong.kit.money import Amount
from hutong.payments import Addresses, Captured, Courier, OpenIntent, Quarantined, RefundDone, RefundFailed
from tests.conftest import audit_clean
from tests.db.payment_cast import CITY, ask_refund, one, one_refund
from tests.provider import Mailbox, SandboxProcess

pytestmark = pytest.mark.anyio
PATIENCE = 400  # rounds


class HurriedClock:
    """Real time, plus what a test does not want to wait for."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


@pytest.fixture(scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    process = await SandboxProcess(tmp_path_factory.mktemp("sandboxpay")).start()
    yield process
    await process.stop()


class Town:
    """A city with a courier, a provider and a mailbox; keeps what settle said."""

    def __init__(self, db: Database, company: SandboxProcess, mail: Mailbox, provider: payments.PaymentProvider):
        self.db, self.company, self.mail, self.provider = db, company, mail, provider
        self.clock = HurriedClock()
        self.said: list[Any] = []
        addresses = Addresses(notify=mail.url, back="http://127.0.0.1:9/paid/{order}")
        self.courier = Courier(db, {"sandbox": provider}, clock=self.clock, addresses=addresses, settle=self.settle)

    async def settle(self, tx, findings, /, *, city_id: int, now: datetime):
        outcomes = await payments.settle(tx, findings, city_id=city_id, now=now)
        self.said += outcomes
        return outcomes

    async def intent(self, units: int = 6800) -> payments.Payment:
        now = self.clock.now()
        ask = OpenIntent(
            payment_id=new_id(), order_id=new_id(), provider="sandbox", amount=Amount(units, "CNY"),
            description="牛肉面", expires_at=now + timedelta(minutes=15),
        )  # fmt: skip
        async with self.db.city(CITY) as tx:
            (payment,) = await payments.open(tx, [ask], city_id=CITY, now=now)
        assert isinstance(payment, payments.Payment)
        return payment

    async def take_letters(self) -> None:
        """The edge: verify, store, settle; each letter once more than needed."""
        for headers, body in [*self.mail.letters, *self.mail.letters[:1]]:
            try:
                event = self.provider.read_event(headers, body, now=SystemClock().now())
            except payments.BadSignature:
                continue
            async with self.db.city(CITY) as tx:
                await payments.receive(tx, [event], city_id=CITY, now=self.clock.now())
                await self.settle(tx, [event], city_id=CITY, now=self.clock.now())

    async def until(self, payment_id: UUID, *states: str) -> payments.Payment:
        """Rounds, five seconds apart, until the payment is in one of these states."""
        for _ in range(PATIENCE):
            payment = await one(self.db, payment_id)
            if payment.state in states:
                return payment
            await self.later()
        raise TimeoutError(f"not {states}")

    async def until_refund(self, refund_id: UUID, *states: str) -> payments.Refund:
        for _ in range(PATIENCE):
            refund = await one_refund(self.db, refund_id)
            if refund.state in states:
                return refund
            await self.later()
        raise TimeoutError(f"not {states}")

    async def later(self) -> None:
        self.clock.ahead += timedelta(seconds=5)
        await self.courier.round(CITY)
        await asyncio.sleep(0.02)

    async def pay(self, payment: payments.Payment) -> None:
        opened = await self.until(payment.payment_id, "opened")
        assert opened.pay_url is not None
        await self.company.pay(opened.pay_url)


@pytest.fixture
async def town(db: Database, company: SandboxProcess) -> AsyncIterator[Town]:
    async with Mailbox() as mail, company.adapter(answer_seconds=0.4) as provider:
        yield Town(db, company, mail, provider)
    await company.end_script()


async def test_open_now_gives_the_pay_page(town: Town):
    payment = await town.intent()
    (opened,) = await town.courier.open(CITY, [payment.payment_id])
    assert opened is not None
    assert opened.state == "opened"
    assert opened.pay_url is not None
    (again,) = await town.courier.open(CITY, [payment.payment_id])
    assert again == opened
    assert await town.company.calls(payment.out_no) == {"open": 1}
    assert await audit_clean(town.db)


async def test_a_paid_page_is_found_by_asking_when_the_payer_comes_back(town: Town):
    payment = await town.intent()
    await town.pay(payment)
    (outcome,) = await town.courier.ask(CITY, [payment.payment_id])
    assert isinstance(outcome, Captured)
    assert await audit_clean(town.db)


DAYS = {
    "a good day": [],
    "done but 500": [{"mode": "done_then_500", "times": 2}],
    "done but no answer": [{"mode": "timeout_but_done", "times": 1}],
    "silence": [{"mode": "silent", "times": 2}],
    "lost callbacks": [{"mode": "lost"}],
    "late callbacks": [{"mode": "late", "seconds": 0.3}],
    "copies": [{"mode": "duplicate", "count": 4}],
    "another order": [{"mode": "reorder", "seconds": 0.3}],
    "forged callbacks": [{"mode": "forged"}],
    "slow refunds": [{"mode": "slow", "seconds": 0.3}],
}


@pytest.mark.parametrize("rules", DAYS.values(), ids=DAYS.keys())
async def test_bad_days_end_well(town: Town, rules: list[dict[str, Any]]):
    payment = await town.intent()
    await town.company.script(payment.out_no, *rules)
    await town.pay(payment)
    await town.take_letters()
    await town.until(payment.payment_id, "captured")
    back = ask_refund(payment, 6800)
    await town.company.script(REFUND.show(back.refund_id, CITY), *rules)
    async with town.db.city(CITY) as tx:
        await payments.ask_refunds(tx, [back], city_id=CITY, now=town.clock.now())
    refund = await town.until_refund(back.refund_id, "done")
    await asyncio.sleep(0.4)
    await town.take_letters()
    sent = (await town.company.calls(refund.refund_no))["refund"]
    assert sent == (2 if rules and rules[0]["mode"] == "silent" else 1)  # again only when it is sure that it got lost
    assert await town.company.effects(payment.out_no) == {"capture": 1}
    assert await town.company.effects(refund.refund_no) == {"refund": 1}
    assert sum(isinstance(o, Captured) for o in town.said) == 1
    assert sum(isinstance(o, RefundDone) for o in town.said) == 1
    assert await audit_clean(town.db)


async def test_a_wrong_amount_comes_back_by_itself(town: Town):
    payment = await town.intent()
    await town.company.script(payment.out_no, {"mode": "wrong_amount", "delta": 1})
    await town.pay(payment)
    odd = await town.until(payment.payment_id, "quarantined")
    (said,) = [o for o in town.said if isinstance(o, Quarantined)]
    refund = await town.until_refund(said.refund_id, "done")
    assert odd.captured == refund.amount == Amount(6801, "CNY")
    assert await town.company.effects(refund.refund_no) == {"refund": 1}
    assert await audit_clean(town.db)


async def test_a_refused_refund_fails_with_its_code(town: Town):
    payment = await town.intent()
    await town.pay(payment)
    await town.until(payment.payment_id, "captured")
    back = ask_refund(payment, 6800)
    await town.company.script(payment.out_no, {"mode": "refund_fails"})
    async with town.db.city(CITY) as tx:
        await payments.ask_refunds(tx, [back], city_id=CITY, now=town.clock.now())
    await town.courier.send_refunds(CITY, [back.refund_id])
    assert (await town.until_refund(back.refund_id, "failed")).failure == "account_closed"
    assert sum(isinstance(o, RefundFailed) for o in town.said) == 1
    assert await audit_clean(town.db)


async def test_closing_against_paying(town: Town):
    """E12, ten times: closed or captured, the same on both sides."""
    for _ in range(10):
        payment = await town.intent()
        opened = await town.until(payment.payment_id, "opened")
        assert opened.pay_url is not None
        async with town.db.city(CITY) as tx:
            await payments.ask_close(tx, [payment.payment_id], city_id=CITY, now=town.clock.now())
        await asyncio.gather(town.company.pay(opened.pay_url), town.courier.round(CITY))
        after = await town.until(payment.payment_id, "closed", "captured")
        assert (await town.provider.payment(payment.out_no)).state == after.state
    assert await audit_clean(town.db)


async def test_many_couriers_call_once(town: Town):
    """Eight rounds at once over twenty intents: every number is asked for once."""
    intents = [await town.intent() for _ in range(20)]
    await asyncio.gather(*(town.courier.round(CITY) for _ in range(8)))
    for payment in intents:
        assert (await town.until(payment.payment_id, "opened")).pay_url is not None
        assert (await town.company.calls(payment.out_no))["open"] == 1
    assert await audit_clean(town.db)


async def test_one_poisoned_finding_stops_nobody_else(town: Town):
    """What cannot be applied is logged and comes again; the others of its set are applied."""
    good = [await town.intent() for _ in range(3)]
    for payment in good:
        await town.pay(payment)
    poison = good[1].out_no
    real = town.settle

    async def settle(tx, findings, /, *, city_id: int, now: datetime):
        if any(getattr(f, "out_no", None) == poison for f in findings):
            raise RuntimeError("orders stumbled")
        return await real(tx, findings, city_id=city_id, now=now)

    stumbling = Courier(
        town.db, {"sandbox": town.provider}, clock=town.clock, settle=settle,
        addresses=Addresses(notify=town.mail.url, back="http://127.0.0.1:9/{order}"),
    )  # fmt: skip
    await stumbling.ask(CITY, [p.payment_id for p in good])
    assert [(await one(town.db, p.payment_id)).state for p in good] == ["captured", "opened", "captured"]
    await town.until(good[1].payment_id, "captured")
    assert await audit_clean(town.db)
