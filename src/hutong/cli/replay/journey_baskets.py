"""Every basket of the Complete Journey data as one purchase: who, where, when, for how much."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from msgspec import Struct

from hutong.cli.replay.journey_rows import COLUMNS, NotTheData, cents, table_of


class Basket(Struct, frozen=True, gc=False):
    """One basket of a household at a store; `units` are the cents of its lines. `at` is UTC as written."""

    household_id: int
    store_id: int
    basket_id: int
    at: datetime
    units: int


def baskets(folder: Path, told: list[str] | None = None) -> tuple[list[Basket], int]:
    """All baskets in the order of time, and how many lines were left out as unreadable; the first of these are told.
    Raises NotTheData, also when there is not one basket."""
    told = [] if told is None else told
    names = ("household_id", "store_id", "basket_id", "transaction_timestamp", "sales_value")
    table, malformed = table_of(
        folder / "transactions.parquet", {name: COLUMNS["transactions"][name] for name in names}, told
    )
    if not table.num_rows:
        raise NotTheData("; ".join(["transactions.parquet has no basket that can be read", *told[1:2]]))
    table = table.append_column("units", pa.array(cents(table["sales_value"]), pa.int64()))
    whole = table.group_by(["household_id", "store_id", "basket_id"]).aggregate(
        [("transaction_timestamp", "min"), ("units", "sum")]
    )
    columns = (whole[name].to_pylist() for name in
               ("household_id", "store_id", "basket_id", "transaction_timestamp_min", "units_sum"))  # fmt: skip
    found = [
        Basket(household, store, basket, at.replace(tzinfo=UTC), units)
        for household, store, basket, at, units in zip(*columns, strict=True)
    ]
    return sorted(found, key=lambda one: (one.at, one.basket_id, one.store_id)), malformed
