"""Programmes: what a point is and what stands behind it, the rules by version, partners and campaigns."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, people, places, programmes
from hutong.desk import alliances
from hutong.kit.ids import MERCHANT, PROGRAMME, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound, Refusal
from hutong.programmes import Partner
from hutong.web.platform import programme_form as forms
from hutong.web.platform.frame import RUNS, AtFloor, Floor
from hutong.web.platform.programme_form import CampaignForm, PartnerForm, ProgrammeForm, RulesForm
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.reading import Beside, said
from hutong.web.shared.visit import Visit, Visiting

NAMESPACE = UUID("01890000-0000-7000-8000-0000000000a1")  # ids of what a form makes, by its key
RIGHT = Beside()
DONE = ("saved", "ruled", "open", "close", "partner", "campaign")


class TurnForm(KeyedForm, frozen=True, kw_only=True):
    """Open or close."""

    what: str


def _read(text: str) -> UUID:
    return PROGRAMME.read(text)


async def _seen(visit: Visit, floor: Floor, programme: str) -> alliances.Seen:
    visit.frame["tab"] = "programmes"
    seen = await alliances.one(visit.house, floor.actor, _read(programme))
    visit.zone = seen.programme.zone
    return seen


@get("/programmes", guards=[RUNS])
async def every(visit: Visiting, floor: AtFloor) -> Response[str]:
    """All programmes, each with whether its points are covered."""
    visit.frame["tab"] = "programmes"
    found = await alliances.every(visit.house, floor.actor)
    return visit.page("platform/programmes.html", found=found)


@get("/programmes/new", guards=[RUNS])
async def new(visit: Visiting, floor: AtFloor) -> Response[str]:
    """What is a point? It never changes afterwards."""
    return await _new_page(visit, ProgrammeForm(key=visit.new_key()))


async def _new_page(
    visit: Visit, form: ProgrammeForm, *, wrongs: dict[str, str] | None = None, wrong: Refusal | None = None,
    status: int = 200,
) -> Response[str]:  # fmt: skip
    visit.frame["tab"] = "programmes"
    async with visit.house.db.reading() as tx:
        cities = await places.cities(tx)
    return visit.page(
        "platform/programme_new.html", status=status, form=form, cities=cities, wrongs=wrongs or RIGHT, wrong=wrong
    )


@post("/programmes/new", guards=[RUNS])
async def make(visit: Visiting, floor: AtFloor, data: URLEncodedBody[ProgrammeForm]) -> Response:
    """Make the draft; a form that is sent twice makes one."""
    async with visit.house.db.reading() as tx:
        city = await places.city_by_slug(tx, data.city)
    if city is None:
        return await _new_page(visit, data, wrongs=Beside(city=visit.t("platform.programme.wrong.city")), status=422)
    programme_id = derive(NAMESPACE, f"programme/{data.key}")
    read = forms.read_programme(
        data, programme_id=programme_id, currency=city.currency, zone=city.zone, city_id=city.city_id
    )
    if read.wrong:
        return await _new_page(visit, data, wrongs=Beside(said(visit, read.wrong)), status=422)
    try:
        await alliances.save(visit.house, floor.actor, read.value)
    except Refusal as refusal:
        return await _new_page(visit, data, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/programmes/{PROGRAMME.show(programme_id)}/rules"), status_code=303)


@get("/programmes/{programme:str}", guards=[RUNS])
async def show(visit: Visiting, floor: AtFloor, programme: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """One programme: its cover, its rules, who takes part, what runs."""
    return await page(visit, floor, programme, done=done)


async def page(
    visit: Visit, floor: Floor, programme: str, *, done: str = "", wrong: Refusal | None = None, status: int = 200
) -> Response[str]:
    """The page of a programme, with what became of the last step."""
    seen = await _seen(visit, floor, programme)
    async with visit.house.db.reading() as tx:
        cities = {city.city_id: city.name for city in await places.cities(tx)}
        makers = await people.members(tx, [one.made_by for one in seen.rules if one.made_by])
    return visit.page(
        "platform/programme.html", status=status, seen=seen, it=seen.programme, cities=cities, makers=makers,
        wrong=wrong, done=done if done in DONE else "", shown_id=programme, shown=forms.times_of,
        now=visit.house.clock.now(), amount=lambda units: Amount(units, seen.programme.currency),
    )  # fmt: skip


@post("/programmes/{programme:str}/state", guards=[RUNS])
async def turn(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], data: URLEncodedBody[TurnForm]
) -> Response:  # fmt: skip
    """Open it, or close it."""
    try:
        await alliances.turn(visit.house, floor.actor, _read(programme), data.what)
    except programmes.ProgrammeUnsound as refusal:
        return await page(visit, floor, programme, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/programmes/{programme}", done=data.what), status_code=303)


@get("/programmes/{programme:str}/rules", guards=[RUNS])
async def rules(visit: Visiting, floor: AtFloor, programme: FromPath[str]) -> Response[str]:
    """The next version of the rules, filled in with those in force."""
    seen = await _seen(visit, floor, programme)
    form = forms.rules_of(seen.programme, seen.programme.policy, key=visit.new_key())
    return _rules_page(visit, seen, programme, form)


def _rules_page(
    visit: Visit, seen: alliances.Seen, programme: str, form: RulesForm, *, wrongs: dict[str, str] | None = None,
    wrong: Refusal | None = None, status: int = 200,
) -> Response[str]:  # fmt: skip
    return visit.page(
        "platform/programme_rules.html", status=status, it=seen.programme, form=form, wrong=wrong,
        wrongs=wrongs or RIGHT, shown_id=programme, tiers=range(forms.TIERS), caps=forms.CAPS,
    )  # fmt: skip


@post("/programmes/{programme:str}/rules", guards=[RUNS])
async def set_rules(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], data: URLEncodedBody[RulesForm]
) -> Response:
    """Add the version; what is in force or past never changes."""
    seen = await _seen(visit, floor, programme)
    read = forms.read_rules(data, seen.programme, now=visit.house.clock.now(), by=floor.actor.member_id)
    if read.wrong:
        return _rules_page(visit, seen, programme, data, wrongs=Beside(said(visit, read.wrong)), status=422)
    try:
        await alliances.rule(visit.house, floor.actor, read.value)
    except Refusal as refusal:
        return _rules_page(visit, seen, programme, data, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/programmes/{programme}", done="ruled"), status_code=303)


async def _partner(visit: Visit, seen: alliances.Seen, text: str) -> Partner:
    """The partner of an address as he stands, or a merchant who may join (version 0). Raises not_found."""
    partner_id = MERCHANT.read(text)
    for one in seen.partners:
        if one.partner_id == partner_id and one.state != "left":
            return one
    async with visit.house.db.reading() as tx:
        found = await merchants.merchant(tx, partner_id)
        homes = (await merchants.presence(tx, [partner_id])).get(partner_id, frozenset())
    here = homes & seen.programme.cities
    if found is None or not here:
        raise NotFound()
    return Partner(
        programme_id=seen.programme.programme_id, partner_id=partner_id, name=found.name, home_city=min(here),
        mode="prepaid", joined_at=visit.house.clock.now(), version=0,
    )  # fmt: skip


@get("/programmes/{programme:str}/partners", guards=[RUNS])
async def candidates(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], q: FromQuery[str] = ""
) -> Response[str]:
    """Merchants of its cities that are no partner yet."""
    seen = await _seen(visit, floor, programme)
    within = {one.partner_id for one in seen.partners if one.state != "left"}
    async with visit.house.db.reading() as tx:
        homes = await merchants.at_home_in(tx, sorted(seen.programme.cities))
    asked = q.strip().casefold()
    found = {
        one.merchant_id: one
        for of_city in homes.values()
        for one in of_city
        if one.merchant_id not in within and (asked in one.name.zh.casefold() or asked in one.name.en.casefold())
    }
    return visit.page(
        "platform/programme_candidates.html",
        it=seen.programme,
        shown_id=programme,
        q=q[:60],
        found=list(found.values()),
    )


@get("/programmes/{programme:str}/partners/{partner:str}", guards=[RUNS])
async def partner(visit: Visiting, floor: AtFloor, programme: FromPath[str], partner: FromPath[str]) -> Response[str]:
    """How a merchant stands, or on which terms he joins; and what was changed about him."""
    seen = await _seen(visit, floor, programme)
    was = await _partner(visit, seen, partner)
    form = forms.partner_form(was, seen.programme.currency, key=visit.new_key())
    return await _partner_page(visit, seen, programme, was, form)


async def _partner_page(
    visit: Visit, seen: alliances.Seen, programme: str, was: Partner, form: PartnerForm, *, status: int = 200,
    wrongs: dict[str, str] | None = None, wrong: Refusal | None = None,
) -> Response[str]:  # fmt: skip
    it = seen.programme
    async with visit.house.db.reading() as tx:
        history = await programmes.partner_history(tx, it.programme_id, was.partner_id)
        makers = await people.members(tx, [one.by for one in history if one.by])
    return visit.page(
        "platform/programme_partner.html", status=status, it=it, was=was, form=form, wrong=wrong,
        wrongs=wrongs or RIGHT, history=history, makers=makers, shown_id=programme,
    )  # fmt: skip


@post("/programmes/{programme:str}/partners/{partner:str}", guards=[RUNS])
async def set_partner(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], partner: FromPath[str],
    data: URLEncodedBody[PartnerForm],
) -> Response:  # fmt: skip
    """Let him join, or change how he stands."""
    seen = await _seen(visit, floor, programme)
    was = await _partner(visit, seen, partner)
    read = forms.read_partner(data, was, seen.programme)
    if read.wrong:
        return await _partner_page(
            visit, seen, programme, was, data, wrongs=Beside(said(visit, read.wrong)), status=422
        )
    try:
        await alliances.partner(visit.house, floor.actor, read.value, reason=data.reason)
    except Refusal as refusal:
        return await _partner_page(visit, seen, programme, was, data, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/programmes/{programme}", done="partner"), status_code=303)


@get("/programmes/{programme:str}/campaigns/new", guards=[RUNS])
async def new_campaign(visit: Visiting, floor: AtFloor, programme: FromPath[str]) -> Response[str]:
    """More points for a time."""
    seen = await _seen(visit, floor, programme)
    return _campaign_page(visit, seen, programme, CampaignForm(key=visit.new_key()))


def _campaign_page(
    visit: Visit, seen: alliances.Seen, programme: str, form: CampaignForm, **more: Any
) -> Response[str]:
    return visit.page(
        "platform/programme_campaign.html", it=seen.programme, form=form, shown_id=programme,
        **({"wrongs": RIGHT, "wrong": None} | more),
    )  # fmt: skip


@post("/programmes/{programme:str}/campaigns/new", guards=[RUNS])
async def make_campaign(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], data: URLEncodedBody[CampaignForm]
) -> Response:
    """Make it; a form that is sent twice makes one."""
    seen, now = await _seen(visit, floor, programme), visit.house.clock.now()
    read = forms.read_campaign(
        data, seen.programme, campaign_id=derive(NAMESPACE, f"campaign/{data.key}"), now=now
    )  # fmt: skip
    if read.wrong:
        return _campaign_page(visit, seen, programme, data, wrongs=Beside(said(visit, read.wrong)), status=422)
    try:
        await alliances.campaign(visit.house, floor.actor, read.value)
    except Refusal as refusal:
        return _campaign_page(visit, seen, programme, data, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/programmes/{programme}", done="campaign"), status_code=303)


ROUTES = (
    every, new, make, show, turn, rules, set_rules, candidates, partner, set_partner, new_campaign, make_campaign,
)  # fmt: skip
