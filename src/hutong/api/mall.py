"""The gift mall: gifts, exchanges and parcels for members; parcels for suppliers, in sets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from hutong import catalog, mall, places
from hutong.api.browse import City, Limit
from hutong.api.glue import Home, Key, Who, local_id, local_ids, open_to_all, who, with_token
from hutong.api.shapes import In, Money, MoneyIn, PageOut
from hutong.catalog import Gift
from hutong.desk import counter, giftshop, malling
from hutong.desk.buying import member_of
from hutong.desk.giftshop import OnShelf
from hutong.desk.malling import Handed
from hutong.desk.pointing import Purse, lives_in, programme_of, purse_of
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.ids import MERCHANT, OFFER, ORDER, PROGRAMME, STORE
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.mall import Address, Delivery, Exchanged
from hutong.programmes import Programme

Order = Annotated[str | None, QueryParameter(name="after", max_length=60, description="The last order of a page")]
Mark = Annotated[str | None, QueryParameter(name="after", max_length=80)]
Way = Annotated[Literal["pickup", "delivery"] | None, QueryParameter(name="way")]
State = Annotated[Literal["open", "done"], QueryParameter(name="state")]
Alliance = Annotated[str | None, QueryParameter(name="programme", max_length=60, description="One of several")]
MOST = 100  # parcels in one request


class AddressIn(In, frozen=True):
    """Where a parcel goes. It is kept sealed, shown to the supplier alone, and forgotten when it has arrived."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    phone: Annotated[str, Meta(min_length=6, max_length=20)]
    line: Annotated[str, Meta(min_length=4, max_length=200)]
    note: Annotated[str, Meta(max_length=100)] = ""


class ExchangeIn(In, frozen=True):
    """So many units; `expect`: the cash that they ask for besides points, as it was shown."""

    units: Annotated[int, Meta(ge=1, le=1_000)] = 1
    way: Literal["pickup", "delivery"] = "pickup"
    address: AddressIn | None = None
    expect: MoneyIn | None = None


class HandedIn(In, frozen=True):
    """A parcel in a carrier's hands."""

    order: str
    carrier: Annotated[str, Meta(max_length=40)]
    number: Annotated[str, Meta(max_length=60)]


class SentIn(In, frozen=True):
    """The store from which they went, and the parcels: at most 100, each order once."""

    store: str
    parcels: Annotated[list[HandedIn], Meta(min_length=1, max_length=MOST)]


class ArrivedIn(In, frozen=True):
    """Orders whose parcels have arrived: at most 100, each once."""

    city: int
    orders: Annotated[list[str], Meta(min_length=1, max_length=MOST)]


def gift_out(one: OnShelf, city_id: int) -> dict[str, Any]:
    """A gift; `yours`: what the member who asks had of it and still may have (null: nobody asks)."""
    offer, form = one.offer, one.form
    return {
        "id": OFFER.show(offer.offer_id, city_id), "title": offer.title, "summary": offer.summary,
        "programme": PROGRAMME.show(form.programme_id), "points": form.points, "cash": Money.of(offer.price),
        "list_price": Money.of(offer.list_price), "supplier": MERCHANT.show(offer.merchant_id),
        "pickup": form.pickup, "delivery": form.delivery, "stores": [STORE.show(s, city_id) for s in offer.store_ids],
        "stock": one.quota.remaining if one.quota else None, "status": offer.status, "until": offer.sale_to,
        "per_member": {"most": form.most, "span": form.span} if form.most is not None else None,
        "yours": None if one.missing is None else {"had": one.had, "left": one.left, "missing_points": one.missing},
    }  # fmt: skip


async def _city(tx: Tx, city_id: int) -> places.City:
    found = await places.city(tx, city_id)
    if found is None:
        raise places.UnknownCity()
    return found


async def _asker(request: Request[Any, Any, Any]) -> UUID | None:
    """The member behind the token, if there is one: gifts are open to all."""
    actor = await who(request)
    return actor.member_id if actor is not None and actor.is_member else None


@get("/mall", guards=[open_to_all], summary="Gifts for points")
async def gifts(
    request: Request[Any, Any, Any], house: Home, city_id: City, programme: Alliance = None, way: Way = None,
    after: Mark = None, limit: Limit = 20,
) -> PageOut:  # fmt: skip
    """What points buy in a city, those for the fewest points first. With a member's token: what he lacks. Of several
    alliances of the city the one that is asked for, else where he has most points, else the first by name."""
    now, member_id = house.clock.now(), await _asker(request)
    async with house.db.reading(city_id) as tx:
        city = await _city(tx, city_id)
        whose = await _alliance(tx, city_id, now, programme, member_id)
        if whose is None:
            return PageOut([], None)
        offers = await catalog.gifts_on_offer(
            tx, city_id=city_id, programme_id=whose[0].programme_id, now=now, most_points=None, cash=None, way=way,
            after=_mark(after, city_id), limit=limit + 1,
        )  # fmt: skip
        found = await giftshop.on_shelf(tx, offers[:limit], whose[1], city=city, now=now, member_id=member_id)
    more = None
    if len(offers) > limit and isinstance(form := offers[limit - 1].form, Gift):
        more = f"{form.points}.{OFFER.show(offers[limit - 1].offer_id, city_id)}"
    return PageOut([gift_out(one, city_id) for one in found], more)


