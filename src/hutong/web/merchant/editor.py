"""The editor of a deal: saved while one types, shown as consumers will see it, submitted for review."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct, structs

from hutong import catalog, insight, inventory, merchants, people, settlement
from hutong.catalog import Category, Offer, OfferChanged, OfferNotFound, Step
from hutong.desk import malling, selling, shelf
from hutong.kit.access import Permission
from hutong.kit.ids import OFFER, STORE
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.merchants import Merchant, Store
from hutong.web.merchant import deal_form
from hutong.web.merchant.deal_form import DealForm, Reading
from hutong.web.merchant.deals import (
    WRITES,
    Hint,
    Row,
    detail,
    form_now,
    hint_for,
    offer_id_of,
    reason_of,
    rows_of,
)
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.guards import permission
from hutong.web.shared.reading import said
from hutong.web.shared.sheeting import percent
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
Data = Annotated[DealForm, Body(media_type=Posted)]
DRAFTED = ("draft", "rejected")
SILENT = ("csrf", "key", "version", "over", "then", "days", "off_", "tier_", "slot_", "booking", "refund", "on_expiry")


class Desk(Struct, frozen=True, kw_only=True):
    """What the editor works with: the draft as it stands (None: never saved), and what may be chosen."""

    offer_id: UUID
    offer: Offer | None
    row: Row | None
    merchant: Merchant
    stores: list[Store]
    categories: list[Category]
    asset: str
    hint: Hint
    why: str
    rule: settlement.Rule | None
    plan: insight.Plan | None


async def desk_of(visit: Visit, till: Till, offer_id: UUID) -> Desk:
    """Everything around a draft. Raises offer_not_found for another merchant's."""
    till.must(till.owns(Permission.EDIT_OFFERS))
    async with visit.house.db.reading(till.city_id) as tx:
        (found,) = await catalog.offers(tx, [offer_id], city_id=till.city_id)
        if found is not None and found.merchant_id != till.merchant_id:
            raise OfferNotFound()
        merchant = await merchants.merchant(tx, till.merchant_id)
        assert merchant is not None
        history = await catalog.history(tx, offer_id, city_id=till.city_id) if found else []
        rules = await settlement.rules_for(tx, [till.merchant_id], at=visit.house.clock.now())
        return Desk(
            rule=rules.get(till.merchant_id),
            plan=(await insight.plans(tx, [offer_id], city_id=till.city_id)).get(offer_id),
            offer_id=offer_id, offer=found, row=(await rows_of(tx, [found], till.city_id))[0] if found else None,
            merchant=merchant, stores=await merchants.stores_of(tx, till.city_id, till.merchant_id),
            categories=await catalog.categories(tx), asset=await selling.currency(tx, till.city_id),
            hint=await hint_for(tx, found, visit.house.clock.now()) if found else Hint(),
            why=next((c.reason for c in reversed(history) if c.what == "rejected"), "")
            if found and found.status == "rejected" else "",
        )  # fmt: skip


def read(visit: Visit, till: Till, desk: Desk, form: DealForm) -> Reading:
    """What the form says, with what never changes taken from the draft as it stands."""
    there = desk.offer
    found = deal_form.read(
        form, offer_id=desk.offer_id, merchant_id=till.merchant_id, city_id=till.city_id, asset=desk.asset,
        zone=till.here.zone, now=visit.house.clock.now(), trade=there.trade if there else desk.merchant.trade,
        copied_from=there.copied_from if there else None, scheme=there.scheme if there else "deals",
        quota_id=there.quota_id if there else None, kept=there.form if there else catalog.PLAIN,
    )  # fmt: skip
    # What kind of card or gift it is was chosen when it was made; the editor writes everything else.
    kept = there is not None and there.scheme in ("cards", "alliance")
    draft = structs.replace(found.draft, form=there.form) if there and kept else found.draft
    return structs.replace(found, draft=draft)


def page(
    visit: Visit, till: Till, desk: Desk, form: DealForm, *, status: int = 200, template: str = "deal_editor",
    **more: Any,
) -> Response[str]:  # fmt: skip
    """The editor with what stands in its fields. `wrongs` are the sentences beside them."""
    visit.frame["tab"] = "deals"
    reading = read(visit, till, desk, form)
    shown = catalog.preview(reading.draft, city_id=till.city_id, now=visit.house.clock.now())
    tops = [one for one in desk.categories if one.parent is None]
    fields = structs.asdict(form)
    names = [name for name in fields if fields[name] is not None and not name.startswith(SILENT)]
    names += ["off", "tiers", "slots"]
    before = insight.before_of(
        shown.price, shown.list_price, rule=desk.rule, plan=desk.plan, units=reading.total
    )  # fmt: skip
    context: dict[str, Any] = {
        "before": before,
        "gift_cost": Amount(shown.form.cost_units if isinstance(shown.form, catalog.Gift) else 0, desk.asset),
        "percent": percent,
        "sign": visit.formats().sign_and_digits(shown.price)[0],
        "names_of_fields": names,
        "wrongs": {},
        "wrong": None,
        "conflict": None,
        "saved_at": None,
        "copied": False,
    }
    return visit.page(
        f"merchant/{template}.html", status=status, desk=desk, form=form, offer=shown, shown_id=OFFER.show(
            desk.offer_id, till.city_id), hint=desk.hint, tops=tops, total=reading.total, reason_of=reason_of,
        shops=[store for store in desk.stores if store.store_id in reading.draft.store_ids], **(context | more),
    )  # fmt: skip


