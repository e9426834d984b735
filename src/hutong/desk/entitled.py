"""Who got what, by a number, for whoever asks: as the platform, as who runs the city, as the merchant of it, as its
member, or as an operator with a share, whichever sees most. For all others it is not there."""

from uuid import UUID

from hutong import merchants, orders, programmes, till, vouchers
from hutong.desk import tracing, waterfalls
from hutong.desk.house import House
from hutong.desk.waterfalls import Cascade
from hutong.kit.access import EVERYTHING, Actor, Permission
from hutong.kit.ids import BILL, ORDER, REDEMPTION, VOUCHER, IdKind
from hutong.kit.refusals import NotFound

SEES = Permission.VIEW_STATEMENT


async def by_number(house: House, actor: Actor, number: str) -> Cascade:
    """The waterfall of an order, a voucher, a use, a bill, a payment or a movement of points. Raises not_found."""
    text = number.strip()
    if actor.can(Permission.RUN_PLATFORM):
        return await tracing.for_platform(house, actor, text)
    moved = tracing.read_movement(text)
    if moved is not None:
        return await _movement(house, actor, moved, text)
    kind, city_id, value = tracing.read(text)
    if actor.can(SEES, city=city_id):
        return await tracing.for_city(house, actor, city_id, text)
    for ask in (_as_merchant, _as_member):
        try:
            return await ask(house, actor, city_id, kind, value)
        except NotFound:
            continue
    return await tracing.for_city(house, actor, city_id, text)  # a share in it, or nothing


async def _as_merchant(house: House, actor: Actor, city_id: int, kind: IdKind, value: UUID) -> Cascade:
    """What a merchant sold or what was used in his shop, when the actor may read his books. Raises not_found."""
    async with house.db.reading(city_id) as tx:
        if kind is ORDER:
            concern = (await orders.concerns(tx, [value], city_id=city_id)).get(value)
            owners = [concern.merchant_id] if concern else []
        elif kind is VOUCHER:
            owners = [one.merchant_id for one in await vouchers.by_ids(tx, [value], city_id=city_id)]
        elif kind is BILL:
            owners = [one.merchant_id for one in (await till.by_ids(tx, EVERYTHING, [value], city_id=city_id)).values()]
        elif kind is REDEMPTION:
            uses = await vouchers.uses_by_ids(tx, EVERYTHING, [value], city_id=city_id)
            units = await vouchers.by_ids(tx, [use.voucher_id for use in uses], city_id=city_id) if uses else []
            owners = [one.merchant_id for one in (*units, *uses)]
        else:
            owners = []
    mine = next((one for one in owners if actor.can(SEES, city=city_id, merchant=one)), None)
    if mine is None:
        raise NotFound()
    if kind is ORDER:
        return await waterfalls.for_seller(house, city_id, mine, value)
    if kind is VOUCHER:
        return await waterfalls.of_voucher(house, city_id, value)
    if kind is BILL:
        return await waterfalls.of_bill(house, city_id, value)
    return await waterfalls.for_merchant(house, city_id, mine, value)


async def _as_member(house: House, actor: Actor, city_id: int, kind: IdKind, value: UUID) -> Cascade:
    """The member's own order, voucher or bill. Raises not_found."""
    if not actor.is_member:
        raise NotFound()
    if kind is ORDER:
        return await waterfalls.of_order(house, city_id, value, member_id=actor.member_id)
    if kind is VOUCHER:
        return await waterfalls.of_voucher(house, city_id, value, member_id=actor.member_id)
    if kind is BILL:
        return await waterfalls.of_bill(house, city_id, value, member_id=actor.member_id)
    raise NotFound()


async def _movement(house: House, actor: Actor, movement_id: UUID, text: str) -> Cascade:
    """Points: of a partner whose books the actor may read, of a city that he runs, or his own. Raises not_found."""
    async with house.db.reading() as tx:
        moved = await programmes.movement(tx, movement_id)
        parties = sorted({i for one in moved for i in (one.partner_id, one.funder_id) if i is not None})
        homes = await merchants.presence(tx, parties)
    for party in parties:
        if actor.can(SEES, merchant=party):
            return await tracing.for_partner(house, party, movement_id)
    cities = {one.city_id for one in moved if one.city_id is not None}
    for city in sorted(cities.union(*homes.values())):
        if actor.can(SEES, city=city):
            try:
                return await tracing.for_city(house, actor, city, text)
            except NotFound:
                continue
    if not actor.is_member:
        raise NotFound()
    return await waterfalls.of_movement(house, movement_id, member_id=actor.member_id)
