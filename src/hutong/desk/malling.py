"""The gift mall as members and suppliers use it: exchange, parcels, and what makes a gift sound."""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_bytes
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong import catalog, mall, merchants, places, programmes, settlement
from hutong.catalog import Draft, Gift, Offer
from hutong.desk import shelf
from hutong.desk.buying import NoProvider, member_of
from hutong.desk.house import House
from hutong.desk.keyed import good, submit, sure
from hutong.infra.db import Database, Tx
from hutong.infra.facts import Fact
from hutong.infra.ids import new_id
from hutong.infra.relay import Handler
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import NotAllowed, Refusal
from hutong.mall import Address, Delivery, Exchange, GiftUnderfunded, Send, SentOut, Way
from hutong.orders import Place, Placed
from hutong.vouchers import PARCEL, Redeem

TOPICS = frozenset(
    {"orders.paid", "orders.cancelled", "orders.expired", "orders.refunded", "orders.given_back"}
)  # fmt: skip


class Handed(Struct, frozen=True, kw_only=True):
    """A parcel that was handed to a carrier, with his number for it."""

    order_id: UUID
    carrier: str
    number: str

    @property
    def numbered(self) -> bool:
        return bool(self.carrier.strip() and self.number.strip())


class _Given(Struct):
    """What guards the key of an exchange; of an address only whether there is one: it is not written down twice."""

    offer_id: UUID
    units: int
    way: str
    expect: Amount


def address_key(house: House) -> bytes:
    """The key that seals addresses: it follows from the master key."""
    return house.settings.key("addresses")


async def exchange(
    house: House, city_id: int, actor: Actor, offer_id: UUID, *, units: int, way: Way, address: Address | None,
    key: str, expect: Amount, provider: str = "sandbox",
) -> Placed:  # fmt: skip
    """Points, and perhaps cash (`expect`), for so many units of a gift; the same key is the same exchange.

    Raises address_needed, no_provider and the refusals of mall.exchange.
    """
    member = member_of(actor)
    if expect and provider not in house.providers:
        raise NoProvider()
    if way == "delivery" and address is None:
        raise mall.AddressNeeded()
    order_id = new_id()
    sealed = None
    if way == "delivery" and address is not None:
        sealed = mall.seal(address, key=address_key(house), order_id=order_id, nonce=token_bytes(12))
    ask = Exchange(
        place=Place(
            order_id=order_id, payment_id=new_id(), member_id=member, member_name=actor.name,
            phone_tail=actor.phone_tail, wants=(), expect=expect, provider=provider,
        ),
        offer_id=offer_id, units=units, way=way, sealed=sealed,
    )  # fmt: skip
    given = _Given(offer_id, units, way, expect)
    return good(await submit(house, "mall.exchange", city_id, actor=member, key=key, given=given, request=ask))


def address_of(house: House, parcel: Delivery) -> Address | None:
    """Where a parcel goes; None when that was forgotten."""
    return mall.open_address(parcel.sealed, key=address_key(house), order_id=parcel.order_id)


async def arrived(house: House, city_id: int, actor: Actor, order_id: UUID) -> None:
    """The member has his parcel. Raises delivery_not_found, delivery_state."""
    member = member_of(actor)
    async with house.db.reading(city_id) as tx:
        parcel = (await mall.deliveries_of(tx, [order_id], city_id=city_id)).get(order_id)
    if parcel is None or parcel.member_id != member:
        raise mall.DeliveryNotFound()
    done = await _deliver(house.db, city_id, [order_id], by=member, name=actor.name, now=house.clock.now())
    sure(done[0])


async def say_delivered(house: House, city_id: int, actor: Actor, merchant_id: UUID, order_id: UUID) -> None:
    """The supplier knows from his carrier that it has arrived. Raises delivery_not_found, delivery_state."""
    sure((await say_delivered_all(house, city_id, actor, merchant_id, [order_id]))[0])


