"""Clearing for the operator: periods, statements of partners at home in his city, disputes; reserve and liability."""

from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from hutong import clearing, merchants, programmes
from hutong.clearing import Case, Month, Run, Statement, StatementUnknown
from hutong.desk import clearings
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.ids import CLEARING, MERCHANT, PROGRAMME
from hutong.kit.refusals import NotFound
from hutong.programmes import Programme
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared import clearings as shown
from hutong.web.shared.clearing_files import file_of
from hutong.web.shared.guards import permission
from hutong.web.shared.printing import fonts
from hutong.web.shared.visit import Visit, Visiting

SEES = permission(Permission.VIEW_STATEMENT)
ON_PAGE = 50
IDS = {"CLEARING": CLEARING, "MERCHANT": MERCHANT, "PROGRAMME": PROGRAMME, "cleared": shown}


class Part(Struct, frozen=True):
    """A programme of the city with its periods; `months` only for who runs all of its cities."""

    programme: Programme
    runs: list[Run]
    months: list[Month]


async def _enter(visit: Visit, desk: Desk) -> None:
    desk.must(Permission.VIEW_STATEMENT)
    visit.frame["tab"] = "clearings"
    await counted(visit, desk)


@get("/{city:str}/clearings", guards=[SEES])
async def programmes_here(visit: Visiting, desk: AtDesk) -> Response[str]:
    """The programmes of the city: reserve and liability, periods, open disputes of partners at home here."""
    await _enter(visit, desk)
    async with visit.house.db.reading() as tx:
        every = await programmes.programmes(tx, at=visit.house.clock.now())
        parts = [await _part(tx, desk, one) for one in every if desk.city_id in one.cities and one.state != "draft"]
        cases: list[Case] = []
        for part in parts:
            found = await clearing.disputes(tx, programme_id=part.programme.programme_id, state="open", limit=200)
            cases += [case for case in found if case.home_city == desk.city_id]
        names = await merchants.merchants(tx, sorted({case.party_id for case in cases}))
    return visit.page("operator/clearings.html", parts=parts, cases=cases, names=names, **IDS)


async def _part(tx: Tx, desk: Desk, programme: Programme) -> Part:
    whole = clearings.whole_programme(desk.actor, programme)
    return Part(
        programme, await clearing.runs(tx, programme.programme_id),
        await clearings.months(tx, programme) if whole else [],
    )  # fmt: skip


async def _run(tx: Tx, visit: Visit, desk: Desk, programme: str, run: str) -> tuple[Programme, Run]:
    found = await programmes.programme(tx, PROGRAMME.read(programme), at=visit.house.clock.now())
    if found is None or desk.city_id not in found.cities:
        raise NotFound()
    its = await clearing.run_of(tx, found.programme_id, run_id=CLEARING.read(run))
    if its is None:
        raise StatementUnknown()
    return found, its


@get("/{city:str}/clearings/{programme:str}/{run:str}", guards=[SEES])
async def one_run(
    visit: Visiting, desk: AtDesk, programme: FromPath[str], run: FromPath[str], after: FromQuery[str] = ""
) -> Response[str]:
    """The statements of one period: partners at home in this city."""
    await _enter(visit, desk)
    async with visit.house.db.reading() as tx:
        its, found = await _run(tx, visit, desk, programme, run)
        statements = await clearing.statements_of_run(
            tx, its.programme_id, run_id=found.run_id, city_id=desk.city_id, limit=ON_PAGE + 1,
            after=MERCHANT.read(after) if after else None,
        )  # fmt: skip
        page = statements[:ON_PAGE]
        names = await merchants.merchants(tx, [one.party_id for one in page])
    more = MERCHANT.show(page[-1].party_id) if len(statements) > ON_PAGE else None
    return visit.page(
        "operator/clearing_run.html", programme=its, run=found, statements=page, names=names, more=more,
        further=bool(after), **IDS,
    )  # fmt: skip


async def _statement(
    tx: Tx, visit: Visit, desk: Desk, programme: str, run: str, partner: str
) -> Statement:  # fmt: skip
    """A statement of a partner at home here; another city's is not found."""
    _, found = await _run(tx, visit, desk, programme, run)
    party: UUID = MERCHANT.read(partner)
    one = await clearings.seen(tx, desk.actor, found.run_id, party)
    if one.home_city != desk.city_id:
        raise StatementUnknown()
    return one


@get("/{city:str}/clearings/{programme:str}/{run:str}/{partner:str}", guards=[SEES])
async def one_statement(
    visit: Visiting, desk: AtDesk, programme: FromPath[str], run: FromPath[str], partner: FromPath[str]
) -> Response[str]:
    """The very statement that the partner sees."""
    await _enter(visit, desk)
    async with visit.house.db.reading() as tx:
        found = await _statement(tx, visit, desk, programme, run, partner)
        it = await clearings.sheet(tx, found, now=visit.house.clock.now())
    visit.zone = found.run.zone
    context: dict[str, Any] = {"programme": programme, "run": run, "partner": partner}
    return visit.page(
        "operator/clearing.html", it=it, prints=fonts(visit.house.settings.font) is not None, **context, **IDS
    )


@get("/{city:str}/clearings/{programme:str}/{run:str}/{partner:str}/{kind:str}", guards=[SEES])
async def as_file(
    visit: Visiting, desk: AtDesk, programme: FromPath[str], run: FromPath[str], partner: FromPath[str],
    kind: FromPath[str],
) -> Response[bytes]:  # fmt: skip
    """The statement as xlsx, pdf or txt."""
    desk.must(Permission.VIEW_STATEMENT)
    async with visit.house.db.reading() as tx:
        found = await _statement(tx, visit, desk, programme, run, partner)
    return await file_of(visit, found, kind)


ROUTES = (programmes_here, one_run, one_statement, as_file)
