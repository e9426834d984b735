"""Confirming: what, how many, for how much - and one order, however often the button is pressed."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, field

from hutong import catalog, orders, pricing, vouchers
from hutong.catalog import Offer
from hutong.desk import buying
from hutong.desk import coupons as coupons_desk
from hutong.kit.ids import OFFER, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import Busy, NotFound, Refusal
from hutong.kit.terms import Terms
from hutong.orders import BEST, Order, Pay, Wanted
from hutong.web.consumer import queueing
from hutong.web.consumer.deal import shops_for, shown_offer
from hutong.web.consumer.here import Here, InCity
from hutong.web.consumer.paying import to_payment
from hutong.web.consumer.picking import CouponGone, Own, Ticked, read_coupons, shown_savings
from hutong.web.consumer.queueing import Round, Seal, Sealed
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.standing import standing_of
from hutong.web.consumer.tendering import Points, Programme, is_tender, points_of, read_pays, shown_pays
from hutong.web.consumer.ways import Way, WayAsked, choice_of, note_of
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

    `coupon` are the ticked ones, `picked` those that `total` was shown for; `own`: the reader has chosen them himself.
    `pick` is sent by the buttons beside them: the price with these, with the best ones, or with a typed `code` too.

    `card` are the ticked cards and `points` the typed points of `programme`; `paying` and `spent` those that `total`
    was shown for, `mine`: the reader has chosen them himself. `pick` may count anew with them (`pay`), or choose for
    him (`cards`).
    """

    offer: str
    quantity: Typed
    total: Annotated[int, Meta(ge=0)]
    seen: Annotated[int, Meta(ge=0, le=10_000)] = 0
    step: Annotated[int, Meta(ge=-1, le=1)] | None = None
    way: Way = ""
    coupon: str | list[str] = field(default_factory=list)
    own: Literal["", "1"] = ""
    picked: Annotated[str, Meta(max_length=2_000)] = ""
    pick: Literal["own", "best", "code", "pay", "cards"] | None = None
    code: Annotated[str, Meta(max_length=80)] = ""
    card: str | list[str] = field(default_factory=list)
    points: Typed = ""
    programme: Annotated[str, Meta(max_length=64)] = ""
    mine: Literal["", "1"] = ""
    paying: Annotated[str, Meta(max_length=2_000)] = ""
    spent: Typed = ""

    @property
    def coupons(self) -> list[str]:
        return [self.coupon] if isinstance(self.coupon, str) else self.coupon

    @property
    def cards(self) -> list[str]:
        return [self.card] if isinstance(self.card, str) else self.card

    @property
    def recoups(self) -> bool:
        """Whether other coupons are ticked than the total was shown for."""
        return set(self.coupons) != set(self.picked.split(".") if self.picked else ())

    @property
    def repays(self) -> bool:
        """Whether other cards or points are to pay than the total was shown for."""
        cards = set(self.cards) != set(self.paying.split(".") if self.paying else ())
        return cards or points_of(self.points) != points_of(self.spent)


@get("/c/{city:str}/checkout", guards=[signed_in])
async def confirm(
    visit: Visiting,
    here: InCity,
    offer: FromQuery[str],
    quantity: Quantity = 1,
    key: OldKey = None,
    way: WayAsked = "",
    own: Own = False,
    coupon: Ticked = None,
    mine: Own = False,
    card: Ticked = None,
    points: Points = "",
    programme: Programme = "",
) -> Response[str]:
    """The order before it is one: quantity, total with its parts, terms.

    A browser that comes back to a form whose `key` has made an order sees that order instead of a second pay button.
    """
    offer_id = here.read(OFFER, offer)
    if key is not None:
        made = await buying.ordered_with(visit.house, here.city_id, visit.member, key)
        if made is not None:
            return await _already(visit, here, offer_id, made)
    coupons = read_coupons(here, coupon or []) if own else None
    pays = read_pays(here, card or [], points, programme) if mine else None
    return await _confirm_page(visit, here, offer_id, quantity, key=key, way=way, coupons=coupons, pays=pays)


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
    key: str | None = None, way: str = "", coupons: tuple[UUID, ...] | None = None, code: str = "",
    wrong_code: Refusal | None = None, pays: tuple[Pay, ...] | None = None,
) -> Response[str]:  # fmt: skip
    """`typed`: what stood in the field when it was no quantity; it is shown again beside the reason. `coupons` None:
    the best of the wallet. `code`, `wrong_code`: a code that gave no coupon, and why. `pays` None: the cards that the
    house would choose."""
    now = visit.house.clock.now()
    visit.name_device()
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
    quoted = None
    try:
        wants = [Wanted(offer_id, quantity, choice_of(here, way))]
        quoted = await buying.quote(
            visit.house, here.city_id, wants, actor=visit.member, coupons=coupons, device=visit.device,
            tenders=BEST if pays is None else pays,
        )  # fmt: skip
    except Refusal as refusal:
        wrong = wrong or refusal
    unpaid = next((o for o in latest if payable(o, now) and o.lines[0].offer_id == offer_id), None)
    return visit.page(
        "consumer/confirm.html", status=wrong.status if wrong else 200, deal=deal, shops=shops, quantity=quantity,
        most=most, bought=bought, quote=quoted.quote if quoted else None, wrong=wrong,
        shelves=shelves, typed=typed or str(quantity),
        key=key or visit.new_key(), standing=standing, unpaid=unpaid, strict=strict(deal.terms), way=way,
        note=note_of(deal, way),
        savings=shown_savings(quoted, coupons, here), code=code, wrong_code=wrong_code, quoted=quoted,
        pays=shown_pays(quoted, pays, here),
    )  # fmt: skip


