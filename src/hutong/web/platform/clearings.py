"""Clearing for the platform: periods of all programmes, each party's statement, disputes and their decisions."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from hutong import clearing, merchants, programmes
from hutong.clearing import Case, Month, Run, StatementUnknown
from hutong.desk import clearings
from hutong.infra.db import Tx
from hutong.kit.ids import CLEARING, MERCHANT, PROGRAMME
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.programmes import Programme
from hutong.web.platform.frame import RUNS, AtFloor, Floor
from hutong.web.shared import clearings as shown
from hutong.web.shared.clearing_files import file_of
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.printing import fonts
from hutong.web.shared.reading import Fields
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE, MOST_CASES = 50, 200
IDS = {"CLEARING": CLEARING, "MERCHANT": MERCHANT, "PROGRAMME": PROGRAMME, "cleared": shown}


class Part(Struct, frozen=True):
    """A programme with its periods, newest first, and its report."""

    programme: Programme
    runs: list[Run]
    months: list[Month]


class DecideForm(KeyedForm, frozen=True, kw_only=True):
    """`stands` or `corrected` with the amount that the line should have had, and why."""

    decision: str = ""
    amount: str = ""
    note: str = ""


@get("/clearings", guards=[RUNS])
async def every(visit: Visiting, floor: AtFloor, done: FromQuery[str] = "") -> Response[str]:
    """All programmes: periods, reserve and liability, open disputes."""
    return await _page(visit, done=done if done in ("cleared", "decided") else "")


async def _page(
    visit: Visit, *, done: str = "", wrong: Refusal | None = None, status: int = 200
) -> Response[str]:  # fmt: skip
    visit.frame["tab"] = "clearings"
    async with visit.house.db.reading() as tx:
        found = await programmes.programmes(tx, at=visit.house.clock.now())
        parts = [await _part(tx, one) for one in found if one.state != "draft"]
        cases = await clearing.disputes(tx, state="open", limit=MOST_CASES)
        names = await merchants.merchants(tx, sorted({case.party_id for case in cases}))
    return visit.page(
        "platform/clearings.html", status=status, parts=parts, cases=cases, names=names, done=done, wrong=wrong, **IDS
    )


async def _part(tx: Tx, one: Programme) -> Part:
    return Part(one, await clearing.runs(tx, one.programme_id), await clearings.months(tx, one))


@post("/clearings", guards=[RUNS])
async def clear(visit: Visiting, floor: AtFloor, data: URLEncodedBody[KeyedForm]) -> Redirect:
    """Close what is due and book it now, instead of at the next round. What is not over stays open."""
    del data
    await clearings.clear_due(visit.house, floor.actor)
    return Redirect(floor.to("/clearings", done="cleared"), status_code=303)


async def _run(tx: Tx, visit: Visit, programme: str, run: str) -> tuple[Programme, Run]:
    found = await programmes.programme(tx, PROGRAMME.read(programme), at=visit.house.clock.now())
    if found is None:
        raise NotFound()
    its = await clearing.run_of(tx, found.programme_id, run_id=CLEARING.read(run))
    if its is None:
        raise StatementUnknown()
    visit.zone = its.zone
    return found, its


@get("/clearings/{programme:str}/{run:str}", guards=[RUNS])
async def one_run(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], run: FromPath[str], after: FromQuery[str] = ""
) -> Response[str]:
    """The statements of one period: all partners, and the programme's own."""
    visit.frame["tab"] = "clearings"
    async with visit.house.db.reading() as tx:
        its, found = await _run(tx, visit, programme, run)
        statements = await clearing.statements_of_run(
            tx, its.programme_id, run_id=found.run_id, limit=ON_PAGE + 1, after=MERCHANT.read(after) if after else None
        )
        names = await merchants.merchants(tx, [one.party_id for one in statements[:ON_PAGE]])
    more = MERCHANT.show(statements[ON_PAGE - 1].party_id) if len(statements) > ON_PAGE else None
    return visit.page(
        "platform/clearing_run.html", programme=its, run=found, statements=statements[:ON_PAGE], names=names,
        more=more, further=bool(after), amount=lambda units: Amount(units, found.asset), **IDS,
    )  # fmt: skip


