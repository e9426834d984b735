"""What guests say: a few words of it on the pages of a store and a deal, all of it on pages of its own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from hutong import catalog, reviews
from hutong.infra.db import Tx
from hutong.kit.ids import OFFER, REVIEW, STORE
from hutong.kit.refusals import NotFound
from hutong.kit.text import Text
from hutong.reviews import NO_RATING, Order, Rating, Review
from hutong.web.consumer.here import Cursor, Here, InCity, sure_found
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visit, Visiting

FEW, ON_PAGE = 3, 20
SHOWN = ("published", "ended")  # drafts and rejected offers do not exist for consumers
Find = Callable[..., Awaitable[list[Review]]]


class Said(Struct, frozen=True):
    """The reviews of a store or an offer for a section of its page: the rating, a few of them, the way to all."""

    rating: Rating
    few: Sequence[Review]
    url: str


async def store_reviews(tx: Tx, here: Here, store_id: UUID) -> Said:
    """What `consumer/reviews_of_store.html` shows, as `said`."""
    rating = (await reviews.ratings(tx, city_id=here.city_id, store_ids=[store_id])).get(store_id, NO_RATING)
    return await _said(tx, here, rating, reviews.of_store, store_id, f"/stores/{STORE.show(store_id, here.city_id)}")


async def said_with(tx: Tx | None, here: Here, offer_id: UUID, rating: Rating) -> Said:
    """What `consumer/reviews_of_offer.html` shows, as `said`. Without reviews no connection is needed."""
    path = f"/deals/{OFFER.show(offer_id, here.city_id)}"
    if tx is None or not rating.count:
        return Said(rating, [], here.to(f"{path}/reviews"))
    return await _said(tx, here, rating, reviews.of_offer, offer_id, path)


async def _said(tx: Tx, here: Here, rating: Rating, find: Find, subject: UUID, path: str) -> Said:
    few = await find(tx, subject, city_id=here.city_id, order="best", limit=FEW) if rating.count else []
    return Said(rating, few, here.to(f"{path}/reviews"))


@get("/c/{city:str}/stores/{store:str}/reviews", guards=[public])
async def of_store(
    visit: Visiting, here: InCity, store: FromPath[str], stars: FromQuery[int] = 0, photos: FromQuery[bool] = False,
    order: FromQuery[str] = "best", after: Cursor = None,
) -> Response[str]:  # fmt: skip
    """All reviews of a store."""
    store_id, now = here.read(STORE, store), visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        card = sure_found((await catalog.storefronts(tx, [store_id], city_id=here.city_id, now=now))[0])
        rating = (await reviews.ratings(tx, city_id=here.city_id, store_ids=[store_id])).get(store_id, NO_RATING)
        asked = _Asked(f"/stores/{store}", stars, photos, order, after)
        return await _page(visit, here, tx, reviews.of_store, store_id, card.name, rating, asked)


@get("/c/{city:str}/deals/{offer:str}/reviews", guards=[public])
async def of_offer(
    visit: Visiting, here: InCity, offer: FromPath[str], stars: FromQuery[int] = 0, photos: FromQuery[bool] = False,
    order: FromQuery[str] = "best", after: Cursor = None,
) -> Response[str]:  # fmt: skip
    """All reviews of a deal."""
    offer_id = here.read(OFFER, offer)
    async with visit.house.db.reading(here.city_id) as tx:
        deal = (await catalog.offers(tx, [offer_id], city_id=here.city_id))[0]
        if deal is None or deal.status not in SHOWN:
            raise NotFound
        rating = (await reviews.offer_ratings(tx, city_id=here.city_id, offer_ids=[offer_id])).get(offer_id, NO_RATING)
        asked = _Asked(f"/deals/{offer}", stars, photos, order, after)
        return await _page(visit, here, tx, reviews.of_offer, offer_id, deal.title, rating, asked)


class _Asked(Struct, frozen=True):
    """Which of the reviews the reader wants to see."""

    path: str
    stars: int
    photos: bool
    order: str
    after: str | None


async def _page(
    visit: Visit, here: Here, tx: Tx, find: Find, subject: UUID, name: Text, rating: Rating, asked: _Asked
) -> Response[str]:
    stars = asked.stars if asked.stars in range(1, 6) else 0
    order: Order = "newest" if asked.order == "newest" else "best"
    last = here.read(REVIEW, asked.after) if asked.after else None
    found = await find(
        tx, subject, city_id=here.city_id, order=order, stars=stars or None, photos=asked.photos, after=last,
        limit=ON_PAGE + 1,
    )  # fmt: skip

    def to(**query: Any) -> str:
        """This page with other filters."""
        chosen = {"stars": stars, "photos": asked.photos, "order": order} | query
        said = {"stars": chosen["stars"] or None, "photos": "true" if chosen["photos"] else None}
        return here.to(
            f"{asked.path}/reviews", **said, order=chosen["order"] if chosen["order"] != "best" else None,
            after=chosen.get("after"),
        )  # fmt: skip

    more = to(after=REVIEW.show(found[ON_PAGE - 1].review_id, here.city_id)) if len(found) > ON_PAGE else None
    return visit.page(
        "consumer/reviews.html", name=name, rating=rating, found=found[:ON_PAGE], more=more, to=to, stars=stars,
        photos=asked.photos, order=order, back_to=here.to(asked.path),
    )  # fmt: skip


ROUTES = (of_store, of_offer)
