"""A supplier's parcels: what is to be sent, the label, what is on its way, and what became of it."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong import catalog, mall
from hutong.desk import malling
from hutong.kit.access import Permission
from hutong.kit.ids import ORDER
from hutong.kit.refusals import Refusal
from hutong.mall import Delivery, DeliveryNotFound
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

SEES = permission(Permission.VIEW_ORDERS)
ON_PAGE = 30
CARRIERS = ("顺丰速运", "中通快递", "圆通速递", "京东物流", "中国邮政")
After = Annotated[str | None, QueryParameter(name="after", max_length=60)]


class SendForm(Form, frozen=True, kw_only=True):
    """The carrier and his number."""

    carrier: Annotated[str, Meta(max_length=40)] = ""
    number: Annotated[str, Meta(max_length=60)] = ""


class BackForm(Form, frozen=True, kw_only=True):
    """Why it came back, in the supplier's words."""

    words: Annotated[str, Meta(max_length=200)] = ""


@get("/{store:str}/parcels", guards=[SEES])
async def parcels(visit: Visiting, till: AtTill, tab: FromQuery[str] = "open", after: After = None) -> Response[str]:
    """Those to be sent and on their way, oldest first; or those that have ended."""
    till.must(till.owns(Permission.VIEW_ORDERS))
    visit.frame["tab"] = "parcels"
    done = tab == "done"
    async with visit.house.db.reading(till.city_id) as tx:
        found = await mall.to_fulfil(
            tx, till.actor.scope(Permission.VIEW_ORDERS), till.merchant_id, city_id=till.city_id, done=done,
            after=till.read(ORDER, after) if after else None, limit=ON_PAGE + 1,
        )  # fmt: skip
        offers = await catalog.offers(tx, [parcel.offer_id for parcel in found], city_id=till.city_id)
    more = ORDER.show(found[ON_PAGE - 1].order_id, till.city_id) if len(found) > ON_PAGE else None
    return visit.page(
        "merchant/parcels.html", parcels=found[:ON_PAGE], titles={o.offer_id: o.title for o in offers if o},
        done=done, more=more,
    )  # fmt: skip


async def _mine(visit: Visit, till: Till, order: str) -> Delivery:
    """A parcel of this merchant. Raises delivery_not_found for another's."""
    till.must(till.owns(Permission.VIEW_ORDERS))
    order_id = till.read(ORDER, order)
    async with visit.house.db.reading(till.city_id) as tx:
        parcel = (await mall.deliveries_of(tx, [order_id], city_id=till.city_id)).get(order_id)
    if parcel is None or parcel.merchant_id != till.merchant_id or parcel.state == "waiting":
        raise DeliveryNotFound()
    return parcel


@get("/{store:str}/parcels/{order:str}", guards=[SEES])
async def parcel(visit: Visiting, till: AtTill, order: FromPath[str]) -> Response[str]:
    """One parcel: where to, its steps, and what can be done with it."""
    return await _parcel(visit, till, order)


async def _parcel(
    visit: Visit, till: Till, order: str, *, wrong: Refusal | None = None, form: SendForm | None = None,
    template: str = "parcel",
) -> Response[str]:  # fmt: skip
    found = await _mine(visit, till, order)
    visit.frame["tab"] = "parcels"
    visit.personal = True
    async with visit.house.db.reading(till.city_id) as tx:
        (offer,) = await catalog.offers(tx, [found.offer_id], city_id=till.city_id)
        steps = await mall.steps_of(tx, found.order_id, city_id=till.city_id)
    return visit.page(
        f"merchant/{template}.html", status=wrong.status if wrong else 200, parcel=found, offer=offer, steps=steps,
        to=malling.address_of(visit.house, found), wrong=wrong, form=form or SendForm(), carriers=CARRIERS,
        sees_money=till.owns(Permission.VIEW_STATEMENT),
    )  # fmt: skip


@get("/{store:str}/parcels/{order:str}/label", guards=[SEES])
async def label(visit: Visiting, till: AtTill, order: FromPath[str]) -> Response[str]:
    """The label, for printing: where to, from whom, what."""
    return await _parcel(visit, till, order, template="parcel_label")


@post("/{store:str}/parcels/{order:str}/sent", guards=[SEES], status_code=303)
async def sent(visit: Visiting, till: AtTill, order: FromPath[str], data: URLEncodedBody[SendForm]) -> Response:
    """It was handed to a carrier."""
    found = await _mine(visit, till, order)
    try:
        await malling.send_out(
            visit.house, till.city_id, till.actor, merchant_id=till.merchant_id, store_id=till.store_id,
            order_id=found.order_id, carrier=data.carrier, number=data.number,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        return await _parcel(visit, till, order, wrong=refusal, form=data)
    return Redirect(till.to("/parcels"), status_code=303)


@post("/{store:str}/parcels/{order:str}/delivered", guards=[SEES], status_code=303)
async def delivered(visit: Visiting, till: AtTill, order: FromPath[str], data: URLEncodedBody[Form]) -> Response:
    """The carrier says that it is there."""
    del data
    found = await _mine(visit, till, order)
    try:
        await malling.say_delivered(visit.house, till.city_id, till.actor, till.merchant_id, found.order_id)
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        return await _parcel(visit, till, order, wrong=refusal)
    return Redirect(till.to(f"/parcels/{order}"), status_code=303)


@post("/{store:str}/parcels/{order:str}/returned", guards=[SEES], status_code=303)
async def returned(visit: Visiting, till: AtTill, order: FromPath[str], data: URLEncodedBody[BackForm]) -> Response:
    """It came back: the member gets points and cash back."""
    found = await _mine(visit, till, order)
    try:
        await malling.came_back(
            visit.house, till.city_id, till.actor, till.merchant_id, found.order_id, words=data.words
        )
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        return await _parcel(visit, till, order, wrong=refusal)
    return Redirect(till.to(f"/parcels/{order}"), status_code=303)


ROUTES = (parcels, parcel, label, sent, delivered, returned)