async def _sheet(
    visit: Visit, floor: Floor, programme: str, run: str, party: str
) -> tuple[clearings.Sheet, UUID]:  # fmt: skip
    async with visit.house.db.reading() as tx:
        _, its = await _run(tx, visit, programme, run)
        party_id = MERCHANT.read(party)
        statement = await clearings.seen(tx, floor.actor, its.run_id, party_id)
        return await clearings.sheet(tx, statement, now=visit.house.clock.now()), party_id


@get("/clearings/{programme:str}/{run:str}/{party:str}", guards=[RUNS])
async def one_statement(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], run: FromPath[str], party: FromPath[str]
) -> Response[str]:
    """The very statement that the partner sees; its disputes are decided here."""
    return await _statement_page(visit, floor, programme, run, party)


async def _statement_page(
    visit: Visit, floor: Floor, programme: str, run: str, party: str, *, status: int = 200, **more: Any
) -> Response[str]:
    visit.frame["tab"] = "clearings"
    it, _ = await _sheet(visit, floor, programme, run, party)
    context: dict[str, Any] = {"programme": programme, "run": run, "party": party, "wrong": None, "typed": None}
    return visit.page(
        "platform/clearing.html", status=status, it=it, prints=fonts(visit.house.settings.font) is not None,
        **(context | more), **IDS,
    )  # fmt: skip


@get("/clearings/{programme:str}/{run:str}/{party:str}/{kind:str}", guards=[RUNS])
async def as_file(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], run: FromPath[str], party: FromPath[str],
    kind: FromPath[str],
) -> Response[bytes]:  # fmt: skip
    """The statement as xlsx, pdf or txt."""
    it, _ = await _sheet(visit, floor, programme, run, party)
    return await file_of(visit, it.statement, kind)


@post("/clearings/{programme:str}/{run:str}/{party:str}/cases/{case:str}", guards=[RUNS])
async def decide(
    visit: Visiting, floor: AtFloor, programme: FromPath[str], run: FromPath[str], party: FromPath[str],
    case: FromPath[str], data: URLEncodedBody[DecideForm],
) -> Response:  # fmt: skip
    """The word on a disputed line, with its reason; what it changes is on the next statement."""
    it, _ = await _sheet(visit, floor, programme, run, party)
    found = next((one for one in it.cases if one.dispute_id.hex == case), None)
    if found is None:
        raise clearing.DisputeUnknown()
    try:
        await _decided(visit, floor, found, data)
    except Refusal as refusal:
        return await _statement_page(
            visit, floor, programme, run, party, wrong=refusal, typed=data, status=refusal.status
        )
    return Redirect(floor.to("/clearings", done="decided"), status_code=303)


async def _decided(visit: Visit, floor: Floor, case: Case, data: DecideForm) -> None:
    if data.decision not in ("stands", "corrected"):
        raise BadInput(field="decision", why=data.decision[:20])
    units = None
    if data.decision == "corrected":
        fields = Fields(data, "UTC")
        minus = data.amount.strip().startswith(("-", "−"))
        units = fields.money("amount", case.asset, data.amount.strip().lstrip("-−")).units
        if fields.wrong:
            raise BadInput(field="amount", why=data.amount[:20])
        units = -units if minus else units
    result = await clearings.decide(
        visit.house, floor.actor, programme_id=case.programme_id, dispute_id=case.dispute_id, correct_units=units,
        note=data.note.strip()[:500],
    )  # fmt: skip
    if isinstance(result, Refusal):
        raise result


ROUTES = (every, clear, one_run, one_statement, as_file, decide)
