"""PocketPay: a payment provider that fits into a test. It keeps its word in memory and moves when it is told to.

A working twin: it takes what we ask, remembers numbers and amounts, and answers as SandboxPay does. The tests of
pages use it because they are about pages; whoever tests payments uses the real process.
"""

from collections.abc import Mapping
from datetime import date, datetime

from hutong.kit.money import Amount
from hutong.payments import (
    BillLine,
    OpenedPayment,
    OpenPayment,
    OpenPayout,
    OpenRefund,
    ProviderEvent,
    ProviderPayment,
    ProviderPayout,
    ProviderRefund,
    ProviderRefused,
    ProviderUnknown,
)


class PocketPay:
    """`silent`: answers nothing; `poor`: has no money of ours to pay out. `pay` is the payer pressing the
    button; whoever asks afterwards hears of it."""

    name = "sandbox"

    def __init__(self) -> None:
        self.opened: dict[str, OpenPayment] = {}
        self.paid: dict[str, Amount] = {}
        self.refunds: dict[str, OpenRefund] = {}
        self.silent = self.poor = False

    async def open_payment(self, ask: OpenPayment) -> OpenedPayment:
        if self.silent:
            raise ProviderUnknown("PocketPay is told to be silent")
        self.opened.setdefault(ask.out_no, ask)
        return OpenedPayment(
            out_no=ask.out_no, provider_no=f"P{ask.out_no}", pay_url=f"http://pay.example/{ask.out_no}"
        )

    def pay(self, out_no: str) -> str:
        """The payer pays; gives the address to which he is sent back."""
        ask = self.opened[out_no]
        self.paid[out_no] = ask.amount
        return ask.return_url

    async def payment(self, out_no: str) -> ProviderPayment:
        if out_no in self.paid:
            return ProviderPayment(out_no=out_no, state="captured", provider_no=f"P{out_no}", amount=self.paid[out_no])
        return ProviderPayment(out_no=out_no, state="unpaid" if out_no in self.opened else "unknown_number")

    async def close_payment(self, out_no: str) -> ProviderPayment:
        said = await self.payment(out_no)
        return said if said.state == "captured" else ProviderPayment(out_no=out_no, state="closed")

    async def refund(self, ask: OpenRefund) -> ProviderRefund:
        self.refunds.setdefault(ask.refund_no, ask)
        return await self.refund_of(ask.refund_no)

    async def refund_of(self, refund_no: str) -> ProviderRefund:
        ask = self.refunds.get(refund_no)
        if ask is None:
            return ProviderRefund(refund_no=refund_no, state="unknown_number")
        return ProviderRefund(refund_no=refund_no, state="done", provider_no=f"R{refund_no}", amount=ask.amount)

    async def pay_out(self, ask: OpenPayout) -> ProviderPayout:
        if self.poor:
            raise ProviderRefused("insufficient_balance", "the balance is 0")
        return ProviderPayout(payout_no=ask.payout_no, state="done", provider_no="O", amount=ask.amount)

    async def payout(self, payout_no: str) -> ProviderPayout:
        return ProviderPayout(payout_no=payout_no, state="unknown_number")

    async def bill(self, day: date) -> list[BillLine]:
        del day
        return []

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        raise NotImplementedError("PocketPay sends no callbacks; it is asked")
