"""One deal with everything it promises."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct, structs

from hutong import catalog, orders, programmes, vouchers
from hutong.catalog import Offer, StoreCard
from hutong.desk.looking import Around, Live
from hutong.infra.db import Tx
from hutong.kit.clock import local
from hutong.kit.geo import distance_m
from hutong.kit.ids import OFFER
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.picking import final_of
from hutong.web.consumer.prices import story
from hutong.web.consumer.reviews import said_with
from hutong.web.consumer.shelves import shelves_of
from hutong.web.consumer.shops import Shop, shop_of, shops_of
from hutong.web.consumer.slots import SlotLine, next_start, slots_of
from hutong.web.consumer.standing import standing_of, standing_with
from hutong.web.consumer.together import together_of
from hutong.web.shared.common import common
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

NO_DISTANCE = 0.0002  # degrees, about twenty metres: no direction worth drawing
PLAIN_TIMES = 15  # lives for which the page of a plain deal is kept: nothing on it moves but what is looked up
SHOWN = ("published", "paused", "ended")  # drafts and rejected offers do not exist for consumers


class Tipping(Struct, frozen=True):
    """How far a deal with a minimum has come."""

    paid: int
    needed: int
    tipped: bool

    @property
    def left(self) -> int:
        return max(0, self.needed - self.paid)

    @property
    def percent(self) -> int:
        return min(100, self.paid * 100 // self.needed)


@get("/c/{city:str}/deals/{offer:str}", guards=[public])
async def deal_page(visit: Visiting, here: InCity, offer: FromPath[str]) -> Response[str]:
    """A deal: whose, for how much, what is in it, when and where it may be used, how it is given back."""
    offer_id = here.read(OFFER, offer)
    if visit.actor is not None:
        return await _deal(visit, here, offer_id)
    # Its price, state and stock are those of this moment; what stands around them may be as old as the page is kept.
    batches = visit.house.batches

    async def look() -> Live | None:
        return await batches.submit("deal.live", here.city_id, offer_id)

    live = await look()
    times = PLAIN_TIMES if live is not None and live.plain else 1
    return await common(
        visit, here.city_id, lambda: _deal(visit, here, offer_id), name="deal", seen=(here.seen, live), times=times,
        look=look, saw=live,
    )  # fmt: skip


async def _deal(visit: Visit, here: Here, offer_id: UUID) -> Response[Any]:
    now, shelves = visit.house.clock.now(), await shelves_of(visit.house)
    around: Around | None = await visit.house.batches.submit("deal.around", here.city_id, offer_id)
    seen = sure_found(around if around is not None and around.offer.status in SHOWN else None)
    deal: Offer = seen.offer
    if isinstance(deal.form, catalog.Gift):  # it has a page of its own in the mall
        visit.own = True
        return Redirect(here.to(f"/mall/{OFFER.show(offer_id, here.city_id)}"), status_code=303)
    shops, prices = shops_around(seen, here, now), story(deal, seen.prices, now)
    standing = standing_with(seen.stock, deal, here=here, now=now)
    tipping = tipping_with(seen.come, deal)
    slots: list[SlotLine] = []
    free, together, said = {}, None, await said_with(None, here, offer_id, seen.rating)
    if seen.rating.count or not isinstance(deal.form, catalog.Plain) or vouchers.limited(deal.terms):
        async with visit.house.db.reading(here.city_id) as tx:
            free = await vouchers.rooms_now(
                tx,
                deal.store_ids,
                terms=deal.terms,
                offer_id=offer_id,
                city_id=here.city_id,
                now=now,
                zone=here.city.zone,
            )
            said = await said_with(tx, here, offer_id, seen.rating)
            together = await together_of(tx, deal, visit, here, now)
            slots = await slots_of(tx, deal, here, now)
            standing = await standing_of(tx, deal, here=here, now=now) if slots else standing
    final = await final_of(visit, here, deal) if standing.buyable else None
    paid = final.quote.total.units if final is not None else deal.price.units
    return visit.page(
        "consumer/deal.html", earns=earned_for(seen, paid), final=final, deal=deal, shelves=shelves, shops=shops,
        tipping=tipping, prices=prices,
        standing=standing, sketch=sketch_of(here, shops), said=said, free=free,
        form=deal.form, together=together, slots=slots, starts=next_start(slots),
    )  # fmt: skip


def earned_for(seen: Around, units: int) -> int:
    """The points that so much money gives at this merchant, before tiers and campaigns; 0 where there is no alliance.

    They come when the deal is used, for what was paid for it."""
    if seen.gives is None:
        return 0
    programme, partner = seen.gives
    if programme.policy is None or not partner.accrues or partner.state != "active":
        return 0
    return programmes.points_for(programme.policy, partner, units, seen.offer.category)


def shops_around(seen: Around, here: Here, now: datetime) -> list[Shop]:
    """The stores that accept the offer, the nearest first, with what their doors say now."""
    wall = local(now, here.city.zone)
    cards = [
        structs.replace(card, distance_m=distance_m(card.point, here.point)) for card in seen.cards if card.visible
    ]
    cards.sort(key=lambda card: card.distance_m or 0)
    return [shop_of(card, seen.exceptions.get(card.store_id, {}), wall) for card in cards]


async def shown_offer(tx: Tx, offer_id: UUID, here: Here) -> Offer:
    """The offer when consumers may know of it. Raises not_found."""
    (offer,) = await catalog.offers(tx, [offer_id], city_id=here.city_id)
    return sure_found(offer if offer is not None and offer.status in SHOWN else None)


async def shops_for(tx: Tx, offer: Offer, visit: Visit, here: Here) -> list[Shop]:
    """The stores that accept the offer, the nearest first."""
    now = visit.house.clock.now()
    cards = await catalog.storefronts(tx, offer.store_ids, city_id=here.city_id, now=now, point=here.point)
    known: list[StoreCard] = [card for card in cards if card is not None and card.visible]
    return await shops_of(tx, sorted(known, key=lambda card: card.distance_m or 0), here=here, now=now)


def tipping_with(come: tuple[int, int, bool] | None, offer: Offer) -> Tipping | None:
    """The progress of an offer that needs a minimum; None of another."""
    if offer.min_units <= 1:
        return None
    return Tipping(*come) if come is not None else Tipping(0, offer.min_units, False)


async def tippings_of(tx: Tx, offers: Sequence[Offer], here: Here) -> dict[UUID, Tipping]:
    """The progress of those offers that need a minimum of buyers."""
    needed = {offer.offer_id: offer.min_units for offer in offers if offer.min_units > 1}
    found = await orders.progress(tx, list(needed), city_id=here.city_id) if needed else {}
    return {
        offer_id: Tipping(*found[offer_id]) if offer_id in found else Tipping(0, units, False)
        for offer_id, units in needed.items()
    }


class Sketch(Struct, frozen=True):
    """Where the nearest store lies as seen from the reader (or the centre): a tile of 72 by 72 units, north above."""

    x: float
    y: float
    ring: float


def sketch_of(here: Here, shops: Sequence[Shop]) -> Sketch | None:
    """The direction is true; the distance fills the tile, because the number beside it tells how far."""
    if not shops:
        return None
    there = shops[0].card.point
    east = (there.lon - here.point.lon) * math.cos(math.radians(here.point.lat))
    north = there.lat - here.point.lat
    far = math.hypot(east, north)
    if far < NO_DISTANCE:
        return None
    return Sketch(x=round(36 + 22 * east / far, 1), y=round(36 - 22 * north / far, 1), ring=22.0)


ROUTES = (deal_page,)
