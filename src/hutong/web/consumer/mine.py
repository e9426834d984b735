"""A member's orders: the list, one with its history, its receipt, and taking an unpaid one back."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect

from hutong import catalog, mall, merchants, orders, vouchers
from hutong.desk import buying, earning, malling
from hutong.infra.db import Tx
from hutong.kit.ids import ORDER
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import Order
from hutong.vouchers import Voucher
from hutong.web.consumer.here import Cursor, Here, InCity
from hutong.web.consumer.paying import own_order
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.tendering import paid_by
from hutong.web.consumer.together import company_of
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import signed_in
from hutong.web.shared.lives import backs_of, moments_of
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 20


@get("/c/{city:str}/orders", guards=[signed_in])
async def order_list(visit: Visiting, here: InCity, after: Cursor = None) -> Response[str]:
    """The member's orders of this city, newest first."""
    last = here.read(ORDER, after) if after else None
    async with visit.house.db.reading(here.city_id) as tx:
        found = await orders.of_member(tx, visit.member.member_id, city_id=here.city_id, after=last, limit=ON_PAGE + 1)
        names = await names_of(tx, found)
        gifts = [order.order_id for order in found if order.scheme == "alliance"]
        taken = await mall.exchanged_in(tx, visit.member.member_id, gifts, city_id=here.city_id) if gifts else {}
        offers = await catalog.offers(tx, [order.lines[0].offer_id for order in found], city_id=here.city_id)
        shelves = Shelves(await catalog.categories(tx))
    visit.frame["tab"] = "me"
    more = ORDER.show(found[ON_PAGE - 1].order_id, here.city_id) if len(found) > ON_PAGE else None
    return visit.page(
        "consumer/orders.html", orders=found[:ON_PAGE], names=names, more=more, now=visit.house.clock.now(),
        shelves=shelves, categories={offer.offer_id: offer.category for offer in offers if offer}, taken=taken,
    )  # fmt: skip


async def names_of(tx: Tx, found: Sequence[Order]) -> dict:
    """The names of the merchants of these orders, by merchant_id."""
    known = await merchants.merchants(tx, [order.merchant_id for order in found])
    return {merchant_id: merchant.name for merchant_id, merchant in known.items()}


@get("/c/{city:str}/orders/{order:str}", guards=[signed_in])
async def order_page(visit: Visiting, here: InCity, order: FromPath[str]) -> Response[str]:
    """One order: what, for how much, its vouchers, everything that happened to it."""
    return await _order_page(visit, here, order)


async def _order_page(
    visit: Visit, here: Here, order: str, wrong: Refusal | None = None, template: str = "consumer/order.html"
) -> Response[str]:
    found = await own_order(visit, here, order)
    member = visit.member.member_id
    async with visit.house.db.reading(here.city_id) as tx:
        held = await vouchers.of_orders(tx, [found.order_id], city_id=here.city_id)
        earned = await earning.earned_by(tx, member, held, city_id=here.city_id, zone=here.city.zone)
        changes = await orders.history(tx, member, found.order_id, city_id=here.city_id)
        backs = backs_of(await orders.refunds(tx, member, found.order_id, city_id=here.city_id))
        names = await names_of(tx, [found])
        company = None
        if found.paid_at is not None:
            company = await company_of(
                tx, found.order_id, found.lines[0].offer_id, member, here, visit.house.clock.now()
            )
        savings = (await orders.savings(tx, [found], city_id=here.city_id)).get(found.order_id, [])
        tenders = (await orders.tenders(tx, [found], city_id=here.city_id)).get(found.order_id, [])
        taken = await mall.exchanged(tx, member, found.order_id, city_id=here.city_id)
        parcel = None
        if taken is not None:
            parcel = (await mall.deliveries_of(tx, [found.order_id], city_id=here.city_id)).get(found.order_id)
    visit.frame["tab"] = "me"
    return visit.page(
        template, status=wrong.status if wrong else 200, order=found, vouchers=held, wrong=wrong, backs=backs,
        moments=moments_of(changes, backs), name=names.get(found.merchant_id, Text("", "")),
        refundable=refundable(held, member), due=visit.house.clock.now() < found.expires_at,
        savings=savings, tenders=paid_by(tenders), company=company, taken=taken, parcel=parcel,
        earned=earned,
        to=malling.address_of(visit.house, parcel) if parcel is not None else None,
    )  # fmt: skip


def refundable(held: Sequence[Voucher], buyer: UUID) -> list[Voucher]:
    """The units whose money the buyer may ask back by himself: not what he gave away, nor what is on its way."""
    return [
        voucher for voucher in held
        if voucher.state in ("valid", "waiting") and voucher.rests and voucher.terms.refund == "anytime"
        and voucher.member_id == buyer and voucher.held_for is None
    ]  # fmt: skip


@get("/c/{city:str}/orders/{order:str}/receipt", guards=[signed_in])
async def receipt(visit: Visiting, here: InCity, order: FromPath[str]) -> Response:
    """What was bought, paid and given back, on one sheet for printing; there is none before that."""
    found = await own_order(visit, here, order)
    if found.paid_at is None:
        return Redirect(here.to(f"/orders/{order}"), status_code=303)
    return await _order_page(visit, here, order, template="consumer/receipt.html")


@post("/c/{city:str}/orders/{order:str}/cancellation", guards=[signed_in], status_code=303)
async def cancel(visit: Visiting, here: InCity, order: FromPath[str], data: URLEncodedBody[Form]) -> Response:
    """Take an unpaid order back."""
    del data
    try:
        await buying.cancel(visit.house, here.city_id, visit.member, here.read(ORDER, order))
    except orders.OrderPaid as refusal:
        return await _order_page(visit, here, order, refusal)
    return Redirect(here.to(f"/orders/{order}"), status_code=303)


ROUTES = (order_list, order_page, receipt, cancel)
