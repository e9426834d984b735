"""Visits: who was where, what was said, what comes next; and which merchant a visited shop has become."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, people, recruiting
from hutong.desk import admitting, operating
from hutong.kit.access import Permission
from hutong.kit.clock import local, local_day
from hutong.kit.ids import MERCHANT
from hutong.kit.refusals import BadInput, Refusal
from hutong.recruiting import LogVisit
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.operator.shops import the_merchant
from hutong.web.shared.cursors import After, read_cursor, write_cursor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.uploads import AnyRequest, most_bytes, read_form
from hutong.web.shared.visit import Visit, Visiting

RECRUITS = permission(Permission.RECRUIT)
ON_PAGE = 20
AHEAD = timedelta(days=3)  # of next steps that are shown as due
FIELDS = {"key", "business", "phone", "address", "note", "next_step", "next_on", "at", "merchant"}


class LinkForm(KeyedForm, frozen=True, kw_only=True):
    """Which merchant the shop of a visit has become."""

    merchant: str


async def page(
    visit: Visit, desk: Desk, *, status: int = 200, after: str | None = None, wrong: Refusal | None = None,
    typed: dict[str, Any] | None = None, done: str = "", about: str = "",
) -> Response[str]:  # fmt: skip
    """The log, what is due next, and the form of a new visit; `about` is the merchant it is to."""
    visit.frame["tab"] = "visits"
    await counted(visit, desk)
    now = visit.house.clock.now()
    today = local_day(now, desk.city.zone)
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await recruiting.visits(
            tx, desk.field, city_id=desk.city_id, after=read_cursor(after), limit=ON_PAGE + 1
        )
        due = await recruiting.steps_due(tx, desk.field, city_id=desk.city_id, until=today + AHEAD)
        names = await people.members(tx, [one.by for one in found])
        own = await operating.seated(tx, visit.member)
        ids = [one.merchant_id for one in found if one.merchant_id]
        known = await merchants.merchants(tx, ids)
        about_whom = (await the_merchant(tx, desk, about))[0] if about else None
        mine = await recruiting.recruited(tx, sorted(desk.reach.operators), city_id=desk.city_id)
        chosen = await merchants.merchants(tx, mine[:50])
    end = found[ON_PAGE - 1] if len(found) > ON_PAGE else None
    return visit.page(
        "operator/visits.html", status=status, visits=found[:ON_PAGE], due=due, names=names, own=own, known=known,
        wrong=wrong, typed=typed or {}, done=done, today=today, about=about, about_whom=about_whom,
        file_url=visit.house.files.url, MERCHANT=MERCHANT, further=bool(after), chosen=chosen,
        at=f"{local(now, desk.city.zone):%Y-%m-%dT%H:%M}", more=write_cursor(end.at, end.visit_id) if end else None,
    )  # fmt: skip


@get("/{city:str}/visits", guards=[RECRUITS])
async def listed(
    visit: Visiting, desk: AtDesk, done: FromQuery[str] = "", about: FromQuery[str] = "", after: After = None
) -> Response[str]:
    """The visits of one's operators, the latest first."""
    desk.must(Permission.RECRUIT)
    return await page(visit, desk, after=after, done=done if done in ("logged", "linked") else "", about=about)


@post("/{city:str}/visits", guards=[RECRUITS], status_code=303, request_max_body_size=most_bytes(1))
async def log(visit: Visiting, desk: AtDesk, request: AnyRequest) -> Response:
    """Log a visit."""
    desk.must(Permission.RECRUIT)
    sent = await read_form(request, fields=FIELDS, files="photo", most=1)
    typed = {name: sent.text(name) for name in FIELDS}
    try:
        ask = await _ask(visit, desk, typed)
        ask = LogVisit(**{n: getattr(ask, n) for n in LogVisit.__struct_fields__} | _id(visit, sent.key))
        await operating.log_visit(visit.house, desk.city_id, visit.member, ask, sent.files[0] if sent.files else None)
    except Refusal as refusal:
        return await page(visit, desk, status=refusal.status, wrong=refusal, typed=typed)
    return Redirect(desk.to("/visits", done="logged"), status_code=303)


def _id(visit: Visit, key: str) -> dict[str, Any]:
    return {"visit_id": admitting.made_by(visit.member, key, "visit")}


async def _ask(visit: Visit, desk: Desk, typed: dict[str, str]) -> LogVisit:
    """The visit as it was typed. Raises bad_input, bad_phone, operator_not_found, not_found."""
    async with visit.house.db.reading(desk.city_id) as tx:
        own = await operating.seated(tx, visit.member)
        whom = (await the_merchant(tx, desk, typed["merchant"]))[0] if typed["merchant"] else None
    if own is None:
        raise recruiting.OperatorUnknown()
    name = whom.name.in_(visit.language) if whom else typed["business"]
    return LogVisit(
        visit_id=UUID(int=0), operator_id=own, by=visit.member.member_id, business=name, address=typed["address"],
        phone=admitting.phone_of(typed["phone"]) if typed["phone"] else None, note=typed["note"],
        next_step=typed["next_step"], next_on=_day(typed["next_on"]), at=_moment(visit, desk, typed["at"]),
        merchant_id=whom.merchant_id if whom else None,
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(field="next_on", why="2027-01-31") from None


def _moment(visit: Visit, desk: Desk, text: str) -> datetime:
    try:
        return (
            datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(desk.city.zone)) if text else visit.house.clock.now()
        )
    except ValueError:
        raise BadInput(field="at", why="2027-01-31T15:00") from None


@post("/{city:str}/visits/{visited:str}/merchant", guards=[RECRUITS], status_code=303)
async def link(visit: Visiting, desk: AtDesk, visited: FromPath[str], data: URLEncodedBody[LinkForm]) -> Response:
    """Say which merchant it was."""
    desk.must(Permission.RECRUIT)
    try:
        visit_id = UUID(visited)
    except ValueError:
        raise recruiting.VisitUnknown() from None
    merchant_id = MERCHANT.read(data.merchant)
    try:
        await operating.link(visit.house, desk.city_id, visit.member, visit_id, merchant_id)
    except Refusal as refusal:
        return await page(visit, desk, status=refusal.status, wrong=refusal)
    return Redirect(desk.to("/visits", done="linked"), status_code=303)


ROUTES = (listed, log, link)
