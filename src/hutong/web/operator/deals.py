"""Deals that wait for review: as consumers would see them, what is different from before, one tap to approve."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_type_hints
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct, convert, structs

from hutong import catalog, merchants
from hutong.catalog import Change, Offer, Step, Waiting
from hutong.desk import shelf
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.ids import OFFER
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.merchants import Merchant, Store
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.cursors import After, read_cursor, write_cursor
from hutong.web.shared.formats import Formats
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting
from hutong.web.shared.words import Words

REVIEWS_DEALS = permission(Permission.REVIEW_OFFERS)
ON_PAGE = 20
REASONS = ("price", "terms", "words", "category", "english", "licence")
HONEST_DAYS = 30
LATE = timedelta(hours=24)  # a merchant was promised an answer within a day
# The fields that a reviewer compares, in the order of the page.
SHOWN = ("title", "category", "price", "list_price", "summary", "included", "excluded", "sale_from", "sale_to",
         "store_ids", "min_units", "per_order_max")  # fmt: skip
TERMS = tuple(Terms.__struct_fields__)


class DecisionForm(KeyedForm, frozen=True, kw_only=True):
    """One tap: `approve`, or `reject:<reason>`; the version that was looked at."""

    decision: str
    version: int


class Difference(Struct, frozen=True):
    """A field that is not as it was."""

    name: str
    was: str
    now: str


class Item(Struct, frozen=True, kw_only=True):
    """A deal in the queue with all that the reviewer needs."""

    offer: Offer
    since: datetime
    late: bool
    merchant: Merchant
    stores: list[Store]
    against: str  # "" nothing to compare with, "copy" what it was copied from, "rejected" what was sent back
    why: str
    differences: list[Difference]
    highest: Amount | None
    doubtful: bool


@get("/{city:str}/deals", guards=[REVIEWS_DEALS])
async def queue(visit: Visiting, desk: AtDesk, done: FromQuery[str] = "", after: After = None) -> Response[str]:
    """What waits for review, the longest waiting first."""
    desk.must(Permission.REVIEW_OFFERS)
    return await _page(visit, desk, after=after, done=done if done in ("approve", "reject") else "")


async def _page(
    visit: Visit, desk: Desk, *, status: int = 200, after: str | None = None, **more: Any
) -> Response[str]:  # fmt: skip
    visit.frame["tab"] = "deals"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await catalog.waiting(
            tx, desk.scope, city_id=desk.city_id, after=read_cursor(after), limit=ON_PAGE + 1
        )  # fmt: skip
        items = await _items(tx, visit, desk, found[:ON_PAGE])
        shelves = {one.slug: one.name for one in await catalog.categories(tx)}
    end = found[ON_PAGE - 1] if len(found) > ON_PAGE else None
    context: dict[str, Any] = {"done": "", "wrong": None} | more
    context |= {"more": write_cursor(end.since, end.offer.offer_id) if end else None, "further": bool(after)}
    return visit.page(
        "operator/deals.html", status=status, items=items, reasons=REASONS, shelves=shelves, **context
    )  # fmt: skip


async def _items(tx: Tx, visit: Visit, desk: Desk, found: Sequence[Waiting]) -> list[Item]:
    sources = await _by_id(tx, desk, [one.offer.copied_from for one in found if one.offer.copied_from])
    owners = await merchants.merchants(tx, [one.offer.merchant_id for one in found])
    wanted = sorted({store for one in found for store in one.offer.store_ids})
    stores = await merchants.stores(tx, desk.city_id, wanted)
    names = {key: store.name for key, store in stores.items()}
    now, formats, items = visit.house.clock.now(), visit.formats(), list[Item]()
    for one in found:  # a page of the queue: each has a history of its own
        offer = one.offer
        history = await catalog.history(tx, offer.offer_id, city_id=desk.city_id)
        source = sources.get(offer.copied_from) if offer.copied_from else None
        was, against, why = before(offer, history, source)
        prices = await catalog.price_history(tx, source.offer_id, city_id=desk.city_id) if source else []
        since = now - timedelta(days=HONEST_DAYS)
        listed = [p.list_price for p in prices if p.valid_to is None or p.valid_to > since]
        highest = max(listed) if listed else None
        items.append(
            Item(
                offer=offer, since=one.since, late=now - one.since > LATE, merchant=owners[offer.merchant_id],
                stores=[stores[key] for key in offer.store_ids if key in stores], against=against, why=why,
                differences=differences(was, offer, formats, visit.t, names) if was else [], highest=highest,
                doubtful=highest is not None and offer.list_price > highest,
            )
        )  # fmt: skip
    return items


async def _by_id(tx: Tx, desk: Desk, ids: Sequence[UUID]) -> dict[UUID, Offer]:
    return {one.offer_id: one for one in await catalog.offers(tx, ids, city_id=desk.city_id) if one is not None}


def before(offer: Offer, history: Sequence[Change], source: Offer | None) -> tuple[Offer | None, str, str]:
    """(the offer to compare with, what that is, why it was sent back): what was rejected last, else what it copies."""
    rejected = next((change for change in reversed(history) if change.what == "rejected"), None)
    if rejected is None:
        return source, "copy" if source else "", ""
    first: dict[str, Any] = {}
    for change in history:
        if change.version > rejected.version:
            for name, value in change.before.items():
                first.setdefault(name, value)
    types = get_type_hints(Offer)
    was = {name: convert(value, types[name]) for name, value in first.items() if name in types and name != "status"}
    return structs.replace(offer, **was), "rejected", rejected.reason


def differences(was: Offer, now: Offer, f: Formats, t: Words, stores: dict[UUID, Text]) -> list[Difference]:
    """What is not as it was, in the reader's words."""
    found = [
        Difference(name, said(getattr(was, name), f, stores), said(getattr(now, name), f, stores))
        for name in SHOWN
        if getattr(was, name) != getattr(now, name)
    ]
    found += [
        Difference(name, said(getattr(was.terms, name), f, stores), said(getattr(now.terms, name), f, stores))
        for name in TERMS
        if getattr(was.terms, name) != getattr(now.terms, name)
    ]
    empty = t("deal_queue.nothing")
    return [Difference(one.name, one.was or empty, one.now or empty) for one in found]


