"""The recorded deals: one row of the file becomes a value, or a reason why it cannot be one. Pure.

The columns are those of the Groupon data (2011/2012): whole days, prices in dollars, dates as m/d/yyyy. They are found
by their names, in any order; what else the file has is not looked at.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct

COLUMNS = (
    "deal_id", "start_date", "min_req", "treatment", "prom_length", "price", "discount_pct", "coupon_duration",
    "featured", "limited_supply", "fb_likes", "quantity_sold", "revenue",
)  # fmt: skip
ASSET = "USD"
UNUSED = frozenset({"treatment", "featured", "limited_supply", "fb_likes"})  # only looked at, so they may be missing
MOST = 10_000_000  # units, or days, or likes: beyond it a number is a slip of the pen
MOST_CENTS = 10**12  # of one unit, before or after the discount; and a thousand times that of all units together
MOST_DAYS = 36_500
FIRST_YEAR, LAST_YEAR = 1971, 2200  # ids begin with a time, and the first instant that they know is that of 1970
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


class NotTheFile(ValueError):
    """The first line does not name the columns, so nothing after it can be understood."""


class Unreadable(ValueError):
    """Why one row cannot be replayed."""


class Row(Struct, frozen=True, kw_only=True):
    """A deal as it was sold. Money in cents; `list_price` follows from price and discount, half up."""

    line: int
    deal_id: str
    start: date
    min_units: int
    days: int
    price: int
    list_price: int
    duration: int
    quantity: int

    @property
    def revenue(self) -> int:
        return self.price * self.quantity

    @property
    def tips(self) -> bool:
        """Whether it sold its minimum; a deal without a tipping point has the minimum 1."""
        return self.quantity >= self.min_units

    @property
    def end(self) -> date:
        """The day on which it is no longer sold."""
        return self.start + timedelta(days=self.days)

    @property
    def last_use(self) -> date:
        """The last day on which what was sold can be used: `duration` days after the end of the sale."""
        return self.end + timedelta(days=self.duration)


class Malformed(Struct, frozen=True):
    """A line that is left out, and why."""

    line: int
    why: str


def read(lines: Iterable[str]) -> tuple[list[Row], list[Malformed]]:
    """The rows in the order of the file, and the lines that are none. Raises NotTheFile.

    Each line stands alone, so that an open quotation mark costs one row and not the rest of the file.
    """
    rows: list[Row] = []
    wrong: list[Malformed] = []
    seen: set[str] = set()
    header: tuple[str, ...] = ()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if not header:
            header = _header(line)
            continue
        try:
            row = _row(number, _cells(header, line))
            if row.deal_id in seen:
                raise Unreadable(f"the deal {row.deal_id} was there before")
        except Unreadable as why:
            wrong.append(Malformed(number, str(why)))
        else:
            seen.add(row.deal_id)
            rows.append(row)
    if not header:
        raise NotTheFile("the file is empty")
    return rows, wrong


def _header(line: str) -> tuple[str, ...]:
    """The names of the columns. Raises NotTheFile when one that is needed is missing or there twice."""
    try:
        found = tuple(name.strip() for name in _split(line.removeprefix("\ufeff").strip()))
    except Unreadable:
        found = ()
    missing = [name for name in COLUMNS if name not in found and name not in UNUSED]
    twice = sorted({name for name in COLUMNS if found.count(name) > 1})
    if missing or twice:
        why = f"{', '.join(missing)} missing" if missing else f"{', '.join(twice)} there twice"
        raise NotTheFile(f"the first line must be: {','.join(COLUMNS)} (in any order); it has {why}")
    return found


def _row(number: int, cells: dict[str, str]) -> Row:
    price = _cents(cells, "price")
    discount = _number(cells, "discount_pct")
    quantity = _count(cells, "quantity_sold")
    revenue = _cents(cells, "revenue")
    for name, most in (("treatment", 1), ("featured", 1), ("limited_supply", 1), ("fb_likes", MOST)):
        if name in cells:
            _count(cells, name, most=most)
    if price == 0:
        raise Unreadable("price must be above zero")
    if discount >= 100:
        raise Unreadable(f"discount_pct must be below 100, not {cells['discount_pct']}")
    if revenue != price * quantity:
        raise Unreadable(f"revenue is {cells['revenue']}, but price x quantity_sold is {_dollars(price * quantity)}")
    list_price = _undiscounted(price, discount)
    if list_price > MOST_CENTS or revenue > 1_000 * MOST_CENTS:
        raise Unreadable(f"{_dollars(max(list_price, revenue))} dollars are more than a deal can cost or bring")
    return Row(
        line=number, deal_id=_name(cells["deal_id"]), start=_date(cells["start_date"]),
        min_units=_count(cells, "min_req", least=1), days=_count(cells, "prom_length", least=1, most=MOST_DAYS),
        price=price, list_price=list_price,
        duration=_count(cells, "coupon_duration", most=MOST_DAYS), quantity=quantity,
    )  # fmt: skip


def _cells(header: Sequence[str], line: str) -> dict[str, str]:
    found = _split(line.rstrip("\r\n"))
    if len(found) != len(header):
        raise Unreadable(f"{len(found)} columns instead of {len(header)}")
    return {name: cell.strip() for name, cell in zip(header, found, strict=True)}


def _split(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except (csv.Error, StopIteration) as error:
        raise Unreadable(f"not comma-separated: {error}") from None


def _name(text: str) -> str:
    if not text or len(text) > 200 or not text.isprintable() or "\ufffd" in text:
        raise Unreadable("deal_id is empty or unreadable")
    return text


def _date(text: str) -> date:
    found = _DATE.fullmatch(text)
    try:
        month, day, year = (int(part) for part in found.groups()) if found else (0, 0, 0)
        when = date(year, month, day)
    except ValueError:
        raise Unreadable(f"start_date {text!r} is no date (m/d/yyyy)") from None
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise Unreadable(f"start_date {text} lies too far away")
    return when


def _number(cells: dict[str, str], name: str) -> Decimal:
    text = cells[name]
    if not _NUMBER.fullmatch(text):
        raise Unreadable(f"{name} {text!r} is no number")
    number = Decimal(text)
    if number < 0:
        raise Unreadable(f"{name} must not be negative")
    return number


def _count(cells: dict[str, str], name: str, *, least: int = 0, most: int = MOST) -> int:
    number = _number(cells, name)
    if number != int(number):
        raise Unreadable(f"{name} {cells[name]} is no whole number")
    if not least <= number <= most:
        raise Unreadable(f"{name} must lie between {least} and {most}, not {cells[name]}")
    return int(number)


def _cents(cells: dict[str, str], name: str) -> int:
    cents = _number(cells, name) * 100
    if cents != int(cents):
        raise Unreadable(f"{name} {cells[name]} has parts of a cent")
    return int(cents)


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _undiscounted(price: int, discount: Decimal) -> int:
    """The price before the discount, half up to the cent; never below the price."""
    return max(price, int((Decimal(price) * 100 / (100 - discount) + Decimal("0.5")).to_integral_value("ROUND_FLOOR")))
