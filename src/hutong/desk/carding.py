"""Cards with numbers: printed by a merchant, activated and lost by a member, shown at a counter; and who joins them."""

from datetime import date
from uuid import UUID

from hutong import cards, catalog, places, vouchers
from hutong.cards import (
    Activate,
    Activated,
    CardBlocked,
    CardNotActive,
    CardReplaced,
    CardUnknown,
    CardVoid,
    Give,
    Join,
    Lose,
    Number,
    Print,
    Printed,
)
from hutong.catalog import Offer, OfferNotFound, QCard
from hutong.desk.buying import member_of
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import derive
from hutong.kit.refusals import NotAllowed, NotFound, Refusal
from hutong.kit.terms import over_when_paid, validity
from hutong.orders import Plan, Wanted
from hutong.schemes.cards import CardOver
from hutong.vouchers import Issue

CARDS = "cards"


async def code_of(house: House, city_id: int, presented: str) -> str:
    """What a counter is to look for: of the number of a card the code of its right, of anything else itself.

    Raises card_not_found, card_not_active, card_blocked, card_replaced, card_void.
    """
    number = cards.read_number(presented)
    if number is None:
        return presented
    async with house.db.reading(city_id) as tx:
        card = await cards.number(tx, number, city_id=city_id)
        if card is None:
            raise CardUnknown()
        if card.state != "active" or card.voucher_id is None:
            raise why_not(card)
        (right,) = await vouchers.by_ids(tx, [card.voucher_id], city_id=city_id)
    return right.code


def why_not(card: Number) -> Refusal:
    """Why a number that is not active is not taken."""
    match card.state:
        case "printed":
            return CardNotActive()
        case "blocked":
            return CardBlocked()
        case "replaced":
            return CardReplaced(tail=(card.replaced_by or "")[-4:])
        case _:
            return CardVoid()


async def activate(house: House, city_id: int, actor: Actor, *, number: str, secret: str) -> UUID:
    """The printed card is the member's from now on: the right it stands for. Doing it again gives the same one.

    What was paid for the card was paid in the shop: the right cost nothing here, and earns its merchant nothing.
    Raises the refusals of cards.activate, and of the scheme (a card whose days are over).
    """
    member, now = member_of(actor), house.clock.now()
    plain = cards.read_number(number)
    if plain is None:
        raise CardUnknown()
    ask = Activate(number=plain, secret=secret[:60], member_id=member, voucher_id=new_id())

    async def work(tx: Tx) -> Activated | Refusal:
        (answer,) = await cards.activate(tx, [ask], city_id=city_id, now=now)
        if isinstance(answer, Refusal) or answer.replayed:
            return answer  # a wrong secret is counted: this transaction is kept
        (offer,) = await catalog.offers(tx, [answer.offer_id], city_id=city_id)
        city = await places.city(tx, city_id)
        assert offer is not None
        assert city is not None
        plan = house.schemes[CARDS].plan(offer, Wanted(offer.offer_id, 1), line_no=1, now=now)
        if isinstance(plan, Refusal):
            raise plan
        if over_when_paid(plan.promise.terms, paid_at=now, zone=city.zone):
            raise CardOver()
        await vouchers.issue(tx, [_issue(ask, offer, plan, actor, now, city.zone)], city_id=city_id, now=now)
        return answer

    return sure(await house.db.run_city(city_id, work)).voucher_id


def _issue(ask: Activate, offer: Offer, plan: Plan, actor: Actor, now: date, zone: str) -> Issue:
    promise = plan.promise
    life = validity(promise.terms, paid_at=now, zone=zone)  # type: ignore[arg-type]
    return Issue(
        voucher_id=ask.voucher_id, kind=promise.kind, member_id=ask.member_id, holder_name=actor.name,
        merchant_id=offer.merchant_id, order_id=derive(ask.voucher_id, "printed"),
        line_id=derive(ask.voucher_id, "printed/line"), offer_id=offer.offer_id, title=offer.title, unit_no=0,
        uses=promise.uses, valid_from=life[0], valid_to=life[1], terms=promise.terms, store_ids=promise.store_ids,
        asset=offer.price.asset, paid_units=0, due_units=0, value=promise.value, wide=promise.wide,
    )  # fmt: skip


