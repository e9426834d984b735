"""Waiting for what is sold out: the form, what one waits for and what is kept, and leaving by the link of a message."""

from datetime import date, datetime
from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, field

from hutong import catalog, inventory, merchants, waitlist
from hutong.catalog import Bargain, Offer
from hutong.desk import lining
from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.clock import local_day
from hutong.kit.ids import ENTRY, OFFER
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.places import City
from hutong.waitlist import MOST_UNITS, Entry, stock_of, waitable
from hutong.web.consumer.deal import shown_offer
from hutong.web.consumer.here import Here, InCity
from hutong.web.consumer.paying import to_payment
from hutong.web.consumer.picking import read_coupons
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.standing import standing_of, standing_with
from hutong.web.consumer.ways import Way
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

Day = Annotated[str, Meta(max_length=10)]
ALIKE = 4  # other sold-out deals of the shop that may be wished for, too
LOOK = 20


class WaitForm(KeyedForm, frozen=True, kw_only=True):
    """How many, when, and what else would do."""

    units: Annotated[str, Meta(max_length=4)] = "1"
    first: Day = ""
    last: Day = ""
    also: str | list[str] = field(default_factory=list)

    def others(self) -> list[str]:
        return [self.also] if isinstance(self.also, str) else self.also


class TakeForm(KeyedForm, frozen=True, kw_only=True):
    """Buy what is kept, in that way, for the total that was shown; `coupon`: those that it was shown with."""

    total: Annotated[int, Meta(ge=0)]
    way: Way = ""
    coupon: Annotated[str, Meta(max_length=2_000)] = ""

    @property
    def coupons(self) -> list[str]:
        return [one for one in self.coupon.split(".") if one]


@get("/c/{city:str}/deals/{offer:str}/wait", guards=[signed_in])
async def wait_page(visit: Visiting, here: InCity, offer: FromPath[str]) -> Response:
    """How many are needed, and for when: a need is met whole or not at all."""
    return await _wait_page(visit, here, offer)


async def _wait_page(
    visit: Visit, here: Here, offer: str, *, wrong: Refusal | None = None, form: WaitForm | None = None
) -> Response:
    now = visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        deal = await shown_offer(tx, here.read(OFFER, offer), here)
        standing = await standing_of(tx, deal, here=here, now=now)
        mine = await waitlist.waits_for(tx, visit.member.member_id, deal.offer_id, city_id=here.city_id)
        others = await _alike(tx, deal, here, now)
        line = (await waitlist.line_of(tx, [deal.offer_id], city_id=here.city_id)).get(deal.offer_id)
        shelves = Shelves(await catalog.categories(tx))
    if mine is not None:
        return Redirect(here.to("/waiting"), status_code=303)
    return visit.page(
        "consumer/wait.html", status=wrong.status if wrong else 200, deal=deal, shown=offer, standing=standing,
        others=others, wrong=wrong, form=form, line=line, shelves=shelves,
        today=local_day(now, here.city.zone).isoformat(), most=min(MOST_UNITS, deal.per_order_max, _cap(deal)),
    )  # fmt: skip


def _cap(deal: Offer) -> int:
    """How many units of it one member may have; one bargain is for one."""
    return 1 if isinstance(deal.form, Bargain) else deal.terms.per_member or MOST_UNITS


async def _alike(tx: Tx, deal: Offer, here: Here, now: datetime) -> list[Offer]:
    """Other deals of the shop that are sold out, too: whoever only wants to eat there may wish for any of them."""
    shop = Scope(merchants=frozenset({deal.merchant_id}))
    page = await catalog.offers_in_scope(tx, shop, city_id=here.city_id, status="published", limit=LOOK)
    sold_from = {one.offer_id: stock_of(one, now) for one in page.items if waitable(one)}
    others = [one for one in page.items if one.offer_id != deal.offer_id and sold_from.get(one.offer_id) is not None]
    stocks = await inventory.quotas(
        tx, [sold_from[one.offer_id] or one.offer_id for one in others], city_id=here.city_id
    )
    found = [
        one for one, stock in zip(others, stocks, strict=True) if standing_with(stock, one, here=here, now=now).list
    ]
    return found[:ALIKE]


