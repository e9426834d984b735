"""The books as files: a workbook (XLSX) and plain lines (CSV). Written in chunks, safe to open.

Whatever people wrote stays text: a title that begins with = + - or @ is no formula. Amounts are numbers with the
currency's decimals, times are those of the city. Totals are added up from the very lines that are written.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import xlsxwriter
from msgspec import Struct

from hutong.kit.clock import local
from hutong.kit.ids import ORDER, REDEMPTION
from hutong.kit.money import SCALES, Amount
from hutong.kit.text import Text
from hutong.orders import MerchantRefund
from hutong.settlement import Earning, Payout
from hutong.vouchers import Use
from hutong.web.shared.words import Words

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = (
    "at", "store", "title", "code", "count", "paid", "due", "commission", "operator", "merchant", "undone", "staff",
    "redemption", "rule",
)  # fmt: skip
SUMS = ("day", "count", "due", "commission", "operator", "merchant", "undone")
WIDTHS = {"at": 17, "store": 22, "title": 30, "redemption": 36, "rule": 40, "staff": 14, "undone": 17}
Cell = str | int | float | datetime | Amount | None


class Line(Struct, frozen=True):
    """One redemption with its money and who did it. `paid` is what the buyer paid for it."""

    earning: Earning
    paid: Amount
    store: str
    staff: str

    @classmethod
    def of(cls, earning: Earning, use: Use | None, stores: Mapping[UUID, Text], language: str) -> "Line":
        name = stores.get(earning.store_id)
        paid = Amount(use.paid_units, earning.due.asset) if use else earning.due
        return cls(earning, paid, name.in_(language) if name else "", use.staff_name if use else "")

    def cells(self, city_id: int, zone: str, language: str) -> dict[str, Cell]:
        it = self.earning
        return {
            "at": local(it.at, zone).replace(tzinfo=None), "store": self.store, "title": it.title.in_(language),
            "code": f"…{it.code_tail}", "count": it.count, "paid": self.paid, "due": it.due,
            "commission": it.commission, "operator": it.operator, "merchant": it.merchant,
            "undone": local(it.reversed_at, zone).replace(tzinfo=None) if it.reversed_at else None,
            "staff": self.staff, "redemption": REDEMPTION.show(it.redemption_id, city_id), "rule": it.rule,
        }  # fmt: skip


class Totals:
    """Sums of the lines that count, by local day."""

    def __init__(self, asset: str, zone: str) -> None:
        self.asset, self.zone = asset, zone
        self.days: dict[date, list[int]] = {}

    def add(self, lines: Sequence[Line]) -> None:
        for line in lines:
            day = self.days.setdefault(local(line.earning.at, self.zone).date(), [0, 0, 0, 0, 0, 0])
            if line.earning.reversed_at is not None:
                day[5] += 1
                continue
            it = line.earning
            for place, units in enumerate((1, it.due.units, it.commission.units, it.operator.units, it.merchant.units)):
                day[place] += units

    def rows(self) -> list[list[Cell]]:
        """(day, count, due, commission, operator, merchant, undone) for each day, and the sum of all."""
        return [[day.isoformat(), *self._cells(self.days[day])] for day in sorted(self.days)]

    def sum(self) -> list[Cell]:
        return self._cells([sum(column) for column in zip(*self.days.values(), strict=True)] or [0] * 6)

    def _cells(self, numbers: Sequence[int]) -> list[Cell]:
        return [numbers[0], *(Amount(units, self.asset) for units in numbers[1:5]), numbers[5]]


class Workbook:
    """A workbook that is written row by row: only one row of each sheet is in memory."""

    def __init__(self, path: Path, t: Words, *, asset: str, zone: str, language: str, city_id: int) -> None:
        self.t, self.zone, self.language, self.city_id, self.asset = t, zone, language, city_id, asset
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                   "strings_to_numbers": False, "tmpdir": str(path.parent)}  # fmt: skip
        self.book = xlsxwriter.Workbook(str(path), options)
        scale = SCALES.get(asset, 0)
        money = "#,##0" + ("." + "0" * scale if scale else "") + f' "{asset}"'
        self.bold = self.book.add_format({"bold": True})
        self.head = self.book.add_format({"bold": True, "bottom": 1})
        self.money = self.book.add_format({"num_format": money})
        self.sum_money = self.book.add_format({"num_format": money, "bold": True, "top": 1})
        self.when = self.book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        names = ("summary", "lines", "refunds", "payouts")
        self.sheets: dict[str, Any] = {name: self.book.add_worksheet(t(f"workbook.{name}")) for name in names}
        self.at: dict[str, int] = dict.fromkeys(names, 0)
        self.totals = Totals(asset, zone)
        for column, name in enumerate(COLUMNS):
            self.sheets["lines"].set_column(column, column, WIDTHS.get(name, 13))
        for name in ("summary", "refunds", "payouts"):
            self.sheets[name].set_column(0, 0, 24)
            self.sheets[name].set_column(1, 7, 16)
        self.sheets["lines"].freeze_panes(1, 0)
        self.row("lines", [t(f"workbook.column.{name}") for name in COLUMNS], self.head)

    def row(self, name: str, cells: Sequence[Cell], look: Any = None) -> None:
        """One row at the end of a sheet."""
        sheet, row = self.sheets[name], self.at[name]
        for column, cell in enumerate(cells):
            if isinstance(cell, Amount):
                units = cell.units / 10 ** SCALES.get(cell.asset, 0)
                sheet.write_number(row, column, units, self.sum_money if look is self.bold else self.money)
            elif isinstance(cell, datetime):
                sheet.write_datetime(row, column, cell, self.when)
            elif isinstance(cell, int | float):
                sheet.write_number(row, column, cell, look)
            elif cell is not None:
                sheet.write_string(row, column, cell, look)
        self.at[name] += 1

    def add_lines(self, lines: Sequence[Line]) -> None:
        self.totals.add(lines)
        for line in lines:
            cells = line.cells(self.city_id, self.zone, self.language)
            self.row("lines", [cells[name] for name in COLUMNS])

    def add_refunds(self, refunds: Sequence[MerchantRefund]) -> None:
        t = self.t
        if not self.at["refunds"]:
            self.row(
                "refunds",
                [t(f"workbook.column.{n}") for n in ("asked", "order", "title", "refund", "state")],
                self.head,
            )
        for one in refunds:
            titles = "、".join(title.in_(self.language) for title in one.titles)
            when = local(one.asked_at, self.zone).replace(tzinfo=None)
            order = ORDER.show(one.order_id, self.city_id)
            self.row("refunds", [when, order, titles, one.amount, t(f"workbook.refund.{one.state}")])

    def add_payouts(self, payouts: Sequence[Payout]) -> None:
        t = self.t
        self.row(
            "payouts", [t(f"workbook.column.{n}") for n in ("asked", "amount", "provider", "state", "ended")], self.head
        )
        for one in payouts:
            asked = local(one.asked_at, self.zone).replace(tzinfo=None)
            ended = local(one.ended_at, self.zone).replace(tzinfo=None) if one.ended_at else None
            self.row("payouts", [asked, one.amount, one.provider, t(f"workbook.payout.{one.state}"), ended])

    def close(self, *, facts: Sequence[tuple[str, Cell]]) -> None:
        """The summary from what was written, and the end of the file."""
        t = self.t
        for name, cell in facts:
            self.row("summary", [name, cell])
        self.row("summary", [])
        self.row("summary", [t(f"workbook.sum.{name}") for name in SUMS], self.head)
        for cells in self.totals.rows():
            self.row("summary", cells)
        self.row("summary", [t("workbook.sum.all"), *self.totals.sum()], self.bold)
        self.book.close()


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def csv_cell(cell: Cell) -> str:
    """A cell of the plain file: amounts with a point, times as ISO, words made safe."""
    if isinstance(cell, Amount):
        return cell.decimal()
    if isinstance(cell, datetime):
        return cell.isoformat(" ", timespec="minutes")
    return "" if cell is None else safe(cell) if isinstance(cell, str) else str(cell)


class Lines:
    """The lines as CSV, readable by every spreadsheet (UTF-8 with its mark)."""

    def __init__(self, path: Path, t: Words, *, asset: str, zone: str, language: str, city_id: int) -> None:
        self.zone, self.language, self.city_id = zone, language, city_id
        self.file = path.open("w", encoding="utf-8-sig", newline="")
        self.out = csv.writer(self.file)
        self.out.writerow([t(f"workbook.column.{name}") for name in COLUMNS] + [t("workbook.column.asset")])
        self.asset = asset

    def add_lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            cells = line.cells(self.city_id, self.zone, self.language)
            self.out.writerow([*(csv_cell(cells[name]) for name in COLUMNS), self.asset])

    def close(self) -> None:
        self.file.close()
