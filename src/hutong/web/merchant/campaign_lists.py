"""Codes and lists of a campaign: made, brought, downloaded; coupons given to the numbers of an upload, row by row."""

import csv
import io
import tempfile
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import xlsxwriter
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect
from python_calamine import CalamineError, CalamineWorkbook

from hutong.desk import handing
from hutong.desk.handing import MOST_ROWS
from hutong.kit.ids import PROMOTION
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.web.merchant.campaigns import WRITES, campaign_view
from hutong.web.merchant.deals import offer_id_of
from hutong.web.merchant.sheets import DANGEROUS
from hutong.web.merchant.till import AtTill
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.uploads import most_bytes, read_form
from hutong.web.shared.visit import Visiting

Posted = RequestEncodingType.URL_ENCODED
ZIP = b"PK\x03\x04"  # how a workbook begins
MOST_BYTES = 2_000_000


class CodesForm(KeyedForm, frozen=True, kw_only=True):
    """How many codes are to be made, and what the batch is called."""

    count: str = ""
    label: str = ""


def rows_of(data: bytes) -> list[list[str]]:
    """The rows of a list: of the first sheet of a workbook, or of lines with commas, semicolons or tabs. Empty rows are
    left out. Raises bad_input for what is neither."""
    if len(data) > MOST_BYTES:
        raise BadInput(field="list", why="≤ 2 MB")
    try:
        found = _sheet(data) if data.startswith(ZIP) else _lines(data)
    except (CalamineError, UnicodeDecodeError, csv.Error, ValueError, IndexError) as error:
        raise BadInput(field="list", why="CSV / XLSX") from error
    rows = [row for row in found if any(cell.strip() for cell in row)]
    if len(rows) > MOST_ROWS:
        raise BadInput(field="list", why=f"≤ {MOST_ROWS}")
    return rows


def _sheet(data: bytes) -> list[list[str]]:
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    return [[_cell(value) for value in row] for row in sheet.to_python(nrows=MOST_ROWS + 1)]


def _cell(value: Any) -> str:
    """A number that stands in a cell is written as people typed it: a phone number is no 1.39e10."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _lines(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8-sig")
    first = text.split("\n", 1)[0]
    mark = next((one for one in ("\t", ";") if one in first), ",")
    return [list(row) for row in csv.reader(io.StringIO(text), delimiter=mark)]


def escaped(text: str) -> str:
    """What a program for tables would take for a formula stays text."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def as_csv(rows: list[tuple[str, str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[escaped(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_workbook(rows: list[tuple[str, str]], title: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="hutong-") as folder:
        path = Path(folder) / "codes"
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(path), options) as book:
            page = book.add_worksheet(title[:31])
            page.set_column(0, 0, 26)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    page.write_string(number, place, cell)
        return path.read_bytes()


@post("/{store:str}/campaigns/{campaign:str}/codes", guards=[WRITES], status_code=303)
async def make_codes(
    visit: Visiting, till: AtTill, campaign: FromPath[str], data: Annotated[CodesForm, Body(media_type=Posted)]
) -> Response:
    """Make a batch of codes; the same form twice is one batch."""
    try:
        count = int(data.count) if data.count.isascii() and data.count.isdigit() and len(data.count) < 7 else 0
        await handing.make_codes(
            visit.house, till.city_id, till.actor, till.read(PROMOTION, campaign), batch_id=offer_id_of(data.key),
            count=count, label=data.label,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await campaign_view(visit, till, campaign, wrong=refusal, status=refusal.status)
    return Redirect(till.to(f"/campaigns/{campaign}", done="saved"), status_code=303)


@get("/{store:str}/campaigns/{campaign:str}/codes/{file:str}", guards=[WRITES])
async def download_codes(
    visit: Visiting, till: AtTill, campaign: FromPath[str], file: FromPath[str]
) -> Response[bytes]:
    """The codes of a batch that was made here, with their states: a workbook or lines."""
    name, _, kind = file.partition(".")
    try:
        batch_id = UUID(hex=name)
    except ValueError:
        raise NotFound() from None
    if kind not in ("csv", "xlsx"):
        raise NotFound()
    found = await handing.codes_of(visit.house, till.city_id, till.actor, till.read(PROMOTION, campaign), batch_id)
    rows = [("code", "state"), *found]
    body = as_csv(rows) if kind == "csv" else as_workbook(rows, visit.t("campaign.codes"))
    media = "text/csv; charset=utf-8" if kind == "csv" else (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )  # fmt: skip
    headers = {"content-disposition": f'attachment; filename="codes.{kind}"', "cache-control": "no-store"}
    return Response(body, media_type=media, headers=headers)


@post(
    "/{store:str}/campaigns/{campaign:str}/imports", guards=[WRITES], status_code=200,
    request_max_body_size=most_bytes(1),
)  # fmt: skip
async def bring_codes(
    visit: Visiting, till: AtTill, campaign: FromPath[str], request: Request[Any, Any, Any]
) -> Response[str]:
    """Add codes that somebody else made; every row with what became of it."""
    sent = await read_form(request, fields={"key", "label", "pool"}, files="list", most=1)
    try:
        if not sent.files:
            raise BadInput(field="list", why="CSV / XLSX")
        rows = await handing.bring_codes(
            visit.house, till.city_id, till.actor, till.read(PROMOTION, campaign), rows_of(sent.files[0]),
            batch_id=offer_id_of(sent.key), label=sent.text("label"), pool=sent.text("pool") == "yes",
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await campaign_view(visit, till, campaign, wrong=refusal, status=refusal.status)
    return await campaign_view(visit, till, campaign, issued=rows)


@post(
    "/{store:str}/campaigns/{campaign:str}/issues", guards=[WRITES], status_code=200,
    request_max_body_size=most_bytes(1),
)  # fmt: skip
async def issue(
    visit: Visiting, till: AtTill, campaign: FromPath[str], request: Request[Any, Any, Any]
) -> Response[str]:
    """Give a coupon to everybody on a list, typed or uploaded; every row with what became of it."""
    sent = await read_form(request, fields={"key", "phones"}, files="list", most=1)
    typed = sent.text("phones")
    try:
        numbers = [line.strip() for line in typed.splitlines() if line.strip()]
        numbers += [row[0] for data in sent.files for row in rows_of(data) if row[0].strip()]
        if not numbers:
            raise BadInput(field="phones", why="1+")
        rows = await handing.issue(
            visit.house, till.city_id, till.actor, till.read(PROMOTION, campaign), numbers,
            batch_id=offer_id_of(sent.key), label=visit.formats().moment(visit.house.clock.now()),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await campaign_view(visit, till, campaign, wrong=refusal, status=refusal.status, typed=typed)
    return await campaign_view(visit, till, campaign, issued=rows)


ROUTES = (make_codes, download_codes, bring_codes, issue)
