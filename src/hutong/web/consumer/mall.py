"""The gift mall: what points buy in this city, one gift with everything it needs, and the exchange itself."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from hutong import catalog, mall, orders, programmes, vouchers
from hutong.catalog import Gift, Offer
from hutong.desk import giftshop, malling
from hutong.desk.pointing import Purse, lives_in, programme_of, purse_of, purses_of
from hutong.infra.db import Tx
from hutong.kit.ids import OFFER, ORDER, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.mall import Address
from hutong.programmes import Programme
from hutong.web.consumer.alliances import asked, choices, purse_in
from hutong.web.consumer.deal import shops_for
from hutong.web.consumer.here import Cursor, Here, InCity, sure_found
from hutong.web.consumer.paying import to_payment
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.standing import Standing, standing_with
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 24
NEAR_MOST = 60
Filter = Literal["", "mine", "points", "cash", "near", "sent"]
Show = Annotated[Filter, QueryParameter(name="show")]
Units = Annotated[int, QueryParameter(ge=1, le=1_000)]
WayAsked = Annotated[Literal["", "pickup", "delivery"], QueryParameter(name="way")]


class Facing(Struct, frozen=True, kw_only=True):
    """A gift as the mall shows it. `missing`: points that the member lacks for one (None: nobody is signed in).
    `left`: how many the member may still have in this period (None: no limit)."""

    offer: Offer
    form: Gift
    standing: Standing
    missing: int | None = None
    had: int = 0
    distance_m: float | None = None

    @property
    def left(self) -> int | None:
        return None if self.form.most is None else max(0, self.form.most - self.had)

    @property
    def most(self) -> int:
        """How many one exchange may be for, as things stand; at least one, so that a refusal can say why not."""
        bounds = [self.offer.per_order_max, self.left, self.standing.left]
        return max(1, min(bound for bound in bounds if bound is not None))


class ExchangeForm(KeyedForm, frozen=True, kw_only=True):
    """What the member confirms: so many, for so much cash as he saw, fetched or sent to an address."""

    units: Annotated[int, Meta(ge=1, le=1_000)] = 1
    cash: Annotated[int, Meta(ge=0)] = 0
    way: Literal["pickup", "delivery"] = "pickup"
    name: Annotated[str, Meta(max_length=60)] = ""
    phone: Annotated[str, Meta(max_length=20)] = ""
    line: Annotated[str, Meta(max_length=200)] = ""
    note: Annotated[str, Meta(max_length=100)] = ""
    step: Annotated[int, Meta(ge=-1, le=1)] | None = None


@get("/c/{city:str}/mall", guards=[public])
async def mall_home(visit: Visiting, here: InCity, show: Show = "", after: Cursor = None) -> Response[str]:
    """What points buy here: those for the fewest points first, or the nearest."""
    now = visit.house.clock.now()
    actor = visit.actor
    async with visit.house.db.reading(here.city_id) as tx:
        if actor is None:
            which = [(one, None) for one in await programmes.of_city(tx, here.city_id, at=now)]
            purse, programme = None, await programme_of(tx, here.city_id, now, asked=asked(visit))
        else:
            all_of_his = await purses_of(tx, here.city_id, actor.member_id, now)
            purses = [one for one in all_of_his if lives_in(one.programme, here.city_id)]
            which, purse = choices(purses), purse_in(purses, visit)
            programme = purse.programme if purse is not None else None
        found: list[Facing] = []
        more = None
        if programme is not None:
            offers, more = await _page_of(tx, here, programme, show, purse, after, now)
            found = await faces(tx, visit, here, offers, purse)
            if show == "mine":
                found = [face for face in found if face.standing.buyable and face.left != 0]
            found.sort(key=lambda face: not face.standing.buyable)  # what is gone stands behind what can be had
            if show == "near":
                found.sort(key=lambda face: (face.distance_m is None, face.distance_m or 0))
        shelves = Shelves(await catalog.categories(tx))
    visit.personal = visit.personal or actor is not None or len(which) > 1
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/mall.html", programme=programme, purse=purse, found=found, more=more, show=show, shelves=shelves,
        picture=visit.house.files.url, which=which,
    )  # fmt: skip


async def _page_of(
    tx: Tx, here: Here, programme: Programme, show: Filter, purse: Purse | None, after: str | None, now: object
) -> tuple[list[Offer], str | None]:
    """A page of gifts by the chip that is chosen, and where the next one begins."""
    limit = NEAR_MOST if show == "near" else ON_PAGE
    offers = await catalog.gifts_on_offer(
        tx, city_id=here.city_id, programme_id=programme.programme_id, now=now,  # type: ignore[arg-type]
        most_points=purse.wallet.available if show == "mine" and purse else None,
        cash={"points": False, "cash": True}.get(show), way={"near": "pickup", "sent": "delivery"}.get(show),
        after=_mark(here, after), limit=limit + 1,
    )  # fmt: skip
    more = None
    if len(offers) > limit and show != "near":
        last = offers[limit - 1]
        assert isinstance(last.form, Gift)
        more = f"{last.form.points}.{OFFER.show(last.offer_id, here.city_id)}"
    return offers[:limit], more


def _mark(here: Here, after: str | None) -> tuple[int, UUID] | None:
    """The last gift of the page before. Raises not_found for a mark that nobody gave."""
    if not after:
        return None
    points, _, shown = after.partition(".")
    if not points.isdecimal() or len(points) > 12:
        raise NotFound()
    return int(points), here.read(OFFER, shown)


async def faces(
    tx: Tx, visit: Visit, here: Here, offers: Sequence[Offer], purse: Purse | None
) -> list[Facing]:  # fmt: skip
    """The gifts with their stock, what the member lacks, and how far the nearest store is."""
    now = visit.house.clock.now()
    member_id = visit.actor.member_id if visit.actor is not None else None
    known = await giftshop.on_shelf(tx, offers, purse, city=here.city, now=now, member_id=member_id)
    stores = sorted({store for offer in offers for store in offer.store_ids})
    cards = await catalog.storefronts(tx, stores, city_id=here.city_id, now=now, point=here.point)
    far = {card.store_id: card.distance_m for card in cards if card is not None and card.visible}
    found: list[Facing] = []
    for one in known:
        distances = [d for store in one.offer.store_ids if (d := far.get(store)) is not None]
        found.append(
            Facing(
                offer=one.offer, form=one.form, had=one.had, missing=one.missing,
                standing=standing_with(one.quota, one.offer, here=here, now=now),
                distance_m=min(distances, default=None) if one.form.pickup else None,
            )
        )  # fmt: skip
    return found


async def shown_gift(tx: Tx, visit: Visit, here: Here, gift: str) -> tuple[Facing, Programme, Purse | None]:
    """A gift that consumers may know of, with its programme and the member's points. Raises not_found."""
    now = visit.house.clock.now()
    offer, programme = await giftshop.gift_of(tx, here.read(OFFER, gift), city=here.city, now=now)
    purse = None
    if visit.actor is not None:
        purse = await purse_of(tx, here.city_id, visit.actor.member_id, now, asked=programme.programme_id)
    (face,) = await faces(tx, visit, here, [offer], purse)
    return face, programme, purse


