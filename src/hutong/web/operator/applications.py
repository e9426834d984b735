"""Businesses that want to come in: what they say, what is different from the round before, their papers; one tap lets
them in, two send them back."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from hutong import people, places, recruiting
from hutong.desk import admitting
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.ids import APPLICATION
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.text import Text
from hutong.recruiting import SLA, Application, Claim, Document, Operator, Requirement, Step, Words
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.cursors import After, read_cursor, write_cursor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.uploads import AnyRequest, most_bytes, read_form
from hutong.web.shared.visit import Visit, Visiting

RECRUITS = permission(Permission.RECRUIT)
ON_PAGE = 10
REASONS = ("photo", "name", "expired", "scope", "address", "person")
DONE = ("approve", "return", "reject")


class DecisionForm(KeyedForm, frozen=True, kw_only=True):
    """One tap: `approve`, `return:<reason>` or `reject:<reason>`; the version that was looked at."""

    decision: str
    version: int
    words: str = ""


class VerdictForm(KeyedForm, frozen=True, kw_only=True):
    """A word about one paper: `accepted`, or `rejected:<reason>`, or `waived` with words."""

    verdict: str
    words: str = ""


class Item(Struct, frozen=True, kw_only=True):
    """An application with all that its reviewer needs."""

    one: Application
    shown: str
    who: str
    late: bool
    until: datetime
    asked: list[Requirement]
    documents: dict[UUID, Document]
    steps: list[Step]
    differences: list[tuple[str, str, str]]
    changed: frozenset[str]
    district: Text | None
    trade: Text | None
    claims: list[Claim]
    may: bool


@get("/{city:str}/applications", guards=[RECRUITS])
async def queue(
    visit: Visiting, desk: AtDesk, shown: Annotated[str, QueryParameter(name="state", max_length=20)] = "",
    done: FromQuery[str] = "", after: After = None,
) -> Response[str]:  # fmt: skip
    """What waits for an answer, the longest waiting first; `state=all`: also what does not wait."""
    desk.must(Permission.RECRUIT)
    visit.frame["tab"] = "applications"
    await counted(visit, desk)
    state = shown
    states = ("submitted",) if state != "all" else ("returned", "rejected", "approved", "withdrawn")
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await recruiting.queue(
            tx, desk.reach, city_id=desk.city_id, states=states, after=read_cursor(after), limit=ON_PAGE + 1
        )
        items, operators = await items_of(tx, visit, desk, found[:ON_PAGE])
    end = found[ON_PAGE - 1] if len(found) > ON_PAGE else None
    return visit.page(
        "operator/applications.html", items=items, operators=operators, reasons=REASONS, state=state,
        done=done if done in DONE else "", further=bool(after),
        more=write_cursor(end.changed_at, end.application_id) if end else None,
    )  # fmt: skip


async def items_of(
    tx: Tx, visit: Visit, desk: Desk, found: list[Application]
) -> tuple[list[Item], dict[UUID, Operator]]:
    ids = [one.application_id for one in found]
    asked = await recruiting.requirements(tx, ids, city_id=desk.city_id)
    papers = await recruiting.documents(tx, ids, city_id=desk.city_id)
    steps = await recruiting.steps(tx, ids, city_id=desk.city_id)
    claims = await recruiting.claims_on(tx, [one.merchant_id for one in found], city_id=desk.city_id)
    names = await people.members(tx, [one.member_id for one in found])
    districts = {d.district_id: d.name for d in await places.districts(tx, desk.city_id)}
    who = {claim.operator_id for rows in claims.values() for claim in rows} | {
        one.operator_id for one in found if one.operator_id
    }
    operators = await recruiting.operators(tx, sorted(who), at=visit.house.clock.now())
    now, items = visit.house.clock.now(), list[Item]()
    for one in found:
        rounds = [step.words for step in steps[one.application_id] if step.words]
        trade = admitting.known_trades().get(one.words.trade)
        items.append(
            Item(
                one=one, shown=APPLICATION.show(one.application_id, desk.city_id), until=one.changed_at + SLA,
                who=names[one.member_id].shown if one.member_id in names else "", late=now - one.changed_at > SLA,
                asked=asked[one.application_id], steps=steps[one.application_id],
                documents={key: d for key, d in papers.items() if d.application_id == one.application_id},
                differences=said(visit, rounds[-2], rounds[-1], districts) if len(rounds) > 1 else [],
                changed=frozenset(
                    d.kind for d in papers.values()
                    if d.application_id == one.application_id and one.round > 1 and d.round == one.round - 1
                ),
                district=districts.get(one.words.district_id), trade=trade.name if trade else None,
                claims=claims.get(one.merchant_id, []), may=desk.reach.admits(one.words.district_id),
            )
        )  # fmt: skip
    return items, operators


def said(visit: Visit, was: Words, now: Words, districts: dict[int, Text]) -> list[tuple[str, str, str]]:
    """(field, before, now) in words, both languages of what people wrote."""

    def words(name: str, value: Any) -> str:
        if isinstance(value, Text):
            return value.zh if value.zh == value.en else f"{value.zh} / {value.en}"
        if isinstance(value, Point):
            return f"{value.lat:.5f}, {value.lon:.5f}"
        if name == "district_id":
            return visit.formats().say(districts.get(value))
        return visit.formats().phone(value) if name == "phone" else str(value)

    return [(n, words(n, a), words(n, b)) for n, a, b in recruiting.differences(was, now)]


async def one_page(
    visit: Visit, desk: Desk, shown: str, *, status: int = 200, wrong: Refusal | None = None, done: str = ""
) -> Response[str]:
    """One application with every paper and every step."""
    visit.frame["tab"] = "applications"
    await counted(visit, desk)
    application_id = desk.read(APPLICATION, shown)
    async with visit.house.db.reading(desk.city_id) as tx:
        one = await recruiting.application(tx, application_id, city_id=desk.city_id, reach=desk.reach)
        if one is None:
            raise recruiting.ApplicationUnknown()
        (item,), operators = await items_of(tx, visit, desk, [one])
        attributed = await recruiting.attributions_of(tx, one.merchant_id)
    return visit.page(
        "operator/application.html", status=status, item=item, operators=operators, reasons=REASONS, wrong=wrong,
        done=done, attributed=attributed, today=local_day(visit.house.clock.now(), desk.city.zone),
    )  # fmt: skip


@get("/{city:str}/applications/{application:str}", guards=[RECRUITS])
async def look(visit: Visiting, desk: AtDesk, application: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """One application."""
    desk.must(Permission.RECRUIT)
    return await one_page(visit, desk, application, done=done if done in (*DONE, "judged", "brought") else "")


@post("/{city:str}/applications/{application:str}/decisions", guards=[RECRUITS], status_code=303)
async def decide(
    visit: Visiting, desk: AtDesk, application: FromPath[str], data: URLEncodedBody[DecisionForm]
) -> Response:
    """Let it in, send it back, say no."""
    desk.must(Permission.RECRUIT)
    what, _, reason = data.decision.partition(":")
    try:
        await admitting.decide(
            visit.house, desk.city_id, visit.member, desk.read(APPLICATION, application), what, version=data.version,
            reason=reason_of(visit, reason, data.words),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await one_page(visit, desk, application, status=refusal.status, wrong=refusal)
    return Redirect(desk.to("/applications", done=what), status_code=303)


def reason_of(visit: Visit, chip: str, words: str) -> str:
    """A chip in the words of both languages, what was written besides after it."""
    if chip and chip not in REASONS:
        raise BadInput(field="decision", why=", ".join(REASONS))
    said = visit.t(f"applications.reason.{chip}") if chip else ""
    return " ".join(part for part in (said, words.strip()) if part)[:400]


@post(
    "/{city:str}/applications/{application:str}/papers/{kind:str}", guards=[RECRUITS], status_code=303
)  # fmt: skip
async def judge(
    visit: Visiting, desk: AtDesk, application: FromPath[str], kind: FromPath[str], data: URLEncodedBody[VerdictForm]
) -> Response:
    """A word about one paper."""
    desk.must(Permission.RECRUIT)
    state, _, reason = data.verdict.partition(":")
    try:
        if state not in ("accepted", "rejected", "waived"):
            raise BadInput(field="verdict", why="accepted, rejected, waived")
        await admitting.judge(
            visit.house, desk.city_id, visit.member, desk.read(APPLICATION, application), kind[:40], state,
            reason=reason_of(visit, reason, data.words),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await one_page(visit, desk, application, status=refusal.status, wrong=refusal)
    return Redirect(desk.to(f"/applications/{application}", done="judged"), status_code=303)


@post(
    "/{city:str}/applications/{application:str}/papers", guards=[RECRUITS], status_code=303,
    request_max_body_size=most_bytes(1),
)  # fmt: skip
async def bring(visit: Visiting, desk: AtDesk, application: FromPath[str], request: AnyRequest) -> Response:
    """A paper that one of the operator's people brings for the applicant: he was there, and that is evidence."""
    desk.must(Permission.RECRUIT)
    sent = await read_form(request, fields={"key", "kind"}, files="file", most=1)
    try:
        await admitting.bring(
            visit.house, desk.city_id, visit.member, desk.read(APPLICATION, application), sent.text("kind")[:40],
            sent.files[0] if sent.files else b"", key=sent.key,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await one_page(visit, desk, application, status=refusal.status, wrong=refusal)
    return Redirect(desk.to(f"/applications/{application}", done="brought"), status_code=303)


ROUTES = (queue, look, decide, judge, bring)
