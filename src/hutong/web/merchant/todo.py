"""What a manager should look at: vouchers that run out, reviews without an answer, offers that end or are gone."""

from datetime import datetime, timedelta

from msgspec import Struct

from hutong import catalog, insight, inventory, reviews, vouchers
from hutong.catalog import Offer
from hutong.infra.db import Tx
from hutong.kit.access import Permission, Scope
from hutong.kit.clock import day_start
from hutong.kit.text import Text
from hutong.web.merchant.till import Till

SOON = timedelta(days=7)  # in which vouchers run out: time to remind their holders
ENDING = timedelta(days=3)  # in which an offer leaves the shelf
OFFERS = 100  # the newest of a merchant that are looked through
MOST = 8


class Job(Struct, frozen=True, kw_only=True):
    """One thing to do: `todo.<kind>` are its words, with `n` and the facts; `to` is where it is done."""

    kind: str
    icon: str
    to: str | None
    n: int = 0
    title: Text | None = None
    when: datetime | None = None
    urgent: bool = False


async def jobs(tx: Tx, till: Till, *, now: datetime) -> list[Job]:
    """What waits for the visitor at this counter, the urgent first; only of what he may see."""
    found = await _conflicts(tx, till)
    if till.can(Permission.VIEW_OFFERS):
        found += await _offers(tx, till, now)
    found += await _reviews(tx, till)
    if till.owns(Permission.VIEW_ORDERS):
        found += await _wave(tx, till)
        found += await _expiring(tx, till, now)
    return sorted(found, key=lambda job: not job.urgent)[:MOST]


def _path(till: Till, name: str) -> str | None:
    """The part of the console where it is done, if there is one for the visitor."""
    return next((till.to(one.path) for one in till.parts if one.name == name), None)


async def _conflicts(tx: Tx, till: Till) -> list[Job]:
    to = _path(till, "conflicts")
    if to is None:
        return []
    count = await vouchers.open_conflicts(tx, Scope(stores=frozenset({till.store_id})), city_id=till.city_id)
    return [Job(kind="conflicts", icon="alert", to=to, n=count, urgent=True)] if count else []


async def _reviews(tx: Tx, till: Till) -> list[Job]:
    to = _path(till, "reviews")
    if to is None:
        return []
    seen = await reviews.standing(tx, Scope(stores=frozenset({till.store_id})), city_id=till.city_id)
    return [Job(kind="reviews", icon="star", to=to, n=seen.unanswered)] if seen.unanswered else []


async def _expiring(tx: Tx, till: Till, now: datetime) -> list[Job]:
    """Unused vouchers of the merchant: who holds one is a guest who may not come."""
    found = await vouchers.expiring(
        tx, Scope(merchants=frozenset({till.merchant_id})), city_id=till.city_id, since=now, until=now + SOON
    )
    return [
        Job(kind="expiring", icon="clock", to=None, n=one.count, title=one.title, when=one.first) for one in found[:3]
    ]


async def _wave(tx: Tx, till: Till) -> list[Job]:
    """The day on which more may come than can be served, as the last round found it."""
    alert = (await insight.alerts(tx, [till.merchant_id], city_id=till.city_id)).get(till.merchant_id)
    if alert is None:
        return []
    when = day_start(alert.day, till.here.zone)
    to = _path(till, "forecast")
    return [Job(kind=f"wave_{alert.level}", icon="calendar", to=to, n=alert.excess, when=when, urgent=alert.level > 1)]


async def _offers(tx: Tx, till: Till, now: datetime) -> list[Job]:
    """Offers of this merchant: sent back, sold out, about to end, or with the operator."""
    scope = till.actor.scope(Permission.VIEW_OFFERS)
    page = await catalog.offers_in_scope(tx, scope, city_id=till.city_id, limit=OFFERS)
    mine = [one for one in page.items if one.merchant_id == till.merchant_id]
    live = [one for one in mine if one.status == "published" and one.sale_to > now]
    gone = await _sold_out(tx, till, live)
    to = _path(till, "deals")
    back = [one for one in mine if one.status == "rejected"]
    waits = [one for one in mine if one.status == "in_review"]
    ending = [one for one in live if one.sale_to <= now + ENDING and one not in gone]
    found = [Job(kind="rejected", icon="edit", to=to, title=one.title, urgent=True) for one in back]
    found += [Job(kind="sold_out", icon="box", to=to, title=one.title, urgent=True) for one in gone]
    found += [Job(kind="ending", icon="calendar", to=to, title=one.title, when=one.sale_to) for one in ending]
    if waits:
        found.append(Job(kind="in_review", icon="send", to=to, n=len(waits)))
    return found


async def _sold_out(tx: Tx, till: Till, live: list[Offer]) -> list[Offer]:
    limited = [one for one in live if one.quota_id is not None]
    ids = [one.quota_id for one in limited if one.quota_id is not None]
    found = await inventory.quotas(tx, ids, city_id=till.city_id)
    return [one for one, quota in zip(limited, found, strict=True) if quota is not None and quota.remaining <= 0]
