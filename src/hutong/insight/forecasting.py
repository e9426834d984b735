"""The waves of merchants, from what is out, what was learnt and what can be served. Who may see is the caller's."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong import catalog, merchants, orders, vouchers
from hutong.catalog import Offer
from hutong.infra.db import Tx
from hutong.insight.waves import TENTHS, Alert, Profile, Stock, Wave, forecast, profile
from hutong.kit.access import Scope
from hutong.kit.clock import day_start, local_day
from hutong.vouchers import Outstanding

HORIZON = 42  # days that are looked ahead
FARTHEST = 400  # days after which no end of a validity matters
BEHIND = timedelta(days=84)  # of visits that weekdays and busiest days are read from
KNOWN_DAYS = 3  # open days of a weekday, before its busiest one says what can be served


class Served(Struct, frozen=True):
    """What a store was seen to serve on one weekday: the busiest day, on how many days, and all uses together."""

    store_id: UUID
    weekday: int
    most: int
    days: int
    uses: int


class Holding(Struct, frozen=True, kw_only=True):
    """What a merchant has out, offer by offer, ready for a forecast."""

    merchant_id: UUID
    lots: tuple[Outstanding, ...]
    offers: dict[UUID, Offer]

    def stocks(self, zone: str) -> list[Stock]:
        return [
            Stock(
                offer_id=lot.offer_id, first=local_day(lot.valid_from, zone),
                last=local_day(lot.valid_to - timedelta(seconds=1), zone), uses=lot.uses,
                terms=self.offers[lot.offer_id].terms,
            )
            for lot in self.lots
            if lot.offer_id in self.offers
        ]  # fmt: skip


async def holdings(
    tx: Tx, *, city_id: int, zone: str, now: datetime, merchant_ids: Sequence[UUID] | None = None
) -> dict[UUID, Holding]:
    """What these merchants (all of the city) have out; absent for one that has nothing."""
    until = now + timedelta(days=FARTHEST)
    lots = await vouchers.outstanding(
        tx, city_id=city_id, zone=zone, now=now, until=until, merchant_ids=merchant_ids
    )  # fmt: skip
    found = await catalog.offers(tx, sorted({lot.offer_id for lot in lots}), city_id=city_id)
    offers = {offer.offer_id: offer for offer in found if offer is not None}
    by_merchant: dict[UUID, list[Outstanding]] = {}
    for lot in lots:
        by_merchant.setdefault(lot.merchant_id, []).append(lot)
    return {
        merchant: Holding(
            merchant_id=merchant, lots=tuple(mine),
            offers={lot.offer_id: offers[lot.offer_id] for lot in mine if lot.offer_id in offers},
        )
        for merchant, mine in by_merchant.items()
    }  # fmt: skip


async def profiles(
    tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int, now: datetime
) -> dict[UUID, Profile]:  # fmt: skip
    """How vouchers of each merchant were used over their validity: of those whose time is over."""
    rows = await tx.rows(
        """select merchant_id, tenth, count(*)::int as n from (
             select distinct on (v.voucher_id) v.merchant_id,
                    least(9, floor(10 * extract(epoch from v.at - v.valid_from)
                                      / extract(epoch from v.valid_to - v.valid_from)))::int as tenth
             from insight.visits v
             where v.city_id = %(city)s and v.merchant_id = any(%(merchants)s::uuid[]) and v.undone_at is null
               and v.valid_to <= %(now)s and v.valid_from <= v.at and v.valid_from < v.valid_to
             order by v.voucher_id, v.at) f
           group by merchant_id, tenth""",
        city=city_id,
        merchants=sorted(set(merchant_ids)),
        now=now,
    )
    page = await catalog.offers_in_scope(
        tx, Scope(merchants=frozenset(merchant_ids)), city_id=city_id, limit=100 * max(1, len(merchant_ids))
    )
    ended = await orders.ended(tx, [offer.offer_id for offer in page.items], city_id=city_id, now=now)
    never: dict[UUID, int] = {}
    for offer in page.items:
        if offer.offer_id in ended:
            never[offer.merchant_id] = never.get(offer.merchant_id, 0) + ended[offer.offer_id].never
    found: dict[UUID, Profile] = {}
    for merchant in merchant_ids:
        counts = [0] * TENTHS
        for row in rows:
            if row["merchant_id"] == merchant:
                counts[row["tenth"]] = row["n"]
        found[merchant] = profile(counts, never.get(merchant, 0), "own")
    return found


async def served(tx: Tx, store_ids: Sequence[UUID], *, city_id: int, today: date) -> list[Served]:
    """What these stores served on each weekday of the last twelve weeks."""
    rows = await tx.rows(
        """select store_id, (extract(isodow from day)::int - 1) as weekday, max(uses)::int as most,
                  count(*)::int as days, sum(uses)::int as uses
           from (select store_id, day, sum(count) as uses from insight.visits
                 where city_id = %(city)s and store_id = any(%(stores)s::uuid[]) and undone_at is null
                   and day >= %(since)s::date and day < %(today)s::date
                 group by store_id, day) d
           group by store_id, weekday order by store_id, weekday""",
        city=city_id,
        stores=sorted(set(store_ids)),
        since=today - BEHIND,
        today=today,
    )
    return [Served(**row) for row in rows]


async def capacities(tx: Tx, store_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[int, int]]:
    """What managers said their stores can serve: store -> weekday (Monday 0) -> guests."""
    rows = await tx.rows(
        """select store_id, weekday, guests from insight.capacities
           where city_id = %(city)s and store_id = any(%(stores)s::uuid[])""",
        city=city_id,
        stores=sorted(set(store_ids)),
    )
    found: dict[UUID, dict[int, int]] = {}
    for row in rows:
        found.setdefault(row["store_id"], {})[row["weekday"]] = row["guests"]
    return found


def capacity_of(
    stores: Sequence[UUID], said: Mapping[UUID, Mapping[int, int]], seen: Sequence[Served], holding: Holding | None
) -> tuple[dict[int, int] | None, Literal["set", "terms", "history", "none"]]:
    """What all stores together can serve by weekday, and how that is known: said by a manager; else the limits a day of
    the offers that are out, if each has one; else the busiest day that was seen. None: nobody knows."""
    if any(said.get(store) for store in stores):
        return {d: sum(said.get(store, {}).get(d, 0) for store in stores) for d in range(7)}, "set"
    offers = list(holding.offers.values()) if holding else []
    limits = [offer.terms.per_day for offer in offers]
    if limits and all(limit is not None for limit in limits):
        most = sum((limit or 0) * max(1, len(o.store_ids)) for limit, o in zip(limits, offers, strict=True))
        return dict.fromkeys(range(7), most), "terms"
    known = [one for one in seen if one.days >= KNOWN_DAYS]
    if not known:
        return None, "none"
    best: dict[UUID, int] = {}
    for one in known:
        best[one.store_id] = max(best.get(one.store_id, 0), one.most)
    by_day = {(one.store_id, one.weekday): one.most for one in known}
    return {d: sum(by_day.get((s, d), most) for s, most in best.items()) for d in range(7)}, "history"


def rhythm(seen: Sequence[Served]) -> list[float]:
    """How the uses of a week spread over its days, 1.0 being even; a week of even days is mixed in."""
    uses = [sum(one.uses for one in seen if one.weekday == day) for day in range(7)]
    total = sum(uses)
    return [(n + 7) * 7 / (total + 49) for n in uses]


async def waves(
    tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int, zone: str, now: datetime, days: int = HORIZON,
    held: Mapping[UUID, Holding] | None = None,
) -> dict[UUID, Wave]:  # fmt: skip
    """The coming days of these merchants with all their stores in the city. A bounded number of statements for all."""
    today = local_day(now, zone)
    out = held if held is not None else await holdings(
        tx, city_id=city_id, zone=zone, now=now, merchant_ids=merchant_ids
    )  # fmt: skip
    stores = await merchants.store_ids_of(tx, merchant_ids, city_id=city_id)
    every = [store for mine in stores.values() for store in mine]
    said = await capacities(tx, every, city_id=city_id)
    seen = await served(tx, every, city_id=city_id, today=today)
    learnt = await profiles(tx, merchant_ids, city_id=city_id, now=now)
    found: dict[UUID, Wave] = {}
    for merchant in merchant_ids:
        mine, holding = stores.get(merchant, []), out.get(merchant)
        here = [one for one in seen if one.store_id in mine]
        capacity, source = capacity_of(mine, said, here, holding)
        found[merchant] = forecast(
            merchant, holding.stocks(zone) if holding else [], learnt[merchant], today=today, days=days,
            capacity=capacity, weekdays=rhythm(here), capacity_from=source,
        )  # fmt: skip
    return found


async def alerts(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Alert]:
    """The dangers of these merchants that the last round found."""
    rows = await tx.rows(
        """select merchant_id, level, day, excess, outstanding from insight.alerts
           where city_id = %(city)s and merchant_id = any(%(merchants)s::uuid[])""",
        city=city_id,
        merchants=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: Alert(**row) for row in rows}


async def alerted(tx: Tx, *, city_id: int) -> list[UUID]:
    """The merchants of a city with an alert."""
    rows = await tx.rows("select merchant_id from insight.alerts where city_id = %(city)s", city=city_id)
    return [row["merchant_id"] for row in rows]


async def due_nudges(tx: Tx, *, city_id: int, now: datetime, limit: int = 200) -> list[dict[str, Any]]:
    """Nudges whose hour has come and that nobody was told of yet, the longest waiting first."""
    return await tx.rows(
        """select nudge_id, member_id, merchant_id, offer_id, voucher_id, day from insight.nudges
           where city_id = %(city)s and due_at <= %(now)s and told_at is null
           order by due_at, nudge_id limit %(limit)s""",
        city=city_id,
        now=now,
        limit=limit,
    )


def end_of(day: date, zone: str) -> datetime:
    """The exclusive end of a validity whose last day this is: the next local midnight."""
    return day_start(day + timedelta(days=1), zone)
