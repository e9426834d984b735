"""The merchant's orders: the list and the search, one order with its notes, and money given back by the shop."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct, field

from hutong import merchants, orders, payments, vouchers
from hutong.desk import handling
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.ids import ORDER, VOUCHER
from hutong.kit.masks import mask_name
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.orders import Note, Order
from hutong.payments import Payment
from hutong.vouchers import Use, Voucher
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.lives import Back, Moment, backs_of, moments_of
from hutong.web.shared.visit import Visit, Visiting
from hutong.web.shared.words import catalogue

ON_PAGE = 20
SEES = permission(Permission.VIEW_ORDERS)
GIVES = permission(Permission.REFUND_ORDERS)
_GROUPS: dict[str, orders.Group] = {one: one for one in orders.GROUPS}
_WHYS: dict[str, orders.Why] = {one: one for one in orders.WHY}
Cursor = Annotated[str | None, QueryParameter(max_length=60)]
Named = Annotated[list[str] | None, QueryParameter(max_items=1000)]
Typed = Annotated[str, QueryParameter(max_length=60)]


class NoteForm(KeyedForm, frozen=True, kw_only=True):
    """What the staff should know."""

    words: str = ""


class GiftForm(KeyedForm, frozen=True, kw_only=True):
    """Which units, and why."""

    voucher: str | list[str] = field(default_factory=list)
    why: str = "other"
    words: str = ""


class Seen(Struct, frozen=True, kw_only=True):
    """An order with all that belongs to it, as its seller may see it."""

    order: Order
    held: list[Voucher]
    uses: dict[UUID, list[Use]]
    payment: Payment | None
    backs: list[Back]
    moments: list[Moment]
    notes: list[Note]
    givable: list[Voucher]


@get("/{store:str}/orders", guards=[SEES])
async def order_list(
    visit: Visiting, till: AtTill, show: FromQuery[str] = "all", everywhere: FromQuery[bool] = False, q: Typed = "",
    after: Cursor = None,
) -> Response[str]:  # fmt: skip
    """The orders that can be used at this store, or all of the merchant's for whoever leads them all; newest first.

    A search looks at all that the visitor may see, in whatever state.
    """
    visit.frame["tab"] = "orders"
    mine = handling.sight(till.actor, till.here)
    here = mine if everywhere and mine is None else till.store_id
    group = _GROUPS.get(show, orders.GROUPS[0])
    typed, wrong = q.strip(), None
    asked = handling.Search()
    if typed:
        here, group = mine, "all"
        try:
            asked = await handling.search(visit.house, till.actor, till.here, typed)
        except Refusal as refusal:
            asked, wrong = handling.Search(order_ids=()), refusal
    last = till.read(ORDER, after) if after else None
    async with visit.house.db.reading(till.city_id) as tx:
        found = await orders.for_staff(
            tx, till.merchant_id, city_id=till.city_id, store_id=here, group=group, order_ids=asked.order_ids,
            phone_tail=asked.phone_tail, after=last, limit=ON_PAGE + 1,
        )  # fmt: skip
        counts = {} if typed else await orders.counts_for_staff(
            tx, till.merchant_id, city_id=till.city_id, store_id=here
        )  # fmt: skip
    if typed and asked.order_ids and len(found) == 1:
        return Redirect(_path(till, found[0].order_id), status_code=303)
    more = ORDER.show(found[ON_PAGE - 1].order_id, till.city_id) if len(found) > ON_PAGE else None
    return visit.page(
        "merchant/orders.html", status=wrong.status if wrong else 200, found=found[:ON_PAGE], more=more, shown=group,
        groups=orders.GROUPS, counts=counts, most=orders.COUNTED, whole=mine is None,
        everywhere=everywhere and mine is None, q=typed, wrong=wrong, further=last is not None, mask=mask_name,
    )  # fmt: skip


def _path(till: Till, order_id: UUID, rest: str = "") -> str:
    return till.to(f"/orders/{ORDER.show(order_id, till.city_id)}{rest}")


@get("/{store:str}/orders/{order:str}", guards=[SEES])
async def order_page(visit: Visiting, till: AtTill, order: FromPath[str]) -> Response[str]:
    """One order: for whom, what, its vouchers, its money, everything that happened, and what the staff wrote to it."""
    return await _order_page(visit, till, order)


async def _order_page(
    visit: Visit, till: Till, order: str, wrong: Refusal | None = None, words: str = ""
) -> Response[str]:
    visit.frame["tab"] = "orders"
    order_id = till.read(ORDER, order)
    async with visit.house.db.reading(till.city_id) as tx:
        seen = await _see(tx, till, order_id)
        stores = {one.store_id: one.name for one in await merchants.stores_of(tx, till.city_id, till.merchant_id)}
    return visit.page(
        "merchant/order.html", status=wrong.status if wrong else 200, seen=seen, order=seen.order, wrong=wrong,
        words=words, name=mask_name(seen.order.member_name), longest=500, stores=stores, ours=ours, asked_for=asked_for,
        path=_path(till, order_id), sees_money=till.owns(Permission.VIEW_STATEMENT),
    )  # fmt: skip


async def _see(tx: Tx, till: Till, order_id: UUID) -> Seen:
    city_id = till.city_id
    found = await handling.order(tx, till.actor, till.here, order_id)
    held = await vouchers.of_orders(tx, [order_id], city_id=city_id)
    uses: dict[UUID, list[Use]] = {}
    for use in await vouchers.uses_of(tx, [unit.voucher_id for unit in held], city_id=city_id):
        uses.setdefault(use.voucher_id, []).append(use)
    changes = await orders.history(tx, found.member_id, order_id, city_id=city_id)
    backs = backs_of(await orders.refunds(tx, found.member_id, order_id, city_id=city_id))
    return Seen(
        order=found, held=held, uses=uses, backs=backs, moments=moments_of(changes, backs),
        payment=(await payments.by_ids(tx, [found.payment_id], city_id=city_id))[0],
        notes=await orders.notes(tx, order_id, city_id=city_id), givable=_givable(till, held),
    )  # fmt: skip


def _givable(till: Till, held: Sequence[Voucher]) -> list[Voucher]:
    """The units whose money the visitor may give back."""
    if not till.can(Permission.REFUND_ORDERS):
        return []
    return handling.givable(held, handling.sight(till.actor, till.here, Permission.REFUND_ORDERS))


def ours(reason: str) -> bool:
    """Whether the shop or the house gave the money back, and not the buyer asked for it."""
    return f"shop_orders.reason.{reason}" in catalogue()


def asked_for(reason: str) -> str:
    """The buyer's reason as far as there are words for it: an app of somebody else may have sent any."""
    return reason if f"refund.reason.{reason}" in catalogue() else "other"


