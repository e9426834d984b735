"""A member's orders: the list, one with its history, taking one back, asking for money back. And the page "me"."""

from collections.abc import Sequence
from datetime import datetime

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct, field

from hutong import merchants, orders, vouchers
from hutong.desk import buying
from hutong.infra.db import Tx
from hutong.kit.ids import ORDER, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import Order
from hutong.vouchers import Voucher
from hutong.web.consumer.checkout import own_order
from hutong.web.consumer.here import Cursor, Here, InCity, Short
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 20
REASONS = ("changed_mind", "no_time", "wrong_choice", "found_better", "shop_problem", "other")


class RefundForm(KeyedForm, frozen=True, kw_only=True):
    """Which units, and why. No unit named means all that can go back."""

    voucher: str | list[str] = field(default_factory=list)
    reason: str = "changed_mind"


class Moment(Struct, frozen=True):
    """A step on the timeline of an order."""

    at: datetime
    word: str
    amount: Amount | None = None
    reason: str = ""


@get("/c/{city:str}/orders", guards=[signed_in])
async def order_list(visit: Visiting, here: InCity, after: Cursor = None) -> Response[str]:
    """The member's orders of this city, newest first."""
    last = here.read(ORDER, after) if after else None
    async with visit.house.db.reading(here.city_id) as tx:
        found = await orders.of_member(tx, visit.member.member_id, city_id=here.city_id, after=last, limit=ON_PAGE + 1)
        names = await names_of(tx, found)
    visit.frame["tab"] = "me"
    more = ORDER.show(found[ON_PAGE - 1].order_id, here.city_id) if len(found) > ON_PAGE else None
    return visit.page("consumer/orders.html", orders=found[:ON_PAGE], names=names, more=more)


async def names_of(tx: Tx, found: Sequence[Order]) -> dict:
    """The names of the merchants of these orders, by merchant_id."""
    known = await merchants.merchants(tx, [order.merchant_id for order in found])
    return {merchant_id: merchant.name for merchant_id, merchant in known.items()}


@get("/c/{city:str}/orders/{order:str}", guards=[signed_in])
async def order_page(visit: Visiting, here: InCity, order: FromPath[str]) -> Response[str]:
    """One order: what, for how much, its vouchers, everything that happened to it."""
    return await _order_page(visit, here, order)


async def _order_page(visit: Visit, here: Here, order: str, wrong: Refusal | None = None) -> Response[str]:
    found = await own_order(visit, here, order)
    member = visit.member.member_id
    async with visit.house.db.reading(here.city_id) as tx:
        held = await vouchers.of_orders(tx, [found.order_id], city_id=here.city_id)
        changes = await orders.history(tx, member, found.order_id, city_id=here.city_id)
        refunds = await orders.refunds(tx, member, found.order_id, city_id=here.city_id)
        names = await names_of(tx, [found])
    moments = [Moment(change.at, change.state) for change in changes if "refund" not in change.state]
    for refund in refunds:
        amount = Amount(refund["units"], refund["asset"])
        moments.append(Moment(refund["asked_at"], "refund_asked", amount, refund["reason"]))
        if refund["ended_at"] is not None:
            moments.append(Moment(refund["ended_at"], f"refund_{refund['state']}", amount))
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/order.html", status=wrong.status if wrong else 200, order=found, vouchers=held, wrong=wrong,
        moments=sorted(moments, key=lambda one: one.at, reverse=True), name=names.get(found.merchant_id, Text("", "")),
        refundable=refundable(held), due=visit.house.clock.now() < found.expires_at,
    )  # fmt: skip


def refundable(held: Sequence[Voucher]) -> list[Voucher]:
    """The units whose money the buyer may ask back by himself."""
    return [
        voucher for voucher in held
        if voucher.state in ("valid", "waiting") and voucher.untouched and voucher.terms.refund == "anytime"
    ]  # fmt: skip


@post("/c/{city:str}/orders/{order:str}/cancellation", guards=[signed_in], status_code=303)
async def cancel(visit: Visiting, here: InCity, order: FromPath[str], data: URLEncodedBody[Form]) -> Response:
    """Take an unpaid order back."""
    del data
    try:
        await buying.cancel(visit.house, here.city_id, visit.member, here.read(ORDER, order))
    except orders.OrderPaid as refusal:
        return await _order_page(visit, here, order, refusal)
    return Redirect(here.to(f"/orders/{order}"), status_code=303)


@get("/c/{city:str}/orders/{order:str}/refund", guards=[signed_in])
async def refund_page(visit: Visiting, here: InCity, order: FromPath[str], voucher: Short = None) -> Response[str]:
    """Which units, why, and how much comes back."""
    return await _refund_page(visit, here, order, voucher)


async def _refund_page(
    visit: Visit, here: Here, order: str, voucher: str | None = None, wrong: Refusal | None = None
) -> Response[str]:
    found = await own_order(visit, here, order)
    async with visit.house.db.reading(here.city_id) as tx:
        units = refundable(await vouchers.of_orders(tx, [found.order_id], city_id=here.city_id))
        names = await names_of(tx, [found])
    chosen = here.read(VOUCHER, voucher) if voucher else None
    if chosen not in [unit.voucher_id for unit in units]:
        chosen = None
    if not units and wrong is None:
        wrong = orders.NothingToRefund()
    return visit.page(
        "consumer/refund.html", status=wrong.status if wrong else 200, order=found, units=units, chosen=chosen,
        reasons=REASONS, wrong=wrong, name=names.get(found.merchant_id, Text("", "")),
    )  # fmt: skip


@post("/c/{city:str}/orders/{order:str}/refunds", guards=[signed_in], status_code=303)
async def refund(visit: Visiting, here: InCity, order: FromPath[str], data: URLEncodedBody[RefundForm]) -> Response:
    """Ask for the money of unused units."""
    named = [data.voucher] if isinstance(data.voucher, str) else data.voucher
    reason = data.reason if data.reason in REASONS else "other"
    try:
        await buying.ask_refund(
            visit.house, here.city_id, visit.member, here.read(ORDER, order), key=data.key,
            voucher_ids=[here.read(VOUCHER, text) for text in named], reason=reason,
        )  # fmt: skip
    except (orders.NothingToRefund, orders.RefundForbidden) as refusal:
        return await _refund_page(visit, here, order, wrong=refusal)
    return Redirect(here.to(f"/orders/{order}"), status_code=303)


@get("/c/{city:str}/me", guards=[public])
async def me(visit: Visiting, here: InCity) -> Response[str]:
    """Who is signed in, and ways to what is his."""
    visit.frame["tab"] = "me"
    counts = {}
    if visit.actor is not None:
        visit.personal = True
        async with visit.house.db.reading(here.city_id) as tx:
            counts = await vouchers.wallet_counts(tx, visit.actor.member_id, city_id=here.city_id)
    return visit.page("consumer/me.html", actor=visit.actor, counts=counts)


ROUTES = (order_list, order_page, cancel, refund_page, refund, me)
