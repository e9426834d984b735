"""Who recruited whom: an operator sees what he claims, the platform decides what conflicts."""

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, recruiting
from hutong.desk import operating
from hutong.kit.access import Permission
from hutong.kit.ids import CASE, MERCHANT, OPERATOR
from hutong.kit.refusals import Refusal
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.cursors import After, read_cursor, write_cursor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

RECRUITS, DECIDES = permission(Permission.RECRUIT), permission(Permission.RUN_PLATFORM)
ON_PAGE = 20


class DecisionForm(KeyedForm, frozen=True, kw_only=True):
    """Whose it is (nobody: the house's), and why."""

    operator: str = ""
    reason: str = ""


@get("/{city:str}/claims", guards=[RECRUITS])
async def claims(visit: Visiting, desk: AtDesk, after: After = None) -> Response[str]:
    """What one's operators claim, and how it stands; for the platform, the cases."""
    desk.must(Permission.RECRUIT)
    visit.frame["tab"] = "claims"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        own = sorted(desk.reach.operators)
        found = await recruiting.claims_of(tx, own, city_id=desk.city_id, after=read_cursor(after), limit=ON_PAGE + 1)
        cases = await recruiting.cases(tx, city_id=desk.city_id) if desk.can(Permission.RUN_PLATFORM) else []
        ids = [one.merchant_id for one in (*found, *cases)]
        held = await recruiting.holders(tx, ids)
        open_cases = await recruiting.cases_on(tx, ids, city_id=desk.city_id)
        names = await merchants.merchants(tx, ids)
        applied = await recruiting.of_merchants(tx, ids, city_id=desk.city_id)
        operators = {o.operator_id: o for o in await recruiting.all_operators(tx, at=visit.house.clock.now())}
    end = found[ON_PAGE - 1] if len(found) > ON_PAGE else None
    titles = {key: one.words.name for key, one in applied.items()} | {key: one.name for key, one in names.items()}
    return visit.page(
        "operator/claims.html", claims=found[:ON_PAGE], cases=cases, held=held, open_cases=open_cases, titles=titles,
        operators=operators, admitted=set(names), own=set(own), MERCHANT=MERCHANT, CASE=CASE, further=bool(after),
        more=write_cursor(end.at, end.claim_id) if end else None,
    )  # fmt: skip


async def page(
    visit: Visit, desk: Desk, shown: str, *, status: int = 200, wrong: Refusal | None = None, done: str = ""
) -> Response[str]:
    """A case: every claim with its evidence, who holds it now, the decision."""
    visit.frame["tab"] = "claims"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        case = await recruiting.case(tx, desk.read(CASE, shown), city_id=desk.city_id)
        if case is None:
            raise recruiting.CaseUnknown()
        found = (await recruiting.claims_on(tx, [case.merchant_id], city_id=desk.city_id)).get(case.merchant_id, [])
        rows = await recruiting.attributions_of(tx, case.merchant_id)
        one = await merchants.merchant(tx, case.merchant_id)
        operators = {o.operator_id: o for o in await recruiting.all_operators(tx, at=visit.house.clock.now())}
    return visit.page(
        "operator/case.html", status=status, case=case, claims=found, rows=rows, one=one, operators=operators,
        shown=shown, wrong=wrong, done=done, MERCHANT=MERCHANT,
    )  # fmt: skip


@get("/{city:str}/cases/{case:str}", guards=[DECIDES])
async def look(visit: Visiting, desk: AtDesk, case: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """A case with its record."""
    desk.must(Permission.RUN_PLATFORM)
    return await page(visit, desk, case, done="decided" if done == "decided" else "")


@post("/{city:str}/cases/{case:str}/decisions", guards=[DECIDES], status_code=303)
async def decide(visit: Visiting, desk: AtDesk, case: FromPath[str], data: URLEncodedBody[DecisionForm]) -> Response:
    """The platform's word."""
    desk.must(Permission.RUN_PLATFORM)
    try:
        await operating.decide(
            visit.house, desk.city_id, visit.member, desk.read(CASE, case), reason=data.reason,
            operator_id=OPERATOR.read(data.operator) if data.operator else None,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await page(visit, desk, case, status=refusal.status, wrong=refusal)
    return Redirect(desk.to(f"/cases/{case}", done="decided"), status_code=303)


ROUTES = (claims, look, decide)