async def say_delivered_all(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, order_ids: Sequence[UUID]
) -> list[mall.Delivered | Refusal]:
    """Parcels that have arrived, an answer for each: delivery_not_found (also another's), delivery_state."""
    mine = await _own(house, city_id, actor, merchant_id, order_ids)
    ids = [one for one in order_ids if one in mine]
    done = iter(
        await _deliver(house.db, city_id, ids, by=actor.member_id, name=actor.name, now=house.clock.now())
        if ids else ()
    )  # fmt: skip
    return [next(done) if one in mine else mall.DeliveryNotFound() for one in order_ids]


async def _own(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, order_ids: Sequence[UUID]
) -> frozenset[UUID]:
    """Those of these orders that are parcels of the supplier; none when the actor may not see his orders."""
    if not actor.can(Permission.VIEW_ORDERS, city=city_id, merchant=merchant_id):
        return frozenset()
    async with house.db.reading(city_id) as tx:
        parcels = await mall.deliveries_of(tx, list(order_ids), city_id=city_id)
    return frozenset(key for key, one in parcels.items() if one.merchant_id == merchant_id)


async def _mine(house: House, city_id: int, actor: Actor, merchant_id: UUID, order_id: UUID) -> None:
    """Raises delivery_not_found for what is no parcel of a supplier whose orders the actor may see."""
    if order_id not in await _own(house, city_id, actor, merchant_id, [order_id]):
        raise mall.DeliveryNotFound()


async def _deliver(
    db: Database, city_id: int, order_ids: Sequence[UUID], *, by: UUID | None, name: str, now: datetime
) -> list[mall.Delivered | Refusal]:
    """Parcels that have arrived: their vouchers are used and their suppliers paid, in one transaction."""

    async def work(tx: Tx) -> list[mall.Delivered | Refusal]:
        found = await mall.lock_sent(tx, order_ids, city_id=city_id)
        ready = [one for one in found if not isinstance(one, Refusal) and not one.replayed]
        stores = await merchants.stores(tx, city_id, sorted({one.store_id for one in ready}))
        asks = [
            Redeem(
                redemption_id=derive(voucher, "parcel"), request_no=f"{PARCEL}{voucher}", merchant_id=one.merchant_id,
                store_id=one.store_id, staff_id=by or one.merchant_id, staff_name=name,
                store_name=stores[one.store_id].name.zh, voucher_id=voucher, delivery=one.order_id,
            )
            for one in ready
            for voucher in one.voucher_ids
        ]  # fmt: skip
        for done in await settlement.redeem(tx, asks, city_id=city_id, now=now) if asks else ():
            sure(done)
        await mall.mark_delivered(tx, [one.order_id for one in ready], by=by, city_id=city_id, now=now)
        return found

    return await db.run_city(city_id, work)


async def send_out(
    house: House, city_id: int, actor: Actor, *, merchant_id: UUID, store_id: UUID, order_id: UUID, carrier: str,
    number: str,
) -> SentOut:  # fmt: skip
    """The supplier hands a parcel to a carrier. Raises the refusals of mall.send_out."""
    ask = Handed(order_id=order_id, carrier=carrier, number=number)
    done = await send_out_all(house, city_id, actor, merchant_id=merchant_id, store_id=store_id, handed=[ask])
    return sure(done[0])


async def send_out_all(
    house: House, city_id: int, actor: Actor, *, merchant_id: UUID, store_id: UUID, handed: Sequence[Handed]
) -> list[SentOut | Refusal]:
    """The supplier hands parcels to carriers, in one transaction, an answer for each: delivery_not_found (also
    another's), parcel_number_needed, and the refusals of mall.send_out."""
    mine = await _own(house, city_id, actor, merchant_id, [one.order_id for one in handed])
    asks = [
        Send(
            order_id=one.order_id, merchant_id=merchant_id, store_id=store_id, by=actor.member_id,
            carrier=one.carrier, number=one.number,
        )
        for one in handed if one.order_id in mine and one.numbered
    ]  # fmt: skip

    async def work(tx: Tx) -> list[SentOut | Refusal]:
        city = await places.city(tx, city_id)
        zone = city.zone if city else "UTC"
        return await mall.send_out(tx, asks, city_id=city_id, now=house.clock.now(), zone=zone)

    done = iter(await house.db.run_city(city_id, work) if asks else ())
    return [
        mall.DeliveryNotFound() if one.order_id not in mine else next(done) if one.numbered else mall.NumberNeeded()
        for one in handed
    ]


