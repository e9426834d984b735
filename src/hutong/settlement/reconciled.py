"""Reading bills of providers: what each day's says, how much of it agrees, and where it and we differ."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount

Line = Literal["capture", "refund"]
What = Literal["bill_only", "ours_only", "amount", "other_day"]


class BookedBill(Struct, frozen=True, kw_only=True):
    """A provider's bill of a day in one asset, as it was booked. Counts are None of one that was booked before lines
    were compared."""

    provider: str
    day: date
    captured: Amount
    refunded: Amount
    captured_count: int | None
    refunded_count: int | None
    fee: Amount


class Difference(Struct, frozen=True, kw_only=True):
    """A line on which a bill and we differ. `open`: it has not ended."""

    provider: str
    day: date
    line: Line
    ref: UUID
    what: What
    bill: Amount | None
    ours: Amount | None
    our_day: date | None
    open: bool


async def booked_bills(
    tx: Tx, *, city_id: int, until: date | None = None, provider: str | None = None, day: date | None = None,
    days: int = 60,
) -> list[BookedBill]:  # fmt: skip
    """Bills of a city, the latest day first: of the last days before `until`; of one provider; of one day."""
    rows = await tx.rows(
        """select provider, day, asset, captured_units, refunded_units, captured_count, refunded_count, fee_units
           from settlement.bills
           where city_id = %(city)s and (%(until)s::date is null or day < %(until)s::date)
             and (%(provider)s::text is null or provider = %(provider)s::text)
             and day in (select distinct k.day from settlement.bills k
                         where k.city_id = %(city)s and (%(until)s::date is null or k.day < %(until)s::date)
                           and (%(day)s::date is null or k.day = %(day)s::date)
                         order by k.day desc limit %(days)s)
           order by day desc, provider, asset""",
        city=city_id, until=until, provider=provider, day=day, days=days,
    )  # fmt: skip
    return [
        BookedBill(
            provider=row["provider"], day=row["day"], captured=Amount(row["captured_units"], row["asset"]),
            refunded=Amount(row["refunded_units"], row["asset"]), captured_count=row["captured_count"],
            refunded_count=row["refunded_count"], fee=Amount(row["fee_units"], row["asset"]),
        )
        for row in rows
    ]  # fmt: skip


async def differences(tx: Tx, provider: str, *, city_id: int, since: date, until: date) -> list[Difference]:
    """The differences of the bills of the days in [since, until), and the lines that we heard of on one of these days
    but that stand on another day's bill: by day, line and number."""
    rows = await tx.rows(
        """select provider, day, line, ref, what, bill_units, bill_asset, our_units, our_asset, our_day,
                  ended_at is null as open
           from settlement.bill_differences
           where city_id = %(city)s and provider = %(provider)s
             and ((day >= %(since)s and day < %(until)s) or (our_day >= %(since)s and our_day < %(until)s))
           order by day, line, ref, what""",
        city=city_id, provider=provider, since=since, until=until,
    )  # fmt: skip
    return [_difference(row) for row in rows]


def _difference(row: dict[str, Any]) -> Difference:
    names: Sequence[str] = ("provider", "day", "line", "ref", "what", "our_day", "open")
    bill = None if row["bill_units"] is None else Amount(row["bill_units"], row["bill_asset"])
    ours = None if row["our_units"] is None else Amount(row["our_units"], row["our_asset"])
    return Difference(**{name: row[name] for name in names}, bill=bill, ours=ours)
