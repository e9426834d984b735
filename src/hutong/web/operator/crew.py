"""The operators of a city, their people, and the codes they show: for shops, and for who joins."""

from typing import Any
from uuid import UUID

import segno
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import people, places, recruiting
from hutong.desk import operating
from hutong.kit.access import Permission
from hutong.kit.ids import CALLING, OPERATOR, SEAT, BadId
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.text import Text
from hutong.recruiting import Calling, CallingOver
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.errors import refusal_page
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission, public, signed_in
from hutong.web.shared.visit import Visit, Visiting

RECRUITS = permission(Permission.RECRUIT)
PARTS = ("merchant", "recruiter", "manager")
DONE = ("made", "ranked", "assigned", "dismissed", "uninvited")


class CallForm(KeyedForm, frozen=True, kw_only=True):
    """A code: for whom, of which operator, and how it is remembered."""

    operator: str
    part: str
    label: str = ""


class OperatorForm(KeyedForm, frozen=True, kw_only=True):
    """A new operator, or (with `version`) the part that one is handed; percents with two decimals."""

    kind: str = ""
    name_zh: str = ""
    name_en: str = ""
    parent: str = ""
    percent: str = "100"
    version: int = 0


class AreaForm(KeyedForm, frozen=True, kw_only=True):
    """A district (or the whole city), and who runs it."""

    district: str = ""
    operator: str = ""


async def page(visit: Visit, desk: Desk, *, status: int = 200, **more: Any) -> Response[str]:
    """The operators in reach as a tree, their people and codes; the territories of the city."""
    visit.frame["tab"] = "crew"
    await counted(visit, desk)
    now = visit.house.clock.now()
    rules = desk.can(Permission.RUN_PLATFORM)
    async with visit.house.db.reading(desk.city_id) as tx:
        everyone = await recruiting.all_operators(tx, at=now)
        own = frozenset(one.operator_id for one in everyone) if rules else desk.reach.operators
        leads = own if rules else await operating.managed(tx, visit.member, at=now)
        seats = await recruiting.people_of(tx, sorted(own))
        codes = await recruiting.callings(tx, sorted(own), city_id=desk.city_id)
        areas = await recruiting.territories(tx, city_id=desk.city_id)
        past = await recruiting.territories(tx, city_id=desk.city_id, history=True)
        districts = await places.districts(tx, desk.city_id)
        names = await people.members(tx, [*(s.member_id for s in seats), *(c.made_by for c in codes)])
    context: dict[str, Any] = {"wrong": None, "done": ""} | more
    return visit.page(
        "operator/crew.html", status=status, operators=_tree([o for o in everyone if o.operator_id in own]), own=own,
        leads=leads, seats=seats, codes=codes, areas=areas, past=[a for a in past if a.until], districts=districts,
        names=names, rules=rules, parts=PARTS, everyone={o.operator_id: o for o in everyone}, **context,
    )  # fmt: skip


def _tree(found: list[recruiting.Operator]) -> list[tuple[int, recruiting.Operator]]:
    """(depth, operator), each after who stands above him."""
    known = {one.operator_id for one in found}

    def under(parent: UUID | None, depth: int) -> list[tuple[int, recruiting.Operator]]:
        rows = [one for one in found if (one.parent_id if one.parent_id in known else None) == parent]
        return [pair for one in rows for pair in [(depth, one), *under(one.operator_id, depth + 1)]]

    return under(None, 0)


@get("/{city:str}/people", guards=[RECRUITS])
async def crew(visit: Visiting, desk: AtDesk, done: FromQuery[str] = "") -> Response[str]:
    """Operators, people, codes."""
    desk.must(Permission.RECRUIT)
    return await page(visit, desk, done=done if done in DONE else "")


