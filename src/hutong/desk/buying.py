"""What a member does: look at a price, order, pay, cancel, ask for money back."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong import orders, payments
from hutong.desk.house import House
from hutong.desk.keyed import good, submit, sure
from hutong.infra import answers
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.money import Amount
from hutong.kit.refusals import NotAllowed, Refusal
from hutong.kit.text import Text
from hutong.orders import (
    BEST,
    AskQuote,
    AskRefund,
    Cancel,
    Cancelled,
    OrderUnknown,
    Pay,
    Place,
    Placed,
    Quoted,
    RefundAsked,
    Wanted,
)


class ProviderSilent(Refusal):
    """The payment provider did not answer in time; it is asked again."""

    code = "provider_silent"
    status = 503
    say = Text(zh="支付渠道暂时没有响应。", en="The payment provider has not answered yet.")
    step = Text(zh="请稍候再点「支付」，不会重复扣款。", en="Try to pay again in a moment; nothing is paid twice.")


class NoProvider(Refusal):
    """This installation has no such payment provider."""

    code = "no_provider"
    status = 503
    say = Text(zh="这里还没有开通支付。", en="Nothing can be paid here yet.")
    step = Text(zh="请联系平台开通支付渠道。", en="Ask whoever runs this platform to set up a payment provider.")


class _PlaceGiven(Struct, omit_defaults=True):
    wants: tuple[Wanted, ...]
    expect: Amount | None
    coupons: tuple[UUID, ...] = ()
    tenders: tuple[Pay, ...] = ()


class _RefundGiven(Struct):
    order_id: UUID
    voucher_ids: tuple[UUID, ...]
    reason: str


def member_of(actor: Actor) -> UUID:
    """The member who acts; a till's key cannot buy."""
    if not actor.is_member:
        raise NotAllowed()
    return actor.member_id


async def quote(
    house: House, city_id: int, wants: Sequence[Wanted], *, actor: Actor | None = None,
    coupons: Sequence[UUID] | None = None, channel: str = "web", device: str = "",
    tenders: Sequence[Pay] | Literal["best"] | None = None,
) -> Quoted:  # fmt: skip
    """What these would cost now, line by line, and why; nothing is held. Raises what ordering them would raise.

    For a member the best combination of his coupons is chosen, or just the `coupons` given; without an `actor` only
    what applies to everybody. `tenders`: what pays a part of it, BEST: the cards that the house would choose; None: not
    asked.
    """
    ask = AskQuote(
        wants=tuple(wants), member_id=actor.member_id if actor is not None and actor.is_member else None,
        coupons=None if coupons is None else tuple(coupons), channel=channel, device=device,
        tenders=None if tenders is None else BEST if isinstance(tenders, str) else tuple(tenders),
    )  # fmt: skip
    now = house.clock.now()
    async with house.db.reading(city_id) as tx:
        found = await orders.quotes(tx, [ask], city_id=city_id, now=now, schemes=house.schemes)
    return sure(found[0])


async def place(
    house: House, city_id: int, actor: Actor, wants: Sequence[Wanted], *, key: str, expect: Amount | None = None,
    channel: str = "web", provider: str = "sandbox", coupons: Sequence[UUID] = (), device: str = "",
    tenders: Sequence[Pay] = (),
) -> Placed:  # fmt: skip
    """Place an order for the member; the same key gives the same order. `coupons`: his vouchers to be used on it;
    `tenders`: the cards and points that pay a part of it. `expect`: what the provider is to be paid.

    Raises no_provider and the refusals of orders.place.
    """
    member = member_of(actor)
    if provider not in house.providers:
        raise NoProvider()
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=member, member_name=actor.name, phone_tail=actor.phone_tail,
        wants=tuple(wants), expect=expect, provider=provider, channel=channel,
        coupons=tuple(coupons), tenders=tuple(tenders), device=device,
    )  # fmt: skip
    named = tuple(sorted(ask.tenders, key=lambda pay: (pay.kind, pay.id)))
    given = _PlaceGiven(ask.wants, expect, tuple(sorted(ask.coupons)), named)
    return good(await submit(house, "orders.place", city_id, actor=member, key=key, given=given, request=ask))


async def ordered_with(house: House, city_id: int, actor: Actor, key: str) -> UUID | None:
    """The order that the member has placed with this key; None while there is none. So a way back never buys twice."""
    async with house.db.reading(city_id) as tx:
        told = await answers.told(
            tx, member_of(actor), key, city_id=city_id, operation="orders.place", result=Placed
        )  # fmt: skip
    return told.order_id if isinstance(told, Placed) else None


async def pay(house: House, city_id: int, actor: Actor, order_id: UUID) -> payments.Payment:
    """The payment of the member's own order with the address where it can be paid; asks the provider when needed.

    Raises order_not_found, order_closed; provider_silent when no answer came (try again: nothing is paid twice).
    """
    member = member_of(actor)
    async with house.db.reading(city_id) as tx:
        found = await orders.order(tx, member, order_id, city_id=city_id)
        if found is None:
            raise OrderUnknown()
        if found.state in ("cancelled", "expired"):
            raise orders.OrderClosed(state=found.state)
        payment = (await payments.by_ids(tx, [found.payment_id], city_id=city_id))[0]
    if payment is None:
        raise orders.OrderPaid()  # an order that costs nothing has no payment
    if payment.pay_url is not None or payment.state not in ("created", "unknown", "opened"):
        return payment
    if payment.state == "unknown":  # an answer did not come last time: ask before trying again
        await house.courier.ask(city_id, payments=[payment.payment_id])
    asked = (await house.courier.open(city_id, [payment.payment_id]))[0]
    if asked is None or (asked.pay_url is None and asked.state in ("created", "unknown", "opened")):
        raise ProviderSilent()
    return asked


async def cancel(house: House, city_id: int, actor: Actor, order_id: UUID) -> Cancelled:
    """Take the member's own unpaid order back. Raises order_not_found, order_paid, order_closed."""
    member = member_of(actor)

    async def work(tx: Any) -> Any:
        if await orders.order(tx, member, order_id, city_id=city_id) is None:
            return [OrderUnknown()]
        asks = [Cancel(order_id=order_id, by=member, reason="member")]
        return await orders.cancel(tx, asks, city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def ask_refund(
    house: House, city_id: int, actor: Actor, order_id: UUID, *, key: str, voucher_ids: Sequence[UUID] = (),
    reason: str = "changed_mind",
) -> RefundAsked:  # fmt: skip
    """Ask for the money of the member's own unused units. Raises the refusals of orders.ask_refunds."""
    member = member_of(actor)
    async with house.db.reading(city_id) as tx:
        if await orders.order(tx, member, order_id, city_id=city_id) is None:
            raise OrderUnknown()
    wanted = tuple(sorted(voucher_ids))
    ask = AskRefund(refund_id=new_id(), order_id=order_id, by=member, reason=reason, voucher_ids=wanted)
    given = _RefundGiven(order_id, wanted, reason)
    answer = await submit(house, "orders.ask_refunds", city_id, actor=member, key=key, given=given, request=ask)
    return good(answer)
