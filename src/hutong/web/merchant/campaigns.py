"""Coupons and campaigns (M9): what runs and what it costs, the stop button, typed templates, a try on the past."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import structs

from hutong import merchants, people, pricing
from hutong.desk import campaigns, selling, simulating
from hutong.desk.campaigns import Running
from hutong.kit.access import Permission
from hutong.kit.ids import PROMOTION
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing import PromotionUnknown, Simulation
from hutong.web.merchant import campaign_form
from hutong.web.merchant.campaign_form import ICONS, TEMPLATES, Around, CampaignForm, Reading
from hutong.web.merchant.deals import offer_id_of
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.campaigning import pace_of, shown
from hutong.web.shared.coupons import asks_of, figure
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.reading import said
from hutong.web.shared.visit import Visit, Visiting
from hutong.web.shared.words import catalogue

Posted = RequestEncodingType.URL_ENCODED
Data = Annotated[CampaignForm, Body(media_type=Posted)]
SEES, WRITES = permission(Permission.VIEW_OFFERS), permission(Permission.EDIT_OFFERS)
STOPS = permission(Permission.EDIT_OFFERS, Permission.EDIT_STORE)


class StepForm(KeyedForm, frozen=True, kw_only=True):
    """One step of a campaign."""

    what: str


def _may(till: Till) -> dict[str, bool]:
    actor, city, merchant = till.actor, till.city_id, till.merchant_id
    return {
        "writes": campaigns.may_write(actor, city, merchant), "shares": campaigns.may_share(actor, city),
        "stops": campaigns.may_stop(actor, city, merchant, [till.store_id]),
    }  # fmt: skip


@get("/{store:str}/campaigns", guards=[SEES])
async def campaign_list(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """What the merchant gives away: state, spent of the budget, uses, claims."""
    till.must(till.can(Permission.VIEW_OFFERS))
    now, scope = visit.house.clock.now(), campaigns.seen_by(till.actor, till.city_id, till.merchant_id, till.store_id)
    async with visit.house.db.reading(till.city_id) as tx:
        found = await campaigns.find(tx, till.city_id, scope=scope, merchant_id=till.merchant_id)
    visit.frame["tab"] = "campaigns"
    return visit.page(
        "merchant/campaigns.html", PROMOTION=PROMOTION, rows=[shown(one, now) for one in found],
        done=done if done in VERBS else "", templates=ICONS, **_may(till),
    )  # fmt: skip


VERBS = ("publish", "pause", "resume", "end", "saved")


async def around(visit: Visit, till: Till, campaign_id: UUID, running: Running | None = None) -> Around:
    """What surrounds a campaign of this merchant."""
    async with visit.house.db.reading(till.city_id) as tx:
        stores = await merchants.stores_of(tx, till.city_id, till.merchant_id)
        asset = await selling.currency(tx, till.city_id)
    live = running.kept.live if running else None
    return Around(
        campaign_id=campaign_id, merchant_id=till.merchant_id, asset=asset, zone=till.here.zone,
        store_ids=tuple(store.store_id for store in stores), category=stores[0].category,
        now=visit.house.clock.now(), starts_at=live.starts_at if live and live.state != "draft" else None,
    )  # fmt: skip


def editor(
    visit: Visit, till: Till, form: CampaignForm, at: Around, *, running: Running | None = None,
    reading: Reading | None = None, wrong: Refusal | None = None, tried: Simulation | None = None, status: int = 200,
) -> Response[str]:  # fmt: skip
    """The form with what stands in its fields, and the coupon as consumers will see it."""
    visit.frame["tab"] = "campaigns"
    read = reading or campaign_form.read(form, at)
    rule = read.campaign.rule
    return visit.page(
        "merchant/campaign_edit.html", status=status, form=form, wrongs=said(visit, reading.wrong) if reading else {},
        wrong=wrong, running=running, live=running is not None and running.kept.live.state != "draft",
        campaign=read.campaign, figure=figure(visit, rule), asks=asks_of(rule), templates=ICONS, tried=tried,
        shown_id=PROMOTION.show(at.campaign_id, till.city_id),
        sign=visit.formats().sign_and_digits(Amount(0, at.asset))[0],
        prize=pricing.in_words(rule.benefit, rule.asset),
        forecast=Amount(read.campaign.forecast_units, at.asset) if read.campaign.forecast_units else None,
        **_may(till),
    )  # fmt: skip


@get("/{store:str}/campaigns/new", guards=[WRITES])
async def new_campaign(visit: Visiting, till: AtTill, template: FromQuery[str] = "free") -> Response[str]:
    """A form that its template has filled in."""
    till.must(till.owns(Permission.EDIT_OFFERS))
    key = visit.new_key()
    at = await around(visit, till, offer_id_of(key))
    form = campaign_form.beginning(template, key=key, names=_name, now=at.now, zone=at.zone)
    return editor(visit, till, form, at)


def _name(template: str) -> Text:
    """The words of a template in both languages."""
    word = catalogue()[f"campaign.template.{template}"]
    return Text(zh=word.zh, en=word.en)


@get("/{store:str}/campaigns/{campaign:str}/edit", guards=[WRITES])
async def edit_campaign(visit: Visiting, till: AtTill, campaign: FromPath[str]) -> Response[str]:
    """The form of a campaign as it stands."""
    it = await _mine(visit, till, campaign)
    till.must(campaigns.may_write(till.actor, till.city_id, till.merchant_id))
    form = campaign_form.form_of(it, key=visit.new_key(), zone=till.here.zone)
    return editor(visit, till, form, await around(visit, till, it.kept.live.promotion_id, it), running=it)


async def _mine(visit: Visit, till: Till, campaign: str) -> Running:
    """A campaign of this merchant. Raises promotion_not_found for any other."""
    campaign_id = till.read(PROMOTION, campaign)
    till.must(till.can(Permission.VIEW_OFFERS))
    scope = campaigns.seen_by(till.actor, till.city_id, till.merchant_id, till.store_id)
    async with visit.house.db.reading(till.city_id) as tx:
        found = await campaigns.find(tx, till.city_id, scope=scope, merchant_id=till.merchant_id, ids=[campaign_id])
    if not found:
        raise PromotionUnknown()
    return found[0]


@post("/{store:str}/campaigns/{campaign:str}", guards=[WRITES], status_code=303)
async def save_campaign(visit: Visiting, till: AtTill, campaign: FromPath[str], data: Data) -> Response:
    """Save, try on past orders, or save and publish. What is wrong stands beside its field."""
    campaign_id = till.read(PROMOTION, campaign)
    till.must(till.owns(Permission.EDIT_OFFERS) or campaigns.may_write(till.actor, till.city_id, till.merchant_id))
    it = await _mine(visit, till, campaign) if data.version else None
    at = await around(visit, till, campaign_id, it)
    if not campaigns.may_share(till.actor, till.city_id) and not (it and it.kept.live.state != "draft"):
        data = structs.replace(data, pay_merchant="100", pay_operator="0", pay_platform="0")
    reading = campaign_form.read(data, at)
    if it is not None and it.kept.live.state != "draft":  # what it gives stays as it was published
        rule = structs.replace(it.kept.live.rule, name=reading.campaign.rule.name)
        campaign_now = structs.replace(reading.campaign, rule=rule, template=it.kept.template)
        reading = Reading(campaign_now, reading.wrong)
    if reading.wrong:
        return editor(visit, till, data, at, running=it, reading=reading, status=422)
    house, city = visit.house, till.city_id
    try:
        if data.then == "try":
            tried = await simulating.simulate(
                house, city, till.actor, reading.campaign.rule, merchant_id=till.merchant_id
            )
            return editor(visit, till, data, at, running=it, reading=reading, tried=tried)
        await _saved(visit, till, reading, campaign_id)
        if data.then == "publish":
            await campaigns.step(house, city, till.actor, campaign_id, "publish")
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return editor(visit, till, data, at, running=it, reading=reading, wrong=refusal, status=refusal.status)
    done = "publish" if data.then == "publish" else "saved"
    return Redirect(till.to(f"/campaigns/{campaign}", done=done), status_code=303)


async def _saved(visit: Visit, till: Till, reading: Reading, campaign_id: UUID) -> None:
    """Save; a new form that is sent a second time is the first."""
    try:
        await campaigns.save(visit.house, till.city_id, till.actor, reading.campaign)
    except pricing.PromotionChanged:
        if reading.campaign.version is not None:
            raise
        await campaigns.mine(visit.house, till.city_id, till.actor, campaign_id)


@get("/{store:str}/campaigns/{campaign:str}", guards=[SEES])
async def campaign_page(
    visit: Visiting, till: AtTill, campaign: FromPath[str], done: FromQuery[str] = ""
) -> Response[str]:
    """One campaign: how it stands, what it spends, its codes, and the stop button."""
    return await campaign_view(visit, till, campaign, done=done)


async def campaign_view(
    visit: Visit, till: Till, campaign: str, *, done: str = "", wrong: Refusal | None = None, status: int = 200,
    **more: Any,
) -> Response[str]:  # fmt: skip
    it = await _mine(visit, till, campaign)
    now, live = visit.house.clock.now(), it.kept.live
    async with visit.house.db.reading(till.city_id) as tx:
        pace = await pace_of(tx, it, city_id=till.city_id, now=now)
        history = await pricing.promotion_history(tx, live.promotion_id, city_id=till.city_id)
        batches = await pricing.batches_of(tx, live.promotion_id, city_id=till.city_id)
    async with visit.house.db.central() as tx:
        authors = await people.members(tx, [one.by for one in history if one.by is not None])
        shop = (await merchants.merchants(tx, [till.merchant_id]))[till.merchant_id]
    visit.frame["tab"] = "campaigns"
    return visit.page(
        "merchant/campaign.html", status=status, row=shown(it, now), live=live, kept=it.kept, offer=it.offer, pace=pace,
        history=list(reversed(history)), authors={i: m.shown for i, m in authors.items()}, batches=batches,
        shown_id=campaign, figure=figure(visit, live.rule), asks=asks_of(live.rule), shop=shop.name, wrong=wrong,
        done=done if done in VERBS else "", prize=pricing.in_words(live.rule.benefit, live.rule.asset), **_may(till),
        amount_of=lambda units: Amount(units, live.rule.asset), **({"issued": None, "typed": ""} | more),
    )  # fmt: skip


@post("/{store:str}/campaigns/{campaign:str}/steps", guards=[STOPS], status_code=303)
async def step_campaign(
    visit: Visiting, till: AtTill, campaign: FromPath[str], data: Annotated[StepForm, Body(media_type=Posted)]
) -> Response:
    """Publish, stop, resume or end."""
    it = await _mine(visit, till, campaign)
    try:
        await campaigns.step(visit.house, till.city_id, till.actor, it.kept.live.promotion_id, data.what)
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await campaign_view(visit, till, campaign, wrong=refusal, status=refusal.status)
    return Redirect(till.to(f"/campaigns/{campaign}", done=data.what), status_code=303)


ROUTES = (campaign_list, new_campaign, edit_campaign, save_campaign, campaign_page, step_campaign)
__all__ = ["ROUTES", "TEMPLATES", "campaign_view"]
