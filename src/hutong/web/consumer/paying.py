"""Between us and the payment provider: leading to its page, waiting for its word, and what to do when it says no."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from hutong import orders, payments, places, vouchers
from hutong.desk import buying
from hutong.kit.ids import BILL, BLOCK, ORDER, VOUCHER
from hutong.orders import Order
from hutong.payments import Payment
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

OVER = ("cancelled", "expired")
PATIENCE = 40  # rounds of waiting after which the page says that it may take longer
LONGEST = 1_000
SETTLED = "settled"  # the event of the page when the waiting is over; its detail is where to go

Round = Annotated[int, QueryParameter(ge=0, le=LONGEST)]
Mood = Literal["waiting", "long", "turned_down", "silent"]


async def to_payment(visit: Visit, here: Here, order_id: UUID) -> Redirect:
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
    return await to_payment(visit, here, here.read(ORDER, order))


@get("/c/{city:str}/orders/{order:str}/payment", guards=[signed_in])
async def payment_page(visit: Visiting, here: InCity, order: FromPath[str]) -> Response:
    """Leads on to the provider's page, or says that it has not answered yet. Of a paid order it is the result."""
    found, payment = await _with_payment(visit, here, order)
    if found.state != "placed" or payment is None:
        return Redirect(here.to(f"/orders/{order}/result"), status_code=303)
    return visit.page(
        "consumer/payment.html", order=found, pay_url=payment.pay_url, refused=payment.state in ("refused", "closed"),
    )  # fmt: skip


@get("/paid/{order:str}", guards=[public])
async def back(visit: Visiting, order: FromPath[str], result: FromQuery[str] = "") -> Redirect:
    """Where providers send the payer back to. What they add to the address proves nothing.

    It is only passed on as what the payer seems to have done, so that whoever has cancelled is not made to wait. A
    bill of a shop has a page of its own; who paid for a block of points money is one of a shop's own people.
    """
    if order.startswith(f"{BILL.prefix}_"):
        return Redirect(f"/pay/{order}?back=1", status_code=303)
    if order.startswith(f"{BLOCK.prefix}_"):
        return Redirect("/m", status_code=303)
    city_id, _ = ORDER.read_local(order)
    async with visit.house.db.reading() as tx:
        city = sure_found(await places.city(tx, city_id))
    said = "?said=cancelled" if result == "cancelled" else ""
    return Redirect(f"/c/{city.slug}/orders/{order}/result{said}", status_code=303)


@get("/c/{city:str}/orders/{order:str}/result", guards=[signed_in])
async def result(
    visit: Visiting, here: InCity, order: FromPath[str], n: Round = 0, said: FromQuery[str] = ""
) -> Response:
    """Waits until the money is known to have come, and then is the voucher."""
    found, payment = await _with_payment(visit, here, order)
    if found.state != "placed":
        return Redirect(await _outcome(visit, here, found), status_code=303)
    return visit.page(
        "consumer/waiting.html", order=found, again=min(n + 1, LONGEST), mood=mood_of(payment, n),
        cancelled=said == "cancelled",
        late=visit.house.clock.now() >= found.expires_at,
    )  # fmt: skip


@get("/c/{city:str}/orders/{order:str}/result/news", guards=[signed_in])
async def news(visit: Visiting, here: InCity, order: FromPath[str], n: Round = 0) -> Response:
    """For the page that waits: nothing new (the next question), or the event that says where to go."""
    found, payment = await _with_payment(visit, here, order)
    answer = visit.page(
        "consumer/waiting_news.html", order=found, again=min(n + 1, LONGEST), mood=mood_of(payment, n),
        done=found.state != "placed",
    )  # fmt: skip
    if found.state != "placed":
        answer.headers["hx-trigger"] = f'{{"{SETTLED}":"{await _outcome(visit, here, found)}"}}'
    return answer


def mood_of(payment: Payment | None, rounds: int) -> Mood:
    """What is known while the order is not paid."""
    if payment is not None and payment.state in ("refused", "closed"):
        return "turned_down"
    if payment is not None and payment.state in ("created", "unknown"):
        return "silent"
    return "long" if rounds >= PATIENCE else "waiting"


async def _outcome(visit: Visit, here: Here, found: Order) -> str:
    """Where an order leads that waits no longer: its first voucher, or the order's own page."""
    page = here.to(f"/orders/{ORDER.show(found.order_id, here.city_id)}")
    if found.state in OVER:
        return page
    async with visit.house.db.reading(here.city_id) as tx:
        issued = await vouchers.of_orders(tx, [found.order_id], city_id=here.city_id)
    if not issued:
        return page
    return here.to(f"/vouchers/{VOUCHER.show(issued[0].voucher_id, here.city_id)}", new=1)


async def _with_payment(visit: Visit, here: Here, order: str) -> tuple[Order, Payment | None]:
    found = await own_order(visit, here, order)
    async with visit.house.db.reading(here.city_id) as tx:
        (payment,) = await payments.by_ids(tx, [found.payment_id], city_id=here.city_id)
    return found, payment


async def own_order(visit: Visit, here: Here, order: str) -> Order:
    """The member's own order. Raises not_found for another's, as for one that does not exist."""
    order_id = here.read(ORDER, order)
    async with visit.house.db.reading(here.city_id) as tx:
        return sure_found(await orders.order(tx, visit.member.member_id, order_id, city_id=here.city_id))


ROUTES = (pay, payment_page, back, result, news)
