"""Bills at the counter: a coupon or a card is shown, the amount is entered, and the page says what to collect."""

import unicodedata
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Meta, field

from hutong import people
from hutong import till as tills
from hutong.desk import billing, selling, tilling
from hutong.desk.bill_sets import Whom
from hutong.kit.access import Permission
from hutong.kit.ids import BILL, MEMBER, VOUCHER
from hutong.kit.money import SCALES, Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.till import Bill, NoAmount, Shown
from hutong.web.merchant.counters import STAFF
from hutong.web.merchant.scan import REASONS, here_only, page_or_part, refused
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.codes import qr_svg
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
PAID = "paid"  # the event of a page that waits, when the waiting is over; its detail is where the result is


class BillForm(KeyedForm, frozen=True, kw_only=True):
    """The confirmed sheet: the amount as it was typed, what was shown, and the guest's other coupons that were ticked
    (`also`), each as `<voucher>~<proof>`; a member who was recognised (`member`, the same way) or a number; so many
    of his points at most; and the provider at which he pays the rest, if not here (`pay`)."""

    amount: Annotated[str, Meta(max_length=20)] = ""
    member: Annotated[str, Meta(max_length=300)] = ""
    phone: Annotated[str, Meta(max_length=20)] = ""
    points: Annotated[int, Meta(ge=0, le=10**12)] = 0
    pay: Annotated[str, Meta(max_length=40)] = ""
    shown: str | list[str] = field(default_factory=list)
    also: str | list[str] = field(default_factory=list)

    def pairs(self) -> list[str]:
        """All that the bill is to use; one more than may be shown is enough to refuse it."""
        given = [[one] if isinstance(one, str) else one for one in (self.shown, self.also)]
        return [*given[0], *given[1]][: tills.MOST_SHOWN + 1]


class UndoForm(KeyedForm, frozen=True, kw_only=True):
    reason: str = "mistake"


def amount_of(text: str, asset: str) -> Amount:
    """An amount as people type it, in the currency's decimals. Raises no_amount."""
    typed = unicodedata.normalize("NFKC", text).strip().strip("¥$€ ").replace(",", "")
    try:
        units = Decimal(typed).scaleb(SCALES.get(asset, 0))
        if units != int(units) or not 0 < units < 10**11:
            raise ValueError(typed)
    except (InvalidOperation, ValueError, OverflowError):
        raise NoAmount(asset=asset) from None
    return Amount(int(units), asset)


@post("/{store:str}/bills", guards=[permission(Permission.REDEEM_VOUCHER)], status_code=303)
async def settle(visit: Visiting, till: AtTill, data: Annotated[BillForm, Body(media_type=Posted)]) -> Response:
    """Settle it. The same sheet sent twice is the same bill."""
    visit.frame["tab"] = "scan"
    shown = [_shown(till, pair) for pair in data.pairs()]
    async with visit.house.db.reading(till.city_id) as tx:
        asset = await selling.currency(tx, till.city_id)
    try:
        bill = await billing.settle(
            visit.house, till.city_id, till.actor, till.store_id, event_id=data.key,
            amount=amount_of(data.amount, asset), shown=shown, whom=_whom(data), points=data.points,
            pay_by=data.pay or None,
        )  # fmt: skip
    except Refusal as refusal:
        return await refused(visit, till, refusal)
    if visit.partial:
        return await show(visit, till, bill, new=True)
    return Redirect(till.to(f"/bills/{BILL.show(bill.bill_id, till.city_id)}", new=1), status_code=303)


def _shown(till: Till, pair: str) -> Shown:
    voucher, _, proof = pair.partition("~")
    return Shown(till.read(VOUCHER, voucher), proof[:200])


def _whom(data: BillForm) -> Whom | None:
    if data.phone:
        phone = people.normalise(data.phone)
        if phone is None:
            raise people.BadPhone()
        return Whom(phone=phone)
    member, _, proof = data.member.partition("~")
    return Whom(member_id=MEMBER.read(member), proof=proof) if member else None


async def show(visit: Visit, till: Till, bill: Bill, *, new: bool) -> Response[str]:
    """What to collect, large and green, or the code by which the guest pays; or a bill of the history."""
    now, bill = visit.house.clock.now(), bill.discreet()
    undoable = bill.undone_at is None and (till.manages or now < bill.undo_until)
    payment = await tilling.payment_of(visit.house, bill)
    points = await tilling.points_here(visit.house, till.city_id, till.here) if bill.way == "phone" else None
    return page_or_part(
        visit, "bill", bill=bill, new=new, undoable=undoable, reasons=REASONS, now=now, payment=payment,
        points=points, pay_address=visit.house.settings.address + pay_path(bill),
        sees_money=till.owns(Permission.VIEW_STATEMENT),
    )  # fmt: skip


