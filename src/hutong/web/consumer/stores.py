"""The page of a store: pictures, doors, ways to reach it, all its deals, its sisters."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from msgspec import structs

from hutong import catalog, merchants
from hutong.catalog import Offer, StorePage
from hutong.desk.coupons import on_offer
from hutong.infra.db import Tx
from hutong.kit.clock import local
from hutong.kit.ids import OFFER, STORE
from hutong.kit.money import SCALES
from hutong.merchants import DayException, Hours
from hutong.web.consumer.coupons import facing
from hutong.web.consumer.deal import tippings_of
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.reviews import store_reviews
from hutong.web.consumer.shelves import shelves_of
from hutong.web.consumer.shops import falling_of, form_tag, shops_of, week_of
from hutong.web.shared.common import common
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

HOLIDAYS_AHEAD = timedelta(days=60)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@get("/c/{city:str}/stores/{store:str}", guards=[public])
async def store_page(visit: Visiting, here: InCity, store: FromPath[str]) -> Response[str]:
    """A store: where, when open, how to reach it, all its deals."""
    store_id = here.read(STORE, store)
    return await common(visit, here.city_id, lambda: _store(visit, here, store_id), name="store", seen=here.seen)


async def _store(visit: Visit, here: Here, store_id: UUID) -> Response[str]:
    now, shelves = visit.house.clock.now(), await shelves_of(visit.house)
    async with visit.house.db.reading(here.city_id) as tx:
        page = sure_found(await catalog.store_page(tx, store_id, city_id=here.city_id, now=now, point=here.point))
        shop = (await shops_of(tx, [page.card], here=here, now=now))[0]
        falling = await falling_of(tx, page.offers, here=here)
        week = await week_of(tx, page.card, here=here, now=now)
        holidays = await _holidays(tx, store_id, here, now)
        sisters = await merchants.stores_of(tx, here.city_id, page.card.merchant_id)
        pictures = (await merchants.photos(tx, here.city_id, [store_id])).get(store_id, [])
        tippings = await tippings_of(tx, page.offers, here)
        given = await on_offer(tx, here.city_id, now, store_id=store_id, limit=8)
        said = await store_reviews(tx, here, store_id)
    phone = next((one.phone for one in sisters if one.store_id == store_id), None)
    photos = [(visit.house.files.url(one.file), visit.formats().say(one.alt)) for one in pictures]
    return visit.page(
        "consumer/store.html", shop=structs.replace(shop, falling=falling), form_tag=form_tag, offers=page.offers,
        shelves=shelves, week=week, tippings=tippings,
        phone=phone, coupons=facing(visit, here, [one for one in given if one.standing == "claim"]),
        others=[one for one in sisters if one.store_id != store_id], photos=photos, holidays=holidays,
        day_words=merchants.spans_in_words, said=said,
        data=structured(visit, here, page, phone, [url for url, _ in photos]),
    )  # fmt: skip


async def _holidays(tx: Tx, store_id: UUID, here: Here, now: datetime) -> list[DayException]:
    """What is different after the coming week, which is shown by days: the first three."""
    today = local(now, here.city.zone).date()
    found: Mapping[UUID, Mapping[date, DayException]] = await merchants.exceptions(
        tx, here.city_id, [store_id], first=today + timedelta(days=7), last=today + HOLIDAYS_AHEAD
    )
    return [exception for _, exception in sorted(found.get(store_id, {}).items())][:3]


def structured(
    visit: Visit, here: Here, page: StorePage, phone: str | None, photos: Sequence[str]
) -> dict[str, Any]:  # fmt: skip
    """The store as schema.org says it, for machines that read pages. Nothing that the page does not show."""
    f, card, address = visit.formats(), page.card, visit.house.settings.address
    told: dict[str, Any] = {
        "@context": "https://schema.org", "@type": "LocalBusiness", "name": f.say(card.name),
        "url": address + here.to(f"/stores/{STORE.show(card.store_id, here.city_id)}"),
        "address": {"@type": "PostalAddress", "streetAddress": f.say(card.address),
                    "addressLocality": f.say(here.city.name)},
        "geo": {"@type": "GeoCoordinates", "latitude": card.point.lat, "longitude": card.point.lon},
        "openingHoursSpecification": _opening(card.hours) if card.hours else [],
        "makesOffer": [_offer(visit, here, offer, address) for offer in page.offers[:20]],
    }  # fmt: skip
    if phone:
        told["telephone"] = phone
    if photos:
        told["image"] = [address + url for url in photos]
    return told


def _opening(hours: Any) -> list[dict[str, str]]:
    return [
        {
            "@type": "OpeningHoursSpecification", "dayOfWeek": f"https://schema.org/{day}",
            "opens": _clock(span.start), "closes": _clock(span.end),
        }
        for day, spans in zip(_DAYS, Hours.of(hours).days, strict=True)
        for span in spans
    ]  # fmt: skip


def _clock(minute: int) -> str:
    """Of the day itself: a close after midnight is written as the hour of the next day, as schema.org wants."""
    minute = min(minute, 1439) if minute == 1440 else minute % 1440
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _offer(visit: Visit, here: Here, offer: Offer, address: str) -> dict[str, Any]:
    scale = SCALES.get(offer.price.asset, 0)
    return {
        "@type": "Offer", "name": visit.formats().say(offer.title),
        "price": str(Decimal(offer.price.units).scaleb(-scale)),
        "priceCurrency": offer.price.asset, "availability": "https://schema.org/InStock",
        "url": address + here.to(f"/deals/{OFFER.show(offer.offer_id, here.city_id)}"),
        "validThrough": offer.sale_to.isoformat(),
    }  # fmt: skip


ROUTES = (store_page,)
