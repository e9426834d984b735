"""What a provider's word does to payments and refunds. Pure: locked rows and findings in, what to write out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.payments.model import (
    ENDED,
    OPEN,
    TAKEN,
    WRONG_AMOUNT,
    AlreadyCaptured,
    AskRefund,
    Captured,
    Change,
    Closed,
    Found,
    NotSettled,
    Payment,
    Quarantined,
    Refund,
    RefundDone,
    RefundFailed,
    RefundState,
    Settled,
    State,
)


class Judge:
    """Applies findings, in their order, to payments and refunds that are locked. Pure: the result is what to write."""

    def __init__(self, payments: Sequence[Payment], refunds: Sequence[Refund], now: datetime) -> None:
        self.payments = {p.payment_id: p for p in payments}
        self.refunds = {r.refund_id: r for r in refunds}
        self.changes: list[Change] = []
        self.touched: set[UUID] = set()  # their next time is to be set anew, changed or not
        self.quarantines: list[AskRefund] = []
        self._now = now
        self._paid = {p.order_id for p in payments if p.state == "captured"}

    def judge(self, found: Found) -> Settled | None:
        """What the finding means; None when nothing is known under its id."""
        if found.kind == "payment":
            payment = self.payments.get(found.id)
            if payment is None or found.provider not in (None, payment.provider):
                return None
            if payment.state in OPEN:
                self.touched.add(found.id)
            return self._payment(payment, found)
        refund = self.refunds.get(found.id)
        if refund is None or found.provider not in (None, refund.provider):
            return None
        if refund.state not in ENDED:
            self.touched.add(found.id)
        return self._refund(refund, found)

    def _payment(self, payment: Payment, found: Found) -> Settled:
        if payment.state in TAKEN:
            return AlreadyCaptured(payment_id=payment.payment_id, order_id=payment.order_id)
        if found.state == "captured" and found.amount is not None and found.amount.units > 0:
            return self._capture(payment, found, found.amount)
        if self._is_closed(payment, found):
            self._move(payment, found, "closed")
            return Closed(payment_id=payment.payment_id, order_id=payment.order_id)
        if payment.state == "unknown" and found.state in ("unpaid", "unknown_number"):
            # Now it is known that opening it (again) under the same number does no harm.
            ready = found.state == "unpaid" and payment.pay_url is not None
            payment = self._move(payment, found, "opened" if ready else "created")
        return NotSettled(kind="payment", id=payment.payment_id, state=payment.state)

    def _is_closed(self, payment: Payment, found: Found) -> bool:
        if payment.state not in OPEN:
            return False
        gone = payment.close_asked_at is not None or self._now >= payment.expires_at
        return found.state == "closed" or (found.state == "unknown_number" and gone)

    def _capture(self, payment: Payment, found: Found, got: Amount) -> Settled:
        right = got == payment.amount
        surplus = right and payment.order_id in self._paid
        state: State = "quarantined" if not right else "surplus" if surplus else "captured"
        back = 0 if right else got.units
        self._move(payment, found, state, captured=got, captured_at=found.at, refunding=back)
        if not right:
            refund_id = derive(payment.payment_id, WRONG_AMOUNT)
            self.quarantines.append(
                AskRefund(refund_id=refund_id, payment_id=payment.payment_id, amount=got, reason=WRONG_AMOUNT)
            )
            return Quarantined(
                payment_id=payment.payment_id, order_id=payment.order_id, provider=payment.provider,
                asked=payment.amount, got=got, refund_id=refund_id,
            )  # fmt: skip
        self._paid.add(payment.order_id)
        return Captured(
            payment_id=payment.payment_id, order_id=payment.order_id, provider=payment.provider, amount=got,
            at=found.at, surplus=surplus,
        )  # fmt: skip

    def _refund(self, refund: Refund, found: Found) -> Settled:
        still = NotSettled(kind="refund", id=refund.refund_id, state=refund.state)
        if refund.state in ENDED:
            return still
        if found.state == "done" and found.amount == refund.amount:
            self._turn(refund, found, "done", ended_at=found.at)
            return RefundDone(**self._about(refund))
        if found.state == "failed":
            failure = found.failure or "unknown"
            self._turn(refund, found, "failed", ended_at=found.at, failure=failure)
            payment = self.payments[refund.payment_id]
            left = payment.refunding - refund.amount.units
            self.payments[refund.payment_id] = structs.replace(payment, refunding=left)
            self.touched.add(refund.payment_id)
            return RefundFailed(**self._about(refund), failure=failure)
        if found.state == "processing" and refund.state != "processing":
            self._turn(refund, found, "processing")
        elif found.state == "unknown_number" and refund.state == "unknown":
            self._turn(refund, found, "asked")  # it never arrived: sending it again is safe
        return NotSettled(kind="refund", id=refund.refund_id, state=self.refunds[refund.refund_id].state)

    def _about(self, refund: Refund) -> dict[str, Any]:
        payment = self.payments[refund.payment_id]
        return {
            "refund_id": refund.refund_id, "payment_id": refund.payment_id, "order_id": payment.order_id,
            "amount": refund.amount, "reason": refund.reason,
        }  # fmt: skip

    def _move(self, payment: Payment, found: Found, state: State, **more: Any) -> Payment:
        number = payment.provider_no or found.provider_no
        moved = structs.replace(payment, state=state, seq=payment.seq + 1, tries=0, provider_no=number, **more)
        self.payments[payment.payment_id] = moved
        self.touched.add(payment.payment_id)
        self._note(moved.payment_id, moved.seq, state, found)
        return moved

    def _turn(self, refund: Refund, found: Found, state: RefundState, **more: Any) -> None:
        number = refund.provider_no or found.provider_no
        turned = structs.replace(refund, state=state, seq=refund.seq + 1, tries=0, provider_no=number, **more)
        self.refunds[refund.refund_id] = turned
        self._note(turned.refund_id, turned.seq, state, found)

    def _note(self, subject: UUID, seq: int, state: str, found: Found) -> None:
        provider = found.provider if found.event_id else None
        self.changes.append(
            Change(
                subject=subject,
                seq=seq,
                state=state,
                cause=found.cause,
                provider=provider,
                event_id=found.event_id,
            )
        )