def pay_path(bill: Bill) -> str:
    """Where the guest pays the bill by his phone: who has the code has the leave."""
    return f"/pay/{BILL.show(bill.bill_id, bill.city_id)}"


async def bill_here(visit: Visit, till: Till, shown: str) -> Bill:
    """A bill of this counter. Raises not_found for any other."""
    bill_id: UUID = till.read(BILL, shown)
    async with visit.house.db.reading(till.city_id) as tx:
        found = await tills.by_ids(tx, here_only(till), [bill_id], city_id=till.city_id)
    if bill_id not in found:
        raise NotFound()
    return found[bill_id]


@get("/{store:str}/bills/{bill:str}", guards=[STAFF])
async def page(visit: Visiting, till: AtTill, bill: FromPath[str], new: FromQuery[bool] = False) -> Response[str]:
    """One bill: what was shown for it, what it came to, and the way back."""
    visit.frame["tab"] = "scan" if new else "history"
    return await show(visit, till, await bill_here(visit, till, bill), new=new)


@get("/{store:str}/bills/{bill:str}/code.svg", guards=[STAFF])
async def code(visit: Visiting, till: AtTill, bill: FromPath[str]) -> Response[bytes]:
    """The QR code of the page on which the guest pays by phone."""
    found = await bill_here(visit, till, bill)
    text = visit.house.settings.address + pay_path(found)
    return Response(qr_svg(text), media_type="image/svg+xml", headers={"cache-control": "no-store"})


@get("/{store:str}/bills/{bill:str}/news", guards=[STAFF])
async def news(visit: Visiting, till: AtTill, bill: FromPath[str], n: FromQuery[int] = 0) -> Response[str]:
    """For the page that waits: how the payment stands; every fifth time the provider is asked. Paid: the result."""
    found = await bill_here(visit, till, bill)
    if found.waits:
        payment = await tilling.payment_of(visit.house, found, ask=n % 5 == 4)
        found = await bill_here(visit, till, bill)
        if found.waits:
            return visit.page("merchant/bill_news.html", bill=found, payment=payment, again=min(n + 1, 10_000))
    answer = visit.page("merchant/bill_news.html", bill=found, payment=None, again=0)
    answer.headers["hx-trigger"] = f'{{"{PAID}":"{till.to(f"/bills/{bill}", new=1)}"}}'
    return answer


@post("/{store:str}/bills/{bill:str}/cash", guards=[permission(Permission.REDEEM_VOUCHER)], status_code=303)
async def cash(
    visit: Visiting, till: AtTill, bill: FromPath[str], data: Annotated[Form, Body(media_type=Posted)]
) -> Response:
    """The rest was taken at the counter instead."""
    del data
    return await _then(visit, till, bill, tilling.give_up)


@post("/{store:str}/bills/{bill:str}/payments", guards=[permission(Permission.REDEEM_VOUCHER)], status_code=303)
async def pay_again(
    visit: Visiting, till: AtTill, bill: FromPath[str], data: Annotated[Form, Body(media_type=Posted)]
) -> Response:
    """A new code for a bill whose last payment ended without money."""
    del data
    return await _then(visit, till, bill, tilling.ask_again)


async def _then(visit: Visit, till: Till, bill: str, work: Callable[..., Awaitable[Bill]]) -> Response:
    visit.frame["tab"] = "scan"
    try:
        found = await work(visit.house, till.city_id, till.here, till.read(BILL, bill))
    except Refusal as refusal:
        return await refused(visit, till, refusal)
    if visit.partial:
        return await show(visit, till, found, new=True)
    return Redirect(till.to(f"/bills/{bill}", new=1), status_code=303)


@get("/{store:str}/bills/{bill:str}/slip", guards=[STAFF])
async def slip(visit: Visiting, till: AtTill, bill: FromPath[str]) -> Response[str]:
    """The slip of a bill for the printer of a coupon terminal: 80 mm wide."""
    found = (await bill_here(visit, till, bill)).discreet()
    return visit.page("merchant/slip.html", bill=found, shown=BILL.show(found.bill_id, till.city_id))


@post("/{store:str}/bills/{bill:str}/undo", guards=[permission(Permission.REVERSE_REDEMPTION)], status_code=303)
async def undo(
    visit: Visiting, till: AtTill, bill: FromPath[str], data: Annotated[UndoForm, Body(media_type=Posted)]
) -> Response:
    """Take the bill back, whole."""
    visit.frame["tab"] = "history"
    reason = data.reason if data.reason in REASONS else "other"
    try:
        await billing.undo(visit.house, till.city_id, till.actor, till.here, till.read(BILL, bill), reason=reason)
    except Refusal as refusal:
        return await refused(visit, till, refusal)
    if visit.partial:
        return await show(visit, till, await bill_here(visit, till, bill), new=False)
    return Redirect(till.to(f"/bills/{bill}"), status_code=303)


ROUTES = (settle, page, code, news, cash, pay_again, slip, undo)
