"""A clearing statement as pages, workbook and print say it: the same figures, the same order, the same bytes."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import xlsxwriter
from msgspec import Struct

from hutong.clearing import KINDS, NETTED, Case, Line, Part, Run, Statement, Sum
from hutong.desk.clearings import Sheet
from hutong.infra import pdf
from hutong.infra.pdf import Colour, Rect, Shape
from hutong.kit.clock import local
from hutong.kit.money import SCALES, Amount
from hutong.kit.text import Text
from hutong.web.shared.formats import Formats
from hutong.web.shared.printing import Fonts, words
from hutong.web.shared.words import Words

INK, QUIET, LINE, GREEN = (0.13, 0.12, 0.11), (0.38, 0.35, 0.32), (0.85, 0.83, 0.8), (0.11, 0.42, 0.34)
LEFT, RIGHT, TOP, FOOT = 48.0, pdf.A4[0] - 48.0, pdf.A4[1] - 60.0, 64.0
ROW = 19.0
PRINTED = 62  # rows of stores or days that are printed; the workbook has all


class Row(Struct, frozen=True):
    """One part in words."""

    part: Part
    name: str
    way: str
    amount: Amount


def rows(statement: Statement, t: Words, *, netted: bool) -> list[Row]:
    """The parts that make up the net, or those that moved at once, in the order of the kinds."""
    own = statement.party == "programme"
    some = [p for p in statement.parts if (own or p.via in NETTED) == netted]
    return [
        Row(p, t(f"clearing.kind.{p.kind}"), t(f"clearing.via.{p.via}"), Amount(p.units, statement.run.asset))
        for p in sorted(some, key=lambda p: (KINDS.index(p.kind), p.via))
    ]


def signed(amount: Amount, f: Formats) -> str:
    """An amount with its sign: + when the party gets it."""
    return ("+" if amount.units > 0 else "−" if amount.units < 0 else "") + f.money(
        Amount(abs(amount.units), amount.asset)
    )


def money(statement: Statement, units: int, f: Formats) -> str:
    """An amount of a statement's currency with its sign."""
    return signed(Amount(units, statement.run.asset), f)


def money_of(asset: str, f: Formats) -> Callable[[int], str]:
    """How units of a currency are written."""
    return lambda units: f.money(Amount(units, asset))


def amount(case: Case) -> Amount:
    """What a disputed line was about."""
    return Amount(case.units, case.asset)


def store_of(one: Sum, stores: dict[UUID, Text], t: Words, language: str) -> str:
    """The name of the store that a sum is about."""
    if one.store_id is None or one.store_id not in stores:
        return t("clearing.no_store")
    return stores[one.store_id].in_(language)


