"""What came of deals: visits are fed from facts, verdicts kept by a round, and merchants say what they expect."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import catalog, insight, places
from hutong.catalog import Offer, OfferNotFound
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.relay import Handler
from hutong.insight import Before, Capacity, Listed, Plan, Sheet
from hutong.kit.access import Actor, Permission, Scope
from hutong.kit.clock import local_day
from hutong.kit.refusals import NotAllowed

FEEDER = "insight.visits"
SHEETS_AT_ONCE = 100


def feeder() -> Handler:
    """What the relay gives us: redemptions and their undoing become visits, in any order, in sets."""

    async def do(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        await insight.feed(tx, sorted({fact.subject for fact in facts}), city_id=city_id, now=now)

    return Handler(name=FEEDER, topics=frozenset({"vouchers.redeemed", "vouchers.reversed"}), do=do, ordered=False)


async def rebuild(db: Database, city_id: int, now: datetime) -> int:
    """Read all redemptions of a city again, page by page, each in a transaction of its own. How many pages."""
    after: UUID | None = None
    pages = 0
    while True:
        last = after

        async def work(tx: Tx, last: UUID | None = last) -> UUID | None:
            return await insight.rebuild(tx, city_id=city_id, now=now, after=last)

        after = await db.run_city(city_id, work)
        pages += 1
        if after is None:
            return pages


async def judge_deals(db: Database, city_id: int, now: datetime) -> int:
    """A round: verdicts of deals that were not judged today. How many in this turn."""
    async with db.reading() as tx:
        city = await places.city(tx, city_id)
    if city is None:
        return 0

    async def work(tx: Tx) -> int:
        ids = await insight.to_judge(
            tx, city_id=city_id, today=local_day(now, city.zone), limit=SHEETS_AT_ONCE
        )  # fmt: skip
        found = [offer for offer in await catalog.offers(tx, ids, city_id=city_id) if offer is not None]
        made = await insight.sheets(tx, found, city_id=city_id, zone=city.zone, now=now)
        if made:
            await insight.write_sheets(tx, list(made.values()), city_id=city_id, now=now)
        return len(made)

    return await db.run_city(city_id, work)


async def seen(tx: Tx, city_id: int, actor: Actor, offer_id: UUID) -> Offer:
    """An offer whose result the actor may read: its owner, and the operator of the city. Raises offer_not_found."""
    found = (await catalog.offers(tx, [offer_id], city_id=city_id))[0]
    if found is None or not may_read(actor, city_id, found.merchant_id):
        raise OfferNotFound()
    return found


class Result(Struct, frozen=True, kw_only=True):
    """A deal of a list with its sheet; `listed`: its place, where the list is the city's."""

    offer: Offer
    sheet: Sheet
    listed: Listed | None = None


async def worst(
    tx: Tx, city_id: int, *, zone: str, now: datetime, after: tuple[int, UUID] | None = None, limit: int = 20
) -> tuple[list[Result], tuple[int, UUID] | None]:
    """The deals of a city, the worst verdict of the last round first, each with its sheet as of now; and where the next
    ones begin. Who may ask is the caller's to know."""
    listed = await insight.worst(tx, city_id=city_id, after=after, limit=limit + 1)
    more = (listed[limit - 1].rank, listed[limit - 1].offer_id) if len(listed) > limit else None
    found = await catalog.offers(tx, [one.offer_id for one in listed[:limit]], city_id=city_id)
    offers = {offer.offer_id: offer for offer in found if offer is not None}
    made = await insight.sheets(tx, list(offers.values()), city_id=city_id, zone=zone, now=now)
    return [
        Result(offer=offers[one.offer_id], sheet=made[one.offer_id], listed=one)
        for one in listed[:limit]
        if one.offer_id in offers
    ], more


async def of_merchant(
    tx: Tx, city_id: int, merchant_id: UUID, *, zone: str, now: datetime, after: str | None = None, limit: int = 20
) -> tuple[list[Result], str | None]:
    """The deals of a merchant, newest first, with their sheets. Who may ask is the caller's to know."""
    shop = Scope(merchants=frozenset({merchant_id}))
    page = await catalog.offers_in_scope(tx, shop, city_id=city_id, after=after, limit=limit)
    made = await insight.sheets(tx, page.items, city_id=city_id, zone=zone, now=now)
    return [Result(offer=one, sheet=made[one.offer_id]) for one in page.items], page.after


def may_read(actor: Actor, city_id: int, merchant_id: UUID | None = None) -> bool:
    """Whether the actor may read results: of this merchant, or (None) of the whole city."""
    return actor.can(Permission.VIEW_STATEMENT, city=city_id, merchant=merchant_id)


async def sheet(tx: Tx, offer: Offer, *, zone: str, now: datetime) -> Sheet:
    """The result sheet of one offer, the same for whoever may read it."""
    made = await insight.sheets(tx, [offer], city_id=offer.city_id, zone=zone, now=now)
    return made[offer.offer_id]


async def before(tx: Tx, offer: Offer, *, zone: str, now: datetime, plan: Plan | None = None) -> Before:
    """What an offer promises its merchant, before it is sold; `plan` in place of the kept one."""
    said = {offer.offer_id: plan} if plan else None
    return (await insight.befores(tx, [offer], city_id=offer.city_id, zone=zone, now=now, said=said))[offer.offer_id]


async def save_plan(
    house: House, city_id: int, actor: Actor, offer: Offer, *, cost_units: int | None, expected_bps: int | None
) -> Plan:
    """What the merchant says of a deal. Raises not_allowed, bad_plan."""
    if not actor.can(Permission.EDIT_OFFERS, city=city_id, merchant=offer.merchant_id):
        raise NotAllowed()
    said = Plan(
        offer_id=offer.offer_id, merchant_id=offer.merchant_id, cost_units=cost_units, expected_bps=expected_bps,
        by=actor.member_id,
    )  # fmt: skip
    async with house.db.city(city_id) as tx:
        return sure((await insight.plan(tx, [said], city_id=city_id, now=house.clock.now()))[0])


async def save_capacity(
    house: House, city_id: int, actor: Actor, *, merchant_id: UUID, store_id: UUID, guests: Sequence[int]
) -> None:
    """How many guests a store can serve from Monday to Sunday. Raises not_allowed, bad_plan."""
    if not actor.can(Permission.EDIT_STORE, city=city_id, merchant=merchant_id, store=store_id):
        raise NotAllowed()
    said = [
        Capacity(store_id=store_id, merchant_id=merchant_id, weekday=day, guests=count, by=actor.member_id)
        for day, count in enumerate(guests)
    ]
    async with house.db.city(city_id) as tx:
        for result in await insight.set_capacities(tx, said, city_id=city_id, now=house.clock.now()):
            sure(result)
