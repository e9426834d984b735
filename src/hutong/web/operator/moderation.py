"""Reviews that wait for the operator: reported ones, appeals, and those that are hidden."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, reviews
from hutong.desk import reviewing
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.ids import REVIEW
from hutong.kit.refusals import BadInput
from hutong.merchants import Store
from hutong.reviews import APPEAL_REASONS, HIDE_REASONS, Review, ReviewUnknown, Side, Verb
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.cursors import After, Cursor, read_cursor, write_cursor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visiting

MODERATES = permission(Permission.MODERATE_REVIEWS)
ON_PAGE = 20


class DecisionForm(KeyedForm, frozen=True, kw_only=True):
    """One tap: `keep`, `restore`, or `hide:<reason>`. `back`: which queue it was tapped in."""

    decision: str
    back: str = ""


class AppealForm(KeyedForm, frozen=True, kw_only=True):
    """Granted or refused: `yes` or `no`."""

    decision: str


@get("/{city:str}/reviews", guards=[MODERATES])
async def reported(visit: Visiting, desk: AtDesk, after: After = None) -> Response[str]:
    """Reviews with open reports, the longest waiting first."""
    desk.must(Permission.MODERATE_REVIEWS)
    visit.frame["tab"] = "reported"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await reviews.reported(
            tx, desk.scope, city_id=desk.city_id, after=read_cursor(after), limit=ON_PAGE + 1
        )
        told = await reviews.reports_of(tx, [one.review_id for one in found], city_id=desk.city_id)
        stores = await _stores(tx, desk, found)
    since = {one.review_id: min(r.at for r in told[one.review_id] if r.outcome is None) for one in found}
    return visit.page(
        "operator/reported.html", found=found[:ON_PAGE], told=told, stores=stores, reasons=HIDE_REASONS,
        more=_more([(since[one.review_id], one.review_id) for one in found]), further=bool(after),
    )  # fmt: skip


@get("/{city:str}/hidden", guards=[MODERATES])
async def hidden(visit: Visiting, desk: AtDesk, after: After = None) -> Response[str]:
    """Reviews that are hidden, the newest first: any of them can be shown again."""
    desk.must(Permission.MODERATE_REVIEWS)
    visit.frame["tab"] = "hidden"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await reviews.hidden(
            tx, desk.scope, city_id=desk.city_id, after=read_cursor(after), limit=ON_PAGE + 1
        )  # fmt: skip
        changes = await reviews.changes_of(tx, [one.review_id for one in found], city_id=desk.city_id)
        stores = await _stores(tx, desk, found)
    return visit.page(
        "operator/hidden.html", found=found[:ON_PAGE], changes=changes, stores=stores,
        more=_more([(one.written_at, one.review_id) for one in found]), further=bool(after),
    )  # fmt: skip


@get("/{city:str}/appeals", guards=[MODERATES])
async def appeals(visit: Visiting, desk: AtDesk, after: After = None) -> Response[str]:
    """Open appeals, the oldest first."""
    desk.must(Permission.MODERATE_REVIEWS)
    visit.frame["tab"] = "appeals"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await reviews.open_appeals(
            tx, desk.scope, city_id=desk.city_id, after=read_cursor(after), limit=ON_PAGE + 1
        )
        ids = [one.review_id for one in found]
        about = {r.review_id: r for r in await reviews.by_ids(tx, ids, city_id=desk.city_id) if r is not None}
        changes = await reviews.changes_of(tx, ids, city_id=desk.city_id)
        stores = await _stores(tx, desk, list(about.values()))
    return visit.page(
        "operator/appeals.html", found=found[:ON_PAGE], about=about, changes=changes, stores=stores,
        more=_more([(one.at, one.review_id) for one in found]), further=bool(after),
    )  # fmt: skip


@get("/{city:str}/reviews/{review:str}", guards=[MODERATES])
async def one_review(visit: Visiting, desk: AtDesk, review: FromPath[str]) -> Response[str]:
    """A review with everything it said and everything that became of it."""
    desk.must(Permission.MODERATE_REVIEWS)
    visit.frame["tab"] = "reported"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = (await reviews.by_ids(tx, [desk.read(REVIEW, review)], city_id=desk.city_id))[0]
        if found is None:
            raise ReviewUnknown()
        ids = [found.review_id]
        said = await reviews.versions(tx, found.review_id, city_id=desk.city_id)
        told = (await reviews.reports_of(tx, ids, city_id=desk.city_id)).get(found.review_id, [])
        changes = (await reviews.changes_of(tx, ids, city_id=desk.city_id)).get(found.review_id, [])
        asked = (await reviews.appeals_of(tx, ids, city_id=desk.city_id)).get(found.review_id, {})
        stores = await _stores(tx, desk, [found])
    return visit.page(
        "operator/review.html", review=found, said=said, told=told, changes=changes, asked=asked, stores=stores,
        reasons=HIDE_REASONS,
    )  # fmt: skip


@post("/{city:str}/reviews/{review:str}/decisions", guards=[MODERATES], status_code=303)
async def decide(
    visit: Visiting, desk: AtDesk, review: FromPath[str], data: URLEncodedBody[DecisionForm]
) -> Redirect:  # fmt: skip
    """Keep, hide or show again, with one tap."""
    word, _, reason = data.decision.partition(":")
    verbs: dict[str, Verb] = {"keep": "keep", "hide": "hide", "restore": "restore"}
    if word not in verbs:
        raise BadInput(field="decision", why=", ".join(verbs))
    await reviewing.moderate(
        visit.house, desk.city_id, desk.actor, desk.read(REVIEW, review), verb=verbs[word], reason=reason, key=data.key
    )
    return Redirect(desk.to("/hidden" if data.back == "hidden" else "/reviews"), status_code=303)


@post("/{city:str}/appeals/{review:str}/{side:str}/decisions", guards=[MODERATES], status_code=303)
async def decide_appeal(
    visit: Visiting, desk: AtDesk, review: FromPath[str], side: FromPath[str], data: URLEncodedBody[AppealForm]
) -> Redirect:
    """Grant an appeal or not."""
    sides: dict[str, Side] = {"author": "author", "merchant": "merchant"}
    if side not in sides or data.decision not in ("yes", "no"):
        raise BadInput(field="decision", why="yes, no")
    granted = data.decision == "yes"
    kept, broken = APPEAL_REASONS
    reason = (
        kept if granted == (side == "author") else broken
    )  # the author says it keeps the rules, the shop it does not
    await reviewing.decide(
        visit.house, desk.city_id, desk.actor, desk.read(REVIEW, review), side=sides[side], granted=granted,
        reason=reason, key=data.key,
    )  # fmt: skip
    return Redirect(desk.to("/appeals"), status_code=303)


def _more(ends: Sequence[Cursor]) -> str | None:
    """Where the next page begins, when one more was found than a page holds."""
    return write_cursor(*ends[ON_PAGE - 1]) if len(ends) > ON_PAGE else None


async def _stores(tx: Tx, desk: Desk, found: Sequence[Review]) -> dict[UUID, Store]:
    return await merchants.stores(tx, desk.city_id, [one.store_id for one in found])


ROUTES = (reported, hidden, appeals, one_review, decide, decide_appeal)
