"""Clearing statements of a merchant in a points programme: one amount a period, and every line behind it."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from hutong import clearing, programmes
from hutong.clearing import KINDS, LineUnknown, Statement
from hutong.desk import clearings
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.ids import CLEARING, STORE
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared import clearings as shown
from hutong.web.shared.clearing_files import file_of
from hutong.web.shared.cursors import read_cursor, write_cursor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.printing import fonts
from hutong.web.shared.visit import Visit, Visiting

SEES = permission(Permission.VIEW_STATEMENT)
VIEWS = ("summary", "stores", "days", "lines")
ON_PAGE, PERIODS = 50, 24


class DisputeForm(KeyedForm, frozen=True, kw_only=True):
    """What is wrong with a line."""

    reason: str = ""


def _enter(visit: Visit, till: Till) -> None:
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "clearings"


async def _found(visit: Visit, till: Till, run: str) -> Statement:
    _enter(visit, till)
    async with visit.house.db.reading() as tx:
        return await clearings.seen(tx, till.actor, CLEARING.read(run), till.merchant_id)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None


@get("/{store:str}/clearings", guards=[SEES])
async def all_statements(
    visit: Visiting, till: AtTill, after: Annotated[str | None, QueryParameter(max_length=40)] = None
) -> Response[str]:
    """The merchant's statements, newest period first."""
    _enter(visit, till)
    try:
        before = datetime.fromisoformat(after) if after else None
    except ValueError:
        raise BadInput(field="after", why="2026-11-01T00:00:00Z") from None
    async with visit.house.db.reading() as tx:
        found = await clearing.statements_of_party(tx, till.merchant_id, before=before, limit=PERIODS + 1)
        ids = sorted({one.run.programme_id for one in found})
        names = {one.programme_id: one.name for one in await programmes.programmes(tx, ids, at=visit.house.clock.now())}
        cases = await clearing.disputes(tx, party_id=till.merchant_id, state="open")
    last = found[PERIODS - 1] if len(found) > PERIODS else None
    return visit.page(
        "merchant/clearings.html", statements=found[:PERIODS], names=names, cases=cases, cleared=shown,
        CLEARING=CLEARING,
        more=last.run.until.isoformat() if last else None, further=after is not None,
    )  # fmt: skip


@get("/{store:str}/clearings/{run:str}", guards=[SEES])
async def statement(
    visit: Visiting, till: AtTill, run: FromPath[str], view: FromQuery[str] = "summary", kind: FromQuery[str] = "",
    of: FromQuery[str] = "", day: FromQuery[str] = "",
    after: Annotated[str | None, QueryParameter(max_length=120)] = None,
) -> Response[str]:  # fmt: skip
    """One statement: what it comes to, by store, by day, and each line."""
    found = await _found(visit, till, run)
    asked = view if view in VIEWS else "summary"
    context: dict[str, Any] = {"lines": [], "movements": {}, "more": None}
    async with visit.house.db.reading() as tx:
        it = await clearings.sheet(tx, found, now=visit.house.clock.now())
        if asked == "lines":
            context |= await _lines(tx, it, kind=kind, of=of, day=day, after=after)
    visit.zone = found.run.zone
    return visit.page(
        "merchant/clearing.html", it=it, view=asked, views=VIEWS, run=run, cleared=shown, kind=kind, of=of, day=day,
        kinds=sorted({p.kind for p in found.parts}, key=KINDS.index), further=after is not None,
        prints=fonts(visit.house.settings.font) is not None, CLEARING=CLEARING, **context,
    )  # fmt: skip


async def _lines(tx: Tx, it: clearings.Sheet, *, kind: str, of: str, day: str, after: str | None) -> dict[str, Any]:
    try:
        chosen = date.fromisoformat(day) if day else None
    except ValueError:
        raise BadInput(field="day", why="2026-11-20") from None
    found = await clearing.lines(
        tx, it.run.programme_id, run_id=it.run.run_id, party_id=it.statement.party_id, kind=kind or None,
        store_id=STORE.read_local(of)[1] if of else None, day=chosen, after=read_cursor(after), limit=ON_PAGE + 1,
    )  # fmt: skip
    page = found[:ON_PAGE]
    end = page[-1].entry if len(found) > ON_PAGE else None
    return {
        "lines": page, "movements": await clearings.movements(tx, it.run.programme_id, page),
        "more": write_cursor(end.at, end.transfer_id) if end else None,
    }  # fmt: skip


@get("/{store:str}/clearings/{run:str}/files/{kind:str}", guards=[SEES])
async def as_file(visit: Visiting, till: AtTill, run: FromPath[str], kind: FromPath[str]) -> Response[bytes]:
    """The statement as a workbook (xlsx), as print (pdf), or as the original text that its digest is about (txt)."""
    found = await _found(visit, till, run)
    return await file_of(visit, found, kind)


async def _line_page(
    visit: Visit, till: Till, run: str, line: str, *, status: int = 200, reason: str = "", sent: bool = False,
    wrong: Refusal | None = None,
) -> Response[str]:  # fmt: skip
    found = await _found(visit, till, run)
    async with visit.house.db.reading() as tx:
        one = await clearing.line(tx, found.run.programme_id, _uuid(line), party_id=till.merchant_id)
        if one is None or one[0] != found.run.run_id:
            raise LineUnknown()
        it = await clearings.sheet(tx, found, now=visit.house.clock.now())
        moves = await clearings.movements(tx, found.run.programme_id, [one[1]])
    visit.zone = found.run.zone
    return visit.page(
        "merchant/clearing_line.html", status=status, it=it, line=one[1], run=run, cleared=shown, reason=reason,
        wrong=wrong, sent=sent, move=moves.get(one[1].entry.movement_id), days=clearing.DISPUTE_DAYS,
    )  # fmt: skip


@get("/{store:str}/clearings/{run:str}/lines/{line:str}", guards=[SEES])
async def one_line(
    visit: Visiting, till: AtTill, run: FromPath[str], line: FromPath[str], sent: FromQuery[bool] = False
) -> Response[str]:
    """One line: what moved, where, by which rule; and the case about it, or the form that opens one."""
    return await _line_page(visit, till, run, line, sent=sent)


@post("/{store:str}/clearings/{run:str}/lines/{line:str}", guards=[SEES], status_code=303)
async def dispute(
    visit: Visiting, till: AtTill, run: FromPath[str], line: FromPath[str], data: URLEncodedBody[DisputeForm]
) -> Response:
    """The owner says that the line is wrong."""
    found = await _found(visit, till, run)
    result = await clearings.dispute(
        visit.house, till.actor, run_id=found.run.run_id, party_id=till.merchant_id, transfer_id=_uuid(line),
        reason=data.reason[:1_000],
    )  # fmt: skip
    if isinstance(result, Refusal):
        return await _line_page(visit, till, run, line, status=result.status, reason=data.reason, wrong=result)
    return Redirect(till.to(f"/clearings/{run}/lines/{line}", sent="true"), status_code=303)


ROUTES = (all_statements, statement, as_file, one_line, dispute)
