"""What guests say of the shop: the list, answers, and the one appeal for each review."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, reviews
from hutong.desk import reviewing
from hutong.kit.access import Permission, Scope
from hutong.kit.ids import REVIEW
from hutong.kit.refusals import Refusal
from hutong.reviews import Review, ReviewUnknown
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 20
LOW = 3  # stars up to which a review wants an answer first
SOON = timedelta(hours=48)  # within which guests expect one
FILTERS = ("unanswered", "low", "all")
REPLIES = permission(Permission.REPLY_REVIEWS)
Cursor = Annotated[str | None, QueryParameter(max_length=60)]


class WordsForm(KeyedForm, frozen=True, kw_only=True):
    """An answer, or an appeal."""

    words: str = ""


@get("/{store:str}/reviews", guards=[REPLIES])
async def review_list(
    visit: Visiting, till: AtTill, show: FromQuery[str] = "", everywhere: FromQuery[bool] = False, after: Cursor = None
) -> Response[str]:
    """The reviews of this store, or of all stores of the merchant for whoever leads them all; newest first."""
    till.must(till.can(Permission.REPLY_REVIEWS))
    visit.frame["tab"] = "reviews"
    whole = till.owns(Permission.REPLY_REVIEWS)
    scope = _scope(till, everywhere=everywhere and whole)
    last = till.read(REVIEW, after) if after else None
    async with visit.house.db.reading(till.city_id) as tx:
        standing = await reviews.standing(tx, scope, city_id=till.city_id)
        chosen = show if show in FILTERS else "unanswered" if standing.unanswered else "all"
        found = await reviews.for_staff(
            tx, scope, city_id=till.city_id, unanswered=chosen == "unanswered", stars=LOW if chosen == "low" else None,
            after=last, limit=ON_PAGE + 1,
        )  # fmt: skip
        ids = [one.review_id for one in found]
        appeals = await reviews.appeals_of(tx, ids, city_id=till.city_id)
        stores = await merchants.stores(tx, till.city_id, [one.store_id for one in found])
    more = REVIEW.show(found[ON_PAGE - 1].review_id, till.city_id) if len(found) > ON_PAGE else None
    return visit.page(
        "merchant/reviews.html", standing=standing, found=found[:ON_PAGE], more=more, shown=chosen, filters=FILTERS,
        whole=whole, everywhere=everywhere and whole, appeals=appeals, stores=stores, now=visit.house.clock.now(),
        soon=SOON,
    )  # fmt: skip


def _scope(till: Till, *, everywhere: bool) -> Scope:
    if everywhere:
        return Scope(merchants=frozenset({till.merchant_id}))
    return Scope(stores=frozenset({till.store_id}))


@get("/{store:str}/reviews/{review:str}", guards=[REPLIES])
async def review_page(visit: Visiting, till: AtTill, review: FromPath[str]) -> Response[str]:
    """One review, to be answered."""
    return await _review_page(visit, till, till.read(REVIEW, review))


async def _review_page(
    visit: Visit, till: Till, review_id: UUID, wrong: Refusal | None = None, words: str = "", which: str = ""
) -> Response[str]:
    till.must(till.can(Permission.REPLY_REVIEWS))
    visit.frame["tab"] = "reviews"
    async with visit.house.db.reading(till.city_id) as tx:
        found = (await reviews.by_ids(tx, [review_id], city_id=till.city_id))[0]
        if found is None or not _may_see(till, found):
            raise ReviewUnknown()
        appeals = await reviews.appeals_of(tx, [review_id], city_id=till.city_id)
        stores = await merchants.stores(tx, till.city_id, [found.store_id])
    return visit.page(
        "merchant/review.html", status=wrong.status if wrong else 200, one=found, appeals=appeals, stores=stores,
        now=visit.house.clock.now(), soon=SOON, wrong=wrong, words=words, which=which,
    )  # fmt: skip


def _may_see(till: Till, review: Review) -> bool:
    """Of this merchant, at a store for which the visitor may answer; hidden ones for their appeal's sake, too."""
    allowed = till.actor.can(
        Permission.REPLY_REVIEWS, city=till.city_id, merchant=review.merchant_id, store=review.store_id
    )
    return allowed and review.state != "withdrawn" and review.merchant_id == till.merchant_id


@post("/{store:str}/reviews/{review:str}/replies", guards=[REPLIES], status_code=303)
async def reply(
    visit: Visiting, till: AtTill, review: FromPath[str], data: URLEncodedBody[WordsForm]
) -> Response:  # fmt: skip
    """Answer, or word the answer anew."""
    review_id = till.read(REVIEW, review)
    try:
        await reviewing.reply(visit.house, till.city_id, visit.member, review_id, key=data.key, words=data.words)
    except (reviews.NoWords, reviews.TooManyWords, reviews.ReviewHidden) as refusal:
        return await _review_page(visit, till, review_id, refusal, data.words, "reply")
    return Redirect(till.to(f"/reviews/{review}"), status_code=303)


@post("/{store:str}/reviews/{review:str}/appeals", guards=[REPLIES], status_code=303)
async def appeal(
    visit: Visiting, till: AtTill, review: FromPath[str], data: URLEncodedBody[WordsForm]
) -> Response:  # fmt: skip
    """Ask the operator to look at it."""
    review_id = till.read(REVIEW, review)
    try:
        await reviewing.appeal(
            visit.house, till.city_id, visit.member, review_id, side="merchant", key=data.key, words=data.words
        )
    except (reviews.NoWords, reviews.TooManyWords, reviews.NothingToAppeal, reviews.AppealedAlready) as refusal:
        return await _review_page(visit, till, review_id, refusal, data.words, "appeal")
    return Redirect(till.to(f"/reviews/{review}"), status_code=303)


ROUTES = (review_list, review_page, reply, appeal)
