"""The provider's bill of each day: fetched when it is over, booked once for each city, compared with what we hold."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hutong import places, settlement
from hutong.desk import payouts, sharing
from hutong.desk.house import House
from hutong.kit.clock import local
from hutong.kit.ids import BILL, PAYMENT, PAYOUT, REFUND, BadId
from hutong.kit.money import Amount
from hutong.payments import BillLine, ProviderRefused, ProviderUnknown
from hutong.places import City
from hutong.settlement import BillEntry, DayBill, PaidOut

READY_HOUR = 6  # local hour from which the bill of yesterday is complete
LOOK_BACK = 7  # days; what was missed while nobody was there is fetched later
NUMBERS = (PAYMENT, REFUND, PAYOUT, BILL)


async def fetch(house: House, city_id: int) -> int:
    """Fetch and book the bills of the last days that this city has not booked; how many days were new.

    A provider that does not answer is asked again at the next round.
    """
    async with house.db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        assert city is not None
        here = local(house.clock.now(), city.zone)
        last = here.date() - timedelta(days=1 if here.hour >= READY_HOUR else 2)
        days = [last - timedelta(days=n) for n in range(LOOK_BACK)]
        known = await settlement.booked_days(tx, city_id=city_id, since=days[-1])
    booked = 0
    for name, provider in sorted(house.providers.items()):
        for day in sorted(set(days) - {day for one, day in known if one == name}):
            try:
                lines = await provider.bill(day)
            except (ProviderUnknown, ProviderRefused):
                return booked
            booked += await book(house, city, name, day, lines)
    return booked


async def book(
    house: House, city: City, provider: str, day: date, lines: Sequence[BillLine]
) -> int:  # fmt: skip
    """One day, in one transaction: a bill for each asset, zero for a day without any, and every line compared with what
    we hold. 1 where it is new; a day that is booked stays as it is, whatever its bill says now."""
    city_id, asset = city.city_id, city.currency
    mine = [line for line in lines if city_of(line.number) == city_id]
    bills = [_sum(provider, day, one, mine) for one in sorted({asset, *(line.amount.asset for line in mine)})]
    entries = [BillEntry(line.kind, _ref(line.number), line.amount) for line in mine if line.kind != "payout"]
    paid = [PaidOut(_payout(line.number), line.amount) for line in mine if line.kind == "payout"]

    async def work(tx: Any) -> int:
        now = house.clock.now()
        done = await settlement.book_bills(tx, bills, city_id=city_id, now=now)
        if all(done):
            await settlement.compare_lines(
                tx, entries, city_id=city_id, provider=provider, day=day, zone=city.zone, now=now
            )
        await settlement.compare_payouts(tx, paid, city_id=city_id, now=now)
        return int(any(done))

    return await house.db.run_city(city_id, work)


def _sum(provider: str, day: date, asset: str, lines: Sequence[BillLine]) -> DayBill:
    mine = [line for line in lines if line.amount.asset == asset]

    def total(kind: str) -> Amount:
        return Amount(sum(line.amount.units for line in mine if line.kind == kind), asset)

    fee = Amount(sum(line.fee.units for line in mine), asset)
    return DayBill(
        provider=provider, day=day, fee=fee, captured=total("capture"), refunded=total("refund"),
        paid_out=total("payout"), captured_count=sum(line.kind == "capture" for line in mine),
        refunded_count=sum(line.kind == "refund" for line in mine),
    )  # fmt: skip


def city_of(number: str) -> int | None:
    """The city that a number on a bill belongs to; None when it is not one of ours."""
    for kind in NUMBERS:
        try:
            return kind.read_local(number)[0]
        except BadId:
            continue
    return None


def _ref(number: str) -> UUID:
    """Our payment or refund of a line; of a number of another kind its id, which nothing is known under."""
    for kind in NUMBERS:
        try:
            return kind.read_local(number)[1]
        except BadId:
            continue
    raise BadId(text=number[:60])


def _payout(number: str) -> UUID:
    return PAYOUT.read_local(number)[1]


async def _fetch(house: House, city_id: int, now: datetime) -> None:
    del now
    await fetch(house, city_id)


# The rounds of money that goes out: (name, seconds between two, the work of one city).
ROUNDS = (
    ("settlement.payouts", 5, payouts.turn),
    ("settlement.pay_day", 60, payouts.pay_today),
    ("settlement.bills", 3_600, _fetch),
    ("settlement.shares", 300, sharing.sweep),
)