class Book:
    """The statement as a workbook (XLSX): summary, stores, days, and every line. Safe to open, and always the same."""

    def __init__(self, path: Path, it: Sheet, t: Words, f: Formats) -> None:
        self.it, self.t, self.f = it, t, f
        options = {
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
            "constant_memory": False,
        }  # fmt: skip
        self.book = xlsxwriter.Workbook(str(path), options)
        run = it.run
        self.book.set_properties({"title": f"clearing {run.number}", "created": run.closed_at.replace(tzinfo=None)})
        scale = SCALES.get(run.asset, 0)
        self.money = self.book.add_format({"num_format": "#,##0" + ("." + "0" * scale if scale else "")})
        self.when = self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.bold = self.book.add_format({"bold": True})
        self.at: dict[str, int] = {}
        names = {"summary": "clearing.file.summary", "stores": "clearing.view.stores", "days": "clearing.view.days",
                 "lines": "clearing.view.lines"}  # fmt: skip
        self.pages = {key: self.book.add_worksheet(t(name)[:31]) for key, name in names.items()}
        for page in self.pages.values():
            page.set_column(0, 0, 26)
            page.set_column(1, 9, 16)

    def row(self, name: str, cells: Sequence[Any], look: Any = None) -> None:
        number = self.at.get(name, 0)
        for column, cell in enumerate(cells):
            if isinstance(cell, Amount):
                units = cell.units / 10 ** SCALES.get(cell.asset, 0)
                self.pages[name].write_number(number, column, units, self.money)
            elif isinstance(cell, int):
                self.pages[name].write_number(number, column, cell, look)
            elif hasattr(cell, "hour"):
                self.pages[name].write_datetime(number, column, cell, self.when)
            elif cell is not None:
                self.pages[name].write_string(number, column, str(cell), look)
        self.at[name] = number + 1

    def summary(self) -> None:
        it, t, statement = self.it, self.t, self.it.statement
        head = [t(f"clearing.{n}") for n in ("what", "count", "points", "amount")] + [t("clearing.file.via")]
        for name, value in facts(it, t, self.f):
            self.row("summary", [name, value])
        for netted in (True, False):
            some = rows(statement, t, netted=netted)
            if some:
                self.row("summary", [])
                self.row("summary", [t("clearing.netted" if netted else "clearing.moved")], self.bold)
                self.row("summary", head, self.bold)
                for one in some:
                    self.row("summary", [one.name, one.part.count, one.part.points, one.amount, one.way])
        self.row("summary", [])
        self.row("summary", [t("clearing.net"), None, None, it.amount(statement.net_units)], self.bold)
        for name, key, some in (("stores", "store", it.by_store), ("days", "day", it.by_day)):
            columns = ("count", "issued", "burnt", "other", "sum")
            self.row(name, [t(f"clearing.{key}"), *(t(f"clearing.{c}") for c in columns)], self.bold)
            for one in some:
                first = store_of(one, it.stores, t, self.f.language) if key == "store" else str(one.day)
                units = (one.issued, one.burnt, one.other, one.units)
                self.row(name, [first, one.count, *(it.amount(u) for u in units)])
        columns = ("when", "what", "store", "points", "amount", "rule")
        self.row("lines", [*(t(f"clearing.{c}") for c in columns), t("clearing.file.id")], self.bold)
        self.pages["lines"].freeze_panes(1, 0)

    def lines(self, some: Sequence[Line]) -> None:
        """A chunk of lines."""
        it = self.it
        for one in some:
            e = one.entry
            store = it.stores.get(e.store_id) if e.store_id is not None else None
            name = self.t("clearing.no_store") if store is None else store.in_(self.f.language)
            self.row("lines", [
                local(e.at, it.run.zone).replace(tzinfo=None), self.t(f"clearing.kind.{e.kind}"), name, e.points,
                it.amount(e.units), e.rule, str(e.transfer_id),
            ])  # fmt: skip


def facts(it: Sheet, t: Words, f: Formats) -> list[tuple[str, Any]]:
    """What the head of a file says."""
    run, statement = it.run, it.statement
    found: list[tuple[str, Any]] = [
        (t("clearing.file.partner"), f.say(it.name)), (t("clearing.file.programme"), f.say(it.programme.name)),
        (t("clearing.period"), f"{f.days(*days_of(it))} · {t('clearing.number', n=run.number)}"),
        (t("clearing.file.zone"), run.zone),
    ]  # fmt: skip
    if statement.carried_units:
        found.append((t("clearing.carried"), it.amount(statement.carried_units)))
    if statement.limit_units:
        found.append((t("clearing.limit"), it.amount(statement.limit_units)))
    return [*found, (t("clearing.digest"), statement.digest)]


def days_of(it: Sheet) -> tuple[date, date]:
    """The first and the last day of the period."""
    return period_days(it.statement)


def period_days(statement: Statement) -> tuple[date, date]:
    """The first and the last day of a statement's period, in the zone of its programme."""
    return run_days(statement.run)


def run_days(run: Run) -> tuple[date, date]:
    """The first and the last day of a closed period."""
    return local(run.since, run.zone).date(), local(run.until - timedelta(seconds=1), run.zone).date()


