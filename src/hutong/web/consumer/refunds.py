"""Giving back: which units, why, and how much comes back by which way."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import field

from hutong import orders, vouchers
from hutong.desk import buying
from hutong.kit.ids import ORDER, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.kit.text import Text
from hutong.web.consumer.here import Here, InCity
from hutong.web.consumer.mine import names_of, refundable
from hutong.web.consumer.paying import own_order
from hutong.web.consumer.tendering import route_of
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visit, Visiting

REASONS = ("changed_mind", "no_time", "wrong_choice", "found_better", "shop_problem", "other")

Named = Annotated[list[str] | None, QueryParameter(max_items=1000)]


class RefundForm(KeyedForm, frozen=True, kw_only=True):
    """Which units, and why."""

    voucher: str | list[str] = field(default_factory=list)
    reason: str = "other"


@get("/c/{city:str}/orders/{order:str}/refund", guards=[signed_in])
async def refund_page(visit: Visiting, here: InCity, order: FromPath[str], voucher: Named = None) -> Response[str]:
    """Which units, why, and how much comes back. Units named in the address are the ones that are ticked."""
    return await _refund_page(visit, here, order, voucher)


async def _refund_page(
    visit: Visit, here: Here, order: str, named: list[str] | None = None, *, wrong: Refusal | None = None,
    reason: str = "",
) -> Response[str]:  # fmt: skip
    found = await own_order(visit, here, order)
    async with visit.house.db.reading(here.city_id) as tx:
        held = await vouchers.of_orders(tx, [found.order_id], city_id=here.city_id)
        names = await names_of(tx, [found])
        savings = (await orders.savings(tx, [found], city_id=here.city_id)).get(found.order_id, [])
        units = refundable(held, found.member_id)
        parts = await orders.goes_back(tx, found, units, city_id=here.city_id)
    asked = {here.read(VOUCHER, text) for text in named or []}
    chosen = {unit.voucher_id for unit in units if not asked or unit.voucher_id in asked}
    if asked and not chosen:
        chosen = {unit.voucher_id for unit in units}
    if visit.partial and named is None:
        chosen = set()  # the last tick was taken away
    if not units and wrong is None:
        wrong = orders.NothingToRefund()
    route = route_of(parts, [unit for unit in units if unit.voucher_id in chosen], found.total.asset)
    return visit.page(
        "consumer/refund.html", status=wrong.status if wrong else 200, order=found, units=units, chosen=chosen,
        reasons=REASONS, reason=reason, wrong=wrong, back=route.whole, route=route,
        name=names.get(found.merchant_id, Text("", "")),
        off=_borne(found, [unit for unit in units if unit.voucher_id in chosen]) if savings else None,
        coupon=any(one.voucher_id and one.state == "used" for one in savings),
        whole=chosen == {unit.voucher_id for unit in held if unit.state != "refunded"},
    )  # fmt: skip


def _borne(order: orders.Order, units: list[vouchers.Voucher]) -> Amount:
    """What others than the buyer bore of these units: it goes back to them."""
    price = {line.line_id: line.unit_price for line in order.lines}
    return sum((price[unit.line_id] - unit.paid for unit in units), Amount.zero(order.total.asset))


@post("/c/{city:str}/orders/{order:str}/refunds", guards=[signed_in], status_code=303)
async def refund(visit: Visiting, here: InCity, order: FromPath[str], data: URLEncodedBody[RefundForm]) -> Response:
    """Ask for the money of unused units. What cannot be is said on the form, with the ticks and the reason kept."""
    named = [data.voucher] if isinstance(data.voucher, str) else data.voucher
    reason = data.reason if data.reason in REASONS else "other"
    try:
        if not named:
            raise orders.NothingChosen()
        await buying.ask_refund(
            visit.house, here.city_id, visit.member, here.read(ORDER, order), key=data.key,
            voucher_ids=[here.read(VOUCHER, text) for text in named], reason=reason,
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        return await _refund_page(visit, here, order, named, wrong=refusal, reason=reason)
    return Redirect(here.to(f"/orders/{order}") + "#refunds", status_code=303)


ROUTES = (refund_page, refund)