@get("/{store:str}/deals/new", guards=[WRITES])
async def new_deal(visit: Visiting, till: AtTill) -> Response[str]:
    """An empty editor; what it saves gets the id of its key."""
    key = visit.new_key()
    desk = await desk_of(visit, till, offer_id_of(key))
    here = next((store for store in desk.stores if store.store_id == till.store_id), desk.stores[0])
    form = deal_form.beginning(
        key=key, category=here.category, stores=[STORE.show(s.store_id, till.city_id) for s in desk.stores],
        now=visit.house.clock.now(), zone=till.here.zone,
    )  # fmt: skip
    return page(visit, till, desk, form)


@get("/{store:str}/deals/{offer:str}", guards=[permission(Permission.VIEW_OFFERS)])
async def deal(visit: Visiting, till: AtTill, offer: FromPath[str], copied: FromQuery[bool] = False) -> Response[str]:
    """A draft in the editor for who may write it; anything else with its figures and what may be done."""
    till.must(till.can(Permission.VIEW_OFFERS))
    visit.frame["tab"] = "deals"
    offer_id = till.read(OFFER, offer)
    async with visit.house.db.reading(till.city_id) as tx:
        found = await shelf.mine(tx, till.city_id, till.actor, offer_id, Permission.VIEW_OFFERS)
    if found.merchant_id != till.merchant_id:
        raise OfferNotFound()
    if found.status not in DRAFTED or not till.owns(Permission.EDIT_OFFERS):
        return await detail(visit, till, found)
    desk = await desk_of(visit, till, offer_id)
    assert desk.offer is not None
    assert desk.row is not None
    form = form_now(desk.offer, desk.row, visit.new_key(), till.here.zone)
    return page(visit, till, desk, form, copied=copied)


@post("/{store:str}/deals/{offer:str}/preview", guards=[WRITES], status_code=200)
async def preview_deal(visit: Visiting, till: AtTill, offer: FromPath[str], data: Data) -> Response[str]:
    """The deal as consumers would see it with what is typed now; saves nothing."""
    desk = await desk_of(visit, till, till.read(OFFER, offer))
    return page(visit, till, desk, data, template="deal_preview")


@post("/{store:str}/deals/{offer:str}/draft", guards=[WRITES], status_code=200)
async def save_deal(visit: Visiting, till: AtTill, offer: FromPath[str], data: Data) -> Response:
    """Save the draft; `then` = submit sends it to review. Errors and conflicts are shown in place, nothing is lost.

    A piece of the page answers who saves while typing (htmx), else the page itself or the way on.
    """
    desk = await desk_of(visit, till, till.read(OFFER, offer))
    reading = read(visit, till, desk, data)
    piece = "deal_saved" if visit.partial else "deal_editor"
    wrongs = said(visit, reading.wrong)
    if reading.wrong:
        return page(visit, till, desk, data, status=422, template=piece, wrongs=wrongs)
    version = data.over if data.over.isdigit() else data.version
    try:
        save = malling.save_gift if isinstance(reading.draft.form, catalog.Gift) else shelf.save_draft
        saved = await save(
            visit.house, till.city_id, till.actor, reading.draft, total=reading.total,
            version=int(version) if version.isdigit() else None, form=data.key,
        )  # fmt: skip
    except OfferChanged as refusal:
        conflict = await conflict_of(visit, till, desk, data, refusal)
        return page(visit, till, desk, data, status=409, template=piece, conflict=conflict)
    except inventory.TotalTooLow as refusal:
        wrongs = {"total": refusal.sentence().in_(visit.language)}
        return page(visit, till, desk, data, status=422, template=piece, wrongs=wrongs)
    except Refusal as refusal:
        return page(visit, till, desk, data, status=refusal.status, template=piece, wrong=refusal)
    return await _after(visit, till, desk, data, saved)


async def _after(visit: Visit, till: Till, desk: Desk, data: DealForm, saved: Offer) -> Response:
    shown = OFFER.show(saved.offer_id, till.city_id)
    form = structs.replace(data, version=str(saved.version), over="")
    if visit.partial:
        answer = page(visit, till, desk, form, template="deal_saved", saved_at=visit.house.clock.now())
        answer.headers["hx-replace-url"] = till.to(f"/deals/{shown}")
        return answer
    if data.then != "submit":
        return Redirect(till.to(f"/deals/{shown}"), status_code=303)
    step = Step(offer_id=saved.offer_id, by=None, version=saved.version)
    result = (await shelf.step(visit.house, till.city_id, till.actor, "submit", [step]))[0]
    if isinstance(result, Refusal):
        return page(visit, till, desk, form, status=result.status, wrong=result)
    return Redirect(till.to("/deals", tab="review", done="submit"), status_code=303)


async def conflict_of(
    visit: Visit, till: Till, desk: Desk, mine: DealForm, refusal: OfferChanged
) -> dict[str, Any]:  # fmt: skip
    """Where what was typed and what somebody saved meanwhile differ, who that was and when."""
    async with visit.house.db.reading(till.city_id) as tx:
        (stands,) = await catalog.offers(tx, [desk.offer_id], city_id=till.city_id)
        assert stands is not None
        (row,) = await rows_of(tx, [stands], till.city_id)
        last = (await catalog.history(tx, desk.offer_id, city_id=till.city_id))[-1]
        names = await people.members(tx, [last.by] if last.by else [])
    theirs = form_now(stands, row, mine.key, till.here.zone)
    who = names[last.by].shown if last.by is not None and last.by in names else ""
    return {
        "version": refusal.facts["version"], "fields": deal_form.differing(mine, theirs), "theirs": theirs, "who": who,
        "at": last.at, "drafted": stands.status in DRAFTED,
    }  # fmt: skip


ROUTES = (new_deal, deal, preview_deal, save_deal)