class Print:
    """Pages of a statement: lines from above, a new page when one is full."""

    def __init__(self, fonts: Fonts) -> None:
        self.fonts = fonts
        self.pages: list[list[Shape]] = []
        self.new()

    def new(self) -> None:
        self.pages.append([])
        self.y = TOP

    def room(self, height: float) -> None:
        if self.y - height < FOOT:
            self.new()

    def say(
        self, text: str, size: float = 9.5, *, bold: bool = False, x: float = LEFT, most: float = RIGHT - LEFT,
        colour: Colour = INK, align: Any = "left",
    ) -> None:  # fmt: skip
        path = self.fonts.bold if bold else self.fonts.regular
        self.pages[-1] += words(text, path, size, x, self.y, most, colour, align=align)

    def down(self, by: float = ROW) -> None:
        self.y -= by

    def rule(self) -> None:
        self.pages[-1].append(Rect(LEFT, self.y + 13, RIGHT - LEFT, 0.6, LINE))

    def table(self, head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
        """A table: the first column to the left, the others to the right, the head again on every page."""
        self.room(ROW * 3)
        self._cells(head, bold=True)
        for cells in body:
            if self.y - ROW < FOOT:
                self.new()
                self._cells(head, bold=True)
            self._cells(cells)
        self.down(ROW / 2)

    def _cells(self, cells: Sequence[str], *, bold: bool = False) -> None:
        self.rule()
        step = (RIGHT - LEFT - 190) / max(1, len(cells) - 1)
        self.say(cells[0], bold=bold, most=185, colour=QUIET if bold else INK)
        for place, text in enumerate(cells[1:], 1):
            self.say(text, bold=bold, x=LEFT + 190 + step * place, most=step - 6, align="right",
                     colour=QUIET if bold else INK)  # fmt: skip
        self.down()


def printed(it: Sheet, t: Words, f: Formats, fonts: Fonts) -> bytes:
    """The statement as PDF: what it comes to, its parts, stores and days. The lines are in the workbook."""
    p, statement = Print(fonts), it.statement
    p.say(f"{t('site.name')} · {t('clearing.statement')}", 11, colour=GREEN, bold=True)
    p.down(30)
    p.say(f.say(it.name), 20, bold=True)
    p.down(20)
    p.say(
        f"{f.say(it.programme.name)} · {f.days(*days_of(it))} · {t('clearing.number', n=it.run.number)}", colour=QUIET
    )
    p.down(34)
    p.say(t(outcome(statement)), colour=QUIET)
    p.down(26)
    p.say(f.money(it.amount(abs(statement.net_units))), 24, bold=True)
    p.down(34)
    heads = [t(f"clearing.{n}") for n in ("what", "count", "points", "amount")]
    for netted in (True, False):
        some = rows(statement, t, netted=netted)
        if some:
            p.room(ROW * 4)
            p.say(t("clearing.netted" if netted else "clearing.moved"), 11, bold=True)
            p.down(22)
            p.table(heads, [
                (f"{one.name} · {one.way}", str(one.part.count), str(one.part.points), signed(one.amount, f))
                for one in some
            ])  # fmt: skip
    if statement.carried_units:
        p.say(f"{t('clearing.carried')}  {signed(it.amount(statement.carried_units), f)}")
        p.down()
    _sums(p, it, t, f)
    p.room(ROW * 2)
    p.say(f"{t('clearing.digest')}  {statement.digest}", 7, colour=QUIET)
    for number, page in enumerate(p.pages, 1):
        text = t("clearing.file.page", n=number, of=len(p.pages))
        page += words(text, fonts.regular, 8, RIGHT, 36, 200, QUIET, align="right")
    title = f"{t('clearing.statement')} {it.run.number} {f.say(it.name)}"
    return pdf.write_pages(p.pages, size=pdf.A4, title=title, language=f.language)


def outcome(statement: Statement) -> str:
    """Which words stand above the amount."""
    net = statement.net_units
    return "clearing.you_get" if net > 0 else "clearing.you_pay" if net < 0 else "clearing.even"


def _sums(p: Print, it: Sheet, t: Words, f: Formats) -> None:
    for key, some in (("store", it.by_store), ("day", it.by_day)):
        if not some:
            continue
        p.room(ROW * 4)
        p.say(t("clearing.view.stores" if key == "store" else "clearing.view.days"), 11, bold=True)
        p.down(22)
        body = [
            (
                store_of(one, it.stores, t, f.language) if one.day is None else f.short_day(one.day),
                *(signed(it.amount(units), f) for units in (one.issued, one.burnt, one.other, one.units)),
            )
            for one in some[:PRINTED]
        ]
        p.table([t(f"clearing.{n}") for n in (key, "issued", "burnt", "other", "sum")], body)
        if len(some) > PRINTED:
            p.say(t("clearing.file.rest"), colour=QUIET)
            p.down()


def folder() -> tempfile.TemporaryDirectory[str]:
    """Where a workbook is written before it is sent."""
    return tempfile.TemporaryDirectory(prefix="hutong-")
