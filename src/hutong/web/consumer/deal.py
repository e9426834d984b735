"""One store with everything it sells, and one deal with everything it promises."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from hutong import catalog, merchants, orders
from hutong.catalog import Offer, PricePeriod, StoreCard
from hutong.infra.db import Tx
from hutong.kit.ids import OFFER, STORE
from hutong.merchants import Store
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.shops import Shop, shops_of, week_of
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

SHOWN = ("published", "ended")  # drafts and rejected offers do not exist for consumers


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


@get("/c/{city:str}/stores/{store:str}", guards=[public])
async def store_page(visit: Visiting, here: InCity, store: FromPath[str]) -> Response[str]:
    """A store: where, when open, how to reach it, all its deals."""
    store_id, now = here.read(STORE, store), visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        page = sure_found(await catalog.store_page(tx, store_id, city_id=here.city_id, now=now, point=here.point))
        shelves = Shelves(await catalog.categories(tx))
        shop = (await shops_of(tx, [page.card], here=here, now=now))[0]
        week = await week_of(tx, page.card, here=here, now=now)
        others = await merchants.stores_of(tx, here.city_id, page.card.merchant_id)
        tippings = await tippings_of(tx, page.offers, here)
    return visit.page(
        "consumer/store.html", shop=shop, offers=page.offers, shelves=shelves, week=week, tippings=tippings,
        phone=_phone(others, store_id), others=[one for one in others if one.store_id != store_id],
    )  # fmt: skip


def _phone(stores: Sequence[Store], store_id: UUID) -> str | None:
    return next((store.phone for store in stores if store.store_id == store_id), None)


@get("/c/{city:str}/deals/{offer:str}", guards=[public])
async def deal_page(visit: Visiting, here: InCity, offer: FromPath[str]) -> Response[str]:
    """A deal: whose, for how much, what is in it, when and where it may be used, how it is given back."""
    offer_id, now = here.read(OFFER, offer), visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        deal = await shown_offer(tx, offer_id, here)
        shelves = Shelves(await catalog.categories(tx))
        shops = await shops_for(tx, deal, visit, here)
        prices = await catalog.price_history(tx, offer_id, city_id=here.city_id)
        tipping = (await tippings_of(tx, [deal], here)).get(offer_id)
    return visit.page(
        "consumer/deal.html", deal=deal, shelves=shelves, shops=shops, tipping=tipping, before=last_other(prices),
        closed=catalog.why_not_on_sale(deal, now, zone=here.city.zone),
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


def last_other(prices: Sequence[PricePeriod]) -> PricePeriod | None:
    """The last period in which the price was another than now."""
    if not prices:
        return None
    return next((period for period in reversed(prices) if period.price != prices[-1].price), None)


ROUTES = (store_page, deal_page)
