"""Orders from place to redemption as the house's doors do it, in sets of any length: to count and to explain."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from hutong import inventory, orders, payments, vouchers
from hutong.desk import counters
from hutong.desk.counters import Look, Use
from hutong.infra.answers import Ask, fingerprint, keyed
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Grant, Role
from hutong.kit.ids import PAYMENT
from hutong.kit.refusals import Refusal
from hutong.orders import AskRefund, Placed, RefundAsked
from hutong.payments import ProviderEvent
from hutong.vouchers import Voucher, qr_text
from tests.lane import CITY, HOLD, SCHEMES, Lane, a_place


class Counted(Database):
    """Doors that count: writing transactions, and what is sent through any door."""

    def __init__(self, url: str, **given: Any) -> None:
        super().__init__(url, observer=self._sent, **given)
        self.transactions, self.sent = 0, list[str]()

    def _sent(self, sql: str, params: dict[str, Any]) -> None:
        del params
        self.sent.append(sql)

    @asynccontextmanager
    async def _write(self, city_id: int | None = None, *, pipelined: bool = False) -> AsyncIterator[Tx]:
        self.transactions += 1
        async with super()._write(city_id, pipelined=pipelined) as tx:
            yield tx


class Life:
    """Guests of one deal, each with an order; Tao stands at the counter."""

    def __init__(self, db: Database, lane: Lane, now: datetime) -> None:
        self.db, self.lane, self.now = db, lane, now
        grant = Grant(
            grant_id=new_id(), role=Role.STORE_CASHIER, city_id=CITY, merchant_id=lane.merchant, store_id=lane.store
        )
        self.tao = Actor(member_id=new_id(), name="Tao", grants=(grant,))

    async def write(self, work: Callable[..., Awaitable[Any]], asks: Sequence[Any]) -> list[Any]:
        """One transaction of a set, through the door of infra.batches."""
        async with self.db.city(CITY, pipelined=True) as tx:
            done = list(await work(tx, asks, city_id=CITY, now=self.now))
        assert not [one for one in done if isinstance(one, Refusal)], done[:3]
        return done

    async def place(self, count: int, quantity: int = 1) -> list[Placed]:
        """So many orders of as many members, with their keys."""

        async def do(tx: Tx, asks: Any, *, city_id: int, now: datetime) -> Any:
            return await orders.place(tx, asks, city_id=city_id, now=now, schemes=SCHEMES, hold_for=HOLD)

        wishes = [a_place(self.lane, quantity) for _ in range(count)]
        asks = [
            Ask(actor=one.member_id, key=str(one.order_id), fingerprint=fingerprint(one.wants), request=one)
            for one in wishes
        ]
        answers = await self.write(keyed("orders.place", Placed, do), asks)
        return [answer.result for answer in answers]

    async def pay(self, placed: Sequence[Placed]) -> None:
        """The provider calls back about each; as desk.money does for one."""

        async def do(tx: Tx, events: Any, *, city_id: int, now: datetime) -> Any:
            await payments.receive(tx, events, city_id=city_id, now=now)
            return await orders.receive(tx, events, city_id=city_id, now=now)

        await self.write(do, [self._event(one) for one in placed])

    def _event(self, placed: Placed) -> ProviderEvent:
        return ProviderEvent(
            provider="sandbox", event_id=f"E{placed.payment_id}", kind="payment.captured",
            number=PAYMENT.show(placed.payment_id, CITY), provider_no=f"P{placed.payment_id}", amount=placed.total,
            at=self.now, body=b"{}",
        )  # fmt: skip

    async def units(self, placed: Sequence[Placed]) -> list[Voucher]:
        async with self.db.reading(CITY) as tx:
            return await vouchers.of_orders(tx, [one.order_id for one in placed], city_id=CITY)

    async def prepare(self, units: Sequence[Voucher]) -> None:
        """Shown at the counter: read, and once more through the door that counts guesses."""
        asks = [Look(self.tao, self.lane.store, qr_text(unit, self.now)) for unit in units]
        async with self.db.reading(CITY) as tx:
            found = await counters.look(tx, asks, city_id=CITY, now=self.now)
        assert all(isinstance(one, vouchers.Prepared) for one in found), found[:3]

    async def type_in(self, units: Sequence[Voucher]) -> None:
        """Read aloud: looked at by the writing door."""
        await self.write(counters.prepare, [Look(self.tao, self.lane.store, unit.code) for unit in units])

    async def redeem(self, units: Sequence[Voucher]) -> None:
        """Each voucher is used."""

        async def do(tx: Tx, asks: Any, *, city_id: int, now: datetime) -> Any:
            return await counters.redeem(tx, asks, city_id=city_id, now=now, window=timedelta(minutes=5))

        await self.write(
            do,
            [
                Use(actor=self.tao, store_id=self.lane.store, redemption_id=new_id(), request_no=str(unit.voucher_id),
                    presented=qr_text(unit, self.now))
                for unit in units
            ],
        )  # fmt: skip

    async def ask_back(self, placed: Sequence[Placed]) -> None:
        """Money back for each order."""
        asks = [AskRefund(refund_id=new_id(), order_id=one.order_id, by=None, reason="changed_mind") for one in placed]
        wanted = [Ask(actor=new_id(), key="back", fingerprint=fingerprint(one.order_id), request=one) for one in asks]
        await self.write(keyed("orders.ask_refunds", RefundAsked, orders.ask_refunds), wanted)

    async def more(self, total: int) -> None:
        """So many units are on sale."""
        quota = self.lane.offer.quota_id
        assert quota is not None
        async with self.db.city(CITY) as tx:
            await inventory.resize(tx, [inventory.Resize(quota_id=quota, total=total)], city_id=CITY)
