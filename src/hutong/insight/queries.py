"""Reads of insight: result sheets, what to expect, the worst deals of a city. Who may see is the caller's."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import inventory, orders, settlement
from hutong.catalog import Offer
from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.insight.model import (
    THIN,
    WINDOWS,
    Back,
    Before,
    Counts,
    Expected,
    Money,
    Plan,
    Rate,
    Sheet,
    Verdict,
)
from hutong.kit.clock import local_day
from hutong.kit.money import Amount
from hutong.settlement import Rule, divide

NOTHING_KNOWN = Expected(source="none")
YEARS = timedelta(days=730)  # of history that an expectation learns from


class Listed(Struct, frozen=True, kw_only=True):
    """A deal in the list of a city, as the last round judged it."""

    offer_id: UUID
    merchant_id: UUID
    verdict: Verdict
    rank: int
    made_at: datetime


def _backs(row: Mapping[str, Any], new: int) -> tuple[Back, ...]:
    return tuple(
        Back(days, Rate(row[f"back_{days}"], row[f"known_{days}"]), new - row[f"known_{days}"]) for days in WINDOWS
    )


def _sum(backs: Sequence[tuple[Back, ...]]) -> tuple[Back, ...]:
    return tuple(
        Back(
            days, Rate(sum(one[i].rate.hits for one in backs), sum(one[i].rate.of for one in backs)),
            sum(one[i].waiting for one in backs),
        )
        for i, days in enumerate(WINDOWS)
    )  # fmt: skip


async def expected(tx: Tx, offers: Sequence[Offer], *, city_id: int, today: date) -> dict[UUID, Expected]:
    """What to expect of each offer: how many new guests of its merchant came back, all his deals together, as far as
    their windows are over on `today` (the city's). With fewer than THIN known guests within 60 days: those of all shops
    of the trade in this city; with none of these either, nothing.

    One statement for all. `offers`: by id.
    """
    trades = {offer.offer_id: offer.trade or offer.category for offer in offers}
    rows = await tx.rows(
        load(__package__, "history"), city=city_id, merchants=sorted({offer.merchant_id for offer in offers}),
        trades=sorted(set(trades.values())), day=today, since=today - YEARS,
    )  # fmt: skip
    found: dict[UUID, Expected] = {}
    for offer in offers:
        own = _sum([_backs(row, row["fresh"]) for row in rows if row["merchant_id"] == offer.merchant_id])
        trade = _sum([_backs(row, row["fresh"]) for row in rows if row["trade"] == trades[offer.offer_id]])
        if own[1].rate.of >= THIN:
            found[offer.offer_id] = Expected(source="own", backs=own)
        elif trade[1].rate.of >= THIN:
            found[offer.offer_id] = Expected(source="trade", backs=trade)
        else:
            found[offer.offer_id] = Expected(source="none", backs=own)
    return found


async def plans(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Plan]:
    """What was said of these offers last; absent when nothing was."""
    rows = await tx.rows(
        """select distinct on (offer_id) offer_id, merchant_id, cost_units, expected_bps, by, at from insight.plans
           where city_id = %(city)s and offer_id = any(%(ids)s::uuid[]) order by offer_id, seq desc""",
        city=city_id,
        ids=sorted(set(offer_ids)),
    )
    return {row["offer_id"]: Plan(**row) for row in rows}


async def befores(
    tx: Tx, offers: Sequence[Offer], *, city_id: int, zone: str, now: datetime, said: Mapping[UUID, Plan] | None = None
) -> dict[UUID, Before]:
    """Each offer as it is offered: money of one unit by the commission in force now, what to expect, break-even.

    `said`: plans to count with instead of the kept ones, for a deal that is being written.
    """
    rules = await settlement.rules_for(tx, [offer.merchant_id for offer in offers], at=now)
    hopes = await expected(tx, offers, city_id=city_id, today=local_day(now, zone))
    kept = await plans(tx, [offer.offer_id for offer in offers], city_id=city_id) | dict(said or {})
    stocks = await inventory.quotas(tx, [o.quota_id or o.offer_id for o in offers], city_id=city_id)
    found: dict[UUID, Before] = {}
    for offer, stock in zip(offers, stocks, strict=True):
        found[offer.offer_id] = before_of(
            offer.price, offer.list_price, rule=rules.get(offer.merchant_id), plan=kept.get(offer.offer_id),
            units=stock.total if stock else 0, expected=hopes[offer.offer_id],
        )  # fmt: skip
    return found


def before_of(
    price: Amount, list_price: Amount, *, rule: Rule | None, plan: Plan | None, units: int,
    expected: Expected = NOTHING_KNOWN,
) -> Before:  # fmt: skip
    """The money of one unit at this price under this rule, and what follows for all of them. Pure."""
    zero = Amount(0, price.asset)
    commission = divide(price, rule).commission if rule else zero
    yours = price - commission
    cost = Amount(plan.cost_units, zero.asset) if plan and plan.cost_units is not None else None
    return Before(
        price=price, list_price=list_price, commission=commission, coupon=zero, points=zero, fee=zero, yours=yours,
        cost=cost, margin=None if cost is None else yours - cost, visit=None if cost is None else list_price - cost,
        units=units, expected=expected, promised_bps=plan.expected_bps if plan else None,
    )  # fmt: skip


async def sheets(
    tx: Tx, offers: Sequence[Offer], *, city_id: int, zone: str, now: datetime
) -> dict[UUID, Sheet]:  # fmt: skip
    """The result sheets of these offers as of now, for merchant and operator alike; each has one, also when nothing
    was sold. A bounded number of statements, whatever the length. Amounts in the currency of the offer."""
    ids, today = [offer.offer_id for offer in offers], local_day(now, zone)
    rows = await tx.rows(load(__package__, "sheets"), city=city_id, offers=sorted(set(ids)), day=today)
    seen = {row["offer_id"]: row for row in rows}
    tallies = await orders.tallies(tx, ids, city_id=city_id)
    before = await befores(tx, offers, city_id=city_id, zone=zone, now=now)
    return {
        offer.offer_id: _sheet(
            offer, seen.get(offer.offer_id), tallies.get(offer.offer_id), before[offer.offer_id], today
        )
        for offer in offers
    }


_NOTHING: dict[str, int] = dict.fromkeys(
    ("uses", "own", "guests", "new", "returned", "regulars", "regulars_back", "again", "later", "later_visits",
     "listed", "price", "paid", "due", "commission", "merchant",
     *(f"{what}_{d}" for d in WINDOWS for what in ("known", "back"))),
    0,
)  # fmt: skip


def _sheet(
    offer: Offer, found: Mapping[str, Any] | None, tally: orders.Tally | None, before: Before, day: date
) -> Sheet:
    row, asset = found or _NOTHING, offer.price.asset
    counts = (
        Counts(sold=tally.sold, used=tally.used, open=tally.open, refunded=tally.refunded, expired=tally.expired)
        if tally
        else Counts()
    )
    money = Money(
        listed=Amount(row["listed"], asset), paid=Amount(row["paid"], asset),
        helped=Amount(max(0, row["due"] - row["paid"]), asset), coupon=Amount(max(0, row["price"] - row["due"]), asset),
        due=Amount(row["due"], asset), commission=Amount(row["commission"], asset),
        merchant=Amount(row["merchant"], asset),
    )  # fmt: skip
    return Sheet(
        offer_id=offer.offer_id, merchant_id=offer.merchant_id, day=day, counts=counts, money=money, uses=row["uses"],
        own=row["own"], guests=row["guests"], new=row["new"], returned=row["returned"], regulars=row["regulars"],
        regulars_back=row["regulars_back"], again=row["again"], backs=_backs(row, row["new"]),
        later=Amount(row["later"], asset), later_visits=row["later_visits"], before=before,
    )  # fmt: skip


async def worst(
    tx: Tx, *, city_id: int, after: tuple[int, UUID] | None = None, limit: int = 20
) -> list[Listed]:  # fmt: skip
    """The deals of a city as the last round judged them, the worst first; `after`: (rank, offer) of the last before."""
    last, offer = after or (None, None)
    rows = await tx.rows(
        """select offer_id, merchant_id, verdict, rank, made_at from insight.sheets
           where city_id = %(city)s
             and (%(last)s::int is null or (rank, offer_id) > (%(last)s::int, %(offer)s::uuid))
           order by rank, offer_id limit %(limit)s""",
        city=city_id,
        last=last,
        offer=offer,
        limit=limit,
    )
    return [Listed(**row) for row in rows]


class OwnShare(Struct, frozen=True, kw_only=True):
    """A merchant whose own staff used his rights: how often, of how many uses, and what it brought him."""

    merchant_id: UUID
    own: int
    uses: int
    earned: Amount


async def own_shares(tx: Tx, *, city_id: int, since: date, limit: int = 20) -> list[OwnShare]:
    """Merchants whose staff used rights of their own merchant since that day, those with most first."""
    rows = await tx.rows(
        """select merchant_id, asset, sum(count) filter (where own)::int as own, sum(count)::int as uses,
                  sum(merchant_units) filter (where own)::bigint as units
           from insight.visits
           where city_id = %(city)s and undone_at is null and day >= %(since)s::date
             and merchant_id in (select merchant_id from insight.visits o
                                 where o.city_id = %(city)s and o.own and o.undone_at is null
                                   and o.day >= %(since)s::date)
           group by merchant_id, asset having sum(count) filter (where own) > 0
           order by own desc, merchant_id limit %(limit)s""",
        city=city_id,
        since=since,
        limit=limit,
    )
    return [
        OwnShare(
            merchant_id=row["merchant_id"], own=row["own"], uses=row["uses"], earned=Amount(row["units"], row["asset"])
        )
        for row in rows
    ]


async def to_judge(tx: Tx, *, city_id: int, today: date, limit: int = 100) -> list[UUID]:
    """Offers whose verdict is of an earlier day, or that have none: those with a visit in the last 120 days (a window
    of theirs may end on any day), the longest not judged first."""
    rows = await tx.rows(
        """select v.offer_id from (
             select distinct offer_id from insight.visits where city_id = %(city)s and day > %(today)s::date - 120) v
           left join insight.sheets s on s.city_id = %(city)s and s.offer_id = v.offer_id
           where s.day is null or s.day < %(today)s::date
           order by s.day nulls first, v.offer_id limit %(limit)s""",
        city=city_id,
        today=today,
        limit=limit,
    )
    return [row["offer_id"] for row in rows]
