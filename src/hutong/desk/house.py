"""The house: everything that the edge works with, opened once per process and closed in order."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from hutong import mall, orders, people, reviews, settlement, till, vouchers, waitlist
from hutong.desk import bill_sets, counters, gift_sets, looking
from hutong.infra import metrics
from hutong.infra.answers import keyed
from hutong.infra.batches import Batches
from hutong.infra.db import Database
from hutong.infra.files import Files
from hutong.infra.kept import Kept
from hutong.infra.pictures import Pictures
from hutong.infra.settings import Settings
from hutong.infra.worker import Worker
from hutong.kit.clock import Clock
from hutong.messages import Sms
from hutong.orders import Noted, Placed, RefundAsked, Schemes
from hutong.payments import Addresses, Courier, PaymentProvider
from hutong.vouchers import Reversed


class House:
    """Doors, clock, settings, batches, ports and schemes. `app.py` builds it; faces and tasks receive it."""

    def __init__(
        self, *, settings: Settings, db: Database, clock: Clock, schemes: Schemes,
        providers: Mapping[str, PaymentProvider], sms: Sms, files: Files, observe: Any = metrics.batch_done,
    ) -> None:  # fmt: skip
        self.settings, self.db, self.clock, self.schemes = settings, db, clock, schemes
        self.providers, self.sms, self.files = providers, sms, files
        address = settings.address
        self.courier = Courier(
            db, providers, clock=clock, settle=till.receive,
            addresses=Addresses(notify=f"{address}/callbacks/{{provider}}", back=f"{address}/paid/{{order}}"),
        )  # fmt: skip
        self.batches = Batches(db, clock, observe=observe)
        self.pictures = Pictures(files)
        self.kept = Kept(
            clock, life_s=settings.pages_life_ms / 1000, most_bytes=settings.pages_memory_mb * 1024 * 1024,
            observe=metrics.kept_asked,
        )  # fmt: skip
        db.watch(self.kept.wrote)
        self._register()
        self._stack = AsyncExitStack()
        self.worker: Worker | None = None

    async def open(self) -> "House":
        await self.db.open()
        self._stack.push_async_callback(self.db.close)
        self._stack.push_async_callback(self.batches.close)
        return self

    async def close(self) -> None:
        await self._stack.aclose()

    def nudge(self) -> None:
        """Facts were just committed here: a worker beside us relays them now instead of at its next poll."""
        if self.worker is not None:
            self.worker.nudge()

    @property
    def hold_for(self) -> timedelta:
        return timedelta(minutes=self.settings.hold_minutes)

    @property
    def undo_window(self) -> timedelta:
        return timedelta(minutes=self.settings.undo_minutes)

    @property
    def undo(self) -> dict[str, Any]:
        """The limits of undoing a redemption, as vouchers.reverse takes them."""
        return {"window": self.undo_window, "cycles": self.settings.undo_cycles}

    def _register(self) -> None:
        """The keyed writes of the house: gathered into sets, each with its stored answer."""
        size, wait = self.settings.batch_size, self.settings.batch_wait_ms

        async def place(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            return await orders.place(tx, asks, city_id=city_id, now=now, schemes=self.schemes, hold_for=self.hold_for)

        async def redeem(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            return await counters.redeem(tx, asks, city_id=city_id, now=now, window=self.undo_window)

        async def bill(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            return await bill_sets.settle_all(tx, asks, city_id=city_id, now=now, window=self.undo_window)

        async def pay_out(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            least, limit = self.settings.payout_least_units, self.settings.payout_limit_units
            return await settlement.ask_payouts(
                tx, asks, city_id=city_id, now=now, least_units=least, limit_units=limit
            )

        async def void(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            return await bill_sets.void_all(tx, asks, city_id=city_id, now=now, **self.undo)

        async def reverse(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            return await settlement.reverse(tx, asks, city_id=city_id, now=now, **self.undo)

        async def exchange(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            return await mall.exchange(tx, asks, city_id=city_id, now=now, schemes=self.schemes, hold_for=self.hold_for)

        for name, result, do in (
            ("orders.place", Placed, place),
            ("mall.exchange", Placed, exchange),
            ("orders.ask_refunds", RefundAsked, orders.ask_refunds),
            ("orders.refund_by_merchant", RefundAsked, orders.refund_by_merchant),
            ("waitlist.join", waitlist.Entry, waitlist.join),
            ("vouchers.give", vouchers.Gift, gift_sets.give),
            ("vouchers.take_back", vouchers.Gift, vouchers.take_back),
            ("vouchers.claim_gifts", vouchers.Gift, vouchers.claim_gifts),
            ("orders.write_notes", Noted, orders.write_notes),
            ("settlement.reverse", Reversed, reverse),
            ("settlement.ask_payouts", settlement.PayoutAsked, pay_out),
            ("reviews.write", reviews.Done, reviews.write),
            ("reviews.edit", reviews.Done, reviews.edit),
            ("reviews.withdraw", reviews.Done, reviews.withdraw),
            ("reviews.reply", reviews.Done, reviews.reply),
            ("reviews.report", reviews.Done, reviews.report),
            ("reviews.moderate", reviews.Done, reviews.moderate),
            ("reviews.appeal", reviews.Done, reviews.appeal),
            ("reviews.decide", reviews.Done, reviews.decide),
        ):
            self.batches.register(name, keyed(name, result, do), size=size, wait_ms=wait)
        # A redemption carries its own key (request_no) for ever; a refused one may be tried again with it.
        self.batches.register("settlement.redeem", redeem, size=size, wait_ms=wait)
        # So does a bill at the till: its event.
        self.batches.register("till.settle", bill, size=size, wait_ms=wait)
        self.batches.register("till.void", void, size=size, wait_ms=wait)
        # Wrong guesses are counted in here: one set after the other, so that the next one knows of them.
        self.batches.register("counter.prepare", counters.prepare, size=size, wait_ms=wait)
        self._register_reads()

    def _register_reads(self) -> None:
        """Look-ups that many requests make at the same moment share one statement."""

        async def callers(tx: Any, tokens: Any, *, city_id: int, now: Any) -> Any:
            return await people.sessions_with(tx, tokens, now=now)

        async def tills(tx: Any, keys: Any, *, city_id: int, now: Any) -> Any:
            return await people.actors_of_keys(tx, keys, now=now)

        async def guests(tx: Any, asks: Any, *, city_id: int, now: Any) -> Any:
            return await people.present_badges(tx, asks, now=now)

        self.batches.register("deal.live", looking.look, reading=True)
        self.batches.register("deal.around", looking.around, reading=True)
        self.batches.register("people.sessions_with", callers, reading=True)
        self.batches.register("people.actors_of_keys", tills, reading=True)
        self.batches.register("counter.stand", counters.stand, reading=True)
        self.batches.register("counter.look", counters.look, reading=True)
        self.batches.register("people.present_badges", guests, reading=True)
        self.batches.register("till.standing", bill_sets.standing, reading=True)
