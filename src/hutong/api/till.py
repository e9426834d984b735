"""Tills: bills and voids under the till's own numbers, now or uploaded later; and whether a bill is paid."""

from typing import Any
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from hutong.api.glue import Home, Who, local_id, with_token
from hutong.api.shapes import (
    CounterIn,
    MoneyIn,
    TillBillIn,
    TillEventIn,
    TillUploadIn,
    TillVoidIn,
    bill_out,
)
from hutong.desk import counter, tilling, tills
from hutong.desk.tills import Event, Told
from hutong.kit.access import Permission
from hutong.kit.ids import BILL, STORE
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound


@post("/bills", guards=[with_token], summary="A bill of a till", short=True)
async def settle(data: JSONBody[TillBillIn], actor: Who, house: Home) -> dict[str, Any]:
    """Coupons and cards come off, then points, and the answer says what to collect and what was earned. The same event
    is the same bill for ever, also when its codes are dead by now; another amount under it is refused (key_reused), as
    is an event that was declared void (bill_void). A number earns and never uses points, and nobody learns whether it
    is a member's. With `pay_by` the bill waits for the guest's phone: ask for it until `pay.state` is paid."""
    city_id, store_id = local_id(STORE, data.store)
    done = await tills.bill(
        house, city_id, actor, store_id, event_id=data.event, amount=_amount(data.amount), codes=data.codes,
        member=data.member, at=data.at, test=data.test, points=data.points, category=data.category,
        pay_by=data.pay_by,
    )  # fmt: skip
    return {"bill": bill_out(done), "test": data.test, "pay_page": _page(house, done)}


def _page(house: Any, done: Any) -> str | None:
    """Where the guest pays, for the till to show as a QR code."""
    if not done.waits:
        return None
    return f"{house.settings.address}/pay/{BILL.show(done.bill_id, done.city_id)}"


@post("/bills/voids", guards=[with_token], summary="A bill is void")
async def void(data: JSONBody[TillVoidIn], actor: Who, house: Home) -> dict[str, Any]:
    """Takes the bill back, whole: points, coupons, cards, and money that was paid by phone. One that has not come yet
    will never be settled. The same again is the same answer."""
    city_id, store_id = local_id(STORE, data.store)
    done = await tills.void(house, city_id, actor, store_id, event_id=data.event, reason=data.reason)
    bill = BILL.show(done.bill_id, city_id) if done.bill_id else None
    return {"event": done.event_id, "bill": bill, "at": done.at, "replayed": done.replayed}


@post("/bills/uploads", guards=[with_token], status_code=200, summary="What a till has kept")
async def upload(data: JSONBody[TillUploadIn], actor: Who, house: Home) -> dict[str, Any]:
    """One answer for each event, in their order: settled, replayed, void or refused (with its code). Points are given
    for the time of the purchase and never used. Send all of it again whenever you are not sure that it arrived."""
    city_id, store_id = local_id(STORE, data.store)
    told = await tills.upload(house, city_id, actor, store_id, [_event(one) for one in data.events])
    return {"answers": [_told(one) for one in told]}


@get("/bills/{bill:str}", guards=[with_token], summary="One bill")
async def one(bill: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """As it stands now. Asked while it waits for the guest's phone, it asks the provider."""
    city_id, bill_id = local_id(BILL, bill)
    found = await tills.bill_of(house, city_id, actor, bill_id)
    if found.waits:
        await tilling.payment_of(house, found, ask=True)
        found = await tills.bill_of(house, city_id, actor, bill_id)
    return {"bill": bill_out(found), "pay_page": _page(house, found)}


@post("/bills/{bill:str}/cash", guards=[with_token], status_code=200, summary="Paid another way")
async def cash(bill: FromPath[str], data: JSONBody[CounterIn], actor: Who, house: Home) -> dict[str, Any]:
    """The guest does not pay by phone after all: the bill waits no longer. Money that still comes goes back."""
    city_id, bill_id, here = await _at(bill, data, actor, house)
    return {"bill": bill_out(await tilling.give_up(house, city_id, here, bill_id))}


@post("/bills/{bill:str}/payments", guards=[with_token], status_code=200, summary="Another payment")
async def pay_again(bill: FromPath[str], data: JSONBody[CounterIn], actor: Who, house: Home) -> dict[str, Any]:
    """A new try to pay by phone, when the last one ended without money."""
    city_id, bill_id, here = await _at(bill, data, actor, house)
    done = await tilling.ask_again(house, city_id, here, bill_id)
    return {"bill": bill_out(done), "pay_page": _page(house, done)}


async def _at(bill: str, data: CounterIn, actor: Any, house: Any) -> tuple[int, UUID, counter.Counter]:
    city_id, bill_id = local_id(BILL, bill)
    store_city, store_id = local_id(STORE, data.store)
    if store_city != city_id:
        raise NotFound()
    return city_id, bill_id, await counter.counter(house, city_id, actor, store_id, Permission.REDEEM_VOUCHER)


def _amount(given: MoneyIn) -> Amount:
    return Amount(given.units, given.asset)


def _event(given: TillEventIn) -> Event:
    return Event(
        kind=given.kind, event_id=given.event, amount=_amount(given.amount) if given.amount else None, at=given.at,
        member=given.member, points=given.points, category=given.category, reason=given.reason,
    )  # fmt: skip


def _told(one: Told) -> dict[str, Any]:
    no = one.refusal
    return {
        "event": one.event_id, "state": one.state, "bill": bill_out(one.bill) if one.bill else None,
        "code": no.code if no else None, "reason": no.sentence() if no else None,
        "next": no.next_step() if no else None,
    }  # fmt: skip


router = Router("/", route_handlers=[settle, void, upload, one, cash, pay_again], tags=["till"])