async def _alliance(
    tx: Tx, city_id: int, now: datetime, shown: str | None, member_id: UUID | None
) -> tuple[Programme, Purse | None] | None:
    """The alliance whose gifts are wanted, and what the member has in it. Raises not_found for one of another city."""
    asked = PROGRAMME.read(shown) if shown else None
    purse = await purse_of(tx, city_id, member_id, now, asked=asked) if member_id else None
    if purse is not None and not lives_in(purse.programme, city_id):
        purse = None
    wanted = asked or (purse.programme.programme_id if purse else None)
    programme = await programme_of(tx, city_id, now, asked=wanted)
    if programme is None or (asked is not None and programme.programme_id != asked):
        if asked is not None:
            raise NotFound()
        return None
    return programme, purse if purse is not None and purse.programme.programme_id == programme.programme_id else None


def _mark(after: str | None, city_id: int) -> tuple[int, UUID] | None:
    if not after:
        return None
    points, _, shown = after.partition(".")
    if not points.isdecimal() or len(points) > 12:
        raise BadInput(field="after", why="not one of ours")
    return int(points), local_ids(OFFER, [shown], city_id)[0]


@get("/mall/{gift:str}", guards=[open_to_all], summary="One gift")
async def gift(gift: FromPath[str], request: Request[Any, Any, Any], house: Home) -> dict[str, Any]:
    """For how many points and how much cash, what is left, how it is got."""
    city_id, offer_id = local_id(OFFER, gift)
    now, member_id = house.clock.now(), await _asker(request)
    async with house.db.reading(city_id) as tx:
        city = await _city(tx, city_id)
        offer, programme = await giftshop.gift_of(tx, offer_id, city=city, now=now)
        purse = await purse_of(tx, city_id, member_id, now, asked=programme.programme_id) if member_id else None
        (one,) = await giftshop.on_shelf(tx, [offer], purse, city=city, now=now, member_id=member_id)
    return gift_out(one, city_id)


@post("/mall/{gift:str}/exchanges", guards=[with_token], summary="Exchange points for a gift")
async def exchange(
    gift: FromPath[str], data: JSONBody[ExchangeIn], key: Key, actor: Who, house: Home
) -> dict[str, Any]:
    """An order: paid at once when the gift asks for points alone, else to be paid like any other. A member's token.
    Needs an Idempotency-Key. Refusals: points_short, exchange_limit,
    way_not_offered, sold_out, address_needed, price_changed."""
    city_id, offer_id = local_id(OFFER, gift)
    async with house.db.reading(city_id) as tx:
        city = await _city(tx, city_id)
    to = data.address
    address = None if to is None else Address(name=to.name, phone=to.phone, line=to.line, note=to.note)
    done = await malling.exchange(
        house, city_id, actor, offer_id, units=data.units, way=data.way, key=key,
        address=address if data.way == "delivery" else None,
        expect=Amount(data.expect.units, data.expect.asset) if data.expect else Amount(0, city.currency),
    )  # fmt: skip
    return {
        "id": ORDER.show(done.order_id, city_id), "total": Money.of(done.total), "state": done.state,
        "expires_at": done.expires_at,
    }  # fmt: skip


def parcel_out(one: Delivery, title: Any) -> dict[str, Any]:
    """How far a parcel has come."""
    return {
        "order": ORDER.show(one.order_id, one.city_id), "gift": OFFER.show(one.offer_id, one.city_id), "title": title,
        "units": one.units, "state": one.state, "carrier": one.carrier or None, "number": one.number or None,
        "asked_at": one.asked_at, "sent_at": one.sent_at, "ended_at": one.ended_at,
    }  # fmt: skip


async def _titles(tx: Tx, offer_ids: Sequence[UUID], city_id: int) -> dict[UUID, Any]:
    return {o.offer_id: o.title for o in await catalog.offers(tx, list(offer_ids), city_id=city_id) if o is not None}


@get("/exchanges", guards=[with_token], summary="What I exchanged")
async def mine(actor: Who, house: Home, city_id: City, limit: Limit = 20) -> PageOut:
    """The member's latest exchanges in a city with their parcels, newest first."""
    async with house.db.reading(city_id) as tx:
        found: list[Exchanged] = await mall.exchanges_of(tx, member_of(actor), city_id=city_id, limit=limit)
        parcels = await mall.deliveries_of(tx, [one.order_id for one in found], city_id=city_id)
        titles = await _titles(tx, [one.offer_id for one in found], city_id)
    return PageOut(
        [
            {
                "order": ORDER.show(one.order_id, city_id), "gift": OFFER.show(one.offer_id, city_id),
                "title": titles.get(one.offer_id), "units": one.units, "ended_units": one.ended_units, "way": one.way,
                "points": one.points, "cash": Money.of(Amount(one.cash_units, one.asset)),
                "parcel": parcel_out(parcels[one.order_id], titles.get(one.offer_id))
                if one.order_id in parcels else None,
            }
            for one in found
        ], None,
    )  # fmt: skip


