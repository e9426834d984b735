"""Before a wave breaks: a round that warns, and what a manager does with one tap: ask holders to come earlier, sell
slower, lengthen what was sold."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import to_builtins

from hutong import catalog, insight, inventory, merchants, places, vouchers
from hutong.catalog import Offer, Step
from hutong.desk import shelf, telling
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Database, Tx
from hutong.insight import Day, Holding, NobodyToNudge, Nudge, Wave
from hutong.inventory import Resize
from hutong.kit.access import Actor, Permission
from hutong.kit.clock import local, local_day
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotAllowed, Refusal
from hutong.messages import Tell
from hutong.vouchers import Extend, Holder

AWAKE = (time(9), time(20))  # the hours in which people are told, on the clocks of the city
MOST_ASKED = 2_000  # holders with one tap
INVITING = 5  # quiet days that holders are spread over
EDGE = timedelta(microseconds=1)
AT_ONCE = 200


def due(now: datetime, zone: str) -> datetime:
    """When somebody may be told of what is decided now: at once by day, else at the next morning's hour."""
    here = local(now, zone)
    if AWAKE[0] <= here.time() < AWAKE[1]:
        return now
    day = here.date() if here.time() < AWAKE[0] else here.date() + timedelta(days=1)
    return datetime.combine(day, AWAKE[0], ZoneInfo(zone)).astimezone(now.tzinfo)


async def look_ahead(
    tx: Tx, merchant_id: UUID, *, city_id: int, zone: str, now: datetime
) -> tuple[Wave, Holding | None]:
    """The coming days of one merchant, and what he has out."""
    held = await insight.holdings(tx, city_id=city_id, zone=zone, now=now, merchant_ids=[merchant_id])
    found = await insight.waves(tx, [merchant_id], city_id=city_id, zone=zone, now=now, held=held)
    return found[merchant_id], held.get(merchant_id)


async def watch(db: Database, city_id: int, now: datetime) -> int:
    """A round: which merchants may be overrun. How many alerts stand."""
    async with db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        if city is None:
            return 0
        held = await insight.holdings(tx, city_id=city_id, zone=city.zone, now=now)
        before = await insight.alerted(tx, city_id=city_id)
        concerned = sorted({*held, *before})
        found = await insight.waves(tx, concerned, city_id=city_id, zone=city.zone, now=now, held=held)
    if not concerned:
        return 0
    alerts = [found[merchant].alert if merchant in held else None for merchant in concerned]
    async with db.city(city_id) as tx:
        stands = await insight.write_alerts(tx, alerts, merchants=concerned, city_id=city_id, now=now)
    return sum(stands)


def _must(actor: Actor, permission: Permission, city_id: int, merchant_id: UUID) -> None:
    if not actor.can(permission, city=city_id, merchant=merchant_id):
        raise NotAllowed()


async def extend(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, *, offer_ids: Sequence[UUID], days: int, zone: str,
    key: UUID,
) -> int:  # fmt: skip
    """What ends within the days that the forecast shows is good so many days longer; its holders are told.

    How many vouchers; the same key again extends nothing more. Raises not_allowed, bad_input, extension_too_short.
    """
    _must(actor, Permission.EDIT_OFFERS, city_id, merchant_id)
    if days not in insight.STRETCHES:
        raise BadInput(field="days", why="/".join(map(str, insight.STRETCHES)))
    now = house.clock.now()

    async def work(tx: Tx) -> list[tuple[Extend, vouchers.Extended | Refusal]]:
        lots = await vouchers.outstanding(
            tx, city_id=city_id, zone=zone, now=now, until=now + timedelta(days=insight.HORIZON),
            merchant_ids=[merchant_id],
        )  # fmt: skip
        ends = sorted({(lot.offer_id, lot.valid_to) for lot in lots if lot.offer_id in offer_ids})
        asks = [
            Extend(
                extension_id=derive(key, f"{offer_id}/{end.isoformat()}"), offer_id=offer_id, merchant_id=merchant_id,
                ends_after=end - EDGE, ends_by=end, by=actor.member_id,
                valid_to=insight.end_of(local_day(end - EDGE, zone) + timedelta(days=days), zone),
            )
            for offer_id, end in ends
        ]  # fmt: skip
        return list(zip(asks, await vouchers.extend(tx, asks, city_id=city_id, now=now), strict=True))

    done = await house.db.run_city(city_id, work)
    titles = await _offers(house, city_id, [ask.offer_id for ask, _ in done])
    told = [
        Tell(
            member_id=member, message_id=derive(ask.extension_id, f"inbox/{member}"), kind="extended", city_id=city_id,
            subject=voucher,
            facts={"offer": to_builtins(titles[ask.offer_id].title),
                   "day": local_day(ask.valid_to - EDGE, zone).isoformat()},
        )
        for ask, result in done
        for member, voucher in sure(result).holders.items()
        if ask.offer_id in titles
    ]  # fmt: skip
    await telling.tell(house, told, purpose="orders", now=now)
    await watch(house.db, city_id, now)
    return sum(sure(result).count for _, result in done)


async def _offers(house: House, city_id: int, ids: Sequence[UUID]) -> dict[UUID, Offer]:
    async with house.db.reading(city_id) as tx:
        found = await catalog.offers(tx, sorted(set(ids)), city_id=city_id)
    return {offer.offer_id: offer for offer in found if offer is not None}


