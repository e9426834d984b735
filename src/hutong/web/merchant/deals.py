"""The deals of the merchant: what is on sale, in review, drafted, paused and ended, with what became of each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from msgspec import Struct

from hutong import catalog, inventory, merchants, orders, people, waitlist
from hutong.catalog import Change, Offer, PricePeriod, Revise, Status, Step
from hutong.desk import shelf
from hutong.infra.db import Tx
from hutong.inventory import Quota
from hutong.kit.access import Permission, Scope
from hutong.kit.ids import OFFER
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, Refusal
from hutong.merchants import Store
from hutong.orders import Figures
from hutong.waitlist import Demand
from hutong.web.merchant import deal_form
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.reading import said
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
TABS: dict[str, tuple[Status, ...]] = {
    "selling": ("published",), "review": ("in_review",), "drafts": ("draft", "rejected"), "paused": ("paused",),
    "ended": ("ended",),
}  # fmt: skip
TAB_OF = {status: tab for tab, statuses in TABS.items() for status in statuses}
ON_PAGE = 20
HONEST_DAYS = 30
SEES, WRITES = permission(Permission.VIEW_OFFERS), permission(Permission.EDIT_OFFERS)


class Row(Struct, frozen=True):
    """A deal with its figures, as a card of the list shows it."""

    offer: Offer
    stock: Quota | None
    figures: Figures | None
    demand: Demand | None = None


class Hint(Struct, frozen=True, kw_only=True):
    """What the last thirty days say about prices: the lowest and highest that were asked, the highest list price."""

    lowest: Amount | None = None
    highest: Amount | None = None
    listed: Amount | None = None

    def doubtful(self, list_price: Amount) -> bool:
        """Whether the list price is above every list price that was shown: raised, to look like a larger saving."""
        return self.listed is not None and list_price.asset == self.listed.asset and list_price > self.listed


class StepForm(KeyedForm, frozen=True, kw_only=True):
    """One step of a deal, from the version that was seen."""

    what: str
    version: int
    back: str = ""


class LiveForm(KeyedForm, frozen=True, kw_only=True):
    """What may change while a deal is on sale."""

    version: int
    price: str
    list_price: str
    total: str
    per_order_max: str
    sale_to: str
    summary_zh: str = ""
    summary_en: str = ""
    over: str = ""


async def rows_of(tx: Tx, offers: Sequence[Offer], city_id: int) -> list[Row]:
    """The deals with what became of them."""
    stocks = await inventory.quotas(tx, [offer.quota_id or offer.offer_id for offer in offers], city_id=city_id)
    found = await orders.figures(tx, [offer.offer_id for offer in offers], city_id=city_id)
    mine = Scope(merchants=frozenset(offer.merchant_id for offer in offers))
    waiting = {one.offer_id: one for one in await waitlist.demand(tx, mine, city_id=city_id)} if offers else {}
    return [
        Row(offer, stock, found.get(offer.offer_id), waiting.get(offer.offer_id))
        for offer, stock in zip(offers, stocks, strict=True)
    ]


def hint_of(periods: Sequence[PricePeriod], now: datetime) -> Hint:
    """What was asked in the last thirty days, by an offer's price history."""
    since = now - timedelta(days=HONEST_DAYS)
    shown = [period for period in periods if period.valid_to is None or period.valid_to > since]
    if not shown:
        return Hint()
    asked = [period.price for period in shown]
    return Hint(lowest=min(asked), highest=max(asked), listed=max(period.list_price for period in shown))


async def hint_for(tx: Tx, offer: Offer, now: datetime) -> Hint:
    """The hint for an offer, or for what it was copied from."""
    for one in (offer.offer_id, offer.copied_from):
        if one is not None:
            periods = await catalog.price_history(tx, one, city_id=offer.city_id)
            if periods:
                return hint_of(periods, now)
    return Hint()