@post("/{city:str}/invitations", guards=[RECRUITS], status_code=200)
async def call(visit: Visiting, desk: AtDesk, data: URLEncodedBody[CallForm]) -> Response[str]:
    """A code to show: its link is on this one page and nowhere else."""
    desk.must(Permission.RECRUIT)
    try:
        if data.part not in PARTS:
            raise BadInput(field="part", why=", ".join(PARTS))
        text = await operating.call(
            visit.house, desk.city_id, visit.member, operator_id=OPERATOR.read(data.operator), part=data.part,
            label=data.label,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, desk, status=refusal.status, wrong=refusal)
    visit.frame["tab"] = "crew"
    link = f"{visit.house.settings.address}{'/m/invited' if data.part == 'merchant' else '/o/join'}/{text}"
    drawing = segno.make_qr(link, error="m").svg_inline(
        scale=5, border=2, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    return visit.page("operator/calling.html", link=link, drawing=drawing, part=data.part, label=data.label)


@post("/{city:str}/invitations/{calling:str}/end", guards=[RECRUITS], status_code=303)
async def uncall(visit: Visiting, desk: AtDesk, calling: FromPath[str], data: URLEncodedBody[KeyedForm]) -> Response:
    """Take a code back; who came by it before stays."""
    del data
    desk.must(Permission.RECRUIT)
    await operating.uncall(visit.house, desk.city_id, visit.member, desk.read(CALLING, calling))
    return Redirect(desk.to("/people", done="uninvited"), status_code=303)


@post("/{city:str}/people/{seat:str}/end", guards=[RECRUITS], status_code=303)
async def dismiss(visit: Visiting, desk: AtDesk, seat: FromPath[str], data: URLEncodedBody[KeyedForm]) -> Response:
    """Somebody leaves; his roles end at once."""
    del data
    desk.must(Permission.RECRUIT)
    await operating.dismiss(visit.house, visit.member, SEAT.read(seat))
    return Redirect(desk.to("/people", done="dismissed"), status_code=303)


def bps_of(percent: str) -> int:
    """Basis points of a percentage as people type it. Raises bad_input."""
    text = percent.strip().removesuffix("%").strip().replace("，", ".").replace(",", ".")
    whole, _, part = text.partition(".")
    if not (
        whole.isascii() and whole.isdigit() and len(whole) <= 3 and len(part) <= 2 and (not part or part.isdigit())
    ):
        raise BadInput(field="percent", why="0-100")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


@post("/{city:str}/operators", guards=[RECRUITS], status_code=303)
async def make(visit: Visiting, desk: AtDesk, data: URLEncodedBody[OperatorForm]) -> Response:
    """A new operator: by the platform, or below one's own."""
    desk.must(Permission.RECRUIT)
    try:
        if data.kind not in ("division", "agent", "staff"):
            raise BadInput(field="kind", why="division, agent, staff")
        name = Text(zh=data.name_zh.strip(), en=data.name_en.strip() or data.name_zh.strip())
        await operating.make_operator(
            visit.house, visit.member, kind=data.kind, name=name, key=data.key, handed_bps=bps_of(data.percent),
            parent_id=OPERATOR.read(data.parent) if data.parent else None,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, desk, status=refusal.status, wrong=refusal)
    return Redirect(desk.to("/people", done="made"), status_code=303)


@post("/{city:str}/operators/{operator:str}/rank", guards=[RECRUITS], status_code=303)
async def rank(visit: Visiting, desk: AtDesk, operator: FromPath[str], data: URLEncodedBody[OperatorForm]) -> Response:
    """Another part for one below, from now on."""
    desk.must(Permission.RECRUIT)
    try:
        await operating.rank(
            visit.house, visit.member, OPERATOR.read(operator), version=data.version, handed_bps=bps_of(data.percent)
        )
    except Refusal as refusal:
        return await page(visit, desk, status=refusal.status, wrong=refusal)
    return Redirect(desk.to("/people", done="ranked"), status_code=303)


@post("/{city:str}/territories", guards=[permission(Permission.RUN_PLATFORM)], status_code=303)
async def assign(visit: Visiting, desk: AtDesk, data: URLEncodedBody[AreaForm]) -> Response:
    """Who runs a district, from now on: the platform's word."""
    desk.must(Permission.RUN_PLATFORM)
    try:
        await operating.assign(
            visit.house, desk.city_id, visit.member, key=data.key,
            district_id=int(data.district) if data.district.isdigit() else None,
            operator_id=OPERATOR.read(data.operator) if data.operator else None,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, desk, status=refusal.status, wrong=refusal)
    return Redirect(desk.to("/people", done="assigned"), status_code=303)


async def joining(visit: Visit, text: str) -> tuple[int, UUID, str, Calling]:
    """The invitation in a link, for people. Raises recruiting_invitation_over."""
    try:
        city_id, invitation_id, secret = recruiting.read_calling(text)
    except BadId:
        raise CallingOver from None
    async with visit.house.db.reading(city_id) as tx:
        found = await recruiting.calling(tx, invitation_id, secret, city_id=city_id, now=visit.house.clock.now())
    if found is None or found.part == "merchant":
        raise CallingOver
    return city_id, invitation_id, secret, found


@get("/join/{text:str}", guards=[public])
async def join(visit: Visiting, text: FromPath[str]) -> Response[str]:
    """Somebody is invited to an operator's people."""
    visit.personal = True
    actor = await visit.who()
    try:
        city_id, _, _, found = await joining(visit, text)
    except CallingOver as refusal:
        return refusal_page(visit, refusal, to="/")
    async with visit.house.db.reading() as tx:
        who = await recruiting.operators(tx, [found.operator_id], at=visit.house.clock.now())
        city = await places.city(tx, city_id)
    return visit.page(
        "operator/join.html",
        face="operator",
        found=found,
        who=who[found.operator_id],
        city=city,
        text=text,
        actor=actor,
    )


@post("/join/{text:str}", guards=[signed_in], status_code=303)
async def accept(visit: Visiting, text: FromPath[str], data: URLEncodedBody[KeyedForm]) -> Response:
    """Take it."""
    del data
    try:
        city_id, invitation_id, secret, _ = await joining(visit, text)
        await operating.accept(visit.house, city_id, visit.member, invitation_id, secret)
    except Refusal as refusal:
        return refusal_page(visit, refusal, to="/")
    return Redirect("/o", status_code=303)


ROUTES = (join, accept, crew, call, uncall, dismiss, make, rank, assign)
