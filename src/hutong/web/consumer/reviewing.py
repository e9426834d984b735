"""A member's own reviews: what still waits, writing, changing, taking back, appealing; and reporting others'."""

from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, reviews, vouchers
from hutong.desk import reviewing
from hutong.infra.pictures import Picture, TooManyPictures
from hutong.kit.ids import REVIEW, VOUCHER
from hutong.kit.refusals import Refusal
from hutong.reviews import MOST_PHOTOS, Content, Review, ReviewUnknown
from hutong.vouchers import Voucher
from hutong.web.consumer.here import Cursor, Here, InCity
from hutong.web.consumer.voucher import own_voucher
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import signed_in
from hutong.web.shared.uploads import AnyRequest, Sent, most_bytes, read_form
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 10
FIELDS = {"key", "stars", "tags", "words", "kept"}
BOUND = most_bytes(MOST_PHOTOS)


class WordsForm(KeyedForm, frozen=True, kw_only=True):
    """Words about a review: an appeal."""

    words: str = ""


class ReportForm(KeyedForm, frozen=True, kw_only=True):
    """Why a review should be looked at."""

    reason: str = ""
    words: str = ""


@get("/c/{city:str}/reviews", guards=[signed_in])
async def mine(visit: Visiting, here: InCity, tab: FromQuery[str] = "", after: Cursor = None) -> Response[str]:
    """What still waits for a review, and what was said."""
    member, now = visit.member.member_id, visit.house.clock.now()
    last = here.read(REVIEW, after) if after else None
    async with visit.house.db.reading(here.city_id) as tx:
        open_visits = await reviews.to_write(tx, member, city_id=here.city_id, now=now)
        said = await reviews.of_member(tx, member, city_id=here.city_id, after=last, limit=ON_PAGE + 1)
        ids = [one.store_id for one in (*open_visits, *said)]
        stores = await merchants.stores(tx, here.city_id, ids)
    shown = tab if tab in ("pending", "submitted") else "pending" if open_visits or not said else "submitted"
    more = REVIEW.show(said[ON_PAGE - 1].review_id, here.city_id) if len(said) > ON_PAGE else None
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/my_reviews.html", shown=shown, pending=open_visits, said=said[:ON_PAGE], stores=stores, more=more,
        now=now,
    )  # fmt: skip


@get("/c/{city:str}/vouchers/{voucher:str}/review", guards=[signed_in])
async def write_page(visit: Visiting, here: InCity, voucher: FromPath[str], stars: FromQuery[int] = 0) -> Response:
    """The form for the visit at which this voucher was used; the review itself when there is one."""
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
        there = (await reviews.of_lines(tx, [held.line_id], city_id=here.city_id)).get(held.line_id)
    if there is not None:
        return Redirect(here.to(f"/reviews/{REVIEW.show(there.review_id, here.city_id)}"), status_code=303)
    return await _form(visit, here, held, Content(stars=stars if stars in range(1, 6) else 0), [])


@post("/c/{city:str}/vouchers/{voucher:str}/reviews", guards=[signed_in], request_max_body_size=BOUND, status_code=303)
async def write(visit: Visiting, here: InCity, voucher: FromPath[str], request: AnyRequest) -> Response:
    """Write it."""
    async with visit.house.db.reading(here.city_id) as tx:
        held = await own_voucher(tx, visit, here, voucher)
    sent = await read_form(request, fields=FIELDS, files="photo", most=MOST_PHOTOS)
    content, pictures, wrong = await _content(visit, sent)
    if wrong is None:
        try:
            done = await reviewing.write(
                visit.house, here.city_id, visit.member, held.voucher_id, content, key=sent.key,
                language=visit.language,
            )  # fmt: skip
            return Redirect(_own(here, done.review_id, "thanks=1"), status_code=303)
        except (reviews.NoStars, reviews.TooManyWords, reviews.NotUsedYet, reviews.TooLateToReview) as refusal:
            wrong = refusal
        except reviews.ReviewExists:
            return Redirect(here.to(f"/vouchers/{voucher}/review"), status_code=303)
    return await _form(visit, here, held, content, pictures, wrong)


@get("/c/{city:str}/reviews/{review:str}", guards=[signed_in])
async def own_page(
    visit: Visiting, here: InCity, review: FromPath[str], thanks: FromQuery[bool] = False
) -> Response[str]:
    """The member's own review, what became of it, and what can still be done."""
    return await _own_page(visit, here, await _own_review(visit, here, review), thanks=thanks)


