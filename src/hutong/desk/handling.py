"""What a merchant's staff does with orders: looks one up, writes to it, gives money back.

An order belongs to the merchant. Whoever leads all of it sees all orders; whoever leads one store sees those that can
be used there, and gives back only what can be used there.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import orders, vouchers
from hutong.desk.counter import Counter
from hutong.desk.house import House
from hutong.desk.keyed import good, submit
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.infra.limits import Take, take
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import ORDER, VOUCHER, BadId
from hutong.kit.masks import phone_tail
from hutong.kit.refusals import NotAllowed
from hutong.orders import Noted, Order, OrderUnknown, RefundAsked, RefundByMerchant, Why, WriteNote
from hutong.vouchers import Voucher

CODES_PER_HOUR = 60  # codes that one person may look up: a page for finding orders is none for guessing vouchers
_CODE, _TAIL = 12, 4


class Search(Struct, frozen=True, kw_only=True):
    """What was typed, understood: certain orders (none of them: nothing fits), or the end of a buyer's number."""

    order_ids: tuple[UUID, ...] | None = None
    phone_tail: str | None = None


class _NoteGiven(Struct):
    order_id: UUID
    words: str


class _GiftGiven(Struct):
    order_id: UUID
    voucher_ids: tuple[UUID, ...]
    why: str
    words: str


def sight(actor: Actor, here: Counter, permission: Permission = Permission.VIEW_ORDERS) -> UUID | None:
    """The one store whose orders the actor may see (or refund); None: those of the whole merchant. May raise
    not_allowed."""
    if actor.can(permission, city=here.city_id, merchant=here.merchant_id):
        return None
    if not actor.can(permission, city=here.city_id, merchant=here.merchant_id, store=here.store_id):
        raise NotAllowed()
    return here.store_id


def givable(held: Sequence[Voucher], store_id: UUID | None) -> list[Voucher]:
    """The units whose money the merchant may give back: unused, still paid for, and of this store (None: of any)."""
    return [
        unit for unit in held
        if unit.untouched
        and (unit.state in ("valid", "waiting") or (unit.state == "expired" and unit.terms.refund_on_expiry))
        and (store_id is None or not unit.store_ids or store_id in unit.store_ids)
    ]  # fmt: skip


async def order(tx: Tx, actor: Actor, here: Counter, order_id: UUID) -> Order:
    """An order of the merchant that the actor may see. Raises not_allowed, order_not_found."""
    found = await orders.for_staff(
        tx, here.merchant_id, city_id=here.city_id, store_id=sight(actor, here), order_ids=[order_id]
    )
    if not found:
        raise OrderUnknown()
    return found[0]


async def search(house: House, actor: Actor, here: Counter, text: str) -> Search:
    """What somebody typed to find an order: its number, a voucher's number or code, the end of a phone number.

    Raises not_allowed, and too_many_tries when too many codes were looked up.
    """
    sight(actor, here)
    typed = text.strip()
    if (known := _id_in(typed, here.city_id)) is not None:
        kind, value = known
        return Search(order_ids=(value,)) if kind is ORDER else await _of_voucher(house, here, value)
    digits = "".join(typed.replace("-", " ").split())
    if not (digits.isascii() and digits.removeprefix("+").isdigit()):
        return Search(order_ids=())
    if len(digits) == _CODE:
        return await _of_code(house, actor, here, digits)
    return Search(phone_tail=phone_tail(digits)) if len(digits) >= _TAIL else Search(order_ids=())


def _id_in(text: str, city_id: int) -> tuple[Any, UUID] | None:
    for kind in (ORDER, VOUCHER):
        try:
            city, value = kind.read_local(text.lower())
        except BadId:
            continue
        return (kind, value) if city == city_id else None
    return None


async def _of_voucher(house: House, here: Counter, voucher_id: UUID) -> Search:
    async with house.db.reading(here.city_id) as tx:
        found = await vouchers.by_ids(tx, [voucher_id], city_id=here.city_id)
    return Search(order_ids=tuple(unit.order_id for unit in found))


async def _of_code(house: House, actor: Actor, here: Counter, code: str) -> Search:
    """In a transaction of its own, so that a refused try counts, too."""
    bucket = Take(f"codes-of-orders/{actor.member_id}", CODES_PER_HOUR, 3_600)
    async with house.db.central() as tx:
        refused = await take(tx, [bucket], now=house.clock.now())
    if refused[0] is not None:
        raise refused[0]
    async with house.db.reading(here.city_id) as tx:
        found = await vouchers.order_of_code(tx, here.merchant_id, code, city_id=here.city_id)
    return Search(order_ids=() if found is None else (found,))


async def write_note(house: House, actor: Actor, here: Counter, order_id: UUID, *, words: str, key: str) -> Noted:
    """Write to an order what its staff should know. Raises not_allowed and the refusals of orders.write_notes."""
    await _seen(house, actor, here, order_id)
    ask = WriteNote(
        note_id=new_id(), order_id=order_id, merchant_id=here.merchant_id, by=actor.member_id, author=actor.name,
        words=words,
    )  # fmt: skip
    given = _NoteGiven(order_id, words)
    answer = await submit(
        house, "orders.write_notes", here.city_id, actor=actor.member_id, key=key, given=given, request=ask
    )
    return good(answer)


async def give_back(
    house: House, actor: Actor, here: Counter, order_id: UUID, *, voucher_ids: Sequence[UUID], why: Why,
    words: str = "", key: str,
) -> RefundAsked:  # fmt: skip
    """Give the money of unused units back, whatever the terms say. Raises not_allowed and the refusals of
    orders.refund_by_merchant; a unit that cannot be used at the actor's store is as unknown as its order."""
    store_id = sight(actor, here, Permission.REFUND_ORDERS)
    await _seen(house, actor, here, order_id)
    wanted = tuple(sorted(set(voucher_ids)))
    async with house.db.reading(here.city_id) as tx:
        units = await vouchers.by_ids(tx, wanted, city_id=here.city_id)
    if store_id is not None and any(unit.store_ids and store_id not in unit.store_ids for unit in units):
        raise OrderUnknown()
    ask = RefundByMerchant(
        refund_id=new_id(), order_id=order_id, merchant_id=here.merchant_id, by=actor.member_id, author=actor.name,
        why=why, words=words, voucher_ids=wanted,
    )  # fmt: skip
    given = _GiftGiven(order_id, wanted, why, words)
    answer = await submit(
        house, "orders.refund_by_merchant", here.city_id, actor=actor.member_id, key=key, given=given, request=ask
    )
    house.nudge()
    return good(answer)


async def _seen(house: House, actor: Actor, here: Counter, order_id: UUID) -> None:
    if not actor.is_member:
        raise NotAllowed()
    async with house.db.reading(here.city_id) as tx:
        await order(tx, actor, here, order_id)
