"""Merchants of a city and what was agreed with them: how far each is, his contract, who was there, who earns by him."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from hutong import catalog, merchants, people, recruiting, settlement
from hutong.desk import admitting, operating
from hutong.infra.db import Tx
from hutong.kit.access import Permission, Scope
from hutong.kit.clock import local_day
from hutong.kit.ids import APPLICATION, CONTRACT, MERCHANT, OPERATOR
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.kit.text import Text
from hutong.merchants import Merchant, Store
from hutong.recruiting import Application, Attribution, Contract, Offer, Requirement
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

RECRUITS = permission(Permission.RECRUIT)
ON_PAGE = 60  # stores
STEPS = ("papers", "contract", "hours", "photos", "deal")
TERMS = (6, 12, 24, 36)


class OfferForm(KeyedForm, frozen=True, kw_only=True):
    """A contract: the plan (its id and version), how long the operator earns, something to add."""

    plan: str
    months: str = ""
    note: str = ""
    version: int = 0
    contract: str = ""


class ClaimForm(KeyedForm, frozen=True, kw_only=True):
    """Why it is ours."""

    words: str = ""


class TransferForm(KeyedForm, frozen=True, kw_only=True):
    """To whom, and why. Nobody chosen: the house."""

    operator: str = ""
    reason: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """A merchant in the list; `steps`: what of coming in is done."""

    merchant: Merchant
    shown: str
    stores: list[Store]
    steps: dict[str, bool]
    contract: Contract | None
    held: Attribution | None

    @property
    def done(self) -> int:
        return sum(self.steps.values())


async def _stores(tx: Tx, desk: Desk, after: UUID | None) -> list[Store]:
    """The stores in this reach, a page of them."""
    own = await recruiting.recruited(tx, sorted(desk.reach.operators), city_id=desk.city_id)
    wide = desk.reach.everything or bool(desk.reach.districts)
    scope = Scope(cities=frozenset({desk.city_id})) if wide else Scope(merchants=frozenset(own))
    found = await merchants.stores_in(tx, desk.city_id, scope, after=after, limit=ON_PAGE + 1)
    if desk.reach.everything:
        return found
    return [one for one in found if one.merchant_id in own or one.district_id in desk.reach.districts]


async def rows_of(tx: Tx, desk: Desk, stores: list[Store]) -> list[Row]:
    """The merchants of these stores, those first who have the longest way to go."""
    ids = sorted({one.merchant_id for one in stores})
    owners = await merchants.merchants(tx, ids)
    contracts = await recruiting.in_force(tx, ids, city_id=desk.city_id)
    held = await recruiting.holders(tx, ids)
    applied = await recruiting.of_merchants(tx, ids, city_id=desk.city_id)
    asked = await recruiting.requirements(tx, [a.application_id for a in applied.values()], city_id=desk.city_id)
    photos = await merchants.photos(tx, desk.city_id, [one.store_id for one in stores])
    scope = Scope(merchants=frozenset(ids))
    offers = await catalog.offers_in_scope(tx, scope, city_id=desk.city_id, limit=500)
    selling = {one.merchant_id for one in offers.items if one.status == "published"}
    rows = []
    for key in ids:
        own = [one for one in stores if one.merchant_id == key]
        papers = asked.get(applied[key].application_id, []) if key in applied else []
        contract = contracts.get(key)
        steps = {
            "papers": all(r.state in ("accepted", "waived") for r in papers),
            "contract": contract is not None and contract.state == "in_force",
            "hours": any(any(day) for one in own for day in one.hours.days),
            "photos": any(photos.get(one.store_id) for one in own),
            "deal": key in selling,
        }
        rows.append(
            Row(merchant=owners[key], shown=MERCHANT.show(key), stores=own, steps=steps, contract=contract,
                held=held.get(key))
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row.done, str(row.merchant.merchant_id)))


@get("/{city:str}/merchants", guards=[RECRUITS])
async def listed(visit: Visiting, desk: AtDesk, after: FromQuery[str] = "") -> Response[str]:
    """The merchants in reach, those who still come in first; papers that run out."""
    desk.must(Permission.RECRUIT)
    visit.frame["tab"] = "shops"
    await counted(visit, desk)
    today = local_day(visit.house.clock.now(), desk.city.zone)
    async with visit.house.db.reading(desk.city_id) as tx:
        stores = await _stores(tx, desk, _after(after))
        rows = await rows_of(tx, desk, stores[:ON_PAGE])
        due = await recruiting.expiring(tx, desk.reach, city_id=desk.city_id, before=admitting.soon(today))
        who = await recruiting.operators(
            tx, [row.held.operator_id for row in rows if row.held and row.held.operator_id],
            at=visit.house.clock.now(),
        )  # fmt: skip
    more = str(stores[ON_PAGE - 1].store_id) if len(stores) > ON_PAGE else ""
    return visit.page(
        "operator/shops.html", rows=rows, steps=STEPS, due=due, today=today, operators=who,
        more=desk.to("/merchants", after=more) if more else "", further=bool(after),
    )  # fmt: skip


def _after(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput(field="after", why="?") from None


async def the_merchant(tx: Tx, desk: Desk, shown: str) -> tuple[Merchant, list[Store], Application | None]:
    """A merchant in this reach. Raises not_found for any other."""
    merchant_id = MERCHANT.read(shown)
    found = await merchants.merchant(tx, merchant_id)
    stores = await merchants.stores_of(tx, desk.city_id, merchant_id)
    applied = (await recruiting.of_merchants(tx, [merchant_id], city_id=desk.city_id)).get(merchant_id)
    held = (await recruiting.holders(tx, [merchant_id])).get(merchant_id)
    own = held is not None and held.operator_id in desk.reach.operators
    inside = any(desk.reach.covers(district=one.district_id) for one in stores)
    if found is None or not stores or not (desk.reach.everything or own or inside):
        raise NotFound()
    return found, stores, applied


async def page(
    visit: Visit, desk: Desk, shown: str, *, status: int = 200, wrong: Refusal | None = None, done: str = ""
) -> Response[str]:
    """One merchant: steps, papers, contract, visits, who earns."""
    visit.frame["tab"] = "shops"
    await counted(visit, desk)
    now = visit.house.clock.now()
    async with visit.house.db.reading(desk.city_id) as tx:
        one, stores, applied = await the_merchant(tx, desk, shown)
        (row,) = await rows_of(tx, desk, stores)
        papers: list[Requirement] = []
        if applied:
            asked = await recruiting.requirements(tx, [applied.application_id], city_id=desk.city_id)
            papers = asked[applied.application_id]
        contracts = await recruiting.contracts_of(tx, one.merchant_id, city_id=desk.city_id)
        rows = await recruiting.attributions_of(tx, one.merchant_id)
        claims = (await recruiting.claims_on(tx, [one.merchant_id], city_id=desk.city_id)).get(one.merchant_id, [])
        case = (await recruiting.cases_on(tx, [one.merchant_id], city_id=desk.city_id)).get(one.merchant_id)
        visits = await recruiting.visits(tx, desk.field, city_id=desk.city_id, merchant_id=one.merchant_id, limit=10)
        operators = {o.operator_id: o for o in await recruiting.all_operators(tx, at=now)}
        plans = await settlement.plans(tx)
        own = await operating.seated(tx, visit.member)
        names = await people.members(tx, [v.by for v in visits])
        shares = (await recruiting.shares_for(tx, [one.merchant_id], at=now)).get(one.merchant_id)
    return visit.page(
        "operator/shop.html", status=status, one=one, row=row, shown=shown, papers=papers, contracts=contracts,
        rows=rows, claims=claims, case=case, visits=visits, operators=operators, plans=plans, own=own, names=names,
        steps=STEPS, wrong=wrong, done=done, terms=TERMS, MERCHANT=MERCHANT, shares=shares,
        application=APPLICATION.show(applied.application_id, desk.city_id) if applied else "",
    )  # fmt: skip


@get("/{city:str}/merchants/{merchant:str}", guards=[RECRUITS])
async def look(visit: Visiting, desk: AtDesk, merchant: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """One merchant."""
    desk.must(Permission.RECRUIT)
    return await page(visit, desk, merchant, done=done if done in ("offered", "claimed", "moved") else "")


@post("/{city:str}/merchants/{merchant:str}/contracts", guards=[RECRUITS], status_code=303)
async def offer(visit: Visiting, desk: AtDesk, merchant: FromPath[str], data: URLEncodedBody[OfferForm]) -> Response:
    """Offer a contract, or its next version."""
    desk.must(Permission.RECRUIT)
    async with visit.house.db.reading(desk.city_id) as tx:
        one, *_ = await the_merchant(tx, desk, merchant)
        held = (await recruiting.holders(tx, [one.merchant_id])).get(one.merchant_id)
        own = await operating.seated(tx, visit.member)
        plans = await settlement.plans(tx)
    operator_id = held.operator_id if held and held.operator_id else own
    plan = next((p for p in plans if f"{p.plan_id}/{p.version}" == data.plan), None)
    try:
        if plan is None or operator_id is None:
            raise BadInput(field="plan", why="?")
        ask = Offer(
            contract_id=_contract(desk, data, visit), version=data.version, merchant_id=one.merchant_id,
            operator_id=operator_id, plan_id=plan.plan_id, plan_version=plan.version, plan_words=_say(plan),
            months=int(data.months) if data.months.isdigit() and len(data.months) < 4 else None,
            note=data.note, by=visit.member.member_id,
        )  # fmt: skip
        await operating.offer(visit.house, desk.city_id, visit.member, ask)
    except Refusal as refusal:
        return await page(visit, desk, merchant, status=refusal.status, wrong=refusal)
    return Redirect(desk.to(f"/merchants/{merchant}", done="offered"), status_code=303)


def _contract(desk: Desk, data: OfferForm, visit: Visit) -> UUID:
    return (
        desk.read(CONTRACT, data.contract) if data.contract else admitting.made_by(visit.member, data.key, "contract")
    )


def _say(plan: Any) -> Text:
    """A plan as the contract says it: its name and its commission."""
    percent = f"{plan.commission_bps / 100:g} %"
    return Text(zh=f"{plan.name.zh}（佣金 {percent}）", en=f"{plan.name.en} ({percent} commission)")


@post("/{city:str}/merchants/{merchant:str}/claims", guards=[RECRUITS], status_code=303)
async def claim(visit: Visiting, desk: AtDesk, merchant: FromPath[str], data: URLEncodedBody[ClaimForm]) -> Response:
    """Say that one's own operator recruited it."""
    desk.must(Permission.RECRUIT)
    async with visit.house.db.reading(desk.city_id) as tx:
        one, *_ = await the_merchant(tx, desk, merchant)
    try:
        await operating.claim(visit.house, desk.city_id, visit.member, one.merchant_id, words=data.words)
    except Refusal as refusal:
        return await page(visit, desk, merchant, status=refusal.status, wrong=refusal)
    return Redirect(desk.to(f"/merchants/{merchant}", done="claimed"), status_code=303)


@post(
    "/{city:str}/merchants/{merchant:str}/transfers", guards=[permission(Permission.RUN_PLATFORM)], status_code=303
)  # fmt: skip
async def transfer(
    visit: Visiting, desk: AtDesk, merchant: FromPath[str], data: URLEncodedBody[TransferForm]
) -> Response:
    """From now on another earns by it: the platform's word."""
    desk.must(Permission.RUN_PLATFORM)
    async with visit.house.db.reading(desk.city_id) as tx:
        one, *_ = await the_merchant(tx, desk, merchant)
    try:
        await operating.transfer(
            visit.house, desk.city_id, visit.member, one.merchant_id, key=data.key, reason=data.reason,
            operator_id=OPERATOR.read(data.operator) if data.operator else None,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, desk, merchant, status=refusal.status, wrong=refusal)
    return Redirect(desk.to(f"/merchants/{merchant}", done="moved"), status_code=303)


ROUTES = (listed, look, offer, claim, transfer)