async def _own_page(
    visit: Visit, here: Here, found: Review, *, thanks: bool = False, wrong: Refusal | None = None, words: str = ""
) -> Response[str]:
    async with visit.house.db.reading(here.city_id) as tx:
        stores = await merchants.stores(tx, here.city_id, [found.store_id])
        appeal = (await reviews.appeals_of(tx, [found.review_id], city_id=here.city_id)).get(found.review_id, {})
        changes = (await reviews.changes_of(tx, [found.review_id], city_id=here.city_id)).get(found.review_id, [])
        waiting = await reviews.to_write(
            tx, found.member_id, city_id=here.city_id, now=visit.house.clock.now(), limit=20
        )
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/my_review.html", status=wrong.status if wrong else 200, review=found, wrong=wrong, words=words,
        store=stores.get(found.store_id), appeal=appeal.get("author"), changes=changes, thanks=thanks,
        editable=found.state == "shown" and visit.house.clock.now() < found.edit_until, waiting=waiting,
    )  # fmt: skip


@get("/c/{city:str}/reviews/{review:str}/edit", guards=[signed_in])
async def edit_page(visit: Visiting, here: InCity, review: FromPath[str]) -> Response[str]:
    """The form with what was said."""
    found = await _own_review(visit, here, review)
    pictures = [Picture(name=p.name, small=p.small, width=0, height=0) for p in found.content.photos]
    return await _edit_form(visit, here, found, found.content, pictures)


@post("/c/{city:str}/reviews/{review:str}/versions", guards=[signed_in], request_max_body_size=BOUND, status_code=303)
async def edit(visit: Visiting, here: InCity, review: FromPath[str], request: AnyRequest) -> Response:
    """Say it differently."""
    found = await _own_review(visit, here, review)
    sent = await read_form(request, fields=FIELDS, files="photo", most=MOST_PHOTOS)
    content, pictures, wrong = await _content(visit, sent)
    if wrong is None:
        try:
            await reviewing.edit(visit.house, here.city_id, visit.member, found.review_id, content, key=sent.key)
            return Redirect(_own(here, found.review_id), status_code=303)
        except (reviews.NoStars, reviews.TooManyWords) as refusal:
            wrong = refusal
    return await _edit_form(visit, here, found, content, pictures, wrong)


@post("/c/{city:str}/reviews/{review:str}/withdrawal", guards=[signed_in], status_code=303)
async def withdraw(visit: Visiting, here: InCity, review: FromPath[str], data: URLEncodedBody[KeyedForm]) -> Redirect:
    """Take it back."""
    await reviewing.withdraw(visit.house, here.city_id, visit.member, here.read(REVIEW, review), key=data.key)
    return Redirect(here.to("/reviews", tab="submitted"), status_code=303)


@post("/c/{city:str}/reviews/{review:str}/appeals", guards=[signed_in], status_code=303)
async def appeal(visit: Visiting, here: InCity, review: FromPath[str], data: URLEncodedBody[WordsForm]) -> Response:
    """Ask the operator to look again."""
    found = await _own_review(visit, here, review)
    try:
        await reviewing.appeal(
            visit.house, here.city_id, visit.member, found.review_id, side="author", key=data.key, words=data.words
        )
    except (reviews.NoWords, reviews.TooManyWords) as refusal:
        return await _own_page(visit, here, found, wrong=refusal, words=data.words)
    return Redirect(_own(here, found.review_id), status_code=303)


@get("/c/{city:str}/reviews/{review:str}/report", guards=[signed_in])
async def report_page(visit: Visiting, here: InCity, review: FromPath[str]) -> Response[str]:
    """Why should somebody look at this review?"""
    return await _report_page(visit, here, review)


async def _report_page(
    visit: Visit, here: Here, review: str, *, done: bool = False, wrong: Refusal | None = None, words: str = ""
) -> Response[str]:
    async with visit.house.db.reading(here.city_id) as tx:
        found = (await reviews.by_ids(tx, [here.read(REVIEW, review)], city_id=here.city_id))[0]
    if found is None or found.state != "shown":
        raise ReviewUnknown()
    return visit.page(
        "consumer/report.html", status=wrong.status if wrong else 200, review=found, reasons=reviews.REPORT_REASONS,
        done=done, wrong=wrong, words=words,
    )  # fmt: skip


@post("/c/{city:str}/reviews/{review:str}/reports", guards=[signed_in], status_code=200)
async def report(visit: Visiting, here: InCity, review: FromPath[str], data: URLEncodedBody[ReportForm]) -> Response:
    """Report it."""
    try:
        await reviewing.report(
            visit.house, here.city_id, visit.member, here.read(REVIEW, review), key=data.key, reason=data.reason,
            words=data.words,
        )  # fmt: skip
    except reviews.TooManyWords as refusal:
        return await _report_page(visit, here, review, wrong=refusal, words=data.words)
    return await _report_page(visit, here, review, done=True)


def _own(here: Here, review_id: UUID, query: str = "") -> str:
    return here.to(f"/reviews/{REVIEW.show(review_id, here.city_id)}") + (f"?{query}" if query else "")