def spread(holders: Sequence[Holder], days: Sequence[Day], offers: dict[UUID, Offer]) -> list[tuple[Holder, Day]]:
    """Each holder with the quiet day that has most places left, among those on which his voucher may be used."""
    free = {day.day: day.free for day in days}
    found = []
    for holder in holders:
        offer = offers.get(holder.offer_id)
        stock = insight.Stock(
            offer_id=holder.offer_id, first=days[0].day, last=days[-1].day, uses=1,
            **({"terms": offer.terms} if offer else {}),
        )  # fmt: skip
        able = [day for day in days if stock.allows(day.day)]
        if able:
            day = max(able, key=lambda one: (free[one.day], -one.day.toordinal()))
            free[day.day] -= holder.units
            found.append((holder, day))
    return found


def quiet_days(wave: Wave) -> list[Day]:
    """Where to invite people to: the days with most room within two weeks, before the danger; else the emptiest."""
    danger = wave.alert
    near = [day for day in wave.days[1:15] if danger is None or day.day < danger.day] or list(wave.days[1:8])
    best = sorted(near, key=lambda day: (-day.free, day.mid, day.day))[:INVITING]
    return sorted(best, key=lambda day: day.day)


async def ask_to_come(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, *, zone: str, key: UUID
) -> int:  # fmt: skip
    """Invite holders to quiet days before the wave, the soonest end first. How many will be told: nobody who was asked
    within two weeks, and nobody at night. Raises not_allowed, nobody_to_nudge."""
    _must(actor, Permission.EDIT_OFFERS, city_id, merchant_id)
    now = house.clock.now()

    async def work(tx: Tx) -> int:
        wave, holding = await look_ahead(tx, merchant_id, city_id=city_id, zone=zone, now=now)
        if holding is None:
            return 0
        until = now + timedelta(days=insight.FARTHEST)
        held = await vouchers.holders(
            tx, list(holding.offers), city_id=city_id, now=now, until=until, limit=MOST_ASKED
        )  # fmt: skip
        asks = [
            Nudge(
                nudge_id=derive(key, str(holder.member_id)), member_id=holder.member_id, merchant_id=merchant_id,
                offer_id=holder.offer_id, voucher_id=holder.voucher_id, day=day.day, by=actor.member_id,
                due_at=due(now, zone),
            )
            for holder, day in spread(held, quiet_days(wave), holding.offers)
        ]  # fmt: skip
        return sum(await insight.nudge(tx, asks, city_id=city_id, now=now)) if asks else 0

    count = await house.db.run_city(city_id, work)
    if not count:
        raise NobodyToNudge()
    return count


async def tell_nudged(house: House, city_id: int, now: datetime) -> int:
    """A round: nudges whose hour has come go to those who want reminders. How many; telling twice is telling once."""
    async with house.db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        waiting = await insight.due_nudges(tx, city_id=city_id, now=now, limit=AT_ONCE)
        shops = await merchants.merchants(tx, sorted({one["merchant_id"] for one in waiting}))
    if city is None or not waiting or due(now, city.zone) != now:
        return 0
    offers = await _offers(house, city_id, [one["offer_id"] for one in waiting])
    today = local_day(now, city.zone)
    told = [
        Tell(
            member_id=one["member_id"], message_id=derive(one["nudge_id"], "inbox"), kind="come_early", city_id=city_id,
            subject=one["voucher_id"],
            facts={"offer": to_builtins(offers[one["offer_id"]].title), "day": one["day"].isoformat(),
                   "store": to_builtins(shops[one["merchant_id"]].name)},
        )
        for one in waiting
        if one["offer_id"] in offers and one["merchant_id"] in shops and one["day"] >= today
    ]  # fmt: skip
    await telling.tell(house, told, purpose="reminders", now=now)
    async with house.db.city(city_id) as tx:
        await insight.told(tx, [one["nudge_id"] for one in waiting], city_id=city_id, now=now)
    return len(told)


async def slow(
    house: House, city_id: int, actor: Actor, offer_id: UUID, *, how: Literal["pause", "cap"], more: int = 0
) -> Offer:
    """Sell slower: not at all for now, or `more` units at most beyond what is sold and held. One tap, in the history of
    the deal. Raises not_allowed, offer_not_found and the refusals of catalog.pause."""
    async with house.db.reading(city_id) as tx:
        offer = await shelf.mine(tx, city_id, actor, offer_id, Permission.EDIT_OFFERS)
    _must(actor, Permission.EDIT_OFFERS, city_id, offer.merchant_id)
    if how == "pause":
        asks = [Step(offer_id=offer_id, by=None, version=offer.version, reason="wave")]
        return sure((await shelf.step(house, city_id, actor, "pause", asks))[0])
    quota_id = offer.quota_id or offer.offer_id

    async def work(tx: Tx) -> None:
        (stock,) = await inventory.quotas(tx, [quota_id], city_id=city_id)
        if stock is not None:
            total = min(stock.total, stock.sold + stock.held + max(0, more))
            sure((await inventory.resize(tx, [Resize(quota_id, max(1, total))], city_id=city_id))[0])

    await house.db.run_city(city_id, work)
    return offer
