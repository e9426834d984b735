"""The courier carries our questions to providers and their answers home, always between two transactions.

Intent row, commit, call, result row. An answer that does not come changes nothing: the payment is unknown already,
and the courier asks about it when its time comes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Database, Tx
from hutong.infra.faults import of_the_house
from hutong.kit.clock import Clock
from hutong.kit.ids import BILL, BLOCK, ORDER, PAYMENT
from hutong.payments import operations, queries
from hutong.payments.model import OpenAnswer, Payment, Refund
from hutong.payments.operations import Finding
from hutong.payments.port import (
    OpenPayment,
    OpenRefund,
    PaymentProvider,
    ProviderPayment,
    ProviderRefund,
    ProviderRefused,
    ProviderUnknown,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
CALL_SECONDS = 20.0
AT_ONCE = 64
PLACES = {"order": ORDER, "bill": BILL, "block": BLOCK}  # where a payer comes back to, by what he pays for


class Settle(Protocol):
    """What is done with findings, in one transaction: payments.settle, or what orders make of it."""

    async def __call__(
        self, tx: Tx, findings: Sequence[Finding], /, *, city_id: int, now: datetime
    ) -> Sequence[Any]: ...


class Addresses(Struct, frozen=True):
    """Where providers send callbacks and payers. {provider} and {order} are filled in."""

    notify: str  # e.g. https://hutong.example/callbacks/{provider}
    back: str  # e.g. https://hutong.example/orders/{order}/paying


class Round(Struct, frozen=True, kw_only=True):
    """What one round over a city did, by number of things."""

    opened: int
    closed: int
    refunds: int
    asked: int
    events: int

    def __bool__(self) -> bool:
        return any((self.opened, self.closed, self.refunds, self.asked, self.events))


class Courier:
    """One for a process. `settle` is given by whoever reacts to money that came or went (orders)."""

    def __init__(
        self,
        db: Database,
        providers: Mapping[str, PaymentProvider],
        *,
        clock: Clock,
        addresses: Addresses,
        settle: Settle = operations.settle,
        at_once: int = AT_ONCE,
    ) -> None:
        self._db, self._providers, self._clock = db, providers, clock
        self._addresses, self._settle = addresses, settle
        self._room = asyncio.Semaphore(at_once)

    async def open(self, city_id: int, ids: Sequence[UUID]) -> list[Payment | None]:
        """Call the provider for these intents, now; the payments as they stand afterwards, in the order of the ids.

        Those that somebody else is calling, or that are open already, are left alone.
        """

        async def claim(tx: Tx) -> operations.Calls:
            return await operations.claim_calls(tx, city_id=city_id, now=self._clock.now(), payments=ids, refunds=())

        calls = await self._db.run_city(city_id, claim)
        await self.open_claimed(city_id, calls.opens)
        async with self._db.reading(city_id) as tx:
            return await queries.by_ids(tx, ids, city_id=city_id)

    async def open_claimed(self, city_id: int, payments: Sequence[Payment]) -> None:
        """Call for payments that this process may call: taken by claim_calls, or opened with `calling`."""
        answers = [a for a in await self._gather([self._open_one(p) for p in payments]) if a is not None]
        if answers:
            await self._db.run_city(
                city_id, lambda tx: operations.opened(tx, answers, city_id=city_id, now=self._clock.now())
            )

    async def send_refunds(self, city_id: int, ids: Sequence[UUID]) -> list[Any]:
        """Send these refunds, now; what settle made of the answers that came."""

        async def claim(tx: Tx) -> operations.Calls:
            return await operations.claim_calls(tx, city_id=city_id, now=self._clock.now(), payments=(), refunds=ids)

        calls = await self._db.run_city(city_id, claim)
        return await self._bring(city_id, await self._gather([self._refund_one(r) for r in calls.refunds]))

    async def ask(self, city_id: int, payments: Sequence[UUID] = (), refunds: Sequence[UUID] = ()) -> list[Any]:
        """Ask the providers about these, now; what settle made of the answers that came."""

        async def claim(tx: Tx) -> operations.Polls:
            return await operations.claim_polls(
                tx, city_id=city_id, now=self._clock.now(), payments=payments, refunds=refunds, at_once=True
            )

        polls = await self._db.run_city(city_id, claim)
        return await self._bring(city_id, await self._ask_all(polls))

    async def round(self, city_id: int, *, limit: int = 100) -> Round:
        """Everything of a city whose time has come: openings, closings, refunds, questions, events that waited."""

        async def claim(tx: Tx) -> tuple[operations.Calls, operations.Polls, Sequence[Finding]]:
            now = self._clock.now()
            calls = await operations.claim_calls(tx, city_id=city_id, now=now, limit=limit)
            polls = await operations.claim_polls(tx, city_id=city_id, now=now, limit=limit)
            return calls, polls, await operations.claim_events(tx, city_id=city_id, now=now, limit=limit)

        calls, polls, events = await self._db.run_city(city_id, claim)
        await self._bring(city_id, events)
        await self.open_claimed(city_id, calls.opens)
        jobs = [self._close_one(p) for p in calls.closes]
        await self._bring(city_id, await self._gather(jobs))
        await self._bring(city_id, await self._gather([self._refund_one(r) for r in calls.refunds]))
        await self._bring(city_id, await self._ask_all(polls))
        return Round(
            opened=len(calls.opens),
            closed=len(calls.closes),
            refunds=len(calls.refunds),
            asked=len(polls.payments) + len(polls.refunds),
            events=len(events),
        )

    async def _bring(self, city_id: int, findings: Sequence[Finding | None]) -> list[Any]:
        """Settle what is known. A finding that cannot be applied is halved out, so that it stops nobody else."""
        known = [finding for finding in findings if finding is not None]
        if not known:
            return []
        try:
            results = await self._db.run_city(
                city_id, lambda tx: self._settle(tx, known, city_id=city_id, now=self._clock.now())
            )
        except Exception as error:
            if of_the_house(error):
                raise
            if len(known) == 1:
                log.exception("a finding could not be applied; it comes again")
                return []
            half = len(known) // 2
            return [*await self._bring(city_id, known[:half]), *await self._bring(city_id, known[half:])]
        return list(results)

    async def _ask_all(self, polls: operations.Polls) -> list[Finding | None]:
        payments = [self._answer(p.provider, lambda it, p=p: it.payment(p.out_no)) for p in polls.payments]
        refunds = [self._answer(r.provider, lambda it, r=r: it.refund_of(r.refund_no)) for r in polls.refunds]
        return [*await self._gather(payments), *await self._gather(refunds)]

    async def _open_one(self, payment: Payment) -> OpenAnswer | None:
        ask = OpenPayment(
            out_no=payment.out_no,
            amount=payment.amount,
            description=payment.description,
            notify_url=self._addresses.notify.format(provider=payment.provider),
            return_url=self._addresses.back.format(
                order=PLACES[payment.purpose].show(payment.order_id, payment.city_id)
            ),
            expires_at=payment.expires_at,
        )
        try:
            said = await self._answer(payment.provider, lambda it: it.open_payment(ask))
        except ProviderRefused as no:
            return OpenAnswer(payment_id=payment.payment_id, refused=no.code)
        if said is None:
            return None
        return OpenAnswer(payment_id=payment.payment_id, provider_no=said.provider_no, pay_url=said.pay_url)

    async def _close_one(self, payment: Payment) -> ProviderPayment | None:
        return await self._answer(payment.provider, lambda it: it.close_payment(payment.out_no))

    async def _refund_one(self, refund: Refund) -> ProviderRefund | None:
        ask = OpenRefund(
            refund_no=refund.refund_no,
            out_no=PAYMENT.show(refund.payment_id, refund.city_id),
            amount=refund.amount,
            reason=refund.reason,
        )
        try:
            return await self._answer(refund.provider, lambda it: it.refund(ask))
        except ProviderRefused as no:
            return ProviderRefund(refund_no=refund.refund_no, state="failed", failure=no.code)

    async def _answer(self, provider: str, call: Any) -> Any:
        """The answer, or None when it did not come. ProviderRefused passes through."""
        try:
            async with self._room, asyncio.timeout(CALL_SECONDS):
                return await call(self._providers[provider])
        except (ProviderUnknown, TimeoutError) as silence:
            log.warning("%s did not answer: %s", provider, silence)
            return None

    async def _gather(self, jobs: Sequence[Awaitable[T]]) -> list[T | None]:
        """All answers; one that fails in an unforeseen way costs the others nothing and counts as no answer."""
        results = await asyncio.gather(*jobs, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                log.error("a call to a provider failed", exc_info=result)
        return [None if isinstance(result, BaseException) else result for result in results]
