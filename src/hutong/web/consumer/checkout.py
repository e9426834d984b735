"""Confirming: what, how many, for how much - and one order, however often the button is pressed."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong import catalog, orders, pricing
from hutong.catalog import Offer
from hutong.desk import buying
from hutong.kit.ids import OFFER
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.orders import Order, Wanted
from hutong.web.consumer.deal import shops_for, shown_offer
from hutong.web.consumer.here import Here, InCity
from hutong.web.consumer.paying import to_payment
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.standing import standing_of
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visit, Visiting

Typed = Annotated[str, Meta(max_length=12)]
MOST_DIGITS = 5
Quantity = Annotated[int, QueryParameter(ge=1, le=10_000)]
OldKey = Annotated[str | None, QueryParameter(max_length=64, pattern="^[0-9a-z]{16,64}$")]


class CheckoutForm(KeyedForm, frozen=True, kw_only=True):
    """What the reader confirms: so many of this offer for the total that he saw.

    `quantity` is as he typed it; `seen` is the quantity that `total` was shown for. `step` is sent by the buttons of
    the stepper (without a script): then nothing is ordered, the page is shown for one more or one less.
    """

    offer: str
    quantity: Typed
    total: Annotated[int, Meta(ge=0)]
    seen: Annotated[int, Meta(ge=0, le=10_000)] = 0
    step: Annotated[int, Meta(ge=-1, le=1)] | None = None


@get("/c/{city:str}/checkout", guards=[signed_in])
async def confirm(
    visit: Visiting, here: InCity, offer: FromQuery[str], quantity: Quantity = 1, key: OldKey = None
) -> Response[str]:
    """The order before it is one: quantity, total with its parts, terms.

    A browser that comes back to a form whose `key` has made an order sees that order instead of a second pay button.
    """
    offer_id = here.read(OFFER, offer)
    if key is not None:
        made = await buying.ordered_with(visit.house, here.city_id, visit.member, key)
        if made is not None:
            return await _already(visit, here, offer_id, made)
    return await _confirm_page(visit, here, offer_id, quantity, key=key)


async def _already(visit: Visit, here: Here, offer_id: UUID, order_id: UUID) -> Response[str]:
    """The order that this form has made already: show it or pay it, or begin another one."""
    async with visit.house.db.reading(here.city_id) as tx:
        order = await orders.order(tx, visit.member.member_id, order_id, city_id=here.city_id)
        deal = await shown_offer(tx, offer_id, here)
    now = visit.house.clock.now()
    return visit.page(
        "consumer/already.html", order=order, deal=deal, payable=order is not None and payable(order, now)
    )


def payable(order: Order, now: object) -> bool:
    """Whether the order still waits for its money."""
    return order.state == "placed" and now < order.expires_at  # type: ignore[operator]


async def _confirm_page(
    visit: Visit, here: Here, offer_id: UUID, quantity: int, *, wrong: Refusal | None = None, typed: str = "",
    key: str | None = None,
) -> Response[str]:  # fmt: skip
    """`typed`: what stood in the field when it was no quantity; it is shown again beside the reason."""
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        deal = await shown_offer(tx, offer_id, here)
        shops = await shops_for(tx, deal, visit, here)
        bought = await orders.bought(tx, visit.member.member_id, offer_id, city_id=here.city_id)
        shelves = Shelves(await catalog.categories(tx))
        standing = await standing_of(tx, deal, here=here, now=now)
        latest = await orders.of_member(tx, visit.member.member_id, city_id=here.city_id, limit=5)
    most = most_of(deal, bought, standing.left)
    quantity = max(1, min(quantity, most))
    if typed:
        wrong = pricing.BadQuantity(most=most, quantity=typed)
    quote = None
    try:
        quote = await buying.quote(visit.house, here.city_id, [Wanted(offer_id, quantity)])
    except Refusal as refusal:
        wrong = wrong or refusal
    unpaid = next((o for o in latest if payable(o, now) and o.lines[0].offer_id == offer_id), None)
    return visit.page(
        "consumer/confirm.html", status=wrong.status if wrong else 200, deal=deal, shops=shops, quantity=quantity,
        most=most, bought=bought, quote=quote, wrong=wrong, shelves=shelves, typed=typed or str(quantity),
        key=key or visit.new_key(), standing=standing, unpaid=unpaid,
    )  # fmt: skip


def most_of(offer: Offer, bought: int, left: int | None = None) -> int:
    """How many units one more order of this member may have; at least one, so that a refusal can say why not."""
    most = offer.per_order_max
    if offer.terms.per_member is not None:
        most = min(most, offer.terms.per_member - bought)
    if left is not None:
        most = min(most, left)
    return max(1, most)


def quantity_of(typed: str) -> int | None:
    """The number that was typed, also in full-width digits; None when it is none."""
    digits = typed.strip()
    return int(digits) if digits.isdecimal() and len(digits) <= MOST_DIGITS else None


@post("/c/{city:str}/checkout", guards=[signed_in], status_code=303)
async def place(visit: Visiting, here: InCity, data: URLEncodedBody[CheckoutForm]) -> Response:
    """Place the order and open its payment. The same form sent twice is the same order.

    Another quantity than the total was shown for (typed without a script): nothing is ordered, the new total is shown.
    """
    offer_id = here.read(OFFER, data.offer)
    quantity = quantity_of(data.quantity)
    if quantity is None or not 1 <= quantity <= pricing.MAX_QUANTITY:
        return await _confirm_page(visit, here, offer_id, data.seen or 1, typed=data.quantity)
    if data.step is not None or (data.seen and data.seen != quantity):
        stepped = max(1, quantity + (data.step or 0))
        return Redirect(here.to("/checkout", offer=data.offer, quantity=stepped), status_code=303)
    expect = Amount(data.total, here.city.currency)
    wants = [Wanted(offer_id, quantity)]
    try:
        placed = await buying.place(visit.house, here.city_id, visit.member, wants, key=data.key, expect=expect)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _confirm_page(visit, here, offer_id, quantity, wrong=refusal)
    return await to_payment(visit, here, placed.order_id)


ROUTES = (confirm, place)