@post("/c/{city:str}/deals/{offer:str}/wait", guards=[signed_in], status_code=303)
async def join(visit: Visiting, here: InCity, offer: FromPath[str], data: URLEncodedBody[WaitForm]) -> Response:
    """Take a place in the line. What cannot be is said beside what was typed."""
    try:
        offers = [here.read(OFFER, shown) for shown in (offer, *data.others())]
        await lining.join(
            visit.house, here.city_id, visit.member, offers, _number(data.units), key=data.key,
            days=(_day(data.first or data.last), _day(data.last or data.first)),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return await _wait_page(visit, here, offer, wrong=refusal, form=data)
    return Redirect(here.to("/waiting", new=1), status_code=303)


def _number(typed: str) -> int:
    digits = typed.strip()
    if not digits.isdecimal():
        raise BadInput(field="units", why="1-")
    return int(digits)


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise BadInput(field="days", why="2026-12-24") from None


@get("/c/{city:str}/waiting", guards=[signed_in])
async def waiting_page(visit: Visiting, here: InCity) -> Response[str]:
    """What the member waits for, his place in each line, and what is kept for him until when."""
    return await _waiting_page(visit, here)


async def _waiting_page(visit: Visit, here: Here, wrong: Refusal | None = None) -> Response[str]:
    async with visit.house.db.reading(here.city_id) as tx:
        mine = await lining.waits(visit.house, tx, here.city_id, visit.member, limit=LOOK)
        names = await merchants.merchants(tx, [offer.merchant_id for offer in mine.offers.values()])
        shelves = Shelves(await catalog.categories(tx))
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/waiting_list.html", status=wrong.status if wrong else 200, mine=mine, wrong=wrong, shelves=shelves,
        shops={i: one.name for i, one in names.items()}, new="new" in visit.connection.query_params,
    )  # fmt: skip


@post("/c/{city:str}/waiting/{entry:str}/order", guards=[signed_in], status_code=303)
async def take(visit: Visiting, here: InCity, entry: FromPath[str], data: URLEncodedBody[TakeForm]) -> Response:
    """Order what is kept; the payment comes next. Twice is once."""
    try:
        placed = await lining.take_for(
            visit.house, here.city_id, visit.member, here.read(ENTRY, entry), key=data.key, way=data.way,
            expect=Amount(data.total, here.city.currency), coupons=read_coupons(here, data.coupons),
        )  # fmt: skip
    except Refusal as refusal:
        return await _waiting_page(visit, here, refusal)
    return await to_payment(visit, here, placed.order_id)


@post("/c/{city:str}/waiting/{entry:str}/leave", guards=[signed_in], status_code=303)
async def leave(visit: Visiting, here: InCity, entry: FromPath[str], data: URLEncodedBody[Form]) -> Redirect:
    """Wait no more; what was kept goes to the next one."""
    del data
    await lining.leave(visit.house, here.city_id, visit.member, here.read(ENTRY, entry))
    return Redirect(here.to("/waiting"), status_code=303)


@get("/waiting/leave/{token:str}", guards=[public])
async def leave_page(visit: Visiting, token: FromPath[str]) -> Response[str]:
    """From the link of a message, without signing in: one button, because machines open links, too."""
    visit.personal = True
    city, entry = await lining.by_link(visit.house, token)
    return await _left(visit, token, city, entry)


@post("/waiting/leave/{token:str}", guards=[public], status_code=200)
async def leave_by_link(visit: Visiting, token: FromPath[str], data: URLEncodedBody[Form]) -> Response[str]:
    """Wait no more."""
    del data
    visit.personal = True
    city, entry = await lining.leave_by_link(visit.house, token)
    return await _left(visit, token, city, entry)


async def _left(visit: Visit, token: str, city: City, entry: Entry) -> Response[str]:
    visit.zone = city.zone
    async with visit.house.db.reading(city.city_id) as tx:
        (offer, *_) = await catalog.offers(tx, [entry.choices[0].offer_id], city_id=city.city_id)
    return visit.page("consumer/wait_left.html", token=token, city=city, entry=entry, offer=offer)


ROUTES = (wait_page, join, waiting_page, take, leave, leave_page, leave_by_link)
