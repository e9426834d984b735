"""The home of a city: search, branches, what one holds already, what is sold by the hour or bought together, what is
near."""

from datetime import datetime, timedelta
from uuid import UUID

from litestar import Response, get
from msgspec import Struct

from hutong import catalog, inventory, orders, vouchers
from hutong.catalog import FlashSlot, OfferBrief, StoreCard
from hutong.infra.db import Tx
from hutong.kit.access import Actor
from hutong.kit.clock import day_start, local_day
from hutong.kit.text import Text
from hutong.vouchers import Voucher
from hutong.web.consumer.here import Here, InCity
from hutong.web.consumer.shelves import shelves_of
from hutong.web.consumer.shops import shops_of
from hutong.web.shared.common import common
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

ON_HOME, ON_STRIP = 10, 6
AT_THE_DOOR_M = 300  # nearer than this the reader is taken to stand at the shop
MOST_HELD = 40  # vouchers that are looked through for the nearest shop


class Ready(Struct, frozen=True):
    """The voucher that is most likely to be used now: at the nearest shop, else the one that ends first."""

    voucher: Voucher
    store: StoreCard | None
    at_the_door: bool
    count: int


class Strip(Struct, frozen=True):
    """One deal on the strip. `needed` is 0 for a deal that needs no company."""

    brief: OfferBrief
    merchant: Text
    paid: int = 0
    needed: int = 0

    @property
    def left(self) -> int:
        return max(0, self.needed - self.paid)

    @property
    def percent(self) -> int:
        return min(100, self.paid * 100 // self.needed) if self.needed else 0


class Flashing(Struct, frozen=True):
    """A slot of a flash sale of today: `left` units of it."""

    slot: FlashSlot
    runs: bool
    left: int


@get("/c/{city:str}/", guards=[public])
async def home(visit: Visiting, here: InCity) -> Response[str]:
    """The city: search, branches, what one holds already, what is bought together, what is near."""
    return await common(visit, here.city_id, lambda: _home(visit, here), name="home", seen=here.seen)


async def _home(visit: Visit, here: Here) -> Response[str]:
    now, shelves = visit.house.clock.now(), await shelves_of(visit.house)
    async with visit.house.db.reading(here.city_id) as tx:
        page = await catalog.nearby(tx, city_id=here.city_id, point=here.point, now=now, limit=ON_HOME)
        shops = await shops_of(tx, page.items, here=here, now=now)
        strip = await strip_of(tx, here, now)
        flash = await flash_of(tx, here, now)
        ready = await ready_for(tx, visit.actor, here, now)
    visit.frame["tab"] = "home"
    return visit.page(
        "consumer/home.html", shelves=shelves, shops=shops, more=page.after, strip=strip, flash=flash, ready=ready
    )


async def strip_of(tx: Tx, here: Here, now: datetime) -> list[Strip]:
    """Deals that hold when enough are bought, with how far they have come; where there are none, what is new."""
    found = await catalog.tipping_offers(tx, city_id=here.city_id, point=here.point, now=now, limit=ON_STRIP)
    if found:
        come = await orders.progress(tx, [one.brief.offer_id for one in found], city_id=here.city_id)
        strips = [
            Strip(one.brief, one.merchant_name, come[one.brief.offer_id][0], one.brief.min_units)
            if one.brief.offer_id in come
            else Strip(one.brief, one.merchant_name, 0, one.brief.min_units)
            for one in found
        ]
        return sorted(strips, key=lambda strip: strip.left == 0)
    new = await catalog.nearby(tx, city_id=here.city_id, point=here.point, now=now, sort="new", limit=ON_STRIP)
    return [Strip(card.offers[0], card.merchant_name) for card in new.items]


async def flash_of(tx: Tx, here: Here, now: datetime) -> list[Flashing]:
    """What is sold by the hour today, those that run in front. What is left of each moves with every sale: the page is
    kept for one life only (docs/decisions/0013), and beginnings and ends are told as times, which do not grow old."""
    midnight = day_start(local_day(now, here.city.zone) + timedelta(days=1), here.city.zone)
    found = await catalog.flash_slots(
        tx, city_id=here.city_id, point=here.point, now=now, until=midnight, limit=ON_STRIP
    )
    if not found:
        return []
    stock = await inventory.quotas(tx, [one.quota_id for one in found], city_id=here.city_id)
    return [
        Flashing(one, one.starts_at <= now, quota.on_sale if quota else 0)
        for one, quota in zip(found, stock, strict=True)
    ]


async def ready_for(tx: Tx, actor: Actor | None, here: Here, now: datetime) -> Ready | None:
    """The voucher to show now, if the reader holds one that can be used; one tap leads to its code."""
    if actor is None:
        return None
    held = await vouchers.wallet(tx, actor.member_id, city_id=here.city_id, tab="unused", limit=MOST_HELD)
    usable = [one for one in held if one.state == "valid" and one.valid_from <= now < one.valid_to]
    if not usable:
        return None
    ids = list({store_id for one in usable for store_id in one.store_ids})
    cards = await catalog.storefronts(tx, ids, city_id=here.city_id, now=now, point=here.point)
    known: dict[UUID, StoreCard] = {card.store_id: card for card in cards if card is not None and card.visible}

    def best_store(one: Voucher) -> StoreCard | None:
        there = [known[store_id] for store_id in one.store_ids if store_id in known]
        return min(there, key=lambda card: card.distance_m or 0, default=None)

    def order(pair: tuple[Voucher, StoreCard | None]) -> tuple[bool, float, datetime]:
        voucher, store = pair
        near = here.located and store is not None and (store.distance_m or 0) <= AT_THE_DOOR_M
        return (not near, (store.distance_m or 0) if near and store else 0, voucher.valid_to)

    voucher, store = min(((one, best_store(one)) for one in usable), key=order)
    close = here.located and store is not None and (store.distance_m or 0) <= AT_THE_DOOR_M
    return Ready(voucher, store, close, len(usable))


ROUTES = (home,)
