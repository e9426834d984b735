"""Lives recorded deals through again, day by day: sold, paid, tipped, used, expired, refunded.

Nothing here knows a rule. Orders, redemptions and nightly rounds are those of the house; only the time is ours, and
what a payment provider would say: that what was opened was paid, and that what was to go back went back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from hutong import orders, settlement, vouchers
from hutong.cli.replay import crowd, town
from hutong.cli.replay.crowd import Purchase
from hutong.cli.replay.rows import ASSET, Row
from hutong.cli.replay.town import Deal, Town
from hutong.desk import rounds
from hutong.infra.db import Database, Tx
from hutong.infra.delivery import catch_up, first_id_at
from hutong.infra.facts import Fact
from hutong.infra.relay import Handler, Registry
from hutong.kit.ids import PAYMENT, REFUND, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders import Place, Schemes, Wanted
from hutong.payments import ProviderPayment, ProviderRefund, RefundDone
from hutong.vouchers import Redeem, Voucher

T = TypeVar("T")
ORDERS_AT_ONCE = 500
LANES = 2  # sets under way at once: while PostgreSQL works on one, Python prepares the other
SELLS = (timedelta(hours=9), timedelta(hours=15))  # hours of the town's day
SERVES = (timedelta(hours=15), timedelta(hours=21))
PAYS_AFTER = timedelta(seconds=20)

Hours = tuple[timedelta, timedelta]
Moved = Callable[[str, int], None]  # "sold", "redeemed" or "refunded", and how many units


class ReplayBroken(Exception):
    """The house refused what had really happened: a defect, and the replay cannot go on."""


class Bought(Struct, frozen=True, kw_only=True):
    """An order of the crowd, placed and paid."""

    order_id: UUID
    deal: Deal
    purchase: Purchase


class Tally(Struct):
    """What became of the units of one deal."""

    redeemed: int = 0
    refunded: int = 0


class Replay:
    """One life of a town. `moved` hears of progress."""

    def __init__(self, db: Database, *, schemes: Schemes, hold_for: timedelta, moved: Moved) -> None:
        self._db, self._schemes, self._hold_for, self._moved = db, schemes, hold_for, moved
        self._sales: dict[date, list[tuple[Deal, Purchase]]] = {}
        self._visits: dict[date, list[Bought]] = {}
        self._bought: dict[UUID, Bought] = {}
        self._refunds: dict[UUID, tuple[UUID, Amount]] = {}
        self._registry = Registry([Handler(name="replay.provider", topics=frozenset({"orders.refund_asked"}),
                                           do=self._give_back)])  # fmt: skip

    async def live(self, rows: Sequence[Row]) -> tuple[Town, dict[UUID, Tally]]:
        """Build the town and live through all of its days; what became of each offer's units."""
        place = await town.build(self._db, rows)
        self._city_id = place.city_id
        self._members = [derive(place.root, f"member/{n}") for n in range(crowd.MEMBERS)]
        self._tallies = {deal.offer_id: Tally() for deal in place.deals}
        for deal in place.deals:
            for purchase in crowd.purchases(deal.row):
                self._sales.setdefault(purchase.day, []).append((deal, purchase))
        days = {day for row in rows for day in (row.end, row.last_use + timedelta(days=1))}
        days |= self._sales.keys() | {p.visit for sold in self._sales.values() for _, p in sold}
        for day in sorted(days):
            await self._night(town.night(day))
            await self._sell(day)
            await self._serve(day)
        return place, self._tallies

    async def _night(self, now: datetime) -> None:
        """What the worker does by itself, and the provider's word on the refunds that follow."""
        for work in (rounds.end_sales, rounds.close_deals, rounds.expire_vouchers):
            while await work(self._db, self._city_id, now):
                pass
        self._refunds.clear()
        await catch_up(self._db, registry=self._registry, now=now, limit=4 * ORDERS_AT_ONCE)
        for order_id, amount in self._refunds.values():
            deal = self._bought[order_id].deal
            self._tallies[deal.offer_id].refunded += amount.units // deal.row.price
            self._moved("refunded", amount.units // deal.row.price)

    async def _give_back(self, tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        """The provider gives back whatever it is asked to."""
        findings = [_done(fact, city_id, now) for fact in facts]
        for settled in await orders.receive(tx, findings, city_id=city_id, now=now):
            if isinstance(settled, RefundDone):  # by id: if this transaction is tried again, nothing is counted twice
                self._refunds[settled.refund_id] = (settled.order_id, settled.amount)

    async def _sell(self, day: date) -> None:
        todays = sorted(self._sales.pop(day, []), key=lambda sold: sold[1].number)  # the deals take turns
        await self._spread(day, SELLS, todays, self._sell_set)

    async def _spread(
        self, day: date, hours: Hours, items: list[T], work: Callable[[list[T], datetime], Awaitable[None]]
    ) -> None:  # fmt: skip
        """Work on the items in sets, at even times of the hours, a few at once."""
        lanes = asyncio.Semaphore(LANES)
        sets = [items[start : start + ORDERS_AT_ONCE] for start in range(0, len(items), ORDERS_AT_ONCE)]
        begin, end = (town.night(day) + hour for hour in hours)

        async def one(n: int, some: list[T]) -> None:
            async with lanes:
                await work(some, begin + n * (end - begin) / len(sets))

        async with asyncio.TaskGroup() as group:
            for n, some in enumerate(sets):
                group.create_task(one(n, some))

    async def _sell_set(self, sold: list[tuple[Deal, Purchase]], now: datetime) -> None:
        asks = [self._ask(deal, purchase, now) for deal, purchase in sold]

        async def place(tx: Tx) -> Any:
            return await orders.place(
                tx, asks, city_id=self._city_id, now=now, schemes=self._schemes, hold_for=self._hold_for
            )

        _sure(await self._db.run_city(self._city_id, place))
        later = now + PAYS_AFTER
        findings = [
            ProviderPayment(
                out_no=PAYMENT.show(ask.payment_id, self._city_id), state="captured", amount=ask.expect, at=later
            )
            for ask in asks
        ]
        await self._db.run_city(
            self._city_id, lambda tx: orders.receive(tx, findings, city_id=self._city_id, now=later)
        )
        for ask, (deal, purchase) in zip(asks, sold, strict=True):
            bought = Bought(order_id=ask.order_id, deal=deal, purchase=purchase)
            self._bought[ask.order_id] = bought
            if purchase.used():
                self._visits.setdefault(purchase.visit, []).append(bought)
            self._moved("sold", purchase.quantity)

    def _ask(self, deal: Deal, purchase: Purchase, now: datetime) -> Place:
        order_id = derive(first_id_at(now), f"{deal.offer_id}/{purchase.number}")
        return Place(
            order_id=order_id, payment_id=derive(order_id, "payment"), channel="replay",
            member_id=self._members[purchase.member],
            member_name=f"Guest {purchase.member:04d}", phone_tail=f"{purchase.member:04d}",
            wants=(Wanted(deal.offer_id, purchase.quantity),), expect=Amount(deal.row.price * purchase.quantity, ASSET),
        )  # fmt: skip

    async def _serve(self, day: date) -> None:
        await self._spread(day, SERVES, self._visits.pop(day, []), self._serve_set)

    async def _serve_set(self, guests: list[Bought], now: datetime) -> None:
        """Guests show a QR code or read their code aloud. Those whose deal did not tip have nothing to show."""
        chosen = {guest.order_id: frozenset(guest.purchase.used()) for guest in guests}
        async with self._db.reading(self._city_id) as tx:
            units = await vouchers.of_orders(tx, list(chosen), city_id=self._city_id)
        usable = [u for u in units if u.unit_no in chosen[u.order_id] and u.state == "valid"]
        uses = [self._use(unit, now) for unit in usable]

        async def redeem(tx: Tx) -> Any:
            return await settlement.redeem(tx, uses, city_id=self._city_id, now=now)

        if uses:
            done = _sure(await self._db.run_city(self._city_id, redeem))
            for use in done:
                self._tallies[use.offer_id].redeemed += use.count
            self._moved("redeemed", len(done))

    def _use(self, unit: Voucher, now: datetime) -> Redeem:
        deal = self._bought[unit.order_id].deal
        return Redeem(
            redemption_id=derive(first_id_at(now), f"{unit.voucher_id}/use"), request_no=str(unit.voucher_id),
            presented=vouchers.qr_text(unit, now) if unit.unit_no % 2 == 0 else unit.code,
            merchant_id=deal.merchant_id, store_id=deal.store_id, store_name=deal.name, staff_id=deal.till_id,
            staff_name="Till",
        )  # fmt: skip


def _done(fact: Fact, city_id: int, now: datetime) -> ProviderRefund:
    return ProviderRefund(
        refund_no=REFUND.show(UUID(fact.payload["refund"]), city_id), state="done", at=now,
        amount=Amount(fact.payload["units"], fact.payload["asset"]),
    )  # fmt: skip


def _sure(results: Sequence[Any]) -> list[Any]:
    for result in results:
        if isinstance(result, Refusal):
            raise ReplayBroken(repr(result))
    return list(results)
