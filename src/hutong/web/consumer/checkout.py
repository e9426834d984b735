"""Buying: confirm what and how many, place the order, go to pay, wait for the money to be known."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong import catalog, orders, payments, places, vouchers
from hutong.catalog import Offer
from hutong.desk import buying
from hutong.kit.ids import OFFER, ORDER, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.orders import Order, Wanted
from hutong.web.consumer.deal import shops_for, shown_offer
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.shelves import Shelves
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

Quantity = Annotated[int, Meta(ge=1, le=10_000)]
OVER = ("cancelled", "expired")
PATIENCE = 40  # rounds of waiting after which the page says that it may take longer


class CheckoutForm(KeyedForm, frozen=True, kw_only=True):
    """What the reader confirms: so many of this offer for the total that he saw."""

    offer: str
    quantity: Quantity
    total: Annotated[int, Meta(ge=0)]


@get("/c/{city:str}/checkout", guards=[signed_in])
async def confirm(
    visit: Visiting, here: InCity, offer: FromQuery[str], quantity: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1
) -> Response[str]:
    """The order before it is one: quantity, total with its parts, terms."""
    return await _confirm_page(visit, here, here.read(OFFER, offer), quantity)


async def _confirm_page(
    visit: Visit, here: Here, offer_id: UUID, quantity: int, wrong: Refusal | None = None
) -> Response[str]:
    async with visit.house.db.reading(here.city_id) as tx:
        deal = await shown_offer(tx, offer_id, here)
        shops = await shops_for(tx, deal, visit, here)
        bought = await orders.bought(tx, visit.member.member_id, offer_id, city_id=here.city_id)
        shelves = Shelves(await catalog.categories(tx))
    most = most_of(deal, bought)
    quantity = max(1, min(quantity, most))
    quote = None
    try:
        quote = await buying.quote(visit.house, here.city_id, [Wanted(offer_id, quantity)])
    except Refusal as refusal:
        wrong = wrong or refusal
    return visit.page(
        "consumer/confirm.html", status=wrong.status if wrong else 200, deal=deal, shops=shops, quantity=quantity,
        most=most, bought=bought, quote=quote, wrong=wrong, shelves=shelves,
    )  # fmt: skip


def most_of(offer: Offer, bought: int) -> int:
    """How many units one more order of this member may have; at least one, so that a refusal can say why not."""
    most = offer.per_order_max
    if offer.terms.per_member is not None:
        most = min(most, offer.terms.per_member - bought)
    return max(1, most)


@post("/c/{city:str}/checkout", guards=[signed_in], status_code=303)
async def place(visit: Visiting, here: InCity, data: URLEncodedBody[CheckoutForm]) -> Response:
    """Place the order and open its payment. The same form sent twice is the same order."""
    offer_id = here.read(OFFER, data.offer)
    expect = Amount(data.total, here.city.currency)
    wants = [Wanted(offer_id, data.quantity)]
    try:
        placed = await buying.place(visit.house, here.city_id, visit.member, wants, key=data.key, expect=expect)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _confirm_page(visit, here, offer_id, data.quantity, refusal)
    return await _to_payment(visit, here, placed.order_id)


async def _to_payment(visit: Visit, here: Here, order_id: UUID) -> Redirect:
    """Ask the provider for its page. Whatever it says, the payment's own page shows it and goes on from there."""
    shown = ORDER.show(order_id, here.city_id)
    try:
        await buying.pay(visit.house, here.city_id, visit.member, order_id)
    except orders.OrderPaid:
        return Redirect(here.to(f"/orders/{shown}/result"), status_code=303)
    except buying.ProviderSilent:
        pass
    return Redirect(here.to(f"/orders/{shown}/payment"), status_code=303)


@post("/c/{city:str}/orders/{order:str}/payment", guards=[signed_in], status_code=303)
async def pay(visit: Visiting, here: InCity, order: FromPath[str], data: URLEncodedBody[Form]) -> Redirect:
    """Pay an order that stands unpaid, or ask the provider once more."""
    del data
    return await _to_payment(visit, here, here.read(ORDER, order))


@get("/c/{city:str}/orders/{order:str}/payment", guards=[signed_in])
async def payment_page(visit: Visiting, here: InCity, order: FromPath[str]) -> Response:
    """Between us and the provider: leads on to its page, or says that it has not answered yet."""
    async with visit.house.db.reading(here.city_id) as tx:
        found = await own_order(visit, here, order)
        (payment,) = await payments.by_ids(tx, [found.payment_id], city_id=here.city_id)
    if found.state != "placed" or payment is None:
        return Redirect(here.to(f"/orders/{order}/result"), status_code=303)
    return visit.page("consumer/payment.html", order=found, pay_url=payment.pay_url)


@get("/paid/{order:str}", guards=[public])
async def back(visit: Visiting, order: FromPath[str]) -> Redirect:
    """Where providers send the payer back to. What they add to the address proves nothing and is not read."""
    city_id, _ = ORDER.read_local(order)
    async with visit.house.db.reading() as tx:
        city = sure_found(await places.city(tx, city_id))
    return Redirect(f"/c/{city.slug}/orders/{order}/result", status_code=303)


@get("/c/{city:str}/orders/{order:str}/result", guards=[signed_in])
async def result(
    visit: Visiting, here: InCity, order: FromPath[str], n: Annotated[int, QueryParameter(ge=0, le=1_000)] = 0
) -> Response:
    """Waits until the money is known to have come, and then is the voucher."""
    found = await own_order(visit, here, order)
    if found.state == "placed":
        return visit.page("consumer/waiting.html", order=found, again=n + 1, long=n >= PATIENCE)
    if found.state in OVER:
        return Redirect(here.to(f"/orders/{order}"), status_code=303)
    async with visit.house.db.reading(here.city_id) as tx:
        issued = await vouchers.of_orders(tx, [found.order_id], city_id=here.city_id)
    if not issued:
        return Redirect(here.to(f"/orders/{order}"), status_code=303)
    first = VOUCHER.show(issued[0].voucher_id, here.city_id)
    return Redirect(here.to(f"/vouchers/{first}", new=1), status_code=303)


async def own_order(visit: Visit, here: Here, order: str) -> Order:
    """The member's own order. Raises not_found for another's, as for one that does not exist."""
    order_id = here.read(ORDER, order)
    async with visit.house.db.reading(here.city_id) as tx:
        return sure_found(await orders.order(tx, visit.member.member_id, order_id, city_id=here.city_id))


ROUTES = (confirm, place, pay, payment_page, back, result)
