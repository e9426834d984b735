"""Bargains: a member begins one for an offer, friends cut its price."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import catalog, groups, places
from hutong.catalog import Bargain
from hutong.desk.buying import member_of
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.groups import Cut, HelpCut, OpenBargain
from hutong.infra.db import Database, Tx
from hutong.infra.ids import new_id
from hutong.infra.limits import Take, take
from hutong.kit.access import Actor
from hutong.kit.masks import mask_name
from hutong.kit.refusals import NotFound, Refusal

DAY = 86_400
BEGUN_A_DAY, HELPS_A_DAY = 30, 30  # of one member: friends help, trades do not


async def begin(house: House, city_id: int, actor: Actor, offer_id: UUID) -> UUID:
    """Begin a bargain, or give the one that the member has begun before. Raises not_found, those of why_not_on_sale,
    too_many_tries."""
    member, now = member_of(actor), house.clock.now()
    async with house.db.reading(city_id) as tx:
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
        before = await groups.bargain_of(tx, member, offer_id, city_id=city_id)
        city = await places.city(tx, city_id)
    if before is not None:
        return before
    refusal = catalog.why_not_on_sale(offer, now, zone=city.zone if city else "UTC")
    if offer is None or refusal is not None:
        raise refusal or NotFound()
    form = offer.form
    if not isinstance(form, Bargain):
        raise NotFound()
    ask = OpenBargain(
        bargain_id=new_id(), offer_id=offer_id, merchant_id=offer.merchant_id, member_id=member,
        face=mask_name(actor.name), price_units=offer.price.units, floor_units=form.floor_units, helpers=form.helpers,
        hours=form.hours, budget_units=form.budget_units,
    )  # fmt: skip

    async def work(tx: Tx) -> Any:
        late = await _late(tx, f"bargains/{city_id}/{member}", BEGUN_A_DAY, now)
        return [late] if late else await groups.open_bargains(tx, [ask], city_id=city_id, now=now)

    (found,) = await house.db.run_city(city_id, work)
    if isinstance(found, groups.BargainOnce):  # on another phone, in this moment
        async with house.db.reading(city_id) as tx:
            return await groups.bargain_of(tx, member, offer_id, city_id=city_id) or ask.bargain_id
    return sure(found)


async def help_out(house: House, city_id: int, actor: Actor, bargain_id: UUID) -> Cut:
    """Cut the price of a friend's bargain. Raises the refusals of groups.help_cut, too_many_tries."""
    now = house.clock.now()
    ask = HelpCut(bargain_id=bargain_id, member_id=member_of(actor), face=mask_name(actor.name))

    async def work(tx: Tx) -> Any:
        late = await _late(tx, f"helps/{city_id}/{ask.member_id}", HELPS_A_DAY, now)
        return [late] if late else await groups.help_cut(tx, [ask], city_id=city_id, now=now)

    return sure((await house.db.run_city(city_id, work))[0])


async def _late(tx: Tx, bucket: str, most: int, now: datetime) -> Refusal | None:
    """Count a try; it counts also when it is refused, as the refusal is committed with it."""
    return (await take(tx, [Take(bucket, most, DAY)], now=now))[0]


async def end_due(db: Database, city_id: int, now: datetime) -> int:
    """One set of bargains whose time is over."""

    async def work(tx: Any) -> int:
        return await groups.end_bargains(tx, city_id=city_id, now=now)

    return await db.run_city(city_id, work)