@post("/{store:str}/orders/{order:str}/notes", guards=[SEES], status_code=303)
async def note(visit: Visiting, till: AtTill, order: FromPath[str], data: URLEncodedBody[NoteForm]) -> Response:
    """Write to the order. What cannot be written is said beside the form, with the words kept."""
    order_id = till.read(ORDER, order)
    try:
        await handling.write_note(visit.house, till.actor, till.here, order_id, words=data.words, key=data.key)
    except orders.NoteWords as refusal:
        return await _order_page(visit, till, order, refusal, data.words)
    return Redirect(_path(till, order_id) + "#notes", status_code=303)


@get("/{store:str}/orders/{order:str}/refund", guards=[GIVES])
async def refund_page(visit: Visiting, till: AtTill, order: FromPath[str], voucher: Named = None) -> Response[str]:
    """Which units the shop gives the money back for, and why. Units named in the address are the ones ticked."""
    return await _refund_page(visit, till, order, voucher)


async def _refund_page(
    visit: Visit, till: Till, order: str, named: list[str] | None = None, *, wrong: Refusal | None = None,
    form: GiftForm | None = None,
) -> Response[str]:  # fmt: skip
    till.must(till.can(Permission.REFUND_ORDERS))
    visit.frame["tab"] = "orders"
    order_id = till.read(ORDER, order)
    async with visit.house.db.reading(till.city_id) as tx:
        found = await handling.order(tx, till.actor, till.here, order_id)
        units = _givable(till, await vouchers.of_orders(tx, [order_id], city_id=till.city_id))
    if not units and wrong is None:
        wrong = orders.NothingToRefund()
    asked = {till.read(VOUCHER, text) for text in named or []}
    ticked = {one.voucher_id for one in units if named is None or one.voucher_id in asked}
    if visit.partial and named is None:
        ticked = set()  # the last tick was taken away
    return visit.page(
        "merchant/order_refund.html", status=wrong.status if wrong else 200, order=found, units=units, wrong=wrong,
        whys=orders.WHY, why=form.why if form else "", words=form.words if form else "", ticked=ticked,
        path=_path(till, order_id), name=mask_name(found.member_name),
        back=sum((one.paid for one in units if one.voucher_id in ticked), Amount.zero(found.total.asset)),
        bound=[one for one in units if one.terms.refund == "none"],
    )  # fmt: skip


def _named(form: GiftForm) -> list[str]:
    return [form.voucher] if isinstance(form.voucher, str) else form.voucher


@post("/{store:str}/orders/{order:str}/refunds", guards=[GIVES], status_code=303)
async def refund(visit: Visiting, till: AtTill, order: FromPath[str], data: URLEncodedBody[GiftForm]) -> Response:
    """Give the money of unused units back. What cannot be is said on the form, with all that was chosen kept."""
    order_id = till.read(ORDER, order)
    why = _WHYS.get(data.why, orders.WHY[-1])
    try:
        await handling.give_back(
            visit.house, till.actor, till.here, order_id, key=data.key, why=why, words=data.words,
            voucher_ids=[till.read(VOUCHER, text) for text in _named(data)],
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await _refund_page(visit, till, order, _named(data), wrong=refusal, form=data)
    return Redirect(_path(till, order_id) + "#refunds", status_code=303)


ROUTES = (order_list, order_page, note, refund_page, refund)
