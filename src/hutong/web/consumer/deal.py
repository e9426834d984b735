"""One deal with everything it promises."""

import math
from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from hutong import catalog, orders
from hutong.catalog import Offer, StoreCard
from hutong.infra.db import Tx
from hutong.kit.ids import OFFER
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.prices import story
from hutong.web.consumer.reviews import offer_reviews
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.shops import Shop, shops_of
from hutong.web.consumer.standing import standing_of
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

NO_DISTANCE = 0.0002  # degrees, about twenty metres: no direction worth drawing
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
    offer_id, now = here.read(OFFER, offer), visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        deal = await shown_offer(tx, offer_id, here)
        shelves = Shelves(await catalog.categories(tx))
        shops = await shops_for(tx, deal, visit, here)
        prices = story(deal, await catalog.price_history(tx, offer_id, city_id=here.city_id), now)
        standing = await standing_of(tx, deal, here=here, now=now)
        tipping = (await tippings_of(tx, [deal], here)).get(offer_id)
        said = await offer_reviews(tx, here, offer_id)
    return visit.page(
        "consumer/deal.html", deal=deal, shelves=shelves, shops=shops, tipping=tipping, prices=prices,
        standing=standing, sketch=sketch_of(here, shops), said=said,
    )  # fmt: skip


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
