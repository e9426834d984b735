"""Repeat business as files: one workbook (XLSX) with a sheet for each table, or the same tables as plain lines (CSV).

What people wrote stays text, amounts are numbers with the currency's decimals; what the page hides is hidden here, too.
"""

import asyncio
import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import xlsxwriter
from litestar import Response
from msgspec import Struct

from hutong.desk.repeating import Company, OfCity, OfMerchant
from hutong.insight import Around, Business, Flow, Step
from hutong.insight import tellable as told
from hutong.insight.model import BASIS
from hutong.kit.money import SCALES, Amount
from hutong.kit.refusals import NotFound
from hutong.web.shared.files import attachment
from hutong.web.shared.words import Words

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
Value = str | int | float | Amount | date | None


def known(kind: str) -> None:
    """Raises not_found for what is no kind of file."""
    if kind not in ("xlsx", "csv"):
        raise NotFound()


async def answer(kind: str, tables: "Sequence[Table]", company: Company) -> Response[bytes]:
    """The tables as a file of this kind, named by its days."""
    data = await asyncio.to_thread(as_xlsx if kind == "xlsx" else as_csv, tables)
    every = "-cities" if company.cities else ""
    name = f"hutong-repeat{every}-{company.since}-{company.today}.{kind}"
    return attachment(data, XLSX if kind == "xlsx" else CSV, name)


class Table(Struct, frozen=True):
    """One sheet: its name, its head, its rows."""

    name: str
    head: tuple[str, ...]
    rows: list[tuple[Value, ...]]


def _names(known: Mapping[UUID, str], t: Words, one: UUID | None) -> str:
    return "" if one is None else known.get(one, t("repeat.a_shop"))


def _figures(one: Business, around: Around | None, t: Words) -> list[tuple[str, Value]]:
    """Every figure of a merchant with its name, in the order of the page."""
    few = t("repeat.csv_few")
    found: list[tuple[str, Value]] = [
        (t("repeat.members"), one.members), (t("repeat.new"), one.new), (t("repeat.returning"), one.returning),
        (t("repeat.comings"), one.comings), (t("repeat.money"), one.money),
        (t("repeat.returning_money"), one.returning_money),
    ]  # fmt: skip
    if told(one.elsewhere):
        found += [(t("repeat.elsewhere"), one.elsewhere), (t("repeat.elsewhere_money"), one.elsewhere_money),
                  (t("repeat.share"), one.share / BASIS)]  # fmt: skip
    else:
        found += [(t("repeat.elsewhere"), few), (t("repeat.elsewhere_money"), few), (t("repeat.share"), few)]
    for back in one.backs:
        found += [
            (t("repeat.known", days=back.days), back.rate.of),
            (t("repeat.came_back", days=back.days), back.rate.hits),
        ]
    found.append((t("repeat.col_change"), around.change / BASIS if around and around.change is not None else ""))
    return found


def _flows(
    flows: Sequence[Flow], hidden: frozenset[tuple[UUID | None, UUID]], known: Mapping[UUID, str], t: Words,
    *, own: UUID | None = None,
) -> Table:  # fmt: skip
    """Who came where after where. What members of `own` left at others is the others' business."""
    rows: list[tuple[Value, ...]] = []
    for flow in flows:
        if flow.source is None:
            continue
        names = (_names(known, t, flow.source), _names(known, t, flow.target))
        small = (flow.source, flow.target) in hidden or not told(flow.members)
        if small:
            rows.append((*names, t("repeat.csv_few"), "", "", ""))
        else:
            theirs = own is not None and flow.target != own
            rows.append((*names, flow.members, flow.comings, flow.introduced, "" if theirs else flow.money))
    head = tuple(t(f"repeat.{name}") for name in ("csv_source", "csv_target", "members", "comings", "new", "money"))
    return Table(t("repeat.sheet_flows"), head, rows)


def _trend(steps: Sequence[Step], t: Words, *, strict: bool = False) -> Table:
    """`strict`: the reader is not their shop, so numbers of few members are not told."""
    head = tuple(t(f"repeat.{name}") for name in ("col_from", "members", "new", "returning", "col_introduced"))
    few = t("repeat.csv_few")
    rows: list[tuple[Value, ...]] = [
        (
            step.day,
            *(n if told(n) or not strict else few for n in (step.members, step.new, step.returning)),
            step.introduced if told(step.introduced) else few,
        )
        for step in steps
    ]
    return Table(t("repeat.sheet_trend"), head, rows)


def of_merchant(it: OfMerchant, names: Mapping[UUID, str], t: Words) -> list[Table]:
    """What one merchant's page says."""
    head = (t("repeat.csv_figure"), t("repeat.csv_value"))
    rows: list[tuple[Value, ...]] = [*_figures(it.now, it.around, t)] if it.now else []
    return [
        Table(t("repeat.sheet_figures"), head, rows), _flows(it.flows, it.hidden, names, t, own=it.merchant_id),
        _trend(it.steps, t),
    ]  # fmt: skip


def of_city(it: OfCity, names: Mapping[UUID, str], t: Words) -> list[Table]:
    """All merchants by cross traffic, the whole matrix, the trend."""
    rows: list[tuple[Value, ...]] = []
    head: tuple[str, ...] = (t("repeat.csv_merchant"),)
    for one in it.ranked:
        figures = _figures(it.merchants[one], it.arounds.get(one), t)
        head = (t("repeat.csv_merchant"), *(name for name, _ in figures))
        rows.append((_names(names, t, one), *(value for _, value in figures)))
    return [
        Table(t("repeat.sheet_figures"), head, rows), _flows(it.flows, it.hidden, names, t),
        _trend(it.steps, t, strict=True),
    ]  # fmt: skip


def as_csv(tables: Sequence[Table]) -> bytes:
    """The tables one below the other, an empty line between them; with the mark by which Excel knows UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    for number, table in enumerate(tables):
        if number:
            writer.writerow(())
        writer.writerow(table.head)
        writer.writerows([[_plain(value) for value in row] for row in table.rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(value: Value) -> str | int | float:
    if isinstance(value, Amount):
        return value.decimal()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return f"'{value}"
    return "" if value is None else value


def as_xlsx(tables: Sequence[Table]) -> bytes:
    """The tables as sheets of a workbook; nothing in it could be a formula."""
    with tempfile.TemporaryDirectory(prefix="hutong-") as folder:
        path = Path(folder) / "sheet"
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(path), options) as book:
            bold = book.add_format({"bold": True})
            for table in tables:
                page = book.add_worksheet(table.name[:31])
                page.set_column(0, max(len(table.head) - 1, 1), 20)
                page.freeze_panes(1, 0)
                for column, name in enumerate(table.head):
                    page.write_string(0, column, name, bold)
                for number, row in enumerate(table.rows, 1):
                    for column, value in enumerate(row):
                        _write(page, number, column, value)
        return path.read_bytes()


def _write(page: Any, row: int, column: int, value: Value) -> None:
    if isinstance(value, Amount):
        page.write_number(row, column, value.units / 10 ** SCALES.get(value.asset, 0))
    elif isinstance(value, int | float):
        page.write_number(row, column, value)
    elif value not in (None, ""):
        page.write_string(row, column, value.isoformat() if isinstance(value, date) else str(value))
