"""Lives recorded deals through again, day by day: sold, paid, tipped, used, expired, refunded.

Nothing here knows a rule. Orders, redemptions and nightly rounds are those of the house; only the time is ours, and
what a payment provider would say: that what was opened was paid, and that what was to go back went back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
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

ORDERS_AT_ONCE = 500
LANES = 2  # while PostgreSQL works for one, Python prepares the other; a deal stays in its lane, so they do not meet
SELLS = (timedelta(hours=9), timedelta(hours=15))  # hours of the town's day
SERVES = (timedelta(hours=15), timedelta(hours=21))
PAYS_AFTER = timedelta(seconds=20)

Hours = tuple[timedelta, timedelta]
Moved = Callable[[str, int], None]  # "sold", "redeemed" or "refunded", and how many units


class ReplayBroken(Exception):
    """The house refused what had really happened: a defect, and the replay cannot go on."""


class Errand(Struct, frozen=True, kw_only=True, gc=False):
    """One order of the crowd, from the click to the counter."""

    order_id: UUID
    deal: Deal
    purchase: Purchase


class Tally(Struct):
    """What became of the units of one deal."""

    redeemed: int = 0
    refunded: int = 0


class Seller:
    """Sells to the crowd: a set of orders is placed, and a moment later the provider says that all are paid."""

    def __init__(self, db: Database, *, city_id: int, schemes: Schemes, hold_for: timedelta) -> None:
        self._db, self._city_id, self._schemes, self._hold_for = db, city_id, schemes, hold_for

    def ask(self, order_id: UUID, payment_id: UUID, member_id: UUID, number: int, deal: Deal, quantity: int) -> Place:
        """The order of a guest with this number."""
        return Place(
            order_id=order_id, payment_id=payment_id, channel="replay", member_id=member_id,
            member_name=f"Guest {number:04d}", phone_tail=f"{number:04d}", wants=(Wanted(deal.offer_id, quantity),),
            expect=Amount(deal.row.price * quantity, ASSET),
        )  # fmt: skip

    async def sell(self, asks: Sequence[Place], now: datetime) -> None:
        """Two transactions, however many they are. Raises ReplayBroken when one is refused."""

        async def place(tx: Tx) -> Any:
            return await orders.place(
                tx, asks, city_id=self._city_id, now=now, schemes=self._schemes, hold_for=self._hold_for
            )

        sure(await self._db.run_city(self._city_id, place))
        later = now + PAYS_AFTER
        findings = [captured(ask, self._city_id, later) for ask in asks]

        async def receive(tx: Tx) -> Any:
            return await orders.receive(tx, findings, city_id=self._city_id, now=later)

        await self._db.run_city(self._city_id, receive)


class Replay:
    """One life of a town. `moved` hears of progress."""

    def __init__(self, db: Database, *, schemes: Schemes, hold_for: timedelta, moved: Moved) -> None:
        self._db, self._schemes, self._hold_for, self._moved = db, schemes, hold_for, moved
        self._errands: dict[UUID, Errand] = {}
        self._refunds: dict[UUID, tuple[UUID, Amount]] = {}
        provider = Handler(name="replay.provider", topics=frozenset({"orders.refund_asked"}), do=self._give_back)
        self._registry = Registry([provider])

    async def live(self, rows: Sequence[Row]) -> tuple[Town, dict[UUID, Tally]]:
        """Build the town and live through all of its days; what became of each offer's units."""
        place = await town.build(self._db, rows)
        self._city_id = place.city_id
        self._seller = Seller(self._db, city_id=place.city_id, schemes=self._schemes, hold_for=self._hold_for)
        self._members = [derive(place.root, f"member/{n}") for n in range(crowd.MEMBERS)]
        self._tallies = {deal.offer_id: Tally() for deal in place.deals}
        sales: dict[date, list[Errand]] = {}
        visits: dict[date, list[Errand]] = {}
        for errand in _errands(place):
            self._errands[errand.order_id] = errand
            sales.setdefault(errand.purchase.day, []).append(errand)
            if errand.purchase.used():
                visits.setdefault(errand.purchase.visit, []).append(errand)
        ends = {day for row in rows for day in (row.end, row.last_use + timedelta(days=1))}
        for day in sorted(ends | sales.keys() | visits.keys()):
            await self._night(town.night(day))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_back(town.night(day)))
                self._spread(group, day, SELLS, sales.pop(day, []), self._sell)
                self._spread(group, day, SERVES, visits.pop(day, []), self._serve)
        return place, self._tallies

    async def _night(self, now: datetime) -> None:
        """What the worker does by itself."""
        for work in (rounds.end_sales, rounds.close_deals, rounds.expire_vouchers):
            while await work(self._db, self._city_id, now):
                pass

    async def _send_back(self, now: datetime) -> None:
        """The provider's word on the refunds that the night has asked for."""
        self._refunds.clear()
        await catch_up(self._db, registry=self._registry, now=now, limit=4 * ORDERS_AT_ONCE)
        for order_id, amount in self._refunds.values():
            deal = self._errands[order_id].deal
            self._tallies[deal.offer_id].refunded += amount.units // deal.row.price
            self._moved("refunded", amount.units // deal.row.price)

    async def _give_back(self, tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        """The provider gives back whatever it is asked to."""
        findings = [given_back(fact, city_id, now) for fact in facts]
        for settled in await orders.receive(tx, findings, city_id=city_id, now=now):
            if isinstance(settled, RefundDone):  # by id: if this transaction is tried again, nothing is counted twice
                self._refunds[settled.refund_id] = (settled.order_id, settled.amount)

    def _spread(
        self, group: asyncio.TaskGroup, day: date, hours: Hours, errands: list[Errand],
        work: Callable[[list[Errand], datetime], Awaitable[None]],
    ) -> None:  # fmt: skip
        """Work on the errands in sets, at even times of the hours, each lane for itself; the deals take turns."""
        begin, end = (town.night(day) + hour for hour in hours)

        async def run(lane: list[Errand]) -> None:
            sets = [lane[start : start + ORDERS_AT_ONCE] for start in range(0, len(lane), ORDERS_AT_ONCE)]
            for n, some in enumerate(sets):
                await work(some, begin + n * (end - begin) / len(sets))

        errands.sort(key=lambda errand: errand.purchase.number)
        for number in range(LANES):
            group.create_task(run([one for one in errands if one.deal.offer_id.int % LANES == number]))

    async def _sell(self, errands: list[Errand], now: datetime) -> None:
        asks = [
            self._seller.ask(
                e.order_id, derive(e.order_id, "payment"), self._members[e.purchase.member], e.purchase.member, e.deal,
                e.purchase.quantity,
            )
            for e in errands
        ]  # fmt: skip
        await self._seller.sell(asks, now)
        self._moved("sold", sum(errand.purchase.quantity for errand in errands))

    async def _serve(self, guests: list[Errand], now: datetime) -> None:
        """Guests show a QR code or read their code aloud. Those whose deal did not tip have nothing to show."""
        chosen = {guest.order_id: frozenset(guest.purchase.used()) for guest in guests}
        async with self._db.reading(self._city_id) as tx:
            units = await vouchers.of_orders(tx, list(chosen), city_id=self._city_id)
        usable = [u for u in units if u.unit_no in chosen[u.order_id] and u.state == "valid"]
        uses = [self._use(unit, now) for unit in usable]

        async def redeem(tx: Tx) -> Any:
            return await settlement.redeem(tx, uses, city_id=self._city_id, now=now)

        if uses:
            done = sure(await self._db.run_city(self._city_id, redeem))
            for use in done:
                self._tallies[use.offer_id].redeemed += use.count
            self._moved("redeemed", len(done))

    def _use(self, unit: Voucher, now: datetime) -> Redeem:
        deal = self._errands[unit.order_id].deal
        return Redeem(
            redemption_id=derive(first_id_at(now), f"{unit.voucher_id}/use"), request_no=str(unit.voucher_id),
            presented=vouchers.qr_text(unit, now) if unit.unit_no % 2 == 0 else unit.code,
            merchant_id=deal.merchant_id, store_id=deal.store_id, store_name=deal.name, staff_id=deal.till_id,
            staff_name="Till",
        )  # fmt: skip


def _errands(place: Town) -> Iterator[Errand]:
    """Everything that the crowd will do. An order's id begins with its day, as if it were made there."""
    for deal in place.deals:
        for purchase in crowd.purchases(deal.row):
            order_id = derive(first_id_at(town.night(purchase.day)), f"{deal.offer_id}/{purchase.number}")
            yield Errand(order_id=order_id, deal=deal, purchase=purchase)


def captured(ask: Place, city_id: int, at: datetime) -> ProviderPayment:
    number = PAYMENT.show(ask.payment_id, city_id)
    return ProviderPayment(out_no=number, state="captured", amount=ask.expect, at=at)


def given_back(fact: Fact, city_id: int, now: datetime) -> ProviderRefund:
    return ProviderRefund(
        refund_no=REFUND.show(UUID(fact.payload["refund"]), city_id), state="done", at=now,
        amount=Amount(fact.payload["units"], fact.payload["asset"]),
    )  # fmt: skip


def sure(results: Sequence[Any]) -> list[Any]:
    for result in results:
        if isinstance(result, Refusal):
            raise ReplayBroken(repr(result))
    return list(results)
