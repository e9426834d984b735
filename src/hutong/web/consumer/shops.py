"""Stores as cards show them: the card of the catalog, and whether the shop is open at this hour."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct, structs

from hutong import groups, merchants, programmes, reviews
from hutong.catalog import Form, Offer, OfferBrief, StoreCard
from hutong.infra.db import Tx
from hutong.kit.clock import local
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.merchants import DayException, Hours, OpenState
from hutong.reviews import Rating
from hutong.web.consumer.here import Here

YESTERDAY, AHEAD = timedelta(days=1), timedelta(days=14)  # a night that still runs; how far the next opening is told


class Shop(Struct, frozen=True):
    """A card with its hours of today. `state` is None when nobody knows the hours, `rating` without a review.
    `falling`: what ladder deals of the city's page have come down to, where they have. `points`: the
    alliance's points are earned or used there."""

    card: StoreCard
    state: OpenState | None
    words: Text | None
    rating: Rating | None = None
    falling: Mapping[UUID, Amount] = {}
    points: bool = False


async def shops_of(tx: Tx, cards: Sequence[StoreCard], *, here: Here, now: datetime) -> list[Shop]:
    """The cards with what the door says now (weekly hours and exceptions) and what guests say."""
    wall, ids = local(now, here.city.zone), [card.store_id for card in cards]
    different = await merchants.exceptions(
        tx, here.city_id, ids, first=wall.date() - YESTERDAY, last=wall.date() + AHEAD
    )
    rated = await reviews.ratings(tx, city_id=here.city_id, store_ids=ids)
    falling = await falling_of(tx, [offer for card in cards for offer in card.offers], here=here)
    live = await programmes.live(tx, [card.merchant_id for card in cards], at=now)
    partners = {merchant for merchant, (_, partner) in live.items() if partner.state == "active"}
    shops = [shop_of(card, different.get(card.store_id, {}), wall, rated.get(card.store_id)) for card in cards]
    if not falling and not partners:
        return shops
    return [structs.replace(shop, falling=falling, points=shop.card.merchant_id in partners) for shop in shops]


async def falling_of(tx: Tx, offers: Sequence[OfferBrief | Offer], *, here: Here) -> dict[UUID, Amount]:
    """What the next unit of these ladder deals costs, where it is less than at first: one statement for all of them,
    none where there is no ladder."""
    ladders = {offer.offer_id: offer.price for offer in offers if form_tag(offer.form) == "ladder"}
    states = await groups.ladders(tx, list(ladders), city_id=here.city_id) if ladders else {}
    return {
        offer_id: Amount(state.price_units, ladders[offer_id].asset)
        for offer_id, state in states.items()
        if state.price_units < ladders[offer_id].units
    }


def form_tag(form: Form | str) -> str:
    """The name of a form: "plain", "team", "ladder" ..."""
    return form if isinstance(form, str) else str(form.__struct_config__.tag)


def shop_of(
    card: StoreCard, different: Mapping[date, DayException], wall: datetime, rating: Rating | None = None
) -> Shop:
    """One card at the local time `wall`."""
    if not card.hours:
        return Shop(card, None, None, rating)
    exceptions = {day: exception.spans for day, exception in different.items()}
    state = merchants.open_at(Hours.of(card.hours), exceptions, wall)
    return Shop(card, state, merchants.state_in_words(state, wall), rating)


class Day(Struct, frozen=True):
    """One day of the coming week on the door of a shop."""

    day: date
    hours: Text
    note: Text | None
    today: bool


async def week_of(tx: Tx, card: StoreCard, *, here: Here, now: datetime) -> list[Day]:
    """The coming seven days of a store, today first, with what is different on them."""
    if not card.hours:
        return []
    today = local(now, here.city.zone).date()
    last = today + timedelta(days=6)
    different = await merchants.exceptions(tx, here.city_id, [card.store_id], first=today, last=last)
    hours, found = Hours.of(card.hours), different.get(card.store_id, {})
    days = [today + timedelta(days=n) for n in range(7)]
    return [
        Day(
            day, merchants.spans_in_words(found[day].spans if day in found else hours.days[day.weekday()]),
            found[day].note if day in found else None, day == today,
        )
        for day in days
    ]  # fmt: skip