@get("/c/{city:str}/mall/{gift:str}", guards=[public])
async def gift_page(visit: Visiting, here: InCity, gift: FromPath[str]) -> Response[str]:
    """One gift: what it is, for how many points and how much cash, how many are left, how and where one gets it."""
    async with visit.house.db.reading(here.city_id) as tx:
        face, programme, purse = await shown_gift(tx, visit, here, gift)
        shops = await shops_for(tx, face.offer, visit, here)
        shelves = Shelves(await catalog.categories(tx))
    visit.personal = visit.personal or visit.actor is not None
    return visit.page(
        "consumer/mall_gift.html", one=face, programme=programme, purse=purse, shops=shops, shelves=shelves,
        picture=visit.house.files.url,
    )  # fmt: skip


@get("/c/{city:str}/mall/{gift:str}/exchange", guards=[signed_in])
async def confirm(
    visit: Visiting, here: InCity, gift: FromPath[str], units: Units = 1, way: WayAsked = ""
) -> Response[str]:
    """The exchange before it is one: so many, for so much, fetched or sent. One tap more, and it is done."""
    form = ExchangeForm(key=visit.new_key(), units=units, way=way or "pickup")
    return await _confirm(visit, here, gift, form)


async def _confirm(
    visit: Visit, here: Here, gift: str, form: ExchangeForm, wrong: Refusal | None = None
) -> Response[str]:
    async with visit.house.db.reading(here.city_id) as tx:
        face, programme, purse = await shown_gift(tx, visit, here, gift)
        shops = await shops_for(tx, face.offer, visit, here)
        shelves = Shelves(await catalog.categories(tx))
    assert purse is not None
    units = min(form.units, face.most)
    way = form.way if (face.form.pickup if form.way == "pickup" else face.form.delivery) else ""
    points, cash = face.form.points * units, face.offer.price * units
    return visit.page(
        "consumer/mall_confirm.html", status=wrong.status if wrong else 200, one=face, programme=programme,
        purse=purse, shops=shops, shelves=shelves, form=form, units=units, points=points, cash=cash, wrong=wrong,
        way=way or ("pickup" if face.form.pickup else "delivery"), missing=max(0, points - purse.wallet.available),
        picture=visit.house.files.url,
    )  # fmt: skip


