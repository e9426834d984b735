"""Orders, payments, refunds and vouchers of the member who asks."""

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from hutong import orders, payments, vouchers
from hutong.api.browse import City, Limit
from hutong.api.glue import Home, Key, Who, local_id, local_ids, one_city, pays_of, with_token
from hutong.api.shapes import (
    Money,
    OrderIn,
    PageOut,
    RefundIn,
    order_out,
    refund_out,
    saving_out,
    tender_out,
    voucher_out,
)
from hutong.desk import buying
from hutong.desk.choosing import choice_of
from hutong.kit.ids import OFFER, ORDER, PAYMENT, REFUND, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound
from hutong.orders import Wanted

Tab = Annotated[vouchers.Tab, QueryParameter(name="tab")]


def placed_out(done: orders.Placed, city_id: int) -> dict[str, Any]:
    """An order that was placed just now: what its provider is to be paid, until when it is held."""
    return {
        "id": ORDER.show(done.order_id, city_id), "total": Money.of(done.total), "expires_at": done.expires_at,
        "state": done.state,
    }  # fmt: skip


@post("/orders", guards=[with_token], summary="Place an order", short=True)
async def place(data: JSONBody[OrderIn], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """Holds the stock until `expires_at`; `total` is what the provider is to be paid, and nothing of it left means that
    the order is paid. Pay it through `/orders/{id}/payments`. Needs an Idempotency-Key."""
    city_id, ids = one_city([local_id(OFFER, line.offer) for line in data.lines], "lines")
    wants = [Wanted(i, line.quantity, choice_of(line.way, city_id)) for i, line in zip(ids, data.lines, strict=True)]
    expect = Amount(data.expect.units, data.expect.asset) if data.expect else None
    coupons = local_ids(VOUCHER, data.coupons, city_id)
    done = await buying.place(
        house, city_id, actor, wants, key=key, expect=expect, channel="api", coupons=coupons,
        tenders=pays_of(data.tenders, city_id),
    )  # fmt: skip
    return placed_out(done, city_id)


@get("/orders", guards=[with_token], summary="My orders in a city, newest first")
async def mine(
    actor: Who, house: Home, city_id: City, after: FromQuery[str | None] = None, limit: Limit = 20
) -> PageOut:
    last = local_id(ORDER, after)[1] if after else None
    async with house.db.reading(city_id) as tx:
        found = await orders.of_member(tx, buying.member_of(actor), city_id=city_id, after=last, limit=limit)
    more = ORDER.show(found[-1].order_id, city_id) if len(found) == limit else None
    return PageOut([order_out(order) for order in found], more)


@get("/orders/{order:str}", guards=[with_token], summary="My order with its history and refunds")
async def one(order: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    city_id, order_id = local_id(ORDER, order)
    member = buying.member_of(actor)
    async with house.db.reading(city_id) as tx:
        found = await orders.order(tx, member, order_id, city_id=city_id)
        if found is None:
            raise orders.OrderUnknown()
        steps = await orders.history(tx, member, order_id, city_id=city_id)
        back = await orders.refunds(tx, member, order_id, city_id=city_id)
        units = await vouchers.of_orders(tx, [order_id], city_id=city_id)
        savings = (await orders.savings(tx, [found], city_id=city_id)).get(order_id, [])
        paid = (await orders.tenders(tx, [found], city_id=city_id)).get(order_id, [])
    return {
        **order_out(found),
        "savings": [saving_out(one, city_id) for one in savings],
        "tenders": [tender_out(one, city_id) for one in paid],
        "history": [{"state": s.state, "at": s.at, "reason": s.reason} for s in steps],
        "refunds": [refund_out(row, city_id) for row in back],
        "vouchers": [voucher_out(unit, city_id) for unit in units],
    }


@post("/orders/{order:str}/payments", guards=[with_token], summary="Where to pay")
async def pay(order: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """The address of the provider's page. Asking again gives the same payment, so it needs no key."""
    city_id, order_id = local_id(ORDER, order)
    found = await buying.pay(house, city_id, actor, order_id)
    return payment_out(found, city_id)


def payment_out(found: payments.Payment, city_id: int) -> dict[str, Any]:
    return {
        "id": PAYMENT.show(found.payment_id, city_id), "state": found.state, "amount": Money.of(found.amount),
        "provider": found.provider, "pay_url": found.pay_url, "expires_at": found.expires_at,
    }  # fmt: skip


@post("/orders/{order:str}/cancellation", guards=[with_token], summary="Take an unpaid order back")
async def cancel(order: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """An order ends once, so asking again is refused as order_closed and changes nothing."""
    city_id, order_id = local_id(ORDER, order)
    done = await buying.cancel(house, city_id, actor, order_id)
    return {"id": order, "state": done.state}


@post("/orders/{order:str}/refunds", guards=[with_token], summary="Money back for unused units")
async def refund(
    order: FromPath[str],
    data: JSONBody[RefundIn],
    key: Key,
    actor: Who,
    house: Home,
) -> dict[str, Any]:
    """Without vouchers: all that are unused. Needs an Idempotency-Key."""
    city_id, order_id = local_id(ORDER, order)
    units = [local_id(VOUCHER, text) for text in data.vouchers]
    if any(city != city_id for city, _ in units):
        raise orders.OrderUnknown()
    done = await buying.ask_refund(
        house, city_id, actor, order_id, key=key, voucher_ids=[unit for _, unit in units], reason=data.reason[:60]
    )
    return {
        "id": REFUND.show(done.refund_id, city_id), "amount": Money.of(done.amount), "state": "asked",
        "tendered": Money.of(done.tendered or Amount.zero(done.amount.asset)),
        "vouchers": [VOUCHER.show(v, city_id) for v in done.voucher_ids],
    }  # fmt: skip


@get("/vouchers", guards=[with_token], summary="My vouchers in a city")
async def wallet(
    actor: Who, house: Home, city_id: City, tab: Tab = "unused", after: FromQuery[str | None] = None, limit: Limit = 50
) -> PageOut:
    """Tabs: what can be used, was used, is over, was refunded; newest first."""
    async with house.db.reading(city_id) as tx:
        last = local_id(VOUCHER, after)[1] if after else None
        found = await vouchers.wallet(tx, buying.member_of(actor), city_id=city_id, tab=tab, after=last, limit=limit)
    more = VOUCHER.show(found[-1].voucher_id, city_id) if len(found) == limit else None
    return PageOut([voucher_out(unit, city_id) for unit in found], more)


@get("/vouchers/{voucher:str}", guards=[with_token], summary="My voucher with its rotating code")
async def voucher(voucher: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """`qr` is what the QR code says now; it changes every 30 seconds and is dead after use."""
    city_id, voucher_id = local_id(VOUCHER, voucher)
    async with house.db.reading(city_id) as tx:
        found = await vouchers.of_member(tx, buying.member_of(actor), voucher_id, city_id=city_id)
    if found is None:
        raise NotFound()
    qr = vouchers.qr_text(found, house.clock.now()) if found.state == "valid" else None
    return voucher_out(found, city_id, qr)


router = Router("/", route_handlers=[place, mine, one, pay, cancel, refund, wallet, voucher], tags=["buying"])