@get("/{store:str}/deals", guards=[SEES])
async def deals(
    visit: Visiting, till: AtTill, tab: FromQuery[str] = "selling", done: FromQuery[str] = "",
    after: Annotated[str | None, QueryParameter(max_length=200)] = None,
) -> Response[str]:  # fmt: skip
    """The deals of the merchant that the visitor may see, under their state, newest first."""
    till.must(till.can(Permission.VIEW_OFFERS))
    visit.frame["tab"] = "deals"
    chosen = tab if tab in TABS else "selling"
    scope = till.actor.scope(Permission.VIEW_OFFERS)
    async with visit.house.db.reading(till.city_id) as tx:
        counts = await catalog.counts_by_status(tx, scope, city_id=till.city_id, merchant_id=till.merchant_id)
        page = await catalog.offers_in_scope(
            tx, scope, city_id=till.city_id, status=TABS[chosen], merchant_id=till.merchant_id, after=after,
            limit=ON_PAGE,
        )  # fmt: skip
        rows = await rows_of(tx, page.items, till.city_id)
    numbers = {name: sum(counts.get(status, 0) for status in statuses) for name, statuses in TABS.items()}
    return visit.page(
        "merchant/deals.html", rows=rows, tab_chosen=chosen, numbers=numbers, after=page.after,
        writes=till.owns(Permission.EDIT_OFFERS), done=done if done in DONE else "", reason_of=reason_of,
        now=visit.house.clock.now(),
    )  # fmt: skip


DONE = ("submit", "withdraw", "pause", "resume", "end", "live")


def reason_of(visit: Visit, reason: str) -> str:
    """The words of a reason: a chip of the reviewer has its own in both languages."""
    word = f"offer_review.reason.{reason}"
    said = visit.t(word)
    return reason if said == word else said


async def detail(visit: Visit, till: Till, offer: Offer, *, status: int = 200, **more: object) -> Response[str]:
    """A deal that is no draft: its figures, what may change, the preview, what happened."""
    async with visit.house.db.reading(till.city_id) as tx:
        (row,) = await rows_of(tx, [offer], till.city_id)
        history = await catalog.history(tx, offer.offer_id, city_id=till.city_id)
        names = await people.members(tx, sorted({c.by for c in history if c.by is not None}))
        hint = await hint_for(tx, offer, visit.house.clock.now())
        shops = await _shops(tx, till, offer)
    form = deal_form.form_of(
        offer, total=row.stock.total if row.stock else 0, key=visit.new_key(), zone=till.here.zone
    )  # fmt: skip
    context = {"form": form, "wrongs": {}, "wrong": None, "conflict": None} | more
    return visit.page(
        "merchant/deal.html", status=status, row=row, offer=offer, history=merged(history), names=names, hint=hint,
        sign=visit.formats().sign_and_digits(offer.price)[0],
        shops=shops, writes=till.owns(Permission.EDIT_OFFERS), reason_of=reason_of,
        sees_result=till.owns(Permission.VIEW_STATEMENT), **context,
    )  # fmt: skip


def merged(history: Sequence[Change]) -> list[Change]:
    """The history newest first; what one form saved again and again stands once."""
    found: list[Change] = []
    for change in reversed(history):
        before = found[-1] if found else None
        if before is None or not change.reason.startswith(shelf.FORM) or change.reason != before.reason:
            found.append(change)
    return found


async def _shops(tx: Tx, till: Till, offer: Offer) -> list[Store]:
    found = await merchants.stores(tx, till.city_id, offer.store_ids)
    return [found[store] for store in offer.store_ids if store in found]


@post("/{store:str}/deals/{offer:str}/steps", guards=[WRITES], status_code=303)
async def step_deal(
    visit: Visiting, till: AtTill, offer: FromPath[str], data: Annotated[StepForm, Body(media_type=Posted)]
) -> Response:
    """Submit, withdraw, pause, resume or end."""
    visit.frame["tab"] = "deals"
    if data.what in shelf.REVIEWS:
        raise BadInput(field="what", why=data.what)
    offer_id = till.read(OFFER, offer)
    ask = Step(offer_id=offer_id, by=None, version=data.version)
    result = (await shelf.step(visit.house, till.city_id, till.actor, data.what, [ask]))[0]
    if isinstance(result, Refusal):
        async with visit.house.db.reading(till.city_id) as tx:
            stands = await shelf.mine(tx, till.city_id, till.actor, offer_id, Permission.VIEW_OFFERS)
        return await detail(visit, till, stands, status=result.status, wrong=result)
    return Redirect(till.to("/deals", tab=TAB_OF[result.status], done=data.what), status_code=303)


