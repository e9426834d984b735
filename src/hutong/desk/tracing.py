"""Who got what, found by a number: for the platform anything, for an operator what is of his city or his share.

A number says its kind and its city, so nothing is looked for: an order, a voucher, a use, a bill or a payment of
a city, or a movement of points of no city.
"""

from collections.abc import Sequence
from uuid import UUID

from hutong import payments, programmes, settlement, till, vouchers
from hutong.desk import payouts, waterfalls
from hutong.desk.house import House
from hutong.desk.waterfalls import Cascade
from hutong.infra.db import Tx
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import BILL, MOVEMENT, ORDER, PAYMENT, REDEMPTION, VOUCHER, BadId, IdKind
from hutong.kit.refusals import NotFound
from hutong.kit.text import Text
from hutong.programmes import Movement

KINDS = (ORDER, VOUCHER, REDEMPTION, BILL, PAYMENT)


async def for_platform(house: House, actor: Actor, number: str) -> Cascade:
    """Anything by its public number. Raises not_found, not_allowed."""
    payouts.must(actor)
    text = number.strip()
    moved = read_movement(text)
    if moved is not None:
        return await waterfalls.of_movement(house, moved)
    kind, city_id, value = read(text)
    return await _whole(house, city_id, kind, value)


async def for_city(house: House, actor: Actor, city_id: int, number: str) -> Cascade:
    """A thing of this city by its number: whole for who runs the city, an unused or refunded one too; for who only has
    a share, the uses in it that he has a share in. Raises not_found, as for a thing of another city."""
    text = number.strip()
    runs = actor.can(Permission.VIEW_STATEMENT, city=city_id)
    moved = read_movement(text)
    if moved is not None:
        if not runs or not await _of_city(house, city_id, moved):
            raise NotFound()
        return await waterfalls.of_movement(house, moved)
    kind, there, value = read(text)
    if there != city_id:
        raise NotFound()
    if runs:
        return await _whole(house, city_id, kind, value)
    purses = set(await payouts.purses(house, actor))
    async with house.db.reading(city_id) as tx:
        uses, title = await _uses(tx, city_id, kind, value)
        shared = await settlement.operators_of(tx, uses, city_id=city_id) if uses else {}
    mine = [use for use in uses if purses & set(shared.get(use, ()))]
    if not mine:
        raise NotFound()
    return await waterfalls.of_uses(house, city_id, mine, title=title)


async def for_partner(house: House, merchant_id: UUID, movement_id: UUID) -> Cascade:
    """Points that were given or taken at a merchant's, or that his money stands behind. Raises not_found."""
    async with house.db.reading() as tx:
        moved = await programmes.movement(tx, movement_id)
    if not any(merchant_id in (one.partner_id, one.funder_id) for one in moved):
        raise NotFound()
    return await waterfalls.of_movement(house, movement_id)


def read(text: str) -> tuple[IdKind, int, UUID]:
    """Kind, city and id of a number. Raises not_found."""
    for kind in KINDS:
        try:
            return kind, *kind.read_local(text)
        except BadId:
            continue
    raise NotFound()


def read_movement(text: str) -> UUID | None:
    """The id of a movement of points; None when the number is of another kind."""
    try:
        return MOVEMENT.read(text)
    except BadId:
        return None


async def _whole(house: House, city_id: int, kind: IdKind, value: UUID) -> Cascade:
    if kind is PAYMENT:
        async with house.db.reading(city_id) as tx:
            (payment,) = await payments.by_ids(tx, [value], city_id=city_id)
        if payment is None:
            raise NotFound()
        kind, value = (BILL if payment.purpose == "bill" else ORDER), payment.order_id
    if kind is BILL:
        return await waterfalls.of_bill(house, city_id, value)
    if kind is REDEMPTION:
        return await waterfalls.of_use(house, city_id, value)
    if kind is VOUCHER:
        return await waterfalls.of_voucher(house, city_id, value)
    return await waterfalls.of_order(house, city_id, value)


async def _uses(tx: Tx, city_id: int, kind: IdKind, value: UUID) -> tuple[list[UUID], Text]:
    """The uses inside a thing, and what it is called. Raises not_found."""
    if kind is REDEMPTION:
        earned = (await settlement.earned(tx, [value], city_id=city_id)).get(value)
        return ([value], earned.title) if earned is not None else ([], Text.both(""))
    if kind is BILL:
        bill = (await till.in_full(tx, [value], city_id=city_id)).get(value)
        return ([use.redemption_id for use in bill.uses], Text.both(bill.store_name)) if bill else ([], Text.both(""))
    if kind is PAYMENT:
        (payment,) = await payments.by_ids(tx, [value], city_id=city_id)
        kind, value = ORDER, payment.order_id if payment is not None else value
    held = await (
        vouchers.by_ids(tx, [value], city_id=city_id)
        if kind is VOUCHER
        else vouchers.of_orders(tx, [value], city_id=city_id)
    )
    uses = await vouchers.uses_of(tx, [one.voucher_id for one in held], city_id=city_id) if held else []
    return [use.redemption_id for use in uses], held[0].title if held else Text.both("")


async def _of_city(house: House, city_id: int, movement_id: UUID) -> bool:
    """Whether points moved in this city, or for a partner who is at home here."""
    async with house.db.reading() as tx:
        moved: Sequence[Movement] = await programmes.movement(tx, movement_id)
        if any(one.city_id == city_id for one in moved):
            return True
        ids = {i for one in moved for i in (one.partner_id, one.funder_id) if i is not None}
        if not ids:
            return False
        home = await programmes.partners(tx, moved[0].programme_id, ids=ids, home_city=city_id, left=True)
    return bool(home)
