"""The exam of a payment provider: whoever passes may carry money. SandboxPay sits it over loopback.

A provider that cannot be told to misbehave says so (`Bench.scripted = False`) and skips those questions.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import Struct, structs

from hutong.infra.ids import new_id
from hutong.kit.clock import SystemClock
from hutong.kit.ids import PAYMENT, PAYOUT, REFUND
from hutong.kit.money import Amount
from hutong.payments.port import (
    BadSignature,
    OpenPayment,
    OpenPayout,
    OpenRefund,
    PaymentProvider,
    ProviderEvent,
    ProviderRefused,
    ProviderUnknown,
)
from tests.provider import Mailbox, SandboxProcess

CLOCK = SystemClock()
CITY = 1


class Bench(Struct):
    """What a provider brings to the exam: itself, its test bench, and a mailbox for its callbacks."""

    provider: PaymentProvider
    company: SandboxProcess
    mail: Mailbox
    scripted: bool = True

    async def script(self, number: str | None, *rules: dict[str, Any]) -> None:
        if not self.scripted:
            pytest.skip("this provider cannot be told to misbehave")
        await self.company.script(number, *rules)

    def ask(self, units: int = 6800, *, seconds: float = 900) -> OpenPayment:
        return OpenPayment(
            out_no=PAYMENT.show(new_id(), CITY),
            amount=Amount(units, "CNY"),
            description="Noodle Bar · 牛肉面双人餐",
            notify_url=self.mail.url,
            return_url="http://127.0.0.1:9/orders/1",
            expires_at=CLOCK.now() + timedelta(seconds=seconds),
        )

    async def paid(self, units: int = 6800, *rules: dict[str, Any]) -> OpenPayment:
        """A payment that Ann has paid."""
        ask = self.ask(units)
        if rules:
            await self.script(ask.out_no, *rules)
        opened = await self.provider.open_payment(ask)
        assert (await self.company.pay(opened.pay_url)).status_code == 303
        return ask

    def refund_of(self, ask: OpenPayment, units: int) -> OpenRefund:
        return OpenRefund(
            refund_no=REFUND.show(new_id(), CITY),
            out_no=ask.out_no,
            amount=Amount(units, ask.amount.asset),
            reason="buyer changed their mind",
        )

    async def events(self, number: str, count: int = 1) -> list[ProviderEvent]:
        letters = await self.mail.wait(number, count)
        return [self.provider.read_event(headers, body, now=CLOCK.now()) for headers, body in letters]


@pytest.mark.anyio
class PaymentExam:
    """One question a test."""

    async def test_open_twice_with_one_number_is_one_payment(self, bench: Bench):
        ask = bench.ask()
        first, second = await bench.provider.open_payment(ask), await bench.provider.open_payment(ask)
        assert first == second
        assert (await bench.provider.payment(ask.out_no)).state == "unpaid"

    async def test_one_number_for_two_prices_is_refused(self, bench: Bench):
        ask = bench.ask(6800)
        await bench.provider.open_payment(ask)
        with pytest.raises(ProviderRefused):
            await bench.provider.open_payment(structs.replace(ask, amount=Amount(100, "CNY")))

    async def test_a_number_nobody_opened_is_an_unknown_number(self, bench: Bench):
        number = PAYMENT.show(new_id(), CITY)
        assert (await bench.provider.payment(number)).state == "unknown_number"
        assert (await bench.provider.close_payment(number)).state == "unknown_number"
        assert (await bench.provider.refund_of(REFUND.show(new_id(), CITY))).state == "unknown_number"
        assert (await bench.provider.payout(PAYOUT.show(new_id(), CITY))).state == "unknown_number"

    async def test_a_capture_arrives_and_the_query_agrees(self, bench: Bench):
        ask = await bench.paid(6800)
        (event,) = await bench.events(ask.out_no)
        assert (event.kind, event.number, event.amount) == ("payment.captured", ask.out_no, ask.amount)
        truth = await bench.provider.payment(ask.out_no)
        assert (truth.state, truth.amount, truth.provider_no) == ("captured", ask.amount, event.provider_no)
        assert truth.at is not None

    async def test_the_button_pressed_twenty_times_pays_once(self, bench: Bench):
        ask = bench.ask()
        opened = await bench.provider.open_payment(ask)
        await asyncio.gather(*(bench.company.pay(opened.pay_url) for _ in range(20)))
        assert await bench.company.effects(ask.out_no) == {"capture": 1}

    async def test_cancel_on_the_pay_page_leaves_it_unpaid(self, bench: Bench):
        ask = bench.ask()
        opened = await bench.provider.open_payment(ask)
        back = await bench.company.pay(opened.pay_url, "cancel")
        assert "result=cancelled" in back.headers["location"]
        assert (await bench.provider.payment(ask.out_no)).state == "unpaid"

    async def test_refund_twice_with_one_number_is_one_refund(self, bench: Bench):
        ask = await bench.paid(6800)
        refund = bench.refund_of(ask, 6800)
        first, second = await bench.provider.refund(refund), await bench.provider.refund(refund)
        assert first.provider_no == second.provider_no
        assert (await bench.provider.refund_of(refund.refund_no)).state == "done"
        assert await bench.company.effects(refund.refund_no) == {"refund": 1}
        (event,) = await bench.events(refund.refund_no)
        assert (event.kind, event.amount) == ("refund.done", Amount(6800, "CNY"))

    async def test_parallel_partial_refunds_stay_within_what_was_captured(self, bench: Bench):
        """K9: twenty times 60 of 100."""
        ask = await bench.paid(10_000)
        asks = [bench.refund_of(ask, 6_000) for _ in range(20)]
        results = await asyncio.gather(*(bench.provider.refund(one) for one in asks), return_exceptions=True)
        assert sum(not isinstance(r, BaseException) for r in results) == 1
        assert sum(isinstance(r, ProviderRefused) for r in results) == 19
        assert (await bench.provider.refund(bench.refund_of(ask, 4_000))).state == "done"

    async def test_a_refund_needs_a_captured_payment(self, bench: Bench):
        ask = bench.ask()
        with pytest.raises(ProviderRefused):
            await bench.provider.refund(bench.refund_of(ask, 1))
        await bench.provider.open_payment(ask)
        with pytest.raises(ProviderRefused):
            await bench.provider.refund(bench.refund_of(ask, 1))

    async def test_closed_then_paid_is_refused(self, bench: Bench):
        ask = bench.ask()
        opened = await bench.provider.open_payment(ask)
        assert (await bench.provider.close_payment(ask.out_no)).state == "closed"
        assert (await bench.company.pay(opened.pay_url)).status_code == 200
        assert await bench.company.effects(ask.out_no) == {}
        (event,) = await bench.events(ask.out_no)
        assert event.kind == "payment.closed"

    async def test_closing_what_is_paid_says_captured(self, bench: Bench):
        ask = await bench.paid()
        assert (await bench.provider.close_payment(ask.out_no)).state == "captured"

    async def test_an_expired_payment_closes_by_itself(self, bench: Bench):
        ask = bench.ask(seconds=0.3)
        opened = await bench.provider.open_payment(ask)
        await asyncio.sleep(0.4)
        await bench.company.pay(opened.pay_url)
        assert (await bench.provider.payment(ask.out_no)).state == "closed"

    @pytest.mark.parametrize("mode", ["done_then_500", "timeout_but_done"])
    async def test_done_without_an_answer_is_unknown_and_the_query_knows(self, bench: Bench, mode: str):
        ask = bench.ask()
        await bench.script(ask.out_no, {"mode": mode, "times": 1, "only": ["open"]})
        with pytest.raises(ProviderUnknown):
            await bench.provider.open_payment(ask)
        assert (await bench.provider.payment(ask.out_no)).state == "unpaid"
        opened = await bench.provider.open_payment(ask)
        await bench.company.pay(opened.pay_url)
        refund = bench.refund_of(ask, 6800)
        await bench.script(refund.refund_no, {"mode": mode, "times": 1})
        with pytest.raises(ProviderUnknown):
            await bench.provider.refund(refund)
        assert (await bench.provider.refund_of(refund.refund_no)).state == "done"
        assert await bench.company.effects(refund.refund_no) == {"refund": 1}

    async def test_silence_is_unknown_and_may_mean_that_nothing_happened(self, bench: Bench):
        ask = bench.ask()
        await bench.script(ask.out_no, {"mode": "silent", "times": 1})
        with pytest.raises(ProviderUnknown):
            await bench.provider.open_payment(ask)
        assert (await bench.provider.payment(ask.out_no)).state == "unknown_number"

    async def test_a_lost_callback_is_found_by_asking(self, bench: Bench):
        ask = await bench.paid(6800, {"mode": "lost"})
        await asyncio.sleep(0.3)
        assert bench.mail.about(ask.out_no) == []
        assert (await bench.provider.payment(ask.out_no)).state == "captured"

    async def test_copies_of_a_callback_carry_one_event_id(self, bench: Bench):
        ask = await bench.paid(6800, {"mode": "duplicate", "count": 5})
        events = await bench.events(ask.out_no, 5)
        assert len({event.event_id for event in events}) == 1

    async def test_a_callback_is_repeated_until_it_is_taken(self, bench: Bench):
        bench.mail.statuses = [500, 401]
        ask = await bench.paid()
        events = await bench.events(ask.out_no, 3)
        assert len({event.event_id for event in events}) == 1

    async def test_callbacks_may_overtake_each_other(self, bench: Bench):
        ask = await bench.paid(6800, {"mode": "reorder", "seconds": 0.6})
        await bench.provider.refund(bench.refund_of(ask, 100))
        first, second = await bench.events(ask.out_no, 2)
        assert (first.kind, second.kind) == ("refund.done", "payment.captured")

    async def test_another_amount_is_told_as_it_is(self, bench: Bench):
        ask = await bench.paid(6800, {"mode": "wrong_amount", "delta": -1})
        (event,) = await bench.events(ask.out_no)
        assert event.amount == Amount(6799, "CNY")
        assert (await bench.provider.payment(ask.out_no)).amount == Amount(6799, "CNY")

    async def test_a_refund_that_fails_frees_its_amount(self, bench: Bench):
        ask = await bench.paid(6800)
        refund = bench.refund_of(ask, 6800)
        await bench.script(refund.refund_no, {"mode": "refund_fails"}, {"mode": "slow", "seconds": 0.3})
        assert (await bench.provider.refund(refund)).state == "processing"
        (event,) = await bench.events(refund.refund_no)
        assert (event.kind, event.failure) == ("refund.failed", "account_closed")
        assert (await bench.provider.refund_of(refund.refund_no)).state == "failed"
        assert (await bench.provider.refund(bench.refund_of(ask, 6800))).state == "done"

    async def test_a_callback_signed_by_somebody_else_is_refused(self, bench: Bench):
        ask = await bench.paid(6800, {"mode": "forged"})
        headers, body = (await bench.mail.wait(ask.out_no))[0]
        with pytest.raises(BadSignature):
            bench.provider.read_event(headers, body, now=CLOCK.now())

    async def test_a_callback_changed_by_one_byte_is_refused(self, bench: Bench):
        """E1: body, signature, timestamp, nonce, serial; the untouched one passes before and after."""
        ask = await bench.paid()
        headers, body = (await bench.mail.wait(ask.out_no))[0]
        signed = [name for name in headers if name.startswith("sandboxpay-")]
        forgeries = [(headers, body[:i] + bytes([body[i] ^ 1]) + body[i + 1 :]) for i in range(0, len(body), 3)]
        forgeries += [(headers, body + b" "), (headers, b""), ({}, body)]
        for name in signed:
            value = headers[name]
            forgeries.append(({k: v for k, v in headers.items() if k != name}, body))
            for i in range(0, len(value), 7):
                other = value[:i] + ("A" if value[i] != "A" else "B") + value[i + 1 :]
                forgeries.append(({**headers, name: other}, body))
        bench.provider.read_event(headers, body, now=CLOCK.now())
        for forged_headers, forged_body in forgeries:
            with pytest.raises(BadSignature):
                bench.provider.read_event(forged_headers, forged_body, now=CLOCK.now())
        bench.provider.read_event(headers, body, now=CLOCK.now())

    @pytest.mark.parametrize("minutes", [-6, 6])
    async def test_a_stale_callback_is_refused(self, bench: Bench, minutes: int):
        ask = await bench.paid()
        headers, body = (await bench.mail.wait(ask.out_no))[0]
        with pytest.raises(BadSignature):
            bench.provider.read_event(headers, body, now=CLOCK.now() + timedelta(minutes=minutes))

    async def test_a_payout_is_made_once_and_never_above_the_balance(self, bench: Bench):
        await bench.paid(10_000)
        ask = OpenPayout(
            payout_no=PAYOUT.show(new_id(), CITY), account="bank:6222000011112222", amount=Amount(5_000, "CNY")
        )
        first, second = await bench.provider.pay_out(ask), await bench.provider.pay_out(ask)
        assert first.provider_no == second.provider_no
        assert (await bench.provider.payout(ask.payout_no)).state == "done"
        assert await bench.company.effects(ask.payout_no) == {"payout": 1}
        huge = OpenPayout(payout_no=PAYOUT.show(new_id(), CITY), account=ask.account, amount=Amount(10**11, "CNY"))
        with pytest.raises(ProviderRefused):
            await bench.provider.pay_out(huge)

    @pytest.mark.parametrize(("units", "fee"), [(12_600, 76), (6_250, 38), (83, 0), (84, 1), (1, 0)])
    async def test_the_bill_has_every_movement_and_its_fee(self, bench: Bench, units: int, fee: int):
        """money.md: 0.6 % of 12,600 is 76; halves go up."""
        ask = await bench.paid(units)
        refund = bench.refund_of(ask, 1)
        await bench.provider.refund(refund)
        lines = [
            line
            for day in {(CLOCK.now() + timedelta(hours=h)).date() for h in (0, 8)}
            for line in await bench.provider.bill(day)
        ]
        (captured,) = [line for line in lines if line.number == ask.out_no]
        assert (captured.kind, captured.amount.units, captured.fee.units) == ("capture", units, fee)
        (back,) = [line for line in lines if line.number == refund.refund_no]
        assert (back.kind, back.amount.units, back.fee.units) == ("refund", 1, 0)