@post("/{store:str}/deals/{offer:str}/live", guards=[WRITES], status_code=303)
async def change_deal(
    visit: Visiting, till: AtTill, offer: FromPath[str], data: Annotated[LiveForm, Body(media_type=Posted)]
) -> Response:
    """Change what may change while people buy it: price, stock, the limit of an order, the end of the sale."""
    visit.frame["tab"] = "deals"
    offer_id = till.read(OFFER, offer)
    async with visit.house.db.reading(till.city_id) as tx:
        stands = await shelf.mine(tx, till.city_id, till.actor, offer_id, Permission.EDIT_OFFERS)
        (row,) = await rows_of(tx, [stands], till.city_id)
    now = form_now(stands, row, data.key, till.here.zone)
    names = ("price", "list_price", "total", "per_order_max", "sale_to", "summary_zh", "summary_en", "over")
    typed = deal_form.structs.replace(now, version=str(data.version), **{name: getattr(data, name) for name in names})
    reading = deal_form.read(
        typed, offer_id=offer_id, merchant_id=stands.merchant_id, city_id=till.city_id, asset=stands.price.asset,
        zone=till.here.zone, now=visit.house.clock.now(), trade=stands.trade,
    )  # fmt: skip
    if reading.wrong:
        return await detail(visit, till, stands, status=422, form=typed, wrongs=said(visit, reading.wrong))
    draft, version = reading.draft, int(data.over) if data.over.isdigit() else data.version
    change = Revise(
        offer_id=offer_id, by=None, version=version, price=draft.price, list_price=draft.list_price,
        per_order_max=draft.per_order_max, sale_to=draft.sale_to, summary=draft.summary,
    )  # fmt: skip
    try:
        done = await shelf.change_live(visit.house, till.city_id, till.actor, change, total=reading.total)
    except catalog.OfferChanged as refusal:
        fields = [name for name in deal_form.differing(typed, now) if name in names]
        conflict = {"version": refusal.facts["version"], "fields": fields, "theirs": now}
        return await detail(visit, till, stands, status=409, form=typed, conflict=conflict)
    except inventory.TotalTooLow as refusal:
        wrongs = {"total": refusal.sentence().in_(visit.language)}
        return await detail(visit, till, stands, status=422, form=typed, wrongs=wrongs)
    except Refusal as refusal:
        return await detail(visit, till, stands, status=refusal.status, form=typed, wrong=refusal)
    return Redirect(till.to("/deals", tab=TAB_OF[done.status], done="live"), status_code=303)


def form_now(offer: Offer, row: Row, key: str, zone: str) -> deal_form.DealForm:
    """The form of an offer as it stands."""
    return deal_form.form_of(offer, total=row.stock.total if row.stock else 0, key=key, zone=zone)


@post("/{store:str}/deals/{offer:str}/copies", guards=[WRITES], status_code=303)
async def copy_deal(
    visit: Visiting, till: AtTill, offer: FromPath[str], data: Annotated[KeyedForm, Body(media_type=Posted)]
) -> Redirect:
    """A draft with everything of this deal, open in the editor."""
    made = await shelf.copy_offer(
        visit.house, till.city_id, till.actor, till.read(OFFER, offer), new_id=offer_id_of(data.key),
        zone=till.here.zone,
    )  # fmt: skip
    return Redirect(till.to(f"/deals/{OFFER.show(made.offer_id, till.city_id)}", copied="true"), status_code=303)


def offer_id_of(key: str) -> UUID:
    """The id of what a form makes: its key, so that sending it twice makes one. Raises bad_input."""
    try:
        return UUID(hex=key)
    except ValueError:
        raise BadInput(field="key", why="32 hex digits") from None


ROUTES = (deals, step_deal, change_deal, copy_deal)