@post("/c/{city:str}/mall/{gift:str}/exchange", guards=[signed_in], status_code=303)
async def exchange(
    visit: Visiting, here: InCity, gift: FromPath[str], data: URLEncodedBody[ExchangeForm]
) -> Response:  # fmt: skip
    """Exchange. Points only: the right itself is the answer. With cash besides: on to its payment."""
    if data.step is not None:
        units = max(1, data.units + data.step)
        return Redirect(here.to(f"/mall/{gift}/exchange", units=units, way=data.way), status_code=303)
    try:
        placed = await malling.exchange(
            visit.house, here.city_id, visit.member, here.read(OFFER, gift), units=data.units, way=data.way,
            address=_address(data), key=data.key, expect=Amount(data.cash, here.city.currency),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        fresh = msgspec.structs.replace(data, key=visit.new_key())
        return await _confirm(visit, here, gift, fresh, refusal)
    if placed.state != "paid":
        return await to_payment(visit, here, placed.order_id)
    async with visit.house.db.reading(here.city_id) as tx:
        held = await vouchers.of_orders(tx, [placed.order_id], city_id=here.city_id)
    if not held:
        return Redirect(here.to(f"/orders/{ORDER.show(placed.order_id, here.city_id)}"), status_code=303)
    shown = VOUCHER.show(held[0].voucher_id, here.city_id)
    return Redirect(here.to(f"/vouchers/{shown}", new=1), status_code=303)


def _address(data: ExchangeForm) -> Address | None:
    """The address that was typed; None for a gift that is fetched. Raises address_needed."""
    if data.way == "pickup":
        return None
    name, phone, line, note = (" ".join(text.split()) for text in (data.name, data.phone, data.line, data.note))
    digits = [c for c in phone if c.isdigit()]
    if not name or len(digits) < 6 or len(line) < 4:
        raise mall.AddressNeeded()
    return Address(name=name, phone=phone, line=line, note=note)


@post("/c/{city:str}/orders/{order:str}/arrived", guards=[signed_in], status_code=303)
async def arrived(visit: Visiting, here: InCity, order: FromPath[str], data: URLEncodedBody[Form]) -> Redirect:
    """The member has his parcel."""
    del data
    order_id = here.read(ORDER, order)
    async with visit.house.db.reading(here.city_id) as tx:
        mine = await orders.order(tx, visit.member.member_id, order_id, city_id=here.city_id)
    sure_found(mine)
    await malling.arrived(visit.house, here.city_id, visit.member, order_id)
    return Redirect(here.to(f"/orders/{order}"), status_code=303)


ROUTES = (mall_home, gift_page, confirm, exchange, arrived)
