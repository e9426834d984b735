"""Does the town's life agree with what was recorded? Deal by deal, from the books."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from hutong import ledger, orders
from hutong.cli.replay.crowd import is_used
from hutong.cli.replay.groupon import Tally
from hutong.cli.replay.town import Deal, Town
from hutong.infra.db import Database, Tx
from hutong.ledger import Balance, Book


class Outcome(Struct, frozen=True, kw_only=True):
    """The sums of a replay, and everything that does not agree. Revenue in cents, the rest in deals and units."""

    units_sold: int
    tipped: int
    revenue_minor: int
    redeemed: int
    refunded: int
    wrong: tuple[str, ...]


class _Found(Struct, frozen=True, kw_only=True):
    """What the books say about one deal: cents captured and cents still in escrow, and whether it tipped."""

    deal: Deal
    captured: int
    left: int
    tipped: bool
    tally: Tally


async def check(db: Database, place: Town, tallies: dict[UUID, Tally]) -> Outcome:
    """Compare the books with the rows, after the last day."""
    async with db.reading(place.city_id) as tx:
        found = await _found(tx, place, tallies)
    return Outcome(
        units_sold=sum(one.captured // one.deal.row.price for one in found),
        tipped=sum(one.tipped for one in found),
        revenue_minor=sum(one.captured for one in found),
        redeemed=sum(one.tally.redeemed for one in found),
        refunded=sum(one.tally.refunded for one in found),
        wrong=tuple(f"line {one.deal.row.line}, {one.deal.row.deal_id}: {why}" for one in found for why in _why(one)),
    )


async def _found(tx: Tx, place: Town, tallies: dict[UUID, Tally]) -> list[_Found]:
    escrows = await ledger.balances(tx, Book.city(place.city_id), prefix="escrow/", limit=len(place.deals) + 1)
    by_path: dict[str, Balance] = {balance.path: balance for balance in escrows}
    progress = await orders.progress(tx, [deal.offer_id for deal in place.deals], city_id=place.city_id)
    found = []
    for deal in place.deals:
        balance = by_path.get(ledger.chart.escrow(deal.merchant_id).path)
        captured = balance.standing.credits_posted if balance else 0
        counted = progress.get(deal.offer_id)
        tipped = counted[2] if counted else captured > 0 and deal.row.min_units == 1
        left, tally = balance.posted.units if balance else 0, tallies[deal.offer_id]
        found.append(_Found(deal=deal, captured=captured, left=left, tipped=tipped, tally=tally))
    return found


def _why(found: _Found) -> Sequence[str]:
    row, tally = found.deal.row, found.tally
    used = sum(is_used(unit) for unit in range(row.quantity)) if row.tips else 0
    wrong = []
    if found.captured != row.revenue:
        wrong.append(f"{found.captured} cents were captured, {row.revenue} were recorded")
    if found.tipped != row.tips:
        wrong.append(f"it {'tipped' if found.tipped else 'did not tip'} with {row.quantity} of {row.min_units}")
    if (tally.redeemed, tally.refunded) != (used, row.quantity - used):
        wrong.append(f"{tally.redeemed} used and {tally.refunded} refunded of {row.quantity}, {used} should be used")
    if found.left:
        wrong.append(f"{found.left} cents are left in escrow when all is over")
    return wrong
