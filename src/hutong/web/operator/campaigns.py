"""Campaigns of the city (O5): promotions that no merchant pays, with budget, shares, a try on the past, and a stop."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import structs

from hutong import catalog, people, pricing
from hutong.desk import campaigns, selling, simulating
from hutong.desk.campaigns import Running
from hutong.kit.access import Permission, Scope
from hutong.kit.ids import PROMOTION
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing import PromotionUnknown, Simulation
from hutong.web.operator import campaign_form
from hutong.web.operator.campaign_form import CampaignForm, Read
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.campaigning import pace_of, shown
from hutong.web.shared.coupons import asks_of, figure
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.reading import Beside, said
from hutong.web.shared.visit import Visit, Visiting

RUNS = permission(Permission.REVIEW_OFFERS)
VERBS = ("publish", "pause", "resume", "end", "saved")


class StepForm(KeyedForm, frozen=True, kw_only=True):
    """One step of a campaign."""

    what: str


async def _enter(visit: Visit, desk: Desk) -> None:
    desk.must(Permission.REVIEW_OFFERS)
    visit.frame["tab"] = "campaigns"
    await counted(visit, desk)


async def _mine(visit: Visit, desk: Desk, campaign: str) -> Running:
    """A campaign of this city's own. Raises promotion_not_found for a merchant's."""
    campaign_id = desk.read(PROMOTION, campaign)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await campaigns.find(tx, desk.city_id, scope=desk.scope, ids=[campaign_id])
    if not found or found[0].kept.live.merchant_id is not None:
        raise PromotionUnknown()
    return found[0]


@get("/{city:str}/campaigns", guards=[RUNS])
async def listed(visit: Visiting, desk: AtDesk, done: FromQuery[str] = "") -> Response[str]:
    """What the city gives away: state, spent of the budget, uses."""
    await _enter(visit, desk)
    now = visit.house.clock.now()
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await campaigns.find(tx, desk.city_id, scope=Scope(cities=frozenset({desk.city_id})))
    own = [shown(one, now) for one in found if one.kept.live.merchant_id is None]
    return visit.page(
        "operator/campaigns.html", rows=own, PROMOTION=PROMOTION, done=done if done in VERBS else "",
        others=len(found) - len(own),
    )  # fmt: skip


async def _editor(
    visit: Visit, desk: Desk, form: CampaignForm, read: Read, *, campaign_id: UUID, running: Running | None = None,
    wrong: Refusal | None = None, wrongs: dict[str, str | Text] | None = None, tried: Simulation | None = None,
    status: int = 200,
) -> Response[str]:  # fmt: skip
    async with visit.house.db.reading(desk.city_id) as tx:
        shelves = await catalog.categories(tx)
    rule = read.campaign.rule
    return visit.page(
        "operator/campaign_edit.html", status=status, form=form, wrong=wrong, tried=tried,
        wrongs=Beside(said(visit, wrongs or {})),
        live=running is not None and running.kept.live.state != "draft", shelves=shelves, figure=figure(visit, rule),
        asks=asks_of(rule), prize=pricing.in_words(rule.benefit, rule.asset), campaign=read.campaign,
        sign=visit.formats().sign_and_digits(Amount(0, rule.asset))[0],
        shown_id=PROMOTION.show(campaign_id, desk.city_id),
    )  # fmt: skip


async def _read(visit: Visit, desk: Desk, form: CampaignForm, campaign_id: UUID, running: Running | None) -> Read:
    async with visit.house.db.reading(desk.city_id) as tx:
        asset = await selling.currency(tx, desk.city_id)
    live = running.kept.live if running and running.kept.live.state != "draft" else None
    found = campaign_form.read(
        form, campaign_id=campaign_id, asset=asset, zone=desk.city.zone, now=visit.house.clock.now(), live=live
    )
    if live is None:
        return found
    rule = structs.replace(live.rule, name=found.campaign.rule.name)  # what it gives stays as it was published
    return Read(structs.replace(found.campaign, rule=rule), found.wrong)


@get("/{city:str}/campaigns/new", guards=[RUNS])
async def new(visit: Visiting, desk: AtDesk) -> Response[str]:
    """An empty form."""
    await _enter(visit, desk)
    key = visit.new_key()
    form = campaign_form.beginning(key=key, now=visit.house.clock.now(), zone=desk.city.zone)
    campaign_id = UUID(hex=key)  # what a form makes has its key as id, so that sending it twice makes one
    return await _editor(visit, desk, form, await _read(visit, desk, form, campaign_id, None), campaign_id=campaign_id)


@get("/{city:str}/campaigns/{campaign:str}/edit", guards=[RUNS])
async def edit(visit: Visiting, desk: AtDesk, campaign: FromPath[str]) -> Response[str]:
    """The form of a campaign as it stands."""
    await _enter(visit, desk)
    it = await _mine(visit, desk, campaign)
    form = campaign_form.form_of(it, key=visit.new_key(), zone=desk.city.zone)
    campaign_id = it.kept.live.promotion_id
    read = await _read(visit, desk, form, campaign_id, it)
    return await _editor(visit, desk, form, read, campaign_id=campaign_id, running=it)


@post("/{city:str}/campaigns/{campaign:str}", guards=[RUNS])
async def save(
    visit: Visiting, desk: AtDesk, campaign: FromPath[str], data: URLEncodedBody[CampaignForm]
) -> Response:  # fmt: skip
    """Save, try on past orders of the city, or save and publish. What is wrong stands beside its field."""
    await _enter(visit, desk)
    campaign_id = desk.read(PROMOTION, campaign)
    it = await _mine(visit, desk, campaign) if data.version else None
    read = await _read(visit, desk, data, campaign_id, it)
    more: dict[str, Any] = {"campaign_id": campaign_id, "running": it}
    if read.wrong:
        return await _editor(visit, desk, data, read, wrongs=read.wrong, status=422, **more)
    try:
        if data.then == "try":
            tried = await simulating.simulate(
                visit.house, desk.city_id, desk.actor, read.campaign.rule, merchant_id=None
            )
            return await _editor(visit, desk, data, read, tried=tried, **more)
        await _saved(visit, desk, read)
        if data.then == "publish":
            await campaigns.step(visit.house, desk.city_id, desk.actor, campaign_id, "publish")
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await _editor(visit, desk, data, read, wrong=refusal, status=refusal.status, **more)
    done = "publish" if data.then == "publish" else "saved"
    return Redirect(desk.to(f"/campaigns/{campaign}", done=done), status_code=303)


async def _saved(visit: Visit, desk: Desk, read: Read) -> None:
    """Save; a new form that is sent a second time is the first."""
    try:
        await campaigns.save(visit.house, desk.city_id, desk.actor, read.campaign)
    except pricing.PromotionChanged:
        if read.campaign.version is not None:
            raise
        await campaigns.mine(visit.house, desk.city_id, desk.actor, read.campaign.campaign_id)


@get("/{city:str}/campaigns/{campaign:str}", guards=[RUNS])
async def one(visit: Visiting, desk: AtDesk, campaign: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """One campaign: how it stands, what it spends, who pays, and the stop button."""
    return await _view(visit, desk, campaign, done=done)


async def _view(
    visit: Visit, desk: Desk, campaign: str, *, done: str = "", wrong: Refusal | None = None, status: int = 200
) -> Response[str]:
    await _enter(visit, desk)
    it, now = await _mine(visit, desk, campaign), visit.house.clock.now()
    live = it.kept.live
    async with visit.house.db.reading(desk.city_id) as tx:
        pace = await pace_of(tx, it, city_id=desk.city_id, now=now)
        history = await pricing.promotion_history(tx, live.promotion_id, city_id=desk.city_id)
    async with visit.house.db.central() as tx:
        authors = await people.members(tx, [step.by for step in history if step.by is not None])
    return visit.page(
        "operator/campaign.html", status=status, row=shown(it, now), live=live, kept=it.kept, pace=pace, wrong=wrong,
        history=list(reversed(history)), authors={i: m.shown for i, m in authors.items()}, shown_id=campaign,
        done=done if done in VERBS else "", figure=figure(visit, live.rule), asks=asks_of(live.rule),
        prize=pricing.in_words(live.rule.benefit, live.rule.asset),
        amount_of=lambda units: Amount(units, live.rule.asset),
    )  # fmt: skip


@post("/{city:str}/campaigns/{campaign:str}/steps", guards=[RUNS])
async def step(
    visit: Visiting, desk: AtDesk, campaign: FromPath[str], data: URLEncodedBody[StepForm]
) -> Response:  # fmt: skip
    """Publish, stop, resume or end."""
    it = await _mine(visit, desk, campaign)
    try:
        await campaigns.step(visit.house, desk.city_id, desk.actor, it.kept.live.promotion_id, data.what)
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await _view(visit, desk, campaign, wrong=refusal, status=refusal.status)
    return Redirect(desk.to(f"/campaigns/{campaign}", done=data.what), status_code=303)


ROUTES = (listed, new, edit, save, one, step)