async def came_back(house: House, city_id: int, actor: Actor, merchant_id: UUID, order_id: UUID, *, words: str) -> None:
    """A parcel is back at its supplier: points and cash go back. Raises delivery_not_found, delivery_state."""
    await _mine(house, city_id, actor, merchant_id, order_id)

    async def work(tx: Tx) -> Any:
        return await mall.return_to_sender(
            tx, [order_id], merchant_id=merchant_id, by=actor.member_id, words=words[:200], city_id=city_id,
            now=house.clock.now(),
        )  # fmt: skip

    sure((await house.db.run_city(city_id, work))[0])


async def confirm_old(db: Database, city_id: int, now: datetime) -> int:
    """A round: parcels of which nobody has said for ten days whether they arrived have arrived. How many."""
    async with db.reading(city_id) as tx:
        due = await mall.sent_long_ago(tx, city_id=city_id, now=now)
    done = await _deliver(db, city_id, due, by=None, name="", now=now) if due else []
    return sum(not isinstance(one, Refusal) and not one.replayed for one in done)


async def forget_addresses(db: Database, city_id: int, now: datetime) -> int:
    """A round: addresses that nobody needs any more go."""
    return await db.run_city(city_id, lambda tx: mall.forget_addresses(tx, city_id=city_id, now=now))


def handler() -> Handler:
    """What follows from orders: parcels that may be sent, limits that count less."""

    async def do(tx: Tx, facts: Sequence[Fact], /, *, city_id: int, now: datetime) -> None:
        await mall.follow(tx, sorted({fact.subject for fact in facts}), city_id=city_id, now=now)

    return Handler(name="mall.follow", topics=TOPICS, do=do)


async def why_underfunded(tx: Tx, form: Gift, price: Amount, now: datetime) -> Refusal | None:
    """Why points and cash do not cover what the supplier is paid; None when they do.

    Only what the points' face backs can be paid out: nobody mints value by writing a gift.
    """
    programme = await programmes.programme(tx, form.programme_id, at=now)
    if programme is None or programme.currency != price.asset:
        return programmes.ProgrammeUnknown()
    worth = Amount(programme.face_units * form.points, price.asset) + price
    if form.cost_units > worth.units:
        return GiftUnderfunded(cost=Amount(form.cost_units, price.asset).words(), worth=worth.words())
    return None


async def save_gift(
    house: House, city_id: int, actor: Actor, draft: Draft, *, total: int, version: int | None, form: str
) -> Offer:
    """Write a draft of a gift. Raises gift_underfunded, not_a_partner and what shelf.save_draft raises."""
    assert isinstance(draft.form, Gift)
    now = house.clock.now()
    async with house.db.reading(city_id) as tx:
        live = await programmes.live(tx, [draft.merchant_id], at=now)
        wrong = await why_underfunded(tx, draft.form, draft.price, now)
    mine = live.get(draft.merchant_id)
    if mine is None or mine[0].programme_id != draft.form.programme_id:
        raise programmes.NotAPartner()
    if wrong is not None:
        raise wrong
    return await shelf.save_draft(house, city_id, actor, draft, total=total, version=version, form=form)


async def take_picture(house: House, city_id: int, actor: Actor, offer_id: UUID, sent: bytes) -> Offer:
    """The picture of a gift that is still written. Raises offer_not_found, bad_picture, needs_review."""
    async with house.db.reading(city_id) as tx:
        offer = await shelf.mine(tx, city_id, actor, offer_id, Permission.EDIT_OFFERS)
    if not isinstance(offer.form, Gift):
        raise NotAllowed()
    (picture,) = await house.pictures.take([sent])
    form = structs.replace(offer.form, picture=sure(picture).name)
    change = catalog.Revise(
        offer_id=offer_id, by=actor.member_id, version=offer.version, within=actor.scope(Permission.EDIT_OFFERS),
        reason="picture", form=form,
    )  # fmt: skip

    async def work(tx: Tx) -> Any:
        return await catalog.revise(tx, [change], city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])
