"""The recorded coupon use: parquet tables become values, and what cannot be read is counted.

Tables and columns are those of the Complete Journey data (84.51/dunnhumby): households, stores, baskets, products,
coupons by campaign, and redemptions by day. Amounts become cents here, at the border; times are UTC as written.
"""

from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from msgspec import Struct

pc: Any = pyarrow.compute  # its functions are made when it is imported, so their types are not known
INT, MONEY, TIME = pa.int64(), pa.float64(), pa.timestamp("us")
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "transactions": {
        "household_id": INT, "store_id": INT, "basket_id": INT, "product_id": INT, "quantity": INT,
        "sales_value": MONEY, "retail_disc": MONEY, "coupon_disc": MONEY, "coupon_match_disc": MONEY,
        "transaction_timestamp": TIME,
    },
    "coupons": {"coupon_upc": INT, "product_id": INT, "campaign_id": INT},
    "campaigns": {"campaign_id": INT, "household_id": INT},
    "campaign_descriptions": {"campaign_id": INT, "start_date": TIME, "end_date": TIME},
    "coupon_redemptions": {"household_id": INT, "coupon_upc": INT, "campaign_id": INT, "redemption_date": TIME},
    "products": {"product_id": INT},
}  # fmt: skip
OPTIONAL = {"demographics": {"household_id": INT}}
MOST_MONEY = 1_000_000.0  # dollars of one line: beyond it, it is a slip
# Ids begin with a time, and the first instant that they know is that of 1970.
FIRST, LAST = datetime(1971, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 (as written)
SHOWN = 20  # rows that are left out are named, so many of a table


class NotTheData(ValueError):
    """A table is missing, or is not what its name says."""


class Line(Struct, frozen=True, gc=False):
    """One line of a basket, in cents: what it cost before coupons, without any discount, and what coupons took off."""

    product_id: int
    price: int
    list_price: int
    coupon: int
    match: int


class Till(Struct, frozen=True, kw_only=True):
    """One basket at a till, at that instant."""

    basket_id: int
    household_id: int
    store_id: int
    at: datetime
    lines: tuple[Line, ...]


class Redeemed(Struct, frozen=True, kw_only=True):
    """One recorded redemption, in the order of the file."""

    number: int
    household_id: int
    coupon: tuple[int, int]
    day: date


class Journey(Struct, frozen=True, kw_only=True):
    """Everything that was read. A coupon is (campaign, number on the paper); a campaign's days are both included."""

    redeemed: list[Redeemed]
    products: dict[tuple[int, int], set[int]]
    windows: dict[int, tuple[date, date]]
    targets: set[tuple[int, int]]
    tills: dict[int, list[Till]]
    counts: dict[str, int]
    malformed: dict[str, int]
    told: list[str]


def read(folder: Path) -> Journey:
    """The tables of a folder. Baskets are kept of households that redeemed a coupon. Raises NotTheData."""
    tables: dict[str, pa.Table] = {}
    malformed: dict[str, int] = {}
    told: list[str] = []
    for name, columns in {**COLUMNS, **OPTIONAL}.items():
        path = folder / f"{name}.parquet"
        if not path.exists() and name in OPTIONAL:
            continue
        tables[name], malformed[name] = table_of(path, columns, told)
    counts = {
        "households": _different(tables, "household_id"), "stores": _different(tables, "store_id"),
        "products": _different(tables, "product_id"), "campaigns": _different(tables, "campaign_id"),
        "coupons": len(set(_rows(tables["coupons"], "campaign_id", "coupon_upc"))),
        "baskets": _different(tables, "basket_id"), "lines": tables["transactions"].num_rows,
    }  # fmt: skip
    redeemed = [
        Redeemed(number=number, household_id=household, coupon=(campaign, upc), day=when.date())
        for number, (household, upc, campaign, when) in enumerate(
            _rows(tables["coupon_redemptions"], "household_id", "coupon_upc", "campaign_id", "redemption_date"), 1
        )
    ]
    products: dict[tuple[int, int], set[int]] = defaultdict(set)
    for upc, product, campaign in _rows(tables["coupons"], "coupon_upc", "product_id", "campaign_id"):
        products[campaign, upc].add(product)
    return Journey(
        redeemed=redeemed, products=dict(products), windows=_windows(tables, malformed, told),
        targets=set(_rows(tables["campaigns"], "household_id", "campaign_id")),
        tills=_tills(tables["transactions"], {one.household_id for one in redeemed}), counts=counts,
        malformed=malformed, told=told,
    )  # fmt: skip


def table_of(path: Path, columns: dict[str, pa.DataType], told: list[str]) -> tuple[pa.Table, int]:
    """The readable rows with the columns wanted, and how many were left out: the first of them are told, with why."""
    try:
        raw = pq.read_table(path)
    except FileNotFoundError:
        raise NotTheData(f"{path.name} is missing") from None
    except (pa.ArrowException, OSError) as error:
        raise NotTheData(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from None
    missing = sorted(set(columns) - set(raw.column_names))
    if missing:
        raise NotTheData(f"{path.name} has no column {', '.join(missing)}")
    table = pa.table({name: _column(raw[name], kind) for name, kind in columns.items()})
    good = pa.array([True] * table.num_rows, pa.bool_())
    for name, kind in columns.items():
        good = pc.and_(good, _fit(table[name], kind, name))
    kept = table.filter(good)
    left = table.num_rows - kept.num_rows
    if left:
        told.append(f"{path.stem}: {left} rows left out that cannot be read")
        bad = pc.indices_nonzero(pc.invert(good)).slice(0, SHOWN).to_pylist()
        told += [f"{path.name}, row {number + 1}: left out, {_why(raw, table, columns, number)}" for number in bad]
    return kept, left


def _why(raw: pa.Table, table: pa.Table, columns: dict[str, pa.DataType], number: int) -> str:
    """Which columns of a row cannot be meant, as they are written."""
    row = table.slice(number, 1)
    wrong = [name for name, kind in columns.items() if not _fit(row[name], kind, name)[0].as_py()]
    return ", ".join(f"{name} is {raw[name][number]}"[:80] for name in wrong)


def _column(column: Any, kind: pa.DataType) -> Any:
    """The column as `kind`; where that fails value by value, what cannot be read is null."""
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp("us", "UTC"))
    try:
        return column.cast(kind, safe=not pa.types.is_timestamp(column.type))
    except (pa.ArrowException, NotImplementedError):
        return pa.array([_value(value, kind) for value in column.to_pylist()], kind)


def _value(value: Any, kind: pa.DataType) -> Any:
    try:
        if kind == TIME:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
        if kind == INT and isinstance(value, float):  # where one is missing, many write all ids with a fraction
            return int(value) if value.is_integer() else None
        return pa.scalar(str(value)).cast(kind).as_py()
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        return None


def _fit(column: Any, kind: pa.DataType, name: str) -> Any:
    """Which values can be meant: ids and quantities are not negative, money and times are not absurd either."""
    if kind == TIME:
        fit = pc.and_(pc.greater_equal(column, pa.scalar(FIRST, kind)), pc.less(column, pa.scalar(LAST, kind)))
    elif kind == MONEY:
        fit = pc.and_(pc.is_finite(column), pc.and_(pc.greater_equal(column, 0), pc.less(column, MOST_MONEY)))
    else:
        fit = pc.greater_equal(column, 0)
    return pc.fill_null(fit, False)


def _rows(table: pa.Table, *names: str) -> Any:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _different(tables: dict[str, pa.Table], name: str) -> int:
    """How many different ids the tables name together."""
    found = [pc.unique(table[name]) for table in tables.values() if name in table.column_names]
    return len(pc.unique(pa.chunked_array(found))) if found else 0


def _windows(
    tables: dict[str, pa.Table], malformed: dict[str, int], told: list[str]
) -> dict[int, tuple[date, date]]:  # fmt: skip
    found: dict[int, tuple[date, date]] = {}
    for campaign, first, last in _rows(tables["campaign_descriptions"], "campaign_id", "start_date", "end_date"):
        if last < first or campaign in found:
            malformed["campaign_descriptions"] += 1
            why = "it is there before" if campaign in found else "it ends before it begins"
            told.append(f"campaign_descriptions.parquet: campaign {campaign} left out, {why}")
        else:
            found[campaign] = first.date(), last.date()
    return found


def _tills(table: pa.Table, households: set[int]) -> dict[int, list[Till]]:
    """The baskets of these households, by household and in the order of time."""
    table = table.filter(pc.is_in(table["household_id"], pa.array(sorted(households), INT)))
    parts = [cents(table[name]) for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")]
    lines: dict[tuple[int, int, int], list[Line]] = defaultdict(list)
    times: dict[tuple[int, int, int], datetime] = {}
    keys = _rows(table, "household_id", "basket_id", "store_id", "product_id", "transaction_timestamp")
    for (household, basket, store, product, at), sold, retail, coupon, match in zip(keys, *parts, strict=True):
        key = household, basket, store
        lines[key].append(Line(product, sold, sold + retail + match, coupon, match))
        times[key] = min(at, times.get(key, at))
    tills: dict[int, list[Till]] = defaultdict(list)
    for (household, basket, store), bought in lines.items():
        at = times[household, basket, store].replace(tzinfo=UTC)
        till = Till(basket_id=basket, household_id=household, store_id=store, at=at, lines=tuple(bought))
        tills[household].append(till)
    for visits in tills.values():
        visits.sort(key=lambda till: (till.at, till.basket_id, till.store_id))
    return dict(tills)


def cents(column: Any) -> list[int]:
    """Dollars as written become whole cents, half away from zero."""
    return pc.round(pc.multiply(column, 100.0), round_mode="half_towards_infinity").cast(INT).to_pylist()