def said(value: Any, f: Formats, stores: dict[UUID, Text]) -> str:
    """A value of an offer as people read it. Both languages of what a merchant wrote: both are reviewed."""
    if isinstance(value, Amount):
        return f.money(value)
    if isinstance(value, Text):
        return value.zh if value.zh == value.en else f"{value.zh} / {value.en}"
    if isinstance(value, datetime):
        return f.moment(value)
    if isinstance(value, UUID):
        return f.say(stores[value]) if value in stores else "…"
    if isinstance(value, tuple):
        if value and hasattr(value[0], "weekdays"):
            return f.windows(value)
        return "; ".join(said(one, f, stores) for one in value)
    if hasattr(value, "first"):
        return f.days(value.first, value.last)
    if value is True or value is False:
        return "✓" if value else "✗"
    return "" if value is None else str(value)


@post("/{city:str}/deals/{offer:str}/decisions", guards=[REVIEWS_DEALS], status_code=303)
async def decide(
    visit: Visiting, desk: AtDesk, offer: FromPath[str], data: URLEncodedBody[DecisionForm]
) -> Response:  # fmt: skip
    """Approve: it is on sale at once. Reject with a reason: it goes back to its merchant."""
    desk.must(Permission.REVIEW_OFFERS)
    what, _, reason = data.decision.partition(":")
    if what not in ("approve", "reject") or (what == "reject" and reason not in REASONS):
        raise BadInput(field="decision", why=data.decision[:40])
    ask = Step(offer_id=desk.read(OFFER, offer), by=None, version=data.version, reason=reason)
    result = (await shelf.step(visit.house, desk.city_id, desk.actor, what, [ask]))[0]
    if isinstance(result, Refusal):
        return await _page(visit, desk, status=result.status, wrong=result)
    return Redirect(desk.to("/deals", done=what), status_code=303)


ROUTES = (queue, decide)
