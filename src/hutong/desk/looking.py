"""What a page of a deal must never be behind of: looked up for every reader, many of them in one look."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import catalog, inventory, merchants, orders, programmes, reviews
from hutong.catalog import Mark, Offer, PricePeriod, StoreCard
from hutong.infra.db import Tx
from hutong.inventory import Quota
from hutong.merchants import DayException
from hutong.programmes import Partner, Programme
from hutong.reviews import NO_RATING, Rating

BEFORE, AHEAD = timedelta(days=2), timedelta(days=15)  # days at the door, with room for every zone
FEW = 10  # from here on a page says how many are left


class Live(Struct, frozen=True):
    """How it stands with an offer at this moment. Two that are equal are shown by the same page.

    `phase`: before, in or after its sale; `left`: units, when they are few; `come`: (paid units, minimum, tipped) of a
    deal that needs company. `plain`: sold at one price, without slots, teams or shares of a day, so that nothing else
    on its page moves with each sale.
    """

    version: int
    status: str
    phase: str
    plain: bool
    left: int | None = None
    held: bool = False
    closed: bool = False
    come: tuple[int, int, bool] | None = None


class Around(Struct, frozen=True):
    """What the page of a deal is made of: the offer, its stores' cards (without distances and other offers), what is
    different at their doors in these days, its prices, its rating, its stock, and how far it has come."""

    offer: Offer
    cards: tuple[StoreCard, ...]
    exceptions: dict[UUID, dict[date, DayException]]
    prices: Sequence[PricePeriod]
    rating: Rating
    stock: Quota | None
    come: tuple[int, int, bool] | None
    gives: tuple[Programme, Partner] | None = None  # the alliance in which its merchant gives points


async def around(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[Around | None]:
    """For `Batches`: a crowd that opens a hundred deals asks as often as one reader. None for an unknown offer."""
    offers = await catalog.offers(tx, offer_ids, city_id=city_id)
    known = [offer for offer in offers if offer is not None]
    if not known:
        return [None] * len(offers)
    ids = list({offer.offer_id for offer in known})
    store_ids = list({store_id for offer in known for store_id in offer.store_ids})
    cards = await catalog.storefronts(tx, store_ids, city_id=city_id, now=now, offers=False)
    shops = {card.store_id: card for card in cards if card is not None}
    different = await merchants.exceptions(
        tx, city_id, store_ids, first=(now - BEFORE).date(), last=(now + AHEAD).date()
    )
    prices = await catalog.price_histories(tx, ids, city_id=city_id)
    rated = await reviews.offer_ratings(tx, city_id=city_id, offer_ids=ids)
    stock = await _stock(tx, [offer.quota_id for offer in known], city_id)
    come = await _come(tx, known, city_id)
    gives = await programmes.live(tx, list({offer.merchant_id for offer in known}), at=now)
    return [
        offer and Around(
            offer, tuple(shops[one] for one in offer.store_ids if one in shops),
            {one: different[one] for one in offer.store_ids if one in different}, prices.get(offer.offer_id, ()),
            rated.get(offer.offer_id, NO_RATING), stock.get(offer.quota_id), come.get(offer.offer_id),
            gives.get(offer.merchant_id),
        )
        for offer in offers
    ]  # fmt: skip


async def _stock(tx: Tx, quota_ids: Sequence[UUID | None], city_id: int) -> dict[UUID | None, Quota | None]:
    wanted = list({quota_id for quota_id in quota_ids if quota_id is not None})
    found = await inventory.quotas(tx, wanted, city_id=city_id) if wanted else []
    return dict(zip(wanted, found, strict=True))


async def _come(tx: Tx, offers: Sequence[Offer | Mark], city_id: int) -> dict[UUID, tuple[int, int, bool]]:
    wanted = [offer.offer_id for offer in offers if offer.min_units > 1]
    return await orders.progress(tx, wanted, city_id=city_id) if wanted else {}


async def look(tx: Tx, offer_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[Live | None]:
    """How it stands with each, None for an unknown one: for `Batches`, one look for all who ask at this moment."""
    marks = await catalog.marks(tx, offer_ids, city_id=city_id)
    known = [mark for mark in marks if mark is not None]
    stock = await _stock(tx, [mark.quota_id for mark in known], city_id)
    come = await _come(tx, known, city_id)
    return [mark and _live(mark, stock.get(mark.quota_id), come.get(mark.offer_id), now) for mark in marks]


def _live(mark: Mark, quota: Quota | None, come: tuple[int, int, bool] | None, now: datetime) -> Live:
    phase = "before" if now < mark.sale_from else "sale" if now < mark.sale_to else "after"
    few = quota if quota is not None and quota.on_sale <= FEW else None
    return Live(
        version=mark.version, status=mark.status, phase=phase, plain=mark.plain,
        left=few.on_sale if few else None, held=few is not None and few.held > 0,
        closed=quota is not None and quota.closed_at is not None, come=come,
    )  # fmt: skip