async def _own_review(visit: Visit, here: Here, review: str) -> Review:
    """The member's own review. Raises review_not_found for another's, as for one that was taken back."""
    async with visit.house.db.reading(here.city_id) as tx:
        found = (await reviews.by_ids(tx, [here.read(REVIEW, review)], city_id=here.city_id))[0]
    if found is None or found.member_id != visit.member.member_id or found.state == "withdrawn":
        raise ReviewUnknown()
    return found


async def _content(visit: Visit, sent: Sent) -> tuple[Content, list[Picture], Refusal | None]:
    """What the form says, with its pictures: those kept from before and those that came now; and what is wrong.

    A picture that cannot be read costs nothing else: words, stars and the good pictures stay in the form.
    """
    house, actor = visit.house, visit.member
    pictures = reviewing.of_tickets(house, actor, sent.texts("kept"))
    wrong: Refusal | None = None
    if len(pictures) + len(sent.files) > MOST_PHOTOS:
        wrong = TooManyPictures(most=MOST_PHOTOS)
    else:
        made = await reviewing.pictures(house, actor, sent.files)
        pictures += [one for one in made if isinstance(one, Picture)]
        wrong = next((one for one in made if isinstance(one, Refusal)), None)
    mood = reviews.mood_of(sent.number("stars"))
    known = reviews.tags()
    chosen = tuple(tag for tag in sent.texts("tags") if tag in known and known[tag].mood == mood)
    content = Content(
        stars=sent.number("stars"), tags=chosen, words=sent.text("words"), photos=reviewing.photos(pictures)
    )
    return content, pictures, wrong


async def _form(
    visit: Visit, here: Here, held: Voucher, content: Content, pictures: list[Picture], wrong: Refusal | None = None
) -> Response[str]:
    """The form of a new review; in its place why none can be written."""
    async with visit.house.db.reading(here.city_id) as tx:
        merchant = await merchants.merchant(tx, held.merchant_id)
        uses = [
            use for use in await vouchers.uses_of(tx, [held.voucher_id], city_id=here.city_id) if not use.reversed_at
        ]
        stores = await merchants.stores(tx, here.city_id, [use.store_id for use in uses[-1:]])
    if wrong is None:
        if not uses:
            wrong = reviews.NotUsedYet()
        elif visit.house.clock.now() >= uses[-1].at + reviews.WRITE_WITHIN:
            wrong = reviews.TooLateToReview(days=reviews.WRITE_DAYS)
    closed = isinstance(wrong, reviews.NotUsedYet | reviews.TooLateToReview)
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/review_form.html", status=wrong.status if wrong else 200, title=held.title, wrong=wrong,
        action=here.to(f"/vouchers/{VOUCHER.show(held.voucher_id, here.city_id)}/reviews"), closed=closed,
        back_to=here.to("/reviews"), editing=False, used=uses[-1] if uses else None,
        used_at=next((store.name for store in stores.values()), None),
        **_fields(visit, merchant.trade if merchant else "", content, pictures),
    )  # fmt: skip


async def _edit_form(
    visit: Visit, here: Here, found: Review, content: Content, pictures: list[Picture], wrong: Refusal | None = None
) -> Response[str]:
    async with visit.house.db.reading(here.city_id) as tx:
        merchant = await merchants.merchant(tx, found.merchant_id)
    if wrong is None and visit.house.clock.now() >= found.edit_until:
        wrong = reviews.TooLateToEdit(days=reviews.EDIT_DAYS)
    elif wrong is None and found.state == "hidden":
        wrong = reviews.ReviewHidden()
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/review_form.html", status=wrong.status if wrong else 200, title=found.title, used=None,
        action=_own(here, found.review_id) + "/versions", back_to=_own(here, found.review_id), editing=True,
        wrong=wrong,
        closed=isinstance(wrong, reviews.TooLateToEdit | reviews.ReviewHidden),
        **_fields(visit, merchant.trade if merchant else "", content, pictures),
    )  # fmt: skip


def _fields(visit: Visit, trade: str, content: Content, pictures: list[Picture]) -> dict:
    """What the form shows: the tags of this trade by mood, and the tickets of pictures that are there already."""
    return {
        "content": content, "good": reviews.tags_for(trade, "good"), "bad": reviews.tags_for(trade, "bad"),
        "kept": list(zip(pictures, reviewing.tickets(visit.house, visit.member, pictures), strict=True)),
        "most_photos": MOST_PHOTOS, "most_words": reviews.MOST_WORDS,
    }  # fmt: skip


ROUTES = (
    mine, write_page, write, own_page, edit_page, edit, withdraw, appeal, report_page, report,
)  # fmt: skip
