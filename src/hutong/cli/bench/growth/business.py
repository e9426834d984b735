"""The history of a town: orders of a year, placed, paid, used and told of, in sets and through the operations.

So many orders a day; a larger business is one that looks back further. Times and ids are those of the day.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import orders, settlement, vouchers
from hutong.cli.bench.counters import HOLD
from hutong.cli.bench.town import ASSET, Shop, Town
from hutong.infra.db import Database, Tx
from hutong.infra.delivery import first_id_at
from hutong.infra.ids import new_id
from hutong.infra.relay import Registry, relay_city
from hutong.kit.ids import PAYMENT, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders import Place, Wanted
from hutong.payments import ProviderPayment
from hutong.schemes.deals import Deals
from hutong.vouchers import Redeem, Voucher

A_DAY = 2_740  # orders: a million a year
SET, LANES = 500, 2  # orders of one transaction; shops do not change their lane
MEASURED_SET, MEASURED = 200, 12  # what is measured at each size: so many sets of so many orders
EACH = 10  # orders of one member, on the average
REGULAR_EVERY = 331  # of the youngest orders, whose buyer is the member whose pages are opened
USED, OF = 3, 5  # the share of vouchers that are used
PAID_AFTER, USED_AFTER = timedelta(seconds=20), timedelta(seconds=60)
RELAYED = 5_000  # facts of one transaction


class Rates(Struct, frozen=True, kw_only=True):
    """Orders, or redemptions, for each second of a transaction; medians."""

    place: float
    pay: float
    redeem: float


class Business:
    """A town that sells and serves. `regular` is the member whose wallet is looked at."""

    def __init__(self, db: Database, town: Town, regular: UUID, *, price: int, orders: int) -> None:
        self._db, self._town, self._regular = db, town, regular
        self._price = Amount(price, ASSET)
        self._root = new_id()
        self._members = max(1, orders // EACH)
        self._schemes = {"deals": Deals()}
        self.made = 0

    async def live(self, count: int, begin: datetime, end: datetime, *, young: bool = False) -> None:
        """So many more orders, spread evenly over [begin, end); a part of their vouchers is used. young: the member
        whose pages are opened buys too."""
        first, self.made = self.made, self.made + count
        numbers = range(first, first + count)

        async def run(lane: Sequence[int]) -> None:
            for start in range(0, len(lane), SET):
                some = lane[start : start + SET]
                at = begin + (end - begin) * (some[0] - first) / count
                asks = self._asks(some, at, young=young)
                await self._place(asks, at)
                await self._pay(asks, at + PAID_AFTER)
                used = [unit for n, unit in enumerate(await self._units(asks)) if n * USED % OF < USED]
                await self._redeem(used, at + USED_AFTER)

        async with asyncio.TaskGroup() as group:
            for lane in range(LANES):
                group.create_task(run([n for n in numbers if n % len(self._town.shops) % LANES == lane]))

    async def relay(self, now: datetime) -> None:
        """Every fact is taken from the outbox, by nobody."""

        async def defer(*_: Any, **__: Any) -> None:
            raise AssertionError("nobody is registered")

        registry, told = Registry([]), 1
        while told:

            async def work(tx: Tx) -> int:
                return await relay_city(
                    tx, city_id=self._town.city_id, registry=registry, defer=defer, now=now, limit=RELAYED
                )

            told = await self._db.run_city(self._town.city_id, work)

    async def measure(self, now: datetime, *, sets: int = MEASURED, size: int = MEASURED_SET) -> Rates:
        """Some sets one after the other, as a busy process gathers them; how fast each kind of transaction was."""
        took: dict[str, list[float]] = {"place": [], "pay": [], "redeem": []}

        async def timed(name: str, work: Awaitable[None]) -> None:
            began = time.perf_counter()
            await work
            took[name].append(time.perf_counter() - began)

        for _ in range(sets):
            asks = self._asks(range(self.made, self.made + size), now)
            self.made += size
            await timed("place", self._place(asks, now))
            await timed("pay", self._pay(asks, now))
            await timed("redeem", self._redeem(await self._units(asks), now))
        return Rates(**{name: round(size / statistics.median(all_of), 1) for name, all_of in took.items()})

    def _asks(self, numbers: Sequence[int], at: datetime, *, young: bool = False) -> list[Place]:
        instant = first_id_at(at)
        return [self._ask(n, derive(instant, f"{self._root}/{n}"), young=young) for n in numbers]

    def _ask(self, number: int, order_id: UUID, *, young: bool) -> Place:
        shops = self._town.shops
        shop, turn = shops[number % len(shops)], number // len(shops)
        regular = young and number % REGULAR_EVERY == 0
        member = self._regular if regular else derive(self._root, f"member/{number * 7_919 % self._members}")
        return Place(
            order_id=order_id, payment_id=derive(order_id, "payment"), member_id=member, member_name="Guest",
            phone_tail=f"{number % 10_000:04d}", wants=(Wanted(shop.offers[turn % len(shop.offers)], 1),),
            channel="bench", expect=self._price,
        )  # fmt: skip

    async def _place(self, asks: Sequence[Place], now: datetime) -> None:
        async def work(tx: Tx) -> Any:
            return await orders.place(
                tx, asks, city_id=self._town.city_id, now=now, schemes=self._schemes, hold_for=HOLD
            )

        _sure(await self._db.run_city(self._town.city_id, work))

    async def _pay(self, asks: Sequence[Place], now: datetime) -> None:
        city_id = self._town.city_id
        captured = [
            ProviderPayment(out_no=PAYMENT.show(ask.payment_id, city_id), state="captured", amount=self._price, at=now)
            for ask in asks
        ]

        async def work(tx: Tx) -> Any:
            return await orders.receive(tx, captured, city_id=city_id, now=now)

        await self._db.run_city(city_id, work)

    async def _units(self, asks: Sequence[Place]) -> list[Voucher]:
        city_id = self._town.city_id
        async with self._db.reading(city_id) as tx:
            return await vouchers.of_orders(tx, [ask.order_id for ask in asks], city_id=city_id)

    async def _redeem(self, units: Sequence[Voucher], now: datetime) -> None:
        shops = {shop.merchant_id: shop for shop in self._town.shops}
        uses = [_use(unit, shops[unit.merchant_id], now) for unit in units]

        async def work(tx: Tx) -> Any:
            return await settlement.redeem(tx, uses, city_id=self._town.city_id, now=now)

        _sure(await self._db.run_city(self._town.city_id, work))


def _use(unit: Voucher, shop: Shop, now: datetime) -> Redeem:
    return Redeem(
        redemption_id=derive(first_id_at(now), f"{unit.voucher_id}/use"), request_no=str(unit.voucher_id),
        presented=vouchers.qr_text(unit, now), merchant_id=shop.merchant_id, store_id=shop.store_id,
        store_name="Bench", staff_id=derive(shop.store_id, "till"), staff_name="Till",
    )  # fmt: skip


def _sure(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            raise result