def strict(terms: Terms) -> bool:
    """Whether the terms hold surprises: such conditions are shown open, before anything is paid (complaint 14)."""
    plain = Terms(
        valid_days=terms.valid_days, valid_until=terms.valid_until, per_member=terms.per_member, refund=terms.refund,
        refund_on_expiry=terms.refund_on_expiry,
    )  # fmt: skip
    return terms != plain


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
    return await _place(visit, here, data)


@get("/c/{city:str}/checkout/queue", guards=[signed_in], status_code=303)
async def queue(visit: Visiting, here: InCity, sent: Sealed, seal: Seal, n: Round = 0) -> Response:
    """Whoever waits his turn tries again with the form that he sent; its key makes one order of all tries."""
    try:
        form = msgspec.json.decode(queueing.unseal(visit, sent, seal), type=CheckoutForm)
    except (ValueError, msgspec.DecodeError):
        raise NotFound() from None
    return await _place(visit, here, form, tries=n)


async def _place(visit: Visit, here: Here, data: CheckoutForm, *, tries: int = 0) -> Response:
    offer_id = here.read(OFFER, data.offer)
    quantity = quantity_of(data.quantity)
    if quantity is None or not 1 <= quantity <= pricing.MAX_QUANTITY:
        return await _confirm_page(visit, here, offer_id, data.seen or 1, typed=data.quantity, way=data.way)
    if data.code.strip():
        return await _with_code(visit, here, data, quantity)
    changed = data.recoups or data.repays
    if data.step is not None or data.pick is not None or changed or (data.seen and data.seen != quantity):
        own = data.pick != "best" and bool(data.own or data.pick == "own" or data.recoups)
        return _again(here, data, max(1, quantity + (data.step or 0)), data.coupons if own else None)
    expect = Amount(data.total, here.city.currency)
    wants = [Wanted(offer_id, quantity, choice_of(here, data.way))]
    try:
        coupons = read_coupons(here, data.coupons)
        placed = await buying.place(
            visit.house, here.city_id, visit.member, wants, key=data.key, expect=expect, coupons=coupons,
            device=visit.device, tenders=read_pays(here, data.cards, data.points, data.programme),
        )  # fmt: skip
    except NotFound:
        raise
    except Busy as busy:
        return queueing.wait(visit, here, data, queueing.Wish(data.offer, quantity, expect), busy, tries)
    except Refusal as refusal:
        # What was ticked may be what is wrong: unless he chose it himself, the best that is left is shown.
        kept = read_coupons(here, data.coupons) if data.own and not isinstance(refusal, CouponGone) else None
        pays = None
        if data.mine and not is_tender(refusal):
            pays = read_pays(here, data.cards, data.points, data.programme)
        return await _confirm_page(
            visit, here, offer_id, quantity, wrong=refusal, way=data.way, coupons=kept, pays=pays
        )
    return await to_payment(visit, here, placed.order_id)


def _again(here: Here, data: CheckoutForm, quantity: int, ticked: list[str] | None) -> Redirect:
    """The page for other numbers: nothing is ordered. `ticked` None: with the best coupons."""
    own = {} if ticked is None else {"own": 1, "coupon": ".".join(ticked)}
    if data.pick != "cards" and (data.mine or data.pick == "pay" or data.repays):
        own |= {"mine": 1, "card": ".".join(data.cards)}
        own |= {"points": data.points, "programme": data.programme} if points_of(data.points) else {}
    address = here.to("/checkout", offer=data.offer, quantity=quantity, way=data.way, **own)
    return Redirect(address, status_code=303)


async def _with_code(visit: Visit, here: Here, data: CheckoutForm, quantity: int) -> Response:
    """Take the coupon of a typed code into the wallet and onto the order, besides those that are ticked."""
    try:
        claimed = await coupons_desk.claim_by_code(
            visit.house, here.city_id, visit.member, data.code, key=data.key + "code", address=visit.address,
            device=visit.device,
        )  # fmt: skip
    except Refusal as refusal:
        return await _confirm_page(
            visit, here, here.read(OFFER, data.offer), quantity, way=data.way, code=data.code, wrong_code=refusal,
            coupons=read_coupons(here, data.coupons) if data.own else None,
            pays=read_pays(here, data.cards, data.points, data.programme) if data.mine else None,
        )  # fmt: skip
    async with visit.house.db.reading(here.city_id) as tx:
        fresh = await vouchers.of_orders(tx, [claimed.order_id], city_id=here.city_id)
    new = [VOUCHER.show(coupon.voucher_id, here.city_id) for coupon in fresh]
    return _again(here, data, quantity, [*data.coupons, *new])


ROUTES = (confirm, place, queue)