@post("/exchanges/{order:str}/arrival", guards=[with_token], status_code=204, summary="My parcel is here")
async def arrived(order: FromPath[str], actor: Who, house: Home) -> None:
    """The supplier is paid. Sending it again changes nothing. Refusals: delivery_not_found, delivery_state."""
    city_id, order_id = local_id(ORDER, order)
    await malling.arrived(house, city_id, actor, order_id)


@get("/merchants/{merchant:str}/parcels", guards=[with_token], summary="A supplier's parcels")
async def parcels(
    merchant: FromPath[str], actor: Who, house: Home, city_id: City, which: State = "open", after: Order = None,
    limit: Limit = 30,
) -> PageOut:  # fmt: skip
    """`open`: to be sent and on their way, oldest first, with the address as long as it is needed; `done`: those that
    have ended. Needs orders:view; others see an empty list."""
    merchant_id = MERCHANT.read(merchant)
    async with house.db.reading(city_id) as tx:
        found = await mall.to_fulfil(
            tx, actor.scope(Permission.VIEW_ORDERS), merchant_id, city_id=city_id, done=which == "done",
            after=local_ids(ORDER, [after], city_id)[0] if after else None, limit=limit + 1,
        )  # fmt: skip
        titles = await _titles(tx, [one.offer_id for one in found], city_id)
    more = ORDER.show(found[limit - 1].order_id, city_id) if len(found) > limit else None
    shown = []
    for one in found[:limit]:
        to = malling.address_of(house, one)
        shown.append(parcel_out(one, titles.get(one.offer_id)) | {"address": to and _address_out(to)})
    return PageOut(shown, more)


def _address_out(to: Address) -> dict[str, str]:
    return {"name": to.name, "phone": to.phone, "line": to.line, "note": to.note}


def _answers(orders: Sequence[str], done: Sequence[Any | Refusal]) -> dict[str, Any]:
    """One answer for each order, in their order."""
    return {
        "answers": [
            {
                "order": shown, "done": not isinstance(one, Refusal),
                "replayed": False if isinstance(one, Refusal) else one.replayed,
                "code": one.code if isinstance(one, Refusal) else None,
                "reason": one.sentence() if isinstance(one, Refusal) else None,
                "next": one.next_step() if isinstance(one, Refusal) else None,
            }
            for shown, one in zip(orders, done, strict=True)
        ]
    }  # fmt: skip


def _once(orders: Sequence[str]) -> None:
    if len(set(orders)) != len(orders):
        raise BadInput(field="orders", why="each order once")


@post("/merchants/{merchant:str}/parcels/sent", guards=[with_token], status_code=200, summary="Parcels were sent")
async def sent(merchant: FromPath[str], data: JSONBody[SentIn], actor: Who, house: Home) -> dict[str, Any]:
    """Parcels that a carrier has now, one answer for each. The same carrier and number again is `replayed`. Needs
    orders:view at the merchant. Codes: delivery_not_found, delivery_state,
    parcel_number_needed, those of the vouchers."""
    city_id, store_id = local_id(STORE, data.store)
    shown = [one.order for one in data.parcels]
    _once(shown)
    ids = local_ids(ORDER, shown, city_id)
    here = await counter.counter(house, city_id, actor, store_id, Permission.VIEW_ORDERS)
    if here.merchant_id != MERCHANT.read(merchant):
        raise NotFound()
    handed = [
        Handed(order_id=key, carrier=one.carrier, number=one.number)
        for key, one in zip(ids, data.parcels, strict=True)
    ]  # fmt: skip
    done = await malling.send_out_all(
        house, city_id, actor, merchant_id=here.merchant_id, store_id=store_id, handed=handed
    )
    return _answers(shown, done)


@post("/merchants/{merchant:str}/parcels/delivered", guards=[with_token], status_code=200, summary="Parcels arrived")
async def delivered(merchant: FromPath[str], data: JSONBody[ArrivedIn], actor: Who, house: Home) -> dict[str, Any]:
    """What the carrier has delivered, one answer for each; the supplier is paid. The same again is `replayed`. Needs
    orders:view at the merchant. Codes: delivery_not_found, delivery_state."""
    _once(data.orders)
    ids = local_ids(ORDER, data.orders, data.city)
    done = await malling.say_delivered_all(house, data.city, actor, MERCHANT.read(merchant), ids)
    return _answers(data.orders, done)


router = Router(
    "/", route_handlers=[gifts, gift, exchange, mine, arrived, parcels, sent, delivered], tags=["mall"]
)  # fmt: skip
