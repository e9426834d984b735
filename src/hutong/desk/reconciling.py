"""Three sides of each day: what orders, a provider's bill and the ledger say went through the provider.

A movement belongs to the day of the bill on which it stands. Our sides know the day on which we heard of it; the lines
that a bill has on another day (`other_day`) are moved to that day on both, so that midnight is no difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import ledger, orders, payments, settlement
from hutong.desk import payouts
from hutong.desk.house import House
from hutong.kit.access import Actor
from hutong.kit.clock import day_start
from hutong.kit.ids import PAYMENT, REFUND
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound
from hutong.places import City
from hutong.settlement import BookedBill, Difference

OTHER = ("payout", "provider_fee")  # legs on a provider's account that are neither a capture nor a refund
DAYS = 31  # days on a page


class Side(Struct, frozen=True, kw_only=True):
    """What one side says of a day: captured and refunded, each with how often (None: nobody counted)."""

    captured: Amount
    refunded: Amount
    captures: int | None
    refunds: int | None

    @property
    def net(self) -> Amount:
        return self.captured - self.refunded

    def agrees(self, other: "Side") -> bool:
        """The same sums, and the same counts as far as both counted."""
        counts = ((self.captures, other.captures), (self.refunds, other.refunds))
        return (self.captured, self.refunded) == (other.captured, other.refunded) and all(
            a is None or b is None or a == b for a, b in counts
        )


class Day(Struct, frozen=True, kw_only=True):
    """A provider's day in one asset, seen from three sides. `lines`: the differences that have not ended."""

    bill: BookedBill
    orders: Side
    provider: Side
    ledger: Side
    lines: int

    @property
    def green(self) -> bool:
        """All three agree, line by line."""
        return not self.lines and self.provider.agrees(self.orders) and self.provider.agrees(self.ledger)

    @property
    def difference(self) -> Amount:
        """How far our two sides are from the bill, captured and refunded, whatever the direction."""
        pairs = [(self.provider, self.orders), (self.provider, self.ledger)]
        return Amount(
            max(
                abs(a.captured.units - b.captured.units) + abs(a.refunded.units - b.refunded.units)
                for a, b in pairs
            ), self.bill.captured.asset,
        )  # fmt: skip


Place = tuple[date, str, str]  # day, asset, "capture" or "refund"


class _Sums:
    """Units and counts by day, asset and direction."""

    def __init__(self) -> None:
        self._units: dict[Place, int] = defaultdict(int)
        self._counts: dict[Place, int] = defaultdict(int)

    def add(self, day: date, line: str, amount: Amount, count: int) -> None:
        self._units[day, amount.asset, line] += amount.units
        self._counts[day, amount.asset, line] += count

    def move(self, moved: Iterable[Difference]) -> None:
        """To the day of the bill, what was heard of on another."""
        for one in moved:
            assert one.ours is not None
            assert one.our_day is not None
            self.add(one.our_day, one.line, Amount(-one.ours.units, one.ours.asset), -1)
            self.add(one.day, one.line, one.ours, 1)

    def side(self, day: date, asset: str) -> Side:
        captured, refunded = (day, asset, "capture"), (day, asset, "refund")
        return Side(
            captured=Amount(self._units[captured], asset), refunded=Amount(self._units[refunded], asset),
            captures=self._counts[captured], refunds=self._counts[refunded],
        )  # fmt: skip


async def days(house: House, actor: Actor, city: City, *, until: date | None = None) -> list[Day]:
    """The last booked bills of a city (before `until`), the latest first, each with our sides. Raises not_allowed."""
    payouts.must(actor)
    async with house.db.reading(city.city_id) as tx:
        bills = await settlement.booked_bills(tx, city_id=city.city_id, until=until, days=DAYS)
    found: list[Day] = []
    for provider in sorted({one.provider for one in bills}):
        found += await _sides(house, city, provider, [one for one in bills if one.provider == provider])
    return sorted(found, key=lambda one: one.bill.day, reverse=True)


async def day(
    house: House, actor: Actor, city: City, provider: str, when: date
) -> tuple[list[Day], list[Difference]]:  # fmt: skip
    """One day of a provider, an entry for each asset, with every line on which its bill and we differ or differed.
    Raises not_allowed, not_found (its bill is not booked)."""
    payouts.must(actor)
    async with house.db.reading(city.city_id) as tx:
        bills = await settlement.booked_bills(tx, city_id=city.city_id, provider=provider, day=when)
        lines = await settlement.differences(
            tx, provider, city_id=city.city_id, since=when, until=when + timedelta(days=1)
        )
    if not bills:
        raise NotFound()
    return await _sides(house, city, provider, bills), [one for one in lines if one.day == when]


async def _sides(house: House, city: City, provider: str, bills: Sequence[BookedBill]) -> list[Day]:
    """These bills of one provider with what orders and the ledger say of their days; a few statements for all."""
    first, last = min(b.day for b in bills), max(b.day for b in bills) + timedelta(days=1)
    since, until = day_start(first, city.zone), day_start(last, city.zone)
    asked = {"city_id": city.city_id, "zone": city.zone, "since": since, "until": until}
    async with house.db.reading(city.city_id) as tx:
        found = await settlement.differences(tx, provider, city_id=city.city_id, since=first, until=last)
        # The till keeps no time of its payments; that each bill and block has its own is proved by B15, B16 and B18.
        tills = await payments.sums_by_day(tx, provider, purposes=["bill", "block"], **asked)
        sold = await orders.through_provider(tx, provider, **asked)
        legs = await ledger.legs_by_day(
            tx, city.city_id, ledger.chart.provider(provider).path, zone=city.zone, since=since, until=until
        )
    ours, booked = _Sums(), _Sums()
    for one in (*sold, *tills):
        ours.add(one.day, one.line, one.amount, one.count)
    for leg in legs:
        if leg.event not in OTHER:
            booked.add(leg.day, "capture" if leg.side == "debit" else "refund", leg.amount, leg.count)
    moved = [one for one in found if one.what == "other_day"]
    ours.move(moved)
    booked.move(moved)
    return [
        Day(
            bill=one, orders=ours.side(one.day, one.captured.asset), ledger=booked.side(one.day, one.captured.asset),
            provider=Side(captured=one.captured, refunded=one.refunded, captures=one.captured_count,
                          refunds=one.refunded_count),
            lines=sum(d.open and d.day == one.day and asset_of(d) == one.captured.asset for d in found),
        )
        for one in bills
    ]  # fmt: skip


def asset_of(one: Difference) -> str:
    """The asset of a difference: that of the bill, or ours where the bill has none."""
    amount = one.bill or one.ours
    assert amount is not None
    return amount.asset


def number_of(one: Difference, city_id: int) -> str:
    """The public number of the payment or the refund."""
    kind = PAYMENT if one.line == "capture" else REFUND
    return kind.show(one.ref, city_id)


async def payment_numbers(house: House, city_id: int, lines: Sequence[Difference]) -> dict[UUID, str]:
    """By the ref of each line that we know: the number of its payment, by which the platform finds who got what."""
    async with house.db.reading(city_id) as tx:
        taken = await payments.by_ids(tx, [d.ref for d in lines if d.line == "capture"], city_id=city_id)
        back = await payments.refunds_by_ids(tx, [d.ref for d in lines if d.line == "refund"], city_id=city_id)
    found = {one.payment_id: one.payment_id for one in taken if one}
    found |= {one.refund_id: one.payment_id for one in back if one}
    return {ref: PAYMENT.show(payment, city_id) for ref, payment in found.items()}