async def give_number(house: House, city_id: int, actor: Actor, voucher_id: UUID) -> Number:
    """A number for the member's own card, to be read aloud or printed; one that has it keeps it. Raises not_found."""
    member = member_of(actor)

    async def work(tx: Tx) -> Number:
        right = await vouchers.of_member(tx, member, voucher_id, city_id=city_id)
        if right is None or right.kind != "card" or right.state != "valid":
            raise NotFound()
        give = Give(voucher_id=voucher_id, member_id=member, offer_id=right.offer_id)
        return (await cards.give_numbers(tx, [give], city_id=city_id, now=house.clock.now()))[0]

    return await house.db.run_city(city_id, work)


async def lose(house: House, city_id: int, actor: Actor, voucher_id: UUID, *, replace: bool) -> Number:
    """Block the number of the member's own card, or give the card a new one. Raises not_found, card_not_found."""
    member = member_of(actor)

    async def work(tx: Tx) -> Number:
        if await vouchers.of_member(tx, member, voucher_id, city_id=city_id) is None:
            raise NotFound()
        ask = Lose(voucher_id=voucher_id, member_id=member, replace=replace)
        return sure((await cards.lose(tx, [ask], city_id=city_id, now=house.clock.now()))[0])

    return await house.db.run_city(city_id, work)


async def print_batch(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, offer_id: UUID, *, label: str, count: int
) -> Printed:
    """Print cards of the merchant's own offer: its secrets are in the answer and nowhere else.

    Raises not_allowed, offer_not_found (also what is no card), bad_input (label, count).
    """
    _may(actor, city_id, merchant_id)

    async def work(tx: Tx) -> Printed:
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
        if offer is None or offer.merchant_id != merchant_id or offer.scheme != CARDS:
            raise OfferNotFound()
        ask = Print(
            batch_id=new_id(), offer_id=offer_id, merchant_id=merchant_id, label=label, count=count,
            by=actor.member_id,
        )  # fmt: skip
        return sure((await cards.print_batches(tx, [ask], city_id=city_id, now=house.clock.now()))[0])

    return await house.db.run_city(city_id, work)


async def void_batch(house: House, city_id: int, actor: Actor, merchant_id: UUID, batch_id: UUID) -> int:
    """Withdraw what nobody has activated of the merchant's own batch. Raises not_allowed, not_found."""
    _may(actor, city_id, merchant_id)

    async def work(tx: Tx) -> int:
        mine = await cards.batches_of(tx, merchant_id, city_id=city_id)
        if batch_id not in {one.batch_id for one in mine}:
            raise NotFound()
        return (await cards.void_batches(tx, [batch_id], city_id=city_id, now=house.clock.now()))[0]

    return await house.db.run_city(city_id, work)


async def join(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, offer_id: UUID, *, percent: int | None
) -> None:
    """Take a card for many shops with so many percent off a bill, or no more (None).

    Raises not_allowed, offer_not_found (what is no such card), bad_input.
    """
    _may(actor, city_id, merchant_id)

    async def work(tx: Tx) -> None:
        (offer,) = await catalog.offers(tx, [offer_id], city_id=city_id)
        if offer is None or not isinstance(offer.form, QCard):
            raise OfferNotFound()
        ask = Join(
            offer_id=offer_id, merchant_id=merchant_id, tier=offer.form.tier, percent=percent, by=actor.member_id
        )
        sure((await cards.join(tx, [ask], city_id=city_id, now=house.clock.now()))[0])

    await house.db.run_city(city_id, work)


def _may(actor: Actor, city_id: int, merchant_id: UUID) -> None:
    if not actor.can(Permission.EDIT_OFFERS, city=city_id, merchant=merchant_id):
        raise NotAllowed()
